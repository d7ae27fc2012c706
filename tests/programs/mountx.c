// SPDX-License-Identifier: GPL-2.0-only
/*
 * mountx: mount options on a file system itself and on it through a pair, compared.
 *
 *	mountx FS DEVICE NATIVE TAG PAIR <OPTIONS
 *
 * OPTIONS: a line each, as for mount -o.  With each, both are mounted anew, and mounted without and then remounted;
 * what mount(2) says, and what /proc and statfs(2) then show, must be the same.  Prints a row for each:
 * FS, "mount OPTION" or "remount OPTION", what the file system said, what the pair said, and "same", "DIFFERENT" or
 * why it may differ, with tabs in between.  Exits 0 without a DIFFERENT one.  Both must be unmounted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LINE 4096

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

struct side {
	const char *type, *source, *dir;
};

/* What mount(8) does not hand on as text. */
static const struct {
	const char *name;
	unsigned long set, clear;
} flags[] = {
	{ "defaults", 0, 0 }, { "ro", MS_RDONLY, 0 }, { "rw", 0, MS_RDONLY }, { "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS }, { "dirsync", MS_DIRSYNC, 0 }, { "noatime", MS_NOATIME, 0 },
	{ "nodiratime", MS_NODIRATIME, 0 }, { "relatime", MS_RELATIME, 0 }, { "strictatime", MS_STRICTATIME, 0 },
	{ "lazytime", MS_LAZYTIME, 0 }, { "nolazytime", 0, MS_LAZYTIME }, { "nosuid", MS_NOSUID, 0 },
	{ "nodev", MS_NODEV, 0 }, { "noexec", MS_NOEXEC, 0 }, { "nosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "mand", MS_MANDLOCK, 0 }, { "silent", MS_SILENT, 0 },
};

/* What may differ, and why: the same list for all file systems.  prefix: of "mount OPTION" or "remount OPTION". */
static const struct {
	const char *fs, *prefix, *why;
} expected[] = {
	{ 0 },
};

static unsigned long parse(const char *options, char *data)
{
	unsigned long set = 0;
	char copy[LINE], *save, *o;

	*data = 0;
	snprintf(copy, sizeof(copy), "%s", options);
	for (o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		unsigned int i = 0;

		while (i < sizeof(flags) / sizeof(flags[0]) && strcmp(o, flags[i].name))
			i++;
		if (i < sizeof(flags) / sizeof(flags[0]))
			set = (set & ~flags[i].clear) | flags[i].set;
		else
			sprintf(data + strlen(data), "%s%s", *data ? "," : "", o);
	}
	return set;
}

/* Octal escapes of /proc as they are; the last mount at dir counts. */
static bool shown(const char *dir, char *out, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[LINE], point[LINE], options[LINE];
	struct statfs fs;
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		char *super = strstr(line, " - ");

		if (sscanf(line, "%*s %*s %*s %*s %4095s %4095s", point, options) != 2 || strcmp(point, dir) || !super)
			continue;
		super = strrchr(line, ' ') + 1;
		super[strcspn(super, "\n")] = 0;
		snprintf(out, size, "%.1500s | %.1500s", options, super);
		found = true;
	}
	if (f)
		fclose(f);
	if (found && !statfs(dir, &fs))
		snprintf(out + strlen(out), size - strlen(out), " | type %lx flags %lx", (long)fs.f_type,
			 (long)fs.f_flags);
	return found;
}

/* options onto what is mounted, or anew; true: it is mounted */
static bool try(const struct side *s, unsigned long more, const char *options, char *said)
{
	char data[LINE];
	unsigned long set = parse(options, data) | more;

	if (mount(s->source, s->dir, s->type, set, data)) {
		snprintf(said, LINE, "%s", strerrorname_np(errno) ?: "E?");
		if (!(more & MS_REMOUNT))
			return false;
		strcat(said, ": ");
		shown(s->dir, said + strlen(said), LINE - strlen(said));
		return true;
	}
	if (!shown(s->dir, said, LINE))
		snprintf(said, LINE, "not mounted");
	return true;
}

static const char *verdict(const char *fs, const char *what, const char *native, const char *pair)
{
	if (!strcmp(native, pair))
		return "same";
	for (unsigned int i = 0; expected[i].prefix; i++)
		if ((!expected[i].fs || !strcmp(expected[i].fs, fs)) &&
		    !strncmp(what, expected[i].prefix, strlen(expected[i].prefix)))
			return expected[i].why;
	return "DIFFERENT";
}

static bool unmount(const struct side *s)
{
	if (!umount(s->dir))
		return true;
	fprintf(stderr, "mountx: %s: cannot unmount: %s\n", s->dir, strerror(errno));
	return false;
}

/* both: mount with first, then, unless it is NULL, remount with then */
static int both(const struct side *sides, const char *first, const char *then)
{
	static char said[2][LINE], what[LINE];
	bool mounted[2] = { false, false }, good = true;
	const char *v;

	snprintf(what, sizeof(what), "%s %.4000s", then ? "remount" : "mount", then ?: first);
	for (int i = 0; i < 2; i++) {
		mounted[i] = try(&sides[i], 0, first, said[i]);
		if (mounted[i] && then)
			try(&sides[i], MS_REMOUNT, then, said[i]);
	}
	v = verdict(sides[0].type, what, said[0], said[1]);
	printf("%s\t%s\t%s\t%s\t%s\n", sides[0].type, what, said[0], said[1], v);
	fflush(stdout);
	for (int i = 0; i < 2; i++)
		if (mounted[i])
			good &= unmount(&sides[i]);
	return good ? !strcmp(v, "DIFFERENT") : -1;
}

int main(int argc, char **argv)
{
	static char option[LINE];
	struct side sides[2];
	unsigned int bad = 0, all = 0;

	if (argc != 6) {
		fprintf(stderr, "usage: mountx FS DEVICE NATIVE TAG PAIR <OPTIONS\n");
		return 2;
	}
	sides[0] = (struct side){ argv[1], argv[2], argv[3] };
	sides[1] = (struct side){ "fsva", argv[4], argv[5] };
	while (fgets(option, sizeof(option), stdin)) {
		option[strcspn(option, "\n")] = 0;
		for (int again = 0; again < 2; again++) {
			int r = again ? both(sides, "", option) : both(sides, option, NULL);

			if (r < 0)
				return 1;
			bad += r;
			all++;
		}
	}
	printf("%s mountx: %s: %u mounts and remounts, %u different\n", bad ? "FAIL" : "ok", sides[0].type, all, bad);
	return bad || !all;
}
