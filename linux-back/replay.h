/* SPDX-License-Identifier: GPL-2.0 */
/*
 * replay.h: the answers that are kept for calls that must not run twice.  No VFS and no Xen in it: a unit test
 * builds replay.c on a shim.
 */
#ifndef FSVA_REPLAY_H
#define FSVA_REPLAY_H

#include <linux/types.h>

#include "fsva_wire.h"

/* What was answered last under a tag of a queue.  The queue's lock guards it. */
struct fsva_replay {
	u64 last_id;
	u32 sum;			/* of that request's contents */
	bool kept;			/* rsp is the answer to last_id */
	bool grants;			/* which hands out references of ours */
	struct fsva_rsp rsp;
};

enum fsva_replay_what {
	FSVA_REPLAY_RUN,		/* a new request */
	FSVA_REPLAY_RERUN,		/* asked again; nothing was kept: it may run twice */
	FSVA_REPLAY_KEPT,		/* asked again; *rsp is the answer that was given */
	FSVA_REPLAY_BREACH,		/* id, flags or contents break the rules */
};

enum fsva_replay_what fsva_replay_begin(const struct fsva_replay *r, const struct fsva_req *req,
					struct fsva_rsp *rsp);
void fsva_replay_end(struct fsva_replay *r, const struct fsva_req *req, const struct fsva_rsp *rsp);
u32 fsva_replay_sum(const struct fsva_req *req);
void fsva_replay_moved(struct fsva_replay *r);
void fsva_replay_moved_answer(const struct fsva_req *req, struct fsva_rsp *rsp);

#endif /* FSVA_REPLAY_H */
