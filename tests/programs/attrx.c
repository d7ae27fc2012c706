// SPDX-License-Identifier: GPL-2.0-only
/*
 * attrx.c: what programs may expect of attributes: extended ones, POSIX ACLs, capabilities of files, flags and
 * project ids, extents, the ioctl()s of any file system, and statx().  One check after another, as root; some are
 * made as other users, in a child.  It passes on plain ext4.
 *
 *	attrx [--only NAME] [--list] [--big] DIR	DIR is made and removed; in it others may search
 *
 * --big: values of 64 KiB must fit (XFS, ext4 with ea_inode).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define EXT4_MAGIC	0xef53
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN	0x2000
#endif

static const char *current = "";
static bool big, ext4;

static void fail(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL attrx: %s: ", current);
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
			fail("line %d: %s: %s", __LINE__, #call, strerror(errno)); \
		r_; \
	})
/* must have failed so */
#define REFUSED(call, err) do { \
		if ((call) != -1) \
			fail("line %d: %s was done, expected %s", __LINE__, #call, strerror(err)); \
		if (errno != (err)) \
			fail("line %d: %s: %s, expected %s", __LINE__, #call, strerror(errno), strerror(err)); \
	} while (0)
#define IS(cond) do { if (!(cond)) fail("line %d: not so: %s", __LINE__, #cond); } while (0)

static struct stat stat_of(const char *name)
{
	struct stat st;

	DO(lstat(name, &st));
	return st;
}

static unsigned int mode_of(const char *name)
{
	return stat_of(name).st_mode & 07777;
}

static void make(const char *name, mode_t mode)
{
	int fd = DO(open(name, O_RDWR | O_CREAT | O_EXCL, mode));

	DO(fchmod(fd, mode));
	close(fd);
}

/* Run f as somebody else; the groups are the supplementary ones. */
static void as(uid_t uid, gid_t gid, int nr, const gid_t *groups, void (*f)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = DO(fork());
	if (!pid) {
		DO(setgroups(nr, groups));
		DO(setresgid(gid, gid, gid));
		DO(setresuid(uid, uid, uid));
		f();
		fflush(stdout);
		_exit(0);
	}
	DO(waitpid(pid, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(1);               /* it has said why */
}

static void nap(void)
{
	struct timespec pause = { 0, 30000000 };

	nanosleep(&pause, NULL);
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/* Is name in the list of the file's attributes? */
static bool listed(const char *file, const char *name)
{
	char list[65536];
	ssize_t n = DO(llistxattr(file, list, sizeof(list)));

	for (ssize_t i = 0; i < n; i += strlen(list + i) + 1)
		if (!strcmp(list + i, name))
			return true;
	return false;
}

static bool value_is(const char *file, const char *name, const void *value, size_t len)
{
	static char got[65536];

	return lgetxattr(file, name, got, sizeof(got)) == (ssize_t)len && !memcmp(got, value, len);
}

/* ---- Extended attributes ---- */

static void xattr_values(void)
{
	char buf[300], name[300];
	int fd;

	make("f", 0644);
	DO(mkdir("d", 0755));
	REFUSED(getxattr("f", "user.a", buf, sizeof(buf)), ENODATA);
	IS(listxattr("f", buf, sizeof(buf)) == 0 || listed("f", "security.selinux"));
	DO(setxattr("f", "user.a", "one", 3, 0));
	IS(value_is("f", "user.a", "one", 3));
	IS(getxattr("f", "user.a", NULL, 0) == 3);
	REFUSED(getxattr("f", "user.a", buf, 2), ERANGE);
	IS(getxattr("f", "user.a", buf, 3) == 3);
	REFUSED(setxattr("f", "user.a", "two", 3, XATTR_CREATE), EEXIST);
	REFUSED(setxattr("f", "user.b", "two", 3, XATTR_REPLACE), ENODATA);
	DO(setxattr("f", "user.a", "longer", 6, XATTR_REPLACE));
	DO(setxattr("f", "user.b", "", 0, XATTR_CREATE));
	IS(value_is("f", "user.a", "longer", 6) && value_is("f", "user.b", "", 0));
	IS(listed("f", "user.a") && listed("f", "user.b"));
	IS(listxattr("f", NULL, 0) >= 14);
	REFUSED(listxattr("f", buf, 3), ERANGE);
	DO(removexattr("f", "user.a"));
	REFUSED(removexattr("f", "user.a"), ENODATA);
	IS(!listed("f", "user.a"));
	REFUSED(setxattr("f", "user.a", "x", 1, 4), EINVAL);
	REFUSED(setxattr("f", "user.", "x", 1, 0), EINVAL);
	REFUSED(setxattr("f", "nonsense.a", "x", 1, 0), EOPNOTSUPP);
	REFUSED(getxattr("f", "nonsense.a", buf, 1), EOPNOTSUPP);
	REFUSED(setxattr("f", "", "x", 1, 0), ERANGE);
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = 0;
	REFUSED(setxattr("f", name, "x", 1, 0), ERANGE);
	name[255] = 0;
	DO(setxattr("f", name, "x", 1, 0));
	IS(listed("f", name) && value_is("f", name, "x", 1));
	DO(setxattr("f", "user./strange\xff name", "\0\1", 2, 0));
	IS(value_is("f", "user./strange\xff name", "\0\1", 2));
	REFUSED(setxattr("nofile", "user.a", "x", 1, 0), ENOENT);
	fd = DO(open("f", O_RDONLY));
	DO(fsetxattr(fd, "user.fd", "fd", 2, 0));
	IS(fgetxattr(fd, "user.fd", buf, 10) == 2);
	DO(fremovexattr(fd, "user.fd"));
	DO(unlink("f"));
	/* without a name, while open */
	DO(fsetxattr(fd, "user.gone", "g", 1, 0));
	IS(fgetxattr(fd, "user.gone", buf, 10) == 1);
	close(fd);
	DO(setxattr("d", "user.d", "dir", 3, 0));
	IS(value_is("d", "user.d", "dir", 3));
	DO(rmdir("d"));
}

static void xattr_sizes(void)
{
	static const unsigned int sizes[] = { 1, 100, 2000, 3500, 4096, 4097, 8192, 20000, 65535, 65536 };
	static char buf[65537], was[65537];
	unsigned int fits = 0;

	make("f", 0644);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned int k = 0; k < sizes[i]; k++)
			buf[k] = k * 7 + i + (k >> 8);
		if (setxattr("f", "user.v", buf, sizes[i], 0)) {
			if (big || (errno != ENOSPC && errno != E2BIG && errno != ERANGE))
				fail("%u octets: %s", sizes[i], strerror(errno));
			IS(value_is("f", "user.v", was, fits));
			continue;
		}
		fits = sizes[i];
		memcpy(was, buf, fits);
		IS(getxattr("f", "user.v", NULL, 0) == (ssize_t)fits);
		IS(value_is("f", "user.v", buf, fits));
		if (fits > 1)
			REFUSED(getxattr("f", "user.v", buf, fits - 1), ERANGE);
	}
	REFUSED(setxattr("f", "user.v", buf, 65537, 0), E2BIG);
	fprintf(stderr, "# the largest value: %u\n", fits);
	IS(fits >= 100);
	DO(unlink("f"));
}

static void xattr_many(void)
{
	static char list[65536];
	char name[32], value[32];
	int nr = 0;
	ssize_t n;

	make("f", 0644);
	for (; nr < 200; nr++) {
		sprintf(name, "user.attribute%d", nr);
		sprintf(value, "value %d", nr * nr);
		if (setxattr("f", name, value, strlen(value), XATTR_CREATE)) {
			IS(errno == ENOSPC);
			break;
		}
	}
	IS(nr > 20);
	for (int i = 0; i < nr; i++) {
		sprintf(name, "user.attribute%d", i);
		sprintf(value, "value %d", i * i);
		IS(listed("f", name) && value_is("f", name, value, strlen(value)));
	}
	n = DO(listxattr("f", NULL, 0));
	REFUSED(listxattr("f", list, n - 1), ERANGE);
	IS(listxattr("f", list, n) == n);
	for (int i = 0; i < nr; i += 2) {
		sprintf(name, "user.attribute%d", i);
		DO(removexattr("f", name));
	}
	for (int i = 0; i < nr; i++) {
		sprintf(name, "user.attribute%d", i);
		IS(listed("f", name) == i % 2);
	}
	DO(unlink("f"));
}

static void others_trusted(void)
{
	char buf[10];

	REFUSED(setxattr("f", "trusted.t", "x", 1, 0), EPERM);
	REFUSED(getxattr("f", "trusted.t", buf, sizeof(buf)), ENODATA);
	REFUSED(removexattr("f", "trusted.t"), EPERM);
	IS(!listed("f", "trusted.t"));
	IS(getxattr("f", "security.test", buf, sizeof(buf)) == 3);
	REFUSED(setxattr("f", "security.test", "x", 1, 0), EPERM);
	REFUSED(removexattr("f", "security.test"), EPERM);
	IS(listed("f", "security.test"));
}

static void xattr_namespaces(void)
{
	char buf[10];

	make("f", 0666);
	DO(symlink("f", "l"));
	DO(mkfifo("p", 0666));
	DO(setxattr("f", "trusted.t", "tr", 2, 0));
	DO(setxattr("f", "security.test", "sec", 3, 0));
	IS(value_is("f", "trusted.t", "tr", 2) && value_is("f", "security.test", "sec", 3));
	IS(listed("f", "trusted.t") && listed("f", "security.test"));
	as(1234, 1234, 0, NULL, others_trusted);
	REFUSED(setxattr("f", "system.nonsense", "x", 1, 0), EOPNOTSUPP);

	/* what is no file and no directory has nothing of the user's */
	REFUSED(lsetxattr("l", "user.x", "x", 1, 0), EPERM);
	REFUSED(lgetxattr("l", "user.x", buf, sizeof(buf)), ENODATA);
	REFUSED(setxattr("p", "user.x", "x", 1, 0), EPERM);
	REFUSED(getxattr("p", "user.x", buf, sizeof(buf)), ENODATA);
	DO(lsetxattr("l", "trusted.l", "link", 4, 0));
	IS(value_is("l", "trusted.l", "link", 4) && listed("l", "trusted.l") && !listed("f", "trusted.l"));
	DO(setxattr("p", "trusted.p", "pipe", 4, 0));
	DO(setxattr("p", "security.p", "s", 1, 0));
	IS(value_is("p", "trusted.p", "pipe", 4) && listed("p", "security.p"));
	DO(lremovexattr("l", "trusted.l"));
	IS(!listed("l", "trusted.l"));
	DO(unlink("f"));
	DO(unlink("l"));
	DO(unlink("p"));
}

static void others_user(void)
{
	char buf[10];

	REFUSED(getxattr("private", "user.a", buf, sizeof(buf)), EACCES);
	REFUSED(setxattr("private", "user.a", "y", 1, 0), EACCES);
	IS(listed("private", "user.a"));
	IS(getxattr("readable", "user.a", buf, sizeof(buf)) == 1);
	REFUSED(setxattr("readable", "user.a", "y", 1, 0), EACCES);
	REFUSED(removexattr("readable", "user.a"), EACCES);
	REFUSED(setxattr("sticky", "user.a", "y", 1, 0), EPERM);
	IS(getxattr("sticky", "user.a", buf, sizeof(buf)) == 1);
	DO(setxattr("open", "user.a", "y", 1, 0));
}

static void xattr_permissions(void)
{
	make("private", 0600);
	make("readable", 0644);
	make("open", 0666);
	DO(mkdir("sticky", 0777));
	DO(chmod("sticky", 01777));
	DO(setxattr("private", "user.a", "x", 1, 0));
	DO(setxattr("readable", "user.a", "x", 1, 0));
	DO(setxattr("sticky", "user.a", "x", 1, 0));
	as(1234, 1234, 0, NULL, others_user);
	IS(value_is("open", "user.a", "y", 1) && value_is("readable", "user.a", "x", 1));
	DO(unlink("private"));
	DO(unlink("readable"));
	DO(unlink("open"));
	DO(rmdir("sticky"));
}

static void xattr_times(void)
{
	struct stat a, b;

	make("f", 0644);
	a = stat_of("f");
	nap();
	DO(setxattr("f", "user.a", "x", 1, 0));
	b = stat_of("f");
	IS(later(b.st_ctim, a.st_ctim) && !memcmp(&a.st_mtim, &b.st_mtim, sizeof(a.st_mtim)));
	nap();
	DO(removexattr("f", "user.a"));
	a = stat_of("f");
	IS(later(a.st_ctim, b.st_ctim));
	nap();
	IS(getxattr("f", "user.a", NULL, 0) == -1);
	b = stat_of("f");
	IS(!memcmp(&a.st_ctim, &b.st_ctim, sizeof(a.st_ctim)));
	DO(unlink("f"));
}

/* ---- Capabilities of files ---- */

#define CAP_NET_RAW	13

/* Of this process, in effect? */
static bool has_cap(int cap)
{
	char line[200];
	unsigned long long caps = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps >> cap & 1;
}

static const struct {
	uint32_t magic, permitted, inheritable, permitted_hi, inheritable_hi;
} net_raw = { 0x02000001, 1u << CAP_NET_RAW, 0, 0, 0 };

static void set_net_raw(void)
{
	DO(setxattr("cap", "security.capability", &net_raw, sizeof(net_raw), 0));
	IS(value_is("cap", "security.capability", &net_raw, sizeof(net_raw)));
}

static bool expected;

static void run_cap(void)
{
	int status;
	pid_t pid = DO(fork());

	if (!pid) {
		execl("./cap", "cap", "--has-net-raw", NULL);
		_exit(3);
	}
	DO(waitpid(pid, &status, 0));
	IS(WIFEXITED(status));
	if (WEXITSTATUS(status) != (expected ? 0 : 1))
		fail("with the capability %s: status %d", expected ? "set" : "cleared", WEXITSTATUS(status));
}

static void expect_cap(bool cap)
{
	expected = cap;
	as(1234, 1234, 0, NULL, run_cap);
	if (!cap)
		REFUSED(getxattr("cap", "security.capability", NULL, 0), ENODATA);
}

static void others_cap(void)
{
	REFUSED(setxattr("cap", "security.capability", &net_raw, sizeof(net_raw), 0), EPERM);
	REFUSED(removexattr("cap", "security.capability"), EPERM);
}

static void others_write(void)
{
	int fd = DO(open("cap", O_WRONLY | O_APPEND));

	DO(write(fd, "x", 1));
	close(fd);
}

static void others_truncate(void)
{
	DO(truncate("cap", stat_of("cap").st_size - 1));
}

static void capabilities(void)
{
	static char buf[1 << 16];
	int in = DO(open("/proc/self/exe", O_RDONLY)), fd;
	ssize_t n;

	make("cap", 0777);
	fd = DO(open("cap", O_WRONLY));
	while ((n = DO(read(in, buf, sizeof(buf)))) > 0)
		IS(write(fd, buf, n) == n);
	close(in);
	close(fd);

	expect_cap(false);
	set_net_raw();
	IS(listed("cap", "security.capability"));
	expect_cap(true);
	as(1234, 1234, 0, NULL, others_cap);
	REFUSED(setxattr("cap", "security.capability", "bad", 3, 0), EINVAL);
	/* whoever changes the file takes them away */
	as(1234, 1234, 0, NULL, others_write);
	expect_cap(false);
	set_net_raw();
	as(1234, 1234, 0, NULL, others_truncate);
	expect_cap(false);
	set_net_raw();
	others_write();
	expect_cap(false);
	set_net_raw();
	DO(truncate("cap", stat_of("cap").st_size - 1));
	expect_cap(false);
	set_net_raw();
	DO(chown("cap", 1234, 1234));
	expect_cap(false);
	DO(chown("cap", 0, 0));
	/* a second time in a row: nothing remembers that there was nothing to strip */
	others_write();
	set_net_raw();
	others_write();
	expect_cap(false);
	/* chmod and reading do not */
	set_net_raw();
	DO(chmod("cap", 0755));
	expect_cap(true);
	DO(removexattr("cap", "security.capability"));
	expect_cap(false);
	DO(unlink("cap"));
}

/* ---- ACLs ---- */

#define ACCESS	"system.posix_acl_access"
#define DEFAULT	"system.posix_acl_default"
enum { U_OBJ = 1, U = 2, G_OBJ = 4, G = 8, MASK = 16, OTHER = 32 };

struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} e[4096];
	unsigned int nr;
};

static struct acl acl_of(int first, ...)
{
	struct acl a = { .version = 2 };
	va_list ap;

	va_start(ap, first);
	for (int tag = first; tag; tag = va_arg(ap, int)) {
		a.e[a.nr].tag = tag;
		a.e[a.nr].id = tag == U || tag == G ? va_arg(ap, int) : -1;
		a.e[a.nr++].perm = va_arg(ap, int);
	}
	va_end(ap);
	return a;
}

static size_t acl_size(const struct acl *a)
{
	return 4 + 8 * a->nr;
}

static int set_acl(const char *file, const char *type, struct acl a)
{
	return lsetxattr(file, type, &a, acl_size(&a), 0);
}

static bool acl_is(const char *file, const char *type, struct acl a)
{
	return value_is(file, type, &a, acl_size(&a));
}

static void may_read(void)
{
	int fd = DO(open("f", O_RDONLY));

	close(fd);
	REFUSED(open("f", O_WRONLY), EACCES);
	IS(!access("f", R_OK));
	REFUSED(access("f", W_OK), EACCES);
}

static void may_write(void)
{
	int fd = DO(open("f", O_RDWR));

	close(fd);
}

static void may_nothing(void)
{
	REFUSED(open("f", O_RDONLY), EACCES);
	REFUSED(open("f", O_WRONLY), EACCES);
	REFUSED(access("f", R_OK), EACCES);
}

static void may_not_set(void)
{
	REFUSED(set_acl("f", ACCESS, acl_of(U_OBJ, 7, G_OBJ, 7, OTHER, 7, 0)), EPERM);
	REFUSED(removexattr("f", ACCESS), EPERM);
	IS(getxattr("f", ACCESS, NULL, 0) > 0);
}

static void acl_access(void)
{
	static const gid_t group[1] = { 2000 };
	struct acl bad;

	make("f", 0600);
	DO(symlink("f", "l"));
	REFUSED(getxattr("f", ACCESS, NULL, 0), ENODATA);
	IS(!listed("f", ACCESS));
	as(1234, 1234, 0, NULL, may_nothing);
	DO(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 4, G_OBJ, 0, MASK, 4, OTHER, 0, 0)));
	IS(mode_of("f") == 0640);
	IS(acl_is("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 4, G_OBJ, 0, MASK, 4, OTHER, 0, 0)));
	IS(listed("f", ACCESS) && getxattr("f", ACCESS, NULL, 0) == 44);
	as(1234, 1234, 0, NULL, may_read);
	as(1235, 1235, 0, NULL, may_nothing);
	as(1234, 1234, 0, NULL, may_not_set);

	/* what was allowed a moment ago */
	for (int i = 0; i < 10; i++) {
		DO(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 6, G_OBJ, 0, G, 2000, 4, MASK, 6, OTHER, 0, 0)));
		as(1234, 1234, 0, NULL, may_write);
		as(1235, 1235, 1, group, may_read);
		as(1235, 1235, 0, NULL, may_nothing);
		DO(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 6, G_OBJ, 0, G, 2000, 4, MASK, 4, OTHER, 0, 0)));
		as(1234, 1234, 0, NULL, may_read);
		DO(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 0, G_OBJ, 0, G, 2000, 6, MASK, 6, OTHER, 6, 0)));
		as(1234, 1234, 1, group, may_nothing);
		as(1235, 1235, 1, group, may_write);
	}

	/* no more than a mode */
	DO(set_acl("f", ACCESS, acl_of(U_OBJ, 6, G_OBJ, 4, OTHER, 4, 0)));
	REFUSED(getxattr("f", ACCESS, NULL, 0), ENODATA);
	IS(mode_of("f") == 0644);
	as(1234, 1234, 0, NULL, may_read);
	DO(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 0, G_OBJ, 4, MASK, 4, OTHER, 4, 0)));
	as(1234, 1234, 0, NULL, may_nothing);
	DO(removexattr("f", ACCESS));
	REFUSED(getxattr("f", ACCESS, NULL, 0), ENODATA);
	as(1234, 1234, 0, NULL, may_read);

	/* what is none */
	REFUSED(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 4, G_OBJ, 0, OTHER, 0, 0)), EINVAL);
	REFUSED(set_acl("f", ACCESS, acl_of(U_OBJ, 6, G_OBJ, 0, 0)), EINVAL);
	REFUSED(set_acl("f", ACCESS, acl_of(G_OBJ, 6, U_OBJ, 0, OTHER, 0, 0)), EINVAL);
	bad = acl_of(U_OBJ, 6, G_OBJ, 0, OTHER, 0, 0);
	REFUSED(setxattr("f", ACCESS, &bad, acl_size(&bad) - 1, 0), EINVAL);
	bad.version = 1;
	REFUSED(setxattr("f", ACCESS, &bad, acl_size(&bad), 0), EOPNOTSUPP);
	REFUSED(set_acl("f", DEFAULT, acl_of(U_OBJ, 6, G_OBJ, 0, OTHER, 0, 0)), EACCES);
	REFUSED(set_acl("l", ACCESS, acl_of(U_OBJ, 6, G_OBJ, 0, OTHER, 0, 0)), EOPNOTSUPP);
	IS(mode_of("f") == 0644);
	DO(unlink("f"));
	DO(unlink("l"));
}

static void acl_chmod(void)
{
	make("f", 0600);
	DO(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 6, G_OBJ, 0, MASK, 6, OTHER, 0, 0)));
	as(1234, 1234, 0, NULL, may_write);
	DO(chmod("f", 0614));
	IS(acl_is("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 6, G_OBJ, 0, MASK, 1, OTHER, 4, 0)));
	as(1234, 1234, 0, NULL, may_nothing);
	as(1235, 1235, 0, NULL, may_read);
	DO(chmod("f", 0640));
	IS(acl_is("f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 6, G_OBJ, 0, MASK, 4, OTHER, 0, 0)));
	as(1234, 1234, 0, NULL, may_read);
	as(1235, 1235, 0, NULL, may_nothing);
	DO(chown("f", 1235, 1235));
	as(1235, 1235, 0, NULL, may_write);
	as(1234, 1234, 0, NULL, may_read);
	DO(unlink("f"));
}

static void creates_there(void)
{
	int fd;

	umask(077);
	fd = DO(open("d/theirs", O_CREAT | O_EXCL | O_WRONLY, 0644));
	close(fd);
	fd = DO(open("d/f", O_WRONLY));
	close(fd);
	DO(unlink("d/theirs"));
}

static void acl_default(void)
{
	struct acl def = acl_of(U_OBJ, 7, U, 1234, 7, G_OBJ, 5, MASK, 7, OTHER, 0, 0);

	umask(077);
	DO(mkdir("d", 0755));
	make("d/before", 0640);
	DO(chmod("d", 0700));
	DO(set_acl("d", DEFAULT, def));
	IS(acl_is("d", DEFAULT, def) && listed("d", DEFAULT) && !listed("d", ACCESS));
	DO(set_acl("d", ACCESS, acl_of(U_OBJ, 7, U, 1234, 7, G_OBJ, 0, MASK, 7, OTHER, 0, 0)));
	/* the umask has no say where a default ACL is */
	close(DO(open("d/f", O_CREAT | O_EXCL | O_RDWR, 0666)));
	IS(mode_of("d/f") == 0660);
	IS(acl_is("d/f", ACCESS, acl_of(U_OBJ, 6, U, 1234, 7, G_OBJ, 5, MASK, 6, OTHER, 0, 0)));
	REFUSED(getxattr("d/f", DEFAULT, NULL, 0), ENODATA);
	DO(mkdir("d/sub", 0777));
	IS(mode_of("d/sub") == 0770 && acl_is("d/sub", DEFAULT, def));
	IS(acl_is("d/sub", ACCESS, acl_of(U_OBJ, 7, U, 1234, 7, G_OBJ, 5, MASK, 7, OTHER, 0, 0)));
	DO(mkfifo("d/p", 0622));
	IS(mode_of("d/p") == 0620);
	DO(symlink("f", "d/l"));
	REFUSED(getxattr("d/before", ACCESS, NULL, 0), ENODATA);
	as(1234, 1234, 0, NULL, creates_there);
	DO(removexattr("d", DEFAULT));
	REFUSED(getxattr("d", DEFAULT, NULL, 0), ENODATA);
	/* and it has where there is none */
	close(DO(open("d/g", O_CREAT | O_EXCL | O_RDWR, 0666)));
	IS(mode_of("d/g") == 0600);
	DO(mkdir("d/sub2", 0777));
	IS(mode_of("d/sub2") == 0700);
	umask(022);
	DO(unlink("d/before"));
	DO(unlink("d/f"));
	DO(unlink("d/g"));
	DO(unlink("d/p"));
	DO(unlink("d/l"));
	DO(rmdir("d/sub"));
	DO(rmdir("d/sub2"));
	DO(rmdir("d"));
}

static void acl_large(void)
{
	static const unsigned int sizes[] = { 50, 300, 512, 600, 3000 };
	unsigned int fits = 0;

	make("f", 0600);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct acl a = acl_of(U_OBJ, 6, 0);

		for (unsigned int k = 0; k < sizes[i] - 4; k++) {
			a.e[a.nr].tag = U;
			a.e[a.nr].perm = k % 8;
			a.e[a.nr++].id = 1000 + k;
		}
		a.e[a.nr].tag = G_OBJ;
		a.e[a.nr++].id = -1;
		a.e[a.nr].tag = MASK;
		a.e[a.nr].perm = 6;
		a.e[a.nr++].id = -1;
		a.e[a.nr].tag = OTHER;
		a.e[a.nr++].id = -1;
		if (set_acl("f", ACCESS, a)) {
			if (i < 1 || big || (errno != ENOSPC && errno != E2BIG))
				fail("%u entries: %s", sizes[i], strerror(errno));
			break;
		}
		IS(acl_is("f", ACCESS, a));
		fits = sizes[i];
	}
	fprintf(stderr, "# the largest ACL: %u\n", fits);
	/* entry k is user 1000 + k's, with k % 8 */
	as(1036, 1036, 0, NULL, may_read);
	as(1032, 1032, 0, NULL, may_nothing);
	DO(unlink("f"));
}

/* ---- Flags ---- */

static int flags_of(const char *file)
{
	int fd = DO(open(file, O_RDONLY)), flags = 0;

	DO(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	close(fd);
	return flags;
}

static int set_flags(const char *file, int flags)
{
	int fd = DO(open(file, O_RDONLY)), r = ioctl(fd, FS_IOC_SETFLAGS, &flags), err = errno;

	close(fd);
	errno = err;
	return r;
}

/* Set and clear some of them. */
static int change_flags(const char *file, int set, int clear)
{
	return set_flags(file, (flags_of(file) | set) & ~clear);
}

static void others_flags(void)
{
	REFUSED(change_flags("f", FS_NODUMP_FL, 0), EPERM);
	REFUSED(change_flags("mine", FS_IMMUTABLE_FL, 0), EPERM);
	REFUSED(change_flags("mine", FS_APPEND_FL, 0), EPERM);
	DO(change_flags("mine", FS_NODUMP_FL, 0));
	IS(flags_of("mine") & FS_NODUMP_FL);
	DO(change_flags("mine", 0, FS_NODUMP_FL));
}

static void flag_values(void)
{
	struct stat a, b;
	int was;

	make("f", 0644);
	make("mine", 0644);
	DO(mkfifo("p", 0644));
	DO(chown("mine", 1234, 1234));
	was = flags_of("f");
	IS(!(was & (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL)));
	a = stat_of("f");
	nap();
	DO(change_flags("f", FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL, 0));
	b = stat_of("f");
	IS(later(b.st_ctim, a.st_ctim));
	IS(flags_of("f") == (was | FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL));
	DO(set_flags("f", was));
	IS(flags_of("f") == was);
	as(1234, 1234, 0, NULL, others_flags);
	if (ext4)
		REFUSED(change_flags("f", 0x08000000, 0), EOPNOTSUPP);
	else
		change_flags("f", 0x08000000, 0);
	IS(flags_of("f") == was);
	/* a pipe has none */
	int fd = DO(open("p", O_RDWR));
	if (ext4)
		REFUSED(ioctl(fd, FS_IOC_GETFLAGS, &was), ENOTTY);
	close(fd);
	DO(unlink("f"));
	DO(unlink("mine"));
	DO(unlink("p"));
}

static void flag_immutable(void)
{
	int fd, dfd, flags;

	make("f", 0644);
	DO(mkdir("d", 0755));
	make("d/in", 0644);
	fd = DO(open("f", O_RDWR));
	DO(change_flags("f", FS_IMMUTABLE_FL, 0));
	IS(flags_of("f") & FS_IMMUTABLE_FL);
	REFUSED(open("f", O_WRONLY), EPERM);
	REFUSED(open("f", O_RDWR | O_TRUNC), EPERM);
	REFUSED(unlink("f"), EPERM);
	REFUSED(rename("f", "g"), EPERM);
	REFUSED(link("f", "g"), EPERM);
	REFUSED(chmod("f", 0600), EPERM);
	REFUSED(chown("f", 1, 1), EPERM);
	REFUSED(truncate("f", 0), EPERM);
	REFUSED(utimensat(AT_FDCWD, "f", NULL, 0), EPERM);
	REFUSED(setxattr("f", "user.a", "x", 1, 0), EPERM);
	REFUSED(set_acl("f", ACCESS, acl_of(U_OBJ, 6, U, 1, 4, G_OBJ, 0, MASK, 4, OTHER, 0, 0)), EPERM);
	if (ext4)
		REFUSED(write(fd, "x", 1), EPERM);
	IS(read(fd, &flags, 1) == 0);
	DO(change_flags("f", 0, FS_IMMUTABLE_FL));
	DO(write(fd, "x", 1));
	close(fd);
	fd = DO(open("f", O_WRONLY));
	close(fd);

	DO(change_flags("d", FS_IMMUTABLE_FL, 0));
	REFUSED(open("d/new", O_CREAT | O_WRONLY, 0600), EPERM);
	REFUSED(mkdir("d/new", 0700), EPERM);
	REFUSED(unlink("d/in"), EPERM);
	fd = DO(open("d/in", O_WRONLY));
	DO(write(fd, "in", 2));
	close(fd);
	dfd = DO(open("d", O_RDONLY | O_DIRECTORY));
	DO(ioctl(dfd, FS_IOC_GETFLAGS, &flags));
	flags &= ~FS_IMMUTABLE_FL;
	DO(ioctl(dfd, FS_IOC_SETFLAGS, &flags));
	close(dfd);
	DO(unlink("d/in"));
	DO(rmdir("d"));
	DO(unlink("f"));
}

static void flag_append(void)
{
	char buf[10];
	int fd;

	make("f", 0644);
	DO(change_flags("f", FS_APPEND_FL, 0));
	REFUSED(open("f", O_WRONLY), EPERM);
	REFUSED(open("f", O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	REFUSED(truncate("f", 0), EPERM);
	REFUSED(unlink("f"), EPERM);
	REFUSED(chmod("f", 0600), EPERM);
	REFUSED(setxattr("f", "user.a", "x", 1, 0), EPERM);
	fd = DO(open("f", O_RDWR | O_APPEND));
	DO(write(fd, "ab", 2));
	DO(write(fd, "cd", 2));
	REFUSED(ftruncate(fd, 0), EPERM);
	IS(pread(fd, buf, 10, 0) == 4 && !memcmp(buf, "abcd", 4));
	close(fd);
	DO(change_flags("f", 0, FS_APPEND_FL));
	DO(truncate("f", 0));
	DO(unlink("f"));
}

static void flag_project(void)
{
	struct fsxattr fx = { 0 }, back;
	int fd, r;

	DO(mkdir("d", 0755));
	fd = DO(open("d", O_RDONLY));
	DO(ioctl(fd, FS_IOC_FSGETXATTR, &fx));
	fx.fsx_xflags |= FS_XFLAG_NODUMP;
	DO(ioctl(fd, FS_IOC_FSSETXATTR, &fx));
	DO(ioctl(fd, FS_IOC_FSGETXATTR, &back));
	IS(back.fsx_xflags & FS_XFLAG_NODUMP && flags_of("d") & FS_NODUMP_FL);
	fx.fsx_xflags &= ~FS_XFLAG_NODUMP;
	DO(ioctl(fd, FS_IOC_FSSETXATTR, &fx));
	IS(!(flags_of("d") & FS_NODUMP_FL));

	fx.fsx_projid = 4321;
	fx.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	r = ioctl(fd, FS_IOC_FSSETXATTR, &fx);
	if (r < 0) {
		IS(errno == EOPNOTSUPP || errno == EINVAL);
		fprintf(stderr, "# no project ids here\n");
	} else {
		DO(ioctl(fd, FS_IOC_FSGETXATTR, &back));
		IS(back.fsx_projid == 4321 && back.fsx_xflags & FS_XFLAG_PROJINHERIT);
		make("d/f", 0600);
		r = DO(open("d/f", O_RDONLY));
		DO(ioctl(r, FS_IOC_FSGETXATTR, &back));
		IS(back.fsx_projid == 4321);
		close(r);
		make("other", 0600);
		REFUSED(rename("other", "d/other"), EXDEV);
		REFUSED(link("other", "d/other"), EXDEV);
		DO(unlink("other"));
		DO(unlink("d/f"));
	}
	close(fd);
	DO(rmdir("d"));
}

/* ---- Extents ---- */

#define EXTENTS	300

static struct fiemap *fiemap_new(unsigned int room)
{
	struct fiemap *fm = calloc(1, sizeof(*fm) + room * sizeof(struct fiemap_extent));

	if (!fm)
		fail("no memory");
	fm->fm_length = ~0ull;
	fm->fm_extent_count = room;
	return fm;
}

static void extents(void)
{
	static char block[4096] = "x";
	struct fiemap *fm = fiemap_new(1000), *some = fiemap_new(100);
	unsigned int seen = 0;
	struct stat st;
	int fd;

	make("f", 0644);
	fd = DO(open("f", O_RDWR));
	DO(ioctl(fd, FS_IOC_FIEMAP, fm));
	IS(fm->fm_mapped_extents == 0);
	for (int i = 0; i < EXTENTS; i++)
		IS(pwrite(fd, block, sizeof(block), i * 8192) == sizeof(block));
	/* how many */
	fm->fm_flags = FIEMAP_FLAG_SYNC;
	fm->fm_extent_count = 0;
	DO(ioctl(fd, FS_IOC_FIEMAP, fm));
	IS(fm->fm_mapped_extents == EXTENTS);
	/* all */
	fm->fm_extent_count = 1000;
	DO(ioctl(fd, FS_IOC_FIEMAP, fm));
	IS(fm->fm_mapped_extents == EXTENTS);
	for (unsigned int i = 0; i < EXTENTS; i++) {
		const struct fiemap_extent *e = &fm->fm_extents[i];

		IS(e->fe_logical == i * 8192 && e->fe_length == 4096 && e->fe_physical);
		IS(!!(e->fe_flags & FIEMAP_EXTENT_LAST) == (i == EXTENTS - 1));
		IS(!(e->fe_flags & (FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNWRITTEN)));
		for (unsigned int k = 0; k < i; k++)
			IS(e->fe_physical != fm->fm_extents[k].fe_physical);
	}
	/* some at a time */
	some->fm_start = 0;
	do {
		some->fm_length = ~0ull - some->fm_start;
		DO(ioctl(fd, FS_IOC_FIEMAP, some));
		IS(some->fm_mapped_extents > 0);
		for (unsigned int i = 0; i < some->fm_mapped_extents; i++) {
			IS(some->fm_extents[i].fe_logical == fm->fm_extents[seen].fe_logical);
			IS(some->fm_extents[i].fe_physical == fm->fm_extents[seen].fe_physical);
			seen++;
		}
		some->fm_start = fm->fm_extents[seen - 1].fe_logical + 4096;
	} while (seen < EXTENTS);
	/* a piece, a hole, beyond the end */
	some->fm_start = 8192 * 10;
	some->fm_length = 8192 * 5;
	DO(ioctl(fd, FS_IOC_FIEMAP, some));
	IS(some->fm_mapped_extents == 5 && some->fm_extents[0].fe_logical == 8192 * 10);
	some->fm_start = 4096;
	some->fm_length = 4096;
	DO(ioctl(fd, FS_IOC_FIEMAP, some));
	IS(some->fm_mapped_extents == 0);
	some->fm_start = 8192 * 1000;
	DO(ioctl(fd, FS_IOC_FIEMAP, some));
	IS(some->fm_mapped_extents == 0);
	/* what is refused */
	some->fm_length = 0;
	REFUSED(ioctl(fd, FS_IOC_FIEMAP, some), EINVAL);
	some->fm_length = 4096;
	some->fm_start = ~0ull - 4096;
	REFUSED(ioctl(fd, FS_IOC_FIEMAP, some), EFBIG);
	some->fm_start = 0;
	some->fm_flags = 0x10000000;
	REFUSED(ioctl(fd, FS_IOC_FIEMAP, some), EBADR);
	IS(some->fm_flags == 0x10000000);
	some->fm_flags = 0;
	some->fm_extent_count = ~0u;
	REFUSED(ioctl(fd, FS_IOC_FIEMAP, some), EINVAL);
	REFUSED(ioctl(fd, FS_IOC_FIEMAP, NULL), EFAULT);
	/* into memory that is not there */
	some->fm_extent_count = 100;
	some->fm_length = ~0ull;
	/* allocated, not written */
	if (!fallocate(fd, FALLOC_FL_KEEP_SIZE, EXTENTS * 8192, 65536)) {
		some->fm_start = EXTENTS * 8192;
		some->fm_length = ~0ull - some->fm_start;
		DO(ioctl(fd, FS_IOC_FIEMAP, some));
		IS(some->fm_mapped_extents >= 1 && some->fm_extents[0].fe_flags & FIEMAP_EXTENT_UNWRITTEN);
	}
	DO(fstat(fd, &st));
	IS(st.st_size == (EXTENTS - 1) * 8192 + 4096);
	close(fd);
	fd = DO(open(".", O_RDONLY));
	if (ext4) {
		some->fm_start = 0;
		some->fm_length = ~0ull;
		DO(ioctl(fd, FS_IOC_FIEMAP, some));
		IS(some->fm_mapped_extents >= 1 && some->fm_extents[0].fe_logical == 0);
		some->fm_flags = FIEMAP_FLAG_XATTR;
		DO(ioctl(fd, FS_IOC_FIEMAP, some));
	}
	close(fd);
	free(fm);
	free(some);
	DO(unlink("f"));
}

/* ---- ioctl() ---- */

static void others_ioctl(void)
{
	struct fstrim_range range = { .len = 4096 };
	int fd = DO(open("f", O_RDONLY)), version = 7;
	char label[FSLABEL_MAX] = "theirs";

	DO(ioctl(fd, FS_IOC_GETVERSION, &version));
	REFUSED(ioctl(fd, FS_IOC_SETVERSION, &version), EPERM);
	REFUSED(ioctl(fd, FS_IOC_SETFSLABEL, label), EPERM);
	REFUSED(ioctl(fd, FITRIM, &range), EPERM);
	DO(ioctl(fd, FS_IOC_GETFSLABEL, label));
	close(fd);
}

static void ioctls(void)
{
	struct fstrim_range range = { .len = ~0ull };
	char label[FSLABEL_MAX], label2[FSLABEL_MAX];
	struct {
		struct fsverity_digest d;
		uint8_t room[64];
	} digest = { .d.digest_size = 64 };
	int fd, dfd, version = 0, version2 = 0;
	struct stat a, b;

	make("f", 0644);
	fd = DO(open("f", O_RDWR));
	REFUSED(ioctl(fd, 0x12345678, &version), ENOTTY);
	REFUSED(ioctl(fd, 0x5401 /* TCGETS */, label), ENOTTY);
	REFUSED(ioctl(-1, FS_IOC_GETVERSION, &version), EBADF);
	DO(ioctl(fd, FIGETBSZ, &version));
	IS(version >= 512);
	if (ext4) {
		version = 0;
		DO(ioctl(fd, FS_IOC_GETVERSION, &version));
		IS(version);
		REFUSED(ioctl(fd, FS_IOC_GETVERSION, NULL), EFAULT);
		a = stat_of("f");
		nap();
		version ^= 0x1234;
		/* with checksums of metadata the version is part of them */
		if (ioctl(fd, FS_IOC_SETVERSION, &version))
			IS(errno == ENOTTY);
		else {
			DO(ioctl(fd, FS_IOC_GETVERSION, &version2));
			IS(version2 == version);
			b = stat_of("f");
			IS(later(b.st_ctim, a.st_ctim));
		}
		dfd = DO(open(".", O_RDONLY));
		DO(ioctl(dfd, FS_IOC_GETVERSION, &version));
		memset(label, 'x', sizeof(label));
		DO(ioctl(dfd, FS_IOC_GETFSLABEL, label));
		IS(memchr(label, 0, sizeof(label)));
		memset(label2, 0, sizeof(label2));
		strcpy(label2, "attrx");
		DO(ioctl(dfd, FS_IOC_SETFSLABEL, label2));
		DO(ioctl(fd, FS_IOC_GETFSLABEL, label2));
		IS(!strcmp(label2, "attrx"));
		DO(ioctl(fd, FS_IOC_SETFSLABEL, label));
		memset(label2, 'y', sizeof(label2));
		REFUSED(ioctl(fd, FS_IOC_SETFSLABEL, label2), EINVAL);
		close(dfd);
		if (ioctl(fd, FS_IOC_MEASURE_VERITY, &digest))
			IS(errno == EOPNOTSUPP || errno == ENODATA || errno == ENOTTY);
		if (ioctl(fd, FITRIM, &range))
			IS(errno == EOPNOTSUPP);
		as(1234, 1234, 0, NULL, others_ioctl);
	}
	close(fd);
	DO(unlink("f"));
}

/* ---- statx ---- */

static struct statx statx_of(const char *file)
{
	struct statx st;

	memset(&st, 0x55, sizeof(st));
	DO(statx(AT_FDCWD, file, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_DIOALIGN,
		 &st));
	return st;
}

static void statx_attributes(void)
{
	struct statx st, dir, again;
	struct stat old;
	int fd;

	make("f", 0644);
	DO(symlink("f", "l"));
	st = statx_of("f");
	dir = statx_of(".");
	old = stat_of("f");
	IS((st.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	IS(st.stx_ino == old.st_ino && st.stx_mode == old.st_mode && st.stx_nlink == 1 && st.stx_size == 0);
	IS(st.stx_mask & STATX_MNT_ID && st.stx_mnt_id == dir.stx_mnt_id);
	IS(!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT));
	IS(statx_of("l").stx_ino != st.stx_ino);
	if (ext4) {
		uint64_t mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP | STATX_ATTR_COMPRESSED;

		IS((st.stx_attributes_mask & mask) == mask);
		IS(st.stx_mask & STATX_BTIME && llabs(st.stx_btime.tv_sec - time(NULL)) < 600);
		IS(st.stx_mask & STATX_DIOALIGN && st.stx_dio_offset_align >= 512 && st.stx_dio_mem_align);
	}
	nap();
	fd = DO(open("f", O_WRONLY));
	DO(write(fd, "1234", 4));
	close(fd);
	DO(chmod("f", 0600));
	again = statx_of("f");
	IS(!memcmp(&again.stx_btime, &st.stx_btime, sizeof(st.stx_btime)));
	IS(again.stx_size == 4 && again.stx_mtime.tv_nsec != st.stx_mtime.tv_nsec);
	DO(change_flags("f", FS_NODUMP_FL, 0));
	IS(statx_of("f").stx_attributes & STATX_ATTR_NODUMP);
	DO(change_flags("f", FS_IMMUTABLE_FL, FS_NODUMP_FL));
	again = statx_of("f");
	IS(again.stx_attributes & STATX_ATTR_IMMUTABLE && !(again.stx_attributes & STATX_ATTR_NODUMP));
	DO(change_flags("f", FS_APPEND_FL, FS_IMMUTABLE_FL));
	again = statx_of("f");
	IS(again.stx_attributes & STATX_ATTR_APPEND && !(again.stx_attributes & STATX_ATTR_IMMUTABLE));
	DO(change_flags("f", 0, FS_APPEND_FL));
	IS(!(statx_of("f").stx_attributes & (STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE | STATX_ATTR_NODUMP)));
	DO(unlink("f"));
	DO(unlink("l"));
}

#define ROW(f) { #f, f }
static const struct {
	const char *name;
	void (*run)(void);
} rows[] = {
	ROW(xattr_values), ROW(xattr_sizes), ROW(xattr_many), ROW(xattr_namespaces), ROW(xattr_permissions),
	ROW(xattr_times), ROW(capabilities), ROW(acl_access), ROW(acl_chmod), ROW(acl_default), ROW(acl_large),
	ROW(flag_values), ROW(flag_immutable), ROW(flag_append), ROW(flag_project), ROW(extents), ROW(ioctls),
	ROW(statx_attributes),
};

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "only", required_argument, NULL, 'o' }, { "list", no_argument, NULL, 'l' },
		{ "big", no_argument, NULL, 'b' }, { "has-net-raw", no_argument, NULL, 'c' }, { 0 },
	};
	const char *only = NULL;
	unsigned int failed = 0, run = 0;
	struct statfs fs;
	time_t start;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o': only = optarg; break;
		case 'b': big = true; break;
		case 'c': return !has_cap(CAP_NET_RAW);
		case 'l':
			for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
				puts(rows[i].name);
			return 0;
		default: return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: attrx [--only NAME] [--list] [--big] DIR\n");
		return 2;
	}
	if (geteuid()) {
		fprintf(stderr, "attrx: must be root\n");
		return 2;
	}
	umask(022);
	if (mkdir(argv[optind], 0755) || chdir(argv[optind]) || statfs(".", &fs)) {
		printf("FAIL attrx: %s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	ext4 = fs.f_type == EXT4_MAGIC;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int status;
		pid_t pid;

		if (only && !strstr(rows[i].name, only))
			continue;
		current = rows[i].name;
		start = time(NULL);
		run++;
		fflush(stdout);
		pid = fork();
		if (!pid) {
			DO(mkdir(current, 0755));
			DO(chdir(current));
			rows[i].run();
			DO(chdir(".."));
			DO(rmdir(current));
			exit(0);
		}
		if (waitpid(pid, &status, 0) == pid && !status) {
			fprintf(stderr, "# %s: %ld s\n", current, (long)(time(NULL) - start));
		} else {
			failed++;
			if (WIFSIGNALED(status))
				printf("FAIL attrx: %s: died of signal %d\n", current, WTERMSIG(status));
		}
	}
	if (failed) {
		printf("FAIL attrx: %u of %u checks\n", failed, run);
		return 1;
	}
	if (chdir("..") || rmdir(argv[optind])) {
		printf("FAIL attrx: something is left in %s: %s\n", argv[optind], strerror(errno));
		return 1;
	}
	printf("ok attrx: %u checks\n", run);
	return 0;
}
