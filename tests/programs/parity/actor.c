// SPDX-License-Identifier: GPL-2.0-only
/*
 * actor.c: the processes of one directory.  Each is a user of its own, with its own descriptors, mappings and locks;
 * it runs one operation when it is told to, and answers with its lines.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parity.h"

#define CAP(c) (1ull << (c))
#define EVERY (~0ull)
#define HANGS_MS 90000u

struct me me;
uint8_t *buf;

static const struct user {
	uid_t uid;
	gid_t gid;
	int nr_groups;
	gid_t groups[2];
	uint64_t caps;
} users[NR_ACTORS] = {
	{ 0, 0, 0, { 0 }, EVERY },
	{ 1000, 1000, 1, { 2000 }, 0 },
	{ 1001, 1001, 2, { 2000, 3000 }, 0 },
	{ 1002, 1000, 0, { 0 }, CAP(CAP_CHOWN) | CAP(CAP_FOWNER) },
	{ 0, 0, 0, { 0 }, CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FSETID) | CAP(CAP_MKNOD) },
	{ 0, 0, 0, { 0 }, EVERY },	/* takes other identities for its calls */
};

struct order {
	unsigned int op;
	bool timed;
	uint64_t seed;
};

static int answer_sock;

static void die(const char *what)
{
	fprintf(stderr, "parity: actor %u: %s: %s\n", me.nr, what, strerror(errno));
	_exit(3);
}

static void become(const struct user *u)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (u->caps == EVERY) {
		if (setgroups(0, NULL))
			die("setgroups");
		return;
	}
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(u->nr_groups, u->groups) || setresgid(u->gid, u->gid, u->gid) ||
	    setresuid(u->uid, u->uid, u->uid))
		die("identity");
	data[0] = (struct __user_cap_data_struct){ u->caps, u->caps, 0 };
	data[1] = (struct __user_cap_data_struct){ u->caps >> 32, u->caps >> 32, 0 };
	if (syscall(SYS_capset, &head, data))
		die("capabilities");
}

int some_fd(int *fd)
{
	static bool opening;

	for (;;) {
		unsigned int at = pick(NR_FDS);

		for (unsigned int i = 0; i < NR_FDS; i++) {
			unsigned int slot = (at + i) % NR_FDS;

			if (me.fds[slot] >= 0) {
				*fd = me.fds[slot];
				say(" fd%u", slot);
				return slot;
			}
		}
		if (opening || (*fd = open(some_file(), O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666)) < 0) {
			*fd = me.top;
			say(" top");
			return -1;
		}
		me.fds[at] = *fd;
	}
}

bool got_fd(int fd)
{
	unsigned int slot;

	say_result(fd < 0 ? fd : 0);
	if (fd < 0)
		return false;
	slot = pick(NR_FDS);
	for (unsigned int i = 0; i < NR_FDS && me.fds[slot] >= 0; i++)
		slot = (slot + 1) % NR_FDS;
	if (me.fds[slot] >= 0) {
		say(" close");
		say_result(close(me.fds[slot]));
	}
	me.fds[slot] = fd;
	say(" fd%u", slot);
	return true;
}

void fill(size_t len)
{
	uint64_t a = rnd(), b = rnd() | 1;

	for (size_t i = 0; i + 8 <= ((len + 7) & ~7ul); i += 8, a += b)
		memcpy(buf + i, &a, 8);
}

size_t some_len(void)
{
	switch (pick(12)) {
	case 0: return 0;
	case 1: return pick(200000);
	case 2: return PAGE * (1 + pick(16));
	case 3: return 512 * pick(16);
	case 4: case 5: return pick(20000);
	default: return pick(3000);
	}
}

long long some_off(void)
{
	switch (pick(10)) {
	case 0: return pick(600000);
	case 1: return 0;
	case 2: case 3: return PAGE * pick(32);
	case 4: return 512 * pick(64);
	default: return pick(40000);
	}
}

/* text: more follows if the first octet is '+', the last if it is '.' */
static void answer(char first, const char *text)
{
	static char line[LINE + 1];
	size_t n = strlen(text);

	line[0] = first;
	memcpy(line + 1, text, n);
	if (send(answer_sock, line, n + 1, MSG_NOSIGNAL) < 0)
		_exit(0);
}

static void more(const char *text)
{
	answer('+', text);
}

static void serve(int sock, const char *dir, unsigned int nr)
{
	struct rlimit no_core = { 0, 0 }, size = { 2 << 20, 2 << 20 };
	struct order order;
	struct statfs fs;

	me.nr = nr;
	answer_sock = sock;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_CORE, &no_core);
	if (nr == 3)
		setrlimit(RLIMIT_FSIZE, &size);
	for (unsigned int i = 0; i < NR_FDS; i++)
		me.fds[i] = -1;
	me.inotify = -1;
	umask(nr == 2 ? 002 : 022);
	buf = mmap(NULL, BUF_MAX + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		die("memory");
	me.top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (me.top < 0 || fchdir(me.top) || statfs(".", &fs))
		die(dir);
	me.bcachefs = fs.f_type == 0xca451a4e;
	me.large_folios = me.bcachefs || fs.f_type == 0x58465342;	/* XFS */
	become(&users[nr]);
	if (recv(sock, me.pids, sizeof(me.pids), 0) != sizeof(me.pids))
		_exit(0);
	while (recv(sock, &order, sizeof(order), 0) == sizeof(order)) {
		const struct op *op = gen_op(order.op);

		rnd_seed(order.seed);
		say_begin();
		say("%s", op->name);
		if (op == ops_audit) {
			audit_lines(more);
			say_begin();
			say("audited");
		} else {
			look_begin(order.timed);
			op->run();
			look_end();
		}
		answer('.', said);
	}
	_exit(0);
}

bool actors_start(struct actor *actors, const char *dir)
{
	pid_t pids[NR_ACTORS];

	for (unsigned int i = 0; i < NR_ACTORS; i++) {
		int s[2], room = 4 << 20;

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s))
			return false;
		setsockopt(s[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
		fflush(NULL);
		actors[i].pid = pids[i] = fork();
		if (pids[i] < 0)
			return false;
		if (!pids[i]) {
			close(s[0]);
			serve(s[1], dir, i);
		}
		close(s[1]);
		actors[i].sock = s[0];
	}
	for (unsigned int i = 0; i < NR_ACTORS; i++)
		if (send(actors[i].sock, pids, sizeof(pids), MSG_NOSIGNAL) != sizeof(pids))
			return false;
	return true;
}

void actors_stop(struct actor *actors)
{
	for (unsigned int i = 0; i < NR_ACTORS; i++) {
		close(actors[i].sock);
		if (actors[i].pid <= 0)
			continue;
		kill(actors[i].pid, SIGKILL);	/* others have the socket, too: closing it does not end it */
		waitpid(actors[i].pid, NULL, 0);
	}
}

bool actor_send(const struct actor *actor, const struct step *step)
{
	struct order order = { .op = gen_index(step->op), .timed = step->timed, .seed = step->seed };

	return send(actor->sock, &order, sizeof(order), MSG_NOSIGNAL) == sizeof(order);
}

const char *actor_line(const struct actor *actor, bool *is_more, char *line)
{
	struct pollfd p = { .fd = actor->sock, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, HANGS_MS) != 1) {
		snprintf(line, LINE, "(no answer within %u s)", HANGS_MS / 1000u);
		kill(actor->pid, SIGKILL);
		return NULL;
	}
	n = recv(actor->sock, line, LINE, 0);
	if (n < 1) {
		snprintf(line, LINE, "(the process has died)");
		return NULL;
	}
	*is_more = line[0] == '+';
	memmove(line, line + 1, n - 1);
	line[n - 1] = 0;
	return line;
}
