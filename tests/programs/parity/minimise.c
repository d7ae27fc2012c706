// SPDX-License-Identifier: GPL-2.0-only
/* minimise.c: leave out operations, ever fewer at a time, as long as the same one still differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parity.h"

static bool still(struct run *run, unsigned int epoch, const uint8_t *mask, const struct difference *diff)
{
	struct difference d;

	return epoch_run(run, epoch, mask, &d, false) == 1 && d.n == diff->n;
}

static void print_list(const uint8_t *mask, unsigned int length)
{
	const char *sep = "";

	for (unsigned int i = 0; i <= length; i++) {
		if (!mask[i])
			continue;
		printf("%s%u", sep, i);
		sep = ",";
	}
}

void minimise(struct run *run, unsigned int epoch, const struct difference *diff, unsigned int seconds)
{
	uint8_t *mask = calloc(1, run->length + 1), *less = calloc(1, run->length + 1);
	struct run quiet = *run, *r = &quiet;	/* its counts are nobody's */
	time_t end = time(NULL) + seconds;
	struct difference last;
	unsigned int runs = 0, left = 0;

	memset(mask, 1, diff->n + 1);
	if (!still(r, epoch, mask, diff)) {
		printf("  not seen again: it depends on time, or on what came before the epoch\n");
		goto out;
	}
	for (unsigned int size = (diff->n + 1) / 2; size; size = size > 3 ? size / 2 : size - 1) {
		for (unsigned int at = diff->n; at > 0 && time(NULL) < end;) {
			unsigned int from = at > size ? at - size : 0, had = 0;

			memcpy(less, mask, run->length + 1);
			for (unsigned int i = from; i < at; i++) {
				had += less[i];
				less[i] = 0;
			}
			if (had) {
				runs++;
				if (still(r, epoch, less, diff))
					memcpy(mask, less, run->length + 1);
			}
			at = from;
		}
	}
	printf("  after %u runs: parity --seed %llu --length %u --epoch %u --only ", runs,
	       (unsigned long long)run->seed, run->length, epoch);
	print_list(mask, run->length);
	printf(" %s %s\n", run->dirs[0], run->dirs[1]);
	for (unsigned int i = 0; i <= run->length; i++)
		left += mask[i];
	if (left <= 40) {
		r->trace = true;
		epoch_run(r, epoch, mask, &last, false);
	}
	fflush(stdout);
out:
	free(mask);
	free(less);
}
