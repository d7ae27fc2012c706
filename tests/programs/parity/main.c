// SPDX-License-Identifier: GPL-2.0-only
/*
 * parity: the same random calls in two directories, one on a file system itself and one on it through a pair.
 *
 *	parity [--seed S] [--ops N] [--length L] [--drop-caches] [--most D] [--minimise SECONDS] [--table FILE]
 *	       NATIVE PAIR
 *	parity --seed S --epoch E [--only N,N-N...] [--trace] [--keep] DIR [DIR]
 *	parity --audit DIR
 *
 * Operations come in epochs of L from an empty start.  The first that differs ends its epoch, is made small, and is
 * printed with the command that shows it again.  With one directory: the trace of what happens there.  Run it as root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "parity.h"

static const char *fs_name(const char *dir)
{
	static char other[30];
	struct statfs fs;

	if (statfs(dir, &fs))
		return NULL;
	switch ((unsigned long)fs.f_type & 0xfffffffful) {
	case 0xef53: return "ext4";
	case 0x58465342: return "xfs";
	case 0x9123683e: return "btrfs";
	case 0xca451a4e: return "bcachefs";
	case 0x01021994: return "tmpfs";
	default:
		snprintf(other, sizeof(other), "%lx", (unsigned long)fs.f_type);
		return other;
	}
}

static bool parse_only(const char *text, uint8_t *mask, unsigned int length)
{
	char *end;

	while (*text) {
		unsigned long from = strtoul(text, &end, 10), to = from;

		if (end == text)
			return false;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		if (from > to || to > length || (*end && *end != ','))
			return false;
		memset(mask + from, 1, to - from + 1);
		text = *end ? end + 1 : end;
	}
	return true;
}

/* The words that say what kind of difference it is: one of each kind is made small. */
static uint64_t kind(const struct difference *d)
{
	size_t i = 0, j, k;
	char text[200];

	while (d->native[i] && d->native[i] == d->pair[i])
		i++;
	j = i > 8 ? i - 8 : 0;
	k = strcspn(d->native + i, " ");
	snprintf(text, sizeof(text), "%s %.*s %.10s", d->step.op->name, (int)(k + i - j > 40 ? 40 : k + i - j),
		 d->native + j, d->pair + i);
	for (char *p = text; *p; p++)
		if (*p >= '0' && *p <= '9')
			*p = '0';
	return hash(text, strlen(text));
}

static void table(const struct run *run, const char *file)
{
	FILE *f = fopen(file, "w");

	if (!f) {
		perror(file);
		return;
	}
	for (unsigned int i = 0; gen_op(i); i++)
		fprintf(f, "%s\t%s\t%lu\t%lu\t%lu\t%s\n", run->fs, gen_op(i)->name, run->count[i], run->bad[i],
			run->excuses[i], run->why[i] ?: "");
	fclose(f);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' }, { "ops", 1, NULL, 'n' }, { "length", 1, NULL, 'l' },
		{ "epoch", 1, NULL, 'e' }, { "only", 1, NULL, 'o' }, { "minimise", 1, NULL, 'm' },
		{ "most", 1, NULL, 'M' }, { "drop-caches", 0, NULL, 'd' }, { "trace", 0, NULL, 't' },
		{ "keep", 0, NULL, 'k' }, { "table", 1, NULL, 'T' }, { "audit", 1, NULL, 'a' }, { 0 },
	};
	struct run run = { .seed = 1, .length = 300 };
	unsigned long ops = 2000, most = 20;
	unsigned int seconds = 60, first = 0, last, shown = 0;
	const char *only = NULL, *table_file = NULL;
	uint64_t kinds[64];
	bool one = false, keep = false;
	struct statfs fs;
	uint8_t *mask = NULL;
	time_t began = time(NULL);
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's': run.seed = strtoull(optarg, NULL, 0); break;
		case 'n': ops = strtoul(optarg, NULL, 0); break;
		case 'l': run.length = strtoul(optarg, NULL, 0); break;
		case 'e': one = true; first = strtoul(optarg, NULL, 0); break;
		case 'o': only = optarg; break;
		case 'm': seconds = strtoul(optarg, NULL, 0); break;
		case 'M': most = strtoul(optarg, NULL, 0); break;
		case 'd': run.drop_caches = true; break;
		case 't': run.trace = true; break;
		case 'k': keep = true; break;
		case 'T': table_file = optarg; break;
		case 'a': return !audit_print(optarg);
		default: goto usage;
		}
	}
	if (optind >= argc || optind + 2 < argc || !run.length || run.length > 100000)
		goto usage;
	run.dirs[0] = argv[optind];
	run.dirs[1] = argv[optind + 1];
	run.trace |= !run.dirs[1];
	run.fs = fs_name(run.dirs[0]);
	if (geteuid() || !run.fs) {
		fprintf(stderr, "parity: %s: %s\n", run.dirs[0], geteuid() ? "must be root" : strerror(errno));
		return 2;
	}
	/*
	 * With relatime a read sets the time of access if the last write was not before the last read, and the clock
	 * for files goes on every few milliseconds only: whether they are in the same tick must not decide.
	 */
	run.ticks = !statfs(run.dirs[0], &fs) && fs.f_flags & ST_RELATIME;
	if (only) {
		mask = calloc(1, run.length + 1);
		if (!parse_only(only, mask, run.length))
			goto usage;
	}
	umask(022);
	last = one ? first : (ops + run.length - 1) / run.length - 1;
	for (unsigned int e = first; e <= last; e++) {
		static struct difference diff;
		int r = epoch_run(&run, e, mask, &diff, keep && e == last);
		unsigned int i;
		uint64_t k;

		if (r < 0) {
			printf("FAIL parity: %s: epoch %u of seed %llu was not run to its end\n", run.fs, e,
			       (unsigned long long)run.seed);
			return 1;
		}
		if (!r)
			continue;
		run.differences++;
		run.bad[gen_index(diff.step.op)]++;
		printf("%s: DIFFERENCE %lu in epoch %u, operation %u of actor %u:\n", run.fs, run.differences, e,
		       diff.n, diff.step.actor);
		printf("  native: %s\n  pair:   %s\n", diff.native, diff.pair);
		fflush(stdout);
		k = kind(&diff);
		for (i = 0; i < shown && kinds[i] != k; i++)
			;
		if (i < shown)
			printf("  of a kind that was shown\n");
		else if (shown < 64 && seconds && !mask) {
			kinds[shown++] = k;
			minimise(&run, e, &diff, seconds);
		}
		if (run.differences >= most)
			break;
	}
	if (table_file)
		table(&run, table_file);
	if (run.dirs[1])
		printf("%s: %lu operations, %lu differences (seed %llu, %lu expected, %ld s)\n", run.fs, run.done,
		       run.differences, (unsigned long long)run.seed, run.excused, (long)(time(NULL) - began));
	return run.differences ? 1 : 0;
usage:
	fprintf(stderr, "usage: parity [--seed S] [--ops N] [--length L] [--drop-caches] [--most D]\n"
		"              [--minimise SECONDS] [--table FILE] NATIVE PAIR\n"
		"       parity --seed S --epoch E [--only N,N-N...] [--trace] [--keep] DIR [DIR]\n"
		"       parity --audit DIR\n");
	return 2;
}
