// SPDX-License-Identifier: GPL-2.0-only
/* ops_name.c: making, linking, renaming and removing names. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "parity.h"

static void name(const char *path)
{
	say(" ");
	say_name(path, strlen(path));
}

static void op_mkdir(void)
{
	const char *path = some_dir();
	mode_t mode = ONE_OF(0777, 0755, 0700, 01777, 02775, 0555);

	name(path);
	say(" %o", mode);
	look_at(path);
	say_result(mkdir(path, mode));
	look_at(path);
}

static void op_rmdir(void)
{
	const char *path = one_in(3) ? likely_path() : some_dir();

	name(path);
	look_at(path);
	say_result(rmdir(path));
}

static void op_mknod(void)
{
	mode_t mode = ONE_OF(S_IFIFO, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFCHR, S_IFREG, S_IFBLK, S_IFDIR, 0) |
		      ONE_OF(0666, 0600, 04755);
	const char *path = some_file();
	dev_t dev = S_ISCHR(mode) ? makedev(1, ONE_OF(3, 5, 77)) : S_ISBLK(mode) ? makedev(259, 1048575) : 0;

	if (S_ISCHR(mode) && one_in(3))
		dev = 0;			/* a whiteout */
	name(path);
	say(" %o %u:%u", mode, major(dev), minor(dev));
	look_at(path);
	say_result(mknod(path, mode, dev));
	look_at(path);
}

static void op_link(void)
{
	const char *to = some_file(), *from;
	char proc[64];
	int fd;

	switch (pick(8)) {
	case 0:
		some_fd(&fd);
		name(to);
		say(" empty");
		look_fd(fd);
		say_result(linkat(fd, "", AT_FDCWD, to, AT_EMPTY_PATH));
		return;
	case 1: case 2:
		some_fd(&fd);
		name(to);
		say(" proc");
		look_fd(fd);
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		say_result(linkat(AT_FDCWD, proc, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
		return;
	case 3:
		from = likely_path();
		name(from);
		name(to);
		say(" follow");
		look_at(from);
		say_result(linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
		return;
	default:
		from = likely_path();
		name(from);
		name(to);
		look_at(from);
		look_at(to);
		say_result(link(from, to));
	}
}

static void op_unlink(void)
{
	const char *path = one_in(2) ? likely_path() : some_file();

	name(path);
	look_at(path);
	say_result(unlink(path));
}

static void op_symlink(void)
{
	const char *path = some_link();
	char target[PATH_MAX + 10];
	size_t n;

	switch (pick(8)) {
	case 0:
		n = ONE_OF(59, 60, 61, 300, 1000, 1023, 1024, 2000, 4095, 4096);
		memset(target, 't', n);
		target[n] = 0;
		break;
	case 1: target[0] = 0; break;
	case 2: snprintf(target, sizeof(target), "l%u", pick(4)); break;
	case 3: case 4: snprintf(target, sizeof(target), "d%u", pick(4)); break;
	default: snprintf(target, sizeof(target), "%s", some_file()); break;
	}
	name(path);
	say(" to ");
	say_name(target, strlen(target));
	look_at(path);
	say_result(symlink(target, path));
	look_at(path);
}

static void op_readlink(void)
{
	const char *path = one_in(6) ? some_path() : some_link();
	size_t room = one_in(5) ? pick(20) : BUF_MAX;
	ssize_t n;

	name(path);
	look_at(path);
	n = say_result(readlink(path, (char *)buf, room));
	if (n > 0) {
		say(" ");
		say_name((char *)buf, n);
	}
}

static void op_rename(void)
{
	const char *from = likely_path(), *to = one_in(8) ? some_path() : *from == 'd' && !strchr(from, '/') ?
		some_dir() : some_file();
	unsigned int flags = ONE_OF(0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE, RENAME_WHITEOUT,
				    RENAME_NOREPLACE | RENAME_EXCHANGE, RENAME_WHITEOUT | RENAME_NOREPLACE, 8);

	name(from);
	name(to);
	say(" %u", flags);
	look_at(from);
	look_at(to);
	say_result(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
	look_at(to);
}

static void op_umask(void)
{
	mode_t mask = ONE_OF(0, 022, 027, 077, 002);

	say(" %o", mask);
	umask(mask);
}

const struct op ops_name[] = {
	{ "mkdir", 25, ALL, op_mkdir },
	{ "rmdir", 10, ALL, op_rmdir },
	{ "mknod", 10, ALL, op_mknod },
	{ "link", 25, ALL, op_link },
	{ "unlink", 22, ALL, op_unlink },
	{ "symlink", 12, ALL, op_symlink },
	{ "readlink", 8, ALL, op_readlink },
	{ "rename", 35, ALL, op_rename },
	{ "umask", 2, ALL, op_umask },
	{ 0 },
};
