// SPDX-License-Identifier: GPL-2.0-only
/* ops_attr.c: modes, owners, times, access, stat. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "parity.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000
#endif
#define STATX_SUBVOL_ 0x8000

static void name(const char *path)
{
	say(" ");
	say_name(path, strlen(path));
}

static void op_chmod(void)
{
	mode_t mode = ONE_OF(0777, 0644, 0600, 0666, 0755, 0700, 0, 04755, 02755, 01777, 06777, 0444, 02644);
	const char *path = likely_path();
	int fd, flags;

	if (one_in(3)) {
		some_fd(&fd);
		look_fd(fd);
		say(" %o", mode);
		say_result(fchmod(fd, mode));
		return;
	}
	flags = one_in(4) ? AT_SYMLINK_NOFOLLOW : 0;
	name(path);
	say(" %o %x", mode, flags);
	look_at(path);
	say_result(syscall(SYS_fchmodat2, AT_FDCWD, path, mode, flags));
}

static void op_chown(void)
{
	uid_t uid = ONE_OF(-1, -1, 0, 1000, 1001, 1002, 70000);
	gid_t gid = ONE_OF(-1, -1, 0, 1000, 1001, 2000, 3000);
	const char *path = likely_path();
	int fd, flags;

	if (one_in(3)) {
		some_fd(&fd);
		look_fd(fd);
		say(" %d:%d", (int)uid, (int)gid);
		say_result(fchown(fd, uid, gid));
		return;
	}
	flags = one_in(3) ? AT_SYMLINK_NOFOLLOW : 0;
	name(path);
	say(" %d:%d %x", (int)uid, (int)gid, flags);
	look_at(path);
	say_result(fchownat(AT_FDCWD, path, uid, gid, flags));
}

static struct timespec some_time(void)
{
	struct timespec t = { ONE_OF(0, 1, -1, 981173106, 981173107, 1234567890, -2147483648ll, 2147483648ll,
				     4294967296ll, 15032385535ll, 15032385536ll, -100000000000ll, 1ll << 40),
			      ONE_OF(0, 0, 1, 123456789, 999999999, 500, UTIME_NOW, UTIME_NOW, UTIME_OMIT, UTIME_OMIT,
				     1000000000) };

	return t;
}

static void op_utimens(void)
{
	struct timespec t[2] = { some_time(), some_time() };
	bool both_now = one_in(4);
	const char *path = likely_path();
	int fd, flags;

	if (one_in(3)) {
		some_fd(&fd);
		look_fd(fd);
		if (both_now)
			say(" now");
		else
			say(" %lld.%ld %lld.%ld", (long long)t[0].tv_sec, t[0].tv_nsec, (long long)t[1].tv_sec,
			    t[1].tv_nsec);
		say_result(futimens(fd, both_now ? NULL : t));
		return;
	}
	flags = one_in(3) ? AT_SYMLINK_NOFOLLOW : 0;
	name(path);
	if (both_now)
		say(" now");
	else
		say(" %lld.%ld %lld.%ld", (long long)t[0].tv_sec, t[0].tv_nsec, (long long)t[1].tv_sec, t[1].tv_nsec);
	say(" %x", flags);
	look_at(path);
	say_result(utimensat(AT_FDCWD, path, both_now ? NULL : t, flags));
}

static void op_access(void)
{
	int mode = ONE_OF(F_OK, R_OK, W_OK, X_OK, R_OK | W_OK, R_OK | X_OK, W_OK | X_OK, 9);
	int flags = ONE_OF(0, AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
	const char *path = likely_path();

	name(path);
	say(" %d %x", mode, flags);
	say_result(syscall(SYS_faccessat2, AT_FDCWD, path, mode, flags));
}

static void op_stat(void)
{
	const char *path = likely_path();
	struct stat st;
	int fd, r;

	switch (pick(3)) {
	case 0:
		some_fd(&fd);
		r = fstat(fd, &st);
		break;
	case 1:
		name(path);
		say(" follow");
		r = stat(path, &st);
		break;
	default:
		name(path);
		r = lstat(path, &st);
	}
	if (!say_result(r)) {
		say_stat(&st);
		say(" blk %ld", (long)st.st_blksize);
	}
}

static void op_statx(void)
{
	const char *path = likely_path();
	struct statx st;
	int flags = ONE_OF(0, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC,
			   AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC);
	unsigned int mask = STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN | STATX_SUBVOL_, known;

	if (one_in(5))
		mask = ONE_OF(STATX_SIZE, STATX_MODE, 0, 0x80000000);
	memset(&st, 0, sizeof(st));
	name(path);
	say(" %x %x", mask, flags);
	if (say_result(syscall(SYS_statx, AT_FDCWD, path, flags, mask, &st)))
		return;
	known = st.stx_mask;
	say(" mask %x attr %llx of %llx blk %u", known, (unsigned long long)st.stx_attributes,
	    (unsigned long long)st.stx_attributes_mask, st.stx_blksize);
	if (known & STATX_BTIME) {
		say(" b");
		say_time(st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	}
	/* beyond what every C library's header has */
	say(" dio %u %u", ((uint32_t *)&st)[0x98 / 4], ((uint32_t *)&st)[0x9c / 4]);
	if (known & STATX_BASIC_STATS)
		say(" %o l%u %u:%u s%llu", st.stx_mode, st.stx_nlink, st.stx_uid, st.stx_gid,
		    (unsigned long long)st.stx_size);
}

const struct op ops_attr[] = {
	{ "chmod", 25, ALL, op_chmod },
	{ "chown", 22, ALL, op_chown },
	{ "utimens", 20, ALL, op_utimens },
	{ "access", 14, ALL, op_access },
	{ "stat", 25, ALL, op_stat },
	{ "statx", 14, ALL, op_statx },
	{ 0 },
};
