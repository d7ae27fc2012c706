// SPDX-License-Identifier: GPL-2.0-only
/* names.c: few names, so that operations meet; and now and then one that must be refused. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parity.h"

static char room[4][600];
static unsigned int turn;

static char *next(void)
{
	return room[turn++ % 4];
}

static const char *odd(void)
{
	char *p = next();
	size_t n;

	switch (pick(12)) {
	case 0: return "";
	case 1: return ".";
	case 2: return "d0/..";
	case 3: return "f0/";
	case 4: return "d0/";
	case 5: return "f0/x";
	case 6: return "d1/\xff\xfe\x01";
	case 7: return "d1/a name\nof two lines";
	case 8: return "d0/./../d0/f0";
	case 9: return "none/f0";
	default:
		n = 250 + pick(8);
		if (n > NAME_MAX && me.bcachefs)	/* which takes them: see expect.c */
			n = NAME_MAX;
		memset(p, 'n', n);
		p[n] = 0;
		return p;
	}
}

const char *some_file(void)
{
	char *p = next();

	switch (pick(40)) {
	case 0: return odd();
	case 1: snprintf(p, 600, "l%u", pick(4)); break;
	case 2: snprintf(p, 600, "l%u/f%u", pick(4), pick(3)); break;
	case 3: case 4: snprintf(p, 600, "d%u/e%u/f0", pick(3), pick(2)); break;
	case 5 ... 18: snprintf(p, 600, "d%u/f%u", pick(4), pick(3)); break;
	default: snprintf(p, 600, "f%u", pick(6)); break;
	}
	return p;
}

const char *some_dir(void)
{
	char *p = next();

	switch (pick(20)) {
	case 0: return odd();
	case 1: return ".";
	case 2: snprintf(p, 600, "l%u", pick(4)); break;
	case 3: snprintf(p, 600, "f%u", pick(6)); break;
	case 4 ... 9: snprintf(p, 600, "d%u/e%u", pick(3), pick(2)); break;
	default: snprintf(p, 600, "d%u", pick(5)); break;
	}
	return p;
}

const char *some_link(void)
{
	char *p = next();

	snprintf(p, 600, one_in(4) ? "d0/l%u" : "l%u", pick(4));
	return p;
}

const char *some_path(void)
{
	switch (pick(8)) {
	case 0: return some_link();
	case 1: case 2: return some_dir();
	default: return some_file();
	}
}

/* In half of the cases one that is there, if it takes few guesses: else too much ends in ENOENT. */
const char *likely_path(void)
{
	unsigned int guesses = one_in(2) ? 1 : 4;
	const char *path;

	do
		path = some_path();
	while (--guesses && faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW));
	return path;
}
