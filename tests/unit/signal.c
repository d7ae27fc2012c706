/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * signal.c: linux-front/signal.c against a clock, a peer and a hypervisor of our own.  What auto learns is bounded
 * from both sides here: what it may cost where watching never helps, and how soon it is used where it does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../../linux-front/signal.c"

#include <cmocka.h>

u64 shim_now;
bool shim_resched, shim_alone = true;

static u32 word;
static u64 answer_at;		/* when the peer writes the word */
static int mwait_says;		/* errno, or 0: as Xen does */
static unsigned int mwaits;

static void advance(u64 ns)
{
	shim_now += ns;
	if (shim_now >= answer_at)
		word = 1;
}

void cpu_relax(void)
{
	advance(50);
}

int HYPERVISOR_sched_op(int cmd, void *arg)
{
	const struct fsva_mwait *op = arg;
	u64 end = shim_now + min(op->deadline, (u64)500000);

	assert_int_equal(cmd, 8);
	assert_int_equal(op->flags, 1);
	mwaits++;
	advance(1000);
	if (mwait_says)
		return mwait_says;
	if (op->addr != (unsigned long)&word)
		return word == op->expected ? -ETIME : 0;
	if (word != op->expected)
		return 0;
	advance(min(end, max(answer_at, shim_now)) - shim_now);
	return word != op->expected ? 0 : op->deadline > 500000 ? -EAGAIN : -ETIME;
}

static bool stop_says;
static bool stop(void *arg)
{
	assert_ptr_equal(arg, &stop_says);
	return stop_says;
}

static int setup(void **state)
{
	(void)state;
	shim_resched = stop_says = false;
	shim_alone = true;
	mwait_says = 0;
	mwaits = 0;
	shim_now += 1000000000000;
	*shim_param_watch_us = 1000;
	*shim_param_auto_us = 200;
	return 0;
}

static enum fsva_watch_end watch(struct fsva_signal *sig, u64 answers_in, u32 window)
{
	enum fsva_watch_end end;
	u64 start = shim_now;

	word = 0;
	answer_at = shim_now + answers_in;
	end = fsva_signal_watch(sig, &word, 0, start, window, stop, &stop_says);
	fsva_signal_watched(sig, end, shim_now - start);
	return end;
}

/* n waits for answers that take `answers_in`; returns how many were watched for.  *ns: time spent on that. */
static unsigned int waits(struct fsva_signal *sig, unsigned int n, u64 answers_in, u64 *ns)
{
	unsigned int i, watched = 0;
	u64 before = sig->watched_ns;

	for (i = 0; i < n; i++) {
		u32 window = fsva_signal_window(sig);

		if (window) {
			watch(sig, answers_in, window);
			watched++;
		}
		shim_now += 20000;
	}
	*ns = sig->watched_ns - before;
	return watched;
}

#define NEVER 1000000000ull

static void test_event_never_watches(void **state)
{
	struct fsva_signal sig;
	u64 ns;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_EVENT);
	assert_int_equal(waits(&sig, 1000, 10, &ns), 0);
}

static void test_poll_and_mwait_always_watch(void **state)
{
	struct fsva_signal sig;
	u64 ns;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_POLL);
	assert_int_equal(waits(&sig, 100, NEVER, &ns), 100);
	assert_in_range(ns, 100 * 1000000, 100 * 1010000);
	assert_int_equal(sig.watches[FSVA_WATCH_MISSED], 100);
	assert_int_equal(mwaits, 0);
	assert_int_equal(waits(&sig, 100, 50000, &ns), 100);
	assert_int_equal(sig.watches[FSVA_WATCH_POLLED], 100);

	fsva_signal_init(&sig, FSVA_SIGNAL_MWAIT);
	assert_int_equal(waits(&sig, 100, NEVER, &ns), 100);
	assert_in_range(ns, 100 * 1000000, 100 * 1010000);
	assert_true(mwaits >= 100);
	assert_int_equal(waits(&sig, 100, 50000, &ns), 100);
	assert_int_equal(sig.watches[FSVA_WATCH_WOKEN], 100);
}

/* Where it never helps, auto costs a window in 256 waits: under 1 us a wait. */
static void test_auto_gives_up(void **state)
{
	struct fsva_signal sig;
	unsigned int n;
	u64 ns;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_AUTO);
	n = waits(&sig, 1000, NEVER, &ns);
	assert_in_range(n, 3, 15);
	n = waits(&sig, 25600, NEVER, &ns);
	assert_in_range(n, 90, 101);
	assert_true(ns < 101 * 205000);
	/* and nothing at all when it isn't to watch */
	*shim_param_auto_us = 0;
	assert_int_equal(waits(&sig, 1000, 10, &ns), 0);
}

/* Where it always helps, all is watched for, and the window is not much longer than needed. */
static void test_auto_takes_up(void **state)
{
	struct fsva_signal sig;
	u64 ns;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_AUTO);
	waits(&sig, 50, 30000, &ns);
	assert_int_equal(waits(&sig, 1000, 30000, &ns), 1000);
	assert_in_range(sig.window_ns, 60000, 200000);
	waits(&sig, 100, 3000, &ns);
	assert_in_range(sig.window_ns, FSVA_SIGNAL_WINDOW_MIN, 30000);
}

/* The pair's CPUs change: it finds out, either way. */
static void test_auto_follows(void **state)
{
	struct fsva_signal sig;
	unsigned int n;
	u64 ns;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_AUTO);
	waits(&sig, 200, 30000, &ns);
	n = waits(&sig, 600, NEVER, &ns);
	assert_true(n < 20);
	n = waits(&sig, 600, 30000, &ns);
	assert_true(n > 300);
	assert_int_equal(waits(&sig, 100, 30000, &ns), 100);
}

/* Most are quick, every fourth waits for a disk: those don't spoil it for the others. */
static void test_auto_mixed(void **state)
{
	struct fsva_signal sig;
	unsigned int i, quick = 0;
	u64 ns;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_AUTO);
	for (i = 0; i < 4000; i++)
		if (i % 4)
			quick += waits(&sig, 1, 15000, &ns);
		else
			waits(&sig, 1, 5000000, &ns);
	assert_true(quick > 1500);
}

/* Xen says that another vCPU wants this CPU: no time is lost, and no more asked for. */
static void test_auto_busy(void **state)
{
	struct fsva_signal sig;
	unsigned int n;
	u64 ns;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_AUTO);
	mwait_says = -EBUSY;
	n = waits(&sig, 2560, 30000, &ns);
	assert_true(n < 25);
	assert_int_equal(sig.watches[FSVA_WATCH_BUSY], n);
	assert_true(ns < n * 5000);
}

/* No such hypercall, or switched off: poll, and don't ask again for ten seconds. */
static void test_no_hypercall(void **state)
{
	static const int refusals[] = { -ENOSYS, -EOPNOTSUPP, -EFAULT, -EPERM, -EINVAL };
	struct fsva_signal sig;
	unsigned int i;
	u64 ns;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		fsva_signal_init(&sig, FSVA_SIGNAL_MWAIT);
		mwait_says = refusals[i];
		mwaits = 0;
		fsva_signal_probe();
		assert_false(fsva_signal_have_mwait());
		waits(&sig, 100, 50000, &ns);
		assert_int_equal(mwaits, 1);
		assert_int_equal(sig.watches[FSVA_WATCH_POLLED], 100);
		mwait_says = 0;
		shim_now += 11000000000;
		assert_true(fsva_signal_have_mwait());
		waits(&sig, 100, 50000, &ns);
		assert_int_equal(sig.watches[FSVA_WATCH_WOKEN], 100);
	}
}

static void test_others_on_the_cpu(void **state)
{
	struct fsva_signal sig;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_AUTO);
	shim_alone = false;
	assert_int_equal(watch(&sig, NEVER, 100000), FSVA_WATCH_YIELDED);
	assert_int_equal(sig.backoff, 0);
	sig.mode = FSVA_SIGNAL_POLL;
	assert_int_equal(watch(&sig, 50000, 100000), FSVA_WATCH_POLLED);
	shim_resched = true;
	assert_int_equal(watch(&sig, NEVER, 100000), FSVA_WATCH_YIELDED);
	shim_resched = false;
	stop_says = true;
	assert_int_equal(watch(&sig, NEVER, 100000), FSVA_WATCH_POLLED);
}

static void test_command(void **state)
{
	static const struct {
		const char *text;
		int mode, queue;
	} cases[] = {
		{ "auto", FSVA_SIGNAL_AUTO, -1 },
		{ " event \n", FSVA_SIGNAL_EVENT, -1 },
		{ "poll\n", FSVA_SIGNAL_POLL, -1 },
		{ "3 \t mwait\n", FSVA_SIGNAL_MWAIT, 3 },
		{ "2147483647 auto", FSVA_SIGNAL_AUTO, INT_MAX },
		{ "2147483648 auto", -ERANGE },
		{ "4294967296 auto", -ERANGE },
		{ "-1 auto", -EINVAL },
		{ "x auto", -EINVAL },
		{ "auto 1", -EINVAL },
		{ "0 auto event", -EINVAL },
		{ "autos", -EINVAL },
		{ "0", -EINVAL },
		{ "\n", -EINVAL },
		{ "", -EINVAL },
	};
	unsigned int i;
	char text[32];
	int queue;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(text, sizeof(text), "%s", cases[i].text);
		assert_int_equal(fsva_signal_command(text, &queue), cases[i].mode);
		if (cases[i].mode >= 0)
			assert_int_equal(queue, cases[i].queue);
	}
}

static void test_latency(void **state)
{
	struct fsva_signal sig;

	(void)state;
	fsva_signal_init(&sig, FSVA_SIGNAL_AUTO);
	fsva_signal_called(&sig, 0);
	fsva_signal_called(&sig, 1023);
	fsva_signal_called(&sig, 1024);
	fsva_signal_called(&sig, 100 * 1024);
	fsva_signal_called(&sig, ~0ull >> 1);
	assert_int_equal(sig.latency[0], 2);
	assert_int_equal(sig.latency[1], 1);
	assert_int_equal(sig.latency[7], 1);
	assert_int_equal(sig.latency[FSVA_SIGNAL_BUCKETS - 1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_event_never_watches, setup),
		cmocka_unit_test_setup(test_poll_and_mwait_always_watch, setup),
		cmocka_unit_test_setup(test_auto_gives_up, setup),
		cmocka_unit_test_setup(test_auto_takes_up, setup),
		cmocka_unit_test_setup(test_auto_follows, setup),
		cmocka_unit_test_setup(test_auto_mixed, setup),
		cmocka_unit_test_setup(test_auto_busy, setup),
		cmocka_unit_test_setup(test_no_hypercall, setup),
		cmocka_unit_test_setup(test_others_on_the_cpu, setup),
		cmocka_unit_test_setup(test_command, setup),
		cmocka_unit_test_setup(test_latency, setup),
	};

	return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
