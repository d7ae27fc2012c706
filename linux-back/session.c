// SPDX-License-Identifier: GPL-2.0
/*
 * session.c: what belongs to a front beyond its rings, and the answers kept for calls that must not run twice.
 *
 * ring.c asks fsva_replay_begin() about every request before it runs and tells fsva_replay_end() every answer,
 * both under the queue's lock, which is what guards the records of that queue.
 */
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "back.h"

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

int fsva_replay_begin(struct fsva_session *ses, unsigned int queue, const struct fsva_req *req, struct fsva_rsp *rsp)
{
	struct fsva_replay *r = &ses->replay[queue][req->tag];

	if (!req->id || req->id < r->last_id)
		return -EPROTO;
	if (req->id > r->last_id)
		return 0;
	/* The same once more: only after a reconnect, and only when it says so. */
	if (!(req->flags & FSVA_REQ_RESENT) || r->sum != fsva_replay_sum(req))
		return -EPROTO;
	if (!r->kept || READ_ONCE(forget_answers)) {
		atomic64_inc(&ses->fb->stats.rerun);
		return 0;
	}
	*rsp = r->rsp;
	rsp->flags |= FSVA_RSP_REPLAYED;
	atomic64_inc(&ses->fb->stats.replayed);
	return 1;
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

/* Before an answer that was made in an earlier domain is given in this one. */
void fsva_replay_moved(const struct fsva_req *req, struct fsva_rsp *rsp)
{
	if (fsva_replay_grants(req, rsp))
		fsva_replay_void(rsp);
}

void fsva_replay_end(struct fsva_session *ses, unsigned int queue, const struct fsva_req *req,
		     const struct fsva_rsp *rsp)
{
	struct fsva_replay *r = &ses->replay[queue][rsp->tag];
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

/* The domain is another.  No queue takes a request or answers one. */
void fsva_session_moved(struct fsva_session *ses)
{
	unsigned int i, tag;

	fsva_pages_moved(ses);
	for (i = 0; i < ses->nr_queues; i++)
		for (tag = 0; tag < ses->nr_slots; tag++)
			if (ses->replay[i][tag].kept && ses->replay[i][tag].grants)
				fsva_replay_void(&ses->replay[i][tag].rsp);
}

struct fsva_session *fsva_session_create(struct fsva_back *fb, unsigned int nr_queues, unsigned int nr_slots)
{
	struct fsva_session *ses;
	unsigned int i;
	int err = -ENOMEM;

	ses = kvzalloc(sizeof(*ses), GFP_KERNEL);
	if (!ses)
		return ERR_PTR(-ENOMEM);
	ses->fb = fb;
	ses->nr_queues = nr_queues;
	ses->nr_slots = nr_slots;
	mutex_init(&ses->cred_lock);
	mutex_init(&ses->remount_lock);
	spin_lock_init(&ses->cred_spin);
	spin_lock_init(&ses->lock);
	init_waitqueue_head(&ses->wait);
	fsva_handles_start(&ses->handles);
	fsva_files_init(&ses->files);
	fsva_pages_init(&ses->pages);

	ses->replay = kcalloc(nr_queues, sizeof(*ses->replay), GFP_KERNEL);
	if (!ses->replay)
		goto err_free;
	for (i = 0; i < nr_queues; i++) {
		ses->replay[i] = kvcalloc(nr_slots, sizeof(**ses->replay), GFP_KERNEL);
		if (!ses->replay[i])
			goto err_free_replay;
	}
	err = fsva_creds_init(ses);
	if (err)
		goto err_free_replay;

	mutex_lock(&fb->stats_lock);
	fb->ses = ses;
	mutex_unlock(&fb->stats_lock);
	return ses;

err_free_replay:
	for (i = 0; i < nr_queues; i++)
		kvfree(ses->replay[i]);
	kfree(ses->replay);
err_free:
	kvfree(ses);
	return ERR_PTR(err);
}

/* No call runs any more.  Closes the files, unmounts, and waits for both. */
void fsva_session_free(struct fsva_session *ses)
{
	struct fsva_back *fb = ses->fb;
	unsigned int i;

	fsva_session_close(ses);
	fsva_unmount(ses, true);

	mutex_lock(&fb->stats_lock);
	if (fb->ses == ses)
		fb->ses = NULL;
	mutex_unlock(&fb->stats_lock);

	fsva_creds_free(ses);
	for (i = 0; i < ses->nr_queues; i++)
		kvfree(ses->replay[i]);
	kfree(ses->replay);
	kvfree(ses);
}
