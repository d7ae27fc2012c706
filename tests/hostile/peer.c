// SPDX-License-Identifier: GPL-2.0-only
/* peer.c: a frontend in user space; see peer.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

const char *peer_device = "device/fsva/0";

void peer_open(struct peer *p)
{
	memset(p, 0, sizeof(*p));
	p->id = 1;
	if (xsdev_open(&p->dev))
		attack_fail("xenstore: %s", strerror(errno));
	snprintf(p->dev.me, sizeof(p->dev.me), "%s", peer_device);
	if (xsdev_read(&p->dev, p->dev.me, "backend", p->dev.peer, sizeof(p->dev.peer)))
		attack_fail("no device at %s", peer_device);
	p->dev.peer_id = xsdev_read_num(&p->dev, p->dev.me, "backend-id", 0);
	p->shr = xengntshr_open(NULL, 0);
	if (!p->shr)
		attack_fail("/dev/xen/gntalloc: %s", strerror(errno));
	p->evtchn = xenevtchn_open(NULL, 0);
	if (!p->evtchn)
		attack_fail("/dev/xen/evtchn: %s", strerror(errno));
}

const char *peer_queue_key(unsigned int q, const char *key)
{
	static char buf[2][64];
	static unsigned int which;

	which ^= 1;
	snprintf(buf[which], sizeof(buf[which]), "queue-%u/%s", q, key);
	return buf[which];
}

/* Bring the device from whatever state to one where the back makes an offer. */
static int peer_reset(struct xsdev *d)
{
	int s = xsdev_peer_state(d), mine = xsdev_state(d);

	if (s == XB_INIT_WAIT && mine == XB_INITIALISING)
		return 0;
	if (mine != XB_CLOSED) {
		xsdev_set_state(d, XB_CLOSING);
		xsdev_wait(d, XB_SET_ENDED, PEER_ANSWER_MS);
		xsdev_set_state(d, XB_CLOSED);
	}
	s = xsdev_wait(d, XB_SET(XB_CLOSED) | XB_SET(XB_INIT_WAIT) | XB_SET_GONE, PEER_ANSWER_MS);
	if (s < 0)
		return -1;
	xsdev_set_state(d, XB_INITIALISING);
	return xsdev_wait(d, XB_SET(XB_INIT_WAIT), PEER_ANSWER_MS) == XB_INIT_WAIT ? 0 : -1;
}

void peer_heal(void)
{
	struct xsdev d;

	if (xsdev_open(&d))
		return;
	snprintf(d.me, sizeof(d.me), "%s", peer_device);
	if (!xsdev_read(&d, d.me, "backend", d.peer, sizeof(d.peer)) && peer_reset(&d))
		fprintf(stderr, "# the back does not offer again: its state is %d, ours %d\n", xsdev_peer_state(&d),
			xsdev_state(&d));
	xsdev_close(&d);
}

void peer_begin(struct peer *p)
{
	if (peer_reset(&p->dev))
		attack_fail("the back makes no offer: its state is %d", xsdev_peer_state(&p->dev));
}

static void *peer_share(struct peer *p, unsigned int nr, uint32_t *ref)
{
	void *mem = xengntshr_share_pages(p->shr, p->dev.peer_id, nr, ref, 1);

	if (!mem)
		attack_fail("cannot grant %u pages: %s", nr, strerror(errno));
	memset(mem, 0, nr * FSVA_PAGE_SIZE);
	return mem;
}

void peer_alloc(struct peer *p, unsigned int nr_queues, unsigned int order)
{
	p->order = order;
	p->nr_slots = FSVA_SLOTS_PER_PAGE << order;
	p->nr_queues = nr_queues;
	for (unsigned int i = 0; i < nr_queues; i++) {
		struct pqueue *q = &p->q[i];

		q->ctl = peer_share(p, 1, &q->ctl_ref);
		q->slots = peer_share(p, 1u << order, q->slot_ref);
		q->staging = peer_share(p, p->nr_slots, q->staging_ref);
		q->ctl->magic = FSVA_RING_MAGIC;
		q->ctl->version = FSVA_VERSION;
		q->ctl->nr_slots = p->nr_slots;
		for (unsigned int j = 0; j < 1u << order; j++)
			q->ctl->slot_ref[j] = q->slot_ref[j];
		for (unsigned int j = 0; j < p->nr_slots; j++)
			q->ctl->staging_ref[j] = q->staging_ref[j];
		q->ctl->req_event = 1;
		q->ctl->rsp_event = 1;
		q->req_prod = q->rsp_cons = 0;
		q->port = xenevtchn_bind_unbound_port(p->evtchn, p->dev.peer_id);
		if (q->port < 0)
			attack_fail("cannot allocate an event channel: %s", strerror(errno));
	}
}

void peer_publish(struct peer *p)
{
	xsdev_write(&p->dev, "version", "%u", FSVA_VERSION);
	xsdev_write(&p->dev, "num-queues", "%u", p->nr_queues);
	xsdev_write(&p->dev, "ring-page-order", "%u", p->order);
	for (unsigned int i = 0; i < p->nr_queues; i++) {
		xsdev_write(&p->dev, peer_queue_key(i, "ring-ref"), "%u", p->q[i].ctl_ref);
		xsdev_write(&p->dev, peer_queue_key(i, "event-channel"), "%u", (unsigned int)p->q[i].port);
	}
}

int peer_go(struct peer *p, unsigned int ms)
{
	int s;

	xsdev_set_state(&p->dev, XB_INITIALISED);
	s = xsdev_wait(&p->dev, XB_SET(XB_CONNECTED) | XB_SET_ENDED, ms);
	if (s == -2)
		return PEER_TIMEOUT;
	if (s != XB_CONNECTED)
		return PEER_STOPPED;
	xsdev_set_state(&p->dev, XB_CONNECTED);
	return 0;
}

void peer_connect(struct peer *p, unsigned int nr_queues, unsigned int order)
{
	int r;

	peer_open(p);
	peer_begin(p);
	peer_alloc(p, nr_queues, order);
	peer_publish(p);
	r = peer_go(p, PEER_ANSWER_MS);
	if (r)
		attack_fail("an honest handshake: %s", peer_result(r));
}

void peer_start(struct peer *p)
{
	int r = do_session(p, 0, 0);

	if (r)
		attack_fail("session: %s", peer_result(r));
	r = do_cred(p, PEER_CRED, 0, 0, FSVA_CAP_ALL);
	if (r)
		attack_fail("credentials: %s", peer_result(r));
}

void peer_mount(struct peer *p)
{
	int r = do_mount(p, "", 0);

	if (r)
		attack_fail("mount: %s", peer_result(r));
}

void peer_up(struct peer *p)
{
	peer_connect(p, 1, 1);
	peer_start(p);
	peer_mount(p);
}

void peer_close(struct peer *p)
{
	if (p->dev.xs) {
		xsdev_set_state(&p->dev, XB_CLOSING);
		xsdev_wait(&p->dev, XB_SET_ENDED, PEER_ANSWER_MS);
		xsdev_set_state(&p->dev, XB_CLOSED);
		xsdev_wait(&p->dev, XB_SET(XB_CLOSED) | XB_SET(XB_INIT_WAIT) | XB_SET_GONE, PEER_ANSWER_MS);
	}
	for (unsigned int i = 0; i < p->nr_queues; i++) {
		struct pqueue *q = &p->q[i];

		xenevtchn_unbind(p->evtchn, q->port);
		xengntshr_unshare(p->shr, q->staging, p->nr_slots);
		xengntshr_unshare(p->shr, q->slots, 1u << p->order);
		xengntshr_unshare(p->shr, q->ctl, 1);
	}
	p->nr_queues = 0;
	xenevtchn_close(p->evtchn);
	xengntshr_close(p->shr);
	xsdev_close(&p->dev);
}

void peer_down(struct peer *p)
{
	int r = do_unmount(p);

	if (r && r != PEER_STOPPED)
		attack_fail("unmount: %s", peer_result(r));
	peer_close(p);
}

bool ppages_share(struct peer *p, struct ppages *g, unsigned int nr, unsigned int domid, bool writable)
{
	g->nr = nr;
	g->mem = xengntshr_share_pages(p->shr, domid, nr, g->ref, writable);
	return g->mem != NULL;
}

void ppages_unshare(struct peer *p, struct ppages *g)
{
	xengntshr_unshare(p->shr, g->mem, g->nr);
	g->mem = NULL;
}

/* ---- Requests ---- */

const char *peer_result(int r)
{
	static char buf[32];

	switch (r) {
	case 0: return "done";
	case PEER_STOPPED: return "connection ended by the back";
	case PEER_TIMEOUT: return "no answer";
	case PEER_BAD: return "the back broke the protocol";
#define FSVA_ERRNO(name, value) case value: return #name;
#include "../../protocol/fsva_errno.h"
#undef FSVA_ERRNO
	}
	snprintf(buf, sizeof(buf), "error %d", r);
	return buf;
}

void *peer_req(struct fsva_req *req, uint16_t op)
{
	const struct fsva_wire_op *row = fsva_wire_op(op);
	bool nocred = row && (row->flags & FSVA_F_NOCRED);

	return fsva_wire_req_init(req, op, nocred ? 0 : PEER_CRED);
}

void peer_put(struct peer *p, unsigned int q, const struct fsva_req *req)
{
	struct pqueue *pq = &p->q[q];

	memcpy(pq->slots + (pq->req_prod & (p->nr_slots - 1)) * FSVA_SLOT_SIZE, req, sizeof(*req));
	pq->req_prod++;
}

void peer_push(struct peer *p, unsigned int q)
{
	struct pqueue *pq = &p->q[q];

	mb();                           /* the slots before the index */
	SHARED(pq->ctl->req_prod) = pq->req_prod;
	mb();                           /* the index before the event */
	xenevtchn_notify(p->evtchn, pq->port);
}

int peer_answer(struct peer *p, unsigned int q, struct fsva_rsp *rsp, unsigned int ms)
{
	struct pqueue *pq = &p->q[q];
	uint64_t end = now_ms() + ms, look = now_ms() + 1000;
	bool ended = false;

	for (;;) {
		struct pollfd pfd = { .fd = xenevtchn_fd(p->evtchn), .events = POLLIN };
		uint32_t prod;

		SHARED(pq->ctl->rsp_event) = pq->rsp_cons + 1;
		mb();                   /* ask for the event before looking */
		prod = SHARED(pq->ctl->rsp_prod);
		if (prod != pq->rsp_cons) {
			if (prod - pq->rsp_cons > p->nr_slots)
				return PEER_BAD;
			mb();           /* the index before the slot */
			memcpy(rsp, pq->slots + (pq->rsp_cons & (p->nr_slots - 1)) * FSVA_SLOT_SIZE, sizeof(*rsp));
			pq->rsp_cons++;
			return 0;
		}
		if (ended)
			return PEER_STOPPED;
		if (now_ms() >= end)
			return PEER_TIMEOUT;
		if (poll(&pfd, 1, 100) > 0) {
			xenevtchn_port_or_error_t port = xenevtchn_pending(p->evtchn);

			if (port >= 0)
				xenevtchn_unmask(p->evtchn, port);
		}
		if (now_ms() >= look) {
			int s = xsdev_peer_state(&p->dev);

			ended = s != XB_CONNECTED;      /* and look at the ring once more */
			look = now_ms() + 1000;
		}
	}
}

int peer_call_raw(struct peer *p, struct fsva_req *req, struct fsva_rsp *rsp)
{
	int r;

	peer_put(p, 0, req);
	peer_push(p, 0);
	r = peer_answer(p, 0, rsp, PEER_ANSWER_MS);
	if (r)
		return r;
	return rsp->error;
}

int peer_call(struct peer *p, struct fsva_req *req, struct fsva_rsp *rsp)
{
	int r;

	req->id = p->id++;
	req->tag = p->q[0].req_prod & (p->nr_slots - 1);
	r = peer_call_raw(p, req, rsp);
	if (r < 0 || p->no_check)
		return r;
	return fsva_wire_check_rsp(rsp, req) ? PEER_BAD : r;
}

/* ---- Calls ---- */

static uint8_t *peer_staging(struct peer *p)
{
	return p->q[0].staging + (p->q[0].req_prod & (p->nr_slots - 1)) * FSVA_PAGE_SIZE;
}

int do_session(struct peer *p, uint64_t session, uint64_t features)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_session_req *body = peer_req(&req, FSVA_OP_SESSION);
	struct fsva_session_rsp *answer = (void *)rsp.body;
	int r;

	while (!session)
		session = (now_ms() << 20) ^ ((uint64_t)getpid() << 40) ^ rnd();
	body->session = session;
	body->features = features;
	body->next_id = p->id + 1;
	body->minor = FSVA_MINOR;
	r = peer_call(p, &req, &rsp);
	if (!r) {
		p->session = answer->session;
		p->nr_creds = answer->nr_creds;
		p->max_data = answer->max_data;
	}
	return r;
}

int do_cred(struct peer *p, uint32_t index, uint32_t uid, uint32_t gid, uint64_t caps)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_cred_set_req *body = peer_req(&req, FSVA_OP_CRED_SET);

	body->index = index;
	body->fsuid = uid;
	body->fsgid = gid;
	body->caps = caps;
	return peer_call(p, &req, &rsp);
}

int do_mount(struct peer *p, const void *options, uint32_t len)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	int r;

	peer_req(&req, FSVA_OP_MOUNT);
	memcpy(peer_staging(p), options, len);
	fsva_wire_req_data(&req, 0, len, NULL, 0);
	r = peer_call(p, &req, &rsp);
	if (!r)
		p->root = ((struct fsva_mount_rsp *)rsp.body)->root;
	return r;
}

int do_unmount(struct peer *p)
{
	struct fsva_req req;
	struct fsva_rsp rsp;

	peer_req(&req, FSVA_OP_UNMOUNT);
	return peer_call(p, &req, &rsp);
}

int do_lookup(struct peer *p, uint64_t dir, const char *name, struct fsva_entry *e)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_lookup_req *body = peer_req(&req, FSVA_OP_LOOKUP);
	int r;

	fsva_wire_name(&body->name, dir, name, strlen(name));
	r = peer_call(p, &req, &rsp);
	if (!r && e)
		*e = ((struct fsva_lookup_rsp *)rsp.body)->entry;
	return r;
}

int do_forget(struct peer *p, uint64_t handle, uint64_t nr)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_dentry_release_req *body = peer_req(&req, FSVA_OP_DENTRY_RELEASE);

	body->handle = handle;
	body->nr_lookups = nr;
	return peer_call(p, &req, &rsp);
}

int do_getattr(struct peer *p, uint64_t handle, struct fsva_attr *attr)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_getattr_req *body = peer_req(&req, FSVA_OP_GETATTR);
	int r;

	body->handle = handle;
	body->mask = 0x7ff;
	r = peer_call(p, &req, &rsp);
	if (!r && attr)
		*attr = ((struct fsva_getattr_rsp *)rsp.body)->attr;
	return r;
}

int do_create(struct peer *p, uint64_t dir, const char *name, struct fsva_entry *e, uint64_t *fh)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_create_req *body = peer_req(&req, FSVA_OP_CREATE);
	struct fsva_create_rsp *answer = (void *)rsp.body;
	int r;

	fsva_wire_name(&body->name, dir, name, strlen(name));
	body->mode = 0644;
	if (fh) {
		body->flags = FSVA_CREATE_OPEN;
		body->open_flags = 2;
	}
	r = peer_call(p, &req, &rsp);
	if (!r) {
		if (e)
			*e = answer->entry;
		if (fh)
			*fh = answer->fh;
	}
	return r;
}

int do_mkdir(struct peer *p, uint64_t dir, const char *name, struct fsva_entry *e)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_mkdir_req *body = peer_req(&req, FSVA_OP_MKDIR);
	int r;

	fsva_wire_name(&body->name, dir, name, strlen(name));
	body->mode = 0755;
	r = peer_call(p, &req, &rsp);
	if (!r && e)
		*e = ((struct fsva_mkdir_rsp *)rsp.body)->entry;
	return r;
}

int do_unlink(struct peer *p, uint16_t op, uint64_t dir, const char *name, uint64_t handle)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_unlink_req *body = peer_req(&req, op);

	fsva_wire_name(&body->name, dir, name, strlen(name));
	body->handle = handle;
	return peer_call(p, &req, &rsp);
}

int do_open(struct peer *p, uint64_t handle, uint32_t flags, uint64_t *fh)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_open_req *body = peer_req(&req, FSVA_OP_OPEN);
	int r;

	body->handle = handle;
	body->flags = flags;
	r = peer_call(p, &req, &rsp);
	if (!r && fh)
		*fh = ((struct fsva_open_rsp *)rsp.body)->fh;
	return r;
}

int do_release(struct peer *p, uint64_t fh)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_release_req *body = peer_req(&req, FSVA_OP_RELEASE);

	body->fh = fh;
	return peer_call(p, &req, &rsp);
}

static int peer_rw(struct peer *p, uint16_t op, uint64_t fh, uint64_t off, void *buf, uint32_t len, struct ppages *g)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_read_req *body = peer_req(&req, op);
	uint8_t *mem = g ? g->mem : peer_staging(p);
	int r;

	body->fh = fh;
	body->offset = off;
	if (fsva_wire_req_data(&req, 0, len, g ? g->ref : NULL, g ? fsva_wire_pages(0, len) : 0))
		attack_fail("the test asks for too much data");
	if (op == FSVA_OP_WRITE)
		memcpy(mem, buf, len);
	r = peer_call(p, &req, &rsp);
	if (r)
		return r;
	if (rsp.data_len != len)
		return PEER_BAD;
	if (op == FSVA_OP_READ)
		memcpy(buf, mem, len);
	return 0;
}

int do_read(struct peer *p, uint64_t fh, uint64_t off, void *buf, uint32_t len, struct ppages *g)
{
	return peer_rw(p, FSVA_OP_READ, fh, off, buf, len, g);
}

int do_write(struct peer *p, uint64_t fh, uint64_t off, const void *buf, uint32_t len, struct ppages *g)
{
	return peer_rw(p, FSVA_OP_WRITE, fh, off, (void *)buf, len, g);
}
