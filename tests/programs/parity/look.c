// SPDX-License-Identifier: GPL-2.0-only
/*
 * look.c: what an operation did to what it was about: its state afterwards, and, if the operation is timed, which
 * times changed.  Half of the operations are not looked at, for a look may mend what is stale.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "parity.h"

#define TARGETS 6

static struct {
	int fd;
	bool ours;			/* to be closed */
	struct stat before;
} target[TARGETS];
static unsigned int nr;
static bool on, timed, waited;

void look_begin(bool is_timed)
{
	nr = 0;
	timed = is_timed;
	waited = false;
	on = timed || one_in(2);
}

/* Longer than the kernel's clock for files takes from one value to the next. */
static void tick(void)
{
	struct timespec pause = { 0, 11000000 };

	if (timed && !waited)
		nanosleep(&pause, NULL);
	waited = true;
}

static void add(int fd, bool ours)
{
	if (nr == TARGETS) {
		if (ours)
			close(fd);
		return;
	}
	tick();
	if (fstat(fd, &target[nr].before)) {
		if (ours)
			close(fd);
		return;
	}
	target[nr].fd = fd;
	target[nr++].ours = ours;
}

void look_fd(int fd)
{
	if (on && fd >= 0)
		add(fd, false);
}

void look_at(const char *path)
{
	char dir[600];
	char *slash;
	int fd;

	if (!on || strlen(path) >= sizeof(dir))
		return;
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		add(fd, true);
	memcpy(dir, path, strlen(path) + 1);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = 0;
	fd = open(slash ? dir : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		add(fd, true);
}

static bool changed(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec || a.tv_nsec != b.tv_nsec;
}

void look_end(void)
{
	for (unsigned int i = 0; i < nr; i++) {
		const struct stat *was = &target[i].before;
		struct stat st;

		if (fstat(target[i].fd, &st)) {
			say(" ; no stat");
		} else {
			say(" ;");
			say_stat(&st);
			if (timed)
				say(" new:%s%s%s", changed(st.st_atim, was->st_atim) ? "a" : "",
				    changed(st.st_mtim, was->st_mtim) ? "m" : "",
				    changed(st.st_ctim, was->st_ctim) ? "c" : "");
		}
		if (target[i].ours)
			close(target[i].fd);
	}
	nr = 0;
}
