/* SPDX-License-Identifier: GPL-2.0 */
/*
 * backlog.h: events that wait for the front to take them.  No VFS and no Xen in it: a unit test builds backlog.c on a
 * shim.
 */
#ifndef FSVA_BACKLOG_H
#define FSVA_BACKLOG_H

#include <linux/types.h>

#include "fsva_wire.h"

/* Whoever has it guards it by a lock.  Event number n is ring[n % size]. */
struct fsva_backlog {
	struct fsva_event_msg *ring;
	unsigned int size;
	u64 head, tail;			/* numbers: of the next event, of the first that was not taken */
	u64 shown;			/* all below were in an answer */
	bool lost;			/* there was no room, and that is not in the ring yet */
	u64 nr_lost;
};

void fsva_backlog_init(struct fsva_backlog *b);
void fsva_backlog_start(struct fsva_backlog *b, struct fsva_event_msg *ring, unsigned int size);
void fsva_backlog_stop(struct fsva_backlog *b);
bool fsva_backlog_add(struct fsva_backlog *b, const struct fsva_event_msg *m);
int fsva_backlog_take(struct fsva_backlog *b, u64 *seq, struct fsva_event_msg *msg, unsigned int most);
bool fsva_backlog_waits(const struct fsva_backlog *b);

#endif /* FSVA_BACKLOG_H */
