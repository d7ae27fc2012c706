// SPDX-License-Identifier: GPL-2.0
/*
 * ring.c: moves slots.  xenbus.c creates a link and stops it; the workers here take requests, hand each one to
 * fsva_call_run() and put its answer on the ring.  Nothing here knows what an operation is.
 *
 * In order: fsva_link_create() maps the shared pages, binds the event channels and starts the first workers.
 * The event handler wakes one worker of its queue; fsva_queue_take() copies one slot.  fsva_link_stop() ends it:
 * every queue is marked under its lock, after which no shared index is read and no event sent (he who watches one
 * without the lock does so in an RCU read section); the workers leave when their requests are done;
 * fsva_link_reap() waits for them and frees everything.
 *
 * A suspend (migrate.c): fsva_link_pause() marks every queue in the same way and unmaps all; calls that run go on,
 * and wait with their answers.  fsva_link_unpause() maps the same pages again.  Or, in another domain,
 * fsva_link_park(), and fsva_link_renew() when the front has come with a new ring.  Then what was taken from the old
 * one (c->epoch) is not answered until the front asks again, and it asks about everything that it has no answer to.
 */
#include <linux/fs_struct.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <xen/events.h>
#include <xen/xen.h>

#include "back.h"

#define FSVA_MIN_WORKERS	2		/* of a queue, always there */
#define FSVA_IDLE_JIFFIES	(30 * HZ)	/* after that a worker above the minimum leaves */
#define FSVA_PAUSE_JIFFIES	(10 * HZ)	/* that a suspend waits for calls with the user's pages */

/* ---- Mapping pages of the user's for as long as the link lives ---------------------------------------- */

void fsva_unmap(struct fsva_mapping *map)
{
	struct gnttab_unmap_grant_ref op;
	unsigned int i;

	if (!map->pages)
		return;
	for (i = 0; i < map->nr; i++) {
		struct page *page = map->pages[i];
		int err;

		if (map->handles[i] == INVALID_GRANT_HANDLE)
			continue;
		gnttab_set_unmap_op(&op, (unsigned long)page_address(page), GNTMAP_host_map, map->handles[i]);
		err = gnttab_unmap_refs(&op, NULL, &page, 1);
		if (err || op.status != GNTST_okay)
			map->pages[i] = NULL;	/* still the user's: lost to us for good */
	}
	for (i = 0; i < map->nr; i++)
		if (map->pages[i])
			gnttab_free_pages(1, &map->pages[i]);
	kvfree(map->pages);
	kvfree(map->handles);
	map->pages = NULL;
	map->handles = NULL;
	map->nr = 0;
}

int fsva_map(struct fsva_mapping *map, domid_t domid, const u32 *refs, unsigned int nr)
{
	struct gnttab_map_grant_ref *ops;
	unsigned int i;
	int err = -ENOMEM;

	map->nr = nr;
	map->pages = kvcalloc(nr, sizeof(*map->pages), GFP_KERNEL);
	map->handles = kvcalloc(nr, sizeof(*map->handles), GFP_KERNEL);
	ops = kvcalloc(nr, sizeof(*ops), GFP_KERNEL);
	if (!map->pages || !map->handles || !ops)
		goto err_free;
	if (gnttab_alloc_pages(nr, map->pages))
		goto err_free;

	for (i = 0; i < nr; i++) {
		map->handles[i] = INVALID_GRANT_HANDLE;
		gnttab_set_map_op(&ops[i], (unsigned long)page_address(map->pages[i]), GNTMAP_host_map,
				  refs[i], domid);
	}
	err = gnttab_map_refs(ops, NULL, map->pages, nr);
	for (i = 0; i < nr; i++) {
		if (ops[i].status == GNTST_okay)
			map->handles[i] = ops[i].handle;
		else if (!err)
			err = -EFAULT;
	}
	kvfree(ops);
	if (err)
		fsva_unmap(map);
	return err;

err_free:
	kvfree(ops);
	kvfree(map->pages);
	kvfree(map->handles);
	map->pages = NULL;
	map->handles = NULL;
	map->nr = 0;
	return err;
}

/* ---- The ring ----------------------------------------------------------------------------------------- */

static void *fsva_queue_slot(struct fsva_queue *q, u32 index)
{
	unsigned int slot = index & (q->link->nr_slots - 1);

	return q->slots[slot / FSVA_SLOTS_PER_PAGE] + (slot % FSVA_SLOTS_PER_PAGE) * FSVA_SLOT_SIZE;
}

/* Let the event channel go on.  q->lock is held. */
static void fsva_queue_eoi(struct fsva_queue *q)
{
	if (!READ_ONCE(q->eoi_due))
		return;
	WRITE_ONCE(q->eoi_due, false);
	q->sig.spurious += !q->useful;
	xen_irq_lateeoi(q->irq, q->useful ? 0 : XEN_EOI_FLAG_SPURIOUS);
	q->useful = false;
}

/* Is there no request?  Says so to the front before it looks a last time.  q->lock is held. */
static bool fsva_queue_empty(struct fsva_queue *q)
{
	if (READ_ONCE(q->ctl->req_prod) != q->req_cons)
		return false;
	WRITE_ONCE(q->ctl->req_event, q->req_cons + 1);
	virt_mb();	/* ask for an event, then look: pairs with the front's, which adds, then looks for who asks */
	return READ_ONCE(q->ctl->req_prod) == q->req_cons;
}

enum fsva_take {
	FSVA_TAKE_NONE, FSVA_TAKE_REQUEST, FSVA_TAKE_REPLAYED, FSVA_TAKE_JOINED, FSVA_TAKE_STOPPED, FSVA_TAKE_WATCH
};

/* How long to watch a ring that has no request; 0: somebody watches, or it is not worth it.  q->lock is held. */
static u32 fsva_queue_window(struct fsva_queue *q)
{
	if (q->watched || READ_ONCE(q->ctl->req_prod) != q->req_cons)
		return 0;
	return fsva_signal_window(&q->sig);
}

/*
 * A request whose tag is in flight: asked again after a reconnect, while it still runs or waits?  Then the call that
 * runs answers it.  Contents that it has not used yet, the grants among them, are the new request's.  q->lock is held.
 */
static bool fsva_queue_join(struct fsva_queue *q, struct fsva_call *running, const struct fsva_req *req)
{
	if (!(req->flags & FSVA_REQ_RESENT) || running->epoch == q->epoch || running->req.id != req->id ||
	    fsva_replay_sum(&running->req) != fsva_replay_sum(req))
		return false;
	if (!running->begun && req->data_len)
		memcpy(&running->req, req, sizeof(*req));
	WRITE_ONCE(running->epoch, q->epoch);
	atomic64_inc(&q->link->fb->stats.joined);
	wake_up_all(&q->resumed);
	return true;
}

/*
 * Copy the next request to c->req, if there is one.  With FSVA_TAKE_REPLAYED its answer is in c->rsp already, with
 * FSVA_TAKE_JOINED another worker will answer it.  FSVA_TAKE_WATCH: there is none, and the caller is to watch for
 * *window_ns, which goes in as 0 when it just did.  All that concerns the ring itself, index, tag and id, is checked
 * here; a breach stops the link.
 */
static enum fsva_take fsva_queue_take(struct fsva_queue *q, struct fsva_call *c, u32 *window_ns)
{
	struct fsva_link *link = q->link;
	struct fsva_call *running;
	const char *breach;
	enum fsva_replay_what what;
	bool more;
	u32 prod;

	spin_lock(&q->lock);
	if (q->stopped || q->paused) {
		spin_unlock(&q->lock);
		return q->stopped ? FSVA_TAKE_STOPPED : FSVA_TAKE_NONE;
	}
	smp_store_mb(q->pending, false);	/* before the look at the ring: an event from here on counts anew */
	if (*window_ns)
		*window_ns = fsva_queue_window(q);
	if (*window_ns) {
		q->watched = true;
		WRITE_ONCE(q->ctl->req_event, q->req_cons);	/* behind: no event */
		fsva_queue_eoi(q);
		spin_unlock(&q->lock);
		return FSVA_TAKE_WATCH;
	}
	if (q->watched ? READ_ONCE(q->ctl->req_prod) == q->req_cons : fsva_queue_empty(q)) {
		fsva_queue_eoi(q);
		q->sig.blocked++;
		spin_unlock(&q->lock);
		return FSVA_TAKE_NONE;
	}

	prod = READ_ONCE(q->ctl->req_prod);
	virt_rmb();	/* see every slot up to prod: pairs with the front's barrier before it writes req_prod */
	breach = "request index ran past the ring";
	if (prod - q->rsp_prod > link->nr_slots || prod - q->req_cons > link->nr_slots)
		goto err_breach;
	memcpy(&c->req, fsva_queue_slot(q, q->req_cons), sizeof(c->req));
	barrier();	/* one copy: nobody may read the slot again in place of it */
	q->req_cons++;
	q->useful = true;
	q->sig.calls++;
	c->taken_ns = ktime_get_ns();

	breach = "request with a tag out of range";
	if (c->req.tag >= link->nr_slots)
		goto err_breach;
	c->req.tag = array_index_nospec(c->req.tag, link->nr_slots);	/* an index from here on */
	breach = "request with a tag in flight";
	running = q->calls[c->req.tag];
	if (running && !fsva_queue_join(q, running, &c->req))
		goto err_breach;
	breach = "request with an id used before, or another under its id";
	what = FSVA_REPLAY_RUN;
	if (!running)
		what = fsva_replay_begin(&link->ses->replay[q->index][c->req.tag], &c->req, &c->rsp);
	if (what == FSVA_REPLAY_BREACH)
		goto err_breach;
	if (what == FSVA_REPLAY_KEPT)
		atomic64_inc(&link->fb->stats.replayed);
	else if (what == FSVA_REPLAY_RERUN)
		atomic64_inc(&link->fb->stats.rerun);
	if (!running)
		q->calls[c->req.tag] = c;
	c->epoch = q->epoch;
	c->begun = false;

	more = q->watched ? READ_ONCE(q->ctl->req_prod) != q->req_cons : !fsva_queue_empty(q);
	if (more)
		q->pending = true;
	else
		fsva_queue_eoi(q);
	/* Another worker must be there for what comes while this one waits in the file system. */
	if (!q->nr_idle && !q->watched && q->nr_workers < link->nr_slots)
		queue_work(fsva_wq, &q->grow);
	spin_unlock(&q->lock);

	if (more)
		wake_up(&q->wait);
	if (running)
		return FSVA_TAKE_JOINED;
	return what == FSVA_REPLAY_KEPT ? FSVA_TAKE_REPLAYED : FSVA_TAKE_REQUEST;

err_breach:
	q->stopped = true;
	spin_unlock(&q->lock);
	fsva_link_breach(link, "%s on queue %u", breach, q->index);
	return FSVA_TAKE_STOPPED;
}

/* Put an answer on the ring of the request, once it is there: the only place that writes a slot. */
static void fsva_queue_answer(struct fsva_queue *q, struct fsva_call *c)
{
	struct fsva_rsp *rsp = &c->rsp;
	bool notify = false;
	u32 old, epoch;

	spin_lock(&q->lock);
	epoch = q->epoch;
	fsva_call_await_ring(c);	/* a stopped link keeps the answer, below */
	if (unlikely(epoch != q->epoch))
		fsva_replay_moved_answer(&c->req, rsp);
	fsva_replay_end(&q->link->ses->replay[q->index][rsp->tag], &c->req, rsp);
	q->calls[rsp->tag] = NULL;
	if (!q->stopped) {
		/* Not in what is kept: each report is told once. */
		fsva_ubc_fill(q->link->ses, rsp);
		memcpy(fsva_queue_slot(q, q->rsp_prod), rsp, sizeof(*rsp));
		old = q->rsp_prod++;
		virt_wmb();	/* the slot before the index: pairs with the front's after it reads rsp_prod */
		WRITE_ONCE(q->ctl->rsp_prod, q->rsp_prod);
		virt_mb();	/* the index before the question: pairs with the front's after it writes rsp_event */
		notify = q->rsp_prod - READ_ONCE(q->ctl->rsp_event) < q->rsp_prod - old;
		if (notify) {
			q->sig.sent++;
			notify_remote_via_irq(q->irq);
		} else {
			q->sig.suppressed++;
		}
		fsva_signal_called(&q->sig, ktime_get_ns() - c->taken_ns);
	}
	spin_unlock(&q->lock);
}

/* There are reports, and no answer for them: the front is to ask. */
static void fsva_link_ring_bell(struct fsva_session *ses)
{
	struct fsva_queue *q = &ses->link->queues[0];

	spin_lock(&q->lock);
	if (!q->stopped && !q->paused && q->irq > 0)
		notify_remote_via_irq(q->irq);
	spin_unlock(&q->lock);
}

/*
 * No lock: until fsva_queue_eoi() there is no second event, and a worker that misses the marks is woken once more.
 */
static irqreturn_t fsva_queue_event(int irq, void *data)
{
	struct fsva_queue *q = data;

	q->sig.events++;	/* alone: no event comes before the last was ended */
	WRITE_ONCE(q->eoi_due, true);
	smp_store_release(&q->pending, true);	/* after eoi_due: whoever sees it ends the event */
	wake_up(&q->wait);
	return IRQ_HANDLED;
}

/* ---- Workers ------------------------------------------------------------------------------------------ */

static bool fsva_queue_has_work(struct fsva_queue *q)
{
	return READ_ONCE(q->stopped) || (READ_ONCE(q->pending) && !READ_ONCE(q->paused));
}

/* Wait for work.  False: there was none for long, and this worker is not needed. */
static bool fsva_worker_wait(struct fsva_queue *q)
{
	DEFINE_WAIT(wait);
	long left = FSVA_IDLE_JIFFIES;
	bool needed = true;

	spin_lock(&q->lock);
	q->nr_idle++;
	spin_unlock(&q->lock);

	while (left && !fsva_queue_has_work(q)) {
		prepare_to_wait_exclusive(&q->wait, &wait, TASK_IDLE);
		if (!fsva_queue_has_work(q))
			left = schedule_timeout(left);
	}
	finish_wait(&q->wait, &wait);

	spin_lock(&q->lock);
	q->nr_idle--;
	if (!left && !fsva_queue_has_work(q) && q->nr_workers > FSVA_MIN_WORKERS) {
		q->nr_workers--;
		needed = false;
	}
	spin_unlock(&q->lock);
	return needed;
}

static bool fsva_worker_watch_over(void *arg)
{
	struct fsva_queue *q = arg;

	return READ_ONCE(q->stopped) || READ_ONCE(q->paused);
}

/* Watch the ring for requests.  False: none came.  Preemption is off, as one who does not run must not watch. */
static bool fsva_worker_watch(struct fsva_queue *q, u32 window_ns)
{
	enum fsva_watch_end end = FSVA_WATCH_YIELDED;
	u64 start;

	preempt_disable();
	rcu_read_lock();	/* the ring stays mapped: pairs with fsva_link_stop() and fsva_link_pause() */
	start = ktime_get_ns();
	if (!fsva_worker_watch_over(q))
		end = fsva_signal_watch(&q->sig, &q->ctl->req_prod, READ_ONCE(q->req_cons), start, window_ns,
					fsva_worker_watch_over, q);
	rcu_read_unlock();
	spin_lock(&q->lock);
	q->watched = false;
	fsva_signal_watched(&q->sig, end, ktime_get_ns() - start);
	spin_unlock(&q->lock);
	preempt_enable();
	return end <= FSVA_WATCH_WOKEN;
}

static int fsva_worker(void *arg)
{
	struct fsva_call *c = arg;
	struct fsva_queue *q = c->q;
	struct fsva_link *link = q->link;
	bool counted = true;
	u32 window_ns = 1;	/* may watch */

	/* The umask of the caller goes into our own fs_struct; the one we were born with is init's. */
	if (unshare_fs_struct()) {
		pr_warn_ratelimited("%s: no memory for a worker\n", link->fb->name);
		goto out;
	}

	for (;;) {
		enum fsva_take take = fsva_queue_take(q, c, &window_ns);

		if (take == FSVA_TAKE_STOPPED)
			break;
		if (take == FSVA_TAKE_WATCH) {
			window_ns = fsva_worker_watch(q, window_ns);
			continue;
		}
		window_ns = 1;
		if (take == FSVA_TAKE_NONE) {
			if (fsva_worker_wait(q))
				continue;
			counted = false;
			break;
		}
		if (take == FSVA_TAKE_REQUEST)
			fsva_call_run(c);
		if (take != FSVA_TAKE_JOINED)
			fsva_queue_answer(q, c);
		cond_resched();
	}
out:
	if (counted) {
		spin_lock(&q->lock);
		q->nr_workers--;
		spin_unlock(&q->lock);
	}
	fsva_data_free(&c->data);
	kvfree(c);
	/* From here on link may be freed, and the module unloaded. */
	kthread_complete_and_exit(&link->exited, 0);
}

static int fsva_worker_start(struct fsva_queue *q)
{
	struct fsva_link *link = q->link;
	struct task_struct *task;
	struct fsva_call *c;
	int err = -ENOMEM;

	c = kvzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->q = q;
	c->ses = link->ses;
	if (fsva_data_alloc(&c->data))
		goto err_free_call;

	task = kthread_create(fsva_worker, c, "fsva/%u.%u-%u", link->domid, link->fb->devid, q->index);
	if (IS_ERR(task)) {
		err = PTR_ERR(task);
		goto err_free_data;
	}

	spin_lock(&link->lock);
	err = link->stopping ? -ESHUTDOWN : 0;
	if (!err)
		link->nr_started++;
	spin_unlock(&link->lock);
	if (err) {
		kthread_stop(task);	/* it never ran: c is still ours */
		goto err_free_data;
	}

	spin_lock(&q->lock);
	q->nr_workers++;
	spin_unlock(&q->lock);
	wake_up_process(task);
	return 0;

err_free_data:
	fsva_data_free(&c->data);
err_free_call:
	kvfree(c);
	return err;
}

static void fsva_queue_grow(struct work_struct *work)
{
	struct fsva_queue *q = container_of(work, struct fsva_queue, grow);

	/* Without memory for more, the ones there are go on. */
	if (!READ_ONCE(q->stopped) && !READ_ONCE(q->nr_idle) && READ_ONCE(q->nr_workers) < q->link->nr_slots)
		fsva_worker_start(q);
}

/* Does the current task run calls of this session? */
static bool fsva_link_is_worker(struct fsva_session *ses)
{
	struct fsva_call *c;

	if (!(current->flags & PF_KTHREAD) || kthread_func(current) != fsva_worker)
		return false;
	c = kthread_data(current);
	return c->ses == ses;
}

/* ---- The life of a link ------------------------------------------------------------------------------- */

static void fsva_queue_unmap(struct fsva_queue *q)
{
	fsva_unmap(&q->staging);
	fsva_unmap(&q->slot_map);
	fsva_unmap(&q->ctl_map);
}

static void fsva_queue_free(struct fsva_queue *q)
{
	if (q->irq > 0)
		unbind_from_irqhandler(q->irq, q);
	fsva_queue_unmap(q);
}

static void fsva_link_free(struct fsva_link *link)
{
	unsigned int i;

	for (i = 0; i < link->nr_queues; i++)
		fsva_queue_free(&link->queues[i]);
	kfree(link->queues);
	kfree(link);
}

static int fsva_queue_map_ctl(struct fsva_queue *q)
{
	int err = fsva_map(&q->ctl_map, q->link->domid, &q->ring_ref, 1);

	if (!err)
		q->ctl = page_address(q->ctl_map.pages[0]);
	return err;
}

/* The other pages, whose references we have. */
static int fsva_queue_map_pages(struct fsva_queue *q)
{
	struct fsva_link *link = q->link;
	unsigned int i;
	int err;

	err = fsva_map(&q->slot_map, link->domid, q->slot_ref, 1u << link->ring_order);
	if (err)
		return err;
	for (i = 0; i < q->slot_map.nr; i++)
		q->slots[i] = page_address(q->slot_map.pages[i]);
	return fsva_map(&q->staging, link->domid, q->staging_ref, link->nr_slots);
}

/* The front's description of a queue, copied once and checked; then the pages that it names. */
static int fsva_queue_map(struct fsva_queue *q, u32 ring_ref)
{
	struct fsva_link *link = q->link;
	struct fsva_ring_ctl *copy;
	int err;

	q->ring_ref = ring_ref;
	err = fsva_queue_map_ctl(q);
	if (err)
		return err;

	copy = kmalloc(sizeof(*copy), GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, q->ctl, sizeof(*copy));
	barrier();
	err = -EPROTO;
	if (copy->magic != FSVA_RING_MAGIC || copy->version != FSVA_VERSION || copy->nr_slots != link->nr_slots ||
	    memchr_inv(copy->pad0, 0, sizeof(copy->pad0)))
		goto out_free;

	memcpy(q->slot_ref, copy->slot_ref, sizeof(q->slot_ref));
	memcpy(q->staging_ref, copy->staging_ref, sizeof(q->staging_ref));
	err = fsva_queue_map_pages(q);
out_free:
	kfree(copy);
	return err;
}

/* Wait until no worker is left, then free everything; a worker that is stuck keeps all of it. */
static void fsva_link_reap(struct work_struct *work)
{
	struct fsva_link *link = container_of(work, struct fsva_link, reap);
	struct fsva_back *fb = link->fb;
	unsigned int i;

	/* Not in fsva_link_stop(): a thaw may wait for the disk, and the thread of xenstore's watches must not. */
	fsva_session_close(link->ses);

	/* stopping is set, so nr_started stays; the workers are the ones who queue the other two. */
	for (i = 0; i < link->nr_started; i++)
		wait_for_completion(&link->exited);
	cancel_work_sync(&link->broken);
	for (i = 0; i < link->nr_queues; i++)
		cancel_work_sync(&link->queues[i].grow);

	fsva_session_free(link->ses);
	fsva_link_free(link);
	fsva_back_link_gone(fb);
}

/* Stop taking requests and sending events, and let everything be freed when the last worker is done. */
void fsva_link_stop(struct fsva_link *link)
{
	unsigned int i;

	spin_lock(&link->lock);
	if (link->stopping) {
		spin_unlock(&link->lock);
		return;
	}
	link->stopping = true;
	spin_unlock(&link->lock);

	for (i = 0; i < link->nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];
		int irq;

		spin_lock(&q->lock);
		WRITE_ONCE(q->stopped, true);
		fsva_slow_stop(q);
		irq = q->irq;
		q->irq = 0;
		spin_unlock(&q->lock);
		if (irq > 0)
			unbind_from_irqhandler(irq, q);
		wake_up_all(&q->wait);
		wake_up_all(&q->resumed);
	}
	synchronize_rcu();	/* for those who watch */
	for (i = 0; i < link->nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];

		/* Nobody reads the ring any more: what is in flight needs no more than its data. */
		fsva_unmap(&q->slot_map);
		fsva_unmap(&q->ctl_map);
	}
	queue_work(fsva_wq, &link->reap);
}

/* Is somebody ending it already? */
bool fsva_link_stopping(struct fsva_link *link)
{
	bool stopping;

	spin_lock(&link->lock);
	stopping = link->stopping;
	spin_unlock(&link->lock);
	return stopping;
}

static void fsva_link_broken(struct work_struct *work)
{
	struct fsva_link *link = container_of(work, struct fsva_link, broken);

	fsva_back_broken(link->fb, link);
}

/* The front broke the rules: say so once, look at nothing that it writes any more, and close. */
void fsva_link_breach(struct fsva_link *link, const char *fmt, ...)
{
	struct va_format vaf;
	unsigned int i;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	if (atomic64_inc_return(&link->fb->stats.breaches) < 100)
		pr_err_ratelimited("%s: %pV: connection stopped\n", link->fb->name, &vaf);
	va_end(args);

	for (i = 0; i < link->nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];

		spin_lock(&q->lock);
		WRITE_ONCE(q->stopped, true);
		fsva_slow_stop(q);
		spin_unlock(&q->lock);
		wake_up_all(&q->wait);
		wake_up_all(&q->resumed);
	}
	queue_work(fsva_wq, &link->broken);
}

/* ---- A suspend ---------------------------------------------------------------------------------------- */

static int fsva_queue_bind(struct fsva_queue *q, evtchn_port_t port)
{
	int err = bind_interdomain_evtchn_to_irqhandler_lateeoi(q->link->fb->dev, port, fsva_queue_event, 0,
								"fsva-back", q);

	if (err < 0)
		return err;
	q->irq = err;
	return 0;
}

/* The rings are mapped.  Let everybody go on. */
static void fsva_link_go(struct fsva_link *link)
{
	unsigned int i;

	for (i = 0; i < link->nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];

		spin_lock(&q->lock);
		WRITE_ONCE(q->paused, false);
		WRITE_ONCE(q->pending, true);
		spin_unlock(&q->lock);
		wake_up_all(&q->wait);
		wake_up_all(&q->resumed);
	}
}

/*
 * Take no request, give no answer, and have no page of the user's mapped.  -EBUSY: a call could not let go of the
 * caller's pages in time; the link goes on then.  Calls that use none run on.
 */
int fsva_link_pause(struct fsva_link *link)
{
	unsigned int i;

	for (i = 0; i < link->nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];

		spin_lock(&q->lock);
		WRITE_ONCE(q->paused, true);
		spin_unlock(&q->lock);
	}
	if (!wait_event_timeout(link->data_idle, !atomic_read(&link->nr_data), FSVA_PAUSE_JIFFIES)) {
		fsva_link_go(link);
		return -EBUSY;
	}
	synchronize_rcu();	/* for those who watch */
	for (i = 0; i < link->nr_queues; i++)
		fsva_queue_unmap(&link->queues[i]);
	return 0;
}

/* The suspend was cancelled: all is where it was, and the event channels are bound. */
int fsva_link_unpause(struct fsva_link *link)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < link->nr_queues && !err; i++) {
		err = fsva_queue_map_ctl(&link->queues[i]);
		if (!err)
			err = fsva_queue_map_pages(&link->queues[i]);
	}
	if (!err)
		fsva_link_go(link);
	return err;
}

/* We are in another domain: event channels and grants are gone, and the link waits for its front. */
void fsva_link_park(struct fsva_link *link)
{
	unsigned int i;

	for (i = 0; i < link->nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];
		int irq;

		spin_lock(&q->lock);
		irq = q->irq;
		q->irq = 0;
		spin_unlock(&q->lock);
		if (irq > 0)
			unbind_from_irqhandler(irq, q);
	}
	fsva_pages_close(link->ses);
}

/* The front of a parked link has new rings, of the form of the old.  An error: the link is to be stopped. */
int fsva_link_renew(struct fsva_link *link, const u32 *ring_ref, const evtchn_port_t *port)
{
	unsigned int i;
	int err;

	link->domid = link->fb->domid;
	fsva_session_moved(link->ses);
	for (i = 0; i < link->nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];

		fsva_queue_unmap(q);	/* of a renewal that came to nothing */
		spin_lock(&q->lock);
		q->epoch++;
		q->req_cons = 0;
		q->rsp_prod = 0;
		q->eoi_due = false;
		q->useful = false;
		spin_unlock(&q->lock);
		err = fsva_queue_map(q, ring_ref[i]);
		if (err)
			return err;
		err = fsva_queue_bind(q, port[i]);
		if (err)
			return err;
	}
	WRITE_ONCE(link->resuming, true);
	fsva_link_go(link);
	return 0;
}

int fsva_link_create(struct fsva_back *fb, unsigned int nr_queues, unsigned int ring_order,
		     const u32 *ring_ref, const evtchn_port_t *port, enum fsva_signal_mode signal)
{
	struct fsva_link *link;
	unsigned int i, j;
	int err = -ENOMEM;

	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link)
		return -ENOMEM;
	link->fb = fb;
	link->domid = fb->domid;
	link->ring_order = ring_order;
	link->nr_slots = FSVA_SLOTS_PER_PAGE << ring_order;
	spin_lock_init(&link->lock);
	init_completion(&link->exited);
	init_waitqueue_head(&link->data_idle);
	INIT_WORK(&link->reap, fsva_link_reap);
	INIT_WORK(&link->broken, fsva_link_broken);
	link->queues = kcalloc(nr_queues, sizeof(*link->queues), GFP_KERNEL);
	if (!link->queues)
		goto err_free;
	link->ses = fsva_session_create(fb, nr_queues, link->nr_slots);
	if (IS_ERR(link->ses)) {
		err = PTR_ERR(link->ses);
		goto err_free;
	}
	link->ses->link = link;
	link->ses->ring_bell = fsva_link_ring_bell;
	link->ses->is_worker = fsva_link_is_worker;

	for (i = 0; i < nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];

		q->link = link;
		q->index = i;
		spin_lock_init(&q->lock);
		init_waitqueue_head(&q->wait);
		init_waitqueue_head(&q->resumed);
		fsva_signal_init(&q->sig, signal);
		INIT_WORK(&q->grow, fsva_queue_grow);
		link->nr_queues++;
		err = fsva_queue_map(q, ring_ref[i]);
		if (err)
			goto err_free_session;
	}

	/* From here on there may be workers, so that only fsva_link_reap() may free. */
	fsva_back_link_new(fb, link);
	for (i = 0; i < nr_queues; i++) {
		struct fsva_queue *q = &link->queues[i];

		err = fsva_queue_bind(q, port[i]);
		if (err)
			return err;
	}
	for (i = 0; i < nr_queues; i++) {
		for (j = 0; j < FSVA_MIN_WORKERS; j++) {
			err = fsva_worker_start(&link->queues[i]);
			if (err)
				return err;
		}
	}
	return 0;

err_free_session:
	fsva_session_free(link->ses);
err_free:
	fsva_link_free(link);
	return err;
}
