// SPDX-License-Identifier: GPL-2.0-only
/* ops_data.c: opening files, reading, writing and seeking in them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "parity.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

static const struct bit open_bits[] = {
	{ O_RDWR, "RDWR" }, { O_WRONLY, "WRONLY" }, { O_CREAT, "CREAT" }, { O_EXCL, "EXCL" }, { O_TRUNC, "TRUNC" },
	{ O_APPEND, "APPEND" }, { O_DIRECT, "DIRECT" }, { O_SYNC, "SYNC" }, { O_DSYNC, "DSYNC" },
	{ O_NOFOLLOW, "NOFOLLOW" }, { O_TMPFILE, "TMPFILE" }, { O_DIRECTORY, "DIRECTORY" }, { O_PATH, "PATH" },
	{ O_NOATIME, "NOATIME" }, { O_NONBLOCK, "NONBLOCK" }, { O_CLOEXEC, "CLOEXEC" }, { 0 },
};

static int some_flags(void)
{
	int flags = ONE_OF(O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY) | O_NONBLOCK;

	flags |= pick(2) * O_CREAT;
	flags |= one_in(8) * O_EXCL;
	flags |= one_in(8) * O_TRUNC;
	flags |= one_in(8) * O_APPEND;
	flags |= one_in(10) * O_DIRECT;
	flags |= one_in(12) * O_NOFOLLOW;
	flags |= one_in(20) * O_NOATIME;
	if (one_in(15))
		flags |= ONE_OF(O_SYNC, O_DSYNC);
	if (one_in(25))
		flags = ONE_OF(O_PATH, O_PATH | O_NOFOLLOW, O_DIRECTORY, O_DIRECTORY | O_NOATIME);
	return flags;
}

static void op_open(void)
{
	int flags = some_flags(), fd;
	mode_t mode = ONE_OF(0666, 0644, 0600, 0777, 0400, 0, 02755, 04711);
	const char *path = flags & O_DIRECTORY ? some_dir() : some_file();

	say(" ");
	say_name(path, strlen(path));
	say_bits("", flags, open_bits);
	say(" %o", mode);
	look_at(path);
	fd = open(path, flags | O_CLOEXEC, mode);
	if (got_fd(fd))
		look_fd(fd);
}

static void op_openat2(void)
{
	struct open_how how = { .flags = some_flags() | O_CLOEXEC };
	const char *path = some_file();
	int fd;

	how.mode = how.flags & (O_CREAT | __O_TMPFILE) ? 0640 : 0;
	how.resolve = ONE_OF(RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_NO_XDEV, RESOLVE_IN_ROOT, RESOLVE_CACHED);
	if (how.resolve == RESOLVE_CACHED)	/* whether it is cached is nobody's promise */
		how.resolve = 0;
	say(" ");
	say_name(path, strlen(path));
	say_bits("", how.flags, open_bits);
	say(" resolve %#llx", (unsigned long long)how.resolve);
	fd = syscall(SYS_openat2, me.top, path, &how, sizeof(how));
	got_fd(fd);
}

static void op_tmpfile(void)
{
	int flags = O_TMPFILE | ONE_OF(O_RDWR, O_WRONLY, O_RDWR | O_EXCL, O_RDONLY), fd;
	const char *path = some_dir();
	mode_t mode = ONE_OF(0600, 0666, 02770);

	say(" ");
	say_name(path, strlen(path));
	say_bits("", flags, open_bits);
	say(" %o", mode);
	look_at(path);
	fd = open(path, flags | O_CLOEXEC, mode);
	if (got_fd(fd))
		look_fd(fd);
}

static void op_close(void)
{
	int fd, slot = some_fd(&fd);

	if (slot < 0)
		return;
	me.fds[slot] = -1;
	say_result(close(fd));
}

static void op_dup(void)
{
	int fd;

	some_fd(&fd);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	got_fd(fd);
}

/* Aligned as O_DIRECT wants it more often than not. */
static void maybe_direct(int fd, uint8_t **at, size_t *len, long long *off)
{
	*at = buf + (one_in(6) ? pick(100) : 0);
	if (fcntl(fd, F_GETFL) & O_DIRECT && !one_in(6)) {
		*at = buf;
		*len = (*len + PAGE - 1) & ~(PAGE - 1ul);
		*off &= ~(PAGE - 1ll);
	}
}

static void split(struct iovec *v, uint8_t *at, size_t len)
{
	size_t a = len / 3 & ~511ul, b = (len - a) / 2 & ~511ul;

	v[0] = (struct iovec){ at, a };
	v[1] = (struct iovec){ at + a, b };
	v[2] = (struct iovec){ at + a + b, len - a - b };
}

static void op_read(void)
{
	long long off = some_off();
	size_t len = some_len();
	struct iovec v[3];
	int fd, how = pick(5), flags;
	uint8_t *at;
	ssize_t n;

	some_fd(&fd);
	maybe_direct(fd, &at, &len, &off);
	memset(buf, 0xa5, len + 100 < BUF_MAX ? len + 100 : BUF_MAX);
	look_fd(fd);
	split(v, at, len);
	switch (how) {
	case 0:
		say(" here %zu", len);
		n = read(fd, at, len);
		break;
	case 1:
		say(" vec %lld+%zu", off, len);
		n = preadv(fd, v, 3, off);
		break;
	case 2:
		flags = ONE_OF(0, RWF_HIPRI, RWF_DSYNC, RWF_APPEND, 0x40000000);
		say(" flags %#x %lld+%zu", flags, off, len);
		n = preadv2(fd, v, 3, one_in(4) ? -1 : off, flags);
		break;
	default:
		if (one_in(60))
			off = ONE_OF(-1, 0x7fffffffffffffffll, 1ll << 40);
		say(" %lld+%zu", off, len);
		n = pread(fd, at, len, off);
	}
	say_result(n);
	if (n > 0)
		say(" %010llx", (unsigned long long)hash(at, n));
}

static void op_write(void)
{
	long long off = some_off();
	size_t len = some_len();
	struct iovec v[3];
	int fd, how = pick(6), flags;
	uint8_t *at;
	ssize_t n;

	some_fd(&fd);
	maybe_direct(fd, &at, &len, &off);
	fill(len + 100);
	look_fd(fd);
	split(v, at, len);
	switch (how) {
	case 0:
		say(" here %zu", len);
		n = write(fd, at, len);
		break;
	case 1:
		say(" vec %lld+%zu", off, len);
		n = pwritev(fd, v, 3, off);
		break;
	case 2:
		flags = ONE_OF(0, RWF_SYNC, RWF_DSYNC, RWF_APPEND, RWF_NOAPPEND, RWF_HIPRI, 0x40000000);
		say(" flags %#x %lld+%zu", flags, off, len);
		n = pwritev2(fd, v, 3, one_in(4) ? -1 : off, flags);
		break;
	default:
		if (one_in(60))
			off = ONE_OF(-1, 0x7fffffffffffffffll, 1ll << 62);
		say(" %lld+%zu", off, len);
		n = pwrite(fd, at, len, off);
	}
	say_result(n);
	say(" at %lld", (long long)lseek(fd, 0, SEEK_CUR));
}

static void op_seek(void)
{
	int fd, whence = ONE_OF(SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, SEEK_DATA, SEEK_HOLE, 9);
	long long off = some_off();

	some_fd(&fd);
	if (one_in(20))
		off = ONE_OF(-1, -4096, 0x7fffffffffffffffll, 1ll << 41);
	if (whence == SEEK_END && one_in(2))
		off = -off;
	say(" %lld from %d", off, whence);
	if ((whence == SEEK_DATA || whence == SEEK_HOLE) && (lseek(fd, off, whence), unwritten(fd))) {
		say(" unwritten");
		off = 0;
		whence = SEEK_SET;
	}
	say_result(lseek(fd, off, whence));
}

/* The map of data and holes, as cp(1) asks for it. */
static void op_holes(void)
{
	off_t at = 0, size;
	int fd, what = SEEK_DATA;
	char map[2000] = "";
	size_t len = 0;
	bool seen = false;

	some_fd(&fd);
	if (one_in(2))
		say_result(fsync(fd));
	size = lseek(fd, 0, SEEK_END);
	for (int i = 0; i < 60; i++) {
		off_t next = lseek(fd, at, what);

		if (next < 0) {
			len += sprintf(map + len, " %s", strerrorname_np(errno) ?: "E?");
			break;
		}
		if (!seen || next != at)
			len += sprintf(map + len, " %c%lld", what == SEEK_DATA ? 'd' : 'h', (long long)next);
		seen = true;
		at = next;
		if (at >= size)
			break;
		what = what == SEEK_DATA ? SEEK_HOLE : SEEK_DATA;
	}
	say("%s", unwritten(fd) ? " unwritten" : map);
}

static void op_sync(void)
{
	int fd;

	some_fd(&fd);
	switch (pick(6)) {
	case 0: say(" all"); say_result(syncfs(fd)); break;
	case 1: case 2: say(" data"); say_result(fdatasync(fd)); break;
	case 3:
		say(" range");
		say_result(sync_file_range(fd, some_off(), some_len(),
					   SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					   SYNC_FILE_RANGE_WAIT_AFTER));
		break;
	default: say_result(fsync(fd)); break;
	}
}

static void op_advise(void)
{
	int fd, what = ONE_OF(POSIX_FADV_DONTNEED, POSIX_FADV_WILLNEED, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
			      POSIX_FADV_NORMAL, POSIX_FADV_NOREUSE, 17);
	long long off = some_off();
	size_t len = some_len();

	some_fd(&fd);
	say(" %d %lld+%zu", what, off, len);
	errno = posix_fadvise(fd, off, len, what);
	say_result(errno ? -1 : 0);
	if (one_in(3)) {
		say(" readahead");
		say_result(readahead(fd, off, len));
	}
}

static void op_setfl(void)
{
	int fd, flags = ONE_OF(0, O_APPEND, O_DIRECT, O_NOATIME, O_APPEND | O_DIRECT);

	some_fd(&fd);
	say_bits("", flags, open_bits);
	say_result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	say_bits("now", fcntl(fd, F_GETFL) & ~O_LARGEFILE, open_bits);
}

const struct op ops_data[] = {
	{ "open", 90, ALL, op_open },
	{ "openat2", 8, ALL, op_openat2 },
	{ "tmpfile", 10, ALL, op_tmpfile },
	{ "close", 25, ALL, op_close },
	{ "dup", 5, ALL, op_dup },
	{ "read", 70, ALL, op_read },
	{ "write", 90, ALL, op_write },
	{ "seek", 20, ALL, op_seek },
	{ "holes", 15, ALL, op_holes },
	{ "sync", 12, ALL, op_sync },
	{ "advise", 6, ALL, op_advise },
	{ "setfl", 8, ALL, op_setfl },
	{ 0 },
};
