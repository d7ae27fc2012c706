/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_ring.c: moves slots.  fsva_xenbus.c makes a link and ends it; the
 * workers here take requests, hand each to fsva_call_run() and put its answer
 * on the ring.  Nothing here knows an operation or a vnode.
 *
 * The barriers are Xen's: membar_ops(3) leave the lock prefix out on kernels
 * with one CPU, and the front runs on another.
 *
 * fsva_link_destroy() marks the queues, after which no shared index is read
 * and no event sent, waits for the workers, unmaps and ends the session.
 */
#include "fsva_kern.h"

#include <xen/xen-public/io/ring.h>

/* ---- Taking requests ---- */

static uint8_t *
fsva_queue_slot(struct fsva_queue *q, uint32_t index)
{

	return q->q_slots + (index & (q->q_link->l_nslots - 1)) *
	    FSVA_SLOT_SIZE;
}

/* Is there none?  Asks for an event before it looks for the last time. */
static bool
fsva_queue_empty(struct fsva_queue *q)
{

	if (q->q_ctl->req_prod != q->q_req_cons)
		return false;
	q->q_ctl->req_event = q->q_req_cons + 1;
	xen_mb();		/* ask, then look: the front adds, then asks */
	return q->q_ctl->req_prod == q->q_req_cons;
}

enum fsva_take { TAKE_NONE, TAKE_REQUEST, TAKE_REPLAYED, TAKE_BREACH };

/*
 * Copy the next request, once, and check what concerns the ring: index, tag
 * and id.  q_lock is held.
 */
static enum fsva_take
fsva_queue_take(struct fsva_queue *q, struct fsva_call *c, const char **why)
{
	struct fsva_link *l = q->q_link;
	uint32_t prod;
	int error;

	if (fsva_queue_empty(q))
		return TAKE_NONE;
	prod = q->q_ctl->req_prod;
	xen_rmb();	/* the index before the slots */
	*why = "request index ran past the ring";
	if (prod - q->q_rsp_prod > l->l_nslots ||
	    prod - q->q_req_cons > l->l_nslots)
		return TAKE_BREACH;
	memcpy(&c->c_req, fsva_queue_slot(q, q->q_req_cons), sizeof(c->c_req));
	__insn_barrier();	/* the copy, and never the slot again */
	q->q_req_cons++;

	*why = "request with a tag out of range";
	if (c->c_req.tag >= l->l_nslots)
		return TAKE_BREACH;
	*why = "request with a tag in flight";
	if (q->q_busy[c->c_req.tag / 32] & 1U << c->c_req.tag % 32)
		return TAKE_BREACH;
	*why = "request with an id used before";
	error = fsva_replay_begin(l->l_ses, q->q_index, &c->c_req, &c->c_rsp);
	if (error > 0)
		return TAKE_BREACH;
	q->q_busy[c->c_req.tag / 32] |= 1U << c->c_req.tag % 32;
	if (!fsva_queue_empty(q))
		cv_signal(&q->q_cv);	/* for another worker */
	return error ? TAKE_REPLAYED : TAKE_REQUEST;
}

/* Put an answer on the ring: the only place that writes a slot. */
static void
fsva_queue_answer(struct fsva_queue *q, const struct fsva_rsp *rsp)
{
	uint32_t old;
	bool notify = false;

	fsva_replay_end(q->q_link->l_ses, q->q_index, rsp);
	q->q_busy[rsp->tag / 32] &= ~(1U << rsp->tag % 32);
	if (q->q_stopped)
		return;
	memcpy(fsva_queue_slot(q, q->q_rsp_prod), rsp, sizeof(*rsp));
	old = q->q_rsp_prod++;
	xen_wmb();	/* the slot before the index */
	q->q_ctl->rsp_prod = q->q_rsp_prod;
	xen_mb();		/* the index before the question */
	notify = q->q_rsp_prod - q->q_ctl->rsp_event < q->q_rsp_prod - old;
	if (notify && q->q_port != 0)
		hypervisor_notify_via_evtchn(q->q_port);
}

/* From the event channel's handler. */
void
fsva_queue_event(struct fsva_queue *q)
{

	mutex_enter(&q->q_lock);
	cv_signal(&q->q_cv);
	mutex_exit(&q->q_lock);
}

/* ---- Workers ---- */

static void
fsva_worker(void *arg)
{
	struct fsva_worker *w = arg;
	struct fsva_queue *q = w->w_queue;
	struct fsva_call *c = &w->w_call;
	const char *why = NULL;
	enum fsva_take take;

	mutex_enter(&q->q_lock);
	while (!q->q_stopped) {
		take = fsva_queue_take(q, c, &why);
		if (take == TAKE_NONE) {
			cv_wait(&q->q_cv, &q->q_lock);
			continue;
		}
		if (take == TAKE_BREACH) {
			q->q_stopped = true;
			cv_broadcast(&q->q_cv);
			mutex_exit(&q->q_lock);
			fsva_back_broken(q->q_link->l_back, why, q->q_index);
			mutex_enter(&q->q_lock);
			break;
		}
		mutex_exit(&q->q_lock);
		if (take == TAKE_REQUEST)
			fsva_call_run(c);
		mutex_enter(&q->q_lock);
		fsva_queue_answer(q, &c->c_rsp);
	}
	mutex_exit(&q->q_lock);

	fsva_map_free(&w->w_map);
	kmem_free(w, sizeof(*w));
	mutex_enter(&q->q_lock);
	q->q_nworkers--;
	cv_broadcast(&q->q_cv);
	mutex_exit(&q->q_lock);
	kthread_exit(0);
}

static int
fsva_worker_start(struct fsva_queue *q)
{
	struct fsva_worker *w;
	int error;

	w = kmem_zalloc(sizeof(*w), KM_SLEEP);
	w->w_queue = q;
	w->w_call.c_ses = q->q_link->l_ses;
	w->w_call.c_queue = q->q_index;
	w->w_call.c_transport = w;
	error = fsva_map_alloc(&w->w_map, FSVA_MAX_GREFS);
	if (error)
		goto err_free;
	mutex_enter(&q->q_lock);
	q->q_nworkers++;
	mutex_exit(&q->q_lock);
	error = kthread_create(PRI_NONE, KTHREAD_MPSAFE, NULL, fsva_worker, w,
	    NULL, "fsva%u.%u", q->q_link->l_back->fb_domid,
	    q->q_link->l_back->fb_devid);
	if (error == 0)
		return 0;
	mutex_enter(&q->q_lock);
	q->q_nworkers--;
	mutex_exit(&q->q_lock);
	fsva_map_free(&w->w_map);
err_free:
	kmem_free(w, sizeof(*w));
	return error;
}

/* ---- Links ---- */

/* The front's description of a queue, copied once, and the pages it names. */
static int
fsva_queue_map(struct fsva_queue *q, uint32_t ref)
{
	struct fsva_link *l = q->q_link;
	struct fsva_ring_ctl *copy;
	u_int i;
	int error;

	error = fsva_map_alloc(&q->q_ctlmap, 1);
	if (!error)
		error = fsva_map_alloc(&q->q_slotmap, 1U << l->l_order);
	if (!error)
		error = fsva_map_alloc(&q->q_stagemap, l->l_nslots);
	if (!error)
		error = fsva_map_grants(&q->q_ctlmap, l->l_domid, &ref, 1,
		    false);
	if (error)
		return error;
	q->q_ctl = (volatile struct fsva_ring_ctl *)q->q_ctlmap.m_va;

	copy = kmem_alloc(sizeof(*copy), KM_SLEEP);
	memcpy(copy, (const void *)q->q_ctlmap.m_va, sizeof(*copy));
	__insn_barrier();
	if (copy->magic != FSVA_RING_MAGIC || copy->version != FSVA_VERSION ||
	    copy->nr_slots != l->l_nslots)
		error = EPROTO;
	for (i = 0; i < sizeof(copy->pad0); i++)
		if (copy->pad0[i] != 0)
			error = EPROTO;
	if (!error)
		error = fsva_map_grants(&q->q_slotmap, l->l_domid,
		    copy->slot_ref, 1U << l->l_order, false);
	if (!error)
		error = fsva_map_grants(&q->q_stagemap, l->l_domid,
		    copy->staging_ref, l->l_nslots, false);
	kmem_free(copy, sizeof(*copy));
	q->q_slots = (uint8_t *)q->q_slotmap.m_va;
	q->q_staging = (uint8_t *)q->q_stagemap.m_va;
	return error;
}

static void
fsva_queue_stop(struct fsva_queue *q)
{

	mutex_enter(&q->q_lock);
	q->q_stopped = true;
	cv_broadcast(&q->q_cv);
	mutex_exit(&q->q_lock);
}

static void
fsva_queue_end(struct fsva_queue *q)
{

	fsva_evtchn_unbind(q);
	mutex_enter(&q->q_lock);
	while (q->q_nworkers != 0)
		cv_wait(&q->q_cv, &q->q_lock);
	mutex_exit(&q->q_lock);
	fsva_map_free(&q->q_stagemap);
	fsva_map_free(&q->q_slotmap);
	fsva_map_free(&q->q_ctlmap);
	cv_destroy(&q->q_cv);
	mutex_destroy(&q->q_lock);
}

void
fsva_link_destroy(struct fsva_link *l)
{
	u_int i;

	for (i = 0; i < l->l_nqueues; i++)
		fsva_queue_stop(&l->l_queue[i]);
	fsva_session_close(l->l_ses);
	for (i = 0; i < l->l_nqueues; i++)
		fsva_queue_end(&l->l_queue[i]);
	fsva_session_free(l->l_ses);
	kmem_free(l, sizeof(*l));
}

int
fsva_link_create(struct fsva_back *fb, u_int nqueues, u_int order,
    const uint32_t *ref, const uint32_t *port, struct fsva_link **lp)
{
	struct fsva_link *l;
	struct fsva_queue *q;
	u_int i, j;
	int error = 0;

	l = kmem_zalloc(sizeof(*l), KM_SLEEP);
	l->l_back = fb;
	l->l_domid = fb->fb_domid;
	l->l_order = order;
	l->l_nslots = FSVA_SLOTS_PER_PAGE << order;
	l->l_ses = fsva_session_create(&fb->fb_src, nqueues, l->l_nslots);
	for (i = 0; i < nqueues && !error; i++) {
		q = &l->l_queue[i];
		q->q_link = l;
		q->q_index = i;
		mutex_init(&q->q_lock, MUTEX_DEFAULT, IPL_BIO);
		cv_init(&q->q_cv, "fsvaq");
		l->l_nqueues++;
		error = fsva_queue_map(q, ref[i]);
	}
	for (i = 0; i < l->l_nqueues && !error; i++) {
		q = &l->l_queue[i];
		error = fsva_evtchn_bind(q, port[i]);
		for (j = 0; j < FSVA_NR_WORKERS && !error; j++)
			error = fsva_worker_start(q);
	}
	if (error) {
		fsva_link_destroy(l);
		return error;
	}
	*lp = l;
	return 0;
}
