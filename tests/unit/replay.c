/* SPDX-License-Identifier: GPL-2.0-only */
/* replay.c: linux-back/replay.c, the answers that are kept: section 6.3 of the protocol, rule by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../../linux-back/replay.c"

#include <cmocka.h>

static struct fsva_replay r;
static struct fsva_rsp rsp;

static struct fsva_req request(uint16_t op, uint64_t id, uint16_t flags)
{
	struct fsva_req req;

	fsva_wire_req_init(&req, op, 1);
	req.id = id;
	req.flags = flags;
	return req;
}

/* The request runs, and this is its answer. */
static void answer(const struct fsva_req *req, uint32_t error, uint8_t octet, uint32_t data_len)
{
	struct fsva_rsp made;

	fsva_wire_rsp_init(&made, req);
	made.error = error;
	made.body[0] = octet;
	made.data_len = data_len;
	fsva_replay_end(&r, req, &made);
}

static int setup(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	memset(&rsp, 0xee, sizeof(rsp));
	forget_answers = false;
	return 0;
}

static void test_new(void **state)
{
	struct fsva_req req = request(FSVA_OP_MKDIR, 1, 0);

	(void)state;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_RUN);
	req.flags = FSVA_REQ_RESENT;	/* never taken before: it runs all the same */
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_RUN);
	req.id = 0;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_BREACH);
	answer(&req, 0, 0, 0);
}

static void test_kept(void **state)
{
	struct fsva_req req = request(FSVA_OP_MKDIR, 5, 0);

	(void)state;
	answer(&req, 0, 7, 0);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_KEPT);
	assert_int_equal(rsp.body[0], 7);
	assert_int_equal(rsp.id, 5);
	assert_int_equal(rsp.flags, FSVA_RSP_REPLAYED);
	/* and is kept on, without that flag, when it is given once more */
	fsva_replay_end(&r, &req, &rsp);
	assert_int_equal(r.rsp.flags, 0);
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_KEPT);
}

static void test_errors_are_kept(void **state)
{
	struct fsva_req req = request(FSVA_OP_RMDIR, 5, 0);

	(void)state;
	answer(&req, FSVA_ENOTEMPTY, 0, 0);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_KEPT);
	assert_int_equal(rsp.error, FSVA_ENOTEMPTY);
}

static void test_until_the_next(void **state)
{
	struct fsva_req req = request(FSVA_OP_MKDIR, 5, 0), next = request(FSVA_OP_MKDIR, 6, 0);

	(void)state;
	answer(&req, 0, 7, 0);
	answer(&next, 0, 8, 0);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_BREACH);
	next.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &next, &rsp), FSVA_REPLAY_KEPT);
	assert_int_equal(rsp.body[0], 8);
}

static void test_not_without_resent(void **state)
{
	struct fsva_req req = request(FSVA_OP_MKDIR, 5, 0);

	(void)state;
	answer(&req, 0, 7, 0);
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_BREACH);
}

static void test_idempotent_runs_again(void **state)
{
	struct fsva_req req = request(FSVA_OP_GETATTR, 5, 0);

	(void)state;
	answer(&req, 0, 7, 0);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_RERUN);
}

/* What went out is in pages of the front's, and not here. */
static void test_data_runs_again(void **state)
{
	struct fsva_req req = request(FSVA_OP_IOCTL, 5, 0);

	(void)state;
	answer(&req, 0, 7, 4);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_RERUN);
	req.flags = 0;
	req.id = 6;
	answer(&req, 0, 7, 0);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_KEPT);
}

static void test_other_contents(void **state)
{
	static const uint16_t ops[] = { FSVA_OP_MKDIR, FSVA_OP_GETATTR };
	struct fsva_req req, other;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		setup(NULL);
		req = request(ops[i], 5, 0);
		answer(&req, 0, 7, 0);
		req.flags = FSVA_REQ_RESENT;
		other = req;
		other.op = ops[i] + 1;
		assert_int_equal(fsva_replay_begin(&r, &other, &rsp), FSVA_REPLAY_BREACH);
		other = req;
		other.cred++;
		assert_int_equal(fsva_replay_begin(&r, &other, &rsp), FSVA_REPLAY_BREACH);
		other = req;
		other.umask = 022;
		assert_int_equal(fsva_replay_begin(&r, &other, &rsp), FSVA_REPLAY_BREACH);
		other = req;
		other.data_len = 1;
		assert_int_equal(fsva_replay_begin(&r, &other, &rsp), FSVA_REPLAY_BREACH);
		other = req;
		other.body[3] ^= 1;
		assert_int_equal(fsva_replay_begin(&r, &other, &rsp), FSVA_REPLAY_BREACH);
		other = req;
		other.body[FSVA_BODY_SIZE - 4] ^= 1;	/* a grant may be another */
		other.nr_grefs = 1;
		assert_int_not_equal(fsva_replay_begin(&r, &other, &rsp), FSVA_REPLAY_BREACH);
	}
}

/* References to pages mean nothing in another domain; what was said of pages that the front had is said. */
static void test_grants_do_not_move(void **state)
{
	struct fsva_req req = request(FSVA_OP_MAP_PAGE, 5, 0);
	struct fsva_map_page_req *map = (void *)req.body;

	(void)state;
	answer(&req, 0, 7, 0);
	fsva_replay_moved(&r);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_KEPT);
	assert_int_equal(rsp.error, FSVA_ENOBUFS);
	assert_int_equal(rsp.body[0], 0);
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);

	req.flags = 0;
	req.id = 6;
	map->flags = FSVA_MAP_AGAIN;
	answer(&req, 0, 7, 0);
	fsva_replay_moved(&r);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_KEPT);
	assert_int_equal(rsp.error, 0);
	fsva_replay_moved_answer(&req, &rsp);
	assert_int_equal(rsp.error, 0);
	map->flags = 0;
	fsva_replay_moved_answer(&req, &rsp);
	assert_int_equal(rsp.error, FSVA_ENOBUFS);
}

static void test_unknown_op(void **state)
{
	struct fsva_req req = request(95, 5, 0);

	(void)state;
	answer(&req, FSVA_EOPNOTSUPP, 0, 0);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_RERUN);
	req = request(0xffff, 6, 0);
	answer(&req, FSVA_EOPNOTSUPP, 0, 0);
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_RERUN);
}

static void test_forgetting(void **state)
{
	struct fsva_req req = request(FSVA_OP_MKDIR, 5, 0);

	(void)state;
	answer(&req, 0, 7, 0);
	forget_answers = true;
	req.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(&r, &req, &rsp), FSVA_REPLAY_RERUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_new, setup),
		cmocka_unit_test_setup(test_kept, setup),
		cmocka_unit_test_setup(test_errors_are_kept, setup),
		cmocka_unit_test_setup(test_until_the_next, setup),
		cmocka_unit_test_setup(test_not_without_resent, setup),
		cmocka_unit_test_setup(test_idempotent_runs_again, setup),
		cmocka_unit_test_setup(test_data_runs_again, setup),
		cmocka_unit_test_setup(test_other_contents, setup),
		cmocka_unit_test_setup(test_grants_do_not_move, setup),
		cmocka_unit_test_setup(test_unknown_op, setup),
		cmocka_unit_test_setup(test_forgetting, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
