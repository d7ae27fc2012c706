/* SPDX-License-Identifier: MIT */
/*
 * fsva_statif.h: the page of statistics that a front shows to the control domain.
 *
 * The front grants it read-only to domain 0 and writes its reference to `stats-ref` beside the other keys of
 * the device.  Whoever wants to know maps it, copies it, and unmaps it: neither the pair nor its appliance
 * hears of that.  It brings no call and no wake-up: the front copies its counters there every two seconds
 * while there are calls, and once after the last.
 *
 * Little-endian, naturally aligned, without compiler padding, as in fsvaif.h.  The page is the front's: a
 * reader believes none of it, and says so where numbers can't be.
 */
#ifndef FSVA_STATIF_H
#define FSVA_STATIF_H

#include "fsvaif.h"

#define FSVA_STAT_MAGIC         0x54535646u     /* "FVST" */
#define FSVA_STAT_VERSION       1
#define FSVA_STAT_READER        0u              /* the domain that may read it */
#define FSVA_STAT_BUCKETS       20u

/* How the front waits on a queue: `mode`. */
#define FSVA_STAT_MODE_AUTO     0u
#define FSVA_STAT_MODE_EVENT    1u
#define FSVA_STAT_MODE_POLL     2u
#define FSVA_STAT_MODE_MWAIT    3u

/* Of one queue, since the session began. */
struct fsva_stat_queue {
	uint64_t calls;
	uint64_t sent, suppressed;              /* events to the back */
	uint64_t events, spurious;              /* from it; those with nothing to take */
	uint64_t blocked;                       /* waits that ended in blocking */
	uint64_t polled, woken;                 /* watches that saw the answer: by looking, by the hypercall */
	uint64_t missed, busy, yielded;         /* and those that did not: see linux-front/signal.h */
	uint64_t watched_ns;                    /* spent watching */
	uint64_t waited_ns;                     /* latency of all calls together */
	uint32_t mode;                          /* FSVA_STAT_MODE_* */
	uint32_t pad;
	/* How many calls took less than 2^n microseconds (of 1024 ns), and at least half of that; the last: or more. */
	uint64_t latency[FSVA_STAT_BUCKETS];
};
FSVA_WIRE_SIZE(struct fsva_stat_queue, 272);

struct fsva_stat_page {
	uint32_t magic;                         /* FSVA_STAT_MAGIC */
	uint16_t version;                       /* FSVA_STAT_VERSION */
	uint16_t nr_queues;                     /* of queue[]; 0: not connected yet */
	uint32_t seq;                           /* odd while the front writes; another when it has written */
	uint32_t pad0;
	uint64_t session;                       /* queue[] counts from its beginning */
	uint64_t time_ns;                       /* when it was written, by a clock of the front's that only goes on */
	uint64_t octets_out, octets_in;         /* of data, to the back and from it, since the device came */
	uint64_t inodes, files;                 /* that the front holds */
	uint64_t shared_pages;                  /* frames of the back's that it has mapped */
	uint64_t suspends, resent;              /* of this domain; requests sent again after them */
	uint8_t  pad1[40];
	uint64_t ops[FSVA_OP_MAX];              /* requests by operation, since the device came */
	struct fsva_stat_queue queue[FSVA_MAX_QUEUES];
	uint8_t  pad2[1024];
};
FSVA_WIRE_SIZE(struct fsva_stat_page, 4096);

#endif /* FSVA_STATIF_H */
