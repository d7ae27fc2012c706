// SPDX-License-Identifier: GPL-2.0
/*
 * ubc.c: one page cache for two domains, this kernel's half (DESIGN section 6; linux-back/ubc.c is the other).
 *
 * For a page of a file that the appliance has in its page cache there is a ghost in ours: an ordinary struct page
 * at the same index of the inode's mapping, on the kernel's own LRU, whose frame has gone back to Xen, where the
 * appliance takes it.  So the memory of the pair stays what it was, and it is this kernel's reclaim that says what
 * of files and what of everything else is in it.
 *
 *	fsva_ubc_take()		reports of the appliance, out of its answers, in the order of their numbers
 *	fsva_ubc_news_work()	makes ghosts of pages that came, and drops those of pages that went
 *	fsva_ghost_release()	reclaim, drop_caches, fadvise: a ghost gets a frame and is an ordinary page again,
 *				which the kernel frees; the appliance is told to drop its page
 *	fsva_ubc_exchange_work() tells it: what is to go, and how many frames it may have (EVICT_PAGE)
 *
 * Frames.  nr_given is how many we have given to Xen and not taken back; the appliance is told this number, and has
 * at most `ceiling` beyond its own: the most that it was told since it last answered with less.  We take one back as
 * long as ceiling - nr_given stays within FSVA_UBC_RESERVE, so the pair never has more than it was configured with
 * and that reserve.  Reclaim waits a moment for room, which the exchange makes, and may be told no.
 *
 * Nobody may look into a ghost: it is not up to date, so it is neither mapped nor copied, and migrate_folio and
 * writepages refuse it or never see it.  A fault turns it back first (fsva_ghost_fill()), and so does truncation,
 * which would zero a part of it (fsva_ubc_truncate()).
 *
 * Locks: a mapping's invalidate_lock (new ghosts: shared; truncation: not), the folio's, then ubc->lock (a spin lock,
 * with interrupts off, inside ring->lock).
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <asm/xen/hypercall.h>
#include <xen/features.h>
#include <xen/interface/memory.h>
#include <xen/mem-reservation.h>
#include <xen/page.h>

#include "front.h"

#define FSVA_UBC_RESERVE	2048u		/* frames that the pair may have too many: 8 MiB */
#define FSVA_UBC_JUMP		0x100000u	/* no report overtakes so many others */
#define FSVA_UBC_FIFO		4096u		/* reports that wait; more are lost */
#define FSVA_UBC_EVICTS		1024u		/* evictions that wait; of more the appliance is not told */
#define FSVA_UBC_BATCH		64u		/* pages that become ghosts at a time */
#define FSVA_UBC_MSGS		(FSVA_PAGE_SIZE / sizeof(struct fsva_piggy_msg))
#define FSVA_UBC_TRIES		30u		/* seconds that the appliance may take to give frames back */
#define FSVA_UBC_GFP		(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN)

static bool fsva_ubc_default;
module_param_named(ubc, fsva_ubc_default, bool, 0444);
MODULE_PARM_DESC(ubc, "couple the page caches of the two domains, where the toolstack says nothing of it");

static struct workqueue_struct *fsva_ubc_wq;	/* exchanges: they free memory, and need none */

/* ---- Frames -------------------------------------------------------------------------------------------- */

/*
 * Give the frames of these pages, which nobody uses, to Xen.  Says how many went, from the first on; the others are
 * as before.
 */
static unsigned int fsva_frames_give(struct page **pages, unsigned int nr)
{
	xen_pfn_t gfns[FSVA_UBC_BATCH];
	struct mmuext_op flush = { .cmd = MMUEXT_TLB_FLUSH_ALL };
	unsigned int i;
	int done;

	for (i = 0; i < nr; i++) {
		clear_highpage(pages[i]);	/* somebody else gets it */
		gfns[i] = xen_page_to_gfn(pages[i]);
	}
	xenmem_reservation_va_mapping_reset(nr, pages);
	if (!xen_feature(XENFEAT_auto_translated_physmap))
		HYPERVISOR_mmuext_op(&flush, 1, NULL, DOMID_SELF);
	done = xenmem_reservation_decrease(nr, gfns);
	if (done < 0)
		done = 0;
	if (done < nr)
		xenmem_reservation_va_mapping_update(nr - done, pages + done, gfns + done);
	return done;
}

/* Take a frame for this page from Xen.  false: it has none for us. */
static bool fsva_frame_take(struct page *page)
{
	xen_pfn_t frame = page_to_xen_pfn(page);

	if (xenmem_reservation_increase(1, &frame) != 1)
		return false;
	xenmem_reservation_va_mapping_update(1, &page, &frame);
	return true;
}

/* May one more frame be taken back?  Under u->lock, but for a first look. */
static bool fsva_ubc_has_room(const struct fsva_ubc *u)
{
	unsigned int owed = u->nr_spare_all - u->nr_spare;

	return u->broken || u->ceiling < u->nr_given + owed + FSVA_UBC_RESERVE;
}

static bool fsva_ubc_take_room(struct fsva_ubc *u, bool force)
{
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&u->lock, flags);
	room = force || fsva_ubc_has_room(u);
	if (room)
		u->nr_given--;	/* from now on the appliance owes it */
	spin_unlock_irqrestore(&u->lock, flags);
	return room;
}

static void fsva_ubc_kick(struct fsva_ubc *u)
{
	queue_work(fsva_ubc_wq, &u->exchange_work);
}

/* A page of the reserve gives its frame for another one: Xen has none. */
static bool fsva_ubc_from_spare(struct fsva_ubc *u, struct page *page)
{
	struct page *spare = NULL;
	bool ok = false;

	mutex_lock(&u->spare_lock);
	if (u->nr_spare)
		spare = u->spare[u->nr_spare - 1];
	if (spare && fsva_frames_give(&spare, 1) == 1) {
		u->nr_spare--;
		/* Somebody may have been faster than we. */
		ok = fsva_frame_take(page);
		u->spare_used++;
	}
	mutex_unlock(&u->spare_lock);
	return ok;
}

/* Frames for those places of the reserve that have none. */
static void fsva_ubc_fill_spare(struct fsva_ubc *u)
{
	mutex_lock(&u->spare_lock);
	while (u->nr_spare < u->nr_spare_all && fsva_ubc_has_room(u) && fsva_frame_take(u->spare[u->nr_spare]))
		u->nr_spare++;
	mutex_unlock(&u->spare_lock);
}

/*
 * A locked ghost becomes an ordinary page without content.  wait: for room, in jiffies; force: then without.  false:
 * it is a ghost as before.
 */
static bool fsva_ghost_back(struct fsva_front *ff, struct folio *folio, long wait, bool force)
{
	struct fsva_ubc *u = &ff->ubc;
	struct page *page = folio_page(folio, 0);

	if (!fsva_ubc_take_room(u, false)) {
		fsva_ubc_kick(u);
		u->waits++;
		if (wait)
			wait_event_timeout(u->wq, fsva_ubc_has_room(u), wait);
		if (!fsva_ubc_take_room(u, force)) {
			u->refused++;
			return false;
		}
	}
	if (!fsva_frame_take(page) && !fsva_ubc_from_spare(u, page)) {
		spin_lock_irq(&u->lock);
		u->nr_given++;
		spin_unlock_irq(&u->lock);
		u->no_frame++;
		fsva_ubc_kick(u);
		return false;
	}
	folio_clear_checked(folio);
	folio_detach_private(folio);
	atomic_long_dec(&u->nr_ghosts);
	return true;
}

/* ---- Evictions ------------------------------------------------------------------------------------------ */

static void fsva_ubc_evict(struct fsva_ubc *u, u64 handle, pgoff_t index)
{
	struct fsva_piggy_msg *m;
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	m = &u->evict[(u->evict_head - 1) % FSVA_UBC_EVICTS];
	if (u->evict_head != u->evict_tail && m->handle == handle && m->index + m->nr_pages == index &&
	    m->nr_pages < U16_MAX) {
		m->nr_pages++;
	} else if (u->evict_head != u->evict_tail && m->handle == handle && m->index == index + 1 &&
		   m->nr_pages < U16_MAX) {
		m->index--;
		m->nr_pages++;
	} else if (u->on && u->evict_head - u->evict_tail < FSVA_UBC_EVICTS) {
		m = &u->evict[u->evict_head++ % FSVA_UBC_EVICTS];
		memset(m, 0, sizeof(*m));
		m->handle = handle;
		m->index = index;
		m->nr_pages = 1;
		m->kind = FSVA_PIGGY_EVICT;
	} else {
		u->evict_lost++;
	}
	spin_unlock_irqrestore(&u->lock, flags);
	fsva_ubc_kick(u);
}

/*
 * Reclaim, and all who drop clean pages.  The folio is locked.  A ghost that was used since it was last looked at
 * gets another round, which is how MGLRU keeps what is used: it does not see our marks.
 */
bool fsva_ghost_release(struct folio *folio, gfp_t gfp)
{
	struct inode *inode = folio->mapping->host;
	struct fsva_front *ff = fsva_inode_front(inode);

	if (current->flags & PF_MEMALLOC && folio_test_checked(folio)) {
		folio_clear_checked(folio);
		ff->ubc.spared++;
		return false;
	}
	/* drop_caches and its like say that nothing may be allocated for it, and can wait all the same. */
	if (gfp && !gfpflags_allow_blocking(gfp))
		return false;
	if (!fsva_ghost_back(ff, folio, gfp ? HZ / 10 : HZ, false))
		return false;
	ff->ubc.released++;
	fsva_ubc_evict(&ff->ubc, FSVA_I(inode)->handle, folio->index);
	return true;
}

/* Truncation: the whole folio is about to leave the page cache, and can't be told no. */
void fsva_ghost_invalidate(struct folio *folio)
{
	struct fsva_front *ff = fsva_inode_front(folio->mapping->host);

	if (fsva_ghost_back(ff, folio, 10 * HZ, true)) {
		ff->ubc.cut++;
		return;
	}
	/* Nothing is there.  Nobody may ever look: it is kept for good. */
	pr_crit_ratelimited("fsva: %s: Xen has no memory for us; a page is lost\n", ff->tag);
	folio_get(folio);
	ff->ubc.leaked++;
}

/* A locked ghost is to be filled.  0, or -ENOMEM and it is one still. */
int fsva_ghost_fill(struct folio *folio)
{
	struct fsva_front *ff = fsva_inode_front(folio->mapping->host);

	if (!fsva_ghost_back(ff, folio, HZ, false))
		return -ENOMEM;
	ff->ubc.filled++;
	fsva_ubc_kick(&ff->ubc);
	return 0;
}

/* Drop ghosts, and nothing else, of pages first to last.  The appliance is told only that it gets fewer frames. */
static void fsva_ghosts_drop(struct inode *inode, pgoff_t first, pgoff_t last)
{
	struct address_space *mapping = inode->i_mapping;
	struct fsva_front *ff = fsva_inode_front(inode);
	struct folio_batch batch;
	pgoff_t next = first;
	unsigned int i;

	folio_batch_init(&batch);
	while (next <= last && filemap_get_folios(mapping, &next, last, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++) {
			struct folio *folio = batch.folios[i];

			if (!fsva_folio_is_ghost(folio) || !folio_trylock(folio)) {
				folio_put(folio);
				continue;
			}
			if (folio->mapping == mapping && fsva_folio_is_ghost(folio) &&
			    fsva_ghost_back(ff, folio, HZ / 10, false))
				ff->ubc.dropped++;
			folio_unlock(folio);
			first = folio->index;
			folio_put(folio);
			invalidate_mapping_pages(mapping, first, first);
		}
		folio_batch_init(&batch);
		cond_resched();
	}
	fsva_ubc_kick(&ff->ubc);
}

/* ---- Ghosts are made ------------------------------------------------------------------------------------ */

/* The places of a file from *index on that have no page yet, at most a batch. */
static unsigned int fsva_ghosts_find(struct address_space *mapping, pgoff_t *index, pgoff_t end, pgoff_t *at)
{
	unsigned int nr = 0;
	void *entry;

	for (; *index < end && nr < FSVA_UBC_BATCH; (*index)++) {
		entry = xa_load(&mapping->i_pages, *index);
		if (!entry || xa_is_value(entry))
			at[nr++] = *index;
	}
	return nr;
}

static unsigned int fsva_ghosts_alloc(struct page **pages, unsigned int nr)
{
	struct folio *folio;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		folio = folio_alloc(FSVA_UBC_GFP, 0);
		if (!folio)
			break;
		pages[i] = folio_page(folio, 0);
	}
	return i;
}

/* The page has no frame, and is nowhere: give it one, and free it. */
static void fsva_ghost_unmake(struct fsva_front *ff, struct page *page)
{
	struct fsva_ubc *u = &ff->ubc;

	spin_lock_irq(&u->lock);
	u->nr_given--;
	spin_unlock_irq(&u->lock);
	if (fsva_frame_take(page)) {
		put_page(page);
		return;
	}
	/* One more place for the reserve to fill. */
	spin_lock_irq(&u->lock);
	u->nr_given++;
	spin_unlock_irq(&u->lock);
	u->leaked++;
}

/* false: there is no memory for more. */
static bool fsva_ghosts_make_batch(struct fsva_front *ff, struct address_space *mapping, const pgoff_t *at,
				   unsigned int nr)
{
	struct fsva_ubc *u = &ff->ubc;
	struct page *pages[FSVA_UBC_BATCH];
	unsigned int got, given, i;

	got = fsva_ghosts_alloc(pages, nr);
	given = got ? fsva_frames_give(pages, got) : 0;
	for (i = given; i < got; i++)
		__free_page(pages[i]);
	spin_lock_irq(&u->lock);
	u->nr_given += given;
	spin_unlock_irq(&u->lock);
	for (i = 0; i < given; i++) {
		struct folio *folio = page_folio(pages[i]);

		if (filemap_add_folio(mapping, folio, at[i], FSVA_UBC_GFP)) {
			fsva_ghost_unmake(ff, pages[i]);
			u->raced++;
			continue;
		}
		folio_attach_private(folio, FSVA_GHOST);
		folio_unlock(folio);
		folio_put(folio);
		atomic_long_inc(&u->nr_ghosts);
		u->made++;
	}
	if (got < nr)
		u->no_page += nr - got;
	return given == nr;
}

/* Pages of a file are in the appliance's page cache. */
static void fsva_ghosts_make(struct fsva_front *ff, struct inode *inode, pgoff_t index, unsigned int nr)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t at[FSVA_UBC_BATCH], end, next = index;
	unsigned int n;

	filemap_invalidate_lock_shared(mapping);
	end = min_t(pgoff_t, index + nr, DIV_ROUND_UP_ULL(i_size_read(inode), PAGE_SIZE));
	/* What is mapped wants to be read ahead, into pages that have frames. */
	while (next < end && !mapping_mapped(mapping) && READ_ONCE(ff->ubc.on)) {
		n = fsva_ghosts_find(mapping, &next, end, at);
		if (n && !fsva_ghosts_make_batch(ff, mapping, at, n))
			break;
		cond_resched();
	}
	filemap_invalidate_unlock_shared(mapping);
}

/* ---- Reports -------------------------------------------------------------------------------------------- */

static void fsva_ubc_break(struct fsva_front *ff, const char *why)
{
	if (xchg(&ff->ubc.broken, true))
		return;
	pr_warn("fsva: %s: the page caches are no longer coupled: %s\n", ff->tag, why);
	WRITE_ONCE(ff->ubc.on, false);
	fsva_ubc_kick(&ff->ubc);
}

/* u->lock held.  The next report, if it is there, comes to the queue. */
static void fsva_ubc_next(struct fsva_ubc *u)
{
	unsigned int slot = u->next++ % FSVA_UBC_WINDOW;

	if (!__test_and_clear_bit(slot, u->there) || u->fifo_head - u->fifo_tail >= FSVA_UBC_FIFO)
		u->lost++;
	else
		u->fifo[u->fifo_head++ % FSVA_UBC_FIFO] = u->window[slot];
}

/* u->lock held.  Messages numbered from seq on.  false: the numbers make no sense. */
static bool fsva_ubc_sort(struct fsva_ubc *u, u64 seq, const struct fsva_piggy_msg *msg, unsigned int nr)
{
	unsigned int i, slot;

	for (i = 0; i < nr; i++, seq++) {
		if (seq < u->next)
			continue;
		if (seq - u->next >= FSVA_UBC_JUMP)
			return false;
		/* Too many are there before one that is missing: it is given up. */
		while (seq - u->next >= FSVA_UBC_WINDOW)
			fsva_ubc_next(u);
		slot = seq % FSVA_UBC_WINDOW;
		u->window[slot] = msg[i];
		__set_bit(slot, u->there);
	}
	while (test_bit(u->next % FSVA_UBC_WINDOW, u->there))
		fsva_ubc_next(u);
	return true;
}

/* Any context, ring->lock held. */
void fsva_ubc_take(struct fsva_front *ff, const struct fsva_piggy *piggy)
{
	struct fsva_ubc *u = &ff->ubc;
	unsigned long flags;
	bool ok = true;

	spin_lock_irqsave(&u->lock, flags);
	if (u->on)
		ok = fsva_ubc_sort(u, piggy->seq, piggy->msg, piggy->nr);
	if (!ok)
		u->confused = true;
	spin_unlock_irqrestore(&u->lock, flags);
	queue_work(fsva_wq, &u->news_work);
}

/* An event without an answer: the appliance has something to say.  Any context.  false: it has not. */
bool fsva_ubc_bell(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;

	if (!READ_ONCE(u->on))
		return false;
	WRITE_ONCE(u->asked, true);
	fsva_ubc_kick(u);
	return true;
}

static void fsva_ubc_news(struct fsva_front *ff, const struct fsva_piggy_msg *m)
{
	struct inode *inode;

	/* Metadata is the appliance's own to bound: nothing here follows it. */
	if (m->kind == FSVA_PIGGY_SLAB)
		return;
	inode = fsva_inode_find(ff->ubc.sb, m->handle);
	if (!inode)
		return;
	if (!S_ISREG(inode->i_mode))
		goto out;
	if (m->kind == FSVA_PIGGY_INSERT)
		fsva_ghosts_make(ff, inode, m->index, m->nr_pages);
	else
		fsva_ghosts_drop(inode, m->index, (pgoff_t)m->index + m->nr_pages - 1);
out:
	iput(inode);
}

static void fsva_ubc_news_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(work, struct fsva_front, ubc.news_work);
	struct fsva_ubc *u = &ff->ubc;
	struct fsva_piggy_msg m;
	bool any;

	if (READ_ONCE(u->confused))
		fsva_ubc_break(ff, "the appliance's reports are out of order");
	while (READ_ONCE(u->on)) {
		spin_lock_irq(&u->lock);
		any = u->fifo_head != u->fifo_tail;
		if (any)
			m = u->fifo[u->fifo_tail++ % FSVA_UBC_FIFO];
		spin_unlock_irq(&u->lock);
		if (!any)
			break;
		fsva_ubc_news(ff, &m);
		if (READ_ONCE(u->nr_given) != READ_ONCE(u->told))
			fsva_ubc_kick(u);
		cond_resched();
	}
}

/* ---- The exchange --------------------------------------------------------------------------------------- */

/* What could not be dropped there is a ghost again. */
static void fsva_ubc_kept(struct fsva_ubc *u, const struct fsva_piggy_msg *msg, unsigned int nr)
{
	unsigned int i;

	spin_lock_irq(&u->lock);
	for (i = 0; i < nr && u->fifo_head - u->fifo_tail < FSVA_UBC_FIFO; i++) {
		u->fifo[u->fifo_head % FSVA_UBC_FIFO] = msg[i];
		u->fifo[u->fifo_head++ % FSVA_UBC_FIFO].kind = FSVA_PIGGY_INSERT;
	}
	u->kept += nr;
	spin_unlock_irq(&u->lock);
}

/* What is there to say?  false: nothing. */
static bool fsva_ubc_pack(struct fsva_ubc *u, struct fsva_evict_page_req *q, struct fsva_piggy_msg *msg)
{
	bool asked;
	s64 frames;

	memset(q, 0, sizeof(*q));
	spin_lock_irq(&u->lock);
	while (q->nr < FSVA_UBC_MSGS && u->evict_head != u->evict_tail)
		msg[q->nr++] = u->evict[u->evict_tail++ % FSVA_UBC_EVICTS];
	frames = max_t(s64, u->on ? u->nr_given : min(u->nr_given, u->told), 0);
	u->ceiling = max(u->ceiling, frames);
	q->frames = frames;
	asked = u->asked;
	u->asked = false;
	if (u->starting)
		q->flags = FSVA_EVICT_START;
	else if (u->stopping)
		q->flags = FSVA_EVICT_STOP;
	spin_unlock_irq(&u->lock);
	return q->nr || q->flags || frames != u->told || u->held > u->told || asked;
}

/* One exchange.  0: there may be more to say; -EAGAIN: not at once; otherwise it is over. */
static int fsva_ubc_exchange(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;
	struct fsva_evict_page_req q;
	struct fsva_evict_page_rsp rsp;
	bool ok = true, slow;
	int err;

	if (!fsva_ubc_pack(u, &q, u->msg))
		return -ENODATA;
	err = fsva_call_evict_page(ff, &q, u->msg, &rsp);
	u->exchanges++;
	if (err)
		return err;
	spin_lock_irq(&u->lock);
	u->told = q.frames;
	u->held = rsp.held;
	u->ceiling = max(u->told, u->held);
	u->starting = false;
	slow = rsp.held > q.frames;
	if (u->on && rsp.nr_news)
		ok = fsva_ubc_sort(u, rsp.seq, u->msg + rsp.nr_kept, rsp.nr_news);
	spin_unlock_irq(&u->lock);
	fsva_ubc_fill_spare(u);
	wake_up_all(&u->wq);
	if (rsp.nr_kept)
		fsva_ubc_kept(u, u->msg, rsp.nr_kept);
	if (rsp.nr_kept || rsp.nr_news)
		queue_work(fsva_wq, &u->news_work);
	if (!ok)
		fsva_ubc_break(ff, "the appliance's reports are out of order");
	if (rsp.nr_news == FSVA_UBC_MSGS)
		WRITE_ONCE(u->asked, true);
	u->slow = slow ? u->slow + 1 : 0;
	if (u->slow == FSVA_UBC_TRIES)
		fsva_ubc_break(ff, "the appliance does not give its frames back");
	return q.flags & FSVA_EVICT_STOP ? -ENODATA : 0;
}

static void fsva_ubc_exchange_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(work, struct fsva_front, ubc.exchange_work);
	struct fsva_ubc *u = &ff->ubc;
	int err;

	mutex_lock(&u->exchange_lock);
	do {
		err = u->ready && !u->paused ? fsva_ubc_exchange(ff) : -ENODATA;
	} while (!err && u->slow < FSVA_UBC_TRIES);
	mutex_unlock(&u->exchange_lock);
	if (err && err != -ENODATA && !fsva_front_dead(ff))
		fsva_ubc_break(ff, "the appliance refuses");
}

/* ---- Use ------------------------------------------------------------------------------------------------- */

/* A process has read or written this: its ghosts are in use. */
void fsva_ubc_touch(struct inode *inode, loff_t pos, size_t len)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t next = pos >> PAGE_SHIFT, last = (pos + len - 1) >> PAGE_SHIFT;
	struct folio_batch batch;
	unsigned int i;

	if (!mapping->nrpages || !len || !READ_ONCE(fsva_inode_front(inode)->ubc.on))
		return;
	folio_batch_init(&batch);
	while (next <= last && filemap_get_folios(mapping, &next, last, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++) {
			if (!fsva_folio_is_ghost(batch.folios[i]))
				continue;
			folio_set_checked(batch.folios[i]);
			folio_mark_accessed(batch.folios[i]);
		}
		folio_batch_release(&batch);
	}
}

/* A fault is about to read ahead from here on: not into ghosts. */
void fsva_ubc_fault(struct inode *inode, pgoff_t index)
{
	void *entry;

	if (!READ_ONCE(fsva_inode_front(inode)->ubc.ready))
		return;
	rcu_read_lock();
	entry = xa_load(&inode->i_mapping->i_pages, index);
	if (entry && (xa_is_value(entry) || !fsva_folio_is_ghost(entry)))
		entry = NULL;
	rcu_read_unlock();
	if (entry)
		fsva_ghosts_drop(inode, index, index + inode->i_sb->s_bdi->ra_pages);
}

/* truncate_pagecache(), which zeroes a part of the page that the file ends in from now on. */
void fsva_ubc_truncate(struct inode *inode, loff_t size)
{
	struct address_space *mapping = inode->i_mapping;
	pgoff_t last = size >> PAGE_SHIFT;
	struct folio_batch batch;
	struct folio *folio;

	if (!READ_ONCE(fsva_inode_front(inode)->ubc.ready)) {
		truncate_pagecache(inode, size);
		return;
	}
	filemap_invalidate_lock(mapping);
	folio_batch_init(&batch);
	if (size & ~PAGE_MASK && filemap_get_folios(mapping, &last, last, &batch)) {
		folio = batch.folios[0];
		folio_lock(folio);
		/* Without a frame it is not cut, but dropped. */
		if (folio->mapping == mapping && fsva_folio_is_ghost(folio))
			fsva_ghost_back(fsva_inode_front(inode), folio, 10 * HZ, true);
		folio_unlock(folio);
		folio_batch_release(&batch);
	}
	truncate_pagecache(inode, size);
	filemap_invalidate_unlock(mapping);
}

/* ---- Life ------------------------------------------------------------------------------------------------ */

/* What the administrator says, by 0 or 1 in xenstore or by the module's parameter, and the appliance. */
void fsva_ubc_want(struct fsva_front *ff, unsigned int key, unsigned int offered)
{
	ff->ubc.wanted = key == 1 || (key > 1 && fsva_ubc_default);
	if (!ff->ubc.wanted || offered == 1)
		return;
	pr_warn("fsva: %s: the page caches can't be coupled: the appliance's kernel can't do it\n", ff->tag);
	ff->ubc.wanted = false;
}

/* What to ask the appliance for. */
u64 fsva_ubc_features(struct fsva_front *ff)
{
	return ff->ubc.wanted ? FSVA_FEATURE_UBC : 0;
}

void fsva_ubc_init(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;

	spin_lock_init(&u->lock);
	mutex_init(&u->spare_lock);
	mutex_init(&u->exchange_lock);
	init_waitqueue_head(&u->wq);
	INIT_WORK(&u->news_work, fsva_ubc_news_work);
	INIT_WORK(&u->exchange_work, fsva_ubc_exchange_work);
}

static void fsva_ubc_free(struct fsva_ubc *u)
{
	/* The places of the reserve that have no frame can't be freed. */
	while (u->nr_spare_all--)
		if (u->nr_spare_all < u->nr_spare)
			__free_page(u->spare[u->nr_spare_all]);
		else
			u->leaked++;
	u->nr_spare_all = 0;
	u->nr_spare = 0;
	kvfree(u->fifo);
	kvfree(u->evict);
	kvfree(u->window);
	kfree(u->msg);
	u->window = NULL;
	u->fifo = NULL;
	u->evict = NULL;
	u->msg = NULL;
}

static int fsva_ubc_alloc(struct fsva_ubc *u)
{
	u->fifo = kvcalloc(FSVA_UBC_FIFO, sizeof(*u->fifo), GFP_KERNEL);
	u->evict = kvcalloc(FSVA_UBC_EVICTS, sizeof(*u->evict), GFP_KERNEL);
	u->window = kvcalloc(FSVA_UBC_WINDOW, sizeof(*u->window), GFP_KERNEL);
	u->msg = kmalloc(FSVA_PAGE_SIZE, GFP_KERNEL);
	while (u->nr_spare < FSVA_UBC_SPARE) {
		u->spare[u->nr_spare] = alloc_page(GFP_KERNEL);
		if (!u->spare[u->nr_spare])
			break;
		u->nr_spare++;
	}
	u->nr_spare_all = u->nr_spare;
	if (u->fifo && u->evict && u->window && u->msg)
		return 0;
	fsva_ubc_free(u);
	return -ENOMEM;
}

/* A file system was mounted: couple its page cache with ours, if that was agreed upon. */
void fsva_ubc_start(struct fsva_front *ff, struct super_block *sb)
{
	struct fsva_ubc *u = &ff->ubc;
	int err;

	if (!(ff->features & FSVA_FEATURE_UBC))
		return;
	err = fsva_ubc_alloc(u);
	if (err)
		goto err_say;
	spin_lock_irq(&u->lock);
	u->sb = sb;
	u->next = 1;
	bitmap_zero(u->there, FSVA_UBC_WINDOW);
	u->fifo_head = 0;
	u->fifo_tail = 0;
	u->evict_head = 0;
	u->evict_tail = 0;
	u->told = 0;
	u->held = 0;
	u->ceiling = 0;
	u->slow = 0;
	u->asked = false;
	u->confused = false;
	u->broken = false;
	u->stopping = false;
	u->starting = true;
	u->on = true;
	spin_unlock_irq(&u->lock);
	mutex_lock(&u->exchange_lock);
	u->paused = false;
	u->resume = false;
	err = fsva_ubc_exchange(ff);
	WRITE_ONCE(u->ready, !err);
	mutex_unlock(&u->exchange_lock);
	if (!err) {
		pr_info("fsva: %s: the page caches of the two domains are coupled\n", ff->tag);
		fsva_ubc_kick(u);
		return;
	}
	spin_lock_irq(&u->lock);
	u->on = false;
	spin_unlock_irq(&u->lock);
	flush_work(&u->news_work);
	fsva_ubc_free(u);
err_say:
	pr_warn("fsva: %s: the page caches can't be coupled: error %d\n", ff->tag, err);
}

/* The superblock is about to go: no more ghosts, and no more references to inodes. */
void fsva_ubc_stop(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;

	if (!READ_ONCE(u->ready))
		return;
	WRITE_ONCE(u->on, false);
	flush_work(&u->news_work);
}

/* The superblock is gone, and with it all ghosts. */
void fsva_ubc_end(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;

	if (!READ_ONCE(u->ready))
		return;
	spin_lock_irq(&u->lock);
	u->stopping = true;
	spin_unlock_irq(&u->lock);
	fsva_ubc_kick(u);
	flush_work(&u->exchange_work);
	fsva_ubc_fill_spare(u);
	mutex_lock(&u->exchange_lock);
	u->ready = false;
	mutex_unlock(&u->exchange_lock);
	cancel_work_sync(&u->exchange_work);
	cancel_work_sync(&u->news_work);
	if (u->nr_given)
		pr_warn("fsva: %s: %lld frames have not come back from Xen\n", ff->tag, u->nr_given);
	u->nr_given = 0;
	fsva_ubc_free(u);
	u->sb = NULL;
}

/*
 * This domain is about to be suspended: no exchange from now on.  Ghosts stay: pages without frames, as a balloon's,
 * are nothing that a suspend minds.
 */
void fsva_ubc_freeze(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;

	mutex_lock(&u->exchange_lock);
	u->paused = true;
	u->resume = READ_ONCE(u->on);
	WRITE_ONCE(u->on, false);
	mutex_unlock(&u->exchange_lock);
	flush_work(&u->news_work);
}

/* It goes on, here or elsewhere; what was reported meanwhile is lost, so that the count begins anew. */
void fsva_ubc_thaw(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;

	mutex_lock(&u->exchange_lock);
	u->paused = false;
	spin_lock_irq(&u->lock);
	if (u->ready && u->resume && !u->broken) {
		u->next = 1;
		bitmap_zero(u->there, FSVA_UBC_WINDOW);
		u->fifo_tail = u->fifo_head;
		u->starting = true;
		u->asked = true;
		u->on = true;
	}
	u->resume = false;
	spin_unlock_irq(&u->lock);
	mutex_unlock(&u->exchange_lock);
	fsva_ubc_kick(u);
}

/* The connection is gone, and with it the appliance's right to our frames. */
void fsva_ubc_lost(struct fsva_front *ff)
{
	struct fsva_ubc *u = &ff->ubc;

	spin_lock_irq(&u->lock);
	u->on = false;
	u->told = 0;
	u->held = 0;
	u->ceiling = 0;
	spin_unlock_irq(&u->lock);
	wake_up_all(&u->wq);
}

int fsva_ubc_module_init(void)
{
	fsva_ubc_wq = alloc_workqueue("fsva-ubc", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return fsva_ubc_wq ? 0 : -ENOMEM;
}

void fsva_ubc_module_exit(void)
{
	destroy_workqueue(fsva_ubc_wq);
}

void fsva_ubc_show(struct fsva_front *ff, struct seq_file *m)
{
	struct fsva_ubc *u = &ff->ubc;

	seq_printf(m, "on %d\n", READ_ONCE(u->on));
	seq_printf(m, "broken %d\n", READ_ONCE(u->broken));
	seq_printf(m, "ghosts %ld\n", atomic_long_read(&u->nr_ghosts));
	seq_printf(m, "given %lld\n", READ_ONCE(u->nr_given));
	seq_printf(m, "told %lld\n", READ_ONCE(u->told));
	seq_printf(m, "held %lld\n", READ_ONCE(u->held));
	seq_printf(m, "ceiling %lld\n", READ_ONCE(u->ceiling));
	seq_printf(m, "spare %u of %u\n", READ_ONCE(u->nr_spare), READ_ONCE(u->nr_spare_all));
	seq_printf(m, "waiting %u\n", READ_ONCE(u->fifo_head) - READ_ONCE(u->fifo_tail));
	seq_printf(m, "made %lu\n", u->made);
	seq_printf(m, "released %lu\n", u->released);
	seq_printf(m, "spared %lu\n", u->spared);
	seq_printf(m, "dropped %lu\n", u->dropped);
	seq_printf(m, "filled %lu\n", u->filled);
	seq_printf(m, "cut %lu\n", u->cut);
	seq_printf(m, "kept %lu\n", u->kept);
	seq_printf(m, "raced %lu\n", u->raced);
	seq_printf(m, "lost %lu\n", u->lost);
	seq_printf(m, "evict-lost %lu\n", u->evict_lost);
	seq_printf(m, "waits %lu\n", u->waits);
	seq_printf(m, "refused %lu\n", u->refused);
	seq_printf(m, "no-frame %lu\n", u->no_frame);
	seq_printf(m, "no-page %lu\n", u->no_page);
	seq_printf(m, "spare-used %lu\n", u->spare_used);
	seq_printf(m, "exchanges %lu\n", u->exchanges);
	seq_printf(m, "leaked %lu\n", u->leaked);
}
