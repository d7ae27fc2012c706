// SPDX-License-Identifier: GPL-2.0-only
/*
 * dirx.c: random operations on names, each checked against a model in memory: create, mkdir, symlink, link,
 * rename, unlink, rmdir, stat, readlink, readdir with telldir and seekdir.
 *
 *	dirx [--ops N] [--seed S] [--verbose] DIR		DIR is made and removed
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENTRIES 400
#define MAX_INODES 400
#define MAX_DEPTH 6
#define LOG 200

enum type { NONE, FILE_T, DIR_T, LINK_T };

/* An inode of the model; 0 is the top directory. */
static struct inode {
	enum type type;
	unsigned int nlink;             /* of files and symlinks */
	int parent;                     /* of directories */
	unsigned int mode;
	char target[64];                /* of symlinks */
	uint64_t tag;                   /* what the file contains */
	ino_t ino;
} inodes[MAX_INODES];

static struct entry {
	bool used;
	int dir, inode;
	char name[256];
} entries[MAX_ENTRIES];

static uint64_t state, seed = 1;
static unsigned long nr_ops = 20000, op;
static bool verbose;
static const char *top;
static char history[LOG][700];
static char path_a[9000], path_b[9000];

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull;
}

static void say(const char *fmt, ...)
{
	char *line = history[op % LOG];
	int n = snprintf(line, sizeof(history[0]), "%lu ", op);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(history[0]) - n, fmt, ap);
	va_end(ap);
	if (verbose)
		fprintf(stderr, "%s\n", line);
}

static void fail(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		for (unsigned long i = op > LOG ? op - LOG + 1 : 0; i <= op; i++)
			if (history[i % LOG][0])
				fprintf(stderr, "%s\n", history[i % LOG]);
	printf("FAIL dirx: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (operation %lu of --seed %llu)\n", op, (unsigned long long)seed);
	exit(1);
}

/* ---- The model ---- */

static int find(int dir, const char *name)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
		if (entries[i].used && entries[i].dir == dir && !strcmp(entries[i].name, name))
			return i;
	return -1;
}

static bool is_empty(int dir)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
		if (entries[i].used && entries[i].dir == dir)
			return false;
	return true;
}

static int depth(int dir)
{
	int n = 0;

	for (; dir; dir = inodes[dir].parent)
		n++;
	return n;
}

/* Is a the same directory as b, or above it? */
static bool above(int a, int b)
{
	for (;; b = inodes[b].parent) {
		if (a == b)
			return true;
		if (!b)
			return false;
	}
}

static int height(int dir)
{
	int best = 0;

	for (int i = 0; i < MAX_ENTRIES; i++)
		if (entries[i].used && entries[i].dir == dir && inodes[entries[i].inode].type == DIR_T) {
			int h = 1 + height(entries[i].inode);

			best = h > best ? h : best;
		}
	return best;
}

static int new_inode(enum type type)
{
	for (int i = 1; i < MAX_INODES; i++)
		if (inodes[i].type == NONE) {
			inodes[i] = (struct inode){ .type = type, .nlink = 1 };
			return i;
		}
	return -1;
}

static int new_entry(int dir, const char *name, int inode)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
		if (!entries[i].used) {
			entries[i].used = true;
			entries[i].dir = dir;
			entries[i].inode = inode;
			strcpy(entries[i].name, name);
			return i;
		}
	return -1;
}

static bool full(void)
{
	int n = 0, m = 0;

	for (int i = 0; i < MAX_ENTRIES; i++)
		n += entries[i].used;
	for (int i = 0; i < MAX_INODES; i++)
		m += inodes[i].type != NONE;
	return n > MAX_ENTRIES - 4 || m > MAX_INODES - 4;
}

static void drop(int inode)
{
	if (inodes[inode].type == DIR_T || !--inodes[inode].nlink)
		inodes[inode].type = NONE;
}

/* The path of a directory. */
static void dir_path(int dir, char *to)
{
	int up[MAX_DEPTH + 4], n = 0;

	strcpy(to, top);
	for (; dir; dir = inodes[dir].parent)
		up[n++] = dir;
	while (n--)
		for (int i = 0; i < MAX_ENTRIES; i++)
			if (entries[i].used && entries[i].inode == up[n]) {
				strcat(to, "/");
				strcat(to, entries[i].name);
			}
}

static const char *path(char *buf, int dir, const char *name)
{
	dir_path(dir, buf);
	strcat(buf, "/");
	strcat(buf, name);
	return buf;
}

static int some_dir(void)
{
	int n = 0, pick = 0;

	for (int i = 0; i < MAX_INODES; i++)
		if (inodes[i].type == DIR_T && rnd() % ++n == 0)
			pick = i;
	return pick;
}

static int some_entry(void)
{
	int n = 0, pick = -1;

	for (int i = 0; i < MAX_ENTRIES; i++)
		if (entries[i].used && rnd() % ++n == 0)
			pick = i;
	return pick;
}

/* One of not many names, so that they meet: short, long, and with any octet. */
static void some_name(char *to)
{
	unsigned int n = rnd() % 60;

	if (n < 40) {
		sprintf(to, "n%u", n);
	} else if (n < 50) {
		memset(to, 'a' + n % 26, 255);
		to[255] = 0;
	} else {
		unsigned int len = 1 + n % 7;

		for (unsigned int i = 0; i < len; i++) {
			unsigned char c = n * 37 + i * 91;

			to[i] = c == 0 || c == '/' || c == '.' ? '_' : c;
		}
		to[len] = 0;
	}
}

static void check(int r, int want, const char *what)
{
	int got = r < 0 ? errno : 0;

	if (got != want)
		fail("%s: %s, expected %s", what, got ? strerror(got) : "done", want ? strerror(want) : "done");
}

/* ---- Operations ---- */

static void check_inode(int i, const char *p)
{
	static const mode_t fmt[] = { 0, S_IFREG, S_IFDIR, S_IFLNK };
	struct inode *in = &inodes[i];
	struct stat st;

	if (lstat(p, &st))
		fail("lstat %s: %s", p, strerror(errno));
	if ((st.st_mode & S_IFMT) != fmt[in->type])
		fail("%s has the mode %o", p, st.st_mode);
	if (in->type != DIR_T && st.st_nlink != in->nlink)
		fail("%s has %lu links, not %u", p, (unsigned long)st.st_nlink, in->nlink);
	if (in->type == FILE_T && st.st_size != (off_t)sizeof(in->tag))
		fail("%s has the size %lld", p, (long long)st.st_size);
	if (in->type == FILE_T && (st.st_mode & 07777) != in->mode)
		fail("%s has the mode %o, not %o", p, st.st_mode & 07777, in->mode);
	if (in->type == LINK_T && st.st_size != (off_t)strlen(in->target))
		fail("%s has the size %lld", p, (long long)st.st_size);
	if (in->ino && in->ino != st.st_ino)
		fail("%s has become another inode", p);
	in->ino = st.st_ino;
}

static void do_create(void)
{
	char name[256];
	int dir = some_dir(), fd, i, want;
	bool excl = rnd() % 2;

	some_name(name);
	i = find(dir, name);
	want = i < 0 ? 0 : excl ? EEXIST : inodes[entries[i].inode].type == DIR_T ? EISDIR : 0;
	if (i >= 0 && !excl && inodes[entries[i].inode].type == LINK_T)
		return;
	say("create %s%s", path(path_a, dir, name), excl ? " excl" : "");
	if (want == 0 && full())
		return;
	fd = open(path_a, O_RDWR | O_CREAT | (excl ? O_EXCL : 0), 0640);
	check(fd, want, "create");
	if (fd < 0)
		return;
	if (i < 0) {
		int n = new_inode(FILE_T);

		inodes[n].tag = rnd();
		inodes[n].mode = 0640;
		new_entry(dir, name, n);
		if (write(fd, &inodes[n].tag, 8) != 8)
			fail("write: %s", strerror(errno));
	} else {
		uint64_t tag;

		if (read(fd, &tag, 8) != 8 || tag != inodes[entries[i].inode].tag)
			fail("%s is another file", path_a);
	}
	close(fd);
}

static void do_mkdir(void)
{
	char name[256];
	int dir = some_dir(), i;

	some_name(name);
	i = find(dir, name);
	say("mkdir %s", path(path_a, dir, name));
	if (i < 0 && (full() || depth(dir) >= MAX_DEPTH))
		return;
	check(mkdir(path_a, 0755), i < 0 ? 0 : EEXIST, "mkdir");
	if (i < 0) {
		int n = new_inode(DIR_T);

		inodes[n].parent = dir;
		new_entry(dir, name, n);
	}
}

static void do_symlink(void)
{
	char name[256], target[64];
	int dir = some_dir(), i;

	some_name(name);
	i = find(dir, name);
	snprintf(target, sizeof(target), "no/such/%.*llu", 1 + (int)(rnd() % 40), (unsigned long long)rnd());
	say("symlink %s", path(path_a, dir, name));
	if (i < 0 && full())
		return;
	check(symlink(target, path_a), i < 0 ? 0 : EEXIST, "symlink");
	if (i < 0) {
		int n = new_inode(LINK_T);

		strcpy(inodes[n].target, target);
		new_entry(dir, name, n);
	}
}

static void do_link(void)
{
	char name[256];
	int dir = some_dir(), from = some_entry(), i, want;

	if (from < 0)
		return;
	some_name(name);
	i = find(dir, name);
	want = i >= 0 ? EEXIST : inodes[entries[from].inode].type == DIR_T ? EPERM : 0;
	path(path_b, entries[from].dir, entries[from].name);
	say("link %s to %s", path_b, path(path_a, dir, name));
	if (!want && full())
		return;
	check(link(path_b, path_a), want, "link");
	if (!want) {
		inodes[entries[from].inode].nlink++;
		new_entry(dir, name, entries[from].inode);
	}
}

static void do_unlink(void)
{
	int e = some_entry(), i, want;
	bool as_dir = rnd() % 4 == 0;

	if (e < 0)
		return;
	i = entries[e].inode;
	path(path_a, entries[e].dir, entries[e].name);
	say("%s %s", as_dir ? "rmdir" : "unlink", path_a);
	if (as_dir) {
		want = inodes[i].type != DIR_T ? ENOTDIR : is_empty(i) ? 0 : ENOTEMPTY;
		check(rmdir(path_a), want, "rmdir");
	} else {
		want = inodes[i].type == DIR_T ? EISDIR : 0;
		check(unlink(path_a), want, "unlink");
	}
	if (!want) {
		drop(i);
		entries[e].used = false;
		if (lstat(path_a, &(struct stat){ 0 }) == 0 || errno != ENOENT)
			fail("%s is still there", path_a);
	}
}

static void do_rename(void)
{
	char name[256];
	int e = some_entry(), dir = some_dir(), t, i, ti, want = 0;
	bool noreplace = rnd() % 8 == 0, exchange = !noreplace && rnd() % 8 == 0;

	if (e < 0)
		return;
	some_name(name);
	t = find(dir, name);
	i = entries[e].inode;
	ti = t < 0 ? -1 : entries[t].inode;
	path(path_a, entries[e].dir, entries[e].name);
	path(path_b, dir, name);
	say("rename %s to %s%s", path_a, path_b, noreplace ? " noreplace" : exchange ? " exchange" : "");
	/* too deep for the model? */
	if (inodes[i].type == DIR_T && !above(i, dir) && depth(dir) + 1 + height(i) > MAX_DEPTH)
		return;
	if (exchange && ti >= 0 && inodes[ti].type == DIR_T && depth(entries[e].dir) + 1 + height(ti) > MAX_DEPTH)
		return;
	if (noreplace && t >= 0)
		want = EEXIST;
	else if (exchange && t < 0)
		want = ENOENT;
	else if (inodes[i].type == DIR_T && above(i, dir))
		want = EINVAL;
	else if (ti >= 0 && inodes[ti].type == DIR_T && above(ti, entries[e].dir))
		want = exchange ? EINVAL : ENOTEMPTY;
	else if (ti >= 0 && ti != i && !exchange) {
		if (inodes[i].type == DIR_T)
			want = inodes[ti].type != DIR_T ? ENOTDIR : is_empty(ti) ? 0 : ENOTEMPTY;
		else if (inodes[ti].type == DIR_T)
			want = EISDIR;
	}
	if (noreplace || exchange) {
		int r = renameat2(AT_FDCWD, path_a, AT_FDCWD, path_b, noreplace ? RENAME_NOREPLACE : RENAME_EXCHANGE);

		if (r < 0 && errno == EINVAL && want == 0)
			return;         /* this file system has no such flags */
		check(r, want, "renameat2");
	} else {
		check(rename(path_a, path_b), want, "rename");
	}
	if (want || ti == i)
		return;
	if (exchange) {
		entries[e].inode = ti;
		entries[t].inode = i;
		if (inodes[i].type == DIR_T)
			inodes[i].parent = dir;
		if (inodes[ti].type == DIR_T)
			inodes[ti].parent = entries[e].dir;
		return;
	}
	if (t >= 0) {
		drop(ti);
		entries[t].used = false;
	}
	entries[e].dir = dir;
	strcpy(entries[e].name, name);
	if (inodes[i].type == DIR_T)
		inodes[i].parent = dir;
}

static void do_stat(void)
{
	int e = some_entry();
	char name[256];
	int dir = some_dir();

	if (e >= 0) {
		path(path_a, entries[e].dir, entries[e].name);
		say("stat %s", path_a);
		check_inode(entries[e].inode, path_a);
	}
	some_name(name);
	if (find(dir, name) < 0) {
		path(path_a, dir, name);
		if (!lstat(path_a, &(struct stat){ 0 }) || errno != ENOENT)
			fail("%s should not be there", path_a);
	}
}

static void do_content(void)
{
	int e = some_entry(), fd;
	char target[64];
	uint64_t tag;
	ssize_t n;

	if (e < 0)
		return;
	path(path_a, entries[e].dir, entries[e].name);
	say("content of %s", path_a);
	switch (inodes[entries[e].inode].type) {
	case FILE_T:
		fd = open(path_a, O_RDONLY | O_NOFOLLOW);
		if (fd < 0 || read(fd, &tag, 8) != 8)
			fail("%s cannot be read: %s", path_a, strerror(errno));
		close(fd);
		if (tag != inodes[entries[e].inode].tag)
			fail("%s is another file", path_a);
		break;
	case LINK_T:
		n = readlink(path_a, target, sizeof(target));
		if (n < 0 || (size_t)n != strlen(inodes[entries[e].inode].target) ||
		    memcmp(target, inodes[entries[e].inode].target, n))
			fail("%s has another target (%zd)", path_a, n);
		break;
	default:
		break;
	}
}

static void do_chmod(void)
{
	int e = some_entry();

	if (e < 0 || inodes[entries[e].inode].type != FILE_T)
		return;
	path(path_a, entries[e].dir, entries[e].name);
	say("chmod %s", path_a);
	inodes[entries[e].inode].mode = 0600 | (rnd() & 077);
	check(chmod(path_a, inodes[entries[e].inode].mode), 0, "chmod");
	check_inode(entries[e].inode, path_a);
}

static void do_list(void)
{
	static const unsigned char fmt[] = { 0, DT_REG, DT_DIR, DT_LNK };
	bool seen[MAX_ENTRIES] = { false };
	long where[MAX_ENTRIES + 3];
	char what[MAX_ENTRIES + 3][256];
	int dir = some_dir(), n = 0, dots = 0;
	struct dirent *d;
	DIR *h;

	dir_path(dir, path_a);
	say("list %s", path_a);
	h = opendir(path_a);
	if (!h)
		fail("opendir %s: %s", path_a, strerror(errno));
	for (;;) {
		long at = telldir(h);
		int e;

		errno = 0;
		d = readdir(h);
		if (!d)
			break;
		if (n >= MAX_ENTRIES + 2)
			fail("%s has no end", path_a);
		where[n] = at;
		strcpy(what[n++], d->d_name);
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..")) {
			dots++;
			continue;
		}
		e = find(dir, d->d_name);
		if (e < 0)
			fail("%s lists %s, which is not there", path_a, d->d_name);
		if (seen[e])
			fail("%s lists %s twice", path_a, d->d_name);
		seen[e] = true;
		if (d->d_type != DT_UNKNOWN && d->d_type != fmt[inodes[entries[e].inode].type])
			fail("%s in %s has the type %d", d->d_name, path_a, d->d_type);
		if (inodes[entries[e].inode].ino && d->d_ino != inodes[entries[e].inode].ino)
			fail("%s in %s has another inode number", d->d_name, path_a);
	}
	if (errno)
		fail("readdir %s: %s", path_a, strerror(errno));
	for (int i = 0; i < MAX_ENTRIES; i++)
		if (entries[i].used && entries[i].dir == dir && !seen[i])
			fail("%s does not list %s", path_a, entries[i].name);
	if (dots != 2)
		fail("%s has %d of . and ..", path_a, dots);
	for (int i = 0; i < 5; i++) {
		int k = rnd() % n;

		seekdir(h, where[k]);
		d = readdir(h);
		if (!d || strcmp(d->d_name, what[k]))
			fail("%s: seekdir to %s gives %s", path_a, what[k], d ? d->d_name : "the end");
	}
	rewinddir(h);
	d = readdir(h);
	if (!d || strcmp(d->d_name, what[0]))
		fail("%s: rewinddir gives %s", path_a, d ? d->d_name : "the end");
	closedir(h);
}

static void verify(int dir)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
		if (entries[i].used && entries[i].dir == dir) {
			path(path_a, dir, entries[i].name);
			check_inode(entries[i].inode, path_a);
			if (inodes[entries[i].inode].type == DIR_T)
				verify(entries[i].inode);
		}
}

static void remove_all(int dir)
{
	for (int i = 0; i < MAX_ENTRIES; i++)
		if (entries[i].used && entries[i].dir == dir) {
			int in = entries[i].inode;

			if (inodes[in].type == DIR_T) {
				remove_all(in);
				path(path_a, dir, entries[i].name);
				check(rmdir(path_a), 0, "rmdir at the end");
			} else {
				path(path_a, dir, entries[i].name);
				check(unlink(path_a), 0, "unlink at the end");
			}
			entries[i].used = false;
		}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ops", required_argument, NULL, 'o' }, { "seed", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },   { 0 },
	};
	time_t start = time(NULL);
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o': nr_ops = strtoul(optarg, NULL, 0); break;
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'v': verbose = true; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: dirx [--ops N] [--seed S] [--verbose] DIR\n");
		return 2;
	}
	umask(0);
	top = argv[optind];
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	if (mkdir(top, 0755)) {
		printf("FAIL dirx: cannot make %s: %s\n", top, strerror(errno));
		return 1;
	}
	inodes[0].type = DIR_T;
	for (op = 1; op <= nr_ops; op++) {
		switch (rnd() % 24) {
		case 0 ... 3: do_create(); break;
		case 4: case 5: do_mkdir(); break;
		case 6: do_symlink(); break;
		case 7: do_link(); break;
		case 8 ... 11: do_unlink(); break;
		case 12 ... 16: do_rename(); break;
		case 17 ... 19: do_stat(); break;
		case 20: case 21: do_content(); break;
		case 22: do_chmod(); break;
		default: do_list(); break;
		}
		if (op % 2000 == 0)
			verify(0);
	}
	op = nr_ops;
	verify(0);
	remove_all(0);
	check(rmdir(top), 0, "rmdir of the top");
	printf("ok dirx: %lu operations, seed %llu, %ld s\n", nr_ops, (unsigned long long)seed,
	       (long)(time(NULL) - start));
	return 0;
}
