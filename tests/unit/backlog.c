/* SPDX-License-Identifier: GPL-2.0-only */
/* backlog.c: linux-back/backlog.c, events that wait: "event" of the protocol, rule by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../../linux-back/backlog.c"

#include <cmocka.h>

#define SIZE 8u

static struct fsva_event_msg ring[SIZE], got[SIZE + 1];
static struct fsva_backlog b;

static int setup(void **state)
{
	(void)state;
	memset(&b, 0, sizeof(b));
	memset(ring, 0xee, sizeof(ring));
	fsva_backlog_init(&b);
	fsva_backlog_start(&b, ring, SIZE);
	return 0;
}

static bool add(uint64_t handle)
{
	struct fsva_event_msg m = { .handle = handle, .what = FSVA_EVENT_MODIFY };

	return fsva_backlog_add(&b, &m);
}

/* Ask, and get these many from number `first` on; their handles are from, from + 1... */
static void asks(uint64_t seq, unsigned int most, uint64_t first, unsigned int nr, uint64_t from)
{
	assert_int_equal(fsva_backlog_take(&b, &seq, got, most), nr);
	assert_int_equal(seq, first);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(got[i].handle, from + i);
}

static void refused(uint64_t seq)
{
	assert_int_equal(fsva_backlog_take(&b, &seq, got, SIZE), -EINVAL);
}

static void test_in_order(void **state)
{
	(void)state;
	asks(0, SIZE, 1, 0, 0);
	assert_false(fsva_backlog_waits(&b));
	assert_true(add(10));
	assert_true(add(11));
	assert_true(fsva_backlog_waits(&b));
	asks(1, SIZE, 1, 2, 10);
	assert_true(add(12));
	asks(3, SIZE, 3, 1, 12);
	assert_true(fsva_backlog_waits(&b));
	asks(4, SIZE, 4, 0, 0);
	assert_false(fsva_backlog_waits(&b));
}

/* An answer that got lost: the same question has the same answer, with what has come since behind it. */
static void test_asked_again(void **state)
{
	(void)state;
	add(10);
	add(11);
	asks(0, 1, 1, 1, 10);
	asks(0, 1, 1, 1, 10);
	asks(1, SIZE, 1, 2, 10);
	add(12);
	asks(1, SIZE, 1, 3, 10);
	asks(2, SIZE, 2, 2, 11);
	refused(1);
}

static void test_numbers(void **state)
{
	(void)state;
	refused(2);
	refused(UINT64_MAX);
	add(10);
	asks(2, SIZE, 2, 0, 0);
	refused(1);
	refused(3);
}

/* Twice the same is once, unless the first was in an answer. */
static void test_the_same(void **state)
{
	(void)state;
	assert_true(add(10));
	assert_false(add(10));
	asks(1, SIZE, 1, 1, 10);
	assert_true(add(10));
	assert_false(add(10));
	assert_true(add(11));
	asks(2, SIZE, 2, 2, 10);
}

static void test_the_same_name(void **state)
{
	struct fsva_event_msg m = { .dir = 1, .what = FSVA_EVENT_CREATE, .name_len = 1, .name = "a" };

	(void)state;
	assert_true(fsva_backlog_add(&b, &m));
	assert_false(fsva_backlog_add(&b, &m));
	m.name[0] = 'b';
	assert_true(fsva_backlog_add(&b, &m));
	m.what = FSVA_EVENT_DELETE;
	assert_true(fsva_backlog_add(&b, &m));
}

/* A full ring: what comes is lost, and one event says so, between what was there and what comes when there is room. */
static void test_full(void **state)
{
	unsigned int i;
	uint64_t seq;

	(void)state;
	for (i = 0; i < SIZE; i++)
		assert_true(add(10 + i));
	assert_int_equal(b.nr_lost, 0);
	assert_true(add(100));
	assert_true(add(101));
	assert_int_equal(b.nr_lost, 2);
	/* No room for the event either; and the last is not taken for the same as before. */
	assert_true(add(10 + SIZE - 1));
	asks(0, SIZE + 1, 1, SIZE, 10);
	asks(1, SIZE + 1, 1, SIZE, 10);
	asks(3, 2, 3, 2, 12);
	assert_true(add(102));
	seq = 3;
	assert_int_equal(fsva_backlog_take(&b, &seq, got, SIZE + 1), SIZE);
	for (i = 0; i < SIZE - 2; i++)
		assert_int_equal(got[i].handle, 12 + i);
	assert_int_equal(got[SIZE - 2].what, FSVA_EVENT_LOST);
	assert_int_equal(got[SIZE - 2].handle, 0);
	assert_int_equal(got[SIZE - 1].handle, 102);
}

static void test_full_again(void **state)
{
	unsigned int i, lost = 0, nr = 0;
	uint64_t seq = 0;
	int n;

	(void)state;
	for (i = 0; i < 100; i++) {
		add(1000 + i);
		if (i % 10)
			continue;
		n = fsva_backlog_take(&b, &seq, got, 3);
		assert_true(n >= 0);
		seq += n;
	}
	/* Each number has an event, none is there twice, and at least one says that some were lost. */
	do {
		n = fsva_backlog_take(&b, &seq, got, SIZE);
		assert_true(n >= 0);
		for (i = 0; i < (unsigned int)n; i++)
			lost += got[i].what == FSVA_EVENT_LOST;
		seq += n;
		nr += n;
	} while (n);
	assert_true(lost >= 1 && nr <= 2 * SIZE);
	assert_false(fsva_backlog_waits(&b));
}

/* The next mount of the session: numbers go on, what waited is gone. */
static void test_next_mount(void **state)
{
	(void)state;
	add(10);
	add(11);
	fsva_backlog_stop(&b);
	assert_false(fsva_backlog_waits(&b));
	fsva_backlog_start(&b, ring, SIZE);
	refused(1);
	add(20);
	asks(0, SIZE, 3, 1, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_order, setup),
		cmocka_unit_test_setup(test_asked_again, setup),
		cmocka_unit_test_setup(test_numbers, setup),
		cmocka_unit_test_setup(test_the_same, setup),
		cmocka_unit_test_setup(test_the_same_name, setup),
		cmocka_unit_test_setup(test_full, setup),
		cmocka_unit_test_setup(test_full_again, setup),
		cmocka_unit_test_setup(test_next_mount, setup),
	};

	return cmocka_run_group_tests_name("backlog", tests, NULL, NULL);
}
