// SPDX-License-Identifier: GPL-2.0-only
/*
 * expect.c: what may differ, and why.  The pair's line must be the native one with one text in place of another, and
 * nothing else; or, where a row has no text of the pair's, the same up to and with the native one, whatever follows.
 * This is the whole list: docs/parity.md is made from the runs and names what of it was met.
 */
#include <stddef.h>
#include <string.h>

#include "parity.h"

#define UNLINK_MTIME \
	"bcachefs 6.12 sets the time of modification of what it unlinks back to the one that it wrote last, and when " \
	"that was depends on write-back"

static const struct {
	const char *fs;			/* or NULL: all */
	const char *op;			/* or NULL: all */
	const char *native, *pair;	/* pair: or NULL */
	const char *why;
} table[] = {
	{ NULL, "statx", " mask 9fff ", " mask 1fff ", "STATX_SUBVOL: the protocol has no subvolume ids" },
	{ NULL, "statx", " mask bfff ", " mask 3fff ", "STATX_SUBVOL: the protocol has no subvolume ids" },
	{ "bcachefs", "statx", " mask 97ff ", " mask 17ff ", "STATX_SUBVOL: the protocol has no subvolume ids" },
	{ "bcachefs", "statx", " mask b7ff ", " mask 37ff ", "STATX_SUBVOL: the protocol has no subvolume ids" },
	{ "bcachefs", "statfs", " name 512 ", " name 255 ",
	  "names have at most 255 octets (NAME_MAX), as in all of Linux but bcachefs, which takes 512" },
	{ "bcachefs", "unlink", " new:m ; 4", " new: ; 4", UNLINK_MTIME },
	{ "bcachefs", "unlink", " new: ; 4", " new:m ; 4", UNLINK_MTIME },
	{ NULL, "ioctl", " 0x5460 = 0 ", NULL,
	  "FIOQSIZE: the user's VFS answers it itself, from what stat(2) said last; natively it is what the file "
	  "system has counted in the inode, which delayed allocation makes a matter of time (XFS counts elsewhere "
	  "and says 0)" },
	{ "xfs", NULL, " hasattr", "",
	  "XFS sets room for attributes aside in new inodes (FS_XFLAG_HASATTR) where its kernel has security "
	  "modules that know superblocks; the user domain's has landlock, an appliance has none" },
	{ 0 },
};

const char *expected(const char *fs, const char *op, const char *native, const char *pair)
{
	for (unsigned int i = 0; table[i].why; i++) {
		const char *with = table[i].pair, *p = strstr(native, table[i].native);
		size_t from = strlen(table[i].native), at;

		if (!p || (table[i].op && strcmp(table[i].op, op)) || (table[i].fs && strcmp(table[i].fs, fs)))
			continue;
		at = p - native;
		if (!with && !strncmp(native, pair, at + from))
			return table[i].why;
		if (with && !strncmp(native, pair, at) && !strncmp(pair + at, with, strlen(with)) &&
		    !strcmp(p + from, pair + at + strlen(with)))
			return table[i].why;
	}
	return NULL;
}
