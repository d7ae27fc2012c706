// SPDX-License-Identifier: GPL-2.0-only
/*
 * expect.c: what may differ, and why.  The pair's line must be the native one with one text in place of another, and
 * nothing else.  This is the whole list: docs/parity.md is made from the runs and names what of it was met.
 */
#include <stddef.h>
#include <string.h>

#include "parity.h"

static const struct {
	const char *fs;			/* or NULL: all */
	const char *op;
	const char *native, *pair;
	const char *why;
} table[] = {
	{ NULL, "statx", " mask 9fff ", " mask 1fff ", "STATX_SUBVOL: the protocol has no subvolume ids" },
	{ NULL, "statx", " mask bfff ", " mask 3fff ", "STATX_SUBVOL: the protocol has no subvolume ids" },
	{ 0 },
};

const char *expected(const char *fs, const char *op, const char *native, const char *pair)
{
	for (unsigned int i = 0; table[i].op; i++) {
		size_t from = strlen(table[i].native), to = strlen(table[i].pair), at;
		const char *p = strstr(native, table[i].native);

		if (!p || strcmp(table[i].op, op) || (table[i].fs && strcmp(table[i].fs, fs)))
			continue;
		at = p - native;
		if (!strncmp(native, pair, at) && !strncmp(pair + at, table[i].pair, to) &&
		    !strcmp(p + from, pair + at + to))
			return table[i].why;
	}
	return NULL;
}
