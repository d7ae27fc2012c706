// SPDX-License-Identifier: GPL-2.0-only
/* fsvatop's arithmetic (libxl-plugin/fsva_stat.c): what it refuses, and what it makes of counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fsva_stat.h"

static void make(struct fsva_stat_page *p, unsigned int nr_queues)
{
	memset(p, 0, sizeof(*p));
	p->magic = FSVA_STAT_MAGIC;
	p->version = FSVA_STAT_VERSION;
	p->nr_queues = nr_queues;
	p->session = 7;
	p->time_ns = 1000000000;
}

static void refused(struct fsva_stat_page *p, const char *why)
{
	struct fsva_stat stat;

	assert_string_equal(fsva_stat_read(p, &stat), why);
}

static void test_refused(void **state)
{
	struct fsva_stat_page p;
	struct fsva_stat stat;

	(void)state;
	make(&p, 8);
	assert_null(fsva_stat_read(&p, &stat));
	make(&p, 9);
	refused(&p, "its page of statistics has too many queues");
	make(&p, 1);
	p.seq = 3;
	refused(&p, "its page of statistics is never finished");
	make(&p, 1);
	p.magic++;
	refused(&p, "its page of statistics is something else");
	make(&p, 1);
	p.version = 2;
	refused(&p, "its page of statistics has an unknown version");
}

static void test_queues(void **state)
{
	struct fsva_stat_page p;
	struct fsva_stat stat;

	(void)state;
	make(&p, 2);
	p.queue[0].calls = 5;
	p.queue[1].calls = 6;
	p.queue[2].calls = 100;		/* not there */
	p.queue[1].latency[19] = 3;
	assert_null(fsva_stat_read(&p, &stat));
	assert_int_equal(stat.all.calls, 11);
	assert_int_equal(stat.all.latency[19], 3);
	assert_string_equal(fsva_stat_mode(&stat), "auto");
	p.queue[0].mode = p.queue[1].mode = FSVA_STAT_MODE_MWAIT;
	assert_null(fsva_stat_read(&p, &stat));
	assert_string_equal(fsva_stat_mode(&stat), "mwait");
	p.queue[0].mode = 4;
	assert_null(fsva_stat_read(&p, &stat));
	assert_string_equal(fsva_stat_mode(&stat), "mixed");
	p.queue[1].mode = 4;
	assert_null(fsva_stat_read(&p, &stat));
	assert_string_equal(fsva_stat_mode(&stat), "?");
	make(&p, 0);
	assert_null(fsva_stat_read(&p, &stat));
	assert_string_equal(fsva_stat_mode(&stat), "-");
}

static void near(double a, double b)
{
	assert_true(a > b - 1e-9 && a < b + 1e-9);
}

static void test_rates(void **state)
{
	struct fsva_stat_page p, q;
	struct fsva_stat a, b;
	struct fsva_stat_rate r;
	int i;

	(void)state;
	make(&p, 1);
	make(&q, 1);
	p.queue[0].calls = 100;
	p.ops[FSVA_OP_LOOKUP] = 40;
	q.time_ns = p.time_ns + 2000000000;
	q.queue[0].calls = 300;
	q.queue[0].waited_ns = 1000000000;
	q.ops[FSVA_OP_LOOKUP] = 60;
	q.octets_in = 8192;
	for (i = 0; i < 90; i++)
		q.queue[0].latency[3]++;
	q.queue[0].latency[5] = 9;
	q.queue[0].latency[19] = 1;
	assert_null(fsva_stat_read(&p, &a));
	assert_null(fsva_stat_read(&q, &b));

	fsva_stat_rate(&a, &b, &r);
	near(r.seconds, 2);
	near(r.calls, 100);
	near(r.ops[FSVA_OP_LOOKUP], 10);
	near(r.octets_in, 4096);
	near(r.busy, 0.5);
	assert_int_equal(r.latency_us[0], 8);
	assert_int_equal(r.latency_us[1], 32);
	assert_int_equal(r.latency_us[2], 32);
	assert_false(r.latency_open[2]);

	/* All in the last bucket, which has no upper end. */
	memset(b.all.latency, 0, sizeof(b.all.latency));
	b.all.latency[19] = 2;
	fsva_stat_rate(&a, &b, &r);
	assert_int_equal(r.latency_us[0], 1 << 18);
	assert_true(r.latency_open[0]);

	/* The other way round, and across sessions, nothing is said. */
	fsva_stat_rate(&b, &a, &r);
	near(r.seconds, 0);
	near(r.calls, 0);
	b.page.session = 8;
	fsva_stat_rate(&a, &b, &r);
	near(r.seconds, 0);
	fsva_stat_rate(NULL, &b, &r);
	near(r.calls, 0);

	/* A counter that ran back beside a clock that did not. */
	b.page.session = 7;
	b.all.calls = 50;
	fsva_stat_rate(&a, &b, &r);
	near(r.seconds, 2);
	near(r.calls, 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(fsva_stat_op_name(FSVA_OP_LOOKUP), "lookup");
	assert_null(fsva_stat_op_name(0));
	assert_null(fsva_stat_op_name(FSVA_OP_MAX));
	assert_null(fsva_stat_op_name(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
