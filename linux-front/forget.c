// SPDX-License-Identifier: GPL-2.0
/*
 * forget.c: what the VFS let go of, and what nobody waits for any more: given
 * back to the appliance.
 *
 * What close() and unlink() let go of is sent and not waited for ("quiet", ring.c):
 * a round trip less for each.  What they free is free when they return all the
 * same, to all who could tell: those who ask how much is free, or whether anybody
 * has a file open, wait for what is under way first (fsva_quiet_wait()), and who
 * is told that there is no space left asks again after it (fsva_call_run()).
 */
#include <linux/hash.h>
#include <linux/slab.h>

#include "front.h"
#include "call.h"

/* An inode that was looked up, or an open file, to be given back. */
static struct fsva_call *fsva_forget_start(struct fsva_front *ff,
					   const struct fsva_forget *fg)
{
	u16 op = fg->handle ? FSVA_OP_DENTRY_RELEASE : FSVA_OP_RELEASE;
	struct fsva_call *call = fsva_call_begin(ff, op, NULL);

	if (IS_ERR(call))
		return call;
	if (fg->handle) {
		struct fsva_dentry_release_req *q = fsva_call_req(call);

		q->handle = fg->handle;
		q->nr_lookups = fg->nr_lookups;
	} else {
		struct fsva_release_req *q = fsva_call_req(call);

		q->fh = fg->fh;
		call->closing = fg->closing;
	}
	return call;
}

/* ---- Closes that may change attributes ---- */

/*
 * The last close of a file that was written may: it frees what was allocated in
 * advance.  Those under way are counted by inode, or nearly; see fsva_inode_fresh().
 */
u8 fsva_closing_place(u64 handle)
{
	return hash_64(handle, FSVA_CLOSING_BITS) + 1;
}

void fsva_closing_begin(struct fsva_front *ff, u8 place)
{
	atomic_inc(&ff->closing[place - 1].nr);
}

void fsva_closing_end(struct fsva_front *ff, u8 place)
{
	struct fsva_closing *c = &ff->closing[place - 1];

	atomic64_set(&c->over, atomic64_read(&ff->version) + 1);
	atomic_dec_return_release(&c->nr);
}

/* None of an inode there has been under way since ff->version was `version`. */
bool fsva_closing_none(struct fsva_front *ff, u8 place, u64 version)
{
	struct fsva_closing *c = &ff->closing[place - 1];

	return !atomic_read_acquire(&c->nr) &&
	       atomic64_read(&c->over) <= version;
}

/* ---- Quietly ---- */

bool fsva_quiet_over(struct fsva_front *ff)
{
	return !READ_ONCE(ff->nr_quiet);
}

/*
 * Answers that nobody waits for send no event, and lie on the ring until another
 * one is taken.  While somebody is in here, they do.
 */
static void fsva_listen_begin(struct fsva_front *ff)
{
	unsigned int i;

	atomic_inc(&ff->nr_listening);
	for (i = 0; i < ff->nr_queues; i++)
		fsva_ring_listen(&ff->rings[i]);
}

static void fsva_listen_end(struct fsva_front *ff)
{
	atomic_dec(&ff->nr_listening);
}

/*
 * For who has entered: until what was let go of is let go of in the appliance, too.
 * Killable.
 */
int fsva_quiet_wait_entered(struct fsva_front *ff)
{
	int err;

	if (fsva_quiet_over(ff))
		return 0;
	fsva_listen_begin(ff);
	err = fsva_wait(ff, ff->forget_wq, 0, fsva_quiet_over(ff));
	fsva_listen_end(ff);
	return err;
}

/* The same for others. */
int fsva_quiet_wait(struct fsva_front *ff)
{
	int err;

	if (fsva_quiet_over(ff))
		return 0;
	err = fsva_ring_enter(ff, false);
	if (err)
		return err;
	err = fsva_quiet_wait_entered(ff);
	fsva_ring_leave(ff);
	return err;
}

static void fsva_quiet_done(struct fsva_call *call)
{
	struct fsva_front *ff = call->ring->ff;
	unsigned long flags;

	fsva_ring_release(call);
	spin_lock_irqsave(&ff->forget_lock, flags);
	ff->nr_quiet--;
	ff->nr_forgets--;
	if (!ff->nr_quiet)
		wake_up_all(&ff->forget_wq);
	spin_unlock_irqrestore(&ff->forget_lock, flags);
}

/*
 * Sent at once if the task may wait for a free call, and not waited for; otherwise
 * later.  Takes fg over.
 */
void fsva_forget_quietly(struct fsva_front *ff, struct fsva_forget *fg)
{
	struct fsva_call *call;
	unsigned long flags;

	if (current->flags & (PF_MEMALLOC | PF_KTHREAD)) {
		fsva_forget_later(ff, fg);
		return;
	}
	call = fsva_forget_start(ff, fg);
	if (IS_ERR(call)) {
		fsva_forget_later(ff, fg);
		return;
	}
	kfree(fg);
	spin_lock_irqsave(&ff->forget_lock, flags);
	ff->nr_quiet++;
	ff->nr_forgets++;
	spin_unlock_irqrestore(&ff->forget_lock, flags);
	call->done = fsva_quiet_done;
	call->quiet = true;
	call->slow = true;	/* its answer is taken whenever */
	if (fsva_ring_submit(call))
		fsva_quiet_done(call);
}

/* ---- All else ---- */

/* Later, without waiting or allocating.  Takes fg over. */
void fsva_forget_later(struct fsva_front *ff, struct fsva_forget *fg)
{
	unsigned long flags;

	spin_lock_irqsave(&ff->forget_lock, flags);
	list_add_tail(&fg->link, &ff->forgets);
	ff->nr_forgets++;
	spin_unlock_irqrestore(&ff->forget_lock, flags);
	queue_work(fsva_wq, &ff->forget_work);
}

/* The same, but waited for. */
void fsva_forget(struct fsva_front *ff, struct fsva_forget *fg)
{
	struct fsva_call *call;

	if (current->flags & (PF_MEMALLOC | PF_KTHREAD)) {
		fsva_forget_later(ff, fg);
		return;
	}
	call = fsva_forget_start(ff, fg);
	if (IS_ERR(call)) {
		fsva_forget_later(ff, fg);
		return;
	}
	fsva_call_finish(call, NULL, 0);
	kfree(fg);
}

/* For errors on the way to an inode or file, with no memory set aside for it. */
void fsva_forget_now(struct fsva_front *ff, u64 handle, u64 fh)
{
	struct fsva_forget *fg;

	if (fh) {
		fg = kzalloc(sizeof(*fg), GFP_KERNEL | __GFP_NOFAIL);
		fg->fh = fh;
		fsva_forget(ff, fg);
	}
	if (handle) {
		fg = kzalloc(sizeof(*fg), GFP_KERNEL | __GFP_NOFAIL);
		fg->handle = handle;
		fg->nr_lookups = 1;
		fsva_forget(ff, fg);
	}
}

/* Until what was queued is given back.  Killable. */
int fsva_forgets_wait(struct fsva_front *ff)
{
	int err = fsva_quiet_wait(ff);

	return err ? err : fsva_wait(ff, ff->forget_wq, 0,
				     READ_ONCE(ff->nr_forgets) == 0);
}

/* The same for the end of a mount: it may take long, and nobody hangs by it. */
void fsva_forgets_settle(struct fsva_front *ff)
{
	/* A dead device has done with all calls. */
	if (!fsva_ring_enter(ff, false)) {
		fsva_listen_begin(ff);
		wait_event_idle(ff->forget_wq, fsva_quiet_over(ff));
		fsva_listen_end(ff);
		fsva_ring_leave(ff);
	}
	wait_event_idle(ff->forget_wq, READ_ONCE(ff->nr_forgets) == 0);
}

static void fsva_forgotten(struct fsva_front *ff)
{
	unsigned long flags;

	spin_lock_irqsave(&ff->forget_lock, flags);
	if (!--ff->nr_forgets)
		wake_up_all(&ff->forget_wq);
	spin_unlock_irqrestore(&ff->forget_lock, flags);
}

static void fsva_forget_done(struct fsva_call *call)
{
	struct fsva_front *ff = call->ring->ff;

	fsva_ring_release(call);
	fsva_forgotten(ff);
}

void fsva_forget_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(work, struct fsva_front,
					     forget_work);
	struct fsva_forget *fg;
	struct fsva_call *call;
	unsigned long flags;

	for (;;) {
		spin_lock_irqsave(&ff->forget_lock, flags);
		fg = list_first_entry_or_null(&ff->forgets, struct fsva_forget,
					      link);
		if (fg)
			list_del(&fg->link);
		spin_unlock_irqrestore(&ff->forget_lock, flags);
		if (!fg)
			break;
		call = fsva_forget_start(ff, fg);
		if (IS_ERR(call) && fg->closing)
			fsva_closing_end(ff, fg->closing);
		kfree(fg);
		if (IS_ERR(call)) {
			/* Dead: the back has forgotten all by itself. */
			fsva_forgotten(ff);
			continue;
		}
		call->done = fsva_forget_done;
		if (fsva_ring_submit(call))
			fsva_forget_done(call);
		cond_resched();
	}
}

/* At once, and wait: in a work, which nobody kills and which allocates nothing. */
static void fsva_forget_sync(struct fsva_front *ff, u64 handle, u64 fh)
{
	struct fsva_forget file = { .fh = fh };
	struct fsva_forget inode = { .handle = handle, .nr_lookups = 1 };
	struct fsva_call *call;

	if (fh) {
		call = fsva_forget_start(ff, &file);
		if (!IS_ERR(call))
			fsva_call_finish(call, NULL, 0);
	}
	if (handle) {
		call = fsva_forget_start(ff, &inode);
		if (!IS_ERR(call))
			fsva_call_finish(call, NULL, 0);
	}
}

/* Under the ring's lock: the answer of a call that nobody waits for. */
void fsva_orphaned(struct fsva_call *call)
{
	struct fsva_front *ff = call->ring->ff;
	unsigned long flags;

	spin_lock_irqsave(&ff->forget_lock, flags);
	list_add_tail(&call->link, &ff->orphans);
	spin_unlock_irqrestore(&ff->forget_lock, flags);
	queue_work(fsva_wq, &ff->orphan_work);
}

/* Free an orphan, then give back what its answer had brought. */
static void fsva_orphan_bury(struct fsva_front *ff, struct fsva_call *call)
{
	u32 refs[FSVA_MAP_MAX], nr_refs = 0;
	u64 handle = 0, fh = 0;
	struct fsva_lock_req unlock;
	u16 undo = 0;

	if (!call->err && !call->rsp.error) {
		const struct fsva_create_rsp *made = fsva_call_rsp(call);
		const struct fsva_open_rsp *open = fsva_call_rsp(call);
		const struct fsva_map_page_rsp *map = fsva_call_rsp(call);
		const struct fsva_map_page_req *q = fsva_call_req(call);

		switch (call->req.op) {
		case FSVA_OP_LOOKUP:
			handle = made->entry.handle;
			break;
		case FSVA_OP_CREATE:
		case FSVA_OP_TMPFILE:
			fh = made->fh;
			fallthrough;
		case FSVA_OP_MKNOD:
		case FSVA_OP_MKDIR:
		case FSVA_OP_SYMLINK:
		case FSVA_OP_LINK:
			handle = made->entry.handle;
			break;
		case FSVA_OP_DECODE_FH:
		case FSVA_OP_GET_PARENT:
			handle = made->entry.handle;
			break;
		case FSVA_OP_OPEN:
			fh = open->fh;
			break;
		case FSVA_OP_MAP_PAGE:
			if (q->flags & FSVA_MAP_AGAIN)
				break;
			nr_refs = map->nr_pages;
			memcpy(refs, map->gref, nr_refs * sizeof(*refs));
			break;
		case FSVA_OP_FREEZE:
			undo = FSVA_OP_THAW;
			break;
		case FSVA_OP_LOCK:
		case FSVA_OP_FLOCK:
			memcpy(&unlock, fsva_call_req(call), sizeof(unlock));
			if (unlock.type != FSVA_LOCK_UNLOCK)
				undo = call->req.op;
			unlock.type = FSVA_LOCK_UNLOCK;
			unlock.flags &= ~FSVA_LOCKF_WAIT;
			break;
		}
	} else if (call->req.op == FSVA_OP_MOUNT) {
		/* Were it mounted, the work of the unmount would do the rest. */
		WRITE_ONCE(ff->mounted, false);
	} else if (call->req.op == FSVA_OP_SYNCFS && !call->err) {
		/* Told once, and to nobody: see fsva_sync_fs(). */
		xchg(&ff->wb_err, fsva_call_errno(call->rsp.error));
	}
	fsva_call_doubt(ff, call->req.op);
	/* Not into another session: its handles are others. */
	atomic_inc(&ff->nr_busy);
	fsva_call_end(call);
	if (undo == FSVA_OP_THAW)
		fsva_call_freeze(ff, undo);
	else if (undo)
		fsva_call_lock(ff, undo, &unlock);
	fsva_forget_sync(ff, handle, fh);
	if (nr_refs)
		fsva_call_unmap_page(ff, refs, nr_refs);
	fsva_ring_leave(ff);
}

void fsva_orphan_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(work, struct fsva_front,
					     orphan_work);
	struct fsva_call *call;
	unsigned long flags;

	for (;;) {
		spin_lock_irqsave(&ff->forget_lock, flags);
		call = list_first_entry_or_null(&ff->orphans, struct fsva_call,
						link);
		if (call)
			list_del_init(&call->link);
		spin_unlock_irqrestore(&ff->forget_lock, flags);
		if (!call)
			break;
		fsva_orphan_bury(ff, call);
	}
}
