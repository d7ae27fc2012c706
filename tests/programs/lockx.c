// SPDX-License-Identifier: GPL-2.0-only
/*
 * lockx.c: locks, leases, O_TMPFILE, copies between files, handles, freezing, and reads and writes with flags:
 * what each may be relied on for, and how it refuses what cannot be.  Run it as root.
 *
 *	lockx [--only NAME] [--list] DIR	DIR is made and removed
 *	lockx --reflink DIR			and extents must be shared (else: must be refused)
 *	lockx --freeze DIR			freezes the file system for a moment, too
 *	lockx --save FILE DIR			writes handles of things made in DIR to FILE
 *	lockx --open FILE DIR			opens them, perhaps after another mount
 *	lockx --check FILE DIR			opens them and removes the things
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *current = "";
static bool reflink;

static void fail(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL lockx: %s: ", current);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* r of a system call: must have worked. */
#define DO(call) ({ \
		__typeof__(call) r_ = (call); \
		if (r_ == (__typeof__(r_))-1) \
			fail("%s: %s (line %d)", #call, strerror(errno), __LINE__); \
		r_; \
	})
/* must have failed so */
#define REFUSED(call, err) do { \
		if ((call) != -1) fail("%s was done, expected %s (line %d)", #call, strerror(err), __LINE__); \
		if (errno != (err)) \
			fail("%s: %s, expected %s (line %d)", #call, strerror(errno), strerror(err), __LINE__); \
	} while (0)
#define IS(cond) do { if (!(cond)) fail("not so: %s (line %d)", #cond, __LINE__); } while (0)

static int make(const char *name, mode_t mode)
{
	return DO(open(name, O_RDWR | O_CREAT | O_EXCL, mode));
}

static void fill(int fd, off_t at, size_t len, unsigned int seed)
{
	unsigned char *p = malloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (seed + (at + i) * 7 + (at + i) / 251) & 0xff;
	IS(pwrite(fd, p, len, at) == (ssize_t)len);
	free(p);
}

static void filled(int fd, off_t at, off_t as, size_t len, unsigned int seed)
{
	unsigned char *p = malloc(len);

	IS(pread(fd, p, len, at) == (ssize_t)len);
	for (size_t i = 0; i < len; i++)
		IS(p[i] == ((seed + (as + i) * 7 + (as + i) / 251) & 0xff));
	free(p);
}

/* ---- Children that do as they are told ---- */

struct child {
	pid_t pid;
	int in, out;
};

/* f runs in a child, says one octet when it is ready, and goes on when it is sent one. */
static struct child start(void (*f)(int in, int out, void *arg), void *arg)
{
	int to[2], from[2];
	struct child c;

	DO(pipe(to));
	DO(pipe(from));
	c.pid = DO(fork());
	if (!c.pid) {
		close(to[1]);
		close(from[0]);
		f(to[0], from[1], arg);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	c.in = from[0];
	c.out = to[1];
	return c;
}

static void say(int fd) { DO(write(fd, "x", 1)); }
static void hear(int fd)
{
	ssize_t n;
	char c;

	do
		n = read(fd, &c, 1);
	while (n == -1 && errno == EINTR);
	if (n != 1)
		_exit(1);		/* the other end has said why */
}

static bool heard(const struct child *c, int ms)
{
	struct pollfd p = { .fd = c->in, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ms);
	while (n == -1 && errno == EINTR);
	return n == 1;
}

static void end(struct child *c)
{
	int status;

	close(c->out);
	close(c->in);
	DO(waitpid(c->pid, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(1);		/* it has said why */
}

static void nothing(int sig) { (void)sig; }

static void on_signal(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = flags };

	DO(sigaction(sig, &sa, NULL));
}

static void alarm_in(int ms)
{
	struct itimerval t = { .it_value = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 } };

	DO(setitimer(ITIMER_REAL, &t, NULL));
}

/* ---- POSIX locks ---- */

static int lk(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &l);
}

static struct flock who(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	DO(fcntl(fd, cmd, &l));
	return l;
}

/* Holds 10..19 for writing and 100..199 for reading until it is told to go on; then says so and exits. */
static void holder(int in, int out, void *arg)
{
	int fd = DO(open(arg, O_RDWR));

	DO(lk(fd, F_SETLK, F_WRLCK, 10, 10));
	DO(lk(fd, F_SETLK, F_RDLCK, 100, 100));
	say(out);
	hear(in);
}

static void posix_conflict(void)
{
	int fd = make("p", 0600), ro = DO(open("p", O_RDONLY)), wo = DO(open("p", O_WRONLY));
	struct child c = start(holder, "p");
	struct flock l;

	hear(c.in);
	REFUSED(lk(fd, F_SETLK, F_WRLCK, 0, 0), EAGAIN);
	REFUSED(lk(fd, F_SETLK, F_RDLCK, 19, 1), EAGAIN);
	REFUSED(lk(fd, F_SETLK, F_WRLCK, 150, 1), EAGAIN);
	DO(lk(fd, F_SETLK, F_RDLCK, 150, 100));
	DO(lk(fd, F_SETLK, F_WRLCK, 20, 80));
	DO(lk(fd, F_SETLK, F_WRLCK, 200, 0));
	l = who(fd, F_GETLK, F_WRLCK, 0, 0);
	IS(l.l_type == F_WRLCK && l.l_start == 10 && l.l_len == 10 && l.l_pid == c.pid && l.l_whence == SEEK_SET);
	l = who(fd, F_GETLK, F_WRLCK, 120, 5);
	IS(l.l_type == F_RDLCK && l.l_start == 100 && l.l_len == 100 && l.l_pid == c.pid);
	l = who(fd, F_GETLK, F_RDLCK, 120, 5);
	IS(l.l_type == F_UNLCK && l.l_start == 120 && l.l_len == 5);
	/* who may ask for what */
	REFUSED(lk(ro, F_SETLK, F_WRLCK, 0, 1), EBADF);
	REFUSED(lk(wo, F_SETLK, F_RDLCK, 0, 1), EBADF);
	REFUSED(lk(fd, F_SETLK, F_WRLCK, -5, 1), EINVAL);
	REFUSED(lk(fd, F_SETLK, 77, 0, 1), EINVAL);
	REFUSED(lk(fd, F_GETLK, F_UNLCK, 0, 1), EINVAL);
	REFUSED(lk(fd, F_SETLK, F_WRLCK, 5, -10), EINVAL);
	/* its end is the end of its locks */
	say(c.out);
	end(&c);
	DO(lk(fd, F_SETLK, F_WRLCK, 0, 0));
	close(wo);
	close(ro);
	close(fd);
	DO(unlink("p"));
}

static void asker(int in, int out, void *arg)
{
	int fd = DO(open(arg, O_RDWR));
	struct flock l;

	hear(in);
	REFUSED(lk(fd, F_SETLK, F_WRLCK, 0, 10), EAGAIN);
	l = who(fd, F_GETLK, F_WRLCK, 0, 0);
	IS(l.l_type == F_WRLCK && l.l_start == 0 && l.l_len == 40 && l.l_pid == getppid());
	l = who(fd, F_GETLK, F_WRLCK, 40, 0);
	IS(l.l_type == F_RDLCK && l.l_start == 50 && l.l_len == 0);
	DO(lk(fd, F_SETLK, F_WRLCK, 40, 10));
	say(out);
	hear(in);
	DO(lk(fd, F_SETLK, F_WRLCK, 0, 0));
	say(out);
	hear(in);
}

/* Ranges join, split and change; closing any descriptor of the file ends them all. */
static void posix_ranges(void)
{
	int fd = make("p", 0600), fd2;
	struct child c = start(asker, "p");

	DO(lk(fd, F_SETLK, F_WRLCK, 0, 10));
	DO(lk(fd, F_SETLK, F_WRLCK, 20, 20));
	DO(lk(fd, F_SETLK, F_WRLCK, 10, 10));
	DO(lk(fd, F_SETLK, F_WRLCK, 50, 0));
	DO(lk(fd, F_SETLK, F_RDLCK, 50, 0));
	DO(lk(fd, F_SETLK, F_UNLCK, 40, 10));
	say(c.out);
	hear(c.in);
	/* fork does not pass them on */
	REFUSED(lk(fd, F_SETLK, F_WRLCK, 40, 10), EAGAIN);
	fd2 = DO(open("p", O_RDONLY));
	close(fd2);
	say(c.out);
	hear(c.in);
	REFUSED(lk(fd, F_SETLK, F_RDLCK, 0, 0), EAGAIN);
	say(c.out);
	end(&c);
	close(fd);
	DO(unlink("p"));
}

static void waiter(int in, int out, void *arg)
{
	int fd = DO(open(arg, O_RDWR));

	say(out);
	DO(lk(fd, F_SETLKW, F_WRLCK, 0, 10));
	say(out);
	hear(in);
}

static void posix_wait(void)
{
	struct timespec a, b;
	int fd = make("p", 0600);
	struct child c;

	DO(lk(fd, F_SETLK, F_WRLCK, 0, 0));
	c = start(waiter, "p");
	hear(c.in);
	IS(!heard(&c, 400));
	DO(lk(fd, F_SETLK, F_UNLCK, 0, 5));
	IS(!heard(&c, 300));
	DO(lk(fd, F_SETLK, F_UNLCK, 0, 0));
	IS(heard(&c, 20000));
	hear(c.in);
	/* now we wait, and a signal ends that */
	on_signal(SIGALRM, 0);
	alarm_in(400);
	clock_gettime(CLOCK_MONOTONIC, &a);
	REFUSED(lk(fd, F_SETLKW, F_WRLCK, 5, 5), EINTR);
	clock_gettime(CLOCK_MONOTONIC, &b);
	IS((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 10000);
	/* nothing is left of it: when the other goes, it is free */
	say(c.out);
	end(&c);
	c = start(waiter, "p");
	hear(c.in);
	IS(heard(&c, 20000));
	hear(c.in);
	say(c.out);
	end(&c);
	/* one who waits is killed, and what he waited for is nobody's */
	DO(lk(fd, F_SETLK, F_WRLCK, 0, 0));
	c = start(waiter, "p");
	hear(c.in);
	IS(!heard(&c, 300));
	DO(kill(c.pid, SIGKILL));
	IS(waitpid(c.pid, NULL, 0) == c.pid);
	close(c.in);
	close(c.out);
	DO(lk(fd, F_SETLK, F_UNLCK, 0, 0));
	c = start(waiter, "p");
	hear(c.in);
	IS(heard(&c, 20000));
	hear(c.in);
	say(c.out);
	end(&c);
	close(fd);
	DO(unlink("p"));
}

/* Has 0..9, waits for 10..19. */
static void crossed(int in, int out, void *arg)
{
	int fd = DO(open(arg, O_RDWR));

	DO(lk(fd, F_SETLK, F_WRLCK, 0, 10));
	say(out);
	hear(in);
	DO(lk(fd, F_SETLKW, F_WRLCK, 10, 10));
}

static void posix_deadlock(void)
{
	int fd = make("p", 0600);
	struct child c = start(crossed, "p");

	hear(c.in);
	DO(lk(fd, F_SETLK, F_WRLCK, 10, 10));
	say(c.out);
	usleep(500000);
	REFUSED(lk(fd, F_SETLKW, F_WRLCK, 0, 10), EDEADLK);
	DO(lk(fd, F_SETLK, F_UNLCK, 10, 10));
	end(&c);
	close(fd);
	DO(unlink("p"));
}

/* Many who add to one number under a lock: none is lost. */
static void posix_counter(void)
{
	enum { N = 5, ROUNDS = 30 };
	int fd = make("n", 0600), n = 0, status;

	DO(pwrite(fd, &n, sizeof(n), 0));
	for (int i = 0; i < N; i++)
		if (!DO(fork())) {
			int f = DO(open("n", O_RDWR));

			for (int r = 0; r < ROUNDS; r++) {
				DO(lk(f, F_SETLKW, F_WRLCK, 0, 0));
				IS(pread(f, &n, sizeof(n), 0) == sizeof(n));
				n++;
				IS(pwrite(f, &n, sizeof(n), 0) == sizeof(n));
				DO(lk(f, F_SETLK, F_UNLCK, 0, 0));
			}
			_exit(0);
		}
	for (int i = 0; i < N; i++) {
		DO(wait(&status));
		IS(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	IS(pread(fd, &n, sizeof(n), 0) == sizeof(n) && n == N * ROUNDS);
	close(fd);
	DO(unlink("n"));
}

/* ---- Locks of the open file ---- */

static void ofd(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_pid = 1, .l_len = 5 };
	int a = make("o", 0600), b = DO(open("o", O_RDWR)), c, status;

	REFUSED(fcntl(a, F_OFD_SETLK, &l), EINVAL);
	DO(lk(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	REFUSED(lk(b, F_OFD_SETLK, F_RDLCK, 9, 1), EAGAIN);
	REFUSED(lk(b, F_SETLK, F_WRLCK, 0, 1), EAGAIN);
	l = who(b, F_OFD_GETLK, F_RDLCK, 0, 0);
	IS(l.l_type == F_WRLCK && l.l_start == 0 && l.l_len == 10 && l.l_pid == -1);
	/* a child has the same open file, and closing something else changes nothing */
	if (!DO(fork())) {
		DO(lk(a, F_OFD_SETLK, F_RDLCK, 0, 10));
		close(DO(open("o", O_RDONLY)));
		close(a);
		_exit(0);
	}
	DO(wait(&status));
	IS(WIFEXITED(status) && !WEXITSTATUS(status));
	DO(lk(b, F_OFD_SETLK, F_RDLCK, 0, 10));
	REFUSED(lk(b, F_OFD_SETLK, F_WRLCK, 0, 10), EAGAIN);
	c = DO(dup(a));
	close(a);
	REFUSED(lk(b, F_OFD_SETLK, F_WRLCK, 0, 10), EAGAIN);
	on_signal(SIGALRM, 0);
	alarm_in(300);
	REFUSED(lk(b, F_OFD_SETLKW, F_WRLCK, 0, 10), EINTR);
	close(c);
	DO(lk(b, F_OFD_SETLKW, F_WRLCK, 0, 10));
	close(b);
	DO(unlink("o"));
}

/* ---- flock ---- */

static void flocker(int in, int out, void *arg)
{
	int fd = DO(open(arg, O_RDONLY));

	say(out);
	DO(flock(fd, LOCK_EX));
	say(out);
	hear(in);
}

static void flocks(void)
{
	int a = make("f", 0600), b = DO(open("f", O_RDONLY)), c, d;
	struct child w;

	DO(flock(a, LOCK_SH));
	DO(flock(b, LOCK_SH | LOCK_NB));
	REFUSED(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	DO(flock(b, LOCK_UN));
	/* to convert is to give up and take */
	DO(flock(a, LOCK_EX | LOCK_NB));
	REFUSED(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	/* POSIX locks are something else */
	DO(lk(a, F_SETLK, F_WRLCK, 0, 0));
	c = DO(dup(a));
	close(a);
	REFUSED(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	on_signal(SIGALRM, 0);
	alarm_in(300);
	REFUSED(flock(b, LOCK_EX), EINTR);
	w = start(flocker, "f");
	hear(w.in);
	IS(!heard(&w, 300));
	close(c);
	/* the child has it, too: it was forked with c open; so the lock is freed by whoever is last */
	IS(!heard(&w, 300));
	DO(kill(w.pid, SIGKILL));
	IS(waitpid(w.pid, NULL, 0) == w.pid);
	close(w.in);
	close(w.out);
	DO(flock(b, LOCK_EX | LOCK_NB));
	DO(flock(b, LOCK_UN));
	w = start(flocker, "f");
	hear(w.in);
	IS(heard(&w, 20000));
	hear(w.in);
	REFUSED(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	say(w.out);
	end(&w);
	DO(flock(b, LOCK_SH | LOCK_NB));
	REFUSED(flock(b, 0), EINVAL);
	REFUSED(flock(b, LOCK_SH | LOCK_EX | LOCK_NB), EINVAL);
	close(b);
	DO(unlink("f"));
	/* directories as well */
	DO(mkdir("fd", 0700));
	c = DO(open("fd", O_RDONLY));
	d = DO(open("fd", O_RDONLY));
	DO(flock(c, LOCK_EX));
	REFUSED(flock(d, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	close(c);
	DO(flock(d, LOCK_EX | LOCK_NB));
	close(d);
	DO(rmdir("fd"));
}

/* ---- Leases and notices ---- */

static void opener(int in, int out, void *arg)
{
	hear(in);
	REFUSED(open(arg, O_RDWR | O_NONBLOCK), EWOULDBLOCK);
	say(out);
	close(DO(open(arg, O_WRONLY)));
	say(out);
}

static volatile sig_atomic_t got_io;

static void note_io(int sig) { (void)sig; got_io++; }

static void leases(void)
{
	struct sigaction sa = { .sa_handler = note_io };
	int fd = make("l", 0600), ro;
	struct child c;

	DO(sigaction(SIGIO, &sa, NULL));
	IS(DO(fcntl(fd, F_GETLEASE)) == F_UNLCK);
	REFUSED(fcntl(fd, F_SETLEASE, F_RDLCK), EAGAIN);	/* open for writing */
	ro = DO(open("l", O_RDONLY));
	REFUSED(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);	/* open twice */
	close(fd);
	DO(fcntl(ro, F_SETLEASE, F_RDLCK));
	IS(DO(fcntl(ro, F_GETLEASE)) == F_RDLCK);
	REFUSED(fcntl(ro, F_SETLEASE, 77), EINVAL);
	/* somebody opens it for writing: a signal, and he waits until we let go */
	got_io = 0;
	c = start(opener, "l");
	DO(fcntl(ro, F_SETLEASE, F_UNLCK));
	close(ro);
	ro = DO(open("l", O_RDONLY));
	DO(fcntl(ro, F_SETLEASE, F_RDLCK));
	say(c.out);
	hear(c.in);
	IS(got_io);
	IS(!heard(&c, 300));
	IS(DO(fcntl(ro, F_GETLEASE)) == F_UNLCK);	/* what it is to become */
	DO(fcntl(ro, F_SETLEASE, F_UNLCK));
	IS(heard(&c, 10000));
	hear(c.in);
	end(&c);
	close(ro);
	DO(unlink("l"));
	fd = DO(open(".", O_RDONLY));
	IS(fcntl(fd, F_SETLEASE, F_WRLCK) == -1);
	close(fd);
}

static void dnotify(void)
{
	struct sigaction sa = { .sa_handler = note_io };
	int fd, f;

	DO(sigaction(SIGIO, &sa, NULL));
	DO(mkdir("dn", 0700));
	fd = DO(open("dn", O_RDONLY));
	DO(fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_MODIFY | DN_MULTISHOT));
	got_io = 0;
	f = make("dn/x", 0600);
	IS(got_io == 1);
	DO(write(f, "x", 1));
	IS(got_io == 2);
	DO(unlink("dn/x"));
	IS(got_io == 3);
	REFUSED(fcntl(f, F_NOTIFY, DN_CREATE), ENOTDIR);
	close(f);
	close(fd);
	DO(rmdir("dn"));
}

/* ---- O_TMPFILE ---- */

static void tmpfile_link(void)
{
	char path[64];
	struct stat st;
	int fd;

	umask(027);
	fd = DO(open(".", O_TMPFILE | O_RDWR, 0666));
	DO(fstat(fd, &st));
	IS(S_ISREG(st.st_mode) && st.st_nlink == 0 && (st.st_mode & 07777) == 0640 && st.st_size == 0);
	fill(fd, 0, 20000, 3);
	filled(fd, 0, 0, 20000, 3);
	/* by the descriptor */
	DO(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	DO(fstat(fd, &st));
	IS(st.st_nlink == 1 && st.st_size == 20000);
	REFUSED(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), EEXIST);
	close(fd);
	fd = DO(open("named", O_RDONLY));
	filled(fd, 0, 0, 20000, 3);
	close(fd);
	DO(unlink("named"));
	/* by its place in /proc */
	fd = DO(open(".", O_TMPFILE | O_WRONLY, 0600));
	DO(write(fd, "abc", 3));
	sprintf(path, "/proc/self/fd/%d", fd);
	DO(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	DO(linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
	DO(fstat(fd, &st));
	IS(st.st_nlink == 2);
	close(fd);
	DO(stat("named", &st));
	IS(st.st_size == 3 && st.st_nlink == 2);
	DO(unlink("named"));
	DO(unlink("named2"));
	/* one that is to have no name */
	fd = DO(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	REFUSED(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), ENOENT);
	close(fd);
	umask(022);
}

static void tmpfile_kept(void)
{
	struct statvfs before, during, after;
	struct stat st, st2;
	int fd, fd2;

	sync();
	DO(statvfs(".", &before));
	fd = DO(open(".", O_TMPFILE | O_RDWR, 0600));
	fd2 = DO(open(".", O_TMPFILE | O_RDWR, 0600));
	DO(fstat(fd, &st));
	DO(fstat(fd2, &st2));
	IS(st.st_ino != st2.st_ino);
	fill(fd, 0, 4 << 20, 5);
	DO(fsync(fd));
	DO(statvfs(".", &during));
	IS((before.f_bfree - during.f_bfree) * before.f_frsize >= 3 << 20);
	filled(fd, 1 << 20, 1 << 20, 8192, 5);
	close(fd);
	close(fd2);
	for (int i = 0; i < 50; i++) {
		DO(statvfs(".", &after));
		if ((during.f_bfree < after.f_bfree) && before.f_bfree - after.f_bfree < 256)
			return;
		usleep(100000);
	}
	fail("the space of a closed O_TMPFILE does not come back: %lu, %lu, %lu blocks",
	     (unsigned long)before.f_bfree, (unsigned long)during.f_bfree, (unsigned long)after.f_bfree);
}

static void tmpfile_refused(void)
{
	close(make("file", 0600));
	REFUSED(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	REFUSED(open("file", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	REFUSED(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
	DO(unlink("file"));
}

/* ---- Copies ---- */

static ssize_t copy(int in, off_t from, int out, off_t to, size_t len)
{
	return syscall(SYS_copy_file_range, in, &from, out, &to, len, 0);
}

static void copy_whole(int in, off_t from, int out, off_t to, size_t len)
{
	while (len) {
		ssize_t n = DO(copy(in, from, out, to, len));

		IS(n > 0 && (size_t)n <= len);
		from += n;
		to += n;
		len -= n;
	}
}

static void copy_range(void)
{
	int a = make("a", 0600), b = make("b", 0600), other, ro, ap, p[2], dir;
	unsigned char *map;
	struct stat st;
	off_t at = 10;
	char c;

	fill(a, 0, 300000, 9);
	fill(b, 0, 5000, 1);
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, b, 0);
	IS(map != MAP_FAILED);
	c = map[0];
	copy_whole(a, 1234, b, 777, 250001);
	filled(b, 0, 0, 777, 1);
	filled(b, 777, 1234, 250001, 9);
	DO(fstat(b, &st));
	IS(st.st_size == 777 + 250001);
	/* what was mapped before is of now */
	IS(map[0] == (unsigned char)c && pread(b, &c, 1, 800) == 1 && map[800] == (unsigned char)c);
	munmap(map, 8192);
	/* at the end, across the end, past the end */
	IS(DO(copy(a, 299990, b, 0, 100)) == 10);
	IS(DO(copy(a, 300000, b, 0, 100)) == 0);
	IS(DO(copy(a, 900000, b, 0, 100)) == 0);
	IS(DO(copy(a, 0, b, 0, 0)) == 0);
	/* the file's own offset */
	DO(lseek(b, 0, SEEK_SET));
	IS(syscall(SYS_copy_file_range, a, &at, b, NULL, 5, 0) == 5 && at == 15);
	IS(DO(lseek(b, 0, SEEK_CUR)) == 5);
	/* within one file */
	copy_whole(a, 0, a, 150000, 100000);
	filled(a, 150000, 0, 100000, 9);
	filled(a, 0, 0, 100000, 9);
	REFUSED(copy(a, 0, a, 50, 100), EINVAL);
	/* past a hole, and the hole's far side */
	DO(ftruncate(b, 0));
	copy_whole(a, 0, b, 1 << 20, 10);
	DO(fstat(b, &st));
	IS(st.st_size == (1 << 20) + 10);
	/* refusals */
	ro = DO(open("b", O_RDONLY));
	REFUSED(copy(a, 0, ro, 0, 10), EBADF);
	ap = DO(open("b", O_WRONLY | O_APPEND));
	REFUSED(copy(a, 0, ap, 0, 10), EBADF);
	REFUSED(copy(ap, 0, a, 0, 10), EBADF);
	IS(syscall(SYS_copy_file_range, a, NULL, b, NULL, 10, 1) == -1 && errno == EINVAL);
	DO(pipe(p));
	REFUSED(syscall(SYS_copy_file_range, a, NULL, p[1], NULL, 10, 0), EINVAL);
	dir = DO(open(".", O_RDONLY));
	REFUSED(copy(dir, 0, b, 0, 10), EISDIR);
	other = DO(open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
	REFUSED(copy(a, 0, other, 0, 10), EXDEV);
	REFUSED(copy(other, 0, a, 0, 10), EXDEV);
	close(other);
	close(dir);
	close(p[0]);
	close(p[1]);
	close(ap);
	close(ro);
	close(a);
	close(b);
	DO(unlink("a"));
	DO(unlink("b"));
}

static int dedupe(int in, off_t from, int out, off_t to, size_t len, int *status)
{
	struct file_dedupe_range *d = calloc(1, sizeof(*d) + sizeof(d->info[0]));
	int r;

	d->src_offset = from;
	d->src_length = len;
	d->dest_count = 1;
	d->info[0].dest_fd = out;
	d->info[0].dest_offset = to;
	r = ioctl(in, FIDEDUPERANGE, d);
	if (!r && d->info[0].status == FILE_DEDUPE_RANGE_SAME && d->info[0].bytes_deduped != len)
		fail("only %llu octets are shared", (unsigned long long)d->info[0].bytes_deduped);
	*status = d->info[0].status;
	free(d);
	return r;
}

static void reflinks(void)
{
	int a = make("a", 0600), b = make("b", 0600), other, status;
	struct file_clone_range r = { .src_fd = a, .src_offset = 65536, .src_length = 65536, .dest_offset = 131072 };
	unsigned char *map;
	struct stat st;

	fill(a, 0, 262144, 4);
	other = DO(open("/dev/shm", O_TMPFILE | O_RDWR, 0600));
	REFUSED(ioctl(b, FICLONE, other), EXDEV);
	if (!reflink) {
		REFUSED(ioctl(b, FICLONE, a), EOPNOTSUPP);
		REFUSED(ioctl(b, FICLONERANGE, &r), EOPNOTSUPP);
		REFUSED(dedupe(a, 0, b, 0, 65536, &status), EOPNOTSUPP);
		goto out;
	}
	map = mmap(NULL, 262144, PROT_READ, MAP_SHARED, b, 0);
	IS(map != MAP_FAILED);
	DO(ioctl(b, FICLONE, a));
	filled(b, 0, 0, 262144, 4);
	DO(fstat(b, &st));
	IS(st.st_size == 262144);
	IS(map[70000] == ((4 + 70000 * 7 + 70000 / 251) & 0xff));
	DO(ioctl(b, FICLONERANGE, &r));
	filled(b, 131072, 65536, 65536, 4);
	IS(map[140000] == ((4 + 74464 * 7 + 74464 / 251) & 0xff));
	filled(a, 131072, 131072, 65536, 4);
	r.src_offset = 100;
	REFUSED(ioctl(b, FICLONERANGE, &r), EINVAL);
	r.src_offset = 1 << 20;
	REFUSED(ioctl(b, FICLONERANGE, &r), EINVAL);
	/* each is its own afterwards */
	fill(b, 0, 4096, 77);
	filled(a, 0, 0, 4096, 4);
	DO(dedupe(a, 65536, b, 65536, 65536, &status));
	IS(status == FILE_DEDUPE_RANGE_SAME);
	DO(dedupe(a, 0, b, 0, 65536, &status));
	IS(status == FILE_DEDUPE_RANGE_DIFFERS);
	DO(dedupe(a, 0, b, 100, 4096, &status));
	IS(status == -EINVAL);
	filled(b, 0, 0, 4096, 77);
	filled(b, 65536, 65536, 65536, 4);
	munmap(map, 262144);
out:
	close(other);
	close(a);
	close(b);
	DO(unlink("a"));
	DO(unlink("b"));
}

static void advice(void)
{
	int fd = make("a", 0600), p[2];

	fill(fd, 0, 1 << 20, 2);
	for (int i = POSIX_FADV_NORMAL; i <= POSIX_FADV_NOREUSE; i++)
		IS(posix_fadvise(fd, 0, 1 << 19, i) == 0);
	IS(posix_fadvise(fd, 4096, 0, POSIX_FADV_DONTNEED) == 0);
	IS(posix_fadvise(fd, 0, 0, 99) == EINVAL);
	IS(posix_fadvise(fd, 0, -5, POSIX_FADV_NORMAL) == EINVAL);
	DO(pipe(p));
	IS(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL) == ESPIPE);
	filled(fd, 0, 0, 1 << 20, 2);
	DO(readahead(fd, 0, 1 << 20));
	close(p[0]);
	close(p[1]);
	close(fd);
	DO(unlink("a"));
}

/* ---- Handles ---- */

struct handle {
	struct file_handle h;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static struct handle handle_of(const char *name, int flags)
{
	struct handle h = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount;

	DO(name_to_handle_at(AT_FDCWD, name, &h.h, &mount, flags));
	IS(h.h.handle_bytes > 0 && h.h.handle_bytes <= MAX_HANDLE_SZ);
	return h;
}

static int by_handle(const struct handle *h, int flags)
{
	struct handle copy = *h;
	int dir = DO(open(".", O_RDONLY)), fd, err;

	fd = open_by_handle_at(dir, &copy.h, flags);
	err = errno;
	close(dir);
	errno = err;
	return fd;
}

static void drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		sync();
		if (write(fd, "2", 1) != 1)
			fprintf(stderr, "# no caches dropped\n");
		close(fd);
	}
}

static void handles(void)
{
	struct handle h = { .h.handle_bytes = 0 }, again, file, dir, link, bad;
	char buf[8], cwd[256], path[64];
	struct stat st, st2;
	int fd, mount;

	fd = make("file", 0600);
	DO(write(fd, "content", 7));
	close(fd);
	DO(mkdir("d", 0700));
	DO(mkdir("d/e", 0700));
	close(make("d/e/deep", 0600));
	DO(symlink("file", "sym"));
	/* how long would it be? */
	REFUSED(name_to_handle_at(AT_FDCWD, "file", &h.h, &mount, 0), EOVERFLOW);
	IS(h.h.handle_bytes >= 4 && h.h.handle_bytes <= MAX_HANDLE_SZ);
	file = handle_of("file", 0);
	IS(file.h.handle_bytes == h.h.handle_bytes);
	again = handle_of("file", 0);
	IS(again.h.handle_type == file.h.handle_type && !memcmp(again.bytes, file.bytes, file.h.handle_bytes));
	again = handle_of("sym", AT_SYMLINK_FOLLOW);
	IS(!memcmp(again.bytes, file.bytes, file.h.handle_bytes));
	link = handle_of("sym", 0);
	IS(memcmp(link.bytes, file.bytes, file.h.handle_bytes));
	dir = handle_of("d/e", 0);
	h.h.handle_bytes = MAX_HANDLE_SZ + 1;
	REFUSED(name_to_handle_at(AT_FDCWD, "file", &h.h, &mount, 0), EINVAL);
	REFUSED(name_to_handle_at(AT_FDCWD, "none", &file.h, &mount, 0), ENOENT);

	for (int cold = 0; cold < 2; cold++) {
		if (cold)
			drop_caches();
		fd = DO(by_handle(&file, O_RDWR));
		IS(pread(fd, buf, 8, 0) == 7 && !memcmp(buf, "content", 7));
		DO(fstat(fd, &st));
		DO(stat("file", &st2));
		IS(st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
		close(fd);
		/* a directory, and its place */
		fd = DO(by_handle(&dir, O_RDONLY | O_DIRECTORY));
		DO(faccessat(fd, "deep", R_OK, 0));
		DO(fstatat(fd, "..", &st, 0));
		DO(stat("d", &st2));
		IS(st.st_ino == st2.st_ino);
		sprintf(path, "/proc/self/fd/%d", fd);
		memset(cwd, 0, sizeof(cwd));
		DO(readlink(path, cwd, sizeof(cwd) - 1));
		IS(strlen(cwd) > 4 && !strcmp(cwd + strlen(cwd) - 4, "/d/e"));
		close(fd);
		fd = DO(by_handle(&link, O_PATH | O_NOFOLLOW));
		DO(fstat(fd, &st));
		IS(S_ISLNK(st.st_mode));
		close(fd);
	}
	REFUSED(by_handle(&link, O_RDONLY | O_NOFOLLOW), ELOOP);
	REFUSED(by_handle(&dir, O_WRONLY), EISDIR);
	/* it follows a rename */
	DO(rename("d/e", "e2"));
	drop_caches();
	fd = DO(by_handle(&dir, O_RDONLY));
	DO(faccessat(fd, "deep", R_OK, 0));
	DO(fstatat(fd, "..", &st, 0));
	DO(stat(".", &st2));
	IS(st.st_ino == st2.st_ino);
	close(fd);
	/* no such */
	bad = file;
	bad.h.handle_bytes = 0;
	REFUSED(by_handle(&bad, O_RDONLY), EINVAL);
	bad.h.handle_bytes = MAX_HANDLE_SZ + 1;
	REFUSED(by_handle(&bad, O_RDONLY), EINVAL);
	srand(1);
	for (int i = 0; i < 400; i++) {
		bad = file;
		if (i % 2)
			bad.h.handle_type = rand() % 256;
		if (i % 3)
			bad.h.handle_bytes = 1 + rand() % MAX_HANDLE_SZ;
		if (i % 5)
			for (unsigned int k = 0; k < sizeof(bad.bytes); k++)
				bad.bytes[k] = rand();
		fd = by_handle(&bad, O_RDONLY | O_NONBLOCK);
		if (fd >= 0) {
			/* what opens is in this file system */
			DO(fstat(fd, &st));
			DO(stat("file", &st2));
			IS(st.st_dev == st2.st_dev);
			close(fd);
		} else {
			IS(errno == ESTALE || errno == ENOMEM || errno == EACCES);
		}
	}
	/* as others it is forbidden */
	if (!DO(fork())) {
		DO(setresgid(1234, 1234, 1234));
		DO(setresuid(1234, 1234, 1234));
		fd = DO(open("/", O_RDONLY));
		REFUSED(open_by_handle_at(fd, &file.h, O_RDONLY), EPERM);
		_exit(0);
	}
	DO(wait(&mount));
	IS(WIFEXITED(mount) && !WEXITSTATUS(mount));
	/* gone is stale */
	DO(unlink("file"));
	drop_caches();
	REFUSED(by_handle(&file, O_RDONLY), ESTALE);
	DO(unlink("e2/deep"));
	DO(rmdir("e2"));
	REFUSED(by_handle(&dir, O_RDONLY), ESTALE);
	close(make("file", 0600));
	REFUSED(by_handle(&file, O_RDONLY), ESTALE);
	DO(unlink("file"));
	DO(unlink("sym"));
	DO(rmdir("d"));
}

/* A file, a directory in a directory and a file in it, by the handles that --save wrote. */
static void saved(const char *list, bool save, bool remove)
{
	static const char *const names[] = { "one", "dir/sub", "dir/sub/two" };
	FILE *f = fopen(list, save ? "w" : "r");
	struct handle h;
	struct stat st;
	int fd;

	IS(f);
	if (save) {
		close(make("one", 0600));
		DO(mkdir("dir", 0700));
		DO(mkdir("dir/sub", 0700));
		close(make("dir/sub/two", 0600));
	}
	for (int i = 2; i >= 0; i--) {
		if (save) {
			h = handle_of(names[i], 0);
			IS(fwrite(&h, sizeof(h), 1, f) == 1);
			continue;
		}
		IS(fread(&h, sizeof(h), 1, f) == 1);
		fd = DO(by_handle(&h, O_RDONLY));
		DO(fstat(fd, &st));
		if (i == 1)
			DO(faccessat(fd, "two", R_OK, 0));
		IS(S_ISDIR(st.st_mode) == (i == 1));
		close(fd);
	}
	fclose(f);
	if (remove) {
		DO(unlink("dir/sub/two"));
		DO(rmdir("dir/sub"));
		DO(rmdir("dir"));
		DO(unlink("one"));
	}
}

/* ---- Freezing ---- */

static void frozen_writer(int in, int out, void *arg)
{
	int fd = DO(open(arg, O_WRONLY));

	say(out);
	hear(in);
	DO(write(fd, "frozen", 6));
	say(out);
}

static void freeze(void)
{
	int fd = make("f", 0600), dir = DO(open(".", O_RDONLY));
	char buf[8];
	struct child c;

	DO(write(fd, "before", 6));
	c = start(frozen_writer, "f");
	hear(c.in);
	REFUSED(ioctl(dir, FITHAW, 0), EINVAL);
	DO(ioctl(dir, FIFREEZE, 0));
	if (ioctl(dir, FIFREEZE, 0) != -1 || errno != EBUSY) {
		ioctl(dir, FITHAW, 0);
		fail("frozen twice");
	}
	say(c.out);
	if (heard(&c, 700)) {
		ioctl(dir, FITHAW, 0);
		fail("a frozen file system was written to");
	}
	/* reading goes on */
	if (pread(fd, buf, 8, 0) != 6 || memcmp(buf, "before", 6)) {
		ioctl(dir, FITHAW, 0);
		fail("a frozen file system cannot be read");
	}
	DO(ioctl(dir, FITHAW, 0));
	IS(heard(&c, 20000));
	hear(c.in);
	end(&c);
	REFUSED(ioctl(dir, FITHAW, 0), EINVAL);
	IS(pread(fd, buf, 8, 0) == 6 && !memcmp(buf, "frozen", 6));
	DO(ioctl(dir, FIFREEZE, 0));
	DO(ioctl(dir, FITHAW, 0));
	DO(write(fd, "after", 5));
	close(dir);
	close(fd);
	DO(unlink("f"));
}

static void syncs(void)
{
	int fd = make("s", 0600), o;

	fill(fd, 0, 100000, 8);
	DO(fdatasync(fd));
	DO(fsync(fd));
	DO(syncfs(fd));
	DO(sync_file_range(fd, 0, 100000, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			   SYNC_FILE_RANGE_WAIT_AFTER));
	REFUSED(sync_file_range(fd, -1, 10, SYNC_FILE_RANGE_WRITE), EINVAL);
	REFUSED(sync_file_range(fd, 0, 10, 0x80), EINVAL);
	o = DO(open("s", O_WRONLY | O_SYNC));
	IS(DO(fcntl(o, F_GETFL)) & O_SYNC);
	fill(o, 5000, 5000, 1);
	close(o);
	o = DO(open("s", O_WRONLY | O_DSYNC));
	fill(o, 10000, 5000, 2);
	close(o);
	filled(fd, 5000, 5000, 5000, 1);
	filled(fd, 10000, 10000, 5000, 2);
	filled(fd, 15000, 15000, 85000, 8);
	close(fd);
	DO(unlink("s"));
}

/* ---- Reads and writes with flags ---- */

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

static void rw_flags(void)
{
	char buf[4096], back[4096];
	struct iovec v[2] = { { buf, 1000 }, { buf + 1000, 3096 } }, w = { back, 4096 };
	int fd = make("r", 0600), ap, i;
	struct stat st;
	ssize_t n;

	for (i = 0; i < 4096; i++)
		buf[i] = i * 11;
	IS(DO(pwritev2(fd, v, 2, 0, RWF_DSYNC)) == 4096);
	IS(DO(pwritev2(fd, v, 2, 4096, RWF_SYNC)) == 4096);
	/* at the end, whatever is said; and the file's offset is left alone */
	IS(DO(pwritev2(fd, v, 1, 5, RWF_APPEND)) == 1000);
	DO(fstat(fd, &st));
	IS(st.st_size == 9192 && lseek(fd, 0, SEEK_CUR) == 0);
	IS(DO(preadv2(fd, &w, 1, 4096, 0)) == 4096 && !memcmp(buf, back, 4096));
	IS(DO(preadv2(fd, &w, 1, 8192, 0)) == 1000 && !memcmp(buf, back, 1000));
	IS(DO(preadv2(fd, &w, 1, 0, RWF_HIPRI)) == 4096);
	/* without waiting: what is at hand, or EAGAIN; after a read it is at hand */
	n = preadv2(fd, &w, 1, 0, RWF_NOWAIT);
	IS(n == 4096 && !memcmp(buf, back, 4096));
	n = preadv2(fd, &w, 1, 1 << 20, RWF_NOWAIT);
	IS(n == 0 || (n == -1 && errno == EAGAIN));
	/* ext4 and others refuse to write into the page cache so */
	n = pwritev2(fd, v, 1, 0, RWF_NOWAIT);
	IS(n > 0 || errno == EOPNOTSUPP || errno == EAGAIN);
	REFUSED(preadv2(fd, &w, 1, 0, 0x4000000), EOPNOTSUPP);
	REFUSED(pwritev2(fd, v, 1, 0, 0x4000000), EOPNOTSUPP);
	ap = DO(open("r", O_WRONLY | O_APPEND));
	DO(fstat(fd, &st));
	IS(DO(pwrite(ap, "end", 3, 0)) == 3);
	IS(pread(fd, back, 4, st.st_size) == 3 && !memcmp(back, "end", 3));
	n = pwritev2(ap, v, 1, 0, RWF_NOAPPEND);
	IS(n == 1000 || (n == -1 && (errno == EOPNOTSUPP || errno == EINVAL)));
	close(ap);
	close(fd);
	DO(unlink("r"));
}

static void direct(void)
{
	int fd = make("d", 0600), d;
	char *p, *q;

	IS(!posix_memalign((void **)&p, 4096, 1 << 20) && !posix_memalign((void **)&q, 4096, 1 << 20));
	fill(fd, 0, 100, 1);
	d = open("d", O_RDWR | O_DIRECT);
	if (d < 0) {
		IS(errno == EINVAL);
		fprintf(stderr, "# no direct I/O here\n");
		goto out;
	}
	for (int i = 0; i < 1 << 20; i++)
		p[i] = i * 13 + i / 512;
	IS(DO(pwrite(d, p, 1 << 20, 0)) == 1 << 20);
	memset(q, 0, 1 << 20);
	IS(DO(pread(d, q, 1 << 20, 0)) == 1 << 20 && !memcmp(p, q, 1 << 20));
	IS(DO(pread(fd, q, 8192, 4096)) == 8192 && !memcmp(p + 4096, q, 8192));
	/* both ways see each other */
	DO(pwrite(fd, "buffered", 8, 8192));
	IS(DO(pread(d, q, 4096, 8192)) == 4096 && !memcmp(q, "buffered", 8));
	IS(DO(pread(d, q, 8192, (1 << 20) - 4096)) == 4096);
	IS(DO(pread(d, q, 4096, 1 << 20)) == 0);
	/* not where nor how much one likes */
	REFUSED(pread(d, q, 4096, 100), EINVAL);
	REFUSED(pread(d, q, 100, 0), EINVAL);
	REFUSED(pwrite(d, p, 4096, 3), EINVAL);
	REFUSED(pwrite(d, p, 77, 0), EINVAL);
	close(d);
	/* the flag may come later, too */
	DO(fcntl(fd, F_SETFL, O_DIRECT));
	REFUSED(pwrite(fd, p, 77, 0), EINVAL);
	IS(DO(pwrite(fd, p, 4096, 0)) == 4096);
	DO(fcntl(fd, F_SETFL, 0));
	IS(DO(pwrite(fd, p, 77, 0)) == 77);
out:
	free(p);
	free(q);
	close(fd);
	DO(unlink("d"));
}

static long long aio_one(aio_context_t ctx, struct iocb *cb)
{
	struct io_event ev;

	IS(DO(syscall(SYS_io_submit, ctx, 1, &cb)) == 1);
	IS(DO(syscall(SYS_io_getevents, ctx, 1, 1, &ev, NULL)) == 1);
	return ev.res;
}

static void aio(void)
{
	int fd = make("a", 0600), d = open("a", O_RDWR | O_DIRECT);
	aio_context_t ctx = 0;
	struct iocb cb = { 0 };
	char *p, *q;

	IS(!posix_memalign((void **)&p, 4096, 65536) && !posix_memalign((void **)&q, 4096, 65536));
	memset(p, 'a', 65536);
	DO(syscall(SYS_io_setup, 8, &ctx));
	for (int direct = 0; direct < 2; direct++) {
		if (direct && d < 0)
			break;
		cb.aio_fildes = direct ? d : fd;
		cb.aio_lio_opcode = IOCB_CMD_PWRITE;
		cb.aio_buf = (uintptr_t)p;
		cb.aio_nbytes = 65536;
		cb.aio_offset = direct * 65536;
		memset(p, 'a' + direct, 65536);
		IS(aio_one(ctx, &cb) == 65536);
		cb.aio_lio_opcode = IOCB_CMD_PREAD;
		cb.aio_buf = (uintptr_t)q;
		IS(aio_one(ctx, &cb) == 65536 && !memcmp(p, q, 65536));
		cb.aio_offset = 1 << 20;
		IS(aio_one(ctx, &cb) == 0);
		cb.aio_lio_opcode = IOCB_CMD_FSYNC;
		cb.aio_nbytes = 0;
		cb.aio_buf = 0;
		cb.aio_offset = 0;
		IS(aio_one(ctx, &cb) == 0);
	}
	DO(syscall(SYS_io_destroy, ctx));
	free(p);
	free(q);
	if (d >= 0)
		close(d);
	close(fd);
	DO(unlink("a"));
}

/* The smallest io_uring: one request at a time. */
struct uring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static bool uring_open(struct uring *u)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	u->fd = syscall(SYS_io_uring_setup, 8, &p);
	if (u->fd < 0)
		return false;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*u->cqes), PROT_READ | PROT_WRITE, MAP_SHARED,
		  u->fd, IORING_OFF_CQ_RING);
	u->sqes = mmap(NULL, p.sq_entries * sizeof(*u->sqes), PROT_READ | PROT_WRITE, MAP_SHARED, u->fd,
		       IORING_OFF_SQES);
	IS(sq != MAP_FAILED && cq != MAP_FAILED && (void *)u->sqes != MAP_FAILED);
	u->sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	u->sq_mask = (unsigned int *)(sq + p.sq_off.ring_mask);
	u->sq_array = (unsigned int *)(sq + p.sq_off.array);
	u->cq_head = (unsigned int *)(cq + p.cq_off.head);
	u->cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	u->cq_mask = (unsigned int *)(cq + p.cq_off.ring_mask);
	u->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	return true;
}

static int uring_one(struct uring *u, int op, int fd, void *buf, unsigned int len, off_t off, int flags)
{
	unsigned int tail = *u->sq_tail, head = *u->cq_head;
	struct io_uring_sqe *s = &u->sqes[tail & *u->sq_mask];
	int res;

	memset(s, 0, sizeof(*s));
	s->opcode = op;
	s->fd = fd;
	s->addr = (uintptr_t)buf;
	s->len = len;
	s->off = off;
	s->rw_flags = flags;
	u->sq_array[tail & *u->sq_mask] = tail & *u->sq_mask;
	__atomic_store_n(u->sq_tail, tail + 1, __ATOMIC_RELEASE);
	IS(DO(syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0)) == 1);
	IS(__atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE) != head);
	res = u->cqes[head & *u->cq_mask].res;
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return res;
}

static void uring(void)
{
	int fd = make("u", 0600), d;
	struct uring u;
	char *p, *q;

	if (!uring_open(&u)) {
		fprintf(stderr, "# no io_uring here: %s\n", strerror(errno));
		goto out;
	}
	IS(!posix_memalign((void **)&p, 4096, 65536) && !posix_memalign((void **)&q, 4096, 65536));
	for (int i = 0; i < 65536; i++)
		p[i] = i * 3 + i / 100;
	IS(uring_one(&u, IORING_OP_WRITE, fd, p, 65536, 0, 0) == 65536);
	IS(uring_one(&u, IORING_OP_WRITE, fd, p, 100, 65536, RWF_DSYNC) == 100);
	IS(uring_one(&u, IORING_OP_READ, fd, q, 65536, 0, 0) == 65536 && !memcmp(p, q, 65536));
	IS(uring_one(&u, IORING_OP_READ, fd, q, 65536, 65536, 0) == 100 && !memcmp(p, q, 100));
	IS(uring_one(&u, IORING_OP_READ, fd, q, 65536, 1 << 20, 0) == 0);
	IS(uring_one(&u, IORING_OP_FSYNC, fd, NULL, 0, 0, 0) == 0);
	d = open("u", O_RDWR | O_DIRECT);
	if (d >= 0) {
		IS(uring_one(&u, IORING_OP_READ, d, q, 8192, 8192, 0) == 8192 && !memcmp(p + 8192, q, 8192));
		IS(uring_one(&u, IORING_OP_WRITE, d, p, 8192, 0, 0) == 8192);
		IS(uring_one(&u, IORING_OP_READ, d, q, 100, 0, 0) == -EINVAL);
		close(d);
	}
	free(p);
	free(q);
	close(u.fd);
out:
	close(fd);
	DO(unlink("u"));
}

static const struct {
	const char *name;
	void (*f)(void);
	bool asked;			/* only when it is asked for */
} checks[] = {
	{ "posix_conflict", posix_conflict, false }, { "posix_ranges", posix_ranges, false },
	{ "posix_wait", posix_wait, false }, { "posix_deadlock", posix_deadlock, false },
	{ "posix_counter", posix_counter, false }, { "ofd", ofd, false }, { "flock", flocks, false },
	{ "leases", leases, false }, { "dnotify", dnotify, false },
	{ "tmpfile_link", tmpfile_link, false }, { "tmpfile_kept", tmpfile_kept, false },
	{ "tmpfile_refused", tmpfile_refused, false }, { "copy_range", copy_range, false },
	{ "reflinks", reflinks, false }, { "advice", advice, false }, { "handles", handles, false },
	{ "syncs", syncs, false }, { "rw_flags", rw_flags, false }, { "direct", direct, false },
	{ "aio", aio, false }, { "io_uring", uring, false }, { "freeze", freeze, true },
};

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "only", required_argument, NULL, 'o' }, { "list", no_argument, NULL, 'l' },
		{ "reflink", no_argument, NULL, 'r' }, { "freeze", no_argument, NULL, 'f' },
		{ "save", required_argument, NULL, 's' }, { "check", required_argument, NULL, 'c' },
		{ "open", required_argument, NULL, 'O' }, { NULL, 0, NULL, 0 }
	};
	const char *only = NULL, *list = NULL;
	bool frozen = false;
	int c, done = 0, mode = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'o':
			only = optarg;
			break;
		case 'l':
			for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
				puts(checks[i].name);
			return 0;
		case 'r':
			reflink = true;
			break;
		case 'f':
			frozen = true;
			break;
		case 's':
		case 'c':
		case 'O':
			mode = c;
			list = optarg;
			break;
		default:
			return 2;
		}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: lockx [--only NAME] [--reflink] [--freeze] [--save|--open|--check FILE] DIR\n");
		return 2;
	}
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	if (mode) {
		current = "saved handles";
		if (mode == 's')
			DO(mkdir(argv[optind], 0755));
		DO(chdir(argv[optind]));
		saved(list, mode == 's', mode == 'c');
		if (mode == 'c') {
			DO(chdir("/"));
			DO(rmdir(argv[optind]));
		}
		printf("lockx: handles %s\n", mode == 's' ? "saved" : "are as good as before");
		return 0;
	}
	current = "begin";
	DO(mkdir(argv[optind], 0755));
	DO(chdir(argv[optind]));
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		pid_t pid;
		int status;

		if (only ? strcmp(only, checks[i].name) : checks[i].asked && !frozen)
			continue;
		current = checks[i].name;
		fprintf(stderr, "# %s\n", current);
		/* each in a process of its own: locks and signals end with it */
		pid = DO(fork());
		if (!pid) {
			checks[i].f();
			_exit(0);
		}
		DO(waitpid(pid, &status, 0));
		if (!WIFEXITED(status))
			fail("ended by signal %d", WTERMSIG(status));
		if (WEXITSTATUS(status))
			return 1;
		done++;
	}
	current = "end";
	DO(chdir("/"));
	DO(rmdir(argv[optind]));
	IS(done);
	printf("lockx: %d checks passed\n", done);
	return 0;
}
