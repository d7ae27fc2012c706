// SPDX-License-Identifier: GPL-2.0-only
/*
 * labd: runs commands in dom0 and in the lab's guests for `lab exec`.
 *
 * One TCP connection is one command.  Both ways travel frames: a type octet, a
 * length (4 octets, big endian), a payload.
 *
 *	to labd		R NAME	(first) go on to domain NAME; dom0 only
 *			A ARG	one argument of the command, in order
 *			E K=V	one variable of its environment
 *			D DIR	its directory
 *			X	start it
 *			I DATA	its standard input; no data: end of file
 *			K	kill it
 *	from labd	O DATA	standard output
 *			W DATA	standard error
 *			S N	exit status, 4 octets; 128 + n for signal n; last
 *			F TEXT	it could not be done; last
 *
 * A client that goes away takes its command with it.  In dom0, labd looks a
 * domain's name up in xenstore, connects to the address that belongs to the
 * MAC of its first network interface (see mac_to_ip), passes octets both ways
 * and watches that the domain still exists.
 *
 * Static, without threads, one process a connection.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"

#define ARGS_MAX	4096
#define CHUNK		FRAME_MAX
#define CONNECT_MS	5000
#define WATCH_MS	2000

static char *args[ARGS_MAX + 1];
static unsigned int nr_args;
static char *dir;

/* ---- frames ---------------------------------------------------------- */

static void fail(int fd, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_frame(fd, 'F', text, strlen(text));
	/* let it arrive: unread input would turn the close into a reset */
	shutdown(fd, SHUT_WR);
	while (read(fd, text, sizeof(text)) > 0)
		;
	exit(1);
}

static char *recv_frame(int fd, char *type, uint32_t *len)
{
	unsigned char head[5];
	char *data;

	if (read_all(fd, head, sizeof(head)))
		exit(0);
	*type = head[0];
	memcpy(len, head + 1, 4);
	*len = ntohl(*len);
	if (*len > FRAME_MAX)
		fail(fd, "frame of %u octets", *len);
	data = malloc(*len + 1);
	if (!data || read_all(fd, data, *len))
		exit(0);
	data[*len] = 0;
	return data;
}

/* ---- the domain behind a name ---------------------------------------- */

struct xs_msg {
	uint32_t type, req_id, tx_id, len;
};

static int xs_open(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, "/run/xenstored/socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* type 1 is XS_DIRECTORY, 2 XS_READ; the answer's length or -1 */
static int xs_ask(int fd, uint32_t type, const char *path, char *buf, size_t size)
{
	struct xs_msg msg = { .type = type, .len = strlen(path) + 1 };

	if (write_all(fd, &msg, sizeof(msg)) ||
	    write_all(fd, path, msg.len) || read_all(fd, &msg, sizeof(msg)))
		exit(1);
	if (msg.len >= size)
		exit(1);
	if (read_all(fd, buf, msg.len))
		exit(1);
	buf[msg.len] = 0;
	return msg.type == type ? (int)msg.len : -1;
}

static int domain_is(int xs, const char *domid, const char *name)
{
	char path[64], value[5000];

	snprintf(path, sizeof(path), "/local/domain/%.8s/name", domid);
	return xs_ask(xs, 2, path, value, sizeof(value)) >= 0 &&
	       !strcmp(value, name);
}

static int domain_find(int xs, const char *name, char *domid, size_t size)
{
	char list[5000];
	int i, len = xs_ask(xs, 1, "/local/domain", list, sizeof(list));

	for (i = 0; i < len; i += strlen(list + i) + 1) {
		if (!strcmp(list + i, "0") || !domain_is(xs, list + i, name))
			continue;
		snprintf(domid, size, "%s", list + i);
		return 0;
	}
	return -1;
}

/* 00:16:3e:77:HI:LO is 10.77.HI.LO; guests derive it in the same way */
static int mac_to_ip(const char *mac, struct in_addr *ip)
{
	unsigned int hi, lo;

	if (sscanf(mac, "00:16:3e:77:%x:%x", &hi, &lo) != 2)
		return -1;
	ip->s_addr = htonl(0x0a4d0000 | (hi & 255) << 8 | (lo & 255));
	return 0;
}

static int connect_to(struct in_addr ip)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(LABD_PORT), .sin_addr = ip };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	int err = 0, one = 1;
	socklen_t len = sizeof(err);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) &&
	    errno != EINPROGRESS)
		return -1;
	if (poll(&pfd, 1, CONNECT_MS) != 1 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) || err) {
		close(fd);
		errno = err ? err : ETIMEDOUT;
		return -1;
	}
	fcntl(fd, F_SETFL, 0);
	return fd;
}

struct pipe {
	int from, to;
	char buf[CHUNK];
	size_t len, off;
	int eof, done;
};

/* a pump of one direction; -1 when the connection is broken */
static int pump(struct pipe *p, short from_ev, short to_ev)
{
	ssize_t n;

	if (!p->len && !p->eof && from_ev) {
		n = recv(p->from, p->buf, sizeof(p->buf), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n == 0)
			p->eof = 1;
		if (n > 0) {
			p->len = n;
			p->off = 0;
			to_ev = POLLOUT;
		}
	}
	if (p->len && to_ev) {
		n = send(p->to, p->buf + p->off, p->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (n > 0) {
			p->off += n;
			p->len -= n;
		}
	}
	if (p->eof && !p->len && !p->done) {
		shutdown(p->to, SHUT_WR);
		p->done = 1;
	}
	return 0;
}

static void relay(int client, const char *name)
{
	static struct pipe up, down;
	char domid[16], path[64], mac[5000];
	struct in_addr ip;
	int xs = xs_open(), fd;

	if (xs < 0)
		fail(client, "no xenstore here to find domain %s", name);
	if (domain_find(xs, name, domid, sizeof(domid)))
		fail(client, "no domain is called %s", name);
	snprintf(path, sizeof(path), "/local/domain/%s/device/vif/0/mac", domid);
	if (xs_ask(xs, 2, path, mac, sizeof(mac)) < 0 || mac_to_ip(mac, &ip))
		fail(client, "domain %s has no network of the lab", name);
	fd = connect_to(ip);
	if (fd < 0)
		fail(client, "domain %s does not answer: %s", name,
		     strerror(errno));
	send_frame(client, 'C', NULL, 0);
	up.from = down.to = client;
	down.from = up.to = fd;
	while (!down.done) {
		struct pollfd pfd[2] = {
			{ client, (up.len || up.eof ? 0 : POLLIN) |
				  (down.len ? POLLOUT : 0), 0 },
			{ fd, (down.len || down.eof ? 0 : POLLIN) |
			      (up.len ? POLLOUT : 0), 0 },
		};
		int n = poll(pfd, 2, WATCH_MS);

		if (n == 0 && !domain_is(xs, domid, name))
			fail(client, "domain %s is gone", name);
		if (n <= 0)
			continue;
		if (pump(&up, pfd[0].revents & (POLLIN | POLLHUP | POLLERR),
			 pfd[1].revents & POLLOUT) ||
		    pump(&down, pfd[1].revents & (POLLIN | POLLHUP | POLLERR),
			 pfd[0].revents & POLLOUT))
			break;
		/* the client left for good */
		if (pfd[0].revents & (POLLHUP | POLLERR))
			break;
	}
	exit(0);
}

/* ---- a command ------------------------------------------------------- */

static void start(int client, int in[2], int out[2], int err[2], pid_t *pid)
{
	int bad[2], e = 0;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC) || pipe2(bad, O_CLOEXEC))
		fail(client, "pipe: %s", strerror(errno));
	/* larger pieces, fewer wake-ups */
	fcntl(in[0], F_SETPIPE_SZ, 4 * CHUNK);
	fcntl(out[0], F_SETPIPE_SZ, 4 * CHUNK);
	*pid = fork();
	if (*pid < 0)
		fail(client, "fork: %s", strerror(errno));
	if (*pid == 0) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		signal(SIGPIPE, SIG_DFL);
		if (dir && chdir(dir))
			e = errno;
		if (!e) {
			execvp(args[0], args);
			e = errno;
		}
		write_all(bad[1], &e, sizeof(e));
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	close(bad[1]);
	if (!read_all(bad[0], &e, sizeof(e))) {
		char text[512];
		uint32_t status = htonl(e == ENOENT ? 127 : 126);

		snprintf(text, sizeof(text), "labd: %s: %s\n",
			 args[0], strerror(e));
		send_frame(client, 'W', text, strlen(text));
		send_frame(client, 'S', &status, 4);
		shutdown(client, SHUT_WR);
		while (read(client, text, sizeof(text)) > 0)
			;
		exit(0);
	}
	close(bad[0]);
}

/* Input from the client, of which whole frames are taken off the front. */
struct input {
	unsigned char buf[FRAME_MAX + 5];
	size_t len;
	size_t left;		/* of an I frame, to be written to the command */
	size_t off;
	int closed;
};

/* one step with what is in the buffer; -1: kill the command */
static int feed(struct input *i, int *in)
{
	ssize_t n;
	uint32_t len;

	for (;;) {
		if (i->left) {
			if (*in < 0) {
				n = i->left;
			} else {
				n = write(*in, i->buf + i->off, i->left);
				if (n < 0 && errno == EAGAIN)
					return 0;
				if (n < 0) {
					close(*in);
					*in = -1;
					n = i->left;
				}
			}
			i->off += n;
			i->left -= n;
			if (i->left)
				return 0;
			memmove(i->buf, i->buf + i->off, i->len - i->off);
			i->len -= i->off;
			i->off = 0;
			continue;
		}
		if (i->len < 5)
			return 0;
		memcpy(&len, i->buf + 1, 4);
		len = ntohl(len);
		if (len > FRAME_MAX || i->buf[0] == 'K')
			return -1;
		if (i->len < 5 + (size_t)len)
			return 0;
		if (i->buf[0] == 'I' && len == 0 && *in >= 0) {
			close(*in);
			*in = -1;
		}
		i->off = 5;
		i->left = i->buf[0] == 'I' ? len : 0;
		if (!i->left) {
			i->off += len;
			memmove(i->buf, i->buf + i->off, i->len - i->off);
			i->len -= i->off;
			i->off = 0;
		}
	}
}

static int forward(int client, int *fd, char type)
{
	static char buf[CHUNK];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return 0;
	}
	return send_frame(client, type, buf, n) ? -1 : (int)n;
}

static void child_ended(int sig)
{
	(void)sig;
}

static void run(int client)
{
	static struct input input;
	int in[2], out[2], err[2], status = 0, ended = 0;
	struct sigaction sa = { .sa_handler = child_ended };
	sigset_t chld, old;
	uint32_t be;
	pid_t pid;

	if (!nr_args)
		fail(client, "no command");
	start(client, in, out, err, &pid);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	sigaction(SIGCHLD, &sa, NULL);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);

	for (;;) {
		int room = input.len < sizeof(input.buf) && !input.closed;
		struct pollfd pfd[4] = {
			{ client, room ? POLLIN : 0, 0 },
			{ out[0], POLLIN, 0 },
			{ err[0], POLLIN, 0 },
			{ in[1], input.left ? POLLOUT : 0, 0 },
		};
		struct timespec none = { 0, 0 };
		int got = 0, n;

		if (!ended && waitpid(pid, &status, WNOHANG) == pid)
			ended = 1;
		/* After the end only what is in the pipes already counts: a
		 * daemon that holds them open must not keep us here. */
		n = ppoll(pfd, 4, ended ? &none : NULL, &old);
		if (n < 0)
			continue;
		if (pfd[1].revents) {
			got |= 1;
			if (forward(client, &out[0], 'O') < 0)
				goto kill;
		}
		if (pfd[2].revents) {
			got |= 1;
			if (forward(client, &err[0], 'W') < 0)
				goto kill;
		}
		if (ended && !got)
			break;
		if (pfd[0].revents && room) {
			ssize_t r = read(client, input.buf + input.len,
					 sizeof(input.buf) - input.len);

			if (r <= 0)
				goto kill;
			input.len += r;
		} else if (pfd[0].revents & (POLLERR | POLLHUP)) {
			goto kill;
		}
		if (feed(&input, &in[1]))
			goto kill;
	}
	be = htonl(WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
		   WEXITSTATUS(status));
	send_frame(client, 'S', &be, 4);
	shutdown(client, SHUT_WR);
	while (read(client, input.buf, sizeof(input.buf)) > 0)
		;
	exit(0);
kill:
	kill(-pid, SIGKILL);
	exit(0);
}

static void serve(int client)
{
	uint32_t len;
	char type, *data;

	for (;;) {
		data = recv_frame(client, &type, &len);
		switch (type) {
		case 'R':
			relay(client, data);
			break;
		case 'A':
			if (nr_args == ARGS_MAX)
				fail(client, "too many arguments");
			args[nr_args++] = data;
			break;
		case 'E':
			putenv(data);
			break;
		case 'D':
			dir = data;
			break;
		case 'X':
			run(client);
			break;
		default:
			fail(client, "unknown frame %d", type);
		}
	}
}

/* As a guest's first process: the child serves, the parent buries orphans. */
static void first_process(void)
{
	static const char ready[] = "lab: ready\n";

	signal(SIGCHLD, SIG_DFL);
	if (fork() == 0) {
		setsid();
		signal(SIGCHLD, SIG_IGN);
		return;
	}
	write_all(1, ready, sizeof(ready) - 1);
	for (;;)
		if (wait(NULL) < 0)
			pause();
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(LABD_PORT) };
	int fd, one = 1, i;

	if (argc > 1 && !strcmp(argv[1], "-d") && daemon(0, 0))
		return 1;
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 0);
	setenv("LC_ALL", "C.UTF-8", 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);	/* nobody waits for connections */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* the address may come later than labd */
	for (i = 0; bind(fd, (struct sockaddr *)&sin, sizeof(sin)); i++) {
		if (i == 50) {
			perror("labd: bind");
			return 1;
		}
		usleep(100000);
	}
	if (listen(fd, 64)) {
		perror("labd: listen");
		return 1;
	}
	if (getpid() == 1)
		first_process();
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client < 0) {
			usleep(10000);
			continue;
		}
		if (fork() == 0) {
			signal(SIGCHLD, SIG_DFL);
			close(fd);
			setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one,
				   sizeof(one));
			setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &one,
				   sizeof(one));
			serve(client);
		}
		close(client);
	}
}
