// SPDX-License-Identifier: GPL-2.0-only
/* ops_space.c: the size of files, the room that they take, and what is where. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "parity.h"

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void op_truncate(void)
{
	long long to = some_off();
	const char *path;
	int fd;

	if (one_in(40))
		to = ONE_OF(-1, 1ll << 40, 1ll << 62, 0x7fffffffffffffffll);
	if (one_in(3)) {
		path = some_file();
		say(" ");
		say_name(path, strlen(path));
		say(" %lld", to);
		look_at(path);
		say_result(truncate(path, to));
		return;
	}
	some_fd(&fd);
	look_fd(fd);
	say(" %lld", to);
	say_result(ftruncate(fd, to));
}

static const struct bit modes[] = {
	{ FALLOC_FL_KEEP_SIZE, "KEEP" }, { FALLOC_FL_PUNCH_HOLE, "PUNCH" }, { FALLOC_FL_COLLAPSE_RANGE, "COLLAPSE" },
	{ FALLOC_FL_ZERO_RANGE, "ZERO" }, { FALLOC_FL_INSERT_RANGE, "INSERT" }, { FALLOC_FL_UNSHARE_RANGE, "UNSHARE" },
	{ 0 },
};

static void op_fallocate(void)
{
	int fd, mode = ONE_OF(0, 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE,
			      FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_COLLAPSE_RANGE,
			      FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE, 0x1000);
	long long off = some_off(), len = some_len();

	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE) && !one_in(5)) {
		off &= ~(PAGE - 1ll);
		len = (len + PAGE - 1) & ~(PAGE - 1ll);
	}
	if (one_in(50))
		off = ONE_OF(-1, 1ll << 40, 0x7ffffffffffff000ll);
	some_fd(&fd);
	look_fd(fd);
	say_bits("", mode, modes);
	say(" %lld+%lld", off, len);
	say_result(fallocate(fd, mode, off, len));
}

/*
 * Is there room set aside that nothing was written to?  Whether lseek(2) finds data there depends on whether somebody
 * has read it since (ext4, XFS), that is, on what is in the page cache, and that is not the same in two domains.
 */
bool unwritten(int fd)
{
	const unsigned int nr = 256;
	struct fiemap *fm = calloc(1, sizeof(*fm) + nr * sizeof(fm->fm_extents[0]));
	bool found = false;
	struct stat st;

	/* XFS sets some aside behind the end of the file. */
	fm->fm_length = fstat(fd, &st) ? 0 : st.st_size;
	fm->fm_flags = FIEMAP_FLAG_SYNC;
	fm->fm_extent_count = nr;
	if (fm->fm_length && !ioctl(fd, FS_IOC_FIEMAP, fm))
		for (unsigned int i = 0; i < fm->fm_mapped_extents; i++)
			found |= fm->fm_extents[i].fe_flags & FIEMAP_EXTENT_UNWRITTEN;
	free(fm);
	return found;
}

static void op_fiemap(void)
{
	const unsigned int nr = 500;
	struct fiemap *fm = calloc(1, sizeof(*fm) + nr * sizeof(fm->fm_extents[0]));
	uint64_t from = 0, to = 0, start, end;
	uint32_t flags = 0;
	bool any = false;
	int fd;

	some_fd(&fd);
	fm->fm_start = one_in(3) ? some_off() : 0;
	fm->fm_length = one_in(3) ? some_len() : ~0ull;
	fm->fm_flags = one_in(20) ? 0x40000000 : FIEMAP_FLAG_SYNC;
	fm->fm_extent_count = one_in(10) ? 0 : nr;
	say(" %llu+%llu %#x", (unsigned long long)fm->fm_start, (unsigned long long)fm->fm_length, fm->fm_flags);
	if (say_result(ioctl(fd, FS_IOC_FIEMAP, fm)) < 0 || !fm->fm_extent_count) {
		free(fm);
		return;
	}
	/*
	 * Where on the disk, and so in how many pieces, is the allocator's affair; so is how far those reach beyond
	 * what was asked for.  bcachefs asks in whole sectors.
	 */
	start = fm->fm_start;
	end = fm->fm_length > ~0ull - start ? ~0ull : (start + fm->fm_length) & ~511ull;
	for (unsigned int i = 0; i < fm->fm_mapped_extents; i++) {
		struct fiemap_extent *e = &fm->fm_extents[i];
		uint32_t f = e->fe_flags & (FIEMAP_EXTENT_UNWRITTEN | FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_DATA_INLINE |
					    FIEMAP_EXTENT_ENCODED);

		if (e->fe_logical >= end)
			continue;
		e->fe_length = min(e->fe_logical + e->fe_length, end);
		e->fe_logical = max(e->fe_logical, start);
		e->fe_length -= e->fe_logical;
		if (any && e->fe_logical == to && f == flags) {
			to += e->fe_length;
			continue;
		}
		if (any)
			say(" %llu-%llu:%x", (unsigned long long)from, (unsigned long long)to, flags);
		from = e->fe_logical;
		to = from + e->fe_length;
		flags = f;
		any = true;
	}
	if (any)
		say(" %llu-%llu:%x", (unsigned long long)from, (unsigned long long)to, flags);
	free(fm);
}

static void op_statfs(void)
{
	const char *path = some_path();
	struct statfs a;
	int fd;

	if (one_in(2)) {
		some_fd(&fd);
		if (say_result(fstatfs(fd, &a)))
			return;
	} else {
		say(" ");
		say_name(path, strlen(path));
		if (say_result(statfs(path, &a)))
			return;
	}
	say(" type %lx bsize %ld frsize %ld name %ld flags %lx%s", (long)a.f_type, (long)a.f_bsize, (long)a.f_frsize,
	    (long)a.f_namelen, (long)a.f_flags,
	    a.f_bfree > a.f_blocks || a.f_bavail > a.f_bfree || (a.f_files && a.f_ffree > a.f_files) ? " odd" : "");
}

const struct op ops_space[] = {
	{ "truncate", 40, ALL, op_truncate },
	{ "fallocate", 40, ALL, op_fallocate },
	{ "fiemap", 12, ALL, op_fiemap },
	{ "statfs", 4, ALL, op_statfs },
	{ 0 },
};
