/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parity.h: one random sequence of calls, run in two directories in lockstep, each call's outcome as a line of text.
 *
 *	main -> epoch -> actor -> ops_*         a sequence, the processes that run it, the calls
 *	         |        say, look, names       what a call's line holds, and what it was about
 *	         minimise, expect                what is done about lines that differ
 *
 * What the n-th operation of an epoch is depends on the seed, the epoch and n alone (gen.c); its arguments also on
 * what is open.  So any subset of the operations can be run again, which is how a difference is made small.
 */
#ifndef PARITY_H
#define PARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define NR_ACTORS	6u
#define NR_FDS		8u
#define NR_MAPS		3u
#define NR_HANDLES	3u
#define BUF_MAX		(256u << 10)
#define PAGE		4096u
#define LINE		16384u		/* of one operation's text */
#define ALL		0u		/* every actor may */

struct op {
	const char *name;
	unsigned int weight;
	unsigned int actors;		/* a bit for each that may, or ALL */
	void (*run)(void);
};

struct bit {
	uint64_t bit;
	const char *name;
};

extern const struct op ops_data[], ops_space[], ops_copy[], ops_name[], ops_dir[], ops_attr[], ops_xattr[], ops_flag[],
	ops_map[], ops_lock[], ops_watch[], ops_handle[], ops_cred[], ops_audit[];

/* gen.c: operation n of an epoch */
struct step {
	const struct op *op;
	unsigned int actor;
	bool timed;			/* and which of its times the call changes */
	uint64_t seed;			/* of its arguments */
};

void gen_step(uint64_t seed, unsigned int epoch, unsigned int n, struct step *step);
const struct op *gen_op(unsigned int i);	/* NULL behind the last */
unsigned int gen_index(const struct op *op);

/* gen.c: random numbers of the operation that runs */
void rnd_seed(uint64_t seed);
uint64_t rnd(void);
unsigned int pick(unsigned int n);
bool one_in(unsigned int n);
#define ONE_OF(...) (((const long long[]){ __VA_ARGS__ }) \
	[pick(sizeof((const long long[]){ __VA_ARGS__ }) / sizeof(long long))])

/* say.c: the line of the operation that runs */
extern char said[LINE];
void say_begin(void);
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);
void say_name(const char *name, size_t len);
void say_bits(const char *what, uint64_t value, const struct bit *bits);
long say_result(long r);		/* r of a system call, or why not; returns it */
void say_time(long long sec, long nsec);
void say_stat(const struct stat *st);
void say_xflags(uint32_t xflags);
uint64_t hash(const void *data, size_t len);

/* look.c: what the operation is about, looked at again when it is done */
void look_begin(bool timed);
void look_fd(int fd);
void look_at(const char *path);		/* the thing, a link itself, and its directory */
void look_end(void);

/* names.c */
const char *some_file(void), *some_dir(void), *some_link(void), *some_path(void), *likely_path(void);

/* actor.c: the process that runs operations of one user in one directory */
struct mapping {
	uint8_t *at;
	size_t len;
	off_t off;
	int fd;				/* a duplicate, for the size */
	bool shared;
};

struct me {
	unsigned int nr;
	int top;			/* the directory, which is also the working one */
	bool bcachefs, large_folios;	/* what depends on time or memory there: see where this is asked */
	int fds[NR_FDS];
	struct mapping maps[NR_MAPS];
	int inotify;
	pid_t pids[NR_ACTORS];
};

extern struct me me;
extern uint8_t *buf;			/* BUF_MAX, on a page's boundary */

int some_fd(int *fd);			/* a slot that is open (one is opened if none is), and its descriptor */
bool got_fd(int fd);			/* says how the call that gives it ended; keeps it in some slot */
void fill(size_t len);
size_t some_len(void);
bool unwritten(int fd);			/* ops_space.c */
long long some_off(void);

struct actor {
	pid_t pid;
	int sock;
};

bool actors_start(struct actor *actors, const char *dir);
void actors_stop(struct actor *actors);
bool actor_send(const struct actor *actor, const struct step *step);
/* One line of the operation's; *more says that there is another.  NULL: it died or hangs. */
const char *actor_line(const struct actor *actor, bool *more, char *line);

/* audit.c */
void audit_lines(void (*line)(const char *text));
bool audit_print(const char *dir);
bool wipe(const char *dir);		/* what is in it, and it */

/* expect.c: differences that are as they should be.  NULL, or why */
const char *expected(const char *fs, const char *op, const char *native, const char *pair);

/* epoch.c */
struct difference {
	unsigned int n;			/* the operation */
	struct step step;
	char native[LINE], pair[LINE];
};

struct run {
	uint64_t seed;
	const char *dirs[2];		/* the second may be NULL: print the trace of the first */
	const char *fs;
	unsigned int length;		/* operations in an epoch */
	bool drop_caches, trace;
	bool ticks;			/* the clock is to go on between two operations: see main.c */
	unsigned long done, differences, excused;
	unsigned long count[256], bad[256], excuses[256];	/* by operation */
	const char *why[256];
};

/* The operations below length whose byte in mask is not zero (NULL: all).  1: a difference, 0: none, -1: it failed */
int epoch_run(struct run *run, unsigned int epoch, const uint8_t *mask, struct difference *diff, bool keep);
void minimise(struct run *run, unsigned int epoch, const struct difference *diff, unsigned int seconds);

#endif
