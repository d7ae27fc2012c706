/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.h: a frontend in user space.  It speaks the protocol with the project's own header and codec, and lets
 * an attack reach into every step:
 *
 *	peer_begin	wait for the back's offers
 *	peer_alloc	make rings, staging pages, event channels
 *	peer_publish	write the keys
 *	peer_go		say Initialised, wait for Connected
 *	peer_connect	all of the above, as the offers allow
 *	peer_start	the session and the credentials of root in entry 1; peer_mount: the file system
 *
 * A call returns 0 or the wire error, or one of the negative numbers below.  Everything is one thread's.
 */
#ifndef HOSTILE_PEER_H
#define HOSTILE_PEER_H

#include <xenevtchn.h>
#include <xengnttab.h>

#include "common.h"
#include "../../protocol/fsva_wire.h"

enum {
	PEER_STOPPED = -1,      /* the back ended the connection */
	PEER_TIMEOUT = -2,      /* nothing came */
	PEER_BAD = -3,          /* the back broke the protocol */
};

#define PEER_ANSWER_MS 60000       /* only a victim that fails makes anybody wait so long */
#define PEER_CRED 1u

struct pqueue {
	struct fsva_ring_ctl *ctl;
	uint8_t *slots;
	uint8_t *staging;
	uint32_t ctl_ref, slot_ref[FSVA_MAX_RING_PAGES], staging_ref[FSVA_MAX_SLOTS];
	int port;
	uint32_t req_prod, rsp_cons;
};

struct peer {
	struct xsdev dev;
	xengntshr_handle *shr;
	xenevtchn_handle *evtchn;
	unsigned int order, nr_slots, nr_queues;
	struct pqueue q[FSVA_MAX_QUEUES];
	uint64_t id;                    /* next one */
	uint64_t session;
	unsigned int nr_creds;
	uint32_t max_data;
	struct fsva_entry root;         /* after peer_mount */
	bool no_check;                  /* take answers as they come */
};

extern const char *peer_device;         /* "device/fsva/0": set from the command line */

/* Pages granted to the back, a call's data. */
struct ppages {
	uint8_t *mem;
	unsigned int nr;
	uint32_t ref[FSVA_MAX_GREFS];
};

void peer_open(struct peer *p);
void peer_begin(struct peer *p);
void peer_alloc(struct peer *p, unsigned int nr_queues, unsigned int order);
void peer_publish(struct peer *p);
int peer_go(struct peer *p, unsigned int ms);   /* 0, PEER_STOPPED, PEER_TIMEOUT */
void peer_connect(struct peer *p, unsigned int nr_queues, unsigned int order);
void peer_start(struct peer *p);
void peer_mount(struct peer *p);
/* connect with one queue of the default size, start, mount */
void peer_up(struct peer *p);
/* unmount, Closing, Closed, give everything back */
void peer_down(struct peer *p);
void peer_close(struct peer *p);        /* no unmount */
void peer_heal(void);                   /* from the runner: end whatever a dead attack left */

/* Name of a key of a queue: num-queues 1 is not different. */
const char *peer_queue_key(unsigned int q, const char *key);

/* ---- Requests ---- */

/* A request with the body zeroed, and where its structure starts. */
void *peer_req(struct fsva_req *req, uint16_t op);
void peer_put(struct peer *p, unsigned int q, const struct fsva_req *req);      /* into the ring, no notification */
void peer_push(struct peer *p, unsigned int q);                                 /* publish and notify */
int peer_answer(struct peer *p, unsigned int q, struct fsva_rsp *rsp, unsigned int ms);
/* id and tag are filled here; 0, a wire error, or PEER_* */
int peer_call(struct peer *p, struct fsva_req *req, struct fsva_rsp *rsp);
/* the same without touching id and tag */
int peer_call_raw(struct peer *p, struct fsva_req *req, struct fsva_rsp *rsp);
const char *peer_result(int r);

bool ppages_share(struct peer *p, struct ppages *g, unsigned int nr, unsigned int domid, bool writable);
void ppages_unshare(struct peer *p, struct ppages *g);

/* ---- Calls ---- */

int do_session(struct peer *p, uint64_t session, uint64_t features);
int do_cred(struct peer *p, uint32_t index, uint32_t uid, uint32_t gid, uint64_t caps);
int do_mount(struct peer *p, const void *options, uint32_t len);
int do_unmount(struct peer *p);
int do_lookup(struct peer *p, uint64_t dir, const char *name, struct fsva_entry *e);
int do_forget(struct peer *p, uint64_t handle, uint64_t nr);
int do_getattr(struct peer *p, uint64_t handle, struct fsva_attr *attr);
int do_create(struct peer *p, uint64_t dir, const char *name, struct fsva_entry *e, uint64_t *fh);
int do_mkdir(struct peer *p, uint64_t dir, const char *name, struct fsva_entry *e);
int do_unlink(struct peer *p, uint16_t op, uint64_t dir, const char *name, uint64_t handle);
int do_open(struct peer *p, uint64_t handle, uint32_t flags, uint64_t *fh);
int do_release(struct peer *p, uint64_t fh);
int do_read(struct peer *p, uint64_t fh, uint64_t off, void *buf, uint32_t len, struct ppages *g);
int do_write(struct peer *p, uint64_t fh, uint64_t off, const void *buf, uint32_t len, struct ppages *g);

#endif /* HOSTILE_PEER_H */
