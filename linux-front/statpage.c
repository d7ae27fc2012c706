// SPDX-License-Identifier: GPL-2.0
/*
 * statpage.c: our counters for the control domain, in a page that it may map
 * (protocol/fsva_statif.h).  Nobody here waits for a reader, or knows of one.
 */
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <xen/page.h>

#include "front.h"
#include "../protocol/fsva_statif.h"

static void fsva_statpage_queue(struct fsva_stat_queue *to,
				struct fsva_ring *ring)
{
	struct fsva_signal sig;
	unsigned int i;

	BUILD_BUG_ON(FSVA_SIGNAL_BUCKETS != FSVA_STAT_BUCKETS);
	BUILD_BUG_ON(FSVA_SIGNAL_AUTO != FSVA_STAT_MODE_AUTO);
	BUILD_BUG_ON(FSVA_SIGNAL_EVENT != FSVA_STAT_MODE_EVENT);
	BUILD_BUG_ON(FSVA_SIGNAL_POLL != FSVA_STAT_MODE_POLL);
	BUILD_BUG_ON(FSVA_SIGNAL_MWAIT != FSVA_STAT_MODE_MWAIT);

	spin_lock_irq(&ring->lock);
	sig = ring->sig;
	spin_unlock_irq(&ring->lock);

	to->calls = sig.calls;
	to->sent = sig.sent;
	to->suppressed = sig.suppressed;
	to->events = sig.events;
	to->spurious = sig.spurious;
	to->blocked = sig.blocked;
	to->polled = sig.watches[FSVA_WATCH_POLLED];
	to->woken = sig.watches[FSVA_WATCH_WOKEN];
	to->missed = sig.watches[FSVA_WATCH_MISSED];
	to->busy = sig.watches[FSVA_WATCH_BUSY];
	to->yielded = sig.watches[FSVA_WATCH_YIELDED];
	to->watched_ns = sig.watched_ns;
	to->waited_ns = sig.waited_ns;
	to->mode = sig.mode;
	for (i = 0; i < FSVA_STAT_BUCKETS; i++)
		to->latency[i] = sig.latency[i];
}

/*
 * Copy the counters to the page.  May sleep; the caller has entered the rings
 * (fsva_ring_enter()), or nobody else can tear them down.
 */
void fsva_statpage_update(struct fsva_front *ff)
{
	struct fsva_stat_page *page = ff->statpage;
	unsigned int i;

	if (!page)
		return;
	mutex_lock(&ff->statpage_mutex);
	WRITE_ONCE(page->seq, page->seq | 1);
	virt_wmb();	/* odd before anything changes */
	page->nr_queues = ff->nr_queues;
	page->session = ff->session;
	page->time_ns = ktime_get_ns();
	page->octets_out = atomic64_read(&ff->octets_out);
	page->octets_in = atomic64_read(&ff->octets_in);
	page->inodes = atomic64_read(&ff->nr_inodes);
	page->files = atomic64_read(&ff->nr_files);
	page->shared_pages = READ_ONCE(ff->shares.nr);
	page->suspends = atomic64_read(&ff->nr_suspends);
	page->resent = atomic64_read(&ff->nr_resent);
	for (i = 0; i < FSVA_OP_MAX; i++)
		page->ops[i] = atomic64_read(&ff->ops[i]);
	for (i = 0; i < ff->nr_queues; i++)
		fsva_statpage_queue(&page->queue[i], &ff->rings[i]);
	virt_wmb();	/* even after all has changed */
	WRITE_ONCE(page->seq, page->seq + 1);
	mutex_unlock(&ff->statpage_mutex);
}

/*
 * ff->mutex held: the connection's keys are about to be written.  The reference
 * for `stats-ref`, or 0: there are no statistics to be had.
 */
grant_ref_t fsva_statpage_ref(struct fsva_front *ff)
{
	/* In another domain: the same reference, for its domain 0. */
	if (ff->statpage_ref && ff->statpage_moves != ff->nr_moves)
		gnttab_grant_foreign_access_ref(ff->statpage_ref,
						FSVA_STAT_READER,
						virt_to_gfn(ff->statpage), 1);
	ff->statpage_moves = ff->nr_moves;
	return ff->statpage_ref;
}

/* When a device comes.  Without memory, or a reference, it has none. */
void fsva_statpage_add(struct fsva_front *ff)
{
	struct fsva_stat_page *page = (void *)get_zeroed_page(GFP_KERNEL);
	int ref;

	mutex_init(&ff->statpage_mutex);
	if (!page)
		return;
	page->magic = FSVA_STAT_MAGIC;
	page->version = FSVA_STAT_VERSION;
	ref = gnttab_grant_foreign_access(FSVA_STAT_READER, virt_to_gfn(page),
					  1);
	if (ref < 0) {
		free_page((unsigned long)page);
		return;
	}
	ff->statpage_ref = ref;
	ff->statpage = page;
}

/* Nobody updates it any more.  A reader may have it mapped just now. */
void fsva_statpage_remove(struct fsva_front *ff)
{
	if (ff->statpage)
		fsva_grant_unshare(&ff->statpage_ref, ff->statpage);
	ff->statpage = NULL;
}
