// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c: slots, kept requests, submit and complete.  Knows no operation and
 * no VFS type.
 *
 * The life of a call:
 *	fsva_ring_claim()	takes a free one, waits for it if need be
 *	(call.c packs call->req and call->staging, grant.c adds pages)
 *	fsva_ring_submit()	copies the request whole to its slot
 *	fsva_ring_wait()	until answered, killed, or disconnected
 *	(call.c reads call->rsp, our private and checked copy)
 *	fsva_ring_release()	free again
 * A call with ->done is not waited for: done() gets it, maybe in an interrupt.
 * A waiter that is killed leaves its call behind as an orphan, with all that
 * was granted for it; call.c cleans up when the answer arrives.
 *
 * How a waiter waits: while its window lasts, fsva_ring_watch() looks for answers
 * and takes those of all calls; then it blocks, and fsva_ring_poll() sees to it
 * that the back sends an event.  One task at a time watches a ring.
 *
 * Held (migrate.c), a ring keeps its requests; deaf, it takes no answers.  After a
 * move to another domain fsva_ring_renew() makes it a new one with the same pages
 * and calls, and fsva_ring_resend() puts all on it that has no answer.
 *
 * All indices are ours; the shared page has copies for the back to see.  What
 * the back writes is copied once, checked, and only then used.  The first
 * breach of a rule stops the device.
 */
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "front.h"
#include "trace.h"

/* ---- Waiting ---- */

#define FSVA_PATIENCE_SLICE	HZ		/* between looks at all this */
#define FSVA_PATIENCE_EXIT	(5 * HZ)	/* of a task that exits */
#define FSVA_PATIENCE_FREEZE	(5 * HZ)	/* until a wait may be frozen */

void fsva_patience_begin(struct fsva_patience *p, struct fsva_front *ff)
{
	p->ff = ff;
	p->start = jiffies;
	p->aborts = atomic_read(&ff->nr_aborts);
}

bool fsva_patience_aborted(const struct fsva_patience *p)
{
	return atomic_read(&p->ff->nr_aborts) != p->aborts ||
	       fsva_push_aborted(p->ff);
}

unsigned int fsva_patience_state(const struct fsva_patience *p)
{
	if (time_before(jiffies, p->start + FSVA_PATIENCE_FREEZE))
		return TASK_KILLABLE;
	return FSVA_WAIT_STATE;
}

long fsva_patience_slice(const struct fsva_patience *p)
{
	if (current->flags & PF_EXITING && READ_ONCE(p->ff->stalled))
		return 0;
	return FSVA_PATIENCE_SLICE;
}

/* left is what ___wait_event() says.  -EAGAIN: go on waiting. */
int fsva_patience_end(struct fsva_patience *p, long left)
{
	if (fsva_patience_aborted(p))
		return -EIO;
	if (left)
		return left < 0 ? -EINTR : 0;
	if (!(current->flags & PF_EXITING))
		return -EAGAIN;
	if (READ_ONCE(p->ff->stalled))
		return -EINTR;
	if (time_before(jiffies, p->start + FSVA_PATIENCE_EXIT))
		return -EAGAIN;
	/* Until something is answered; see fsva_ring_answer(). */
	WRITE_ONCE(p->ff->stalled, true);
	return -EINTR;
}

/* ---- Calls ---- */

static void *fsva_ring_slot(struct fsva_ring *ring, u32 index)
{
	index &= ring->nr_slots - 1;
	return ring->page[index / FSVA_SLOTS_PER_PAGE] +
	       index % FSVA_SLOTS_PER_PAGE * FSVA_SLOT_SIZE;
}

/*
 * Whoever has entered keeps rings, reserves and credentials in memory: teardown
 * makes the device dead, then waits until all have left.
 */
int fsva_ring_enter(struct fsva_front *ff, bool early)
{
	enum fsva_front_state state;

	atomic_inc(&ff->nr_busy);
	smp_mb__after_atomic();	/* with the one in fsva_front_stop() */
	state = READ_ONCE(ff->state);
	if (state == FSVA_FRONT_LIVE || (early && state == FSVA_FRONT_OFFERED))
		return 0;
	fsva_ring_leave(ff);
	return -EIO;
}

void fsva_ring_leave(struct fsva_front *ff)
{
	if (atomic_dec_and_test(&ff->nr_busy))
		wake_up_all(&ff->idle_wq);
}

/* ring->lock held. */
static void fsva_call_clean(struct fsva_call *call)
{
	call->state = FSVA_CALL_CLAIMED;
	call->put = false;
	call->readonly = false;
	call->by_event = false;
	call->slow = false;
	call->quiet = false;
	call->changes = false;
	call->closing = 0;
	call->window_ns = 0;
	call->err = 0;
	call->cred = NULL;
	call->done = NULL;
	call->abort = NULL;
	call->private = NULL;
	call->nr = 0;
	call->pinned = false;
	call->held = false;
	call->dirty = false;
}

static struct fsva_call *fsva_ring_take(struct fsva_ring *ring)
{
	struct fsva_call *call;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	call = list_first_entry_or_null(&ring->free, struct fsva_call, link);
	if (call) {
		list_del_init(&call->link);
		fsva_call_clean(call);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	return call;
}

/*
 * SESSION's call, which is there when all others wait for it to be answered.  The
 * caller has entered, and is the only one: it has ff->mutex.
 */
void fsva_ring_claim_control(struct fsva_front *ff, struct fsva_call **call)
{
	struct fsva_ring *ring = &ff->rings[0];

	spin_lock_irq(&ring->lock);
	*call = ring->control;
	fsva_call_clean(*call);
	spin_unlock_irq(&ring->lock);
}

/*
 * Take a free call of this queue; wait killably when there is none.  The caller
 * has entered; fsva_ring_release() leaves, and so does a failure here.
 */
struct fsva_call *fsva_ring_claim(struct fsva_ring *ring)
{
	struct fsva_front *ff = ring->ff;
	struct fsva_call *call = fsva_ring_take(ring);
	int err;

	if (call)
		return call;
	fsva_ring_listen(ring);
	err = fsva_wait(ff, ring->free_wq, 1, fsva_front_dead(ff) ||
			(call = fsva_ring_take(ring)));
	if (call)
		return call;
	/* The wake-up that we may have eaten is somebody else's. */
	wake_up(&ring->free_wq);
	fsva_ring_leave(ff);
	return ERR_PTR(err ? err : -EIO);
}

/* Whoever asks from now on sees what it did. */
static void fsva_call_over(struct fsva_call *call)
{
	struct fsva_front *ff = call->ring->ff;

	if (call->changes) {
		atomic64_inc(&ff->version);
		atomic_dec(&ff->nr_changing);
	}
	if (call->closing)
		fsva_closing_end(ff, call->closing);
}

/* Any context.  The call's data has been ended and its cred put. */
void fsva_ring_release(struct fsva_call *call)
{
	struct fsva_ring *ring = call->ring;
	struct fsva_front *ff = ring->ff;
	unsigned long flags;

	fsva_call_over(call);
	spin_lock_irqsave(&ring->lock, flags);
	call->state = FSVA_CALL_FREE;
	if (call != ring->control)
		list_add(&call->link, &ring->free);
	spin_unlock_irqrestore(&ring->lock, flags);
	wake_up(&ring->free_wq);
	fsva_ring_leave(ff);
}

/* ring->lock held.  Ask for an event with the next answer. */
static void fsva_ring_arm(struct fsva_ring *ring)
{
	ring->armed = true;
	WRITE_ONCE(ring->ctl->rsp_event, ring->rsp_cons + 1);
}

/* ring->lock held.  Nobody watches for this call: its answer needs an event. */
static void fsva_ring_by_event(struct fsva_call *call)
{
	if (call->by_event)
		return;
	call->by_event = true;
	call->ring->nr_by_event++;
}

/*
 * Somebody waits: those answers that were to be taken with the next one send
 * an event, or are here already.
 */
void fsva_ring_listen(struct fsva_ring *ring)
{
	struct fsva_call *call;
	unsigned long flags;
	bool any = false;
	unsigned int i;

	spin_lock_irqsave(&ring->lock, flags);
	for (i = 0; i < ring->nr_slots; i++) {
		call = &ring->calls[i];
		if (call->state != FSVA_CALL_SENT || !call->quiet)
			continue;
		call->quiet = false;
		fsva_ring_by_event(call);
		any = true;
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	if (any)
		fsva_ring_poll(ring);	/* arms */
}

/*
 * ring->lock held.  Put the request into its slot.  true: the back wants an event.
 *
 * There are as many slots as calls, and a call is free only after its response
 * was taken: this slot is not in use.
 */
static bool fsva_ring_put(struct fsva_ring *ring, struct fsva_call *call)
{
	u32 old = ring->req_prod, new;
	bool kick;

	fsva_grant_expose(call);
	call->put = true;
	memcpy(fsva_ring_slot(ring, old), &call->req, sizeof(call->req));
	new = ++ring->req_prod;
	virt_wmb();	/* the back sees the slot before the index */
	WRITE_ONCE(ring->ctl->req_prod, new);
	virt_mb();	/* the index before its wish for an event */
	kick = (u32)(new - READ_ONCE(ring->ctl->req_event)) <
	       (u32)(new - old);
	if (kick)
		ring->sig.sent++;
	else
		ring->sig.suppressed++;
	trace_fsva_front_put(call, kick);
	return kick;
}

/*
 * Put the request on the ring, or keep it until there is one.  From here on the
 * call is the ring's until it is done.  -EIO: the device is dead, the call still
 * the caller's.
 */
int fsva_ring_submit(struct fsva_call *call)
{
	struct fsva_ring *ring = call->ring;
	struct fsva_front *ff = ring->ff;
	unsigned long flags;
	bool kick = false, late = false;

	spin_lock_irqsave(&ring->lock, flags);
	if (fsva_front_dead(ff)) {
		spin_unlock_irqrestore(&ring->lock, flags);
		return -EIO;
	}
	call->req.id = atomic64_fetch_inc(&ff->next_id);
	call->req.tag = call->tag;
	call->state = FSVA_CALL_SENT;
	if (fsva_call_changes(call->req.op)) {
		/* Not the first time, perhaps: see fsva_call_run(). */
		if (!call->changes)
			atomic_inc(&ff->nr_changing);
		call->changes = true;
		atomic64_inc(&ff->version);
	}
	if (call->req.op < FSVA_OP_MAX)
		atomic64_inc(&ff->ops[call->req.op]);
	trace_fsva_front_request(call);
	call->sent_ns = ktime_get_ns();
	ring->sig.calls++;
	if (!call->done && !call->slow)
		call->window_ns = fsva_signal_window(&ring->sig);
	/*
	 * Quiet: its answer is taken with the next.  Not the last free call, for
	 * somebody may come to wait for one.
	 */
	if (call->quiet && (atomic_read(&ff->nr_listening) ||
			    list_empty(&ring->free) ||
			    ff->features & FSVA_FEATURE_UBC))
		call->quiet = false;
	if (!call->window_ns && !call->quiet) {
		fsva_ring_by_event(call);
		if (!ring->watched && !ring->armed) {
			fsva_ring_arm(ring);
			/* An answer that is there already sends none. */
			late = READ_ONCE(ring->ctl->rsp_prod) != ring->rsp_cons;
		}
	}

	if (!ring->hold || call == ring->control)
		kick = fsva_ring_put(ring, call);
	/*
	 * Without a waiter the call may be answered and free again as soon as
	 * the lock is: the ring stays for us all the same.
	 */
	atomic_inc(&ff->nr_busy);
	spin_unlock_irqrestore(&ring->lock, flags);

	if (kick)
		ring->notify->kick(ring);
	if (late)
		fsva_ring_poll(ring);
	fsva_front_watch(ff);
	fsva_ring_leave(ff);
	return 0;
}

static bool fsva_ring_call_over(void *arg)
{
	struct fsva_call *call = arg;

	/* The answer is read after the state. */
	return smp_load_acquire(&call->state) == FSVA_CALL_DONE;
}

/* Look for answers for a while; then the call is answered or by_event. */
static void fsva_ring_watch(struct fsva_call *call)
{
	struct fsva_ring *ring = call->ring;
	enum fsva_watch_end end;
	unsigned long flags;
	u64 start, took;
	bool watch;

	/* One who watches and does not run would hold up all the others. */
	preempt_disable();
	start = ktime_get_ns();
	spin_lock_irqsave(&ring->lock, flags);
	watch = call->state == FSVA_CALL_SENT && !ring->watched;
	if (watch) {
		ring->watched = true;
		ring->armed = false;
		WRITE_ONCE(ring->ctl->rsp_event, ring->rsp_cons);
	} else if (call->state == FSVA_CALL_SENT) {
		fsva_ring_by_event(call);
	}
	spin_unlock_irqrestore(&ring->lock, flags);

	while (watch) {
		end = fsva_signal_watch(&ring->sig, &ring->ctl->rsp_prod,
					READ_ONCE(ring->rsp_cons), start,
					call->window_ns, fsva_ring_call_over,
					call);
		if (end <= FSVA_WATCH_WOKEN) {
			fsva_ring_poll(ring);
			/* Else it was another call's answer, or the end. */
			if (!fsva_ring_call_over(call)) {
				end = fsva_front_dead(ring->ff) || need_resched() ?
				      FSVA_WATCH_YIELDED : FSVA_WATCH_MISSED;
				if (end == FSVA_WATCH_MISSED &&
				    ktime_get_ns() - start < call->window_ns)
					continue;
			}
		}
		spin_lock_irqsave(&ring->lock, flags);
		ring->watched = false;
		if (call->state == FSVA_CALL_SENT)
			fsva_ring_by_event(call);
		took = ktime_get_ns() - start;
		fsva_signal_watched(&ring->sig, end, took);
		trace_fsva_front_watch(ring, end, took);
		spin_unlock_irqrestore(&ring->lock, flags);
		fsva_ring_poll(ring);	/* arms, for those who block */
		break;
	}
	preempt_enable();
}

/*
 * Wait for a submitted call.  0: *callp is the caller's again, answered or with
 * call->err.  Otherwise the waiter was killed, exits or was told to go, *callp is
 * NULL, and the ring keeps the call.
 */
int fsva_ring_wait(struct fsva_call **callp)
{
	struct fsva_call *call = *callp;
	struct fsva_ring *ring = call->ring;
	struct fsva_front *ff = ring->ff;
	int aborts = atomic_read(&ff->nr_aborts);
	unsigned long flags;
	bool blocked = false;
	int err;

	if (call->window_ns)
		fsva_ring_watch(call);
	err = 0;
	if (!fsva_ring_call_over(call)) {
		blocked = true;
		/* fsva_wait() does not know what happened before it. */
		if (atomic_read(&ff->nr_aborts) != aborts)
			err = -EIO;
		else
			err = fsva_wait(ff, call->wq, 0,
					fsva_ring_call_over(call));
	}

	spin_lock_irqsave(&ring->lock, flags);
	ring->sig.blocked += blocked;
	if (call->state == FSVA_CALL_DONE) {
		call->state = FSVA_CALL_CLAIMED;
		spin_unlock_irqrestore(&ring->lock, flags);
		return 0;
	}
	call->state = FSVA_CALL_ORPHAN;
	trace_fsva_front_orphan(call);
	spin_unlock_irqrestore(&ring->lock, flags);
	/* Neither the call nor its ring is ours to look at any more. */
	atomic64_inc(&ff->nr_killed);
	*callp = NULL;
	return err;
}

/*
 * Wait for a submitted call, or for a signal or umount -f: then not 0, and it is
 * under way as before.  fsva_ring_wait() follows in either case.
 */
int fsva_ring_wait_signal(struct fsva_call *call)
{
	struct fsva_patience p;
	int err;

	/* Marked slow, so that its answer sends an event: nobody watches. */
	fsva_patience_begin(&p, call->ring->ff);
	err = ___wait_event(call->wq,
			    fsva_ring_call_over(call) ||
				fsva_patience_aborted(&p),
			    (TASK_INTERRUPTIBLE | TASK_FREEZABLE_UNSAFE), 0, 0,
			    schedule());
	return err ? err : fsva_patience_aborted(&p) ? -EIO : 0;
}

/* ring->lock held.  Hand a finished call to whoever has it now. */
static void fsva_ring_finish(struct fsva_call *call, int err,
			     struct list_head *done)
{
	enum fsva_call_state was = call->state;
	u64 took_ns = ktime_get_ns() - call->sent_ns;

	call->err = err;
	if (call->by_event) {
		call->by_event = false;
		call->ring->nr_by_event--;
	}
	if (!err) {
		atomic64_add(fsva_wire_req_data_in(&call->req),
			     &call->ring->ff->octets_out);
		if (fsva_wire_op(call->req.op)->flags & FSVA_F_DATA_OUT)
			atomic64_add(call->rsp.data_len,
				     &call->ring->ff->octets_in);
		if (!call->slow)
			fsva_signal_called(&call->ring->sig, took_ns);
	}
	trace_fsva_front_answer(call, err, took_ns);
	if (was == FSVA_CALL_ORPHAN) {
		call->state = FSVA_CALL_CLAIMED;
		fsva_orphaned(call);
	} else if (call->done) {
		call->state = FSVA_CALL_CLAIMED;
		list_add_tail(&call->link, done);
	} else {
		/* The waiter reads err and rsp after it has seen the state. */
		smp_store_release(&call->state, FSVA_CALL_DONE);
		wake_up(&call->wq);
	}
}

static void fsva_ring_run_done(struct list_head *done)
{
	struct fsva_call *call, *next;

	list_for_each_entry_safe(call, next, done, link) {
		list_del_init(&call->link);
		call->done(call);
	}
}

/* ring->lock held.  One response, already copied to ring->rsp.  NULL: fine. */
static const char *fsva_ring_answer(struct fsva_ring *ring,
				    struct list_head *done)
{
	const struct fsva_rsp *rsp = &ring->rsp;
	struct fsva_call *call;

	if (rsp->tag >= ring->nr_slots)
		return "an answer's tag is out of range";
	call = &ring->calls[array_index_nospec(rsp->tag, ring->nr_slots)];
	if (call->state != FSVA_CALL_SENT && call->state != FSVA_CALL_ORPHAN)
		return "an answer that nobody asked for";
	if (!call->put)
		return "an answer to a request that it has not seen";
	if (fsva_wire_check_rsp(rsp, &call->req) != FSVA_OK)
		return "an answer does not fit its request";
	if (rsp->piggy.nr) {
		if (!(ring->ff->features & FSVA_FEATURE_UBC))
			return "reports that nobody asked for";
		fsva_ubc_take(ring->ff, &rsp->piggy);
	}
	call->rsp = *rsp;
	if (READ_ONCE(ring->ff->stalled))
		WRITE_ONCE(ring->ff->stalled, false);
	fsva_ring_finish(call, 0, done);
	return NULL;
}

/*
 * Take all responses that are there, and see to it that those who block hear of
 * the next.  Any context.  false: there was none.
 */
static bool fsva_ring_take_answers(struct fsva_ring *ring, bool event)
{
	const char *why = NULL;
	unsigned long flags;
	LIST_HEAD(done);
	bool any = false;
	u32 prod;

	spin_lock_irqsave(&ring->lock, flags);
	while (!why && !ring->deaf && !fsva_front_dead(ring->ff)) {
		prod = READ_ONCE(ring->ctl->rsp_prod);
		virt_rmb();	/* see every slot up to prod */
		if (prod == ring->rsp_cons) {
			if (ring->watched || !ring->nr_by_event)
				break;
			fsva_ring_arm(ring);
			virt_mb();	/* our wish before another look */
			if (READ_ONCE(ring->ctl->rsp_prod) == prod)
				break;
			continue;
		}
		if (prod - ring->rsp_cons > ring->req_prod - ring->rsp_cons) {
			why = "the answer index ran past the ring";
			break;
		}
		while (!why && ring->rsp_cons != prod) {
			memcpy(&ring->rsp, fsva_ring_slot(ring, ring->rsp_cons),
			       sizeof(ring->rsp));
			barrier();	/* nobody reads the slot again */
			WRITE_ONCE(ring->rsp_cons, ring->rsp_cons + 1);
			why = fsva_ring_answer(ring, &done);
			any = true;
		}
		ring->armed = false;	/* its event is behind now */
	}
	ring->useful |= any;
	if (event) {
		ring->sig.events++;
		/* Somebody may have watched and been faster. */
		any = ring->useful || ring->deaf;
		ring->useful = false;
		/* Or it has reports, and no answer to put them in, or events. */
		if (!any && !ring->index)
			any = fsva_ubc_bell(ring->ff) |
			      fsva_push_bell(ring->ff);
		ring->sig.spurious += !any;
	}
	spin_unlock_irqrestore(&ring->lock, flags);

	fsva_ring_run_done(&done);
	if (why)
		fsva_front_stop(ring->ff, why);
	return any;
}

bool fsva_ring_poll(struct fsva_ring *ring)
{
	return fsva_ring_take_answers(ring, false);
}

/* An event came.  false: for nothing. */
bool fsva_ring_event(struct fsva_ring *ring)
{
	return fsva_ring_take_answers(ring, true);
}

/* The device has just died: nothing will be answered any more.  Any context. */
void fsva_ring_fail(struct fsva_ring *ring)
{
	struct fsva_call *call;
	unsigned long flags;
	LIST_HEAD(done);

	spin_lock_irqsave(&ring->lock, flags);
	for (call = ring->calls; call < ring->calls + ring->nr_slots; call++)
		if (call->state == FSVA_CALL_SENT ||
		    call->state == FSVA_CALL_ORPHAN)
			fsva_ring_finish(call, -EIO, &done);
	spin_unlock_irqrestore(&ring->lock, flags);
	wake_up_all(&ring->free_wq);
	fsva_ring_run_done(&done);
}

/*
 * umount -f was counted: send the waiters home; their calls become orphans.  So
 * does what nobody waits for but somebody hangs by: ->abort lets him go, under
 * the lock, after which the call may be answered and gone.
 */
void fsva_ring_abort(struct fsva_ring *ring)
{
	struct fsva_call *call;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	for (call = ring->calls; call < ring->calls + ring->nr_slots; call++) {
		if (call->state != FSVA_CALL_SENT || !call->abort)
			continue;
		call->state = FSVA_CALL_ORPHAN;
		call->abort(call);
	}
	spin_unlock_irqrestore(&ring->lock, flags);
	for (call = ring->calls; call < ring->calls + ring->nr_slots; call++)
		wake_up_all(&call->wq);
	wake_up_all(&ring->free_wq);
}

/*
 * Allocate and grant a queue's pages and calls.  A failure is undone by
 * fsva_ring_teardown(), as success is.
 */
int fsva_ring_setup(struct fsva_front *ff, struct fsva_ring *ring,
		    unsigned int index, unsigned int order)
{
	unsigned int i;
	int err;

	ring->ff = ff;
	ring->index = index;
	ring->nr_pages = 1u << order;
	ring->nr_slots = FSVA_SLOTS_PER_PAGE << order;
	ring->irq = -1;
	ring->notify = &fsva_notify_event;
	fsva_signal_init(&ring->sig, ff->signal);
	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->free);
	init_waitqueue_head(&ring->free_wq);
	snprintf(ring->name, sizeof(ring->name), "fsva-%s-%u", ff->tag, index);

	ring->calls = kvcalloc(ring->nr_slots, sizeof(*ring->calls),
			       GFP_KERNEL);
	ring->ctl = (void *)get_zeroed_page(GFP_KERNEL);
	if (!ring->calls || !ring->ctl)
		return -ENOMEM;
	err = fsva_grant_share(ff, ring->ctl, &ring->ctl_ref);
	if (err)
		return err;
	ring->ctl->magic = FSVA_RING_MAGIC;
	ring->ctl->version = FSVA_VERSION;
	ring->ctl->nr_slots = ring->nr_slots;
	ring->ctl->req_event = 1;
	ring->ctl->rsp_event = 1;
	ring->armed = true;

	for (i = 0; i < ring->nr_pages; i++) {
		ring->page[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!ring->page[i])
			return -ENOMEM;
		err = fsva_grant_share(ff, ring->page[i], &ring->page_ref[i]);
		if (err)
			return err;
		ring->ctl->slot_ref[i] = ring->page_ref[i];
	}
	for (i = 0; i < ring->nr_slots; i++) {
		struct fsva_call *call = &ring->calls[i];

		call->ring = ring;
		call->tag = i;
		init_waitqueue_head(&call->wq);
		call->staging = (void *)get_zeroed_page(GFP_KERNEL);
		if (!call->staging)
			return -ENOMEM;
		err = fsva_grant_share(ff, call->staging, &call->staging_ref);
		if (err)
			return err;
		ring->ctl->staging_ref[i] = call->staging_ref;
		INIT_LIST_HEAD(&call->link);
		if (!index && i == ring->nr_slots - 1)
			ring->control = call;
		else
			list_add_tail(&call->link, &ring->free);
	}
	return ring->notify->connect(ring);
}

/* ---- A suspend, and another domain ---- */

void fsva_ring_hold(struct fsva_ring *ring, bool hold, bool deaf)
{
	spin_lock_irq(&ring->lock);
	ring->hold = hold;
	ring->deaf = deaf;
	spin_unlock_irq(&ring->lock);
}

/* Has the back pages of ours in use, for a call that is on the ring? */
bool fsva_ring_has_data(struct fsva_ring *ring)
{
	struct fsva_call *call;
	bool has = false;

	spin_lock_irq(&ring->lock);
	for (call = ring->calls; call < ring->calls + ring->nr_slots; call++)
		has |= (call->state == FSVA_CALL_SENT ||
			call->state == FSVA_CALL_ORPHAN) &&
		       call->put && call->req.data_len;
	spin_unlock_irq(&ring->lock);
	return has;
}

/*
 * Held and deaf: begin anew, with the same pages under the same references, granted
 * to ff->otherend, and another event channel.  What the old back wrote is not
 * looked at: it may have come here or not.
 */
int fsva_ring_renew(struct fsva_ring *ring)
{
	struct fsva_front *ff = ring->ff;
	unsigned int i;

	ring->notify->disconnect(ring);
	fsva_grant_renew(ff, ring->ctl, ring->ctl_ref);
	for (i = 0; i < ring->nr_pages; i++)
		fsva_grant_renew(ff, ring->page[i], ring->page_ref[i]);
	for (i = 0; i < ring->nr_slots; i++)
		fsva_grant_renew(ff, ring->calls[i].staging,
				 ring->calls[i].staging_ref);

	spin_lock_irq(&ring->lock);
	for (i = 0; i < ring->nr_pages; i++)
		memset(ring->page[i], 0, FSVA_PAGE_SIZE);
	ring->req_prod = 0;
	WRITE_ONCE(ring->rsp_cons, 0);
	WRITE_ONCE(ring->ctl->req_prod, 0);
	WRITE_ONCE(ring->ctl->rsp_prod, 0);
	WRITE_ONCE(ring->ctl->req_event, 1);
	WRITE_ONCE(ring->ctl->rsp_event, 1);
	ring->armed = true;
	for (i = 0; i < ring->nr_slots; i++)
		ring->calls[i].put = false;
	spin_unlock_irq(&ring->lock);
	return ring->notify->connect(ring);
}

/*
 * Let requests through, those first that wait, in the order in which they were
 * made.  moved: the ring is a new one.  Says how many there were.
 */
unsigned int fsva_ring_resend(struct fsva_ring *ring, bool moved)
{
	struct fsva_call *call, *next;
	unsigned int nr = 0;
	bool kick = false;
	u64 last = 0;

	spin_lock_irq(&ring->lock);
	for (;;) {
		next = NULL;
		for (call = ring->calls; call < ring->calls + ring->nr_slots;
		     call++)
			if ((call->state == FSVA_CALL_SENT ||
			     call->state == FSVA_CALL_ORPHAN) && !call->put &&
			    call->req.id > last &&
			    (!next || call->req.id < next->req.id))
				next = call;
		if (!next)
			break;
		last = next->req.id;
		/* Also where it was not: the back knows what it has seen. */
		if (moved)
			next->req.flags |= FSVA_REQ_RESENT;
		kick |= fsva_ring_put(ring, next);
		nr++;
	}
	ring->hold = false;
	spin_unlock_irq(&ring->lock);
	if (kick)
		ring->notify->kick(ring);
	fsva_ring_poll(ring);	/* arms, for those who block */
	return nr;
}

/* No call is claimed, nobody comes in any more.  May run on a half-made ring. */
void fsva_ring_teardown(struct fsva_ring *ring)
{
	unsigned int i;

	if (!ring->ff)
		return;
	ring->notify->disconnect(ring);
	for (i = 0; ring->calls && i < ring->nr_slots; i++)
		fsva_grant_unshare(&ring->calls[i].staging_ref,
				   ring->calls[i].staging);
	for (i = 0; i < ring->nr_pages; i++)
		fsva_grant_unshare(&ring->page_ref[i], ring->page[i]);
	fsva_grant_unshare(&ring->ctl_ref, ring->ctl);
	kvfree(ring->calls);
	memset(ring, 0, sizeof(*ring));
}
