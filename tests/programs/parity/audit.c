// SPDX-License-Identifier: GPL-2.0-only
/* audit.c: all that is in a directory, a line each: what it is, what is in it, what is attached to it.  And its end. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "parity.h"

#define HASHED (2l << 20)
#define MOST 4000u

static struct {
	ino_t ino;
	char *path;
} known[MOST];
static unsigned int nr_known;

static char *room;			/* BUF_MAX */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void content(int fd, off_t size)
{
	uint64_t h = 0;
	ssize_t n;

	for (off_t at = 0; at < HASHED && (n = pread(fd, room, BUF_MAX, at)) > 0; at += n)
		h = h * 31 + hash(room, n);
	if (size > HASHED && (n = pread(fd, room, BUF_MAX, size - 60000)) > 0)
		h = h * 31 + hash(room, n);
	say(" data %010llx", (unsigned long long)(h & 0xffffffffffull));
}

static void attributes(const char *proc)
{
	static char list[65536];
	char *names[200] = { NULL };
	ssize_t n = listxattr(proc, list, sizeof(list)), len;
	size_t nr = 0;

	if (n < 0 && errno != EOPNOTSUPP)
		say_result(n);
	for (char *p = list; n > 0 && p < list + n && nr < 200; p += strlen(p) + 1)
		names[nr++] = p;
	qsort(names, nr, sizeof(names[0]), by_name);
	for (size_t i = 0; i < nr; i++) {
		len = getxattr(proc, names[i], room, BUF_MAX);
		say(" %.30s(%zu)", names[i], strlen(names[i]));
		if (len < 0)
			say_result(len);
		else
			say("=%zd:%010llx", len, (unsigned long long)hash(room, len));
	}
}

static void one(int dir, const char *name, const char *path, struct stat *st, void (*line)(const char *))
{
	unsigned int i = 0, flags;
	char proc[64];
	struct fsxattr x;
	ssize_t n;
	int fd;

	say_begin();
	say("  ");
	say_name(path, strlen(path));
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW)) {
		say_result(-1);
		line(said);
		st->st_mode = 0;
		return;
	}
	say_stat(st);
	while (i < nr_known && known[i].ino != st->st_ino)
		i++;
	if (i < nr_known) {
		say(" is ");
		say_name(known[i].path, strlen(known[i].path));
	} else if (nr_known < MOST) {
		known[nr_known].ino = st->st_ino;
		known[nr_known++].path = strdup(path);
	}
	if (S_ISLNK(st->st_mode)) {
		n = readlinkat(dir, name, room, BUF_MAX);
		say(" to ");
		say_name(room, n < 0 ? 0 : n);
	}
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (!S_ISLNK(st->st_mode))
		attributes(proc);
	close(fd);
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) {
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0) {
			say_result(fd);
		} else {
			if (!ioctl(fd, FS_IOC_GETFLAGS, &flags))
				say(" flags %#x", flags);
			if (!ioctl(fd, FS_IOC_FSGETXATTR, &x)) {
				say_xflags(x.fsx_xflags);
				say(",%u,%u", x.fsx_extsize, x.fsx_projid);
			}
			if (S_ISREG(st->st_mode))
				content(fd, st->st_size);
			close(fd);
		}
	}
	line(said);
}

static void walk(int dir, const char *path, void (*line)(const char *))
{
	char *names[MOST] = { NULL }, sub[4096];
	struct dirent *e;
	unsigned int nr = 0;
	struct stat st;
	DIR *d = fdopendir(dir);

	if (!d) {
		close(dir);
		return;
	}
	while (nr < MOST && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			names[nr++] = strdup(e->d_name);
	qsort(names, nr, sizeof(names[0]), by_name);
	for (unsigned int i = 0; i < nr; i++) {
		int fd;

		snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "/" : "", names[i]);
		one(dirfd(d), names[i], sub, &st, line);
		if (S_ISDIR(st.st_mode)) {
			fd = openat(dirfd(d), names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
			if (fd >= 0)
				walk(fd, sub, line);
		}
		free(names[i]);
	}
	closedir(d);
}

static void audit(int top, void (*line)(const char *))
{
	struct stat st;

	room = room ?: malloc(BUF_MAX);
	one(top, ".", "", &st, line);
	walk(openat(top, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC), "", line);
	while (nr_known)
		free(known[--nr_known].path);
}

void audit_lines(void (*line)(const char *))
{
	audit(me.top, line);
}

static void print(const char *line)
{
	puts(line);
}

bool audit_print(const char *dir)
{
	int top = open(dir, O_RDONLY | O_DIRECTORY);

	if (top < 0)
		return false;
	audit(top, print);
	close(top);
	return true;
}

/* Take away what keeps root from removing the thing or what is in it. */
static void unlocked(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), flags;

	if (fd < 0)
		return;
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags) && flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) {
		flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	close(fd);
}

static bool wipe_at(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *e;
	bool good = true;
	DIR *d;

	if (fd >= 0) {
		unlocked(dir, name);
		d = fdopendir(fd);
		while (d && (e = readdir(d)))
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
				good &= wipe_at(fd, e->d_name);
		closedir(d);
		return !unlinkat(dir, name, AT_REMOVEDIR) && good;
	}
	if (!unlinkat(dir, name, 0))
		return true;
	unlocked(dir, name);
	return !unlinkat(dir, name, 0);
}

bool wipe(const char *dir)
{
	if (wipe_at(AT_FDCWD, dir))
		return true;
	fprintf(stderr, "parity: %s is not removed: %s\n", dir, strerror(errno));
	return false;
}
