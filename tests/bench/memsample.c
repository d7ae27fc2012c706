/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memsample PERIOD_MS DOMID...: in dom0, until it is killed, one line a period: milliseconds since the start, and the
 * pages of each domain as Xen counts them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	long long start = now_ms(), next = start, left;
	xc_domaininfo_t info;
	int i;

	if (argc < 3 || !xch || atoi(argv[1]) <= 0) {
		fprintf(stderr, "usage: memsample PERIOD_MS DOMID...\n");
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		printf("%lld", now_ms() - start);
		for (i = 2; i < argc; i++) {
			if (xc_domain_getinfo_single(xch, atoi(argv[i]), &info))
				return 0;
			printf(" %llu", (unsigned long long)info.tot_pages);
		}
		putchar('\n');
		next += atoi(argv[1]);
		left = next - now_ms();
		if (left > 0)
			usleep(left * 1000);
		else
			next = now_ms();
	}
}
