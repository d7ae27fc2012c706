// SPDX-License-Identifier: GPL-2.0-only
/* ops_watch.c: who watches is told of what others do. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "parity.h"

static const struct bit bits[] = {
	{ IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" }, { IN_ATTRIB, "ATTRIB" }, { IN_CLOSE_WRITE, "CLOSE_WRITE" },
	{ IN_CLOSE_NOWRITE, "CLOSE" }, { IN_OPEN, "OPEN" }, { IN_MOVED_FROM, "FROM" }, { IN_MOVED_TO, "TO" },
	{ IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" }, { IN_DELETE_SELF, "DELETE_SELF" },
	{ IN_MOVE_SELF, "MOVE_SELF" }, { IN_UNMOUNT, "UNMOUNT" }, { IN_Q_OVERFLOW, "OVERFLOW" },
	{ IN_IGNORED, "IGNORED" }, { IN_ONLYDIR, "ONLYDIR" }, { IN_DONT_FOLLOW, "DONT_FOLLOW" },
	{ IN_EXCL_UNLINK, "EXCL_UNLINK" }, { IN_MASK_ADD, "ADD" }, { IN_ISDIR, "DIR" }, { IN_ONESHOT, "ONESHOT" },
	{ 0 },
};

static bool ready(void)
{
	if (me.inotify < 0)
		me.inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return me.inotify >= 0;
}

static void op_watch(void)
{
	const char *path = one_in(2) ? some_dir() : some_path();
	uint32_t mask = ONE_OF(IN_ALL_EVENTS, IN_ALL_EVENTS, IN_CREATE | IN_DELETE | IN_MOVE, IN_MODIFY | IN_ATTRIB,
			       IN_DELETE_SELF | IN_MOVE_SELF, IN_OPEN | IN_CLOSE, 0);

	mask |= ONE_OF(0, 0, 0, IN_ONLYDIR, IN_DONT_FOLLOW, IN_EXCL_UNLINK, IN_ONESHOT, IN_MASK_ADD);
	if (!ready())
		return;
	say(" ");
	say_name(path, strlen(path));
	say_bits("", mask, bits);
	say_result(inotify_add_watch(me.inotify, path, mask));
}

static void op_unwatch(void)
{
	int wd = 1 + pick(6);

	say(" %d", wd);
	if (ready())
		say_result(inotify_rm_watch(me.inotify, wd));
}

static void op_events(void)
{
	uint32_t cookies[64], nr = 0;
	ssize_t n;

	if (!ready())
		return;
	n = read(me.inotify, buf, 8192);
	say_result(n < 0 ? n : 0);
	for (ssize_t at = 0; at < n;) {
		struct inotify_event *e = (struct inotify_event *)(buf + at);
		uint32_t c = 0;

		say(" %d", e->wd);
		say_bits("", e->mask, bits);
		if (e->cookie) {
			while (c < nr && cookies[c] != e->cookie)
				c++;
			if (c == nr && nr < 64)
				cookies[nr++] = e->cookie;
			say(" #%u", c);
		}
		if (e->len && *e->name == '#') {
			say(" unnamed");	/* of O_TMPFILE: the inode's number */
		} else if (e->len) {
			say(" ");
			say_name(e->name, strnlen(e->name, e->len));
		}
		say(",");
		at += sizeof(*e) + e->len;
	}
}

const struct op ops_watch[] = {
	{ "watch", 14, ALL, op_watch },
	{ "unwatch", 3, ALL, op_unwatch },
	{ "events", 22, ALL, op_events },
	{ 0 },
};
