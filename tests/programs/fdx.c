// SPDX-License-Identifier: GPL-2.0-only
/*
 * fdx.c: what programs may expect of open files, names, owners and special cases, one check after another.
 * Run it as root: some checks are made as other users, in a child.
 *
 *	fdx [--only NAME] [--list] DIR		DIR is made and removed; in it others may search
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *current = "";

static void fail(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL fdx: %s: ", current);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* r of a system call: must have worked. */
#define DO(call) \
	({ \
		__typeof__(call) r_ = (call); \
		if (r_ == (__typeof__(r_))-1) \
			fail("%s: %s", #call, strerror(errno)); \
		r_; \
	})
/* must have failed so */
#define REFUSED(call, err) do { \
		if ((call) != -1) fail("%s was done, expected %s", #call, strerror(err)); \
		if (errno != (err)) fail("%s: %s, expected %s", #call, strerror(errno), strerror(err)); \
	} while (0)
#define IS(cond) do { if (!(cond)) fail("not so: %s", #cond); } while (0)

static struct stat stat_of(const char *name)
{
	struct stat st;

	DO(lstat(name, &st));
	return st;
}

static int make(const char *name, mode_t mode)
{
	int fd = DO(open(name, O_RDWR | O_CREAT | O_EXCL, mode));

	return fd;
}

/* Run f as somebody else; the groups are the supplementary ones. */
static void as(uid_t uid, gid_t gid, int nr, const gid_t *groups, void (*f)(void))
{
	int status;
	pid_t pid = DO(fork());

	if (!pid) {
		DO(setgroups(nr, groups));
		DO(setresgid(gid, gid, gid));
		DO(setresuid(uid, uid, uid));
		f();
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(1);               /* it has said why */
}

/* ---- Open files ---- */

static void open_unlinked(void)
{
	char buf[8192], back[8192];
	struct stat st;
	int fd = make("u", 0600), fd2;

	memset(buf, 'u', sizeof(buf));
	DO(write(fd, buf, 5000));
	fd2 = DO(open("u", O_RDONLY));
	DO(unlink("u"));
	REFUSED(open("u", O_RDONLY), ENOENT);
	DO(fstat(fd, &st));
	IS(st.st_nlink == 0 && st.st_size == 5000);
	DO(pwrite(fd, buf, sizeof(buf), 3000));
	IS(pread(fd2, back, sizeof(back), 3000) == 8192);
	IS(!memcmp(buf, back, sizeof(buf)));
	DO(ftruncate(fd, 100));
	DO(fchmod(fd, 0640));
	DO(fstat(fd2, &st));
	IS(st.st_size == 100 && (st.st_mode & 0777) == 0640);
	/* a new file of the same name is another */
	close(make("u", 0600));
	IS(stat_of("u").st_ino != st.st_ino);
	DO(fsync(fd));
	close(fd);
	IS(read(fd2, back, 200) == 100);
	close(fd2);
	DO(unlink("u"));
}

static void open_renamed(void)
{
	char c;
	int a = make("a", 0600), b = make("b", 0600);

	DO(write(a, "a", 1));
	DO(write(b, "b", 1));
	DO(rename("a", "b"));
	IS(pread(a, &c, 1, 0) == 1 && c == 'a');
	IS(pread(b, &c, 1, 0) == 1 && c == 'b');
	close(a);
	a = DO(open("b", O_RDONLY));
	IS(read(a, &c, 1) == 1 && c == 'a');
	close(a);
	close(b);
	DO(unlink("b"));
}

static void sparse(void)
{
	const off_t far = 5ll << 30;
	char buf[4096], zero[4096] = { 0 };
	struct stat st;
	int fd = make("s", 0600);

	DO(pwrite(fd, "far", 3, far));
	DO(fstat(fd, &st));
	IS(st.st_size == far + 3);
	IS(st.st_blocks < 2000);
	IS(pread(fd, buf, 3, far) == 3 && !memcmp(buf, "far", 3));
	IS(pread(fd, buf, 4096, (4ll << 30) - 100) == 4096 && !memcmp(buf, zero, 4096));
	DO(pwrite(fd, "edge", 4, (4ll << 30) - 2));
	IS(pread(fd, buf, 4, (4ll << 30) - 2) == 4 && !memcmp(buf, "edge", 4));
	IS(DO(lseek(fd, 0, SEEK_END)) == far + 3);
	IS(DO(lseek(fd, far, SEEK_SET)) == far && read(fd, buf, 10) == 3);
	close(fd);
	fd = DO(open("s", O_RDWR));
	IS(pread(fd, buf, 4, (4ll << 30) - 2) == 4 && !memcmp(buf, "edge", 4));
	DO(truncate("s", far + (1ll << 30)));
	IS(stat_of("s").st_size == far + (1ll << 30));
	DO(ftruncate(fd, (4ll << 30) + 1));
	IS(pread(fd, buf, 10, (4ll << 30) - 2) == 3);
	close(fd);
	DO(unlink("s"));
}

static void flags(void)
{
	char buf[16];
	int fd = make("f", 0600), fd2;

	DO(write(fd, "0123456789", 10));
	REFUSED(open("f", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	REFUSED(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	REFUSED(open("f/x", O_RDONLY), ENOTDIR);
	DO(symlink("f", "l"));
	REFUSED(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	fd2 = DO(open("l", O_WRONLY | O_TRUNC));
	IS(stat_of("f").st_size == 0);
	REFUSED(read(fd2, buf, 1), EBADF);
	close(fd2);
	fd2 = DO(open("f", O_RDONLY));
	REFUSED(write(fd2, buf, 1), EBADF);
	REFUSED(ftruncate(fd2, 0), EINVAL);
	close(fd2);
	REFUSED(open(".", O_WRONLY), EISDIR);
	fd2 = DO(open(".", O_RDONLY | O_DIRECTORY));
	REFUSED(read(fd2, buf, 1), EISDIR);
	close(fd2);
	/* shared and separate offsets */
	DO(pwrite(fd, "0123456789", 10, 0));
	DO(lseek(fd, 2, SEEK_SET));
	fd2 = DO(dup(fd));
	IS(read(fd2, buf, 3) == 3 && buf[0] == '2');
	IS(read(fd, buf, 3) == 3 && buf[0] == '5');
	IS(DO(lseek(fd, -1, SEEK_CUR)) == 7);
	REFUSED(lseek(fd, -100, SEEK_CUR), EINVAL);
	close(fd2);
	fd2 = DO(open("f", O_PATH));
	REFUSED(read(fd2, buf, 1), EBADF);
	close(fd2);
	close(fd);
	DO(unlink("l"));
	DO(unlink("f"));
}

static void append_together(void)
{
	enum { WRITERS = 4, RECORDS = 200, LEN = 37 };
	static char all[WRITERS * RECORDS * LEN + 1];
	unsigned int count[WRITERS] = { 0 };
	int fd;

	close(make("log", 0600));
	for (int w = 0; w < WRITERS; w++)
		if (!DO(fork())) {
			char rec[LEN];
			int f = DO(open("log", O_WRONLY | O_APPEND));

			memset(rec, 'A' + w, LEN);
			rec[LEN - 1] = '\n';
			for (int i = 0; i < RECORDS; i++)
				if (write(f, rec, LEN) != LEN)
					_exit(1);
			_exit(0);
		}
	for (int w = 0; w < WRITERS; w++) {
		int status;

		DO(wait(&status));
		IS(WIFEXITED(status) && !WEXITSTATUS(status));
	}
	fd = DO(open("log", O_RDONLY));
	for (size_t off = 0; off < sizeof(all);) {
		ssize_t n = DO(read(fd, all + off, sizeof(all) - off));

		if (!n) {
			IS(off == sizeof(all) - 1);
			break;
		}
		off += n;
	}
	close(fd);
	for (int r = 0; r < WRITERS * RECORDS; r++) {
		const char *rec = all + r * LEN;

		IS(rec[0] >= 'A' && rec[0] < 'A' + WRITERS && rec[LEN - 1] == '\n');
		for (int i = 1; i < LEN - 1; i++)
			IS(rec[i] == rec[0]);
		count[rec[0] - 'A']++;
	}
	for (int w = 0; w < WRITERS; w++)
		IS(count[w] == RECORDS);
	DO(unlink("log"));
}

static void many_open(void)
{
	enum { N = 900 };
	static int fd[N];
	char name[32], back[32];

	for (int i = 0; i < N; i++) {
		sprintf(name, "m%d", i);
		fd[i] = make(name, 0600);
		DO(write(fd[i], name, 8));
		if (i & 1)
			DO(unlink(name));
	}
	for (int i = N - 1; i >= 0; i--) {
		sprintf(name, "m%d", i);
		IS(pread(fd[i], back, 8, 0) == 8 && !strcmp(name, back));
		close(fd[i]);
		if (!(i & 1))
			DO(unlink(name));
	}
}

static void mappings(void)
{
	char *a, *b, back[8192];
	int fd = make("map", 0700), status;
	pid_t pid;

	for (int i = 0; i < 8192; i++)
		back[i] = i % 253;
	DO(write(fd, back, 8192));
	a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	IS(a != MAP_FAILED);
	IS(!memcmp(a, back, 8192));
	a[5000] = 'x';
	IS(pread(fd, back, 1, 5000) == 1 && back[0] == (char)(5000 % 253));
	munmap(a, 8192);
	b = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	IS(b != MAP_FAILED);
	DO(pwrite(fd, "changed", 7, 4090));
	IS(!memcmp(b + 4090, "changed", 7));
	/* past the end of the file there is a signal, not a hang */
	DO(ftruncate(fd, 100));
	IS(b[50] == 50 && b[2000] == 0);
	pid = DO(fork());
	if (!pid) {
		volatile char *past = b;

		_exit(past[6000]);
	}
	DO(waitpid(pid, &status, 0));
	IS(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	munmap(b, 8192);
	DO(ftruncate(fd, 8192));
	close(fd);
	DO(unlink("map"));
}

/* Does an access end in SIGBUS? */
static bool bus(volatile char *p, bool store)
{
	int status;
	pid_t pid = DO(fork());

	if (!pid) {
		if (store)
			*p = 1;
		_exit(*p & 1);
	}
	DO(waitpid(pid, &status, 0));
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* Stores through shared mappings, and what reads, writes and sizes have to do with them. */
static void stores(void)
{
	enum { LEN = 16 * 4096 };
	static char back[LEN];
	char *a, *b, *c;
	int fd = make("stores", 0600), ro, status;
	struct stat st;
	pid_t pid;

	DO(ftruncate(fd, LEN));
	a = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	IS(a != MAP_FAILED);
	memcpy(a + 4000, "mapped", 6);
	IS(pread(fd, back, 6, 4000) == 6 && !memcmp(back, "mapped", 6));
	DO(pwrite(fd, "written", 7, 4200));
	IS(!memcmp(a + 4200, "written", 7) && !memcmp(a + 4000, "mapped", 6));
	/* a store into the page of the write that was just made, and the other way round */
	for (int i = 0; i < 100; i++) {
		a[8192 + i] = i;
		DO(pwrite(fd, &i, 1, 8192 + 200 + i));
		IS(a[8192 + 200 + i] == i && a[8192 + i] == i);
	}
	IS(pread(fd, back, 300, 8192) == 300 && !memcmp(back, a + 8192, 300));
	/* by another name, in another process, in a mapping of its own, and one that came by fork */
	b = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 3 * 4096);
	IS(b != MAP_FAILED && b[7] == 0);
	pid = DO(fork());
	if (!pid) {
		int f = DO(open("stores", O_RDWR));

		c = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 3 * 4096);
		IS(c != MAP_FAILED);
		close(f);
		c[7] = 'c';
		a[3 * 4096 + 8] = 'a';
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	IS(!status && b[7] == 'c' && b[8] == 'a');
	IS(pread(fd, back, 2, 3 * 4096 + 7) == 2 && !memcmp(back, "ca", 2));
	munmap(b, 4096);

	/* reading a file into its own mapping, writing it out of it */
	IS(pread(fd, a + 4 * 4096, 4096, 0) == 4096 && !memcmp(a, a + 4 * 4096, 4096));
	IS(pread(fd, a + 4096, 4096, 4096) == 4096);
	a[5 * 4096 + 1] = 'w';
	IS(pwrite(fd, a + 5 * 4096, 8192, 7 * 4096) == 8192 && a[7 * 4096 + 1] == 'w');
	IS(pwrite(fd, a + 7 * 4096, 1000, 7 * 4096 + 1001) == 1000 && a[7 * 4096 + 1002] == 'w');

	/* private copies stay private, and see the file until then */
	c = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	IS(c != MAP_FAILED && !memcmp(c, a, 8192));
	c[0] = 'p';
	IS(a[0] != 'p' && pread(fd, back, 1, 0) == 1 && back[0] != 'p');
	a[4097] = 'q';
	IS(c[4097] == 'q');
	munmap(c, 8192);

	/* rights */
	ro = DO(open("stores", O_RDONLY));
	IS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED && errno == EACCES);
	c = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
	IS(c != MAP_FAILED);
	REFUSED(mprotect(c, 4096, PROT_READ | PROT_WRITE), EACCES);
	munmap(c, 4096);
	close(ro);
	c = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 9 * 4096);
	IS(c != MAP_FAILED && c[0] == 0);
	DO(mprotect(c, 4096, PROT_READ | PROT_WRITE));
	c[0] = 'm';
	IS(a[9 * 4096] == 'm');
	DO(mlock(c, 4096));
	DO(msync(c, 4096, MS_SYNC));
	c = mremap(c, 4096, 8192, MREMAP_MAYMOVE);
	IS(c != MAP_FAILED && c[0] == 'm' && c[4096] == 0);
	munmap(c, 8192);

	/* sizes: what is cut off is gone, what comes anew is zero */
	memset(a + 10 * 4096, 'z', 6 * 4096);
	DO(ftruncate(fd, 10 * 4096 + 100));
	IS(bus(a + 11 * 4096, false) && bus(a + 11 * 4096, true));
	IS(a[10 * 4096 + 99] == 'z' && a[10 * 4096 + 100] == 0);
	a[10 * 4096 + 200] = 'x';       /* behind the end: nobody's */
	DO(fsync(fd));
	DO(fstat(fd, &st));
	IS(st.st_size == 10 * 4096 + 100);
	DO(ftruncate(fd, LEN));
	IS(a[10 * 4096 + 99] == 'z' && a[10 * 4096 + 200] == 0 && a[12 * 4096] == 0);
	IS(pread(fd, back, 8192, 10 * 4096) == 8192 && !memcmp(back, a + 10 * 4096, 8192));
	DO(ftruncate(fd, 10 * 4096 + 100));
	IS(pwrite(fd, "far", 3, 14 * 4096) == 3);
	IS(a[10 * 4096 + 300] == 0 && a[13 * 4096] == 0 && !memcmp(a + 14 * 4096, "far", 3));
	memset(a + 4 * 4096, 'h', 3 * 4096);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * 4096 + 10, 2 * 4096)) {
		IS(errno == EOPNOTSUPP);
	} else {
		IS(a[4 * 4096 + 9] == 'h' && a[4 * 4096 + 10] == 0 && a[5 * 4096] == 0);
		IS(a[6 * 4096 + 9] == 0 && a[6 * 4096 + 10] == 'h');
	}

	/* kept: after the last mapping, by another open file, through a sync */
	memset(a, 'k', 4096);
	DO(msync(a, 4096, MS_SYNC));
	memset(a + 4096, 'l', 4096);
	memcpy(back, a, 8192);
	close(fd);
	munmap(a, LEN);
	fd = DO(open("stores", O_RDONLY));
	b = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	IS(b != MAP_FAILED && !memcmp(b, back, 8192));
	munmap(b, 8192);
	close(fd);

	/* a process that is killed loses nothing that it stored */
	pid = DO(fork());
	if (!pid) {
		fd = DO(open("stores", O_RDWR));
		a = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		IS(a != MAP_FAILED);
		memset(a, 'd', 3 * 4096);
		raise(SIGKILL);
	}
	DO(waitpid(pid, &status, 0));
	IS(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	fd = DO(open("stores", O_RDWR));
	IS(pread(fd, back, 3 * 4096, 0) == 3 * 4096);
	for (int i = 0; i < 3 * 4096; i++)
		IS(back[i] == 'd');
	close(fd);
	DO(unlink("stores"));
}

/* ---- Names ---- */

static void names(void)
{
	char name[260];
	struct dirent *d;
	int n = 0, found = 0;
	DIR *dir;

	DO(mkdir("names", 0755));
	DO(chdir("names"));
	/* all octets but '/' and NUL, in names of 255 */
	for (int k = 0; k < 4; k++) {
		for (int i = 0; i < 255; i++) {
			unsigned char c = 1 + (i + k * 64) % 255;

			name[i] = c == '/' ? '_' : c;
		}
		name[0] = 'a' + k;
		name[255] = 0;
		close(make(name, 0600));
		DO(access(name, R_OK));
		n++;
	}
	for (int i = 1; i < 256; i++) {
		char one[3] = { (char)i, 0, 0 };

		if (i == '/' || i == '.')
			continue;
		one[1] = 'z';
		close(make(one, 0600));
		n++;
	}
	dir = opendir(".");
	IS(dir);
	while ((d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		DO(unlink(d->d_name));
		found++;
		if (found % 50 == 0)
			rewinddir(dir);
	}
	closedir(dir);
	IS(found == n);
	memset(name, 'n', 256);
	name[256] = 0;
	REFUSED(open(name, O_CREAT | O_WRONLY, 0600), ENAMETOOLONG);
	REFUSED(mkdir(name, 0700), ENAMETOOLONG);
	REFUSED(symlink("x", name), ENAMETOOLONG);
	DO(chdir(".."));
	DO(rmdir("names"));
	REFUSED(rmdir("."), EINVAL);
	REFUSED(mkdir("", 0700), ENOENT);
}

static void links(void)
{
	char target[4096], back[4097];
	struct stat st;
	int fd = make("one", 0600);

	DO(link("one", "two"));
	IS(stat_of("one").st_nlink == 2 && stat_of("one").st_ino == stat_of("two").st_ino);
	DO(write(fd, "x", 1));
	IS(stat_of("two").st_size == 1);
	DO(unlink("one"));
	DO(fstat(fd, &st));
	IS(st.st_nlink == 1);
	REFUSED(link("two", "two"), EEXIST);
	DO(symlink("two", "sym"));
	DO(link("sym", "sym2"));
	IS(S_ISLNK(stat_of("sym2").st_mode));
	close(fd);
	DO(symlink("loop2", "loop1"));
	DO(symlink("loop1", "loop2"));
	REFUSED(open("loop1", O_RDONLY), ELOOP);
	REFUSED(stat("loop1/x", &st), ELOOP);
	for (size_t len = 1; len < 4096; len = len < 50 ? len * 7 : len < 3000 ? len + 1000 : len + 1) {
		memset(target, 't', len);
		target[len] = 0;
		if (symlink(target, "long")) {
			IS(errno == ENAMETOOLONG && len > 1000);
			break;
		}
		IS(readlink("long", back, sizeof(back)) == (ssize_t)len && !memcmp(target, back, len));
		IS(stat_of("long").st_size == (off_t)len);
		IS(len < 10 || (readlink("long", back, 10) == 10));
		DO(unlink("long"));
		if (len > 4090 && len < 4095)
			len = 4094;
	}
	DO(unlink("two"));
	DO(unlink("sym"));
	DO(unlink("sym2"));
	DO(unlink("loop1"));
	DO(unlink("loop2"));
}

static void directories(void)
{
	char cwd[PATH_MAX];
	struct stat st;
	int fd;

	DO(mkdir("d", 0755));
	DO(mkdir("d/e", 0755));
	REFUSED(rmdir("d"), ENOTEMPTY);
	REFUSED(rename("d", "d/e/f"), EINVAL);
	REFUSED(unlink("d"), EISDIR);
	close(make("file", 0600));
	REFUSED(rmdir("file"), ENOTDIR);
	REFUSED(rename("d", "file"), ENOTDIR);
	REFUSED(rename("file", "d"), EISDIR);
	REFUSED(link("d", "hard"), EPERM);
	DO(mkdir("empty", 0755));
	DO(rename("d/e", "empty"));
	IS(S_ISDIR(stat_of("empty").st_mode));
	/* the current directory goes away */
	DO(chdir("empty"));
	fd = DO(open(".", O_RDONLY));
	DO(rmdir("../empty"));
	REFUSED(open("x", O_CREAT | O_WRONLY, 0600), ENOENT);
	REFUSED(mkdir("x", 0700), ENOENT);
	IS(!getcwd(cwd, sizeof(cwd)));
	DO(fstat(fd, &st));
	IS(S_ISDIR(st.st_mode));
	close(fd);
	DO(chdir(".."));
	/* a deep path */
	for (int i = 0; i < 60; i++) {
		DO(mkdir("a-rather-long-name-of-a-directory-at-some-depth", 0755));
		DO(chdir("a-rather-long-name-of-a-directory-at-some-depth"));
	}
	IS(getcwd(cwd, sizeof(cwd)) && strlen(cwd) > 2500);
	close(make("bottom", 0600));
	DO(unlink("bottom"));
	for (int i = 0; i < 60; i++) {
		DO(chdir(".."));
		DO(rmdir("a-rather-long-name-of-a-directory-at-some-depth"));
	}
	DO(unlink("file"));
	DO(rmdir("d"));
}

/* ---- Owners ---- */

static void user_makes(void)
{
	struct stat st;

	umask(022);
	close(make("mine", 0666));
	st = stat_of("mine");
	IS(st.st_uid == 1234 && st.st_gid == 1235 && (st.st_mode & 07777) == 0644);
	REFUSED(chown("mine", 0, -1), EPERM);
	REFUSED(chown("mine", -1, 4242), EPERM);
	DO(chown("mine", -1, 1300));            /* one of the groups */
	IS(stat_of("mine").st_gid == 1300);
	DO(chmod("mine", 0600));
	REFUSED(open("roots", O_RDONLY), EACCES);
	REFUSED(chmod("roots", 0666), EPERM);
	REFUSED(utimensat(AT_FDCWD, "roots", NULL, 0), EACCES);
	REFUSED(truncate("roots", 0), EACCES);
	REFUSED(mknod("dev", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	DO(unlink("mine"));
}

static void by_group(void)
{
	DO(open("groups", O_RDWR));
	REFUSED(open("groups", O_RDWR | O_TRUNC | O_DIRECTORY), ENOTDIR);
	IS(access("groups", R_OK | W_OK) == 0);
}

static void not_by_group(void)
{
	REFUSED(open("groups", O_RDONLY), EACCES);
	IS(access("groups", R_OK) == -1);
}

static void owners(void)
{
	gid_t groups[] = { 1300, 1301, 70000 };

	DO(mkdir("own", 0777));
	DO(chmod("own", 0777));
	DO(chdir("own"));
	close(make("roots", 0600));
	as(1234, 1235, 3, groups, user_makes);
	close(make("groups", 0660));
	DO(chown("groups", 0, 70000));
	DO(chmod("groups", 0660));
	as(1234, 1235, 3, groups, by_group);
	as(1234, 1235, 2, groups, not_by_group);
	as(1234, 70000, 0, NULL, by_group);
	DO(unlink("roots"));
	DO(unlink("groups"));
	DO(chdir(".."));
	DO(rmdir("own"));
}

static void in_setgid(void)
{
	struct stat st;

	umask(0);
	close(make("file", 0666));
	DO(mkdir("sub", 0777));
	st = stat_of("file");
	IS(st.st_uid == 1234 && st.st_gid == 2000);
	st = stat_of("sub");
	IS(st.st_gid == 2000 && (st.st_mode & S_ISGID));
	/* not a member of that group: may not make its executables setgid */
	close(make("exec", 02755));
	IS(!(stat_of("exec").st_mode & S_ISGID));
	DO(chmod("file", 02755));
	IS(!(stat_of("file").st_mode & S_ISGID));
	DO(unlink("exec"));
}

static void setgid_dir(void)
{
	DO(mkdir("sg", 0777));
	DO(chown("sg", 0, 2000));
	DO(chmod("sg", 02777));
	IS(stat_of("sg").st_mode & S_ISGID);
	DO(chdir("sg"));
	as(1234, 1235, 0, NULL, in_setgid);
	DO(unlink("file"));
	DO(rmdir("sub"));
	DO(chdir(".."));
	DO(rmdir("sg"));
}

static void others_file(void) { close(make("first", 0666)); DO(mkdir("dir", 0777)); }

static void in_sticky(void)
{
	REFUSED(unlink("first"), EPERM);
	REFUSED(rename("first", "second"), EPERM);
	REFUSED(rmdir("dir"), EPERM);
	close(make("own", 0600));
	REFUSED(rename("own", "first"), EPERM);
	DO(rename("own", "own2"));
	DO(unlink("own2"));
}

static void sticky(void)
{
	umask(0);
	DO(mkdir("st", 01777));
	DO(chmod("st", 01777));
	DO(chdir("st"));
	as(1234, 1234, 0, NULL, others_file);
	as(1235, 1235, 0, NULL, in_sticky);
	DO(unlink("first"));
	DO(rmdir("dir"));
	DO(chdir(".."));
	DO(rmdir("st"));
	umask(022);
}

static void writes_suid(void)
{
	int fd = DO(open("suid", O_WRONLY));

	DO(write(fd, "x", 1));
	close(fd);
}

static void suid_cleared(void)
{
	close(make("suid", 0777));
	DO(chmod("suid", 06777));
	IS((stat_of("suid").st_mode & 07777) == 06777);
	as(1234, 1234, 0, NULL, writes_suid);
	IS((stat_of("suid").st_mode & 06000) == 0);
	DO(chmod("suid", 06755));
	DO(chown("suid", 1234, 1234));
	IS((stat_of("suid").st_mode & 06000) == 0);
	DO(unlink("suid"));
}

static void umasks(void)
{
	umask(027);
	close(make("um", 0777));
	DO(mkdir("umd", 0777));
	DO(mkfifo("umf", 0666));
	IS((stat_of("um").st_mode & 07777) == 0750);
	IS((stat_of("umd").st_mode & 0777) == 0750);
	IS((stat_of("umf").st_mode & 0777) == 0640);
	umask(022);
	DO(unlink("um"));
	DO(unlink("umf"));
	DO(rmdir("umd"));
}

/* ---- Times ---- */

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void times(void)
{
	struct timespec ts[2] = { { 1000000000, 123456789 }, { 1100000000, 987654321 } };
	struct timespec pause = { 0, 30000000 };
	struct stat a, b;
	int fd = make("t", 0600);

	DO(utimensat(AT_FDCWD, "t", ts, 0));
	a = stat_of("t");
	IS(a.st_atim.tv_sec == 1000000000 && a.st_mtim.tv_sec == 1100000000);
	IS(a.st_mtim.tv_nsec == 987654321 || a.st_mtim.tv_nsec == 0);
	nanosleep(&pause, NULL);
	DO(write(fd, "x", 1));
	b = stat_of("t");
	IS(later(b.st_mtim, a.st_mtim) && later(b.st_ctim, a.st_ctim) && b.st_atim.tv_sec == 1000000000);
	nanosleep(&pause, NULL);
	DO(chmod("t", 0640));
	a = stat_of("t");
	IS(later(a.st_ctim, b.st_ctim) && !later(a.st_mtim, b.st_mtim));
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	nanosleep(&pause, NULL);
	DO(futimens(fd, ts));
	b = stat_of("t");
	IS(b.st_atim.tv_sec == 1000000000 && later(b.st_mtim, a.st_mtim));
	/* the directory's times follow its entries */
	a = stat_of(".");
	nanosleep(&pause, NULL);
	DO(rename("t", "t2"));
	b = stat_of(".");
	IS(later(b.st_mtim, a.st_mtim) && later(b.st_ctim, a.st_ctim));
	ts[0] = (struct timespec){ -1000, 0 };
	ts[1] = (struct timespec){ 5000000000ll, 0 };   /* 2128: past 2038 */
	DO(utimensat(AT_FDCWD, "t2", ts, 0));
	a = stat_of("t2");
	IS(a.st_atim.tv_sec == -1000 || a.st_atim.tv_sec == 0);
	IS(a.st_mtim.tv_sec == 5000000000ll || a.st_mtim.tv_sec == INT32_MAX || a.st_mtim.tv_sec == UINT32_MAX);
	close(fd);
	DO(unlink("t2"));
}

/* ---- Special files, locks, room ---- */

static void special(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int fd, c, s = DO(socket(AF_UNIX, SOCK_STREAM, 0)), status;
	char buf[8];

	DO(bind(s, (struct sockaddr *)&sa, sizeof(sa)));
	IS(S_ISSOCK(stat_of("sock").st_mode));
	DO(listen(s, 1));
	c = DO(socket(AF_UNIX, SOCK_STREAM, 0));
	DO(connect(c, (struct sockaddr *)&sa, sizeof(sa)));
	close(c);
	close(s);
	REFUSED(open("sock", O_RDONLY), ENXIO);
	DO(mkfifo("fifo", 0600));
	if (!DO(fork())) {
		fd = open("fifo", O_WRONLY);
		_exit(write(fd, "through", 7) != 7);
	}
	fd = DO(open("fifo", O_RDONLY));
	IS(read(fd, buf, 7) == 7 && !memcmp(buf, "through", 7));
	close(fd);
	DO(wait(&status));
	IS(!status);
	if (mknod("null", S_IFCHR | 0600, makedev(1, 3))) {
		IS(errno == EPERM);
	} else {
		struct stat st = stat_of("null");

		IS(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
		fd = open("null", O_RDWR);
		if (fd >= 0) {
			IS(write(fd, "x", 1) == 1 && read(fd, buf, 1) == 0);
			close(fd);
		} else {
			IS(errno == EACCES);    /* mounted nodev */
		}
		DO(unlink("null"));
	}
	DO(unlink("sock"));
	DO(unlink("fifo"));
}

static void locks(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	int fd = make("lock", 0600), status;
	pid_t pid;

	DO(fcntl(fd, F_SETLK, &fl));
	DO(flock(fd, LOCK_EX));
	pid = DO(fork());
	if (!pid) {
		struct flock t = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 15, .l_len = 1 };
		int f = DO(open("lock", O_RDWR));

		REFUSED(fcntl(f, F_SETLK, &t), EAGAIN);
		DO(fcntl(f, F_GETLK, &t));
		IS(t.l_type == F_WRLCK && t.l_start == 10 && t.l_len == 10 && t.l_pid == getppid());
		t = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 1 };
		DO(fcntl(f, F_SETLK, &t));
		REFUSED(flock(f, LOCK_EX | LOCK_NB), EWOULDBLOCK);
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	if (status)
		_exit(1);
	close(fd);
	fd = DO(open("lock", O_RDWR));
	DO(flock(fd, LOCK_EX | LOCK_NB));
	close(fd);
	DO(unlink("lock"));
}

static void room(void)
{
	static char buf[1 << 20];
	struct statvfs a, b;
	int fd;

	sync();
	DO(statvfs(".", &a));
	IS(a.f_blocks && a.f_bfree <= a.f_blocks && a.f_namemax == 255);
	fd = make("room", 0600);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = i * 2654435761u >> 13;
	for (int i = 0; i < 8; i++)
		DO(write(fd, buf, sizeof(buf)));
	DO(fsync(fd));
	DO(statvfs(".", &b));
	IS((a.f_bfree - b.f_bfree) * a.f_frsize >= 7 << 20);
	IS(stat_of("room").st_blocks * 512ll >= 7 << 20);
	close(fd);
	DO(unlink("room"));
}

/* A killed reader or writer leaves nothing behind. */
static void killed(void)
{
	static char buf[1 << 20];
	int fd = make("k", 0600), status;

	DO(write(fd, buf, sizeof(buf)));
	for (int i = 0; i < 20; i++) {
		pid_t pid = DO(fork());

		if (!pid)
			for (;;) {
				if (pread(fd, buf, sizeof(buf), 0) < 0 || pwrite(fd, buf, 70000, 1000 * i) < 0)
					_exit(1);
			}
		poll(NULL, 0, 10 + i * 3);
		kill(pid, SIGKILL);
		DO(waitpid(pid, &status, 0));
		IS(WIFSIGNALED(status));
	}
	IS(pread(fd, buf, sizeof(buf), 0) == sizeof(buf));
	close(fd);
	DO(unlink("k"));
}

#define ROW(f) { #f, f }
static const struct {
	const char *name;
	void (*run)(void);
} rows[] = {
	ROW(open_unlinked), ROW(open_renamed), ROW(sparse), ROW(flags), ROW(append_together), ROW(many_open),
	ROW(mappings), ROW(stores), ROW(names), ROW(links), ROW(directories), ROW(owners), ROW(setgid_dir), ROW(sticky),
	ROW(suid_cleared), ROW(umasks), ROW(times), ROW(special), ROW(locks), ROW(room), ROW(killed),
};

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "only", required_argument, NULL, 'o' }, { "list", no_argument, NULL, 'l' }, { 0 },
	};
	const char *only = NULL;
	unsigned int failed = 0, run = 0;
	time_t start;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o': only = optarg; break;
		case 'l':
			for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
				puts(rows[i].name);
			return 0;
		default: return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: fdx [--only NAME] [--list] DIR\n");
		return 2;
	}
	if (geteuid()) {
		fprintf(stderr, "fdx: must be root\n");
		return 2;
	}
	umask(022);
	if (mkdir(argv[optind], 0755) || chdir(argv[optind])) {
		printf("FAIL fdx: %s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;
		pid_t pid;

		if (only && strcmp(only, rows[i].name))
			continue;
		current = rows[i].name;
		start = time(NULL);
		run++;
		fflush(stdout);
		pid = fork();
		if (!pid) {
			rows[i].run();
			exit(0);
		}
		if (waitpid(pid, &status, 0) == pid && !status) {
			fprintf(stderr, "# %s: %ld s\n", current, (long)(time(NULL) - start));
		} else {
			failed++;
			if (WIFSIGNALED(status))
				printf("FAIL fdx: %s: died of signal %d\n", current, WTERMSIG(status));
		}
	}
	if (failed) {
		printf("FAIL fdx: %u of %u checks\n", failed, run);
		return 1;
	}
	if (chdir("..") || rmdir(argv[optind])) {
		printf("FAIL fdx: something is left in %s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	printf("ok fdx: %u checks\n", run);
	return 0;
}
