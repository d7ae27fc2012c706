/* SPDX-License-Identifier: GPL-2.0 */
/*
 * signal.h: how one end of a queue waits for the other.  Both modules build
 * signal.c; it knows a word of shared memory, and neither ring nor operation.
 *
 *	event	block at once; the other end sends an event
 *	poll	watch the word for a while, then block
 *	mwait	the same in the hypervisor (SCHEDOP_mwait), where it can
 *	auto	mwait or poll for as long as that has been worth it, maybe not at all
 *
 * While an end watches it asks for no event.  No way lets an end watch for ever:
 * an idle queue waits for an event in all of them.
 */
#ifndef FSVA_SIGNAL_H
#define FSVA_SIGNAL_H

#include <linux/types.h>

struct seq_file;

enum fsva_signal_mode {
	FSVA_SIGNAL_AUTO,
	FSVA_SIGNAL_EVENT,
	FSVA_SIGNAL_POLL,
	FSVA_SIGNAL_MWAIT,
	FSVA_SIGNAL_NR,
};

/* How a watch ended. */
enum fsva_watch_end {
	FSVA_WATCH_POLLED,	/* the word changed: seen by us, */
	FSVA_WATCH_WOKEN,	/* or by the hypervisor */
	FSVA_WATCH_MISSED,	/* not within the window */
	FSVA_WATCH_BUSY,	/* another vCPU waits for this pCPU */
	FSVA_WATCH_YIELDED,	/* another task wants this CPU */
	FSVA_WATCH_NR,
};

#define FSVA_SIGNAL_BUCKETS	20	/* of 2^n microseconds, the last and above */

/* Of a queue, under its lock; mode may be changed at any time. */
struct fsva_signal {
	enum fsva_signal_mode mode;
	u32 window_ns;			/* auto: how long to watch */
	u32 hit_ns;			/* auto: how long it took when it was worth it */
	unsigned int backoff;		/* auto: waits to block after a miss */
	unsigned int skip;		/* auto: of those, still to come */

	u64 calls;
	u64 sent, suppressed;		/* events to the other end */
	u64 events, spurious;		/* from it; those with nothing to take */
	u64 blocked;			/* waits that ended in blocking */
	u64 watches[FSVA_WATCH_NR];	/* by their end */
	u64 watched_ns;			/* spent watching */
	u64 waited_ns;			/* latency, all calls together */
	u64 latency[FSVA_SIGNAL_BUCKETS];
};

void fsva_signal_init(struct fsva_signal *sig, enum fsva_signal_mode mode);
int fsva_signal_parse(const char *text);
const char *fsva_signal_name(enum fsva_signal_mode mode);
enum fsva_signal_mode fsva_signal_default(void);
bool fsva_signal_have_mwait(void);
void fsva_signal_probe(void);

/* With the queue's lock: how long to watch before blocking, 0 for not at all. */
u32 fsva_signal_window(struct fsva_signal *sig);

/*
 * Watch word until it differs from expected, stop() is true, or the window ends.
 * Preemption is off, and nobody's lock is held.
 */
enum fsva_watch_end fsva_signal_watch(const struct fsva_signal *sig,
				      const u32 *word, u32 expected,
				      u64 start_ns, u32 window_ns,
				      bool (*stop)(void *arg), void *arg);

/* With the queue's lock: what came of it. */
void fsva_signal_watched(struct fsva_signal *sig, enum fsva_watch_end end,
			 u64 took_ns);
void fsva_signal_called(struct fsva_signal *sig, u64 took_ns);

void fsva_signal_show(struct seq_file *m, unsigned int queue,
		      const struct fsva_signal *sig);
/* "MODE" or "QUEUE MODE": the mode, and *queue is -1 for all of them. */
int fsva_signal_command(char *text, int *queue);

#endif /* FSVA_SIGNAL_H */
