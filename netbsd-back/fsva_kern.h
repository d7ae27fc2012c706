/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_kern.h: what the files share that know NetBSD's Xen: the device, its
 * links and queues.
 */
#ifndef FSVA_KERN_H
#define FSVA_KERN_H

#include "fsvavar.h"

#include <uvm/uvm_extern.h>
#include <xen/hypervisor.h>
#include <xen/evtchn.h>
#include <xen/xenbus.h>
#include <xen/xen-public/grant_table.h>

#define FSVA_NR_QUEUES		1u	/* offered */
#define FSVA_NR_WORKERS		8u	/* of a queue */

struct fsva_back;
struct fsva_link;

/* Pages of the user's, mapped one after another. */
struct fsva_map {
	vaddr_t m_va;			/* 0: none */
	u_int m_npages;			/* of address space */
	u_int m_nmapped;		/* of them, from the start */
	uint32_t m_flags;		/* GNTMAP_* they were mapped with */
	grant_handle_t m_handle[FSVA_MAX_SLOTS];
};

int	fsva_map_alloc(struct fsva_map *, u_int);
int	fsva_map_grants(struct fsva_map *, domid_t, const uint32_t *, u_int,
	    bool);
void	fsva_map_end(struct fsva_map *);
void	fsva_map_free(struct fsva_map *);

/* q_lock, at IPL_BIO, guards all but the maps. */
struct fsva_queue {
	struct fsva_link *q_link;
	u_int q_index;
	kmutex_t q_lock;
	kcondvar_t q_cv;		/* work, or q_stopped */
	bool q_stopped;			/* nobody looks at the ring any more */
	u_int q_nworkers;
	uint32_t q_req_cons, q_rsp_prod;	/* the truth */
	uint32_t q_busy[FSVA_MAX_SLOTS / 32];	/* tags in flight */
	volatile struct fsva_ring_ctl *q_ctl;	/* shared */
	uint8_t *q_slots;		/* shared */
	uint8_t *q_staging;		/* shared */
	int q_port;			/* our event channel; 0: none */
	struct fsva_map q_ctlmap, q_slotmap, q_stagemap;
};

/* A worker, and the call it runs. */
struct fsva_worker {
	struct fsva_call w_call;
	struct fsva_queue *w_queue;
	struct fsva_map w_map;
};

struct fsva_link {
	struct fsva_back *l_back;
	struct fsva_session *l_ses;
	domid_t l_domid;
	u_int l_order, l_nslots, l_nqueues;
	struct fsva_queue l_queue[FSVA_NR_QUEUES];
};

int	fsva_link_create(struct fsva_back *, u_int, u_int, const uint32_t *,
	    const uint32_t *, struct fsva_link **);
void	fsva_link_destroy(struct fsva_link *);

int	fsva_evtchn_bind(struct fsva_queue *, uint32_t);
void	fsva_evtchn_unbind(struct fsva_queue *);
void	fsva_queue_event(struct fsva_queue *);

/* fb_lock guards what follows it. */
struct fsva_back {
	LIST_ENTRY(fsva_back) fb_entry;	/* under fsva_backs_lock */
	struct xenbus_device *fb_xbusd;
	domid_t fb_domid;
	u_int fb_devid;
	struct fsva_source fb_src;
	char fb_name[64];
	char fb_tag[FSVA_TAG_MAX + 1];
	char fb_fs[32];
	char fb_dev[256];
	char fb_options[1024];
	char fb_dir[48];

	struct fsva_link *fb_link;	/* the device's thread's */
	XenbusState fb_state;		/* ours; the device's thread's */

	kmutex_t fb_lock;
	kcondvar_t fb_cv;
	bool fb_kick;			/* look at the states */
	bool fb_broken;			/* the front broke the rules */
	bool fb_dying;			/* the device goes */
	bool fb_gone;			/* its thread has ended */
};

void	fsva_back_broken(struct fsva_back *, const char *, u_int);

int	fsva_xenbus_init(void);
void	fsva_kauth_init(void);
void	fsva_ctl_init(void);

#endif /* FSVA_KERN_H */
