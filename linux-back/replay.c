// SPDX-License-Identifier: GPL-2.0
/*
 * replay.c: the answers that are kept for calls that must not run twice.  protocol/fsva.pandoc, section 6.3.
 *
 * ring.c asks fsva_replay_begin() about every request before it runs and tells fsva_replay_end() every answer.
 */
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "replay.h"

static bool forget_answers;
module_param(forget_answers, bool, 0644);
MODULE_PARM_DESC(forget_answers, "for tests, which must fail then: run again what must not run twice");

/*
 * What a request asks for, in a number: one that comes again must ask for the same.  Not its grants, which may be
 * others by then.
 */
u32 fsva_replay_sum(const struct fsva_req *req)
{
	const struct fsva_wire_op *row = fsva_wire_op(req->op);
	u32 head[] = { req->op | (u32)req->cred << 16, req->umask, req->data_len, req->data_off };

	return jhash(req->body, row ? row->req_size : 0, jhash2(head, ARRAY_SIZE(head), 0));
}

enum fsva_replay_what fsva_replay_begin(const struct fsva_replay *r, const struct fsva_req *req,
					struct fsva_rsp *rsp)
{
	if (!req->id || req->id < r->last_id)
		return FSVA_REPLAY_BREACH;
	if (req->id > r->last_id)
		return FSVA_REPLAY_RUN;
	/* The same once more: only after a reconnect, and only when it says so. */
	if (!(req->flags & FSVA_REQ_RESENT) || r->sum != fsva_replay_sum(req))
		return FSVA_REPLAY_BREACH;
	if (!r->kept || READ_ONCE(forget_answers))
		return FSVA_REPLAY_RERUN;
	*rsp = r->rsp;
	rsp->flags |= FSVA_RSP_REPLAYED;
	return FSVA_REPLAY_KEPT;
}

/* An answer that hands out references to our pages: they mean nothing any more once the domain has moved. */
static bool fsva_replay_grants(const struct fsva_req *req, const struct fsva_rsp *rsp)
{
	const struct fsva_map_page_req *r = (const void *)req->body;

	return req->op == FSVA_OP_MAP_PAGE && !rsp->error && !(r->flags & FSVA_MAP_AGAIN);
}

static void fsva_replay_void(struct fsva_rsp *rsp)
{
	rsp->error = FSVA_ENOBUFS;
	memset(rsp->body, 0, sizeof(rsp->body));
}

void fsva_replay_end(struct fsva_replay *r, const struct fsva_req *req, const struct fsva_rsp *rsp)
{
	const struct fsva_wire_op *row = fsva_wire_op(rsp->op);

	r->last_id = rsp->id;
	r->sum = fsva_replay_sum(req);
	/* Data that went out is not kept: such a request has to run again. */
	r->kept = row && !(row->flags & FSVA_F_IDEM) && !((row->flags & FSVA_F_DATA_OUT) && rsp->data_len);
	if (r->kept) {
		r->grants = fsva_replay_grants(req, rsp);
		r->rsp = *rsp;
		r->rsp.flags &= ~FSVA_RSP_REPLAYED;
	}
}

/* The domain is another. */
void fsva_replay_moved(struct fsva_replay *r)
{
	if (r->kept && r->grants)
		fsva_replay_void(&r->rsp);
}

/* The same for an answer that was made in an earlier domain and is given in this one. */
void fsva_replay_moved_answer(const struct fsva_req *req, struct fsva_rsp *rsp)
{
	if (fsva_replay_grants(req, rsp))
		fsva_replay_void(rsp);
}
