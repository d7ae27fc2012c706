// SPDX-License-Identifier: GPL-2.0-only
/*
 * ops_dir.c: directories as they are read.  Their order is the file system's own and differs from one to the next
 * (hashes with seeds), so what is said is the sorted list and whether the rules were kept.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parity.h"

#define MANY 400

static struct {
	char name[257];
	unsigned char type;
	long at;			/* where the next one is */
} seen[MANY];
static unsigned int nr;

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void say_list(void)
{
	qsort(seen, nr, sizeof(seen[0]), by_name);
	say(" {");
	for (unsigned int i = 0; i < nr && i < 60; i++) {
		say(" ");
		say_name(seen[i].name, strlen(seen[i].name));
		say(":%u", seen[i].type);
		if (i && !strcmp(seen[i].name, seen[i - 1].name))
			say(" TWICE");
	}
	say(" }");
}

/* To the end; whether the number in each entry is that of the thing. */
static void read_all(DIR *d, unsigned int most)
{
	struct dirent *e;

	while (nr < most && (errno = 0, e = readdir(d))) {
		struct stat st;

		snprintf(seen[nr].name, sizeof(seen[0].name), "%s", e->d_name);
		seen[nr].type = e->d_type;
		seen[nr++].at = telldir(d);
		if (strcmp(e->d_name, "..") && !fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    st.st_ino != e->d_ino)
			say(" NUMBER OF %s", e->d_name);
	}
}

static DIR *begin(void)
{
	const char *path = some_dir();
	int fd;
	DIR *d;

	nr = 0;
	say(" ");
	say_name(path, strlen(path));
	look_at(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	d = fd < 0 ? NULL : fdopendir(fd);
	say_result(d ? 0 : -1);
	return d;
}

static void op_list(void)
{
	DIR *d = begin();

	if (!d)
		return;
	read_all(d, MANY);
	if (one_in(3)) {
		unsigned int first = nr;

		nr = 0;
		rewinddir(d);
		read_all(d, MANY);
		if (nr != first)
			say(" REWIND %u %u", first, nr);
	}
	say_list();
	closedir(d);
}

/* From a place that telldir() gave: the same as the first time. */
static void op_seekdir(void)
{
	static char again[MANY][257];
	unsigned int from, n = 0;
	struct dirent *e;
	DIR *d = begin();

	if (!d)
		return;
	read_all(d, MANY);
	from = nr ? pick(nr) : 0;
	if (nr) {
		seekdir(d, seen[from].at);
		while ((e = readdir(d)) && n < MANY)
			snprintf(again[n++], sizeof(again[0]), "%s", e->d_name);
		for (unsigned int i = 0; i < n; i++)
			if (from + 1 + i >= nr || strcmp(again[i], seen[from + 1 + i].name))
				say(" SEEKDIR");
		if (from + 1 + n != nr)
			say(" SEEKDIR %u of %u", n, nr - from - 1);
	}
	say_list();
	closedir(d);
}

/* What is there all the time is seen once, whatever comes and goes meanwhile. */
static void op_readdir_change(void)
{
	char gone[300] = "";
	DIR *d = begin();
	unsigned int half;
	int fd;

	if (!d)
		return;
	fd = openat(dirfd(d), "tmp-a", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	say(" make");
	say_result(fd < 0 ? fd : 0);
	if (fd >= 0)
		close(fd);
	rewinddir(d);
	half = 1 + pick(4);
	read_all(d, half);
	fd = openat(dirfd(d), "tmp-b", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	snprintf(gone, sizeof(gone), "tmp-a");
	unlinkat(dirfd(d), gone, 0);
	read_all(d, MANY);
	unlinkat(dirfd(d), "tmp-b", 0);
	for (unsigned int i = 0; i < nr; i++)
		if (!strncmp(seen[i].name, "tmp-", 4))
			seen[i--] = seen[--nr];
	say_list();
	closedir(d);
}

const struct op ops_dir[] = {
	{ "list", 12, ALL, op_list },
	{ "seekdir", 6, ALL, op_seekdir },
	{ "readdir_change", 5, ALL, op_readdir_change },
	{ 0 },
};
