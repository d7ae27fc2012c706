// SPDX-License-Identifier: GPL-2.0-only
/* common.c: the runner of attacks (TAP), and xenstore as a device sees it. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

/* What an attack's process tells the runner: in memory that both have. */
static struct report {
	char note[512];
	char why[512];
} *report;

#define EXIT_SKIP 77

const char *attack_name = "";

/* ---- Time and chance ---- */

uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (ms % 1000) * 1000000l };

	nanosleep(&ts, NULL);
}

static uint64_t rnd_state = 1;

void rnd_seed(uint64_t seed)
{
	rnd_state = seed ? seed : 1;
}

uint64_t rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return rnd_state * 0x2545f4914f6cdd1dull;
}

/* ---- Attacks ---- */

void attack_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->why, sizeof(report->why), fmt, ap);
	va_end(ap);
	_exit(1);
}

void attack_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->why, sizeof(report->why), fmt, ap);
	va_end(ap);
	_exit(EXIT_SKIP);
}

void attack_note(const char *fmt, ...)
{
	size_t used = strlen(report->note);
	va_list ap;

	if (used && used + 2 < sizeof(report->note)) {
		strcpy(report->note + used, "; ");
		used += 2;
	}
	va_start(ap, fmt);
	vsnprintf(report->note + used, sizeof(report->note) - used, fmt, ap);
	va_end(ap);
}

/* Run one function in a process of its own.  0, 1 or EXIT_SKIP; report is filled. */
static int attack_fork(void (*run)(void), unsigned int timeout_s)
{
	uint64_t end = now_ms() + 1000ull * timeout_s;
	int status, r;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		snprintf(report->why, sizeof(report->why), "fork: %s", strerror(errno));
		return 1;
	}
	if (!pid) {
		rnd_seed(1);
		run();
		_exit(0);
	}
	while ((r = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < end)
		sleep_ms(50);
	if (r == 0) {
		kill(pid, SIGKILL);
		snprintf(report->why, sizeof(report->why), "not done after %u s", timeout_s);
		for (end = now_ms() + 10000; now_ms() < end; sleep_ms(10))
			if (waitpid(pid, &status, WNOHANG) == pid)
				return 1;
		snprintf(report->why, sizeof(report->why), "not done after %u s, and cannot be killed", timeout_s);
		return 1;
	}
	if (r < 0 || !WIFEXITED(status)) {
		snprintf(report->why, sizeof(report->why), "the attack itself died of signal %d",
			 r < 0 ? 0 : WTERMSIG(status));
		return 1;
	}
	return WEXITSTATUS(status) == EXIT_SKIP ? EXIT_SKIP : WEXITSTATUS(status) != 0;
}

unsigned int attack_run(const struct attack *table, size_t nr, const char *only, const struct attack_ops *ops)
{
	unsigned int failed = 0, run = 0;

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	printf("1..%zu\n", only ? (size_t)1 : nr);
	for (size_t i = 0; i < nr; i++) {
		const struct attack *a = &table[i];
		char note[sizeof(report->note)];
		int rc;

		if (only && strcmp(only, a->name))
			continue;
		run++;
		attack_name = a->name;
		ops->heal();
		rc = attack_fork(a->run, ATTACK_PATIENCE * (a->timeout_s ? a->timeout_s : ATTACK_TIMEOUT_S));
		strcpy(note, report->note);
		if (rc == EXIT_SKIP) {
			printf("ok %u - %s # SKIP %s\n", run, a->name, report->why);
			continue;
		}
		if (!rc && ops->honest) {
			ops->heal();
			rc = attack_fork(ops->honest, ATTACK_PATIENCE * ATTACK_TIMEOUT_S);
			if (rc) {
				char why[sizeof(report->why)];

				strcpy(why, report->why);
				snprintf(report->why, sizeof(report->why), "afterwards, an honest peer: %.400s", why);
			}
		}
		if (rc) {
			failed++;
			printf("not ok %u - %s: %s%s%s\n", run, a->name, report->why, note[0] ? "; " : "", note);
		} else {
			printf("ok %u - %s%s%s\n", run, a->name, note[0] ? " # " : "", note);
		}
		fflush(stdout);
	}
	ops->heal();
	if (only && !run) {
		fprintf(stderr, "no such attack: %s\n", only);
		return 1;
	}
	return failed;
}

void attack_list(const struct attack *table, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		printf("%-28s %s\n", table[i].name, table[i].must);
}

/* ---- Xenstore ---- */

int xsdev_open(struct xsdev *d)
{
	d->xs = xs_open(0);
	return d->xs ? 0 : -1;
}

void xsdev_close(struct xsdev *d)
{
	if (d->xs)
		xs_close(d->xs);
	d->xs = NULL;
}

int xsdev_read(struct xsdev *d, const char *dir, const char *node, char *buf, size_t size)
{
	char path[512];
	unsigned int len;
	char *v;

	snprintf(path, sizeof(path), "%s/%s", dir, node);
	v = xs_read(d->xs, XBT_NULL, path, &len);
	if (!v)
		return -1;
	snprintf(buf, size, "%s", v);
	free(v);
	return 0;
}

long xsdev_read_num(struct xsdev *d, const char *dir, const char *node, long none)
{
	char buf[64], *end;
	long v;

	if (xsdev_read(d, dir, node, buf, sizeof(buf)))
		return none;
	v = strtol(buf, &end, 10);
	return end == buf || *end ? none : v;
}

bool xsdev_write_raw(struct xsdev *d, const char *node, const void *data, unsigned int len)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", d->me, node);
	return xs_write(d->xs, XBT_NULL, path, data, len);
}

bool xsdev_write(struct xsdev *d, const char *node, const char *fmt, ...)
{
	char value[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	return xsdev_write_raw(d, node, value, strlen(value));
}

void xsdev_rm(struct xsdev *d, const char *node)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", d->me, node);
	xs_rm(d->xs, XBT_NULL, path);
}

void xsdev_set_state(struct xsdev *d, int state)
{
	xsdev_write(d, "state", "%d", state);
}

int xsdev_state(struct xsdev *d)
{
	return xsdev_read_num(d, d->me, "state", XB_GONE);
}

int xsdev_peer_state(struct xsdev *d)
{
	return xsdev_read_num(d, d->peer, "state", XB_GONE);
}

int xsdev_wait(struct xsdev *d, unsigned int set, unsigned int ms)
{
	uint64_t end = now_ms() + ms;
	unsigned int nap = 10;          /* longer and longer: each look costs the victim time as well */

	for (;;) {
		int s = xsdev_peer_state(d);

		if (set & (s == XB_GONE ? XB_SET_GONE : XB_SET(s & 7)))
			return s;
		if (now_ms() >= end)
			return -2;
		sleep_ms(nap);
		nap = nap < 200 ? nap * 3 / 2 : nap;
	}
}
