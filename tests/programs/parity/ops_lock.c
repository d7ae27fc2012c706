// SPDX-License-Identifier: GPL-2.0-only
/* ops_lock.c: locks of all three kinds, and leases. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include "parity.h"

static const char *type_name(int type)
{
	return type == F_RDLCK ? "read" : type == F_WRLCK ? "write" : type == F_UNLCK ? "none" : "?";
}

static struct flock some_lock(void)
{
	struct flock l = { .l_type = ONE_OF(F_RDLCK, F_RDLCK, F_WRLCK, F_WRLCK, F_UNLCK), .l_whence = SEEK_SET };

	l.l_start = pick(8) * 10;
	l.l_len = pick(4) * 10;
	if (one_in(20))
		l.l_whence = ONE_OF(SEEK_CUR, SEEK_END, 7);
	if (one_in(40))
		l.l_start = -5;
	say(" %s %d:%lld+%lld", type_name(l.l_type), l.l_whence, (long long)l.l_start, (long long)l.l_len);
	return l;
}

static void op_lock(void)
{
	struct flock l;
	bool ofd = one_in(2);
	int fd;

	some_fd(&fd);
	say(ofd ? " ofd" : " posix");
	l = some_lock();
	say_result(fcntl(fd, ofd ? F_OFD_SETLK : F_SETLK, &l));
}

static void op_getlk(void)
{
	struct flock l;
	bool ofd = one_in(2);
	int fd;

	some_fd(&fd);
	say(ofd ? " ofd" : " posix");
	l = some_lock();
	if (say_result(fcntl(fd, ofd ? F_OFD_GETLK : F_GETLK, &l)))
		return;
	say(" %s", type_name(l.l_type));
	if (l.l_type == F_UNLCK)
		return;
	say(" %d:%lld+%lld", l.l_whence, (long long)l.l_start, (long long)l.l_len);
	for (unsigned int i = 0; i < NR_ACTORS; i++)
		if (me.pids[i] == l.l_pid)
			say(" of %u", i);
	if (l.l_pid == -1)
		say(" of a description");
}

static void nothing(int sig)
{
	(void)sig;
}

/* Waits for the lock, and is interrupted. */
static void op_setlkw(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct itimerval soon = { .it_value.tv_usec = 30000 }, never = { 0 };
	struct flock l;
	int fd;

	some_fd(&fd);
	l = some_lock();
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	say_result(fcntl(fd, one_in(2) ? F_SETLKW : F_OFD_SETLKW, &l));
	setitimer(ITIMER_REAL, &never, NULL);
}

static void op_flock(void)
{
	int fd, how = ONE_OF(LOCK_SH, LOCK_EX, LOCK_EX, LOCK_UN, LOCK_UN, LOCK_SH | LOCK_EX);

	some_fd(&fd);
	say(" %d", how);
	say_result(flock(fd, how | LOCK_NB));
}

static void op_lease(void)
{
	int fd, type = ONE_OF(F_RDLCK, F_WRLCK);

	some_fd(&fd);
	say(" %s", type_name(type));
	say_result(fcntl(fd, F_SETLEASE, type));
	say_result(fcntl(fd, F_GETLEASE));
	say_result(fcntl(fd, F_SETLEASE, F_UNLCK));
}

const struct op ops_lock[] = {
	{ "lock", 25, ALL, op_lock },
	{ "getlk", 10, ALL, op_getlk },
	{ "setlkw", 3, ALL, op_setlkw },
	{ "flock", 14, ALL, op_flock },
	{ "lease", 4, ALL, op_lease },
	{ 0 },
};
