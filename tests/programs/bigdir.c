// SPDX-License-Identifier: GPL-2.0-only
/*
 * bigdir.c: a directory with very many entries: each is listed exactly once, positions stay valid, and a listing
 * during which entries are removed (and made) still gives each one that was there all along exactly once.
 *
 *	bigdir [--entries N] [--keep] DIR
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static unsigned int nr = 100000;
static uint8_t *seen;           /* how often entry i was listed */
static bool *gone;
static const char *top;

static void fail(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL bigdir: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

static void name_of(unsigned int i, char *to)
{
	sprintf(to, "entry-%06u-%.*s", i, (int)(i % 40), "a-longer-name-so-that-blocks-fill-quickly");
}

static DIR *list_open(void)
{
	DIR *d = opendir(top);

	if (!d)
		fail("opendir: %s", strerror(errno));
	return d;
}

/* The number of an entry; -1 for dots, -2 for the extra ones. */
static int number_of(const char *name)
{
	char want[64];
	unsigned int i;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return -1;
	if (!strncmp(name, "extra-", 6))
		return -2;
	if (sscanf(name, "entry-%6u", &i) != 1 || i >= nr)
		fail("an entry that nobody made: %s", name);
	name_of(i, want);
	if (strcmp(want, name))
		fail("an entry that nobody made: %s", name);
	return i;
}

static unsigned int list_all(const char *when)
{
	unsigned int n = 0, dots = 0;
	DIR *d = list_open();
	struct dirent *e;

	memset(seen, 0, nr);
	while (errno = 0, (e = readdir(d))) {
		int i = number_of(e->d_name);

		if (i == -1)
			dots++;
		if (i < 0)
			continue;
		if (seen[i]++)
			fail("%s: %s is listed twice", when, e->d_name);
		if (gone[i])
			fail("%s: %s is listed but was removed", when, e->d_name);
		n++;
	}
	if (errno)
		fail("%s: readdir: %s", when, strerror(errno));
	if (dots != 2)
		fail("%s: %u of . and ..", when, dots);
	for (unsigned int i = 0; i < nr; i++)
		if (!gone[i] && !seen[i])
			fail("%s: entry %u is not listed", when, i);
	closedir(d);
	return n;
}

static void positions(void)
{
	enum { EVERY = 97 };
	unsigned int max = nr / EVERY + 2, n = 0, k = 0;
	long *where = calloc(max, sizeof(*where));
	ino_t *ino = calloc(max, sizeof(*ino));
	DIR *d = list_open();
	struct dirent *e;

	for (;;) {
		long at = telldir(d);

		e = readdir(d);
		if (!e)
			break;
		if (k++ % EVERY == 0 && n < max) {
			where[n] = at;
			ino[n++] = e->d_ino;
		}
	}
	/* backwards, then jumping about, then by another open directory */
	for (unsigned int i = 0; i < 400; i++) {
		unsigned int j = i < 100 ? (n - 1 - i) % n : (i * 7919) % n;

		if (i == 300) {
			closedir(d);
			d = list_open();
		}
		seekdir(d, where[j]);
		e = readdir(d);
		if (!e || e->d_ino != ino[j])
			fail("seekdir to position %u of %u (%ld) gives another entry", j, n, where[j]);
		if (telldir(d) == where[j])
			fail("telldir does not move on");
	}
	rewinddir(d);
	e = readdir(d);
	if (!e || e->d_ino != ino[0])
		fail("rewinddir gives another first entry");
	closedir(d);
	free(where);
	free(ino);
}

static void remove_meanwhile(void)
{
	unsigned int n = 0, removed = 0, made = 0;
	DIR *d = list_open();
	struct dirent *e;
	char path[5000], name[64];

	memset(seen, 0, nr);
	while (errno = 0, (e = readdir(d))) {
		int i = number_of(e->d_name);

		if (i < 0)
			continue;
		if (seen[i]++)
			fail("while entries go: %s is listed twice", e->d_name);
		n++;
		/* every third that was just listed, and one far away, which may have been listed or not */
		for (int k = 0; k < 2; k++) {
			unsigned int victim = k ? (i * 7919u + 13) % nr : (unsigned int)i;

			if ((k ? n % 5 : n % 3) || gone[victim])
				continue;
			name_of(victim, name);
			snprintf(path, sizeof(path), "%s/%s", top, name);
			if (unlink(path))
				fail("unlink %s: %s", name, strerror(errno));
			gone[victim] = true;
			removed++;
		}
		if (n % 50 == 0) {
			snprintf(path, sizeof(path), "%s/extra-%u", top, made++);
			if (close(open(path, O_CREAT | O_WRONLY, 0600)))
				fail("create: %s", strerror(errno));
		}
	}
	if (errno)
		fail("while entries go: readdir: %s", strerror(errno));
	for (unsigned int i = 0; i < nr; i++)
		if (!gone[i] && !seen[i])
			fail("while entries go: entry %u, which was there all along, is not listed", i);
	closedir(d);
	while (made--) {
		snprintf(path, sizeof(path), "%s/extra-%u", top, made);
		if (unlink(path))
			fail("unlink: %s", strerror(errno));
	}
	fprintf(stderr, "# %u listed while %u were removed\n", n, removed);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "entries", required_argument, NULL, 'n' }, { "keep", no_argument, NULL, 'k' }, { 0 },
	};
	time_t start = time(NULL);
	char path[5000], name[64];
	bool keep = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n': nr = strtoul(optarg, NULL, 0); break;
		case 'k': keep = true; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || nr < 100 || nr > 999999) {
		fprintf(stderr, "usage: bigdir [--entries N] [--keep] DIR\n");
		return 2;
	}
	top = argv[optind];
	seen = calloc(1, nr);
	gone = calloc(nr, sizeof(*gone));
	if (!seen || !gone)
		fail("no memory");
	if (mkdir(top, 0755))
		fail("mkdir %s: %s", top, strerror(errno));
	for (unsigned int i = 0; i < nr; i++) {
		int fd;

		name_of(i, name);
		snprintf(path, sizeof(path), "%s/%s", top, name);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd < 0)
			fail("create %s: %s", name, strerror(errno));
		close(fd);
	}
	fprintf(stderr, "# %u made in %ld s\n", nr, (long)(time(NULL) - start));
	if (list_all("all there") != nr)
		fail("not all are listed");
	positions();
	remove_meanwhile();
	list_all("after some went");
	if (!keep) {
		for (unsigned int i = 0; i < nr; i++) {
			if (gone[i])
				continue;
			name_of(i, name);
			snprintf(path, sizeof(path), "%s/%s", top, name);
			if (unlink(path))
				fail("unlink %s: %s", name, strerror(errno));
			gone[i] = true;
		}
		if (list_all("emptied"))
			fail("the emptied directory is not empty");
		if (rmdir(top))
			fail("rmdir: %s", strerror(errno));
	}
	printf("ok bigdir: %u entries, %ld s\n", nr, (long)(time(NULL) - start));
	return 0;
}
