// SPDX-License-Identifier: GPL-2.0-only
/* epoch.c: a sequence from the same start in two directories, side by side, to its end or the first difference. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "parity.h"

static int dir_of_user(int top, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	return mkdirat(top, name, 0700) || fchownat(top, name, uid, gid, 0) || fchmodat(top, name, mode, 0);
}

static int file_of_user(int top, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	int fd = openat(top, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), bad;
	char text[5000];

	if (fd < 0)
		return -1;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'a' + i % 23;
	bad = write(fd, text, sizeof(text)) != sizeof(text) || fchown(fd, uid, gid) || fchmod(fd, mode);
	close(fd);
	return bad;
}

/* For user 1000 and group 2000, to be handed on to what is made in the directory. */
static const uint8_t acl[] = {
	2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 6, 0, 0xe8, 3, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255,
	8, 0, 4, 0, 0xd0, 7, 0, 0, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 1, 0, 255, 255, 255, 255,
};

/* Of file systems that have none nothing is asked. */
static void attributes_of(int top)
{
	int fd = openat(top, "d2", O_RDONLY | O_CLOEXEC);

	fsetxattr(fd, "system.posix_acl_default", acl, sizeof(acl), 0);
	fsetxattr(fd, "user.a0", "of d2", 5, 0);
	close(fd);
	fd = openat(top, "f0", O_RDONLY | O_CLOEXEC);
	fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0);
	fsetxattr(fd, "user.a1", "of f0", 5, 0);
	fsetxattr(fd, "trusted.t0", "root's", 6, 0);
	close(fd);
}

/* What each sequence starts from. */
static bool start(const char *dir)
{
	int top, bad;

	if (mkdir(dir, 0777) || (top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "parity: %s: %s\n", dir, strerror(errno));
		return false;
	}
	bad = fchmod(top, 0777) || dir_of_user(top, "d0", 0777, 0, 0) || dir_of_user(top, "d1", 01777, 0, 0) ||
	      dir_of_user(top, "d2", 02775, 0, 2000) || dir_of_user(top, "d3", 0755, 1000, 1000) ||
	      file_of_user(top, "f0", 0666, 0, 0) || file_of_user(top, "f1", 0644, 1000, 1000) ||
	      file_of_user(top, "f2", 0660, 1001, 2000) || file_of_user(top, "d0/f0", 0666, 1000, 1000) ||
	      file_of_user(top, "d1/f0", 0644, 1001, 1001) || file_of_user(top, "d3/f1", 0664, 1000, 2000) ||
	      symlinkat("d0", top, "l0") || symlinkat("f0", top, "l1");
	attributes_of(top);
	close(top);
	if (bad)
		fprintf(stderr, "parity: %s: %s\n", dir, strerror(errno));
	return !bad;
}

static void trace(unsigned int n, const struct step *step, const char *a, const char *b)
{
	printf("%u @%u %s\n", n, step->actor, a);
	if (b && strcmp(a, b))
		printf("%*s PAIR: %s\n", 4, "", b);
}

/* All lines of an operation from both; the first that differ without being expected to are kept.  1: there are such */
static int step_lines(struct run *run, struct actor (*actors)[NR_ACTORS], unsigned int n, const struct step *step,
		      struct difference *diff)
{
	static char line[2][LINE];
	unsigned int sides = run->dirs[1] ? 2 : 1, op = gen_index(step->op);
	bool more[2] = { true, true }, alive = true;
	int found = 0;

	while (more[0] || (sides == 2 && more[1])) {
		const char *why;

		for (unsigned int i = 0; i < sides; i++) {
			if (!more[i])
				snprintf(line[i], LINE, "(nothing)");
			else if (!actor_line(&actors[i][step->actor], &more[i], line[i]))
				more[i] = alive = false;
		}
		if (run->trace && (step->op != ops_audit || sides == 1 || strcmp(line[0], line[1])))
			trace(n, step, line[0], sides == 2 ? line[1] : NULL);
		if (sides < 2 || !strcmp(line[0], line[1]) || found)
			continue;
		why = expected(run->fs, step->op->name, line[0], line[1]);
		if (why) {
			run->excused++;
			run->excuses[op]++;
			run->why[op] = why;
			continue;
		}
		found = 1;
		diff->n = n;
		diff->step = *step;
		memcpy(diff->native, line[0], LINE);
		memcpy(diff->pair, line[1], LINE);
	}
	return found ? found : alive ? 0 : -1;
}

static void forget_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	if (fd >= 0 && write(fd, "3", 1) != 1)
		perror("parity: drop_caches");
	if (fd >= 0)
		close(fd);
}

int epoch_run(struct run *run, unsigned int epoch, const uint8_t *mask, struct difference *diff, bool keep)
{
	static unsigned int serial;
	struct actor actors[2][NR_ACTORS] = { 0 };
	unsigned int sides = run->dirs[1] ? 2 : 1;
	const struct timespec tick = { 0, 11000000 };
	char dirs[2][500];
	int status = 0;

	for (unsigned int i = 0; i < sides; i++) {
		if (keep)
			snprintf(dirs[i], sizeof(dirs[0]), "%s/kept%u", run->dirs[i], epoch);
		else
			snprintf(dirs[i], sizeof(dirs[0]), "%s/e%d.%u", run->dirs[i], getpid(), serial);
		if (!start(dirs[i]) || !actors_start(actors[i], dirs[i]))
			return -1;
	}
	serial++;
	for (unsigned int n = 0; n <= run->length && !status; n++) {
		struct step step;

		if (mask && !mask[n])
			continue;
		gen_step(run->seed, epoch, n, &step);
		if (n == run->length) {
			step.op = ops_audit;
			step.actor = 0;
		} else if (run->drop_caches && step.seed % 200 == 0) {
			forget_caches();
		}
		if (run->ticks)
			nanosleep(&tick, NULL);
		for (unsigned int i = 0; i < sides; i++)
			if (!actor_send(&actors[i][step.actor], &step))
				status = -1;
		if (!status)
			status = step_lines(run, actors, n, &step, diff);
		if (n < run->length) {
			run->done++;
			run->count[gen_index(step.op)]++;
		}
	}
	for (unsigned int i = 0; i < sides; i++)
		actors_stop(actors[i]);
	for (unsigned int i = 0; i < sides && !keep; i++)
		if (!wipe(dirs[i]) && !status)
			status = -1;
	return status;
}
