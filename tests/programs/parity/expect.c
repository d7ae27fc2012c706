// SPDX-License-Identifier: GPL-2.0-only
/*
 * expect.c: what may differ, and why.  A line must match as a whole, natively and through the pair (fnmatch(3)).
 * This is the whole list: docs/parity.md is made from the runs and names what of it was met.
 */
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "parity.h"

static const struct {
	const char *fs;			/* or NULL: all */
	const char *op;
	const char *native, *pair;
	const char *why;
} table[] = {
	{ NULL, NULL, NULL, NULL, NULL },
};

const char *expected(const char *fs, const char *op, const char *native, const char *pair)
{
	for (unsigned int i = 0; table[i].op; i++)
		if ((!table[i].fs || !strcmp(table[i].fs, fs)) && !strcmp(table[i].op, op) &&
		    !fnmatch(table[i].native, native, 0) && !fnmatch(table[i].pair, pair, 0))
			return table[i].why;
	return NULL;
}
