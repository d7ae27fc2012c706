// SPDX-License-Identifier: GPL-2.0-only
/*
 * poke.c: hostile-poke, the user of a file system that a hostile back serves.  It keeps step with hostile-back
 * (turn.h): for each turn it binds the driver anew, mounts, does what programs do, each thing in a process of
 * its own, and unmounts.  It holds against the front only what no back may bring about; in an honest turn it
 * holds against it everything that does not work.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "turn.h"

static const char *device = "device/fsva/0";
static const char *tag = "data";
static const char *mnt = "/mnt/hostile";
static struct xsdev dev;

static struct report {
	char bad[300];          /* the first breach */
	char note[300];         /* the first thing that did not work */
	char now[64];           /* what is being done */
} *report;

#define OP_MS 20000             /* a call that takes longer is killed */
#define KILL_MS 30000           /* and must be gone by then */

static void bad(const char *fmt, ...)
{
	va_list ap;

	if (report->bad[0])
		return;
	va_start(ap, fmt);
	vsnprintf(report->bad, sizeof(report->bad), fmt, ap);
	va_end(ap);
}

static void note(const char *what, int err)
{
	if (!report->note[0])
		snprintf(report->note, sizeof(report->note), "%s: %s", what, strerror(err));
}

/* ---- What programs do; each returns 0 or an errno, and calls bad() by itself ---- */

static char path_buf[300];

static const char *at(const char *name)
{
	snprintf(path_buf, sizeof(path_buf), "%s/%s", mnt, name);
	return path_buf;
}

static void check_stat(const struct stat *st, const char *what)
{
	if (st->st_size < 0)
		bad("%s has the size %lld", what, (long long)st->st_size);
	if (st->st_mtim.tv_nsec < 0 || st->st_mtim.tv_nsec >= 1000000000)
		bad("%s has %ld nanoseconds", what, st->st_mtim.tv_nsec);
}

static int poke_mount(void)
{
	if (mount(tag, mnt, "fsva", 0, NULL))
		return errno;
	return 0;
}

static int poke_umount(void)
{
	if (umount2(mnt, 0))
		return errno;
	return 0;
}

static int stat_name(const char *name)
{
	struct stat st;

	if (lstat(at(name), &st))
		return errno;
	check_stat(&st, name);
	return 0;
}

static int poke_stat_root(void) { return stat_name("."); }
static int poke_stat_file(void) { return stat_name("file"); }
static int poke_stat_dir(void) { return stat_name("dir"); }
static int poke_stat_inner(void) { return stat_name("dir/inner"); }
static int poke_stat_deep(void)
{
	int r = stat_name("dir/dir/dir/dir/inner");
	return r == ENOENT || r == ENOTDIR ? 0 : r;
}

static int poke_stat_none(void)
{
	int r = stat_name("none");

	return r == ENOENT ? 0 : r ? r : 0;
}

static int poke_statfs(void)
{
	struct statfs st;

	return statfs(mnt, &st) ? errno : 0;
}

static int list(const char *name, unsigned int want)
{
	unsigned char buf[4096];
	unsigned int n = 0;
	int fd = open(at(name), O_RDONLY | O_DIRECTORY), r = 0;

	if (fd < 0)
		return errno;
	while (n < 5000) {
		long len = syscall(SYS_getdents64, fd, buf, sizeof(buf));

		if (len < 0)
			r = errno;
		if (len <= 0)
			break;
		for (long pos = 0; pos < len; n++) {
			struct dirent64 *d = (void *)(buf + pos);
			size_t l = strlen(d->d_name);

			if (!l || l > 255 || strchr(d->d_name, '/'))
				bad("%s lists the name '%.40s' of %zu octets", name, d->d_name, l);
			pos += d->d_reclen;
		}
	}
	if (!r && want && n != want)
		r = EILSEQ;
	close(fd);
	return r;
}

static int poke_list_root(void) { return list(".", 5); }
static int poke_list_dir(void) { return list("dir", 3); }

static unsigned char pattern(unsigned int ino, unsigned int off)
{
	return ino * 31 + off * 7 + (off >> 8);
}

static int read_file(const char *name, size_t ask, size_t want, unsigned int ino, bool check)
{
	unsigned char *buf = malloc(ask + 8192);
	int fd = open(at(name), O_RDONLY), r = 0;
	ssize_t n;

	if (fd < 0) {
		r = errno;
		free(buf);
		return r;
	}
	memset(buf, 0xa5, ask + 8192);
	n = read(fd, buf + 4096, ask);
	if (n < 0)
		r = errno;
	if (n > (ssize_t)ask)
		bad("read gave %zd octets for %zu", n, ask);
	for (size_t i = 0; i < 4096; i++)
		if (buf[i] != 0xa5 || buf[4096 + ask + i] != 0xa5) {
			bad("read wrote outside of its buffer");
			break;
		}
	if (!r && (size_t)n != want)
		r = ERANGE;
	for (size_t i = 0; !r && check && i < want; i++)
		if (buf[4096 + i] != pattern(ino, i))
			r = EILSEQ;
	close(fd);
	free(buf);
	return r;
}

static int poke_read_short(void) { return read_file("file", 10, 10, 11, true); }
static int poke_read_odd(void) { return read_file("file", 5000, 5000, 11, true); }
static int poke_read_all(void) { return read_file("file", 65536, 8192, 11, true); }
static int poke_read_inner(void) { return read_file("dir/inner", 4096, 100, 14, true); }

static int poke_pread_far(void)
{
	unsigned char c[16];
	int fd = open(at("file"), O_RDONLY), r = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	n = pread(fd, c, sizeof(c), 1ll << 40);
	if (n < 0)
		r = errno;
	else if (n)
		r = ERANGE;
	close(fd);
	return r;
}

static int poke_map(void)
{
	int fd = open(at("file"), O_RDONLY), r = 0;
	unsigned char *mem;

	if (fd < 0)
		return errno;
	mem = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mem == MAP_FAILED)
		r = errno;
	else
		for (unsigned int i = 0; !r && i < 8192; i += 511)
			if (mem[i] != pattern(11, i))
				r = EILSEQ;
	close(fd);
	return r;
}

static int poke_readlink(void)
{
	char buf[5000];
	ssize_t n;

	memset(buf, 1, sizeof(buf));
	n = readlink(at("link"), buf, 4096);
	if (n < 0)
		return errno;
	if (n == 0 || memchr(buf, 0, n) || n >= 4096)
		bad("readlink gave %zd octets%s", n, memchr(buf, 0, n) ? " with a NUL" : "");
	return n == 4 && !memcmp(buf, "file", 4) ? 0 : EILSEQ;
}

static int poke_follow(void) { return read_file("link", 8192, 8192, 11, true); }

static int poke_write(void)
{
	unsigned char buf[5000];
	int fd = open(at("file"), O_WRONLY), r = 0;
	ssize_t n;

	if (fd < 0)
		return errno;
	for (unsigned int i = 0; i < sizeof(buf); i++)
		buf[i] = pattern(11, i + 100);
	for (int len = 20; len <= 5000 && !r; len += 4980) {
		n = pwrite(fd, buf, len, 100);
		if (n < 0)
			r = errno;
		else if (n > len)
			bad("write took %zd octets of %d", n, len);
		else if (n != len)
			r = ERANGE;
	}
	if (!r && fsync(fd))
		r = errno;
	if (close(fd) && !r)
		r = errno;
	return r;
}

static int poke_append(void)
{
	int fd = open(at("file"), O_WRONLY | O_APPEND), r = 0;

	if (fd < 0)
		return errno;
	if (write(fd, "x", 1) == 1)
		r = EILSEQ;     /* an honest back has no room */
	else if (errno != ENOSPC)
		r = errno;
	close(fd);
	return r;
}

static int want_errno(int got, int r) { return got < 0 && r == EROFS ? 0 : got < 0 ? r : EILSEQ; }

static int poke_change(void)
{
	int r = 0;

	r = want_errno(mkdir(at("new"), 0755), errno);
	if (!r)
		r = want_errno(rmdir(at("dir")), errno);
	if (!r)
		r = want_errno(unlink(at("file")), errno);
	if (!r)
		r = want_errno(symlink("x", at("sym")), errno);
	if (!r)
		r = want_errno(open(at("new"), O_CREAT | O_WRONLY, 0644), errno);
	return r;
}

static int poke_rename(void)
{
	char to[300];

	snprintf(to, sizeof(to), "%s/other", mnt);
	return want_errno(rename(at("file"), to), errno);
}

static int poke_attr(void)
{
	if (chmod(at("file"), 0600))
		return errno;
	return utimensat(AT_FDCWD, at("file"), NULL, 0) ? errno : 0;
}

static int poke_access(void) { return access(at("file"), R_OK | W_OK) ? errno : 0; }

static int poke_walk(void)
{
	/* what find does, with an end */
	char path[1024];
	struct stat st;
	int depth;

	snprintf(path, sizeof(path), "%s", mnt);
	for (depth = 0; depth < 100 && strlen(path) + 5 < sizeof(path); depth++) {
		if (lstat(path, &st))
			return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
		if (!S_ISDIR(st.st_mode))
			return 0;
		strcat(path, "/dir");
	}
	return ELOOP;
}

static int poke_proc(void)
{
	/* what the mount looks like to others */
	char line[4096];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	bool found = false;

	if (!f)
		return errno;
	while (fgets(line, sizeof(line), f)) {
		found |= strstr(line, mnt) != NULL;
		if (!strchr(line, '\n') || !strstr(line, " - "))
			bad("a line of mountinfo is broken: %.80s", line);
	}
	fclose(f);
	return found ? 0 : ENOENT;
}

static int poke_sync(void)
{
	int fd = open(mnt, O_RDONLY), r;

	if (fd < 0)
		return errno;
	r = syncfs(fd) ? errno : 0;
	close(fd);
	return r;
}

#define OP(f) { #f, poke_##f }
static const struct op {
	const char *name;
	int (*run)(void);
} poke_ops[] = {
	OP(proc),	OP(stat_root), OP(statfs),     OP(stat_file), OP(stat_none), OP(list_root), OP(read_short),
	OP(read_odd),	OP(read_all),  OP(pread_far),  OP(map),	      OP(readlink),  OP(follow),    OP(stat_dir),
	OP(stat_inner), OP(list_dir),  OP(read_inner), OP(stat_deep), OP(walk),	     OP(access),    OP(write),
	OP(append),	OP(change),    OP(rename),     OP(attr),      OP(sync),
};

/* ---- Turns ---- */

/* Run one thing in a process of its own: 0, an errno, or -1 when it had to be killed. */
static int guarded(const struct op *op)
{
	uint64_t end;
	int status;
	pid_t pid;

	snprintf(report->now, sizeof(report->now), "%s", op->name);
	pid = fork();
	if (pid < 0)
		return errno;
	if (!pid)
		_exit(op->run());
	for (end = now_ms() + OP_MS; now_ms() < end; sleep_ms(20))
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (WIFSIGNALED(status) && WTERMSIG(status) != SIGBUS)
				note(op->name, EFAULT);
			return WIFEXITED(status) ? WEXITSTATUS(status) : EFAULT;
		}
	kill(pid, SIGKILL);
	for (end = now_ms() + KILL_MS; now_ms() < end; sleep_ms(20))
		if (waitpid(pid, &status, WNOHANG) == pid)
			return -1;
	bad("%s cannot be killed", op->name);
	return -1;
}

static char driver[200];

static int sysfs_write(const char *file, const char *value)
{
	char path[300];
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/%s", driver, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return errno;
	if (write(fd, value, strlen(value)) < 0)
		r = errno;
	close(fd);
	return r;
}

static char bus_id[32];

static int do_unbind(void) { return sysfs_write("unbind", bus_id); }
static int do_bind(void) { return sysfs_write("bind", bus_id); }

/* The driver that the device is bound to, found once; loaded by the caller. */
static bool find_driver(void)
{
	char link[256], to[256];
	unsigned int n;
	ssize_t len;
	const char *slash = strrchr(device, '/');

	n = slash ? strtoul(slash + 1, NULL, 10) : 0;
	snprintf(bus_id, sizeof(bus_id), "fsva-%u", n);
	snprintf(link, sizeof(link), "/sys/bus/xen/devices/%s/driver", bus_id);
	len = readlink(link, to, sizeof(to) - 1);
	if (len > 0) {
		to[len] = 0;
		snprintf(driver, sizeof(driver), "/sys/bus/xen/drivers/%s", strrchr(to, '/') + 1);
	}
	return driver[0];
}

static void kmsg(const char *text)
{
	FILE *f = fopen("/dev/kmsg", "w");

	if (f) {
		fprintf(f, "hostile-poke: %s\n", text);
		fclose(f);
	}
}

/* How often our file system is mounted, anywhere. */
static unsigned int nr_mounts(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	unsigned int nr = 0;
	char line[4096];

	while (f && fgets(line, sizeof(line), f))
		nr += strstr(line, " - fsva ") != NULL;
	if (f)
		fclose(f);
	return nr;
}

static void one_turn(unsigned int turn, const char *mode)
{
	static const struct op op_mount = { "mount", poke_mount }, op_umount = { "umount", poke_umount };
	static const struct op op_unbind = { "unbind", do_unbind }, op_bind = { "bind", do_bind };
	bool honest = !strcmp(mode, "honest"), mounted = false;
	char text[700];
	uint64_t end;
	int r, killed = 0;

	memset(report, 0, sizeof(*report));
	if (!honest)
		kmsg(mode);
	r = guarded(&op_unbind);
	if (r && r != ENODEV)
		note("unbind", r > 0 ? r : ETIMEDOUT);
	xsdev_write(&dev, READY_NODE, "%u", turn);
	xsdev_wait(&dev, XB_SET(XB_INIT_WAIT) | XB_SET(XB_CONNECTED), 8000);
	r = guarded(&op_bind);
	if (r)
		note("bind", r > 0 ? r : ETIMEDOUT);
	for (end = now_ms() + (honest ? 60000 : 8000); now_ms() < end && xsdev_state(&dev) != XB_CONNECTED;
	     sleep_ms(100))
		;
	r = guarded(&op_mount);
	if (r)
		note("mount", r > 0 ? r : ETIMEDOUT);
	else
		mounted = true;
	/* Who was killed may have been about to return. */
	if (r < 0)
		umount2(mnt, MNT_DETACH);
	else if (nr_mounts() != mounted)
		bad("mount gave %d, and there are %u mounts", r, nr_mounts());
	for (size_t i = 0; mounted && i < sizeof(poke_ops) / sizeof(poke_ops[0]) && killed < 2; i++) {
		r = guarded(&poke_ops[i]);
		if (r)
			note(poke_ops[i].name, r > 0 ? r : ETIMEDOUT);
		killed += r < 0;
	}
	if (mounted) {
		r = guarded(&op_umount);
		if (r) {
			note("umount", r > 0 ? r : ETIMEDOUT);
			/* A killed umount has done its work or not; nothing may stay mounted after a lazy one. */
			umount2(mnt, MNT_DETACH);
		}
	}
	if (nr_mounts())
		bad("%u mounts are left", nr_mounts());
	if (honest && report->note[0] && !report->bad[0])
		bad("%s", report->note);
	if (report->bad[0])
		snprintf(text, sizeof(text), "%u bad: %s", turn, report->bad);
	else if (report->note[0])
		snprintf(text, sizeof(text), "%u note: %s", turn, report->note);
	else
		snprintf(text, sizeof(text), "%u ok", turn);
	if (report->bad[0]) {
		printf("# %s: %s\n", mode, report->bad);
		kmsg(text);
	}
	xsdev_write_raw(&dev, RESULT_NODE, text, strlen(text));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' }, { "tag", required_argument, NULL, 't' },
		{ "driver", required_argument, NULL, 'D' }, { "mountpoint", required_argument, NULL, 'm' }, { 0 },
	};
	unsigned int last = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd': device = optarg; break;
		case 't': tag = optarg; break;
		case 'm': mnt = optarg; break;
		case 'D': snprintf(driver, sizeof(driver), "/sys/bus/xen/drivers/%s", optarg); break;
		default: return 2;
		}
	}
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED || xsdev_open(&dev)) {
		perror("hostile-poke");
		return 1;
	}
	snprintf(dev.me, sizeof(dev.me), "%s", device);
	if (xsdev_read(&dev, dev.me, "backend", dev.peer, sizeof(dev.peer))) {
		fprintf(stderr, "hostile-poke: no device at %s\n", device);
		return 1;
	}
	if (!driver[0] && !find_driver()) {
		fprintf(stderr, "hostile-poke: no driver is bound to %s; --driver names it\n", device);
		return 1;
	}
	find_driver();
	mkdir(mnt, 0755);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		char turn[128], *mode;

		if (xsdev_read(&dev, dev.peer, TURN_NODE, turn, sizeof(turn)) ||
		    (unsigned int)strtoul(turn, &mode, 10) == last || *mode != ' ') {
			sleep_ms(100);
			continue;
		}
		if (!strcmp(mode + 1, "end")) {
			if (last)
				return 0;
			sleep_ms(20);           /* of the last run */
			continue;
		}
		last = strtoul(turn, NULL, 10);
		one_turn(last, mode + 1);
	}
}
