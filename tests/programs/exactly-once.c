// SPDX-License-Identifier: GPL-2.0-only
/*
 * exactly-once.c: calls that must not run twice, at full rate, with a journal of what each of them returned.
 *
 *	exactly-once run DIR JOURNAL SECONDS WRITERS	ends early when JOURNAL.stop exists
 *	exactly-once check DIR JOURNAL			does the file system hold what the calls said?
 *
 * DIR is on the file system that is tried, JOURNAL is not, but in memory that lives as long as the programs do.
 * Each writer has a directory of its own, wN, in which no name is ever used twice, so that every call has one right
 * answer: a mkdir that was done twice says EEXIST, an unlink that was, ENOENT, and one that was never done leaves the
 * directory other than the journal says.  Appended records are counted and must be there once each and in order.
 * All writers add to one counter under one lock.
 *
 * The journal of writer N, JOURNAL.N, is an array of struct entry, written after each call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define MAX_WRITERS	64
#define KEEP		8	/* of so many names one is kept */
#define RECORD		32	/* octets */

enum op {
	OP_MKDIR,		/* d */
	OP_RMDIR,		/* d, but every KEEPth */
	OP_EXCL,		/* x */
	OP_LINK,		/* x -> l */
	OP_RENAME,		/* l -> r */
	OP_UNLINK,		/* r, but every KEEPth */
	OP_UNLINK_X,		/* x, but every KEEPth */
	OP_SYMLINK,		/* s */
	OP_UNLINK_S,		/* s, but every KEEPth */
	OP_APPEND,		/* a record to log */
	OP_SETXATTR,		/* of log, XATTR_CREATE */
	OP_REMOVEXATTR,
	OP_COUNT,		/* the counter is n more */
	NR_OPS
};

static const char *const op_names[NR_OPS] = {
	"mkdir", "rmdir", "open(O_EXCL)", "link", "rename", "unlink", "unlink", "symlink", "unlink", "append",
	"setxattr", "removexattr", "count",
};

struct entry {
	uint32_t n;		/* round */
	uint16_t op;
	uint16_t err;		/* 0: it succeeded */
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void path_of(char *buf, size_t size, const char *dir, const char *kind, uint32_t n)
{
	snprintf(buf, size, "%s/%s%" PRIu32, dir, kind, n);
}

static void record_of(char buf[RECORD + 1], unsigned int writer, uint32_t n)
{
	snprintf(buf, RECORD + 1, "%15u %14" PRIu32 "\n", writer, n);
}

/* ---- A writer ---- */

struct writer {
	unsigned int nr;
	char dir[200];
	int journal;
	int log, counter;
	unsigned long calls, errors;
	bool no_xattr;
};

/* Note what a call returned; an error is one that the call must not have. */
static void note(struct writer *w, enum op op, uint32_t n, bool ok)
{
	struct entry e = { .n = n, .op = op, .err = ok ? 0 : errno };

	if (write(w->journal, &e, sizeof(e)) != sizeof(e))
		die("journal");
	w->calls++;
	if (ok)
		return;
	w->errors++;
	if (w->errors <= 10)
		fprintf(stderr, "writer %u: %s in round %" PRIu32 ": %s\n", w->nr, op_names[op], n, strerror(e.err));
}

static bool append(struct writer *w, uint32_t n)
{
	char record[RECORD + 1];
	ssize_t done;

	record_of(record, w->nr, n);
	done = write(w->log, record, RECORD);
	if (done >= 0 && done != RECORD)
		errno = EIO;
	return done == RECORD;
}

static bool count(struct writer *w)
{
	uint64_t value = 0;
	bool ok = false;
	int err;

	if (flock(w->counter, LOCK_EX))
		return false;
	if (pread(w->counter, &value, sizeof(value), 0) >= 0) {
		value++;
		ok = pwrite(w->counter, &value, sizeof(value), 0) == sizeof(value);
	}
	err = errno;
	flock(w->counter, LOCK_UN);
	errno = err;
	return ok;
}

static void round_of(struct writer *w, uint32_t n)
{
	char a[256], b[256];
	bool keep = n % KEEP == 0;
	int fd;

	path_of(a, sizeof(a), w->dir, "d", n);
	note(w, OP_MKDIR, n, !mkdir(a, 0755));
	if (!keep)
		note(w, OP_RMDIR, n, !rmdir(a));

	path_of(a, sizeof(a), w->dir, "x", n);
	fd = open(a, O_CREAT | O_EXCL | O_WRONLY, 0644);
	note(w, OP_EXCL, n, fd >= 0);
	if (fd >= 0)
		close(fd);
	path_of(b, sizeof(b), w->dir, "l", n);
	note(w, OP_LINK, n, !link(a, b));
	path_of(a, sizeof(a), w->dir, "r", n);
	note(w, OP_RENAME, n, !rename(b, a));
	if (!keep) {
		note(w, OP_UNLINK, n, !unlink(a));
		path_of(a, sizeof(a), w->dir, "x", n);
		note(w, OP_UNLINK_X, n, !unlink(a));
	}

	path_of(a, sizeof(a), w->dir, "s", n);
	note(w, OP_SYMLINK, n, !symlink("nowhere", a));
	if (!keep)
		note(w, OP_UNLINK_S, n, !unlink(a));

	note(w, OP_APPEND, n, append(w, n));
	if (!w->no_xattr) {
		char name[32];

		snprintf(name, sizeof(name), "user.n%" PRIu32, n);
		note(w, OP_SETXATTR, n, !fsetxattr(w->log, name, "1", 1, XATTR_CREATE));
		note(w, OP_REMOVEXATTR, n, !fremovexattr(w->log, name));
	}
	note(w, OP_COUNT, n, count(w));
}

static int write_for(const char *dir, const char *journal, unsigned int nr, double seconds)
{
	struct writer w = { .nr = nr };
	struct timespec now;
	char path[256];
	double end;
	uint32_t n = 0;

	snprintf(w.dir, sizeof(w.dir), "%s/w%u", dir, nr);
	snprintf(path, sizeof(path), "%s.%u", journal, nr);
	w.journal = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
	if (w.journal < 0)
		die(path);
	if (mkdir(w.dir, 0755))
		die(w.dir);
	snprintf(path, sizeof(path), "%s/log", w.dir);
	w.log = open(path, O_CREAT | O_EXCL | O_WRONLY | O_APPEND, 0644);
	if (w.log < 0)
		die(path);
	snprintf(path, sizeof(path), "%s/counter", dir);
	w.counter = open(path, O_CREAT | O_RDWR, 0644);
	if (w.counter < 0)
		die(path);
	if (fsetxattr(w.log, "user.try", "1", 1, 0))
		w.no_xattr = errno == EOPNOTSUPP;

	snprintf(path, sizeof(path), "%s.stop", journal);
	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + now.tv_nsec / 1e9 + seconds;
	do {
		round_of(&w, n++);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec + now.tv_nsec / 1e9 < end && access(path, F_OK));
	printf("writer %u: %" PRIu32 " rounds, %lu calls, %lu errors\n", nr, n, w.calls, w.errors);
	fflush(stdout);
	return w.errors != 0;
}

static int run(const char *dir, const char *journal, double seconds, unsigned int writers)
{
	unsigned int i;
	int status, bad = 0;

	for (i = 0; i < writers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			_exit(write_for(dir, journal, i, seconds));
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}

/* ---- The check ---- */

static unsigned long nr_wrong;

static void wrong(const char *dir, const char *kind, uint32_t n, const char *what)
{
	if (++nr_wrong <= 20)
		printf("%s/%s%" PRIu32 ": %s\n", dir, kind, n, what);
}

/* What the journal says of the names of one kind: one bit for each round. */
struct names {
	const char *kind;
	uint8_t *there;
	uint32_t nr;
};

enum { D, X, L, R, S, NR_KINDS };

static void set(struct names *v, uint32_t n, bool there)
{
	if (n >= v->nr) {
		uint32_t nr = (n + 1024) * 2;

		v->there = realloc(v->there, nr);
		if (!v->there)
			die("memory");
		memset(v->there + v->nr, 0, nr - v->nr);
		v->nr = nr;
	}
	v->there[n] = there;
}

static void check_names(const char *dir, struct names names[NR_KINDS])
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned int i;
	uint32_t n;

	if (!d)
		die(dir);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "log"))
			continue;
		for (i = 0; i < NR_KINDS; i++)
			if (e->d_name[0] == names[i].kind[0])
				break;
		n = strtoul(e->d_name + 1, NULL, 10);
		if (i == NR_KINDS || n >= names[i].nr || !names[i].there[n])
			wrong(dir, names[i % NR_KINDS].kind, n, "is there, though it was never made, or taken away");
		else
			names[i].there[n] = 2;
	}
	closedir(d);
	for (i = 0; i < NR_KINDS; i++)
		for (n = 0; n < names[i].nr; n++)
			if (names[i].there[n] == 1)
				wrong(dir, names[i].kind, n, "was made, and is not there");
}

/* The log must hold the records of these rounds, in this order, and nothing else. */
static void check_log(const char *dir, unsigned int writer, const uint32_t *rounds, uint32_t nr)
{
	char path[256], want[RECORD + 1], got[RECORD];
	uint32_t i;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "r");
	if (!f)
		die(path);
	for (i = 0;; i++) {
		len = fread(got, 1, RECORD, f);
		if (!len)
			break;
		record_of(want, writer, i < nr ? rounds[i] : 0);
		if (len != RECORD || i >= nr || memcmp(want, got, RECORD)) {
			wrong(dir, "log record ", i, i >= nr ? "is one too many" : "is another than was appended");
			break;
		}
	}
	if (i < nr)
		wrong(dir, "log record ", i, "is missing");
	fclose(f);
}

/* One writer's journal against what there is.  Says how many calls; adds to the counter's value. */
static unsigned long check_writer(const char *dir, const char *journal, unsigned int nr, uint64_t *sum)
{
	struct names names[NR_KINDS] = { { "d", NULL, 0 }, { "x", NULL, 0 }, { "l", NULL, 0 }, { "r", NULL, 0 },
					 { "s", NULL, 0 } };
	uint32_t *rounds = NULL, nr_rounds = 0;
	unsigned long calls = 0;
	char path[256], own[200];
	struct entry e;
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), "%s.%u", journal, nr);
	f = fopen(path, "r");
	if (!f)
		return 0;
	snprintf(own, sizeof(own), "%s/w%u", dir, nr);
	while (fread(&e, sizeof(e), 1, f) == 1) {
		calls++;
		if (e.op >= NR_OPS || e.err) {
			wrong(own, e.op < NR_OPS ? op_names[e.op] : "?", e.n, strerror(e.err));
			continue;
		}
		switch (e.op) {
		case OP_MKDIR:
		case OP_RMDIR:
			set(&names[D], e.n, e.op == OP_MKDIR);
			break;
		case OP_EXCL:
		case OP_UNLINK_X:
			set(&names[X], e.n, e.op == OP_EXCL);
			break;
		case OP_LINK:
			set(&names[L], e.n, true);
			break;
		case OP_RENAME:
			set(&names[L], e.n, false);
			set(&names[R], e.n, true);
			break;
		case OP_UNLINK:
			set(&names[R], e.n, false);
			break;
		case OP_SYMLINK:
		case OP_UNLINK_S:
			set(&names[S], e.n, e.op == OP_SYMLINK);
			break;
		case OP_APPEND:
			rounds = realloc(rounds, (nr_rounds + 1) * sizeof(*rounds));
			if (!rounds)
				die("memory");
			rounds[nr_rounds++] = e.n;
			break;
		case OP_COUNT:
			++*sum;
			break;
		}
	}
	fclose(f);
	check_names(own, names);
	check_log(own, nr, rounds, nr_rounds);
	for (i = 0; i < NR_KINDS; i++)
		free(names[i].there);
	free(rounds);
	return calls;
}

static int check(const char *dir, const char *journal)
{
	unsigned long calls = 0, of_one;
	uint64_t sum = 0, value = 0;
	unsigned int i;
	char path[256];
	int fd;

	for (i = 0; i < MAX_WRITERS; i++) {
		of_one = check_writer(dir, journal, i, &sum);
		if (!of_one)
			break;
		calls += of_one;
	}
	snprintf(path, sizeof(path), "%s/counter", dir);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, &value, sizeof(value)) != sizeof(value))
		die(path);
	if (value != sum) {
		nr_wrong++;
		printf("the counter is %" PRIu64 ", and %" PRIu64 " calls have counted\n", value, sum);
	}
	if (!calls) {
		printf("no journal\n");
		return 1;
	}
	printf("%lu calls of %u writers, %lu differences\n", calls, i, nr_wrong);
	return nr_wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "run")) {
		unsigned int writers = atoi(argv[5]);

		if (writers >= 1 && writers <= MAX_WRITERS)
			return run(argv[2], argv[3], atof(argv[4]), writers);
	} else if (argc == 4 && !strcmp(argv[1], "check")) {
		return check(argv[2], argv[3]);
	}
	fprintf(stderr, "usage: exactly-once run DIR JOURNAL SECONDS WRITERS\n       exactly-once check DIR JOURNAL\n");
	return 2;
}
