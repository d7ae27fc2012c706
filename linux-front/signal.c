// SPDX-License-Identifier: GPL-2.0
/*
 * signal.c: how one end of a queue waits for the other: see signal.h.
 *
 * What `auto` does.  To watch is worth it when the other end runs, on another
 * CPU, and answers soon.  Where it doesn't, as for two domains that share one
 * CPU, each watch is wasted and delays what it waits for.  So a miss doubles the
 * number of waits that follow without a watch, up to SKIP_MAX, and a hit brings
 * it down again: a pair that gains nothing pays one window in SKIP_MAX waits.
 * The window follows what hits took.  Xen says itself when another vCPU wants the
 * CPU of one that waits by the hypercall: that ends the watch at once.
 */
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/interface/sched.h>
#include <xen/xen.h>
#include <asm/xen/hypercall.h>

#include "signal.h"

#define FSVA_SIGNAL_WINDOW_MIN	5000u	/* ns */
#define FSVA_SIGNAL_SKIP_MAX	256u
#define FSVA_SIGNAL_SPINS	32	/* looks at the word between two at the rest */

/* Xen's public/sched.h, of the patched Xen. */
#define FSVA_SCHEDOP_MWAIT	8
#define FSVA_MWAIT_RELATIVE	1u

struct fsva_mwait {
	u64 addr;
	u64 deadline;		/* ns from now */
	u32 expected;
	u32 flags;
};

static const char * const fsva_signal_names[] = {
	[FSVA_SIGNAL_AUTO]	= "auto",
	[FSVA_SIGNAL_EVENT]	= "event",
	[FSVA_SIGNAL_POLL]	= "poll",
	[FSVA_SIGNAL_MWAIT]	= "mwait",
};

/* ---- Parameters ---- */

static int fsva_signal_mode = FSVA_SIGNAL_AUTO;

static int fsva_signal_param_set(const char *val,
				 const struct kernel_param *kp)
{
	int mode = fsva_signal_parse(val);

	if (mode < 0)
		return mode;
	WRITE_ONCE(fsva_signal_mode, mode);
	return 0;
}

static int fsva_signal_param_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n",
			  fsva_signal_name(READ_ONCE(fsva_signal_mode)));
}

static const struct kernel_param_ops fsva_signal_param_ops = {
	.set = fsva_signal_param_set,
	.get = fsva_signal_param_get,
};
module_param_cb(signal, &fsva_signal_param_ops, NULL, 0644);
MODULE_PARM_DESC(signal, "auto, event, poll or mwait, for new connections that the toolstack says nothing of");

static unsigned int watch_us = 1000;
module_param(watch_us, uint, 0644);
MODULE_PARM_DESC(watch_us, "how long poll and mwait watch before they block, in microseconds");

static unsigned int auto_us = 200;
module_param(auto_us, uint, 0644);
MODULE_PARM_DESC(auto_us, "the longest that auto watches before it blocks, in microseconds");

enum fsva_signal_mode fsva_signal_default(void)
{
	return READ_ONCE(fsva_signal_mode);
}

const char *fsva_signal_name(enum fsva_signal_mode mode)
{
	return fsva_signal_names[mode];
}

int fsva_signal_parse(const char *text)
{
	return sysfs_match_string(fsva_signal_names, text);
}

int fsva_signal_command(char *text, int *queue)
{
	char *word = strim(text), *mode = strpbrk(word, " \t");

	*queue = -1;
	if (mode) {
		unsigned int n;
		int err;

		*mode++ = '\0';
		err = kstrtouint(word, 10, &n);
		if (err)
			return err;
		if (n > INT_MAX)
			return -ERANGE;
		*queue = n;
		word = skip_spaces(mode);
	}
	return fsva_signal_parse(word);
}

/* ---- The hypercall ---- */

/* jiffies until which it is not tried again after it was refused; 0: works */
static unsigned long fsva_mwait_refused;

static int fsva_mwait(const u32 *word, u32 expected, u64 ns)
{
#ifdef CONFIG_X86
	struct fsva_mwait op = {
		.addr		= (unsigned long)word,
		.deadline	= ns,
		.expected	= expected,
		.flags		= FSVA_MWAIT_RELATIVE,
	};
	int err = HYPERVISOR_sched_op(FSVA_SCHEDOP_MWAIT, &op);

	switch (err) {
	case 0:
	case -EINTR:
	case -ETIME:
	case -EAGAIN:
	case -EBUSY:
		WRITE_ONCE(fsva_mwait_refused, 0);
		return err;
	}
#endif
	WRITE_ONCE(fsva_mwait_refused, (jiffies + 10 * HZ) | 1);
	return -EOPNOTSUPP;
}

/* Does Xen have it, as far as we know?  An administrator may turn it off. */
bool fsva_signal_have_mwait(void)
{
	unsigned long until = READ_ONCE(fsva_mwait_refused);

	return !until || time_after(jiffies, until);
}

/* When the module is loaded. */
void fsva_signal_probe(void)
{
	static u32 word;

	fsva_mwait(&word, 0, 0);
}

/* ---- Watching ---- */

void fsva_signal_init(struct fsva_signal *sig, enum fsva_signal_mode mode)
{
	memset(sig, 0, sizeof(*sig));
	sig->mode = mode;
	sig->window_ns = FSVA_SIGNAL_WINDOW_MIN;
}

static u32 fsva_signal_us(unsigned int us)
{
	return min(us, 100000u) * 1000;
}

u32 fsva_signal_window(struct fsva_signal *sig)
{
	switch (READ_ONCE(sig->mode)) {
	case FSVA_SIGNAL_POLL:
	case FSVA_SIGNAL_MWAIT:
		return fsva_signal_us(READ_ONCE(watch_us));
	case FSVA_SIGNAL_AUTO:
		if (sig->skip) {
			sig->skip--;
			return 0;
		}
		return min(sig->window_ns, fsva_signal_us(READ_ONCE(auto_us)));
	default:
		return 0;
	}
}

enum fsva_watch_end fsva_signal_watch(const struct fsva_signal *sig,
				      const u32 *word, u32 expected,
				      u64 start_ns, u32 window_ns,
				      bool (*stop)(void *arg), void *arg)
{
	enum fsva_signal_mode mode = READ_ONCE(sig->mode);
	bool mwait = mode != FSVA_SIGNAL_POLL && fsva_signal_have_mwait();
	enum fsva_watch_end hit = FSVA_WATCH_POLLED;
	u64 now = start_ns;
	int i;

	for (;;) {
		for (i = 0; i < FSVA_SIGNAL_SPINS; i++) {
			if (READ_ONCE(*word) != expected)
				return hit;
			cpu_relax();
		}
		if (stop(arg))
			return hit;
		if (need_resched() ||
		    (mode == FSVA_SIGNAL_AUTO && !single_task_running()))
			return FSVA_WATCH_YIELDED;
		now = ktime_get_ns();
		if (now - start_ns >= window_ns)
			return FSVA_WATCH_MISSED;
		if (!mwait)
			continue;
		switch (fsva_mwait(word, expected,
				   window_ns - (now - start_ns))) {
		case 0:
			hit = FSVA_WATCH_WOKEN;
			break;
		case -EBUSY:
			return FSVA_WATCH_BUSY;
		case -EOPNOTSUPP:
			mwait = false;
			break;
		}
	}
}

/* What auto learns of it. */
static void fsva_signal_learn(struct fsva_signal *sig, bool hit, u64 took_ns)
{
	u32 most = fsva_signal_us(READ_ONCE(auto_us));

	if (hit) {
		/* Longer than any window: we did not run meanwhile. */
		took_ns = min_t(u64, took_ns, most);
		if (!sig->hit_ns)
			sig->hit_ns = took_ns;
		sig->hit_ns += ((s32)took_ns - (s32)sig->hit_ns) / 8;
		sig->window_ns = 4 * sig->hit_ns;
		sig->backoff /= 4;
	} else {
		/* For the next try: perhaps it was too short. */
		sig->window_ns *= 2;
		sig->backoff = clamp(2 * sig->backoff, 1u,
				     FSVA_SIGNAL_SKIP_MAX);
		sig->skip = sig->backoff;
	}
	sig->window_ns = clamp(sig->window_ns, FSVA_SIGNAL_WINDOW_MIN,
			       max(most, FSVA_SIGNAL_WINDOW_MIN));
}

void fsva_signal_watched(struct fsva_signal *sig, enum fsva_watch_end end,
			 u64 took_ns)
{
	sig->watches[end]++;
	sig->watched_ns += took_ns;
	switch (end) {
	case FSVA_WATCH_POLLED:
	case FSVA_WATCH_WOKEN:
		fsva_signal_learn(sig, true, took_ns);
		break;
	case FSVA_WATCH_MISSED:
	case FSVA_WATCH_BUSY:
		fsva_signal_learn(sig, false, took_ns);
		break;
	default:
		break;
	}
}

void fsva_signal_called(struct fsva_signal *sig, u64 took_ns)
{
	u64 us = took_ns >> 10;

	sig->waited_ns += took_ns;
	sig->latency[min_t(unsigned int, us ? ilog2(us) + 1 : 0,
			   FSVA_SIGNAL_BUCKETS - 1)]++;
}

/* ---- What they see in debugfs: "queue N name value" ---- */

void fsva_signal_show(struct seq_file *m, unsigned int queue,
		      const struct fsva_signal *sig)
{
	const struct {
		const char *name;
		u64 value;
	} rows[] = {
		{ "calls",	sig->calls },
		{ "sent",	sig->sent },
		{ "suppressed",	sig->suppressed },
		{ "events",	sig->events },
		{ "spurious",	sig->spurious },
		{ "blocked",	sig->blocked },
		{ "polled",	sig->watches[FSVA_WATCH_POLLED] },
		{ "woken",	sig->watches[FSVA_WATCH_WOKEN] },
		{ "missed",	sig->watches[FSVA_WATCH_MISSED] },
		{ "busy",	sig->watches[FSVA_WATCH_BUSY] },
		{ "yielded",	sig->watches[FSVA_WATCH_YIELDED] },
		{ "watched_us",	sig->watched_ns / 1000 },
		{ "waited_us",	sig->waited_ns / 1000 },
		{ "window_ns",	sig->window_ns },
		{ "backoff",	sig->backoff },
	};
	unsigned int i;

	seq_printf(m, "queue %u mode %s\n", queue,
		   fsva_signal_name(READ_ONCE(sig->mode)));
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		seq_printf(m, "queue %u %s %llu\n", queue, rows[i].name,
			   rows[i].value);
	/* How many took less than so many microseconds (of 1024 ns). */
	seq_printf(m, "queue %u latency_us", queue);
	for (i = 0; i < FSVA_SIGNAL_BUCKETS; i++)
		if (sig->latency[i])
			seq_printf(m, " %s%lu:%llu",
				   i == FSVA_SIGNAL_BUCKETS - 1 ? ">=" : "",
				   i == FSVA_SIGNAL_BUCKETS - 1 ? 1ul << (i - 1) :
				   1ul << i,
				   sig->latency[i]);
	seq_putc(m, '\n');
}
