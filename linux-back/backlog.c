// SPDX-License-Identifier: GPL-2.0
/*
 * backlog.c: events that wait for the front to take them.  protocol/fsva.pandoc, "event".
 *
 * Each event has a number, which no other of the session gets.  An event stays until the front asks for a later one,
 * so that it may ask again; when there is no room, those that come are lost, and that is an event in their place.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "backlog.h"

void fsva_backlog_init(struct fsva_backlog *b)
{
	b->head = 1;
	fsva_backlog_stop(b);
}

/* What waits is nobody's any more; its numbers are not used again. */
void fsva_backlog_stop(struct fsva_backlog *b)
{
	b->ring = NULL;
	b->size = 0;
	b->tail = b->head;
	b->shown = b->head;
	b->lost = false;
}

void fsva_backlog_start(struct fsva_backlog *b, struct fsva_event_msg *ring, unsigned int size)
{
	fsva_backlog_stop(b);
	b->ring = ring;
	b->size = size;
}

static struct fsva_event_msg *fsva_backlog_at(struct fsva_backlog *b, u64 number)
{
	return &b->ring[number % b->size];
}

bool fsva_backlog_waits(const struct fsva_backlog *b)
{
	return b->head != b->tail || b->lost;
}

/* One more event.  false: the front has yet to see the same, and one of both is enough. */
bool fsva_backlog_add(struct fsva_backlog *b, const struct fsva_event_msg *m)
{
	if (b->head != b->tail && b->head > b->shown && !b->lost &&
	    !memcmp(fsva_backlog_at(b, b->head - 1), m, sizeof(*m)))
		return false;
	if (b->lost || b->head - b->tail >= b->size) {
		b->lost = true;
		b->nr_lost++;
	} else {
		*fsva_backlog_at(b, b->head++) = *m;
	}
	return true;
}

/*
 * Up to `most` events from number *seq on, which may be 0: from the first.  All before have been taken.  Says how many,
 * or -EINVAL: there is no such number.
 */
int fsva_backlog_take(struct fsva_backlog *b, u64 *seq, struct fsva_event_msg *msg, unsigned int most)
{
	unsigned int nr = 0;

	if (!*seq)
		*seq = b->tail;
	if (*seq < b->tail || *seq > b->head)
		return -EINVAL;
	b->tail = *seq;
	if (b->lost && b->head - b->tail < b->size) {
		memset(fsva_backlog_at(b, b->head), 0, sizeof(*msg));
		fsva_backlog_at(b, b->head++)->what = FSVA_EVENT_LOST;
		b->lost = false;
	}
	while (nr < most && *seq + nr != b->head) {
		msg[nr] = *fsva_backlog_at(b, *seq + nr);
		nr++;
	}
	if (b->shown < *seq + nr)
		b->shown = *seq + nr;
	return nr;
}
