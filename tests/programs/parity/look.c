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
static bool on, timed;

void look_begin(bool is_timed)
{
	nr = 0;
	timed = is_timed;
	on = timed || one_in(2);
}

/*
 * Let the kernel's clock for files go on, which it does every few milliseconds, so that what the operation changes
 * shows.  Finding the targets may have changed times, too, of symbolic links: so all are looked at anew after it.
 */
static void settle(void)
{
	struct timespec pause = { 0, 11000000 };

	if (timed)
		nanosleep(&pause, NULL);
	for (unsigned int i = 0; i < nr; i++)
		fstat(target[i].fd, &target[i].before);
}

static void add(int fd, bool ours)
{
	if (fd < 0)
		return;
	if (nr < TARGETS && !fstat(fd, &target[nr].before)) {
		target[nr].fd = fd;
		target[nr++].ours = ours;
	} else if (ours) {
		close(fd);
	}
}

void look_fd(int fd)
{
	if (!on || fd < 0)
		return;
	add(fd, false);
	settle();
}

void look_at(const char *path)
{
	char dir[600];
	char *slash;

	if (!on || strlen(path) >= sizeof(dir))
		return;
	add(open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), true);
	memcpy(dir, path, strlen(path) + 1);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = 0;
	add(open(slash ? dir : ".", O_PATH | O_NOFOLLOW | O_CLOEXEC), true);
	settle();
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
