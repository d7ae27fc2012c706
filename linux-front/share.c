// SPDX-License-Identifier: GPL-2.0
/*
 * share.c: pages of our page cache that are pages of the appliance's.
 *
 * Where the domain is translated by hardware (PVH), a frame of another domain
 * can stand at any of our page numbers.  When the VFS wants a page of a file
 * filled, fsva_share_fill() asks the appliance to grant its page (MAP_PAGE),
 * gives the frame of ours back to Xen and maps the granted one at the same
 * place: an ordinary struct page, on the LRU, for all that the kernel does with
 * mapped files, and one frame for both domains.  What a process stores the
 * appliance's read() sees, with no call.
 *
 *	fsva_share_fill()	locked new folios of a file become shared
 *	fsva_share_store()	before the first store to a clean one: the file
 *				system there is asked
 *	fsva_share_clean()	write-back: it is told that the page was stored to
 *	fsva_share_undo()	a locked folio that nobody uses gets a frame of
 *				its own again, with the same content
 *
 * A frame may be changed only under the eyes of nobody: between the two
 * hypercalls there is none, and an access to nothing ends the domain.  So undo
 * wants the folio locked, unmapped, and with no references but the page
 * cache's, ours and the caller's.  Reclaim asks by ->release_folio and may be
 * told no.  Truncation can't be told no: then the folio goes to a list of those
 * that are stuck, with a reference, until the last user has let go.
 *
 * The grants that are no longer mapped go back by UNMAP_PAGE, sent by a work
 * item, for reclaim can't wait.
 *
 * A suspend finds no page shared: fsva_shares_freeze() undoes them all, or the
 * domain is not suspended.  Afterwards they come back one by one, as faults ask
 * for them.
 *
 * Locks: the folio's, then shares->lock (a spin lock).
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/writeback.h>
#include <asm/xen/hypercall.h>
#include <xen/features.h>
#include <xen/interface/memory.h>
#include <xen/mem-reservation.h>
#include <xen/page.h>

#include "front.h"

#define FSVA_SHARES_MAX 16384u /* what an appliance grants at most */
#define FSVA_SHARES_RESERVE \
	8u /* frames to give back when Xen has none for us */
#define FSVA_STUCK_PERIOD (HZ / 10)
#define FSVA_SHARES_FREEZE (5 * HZ)

/* One shared page; the folio's private data. */
struct fsva_share {
	struct list_head link; /* shares->lru, ->stuck or ->gone */
	struct folio *folio; /* NULL on ->gone */
	u64 session; /* that the reference is of */
	unsigned int moves; /* ff->nr_moves then: the references of each are others */
	u64 mfn; /* machine frame, to be looked at */
	grant_handle_t grant;
	u32 ref;
	bool stuck;
};

/* ---- Frames ---- */

static DEFINE_MUTEX(fsva_bounce_mutex); /* and the reserve */
static u8 fsva_bounce[PAGE_SIZE] __aligned(PAGE_SIZE);
static struct page *fsva_reserve[FSVA_SHARES_RESERVE];
static unsigned int fsva_nr_reserve;

static unsigned long fsva_vaddr(struct page *page)
{
	return (unsigned long)page_address(page);
}

static void *fsva_share_addr(struct fsva_share *s)
{
	return page_address(folio_page(s->folio, 0));
}

/* Give a place without a frame one of its own.  fsva_bounce_mutex held. */
static bool fsva_frame_get(struct page *page)
{
	xen_pfn_t gfn = page_to_pfn(page), own;

	while (xenmem_reservation_increase(1, &gfn) != 1) {
		/* Somebody else got ours.  Give Xen one, and take that. */
		if (!fsva_nr_reserve)
			return false;
		own = page_to_pfn(fsva_reserve[--fsva_nr_reserve]);
		xenmem_reservation_decrease(1, &own);
	}
	return true;
}

/* Drop as many frames as there are pages; says how many, from the first on. */
static unsigned int fsva_frames_put(struct page **pages, unsigned int nr)
{
	xen_pfn_t gfns[FSVA_MAP_MAX];
	unsigned int i;
	int n;

	for (i = 0; i < nr; i++)
		gfns[i] = page_to_pfn(pages[i]);
	n = xenmem_reservation_decrease(nr, gfns);
	return n < 0 ? 0 : n;
}

/* ---- Back to the appliance ---- */

/* The grant is not mapped any more, or never was. */
static void fsva_share_gone(struct fsva_front *ff, struct fsva_share *s)
{
	struct fsva_shares *t = &ff->shares;
	unsigned long flags;

	s->folio = NULL;
	spin_lock_irqsave(&t->lock, flags);
	list_add_tail(&s->link, &t->gone);
	spin_unlock_irqrestore(&t->lock, flags);
	queue_work(fsva_wq, &t->gone_work);
}

static void fsva_shares_gone_work(struct work_struct *work)
{
	struct fsva_front *ff =
		container_of(work, struct fsva_front, shares.gone_work);
	struct fsva_shares *t = &ff->shares;
	struct fsva_share *s;
	u32 refs[FSVA_MAP_MAX];
	unsigned int nr, taken;

	do {
		nr = 0;
		taken = 0;
		spin_lock_irq(&t->lock);
		while (taken < FSVA_MAP_MAX && !list_empty(&t->gone)) {
			s = list_first_entry(&t->gone, struct fsva_share, link);
			list_del(&s->link);
			taken++;
			/* An appliance that has forgotten the session has forgotten this. */
			if (s->session == ff->session &&
			    s->moves == READ_ONCE(ff->nr_moves))
				refs[nr++] = s->ref;
			kfree(s);
		}
		spin_unlock_irq(&t->lock);
		if (nr)
			fsva_call_unmap_page(ff, refs, nr);
		spin_lock_irq(&t->lock);
		t->nr -= taken;
		spin_unlock_irq(&t->lock);
	} while (taken);
	wake_up_all(&t->wq);
}

/* ---- Undo ---- */

/*
 * The folio is locked and mapped nowhere, and has only the references that the caller knows of.  On success it is
 * an ordinary one, with the content that it had.  Otherwise it is as before.
 */
static bool fsva_share_undo(struct fsva_front *ff, struct folio *folio)
{
	struct page *page = folio_page(folio, 0);
	struct fsva_share *s = folio->private;
	struct gnttab_unmap_grant_ref op;
	bool ok;

	mutex_lock(&fsva_bounce_mutex);
	memcpy(fsva_bounce, fsva_share_addr(s), PAGE_SIZE);
	gnttab_set_unmap_op(&op, fsva_vaddr(page),
			    GNTMAP_host_map, s->grant);
	HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
	ok = op.status == GNTST_okay;
	if (ok && !fsva_frame_get(page)) {
		/* Nothing is there.  Nobody may ever look: it is kept for good. */
		pr_crit("fsva: %s: Xen has no memory for us; a page is lost\n",
			ff->tag);
		folio_get(folio);
		folio_clear_uptodate(folio);
	} else if (ok) {
		memcpy(fsva_share_addr(s), fsva_bounce, PAGE_SIZE);
	}
	mutex_unlock(&fsva_bounce_mutex);
	if (!ok) {
		pr_err_ratelimited("fsva: %s: a page can't be unmapped: %d\n",
				   ff->tag, op.status);
		return false;
	}
	ClearPageForeign(page);
	spin_lock_irq(&ff->shares.lock);
	list_del(&s->link);
	spin_unlock_irq(&ff->shares.lock);
	folio_detach_private(folio);
	fsva_share_gone(ff, s);
	return true;
}

/* References beside those of the page cache, if it is in it, and of folio->private. */
static int fsva_share_users(struct folio *folio)
{
	return folio_ref_count(folio) - 1 - (folio->mapping ? 1 : 0);
}

bool fsva_release_folio(struct folio *folio, gfp_t gfp)
{
	struct fsva_share *s = folio->private;

	if (!s)
		return true;
	if (fsva_folio_is_ghost(folio))
		return fsva_ghost_release(folio, gfp);
	if (s->stuck || folio_test_dirty(folio) ||
	    folio_test_writeback(folio) || folio_mapped(folio) ||
	    fsva_share_users(folio) != 1)
		return false;
	return fsva_share_undo(fsva_inode_front(folio->mapping->host), folio);
}

static void fsva_share_stick(struct fsva_front *ff, struct fsva_share *s)
{
	struct fsva_shares *t = &ff->shares;

	folio_get(s->folio);
	fsva_front_get(ff);
	__module_get(THIS_MODULE);
	spin_lock_irq(&t->lock);
	s->stuck = true;
	list_move_tail(&s->link, &t->stuck);
	spin_unlock_irq(&t->lock);
	queue_delayed_work(fsva_wq, &t->stuck_work, 0);
}

/* Truncation: the folio, unmapped, leaves the page cache right after this. */
void fsva_invalidate_folio(struct folio *folio, size_t offset, size_t len)
{
	struct fsva_share *s = folio->private;
	struct fsva_front *ff = fsva_inode_front(folio->mapping->host);

	if (fsva_folio_is_ghost(folio)) {
		fsva_ghost_invalidate(folio);
		return;
	}
	if (!s || s->stuck || offset || len != folio_size(folio))
		return;
	if (!folio_mapped(folio) && fsva_share_users(folio) == 1 &&
	    fsva_share_undo(ff, folio))
		return;
	fsva_share_stick(ff, s);
}

/* The lists of pages that are about to come to the LRU hold references; this empties this processor's. */
static void fsva_drain_lru(struct work_struct *unused)
{
	struct page *page = alloc_page(GFP_NOWAIT);
	struct folio_batch batch;

	if (!page)
		return;
	folio_batch_init(&batch);
	folio_batch_add(&batch, page_folio(page));
	folio_batch_release(&batch);
}

static void fsva_drain_lru_everywhere(void)
{
	struct work_struct work;
	int cpu;

	INIT_WORK_ONSTACK(&work, fsva_drain_lru);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		queue_work_on(cpu, fsva_cpu_wq, &work);
		flush_work(&work);
	}
	cpus_read_unlock();
	destroy_work_on_stack(&work);
}

static bool fsva_share_unstick(struct fsva_front *ff, struct fsva_share *s)
{
	struct folio *folio = s->folio;
	bool done = false;

	folio_lock(folio);
	if (folio->mapping) {
		/* All of a dead appliance's: what was not sent is lost. */
		unmap_mapping_pages(folio->mapping, folio->index, 1, false);
		folio_wait_writeback(folio);
		folio_clear_uptodate(folio);
		if (folio_test_dirty(folio)) {
			folio_clear_dirty_for_io(folio);
			mapping_set_error(folio->mapping, -EIO);
		}
	}
	if (!folio_mapped(folio) && fsva_share_users(folio) == 1)
		done = fsva_share_undo(ff, folio);
	folio_unlock(folio);
	if (done)
		folio_put(folio);
	return done;
}

static void fsva_shares_stuck_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(to_delayed_work(work),
					     struct fsva_front,
					     shares.stuck_work);
	struct fsva_shares *t = &ff->shares;
	struct fsva_share *s, *next;
	LIST_HEAD(todo);
	unsigned int done = 0;
	bool left;

	fsva_drain_lru_everywhere();
	spin_lock_irq(&t->lock);
	list_splice_init(&t->stuck, &todo);
	spin_unlock_irq(&t->lock);
	/* Only we take from this list: undo removes by the link alone. */
	list_for_each_entry_safe(s, next, &todo, link) {
		if (fsva_share_unstick(ff, s))
			done++;
		cond_resched();
	}
	spin_lock_irq(&t->lock);
	list_splice(&todo, &t->stuck);
	left = !list_empty(&t->stuck);
	spin_unlock_irq(&t->lock);
	if (left)
		queue_delayed_work(fsva_wq, &t->stuck_work, FSVA_STUCK_PERIOD);
	while (done--) {
		module_put(THIS_MODULE);
		fsva_front_put(ff);
	}
}

/* ---- Recycling ---- */

/* Make room for nr more, by the oldest.  Whatever can't be had at once is passed over. */
static bool fsva_shares_room(struct fsva_front *ff, unsigned int nr)
{
	struct fsva_shares *t = &ff->shares;
	unsigned int tries = 4 * FSVA_MAP_MAX;
	struct fsva_share *s;
	struct folio *folio;

	while (READ_ONCE(t->nr) + nr > t->max && tries--) {
		spin_lock_irq(&t->lock);
		s = list_first_entry_or_null(&t->lru, struct fsva_share, link);
		if (!s) {
			spin_unlock_irq(&t->lock);
			break;
		}
		list_move_tail(&s->link, &t->lru);
		folio = s->folio;
		folio_get(folio); /* the entry has one */
		spin_unlock_irq(&t->lock);
		if (folio_trylock(folio)) {
			if (folio->private == s && folio->mapping &&
			    !s->stuck && !folio_test_dirty(folio) &&
			    !folio_test_writeback(folio)) {
				unmap_mapping_pages(folio->mapping,
						    folio->index, 1, false);
				/* It stays where it is, as a page that is yet to be filled. */
				if (!folio_test_dirty(folio) &&
				    !folio_mapped(folio) &&
				    fsva_share_users(folio) == 1) {
					folio_clear_uptodate(folio);
					if (!fsva_share_undo(ff, folio))
						folio_mark_uptodate(folio);
				}
			}
			folio_unlock(folio);
		}
		folio_put(folio);
		if (!list_empty(&t->gone))
			flush_work(&t->gone_work);
	}
	return READ_ONCE(t->nr) + nr <= t->max;
}

/* ---- Fill ---- */

static int fsva_shares_alloc(struct fsva_share **s, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		s[i] = kzalloc(sizeof(*s[i]), GFP_NOFS);
		if (s[i])
			continue;
		while (i--)
			kfree(s[i]);
		return -ENOMEM;
	}
	return 0;
}

static void fsva_share_settle(struct fsva_front *ff, struct fsva_share *s,
			      struct page *page,
			      const struct gnttab_map_grant_ref *op)
{
	struct folio *folio = page_folio(page);

	s->folio = folio;
	s->grant = op->handle;
	s->mfn = op->dev_bus_addr >> PAGE_SHIFT;
	folio_attach_private(folio, s);
	SetPageForeign(page); /* can't be granted on */
	spin_lock_irq(&ff->shares.lock);
	list_add_tail(&s->link, &ff->shares.lru);
	spin_unlock_irq(&ff->shares.lock);
	folio_mark_uptodate(folio);
	folio_unlock(folio);
}

/* A place without a frame, or with one that is not wanted, gets its own. */
static void fsva_share_fail(struct fsva_front *ff, struct page *page,
			    const struct gnttab_map_grant_ref *map)
{
	struct gnttab_unmap_grant_ref op;

	mutex_lock(&fsva_bounce_mutex);
	if (map->status == GNTST_okay) {
		gnttab_set_unmap_op(&op, fsva_vaddr(page), GNTMAP_host_map,
				    map->handle);
		HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1);
	}
	if (!fsva_frame_get(page)) {
		pr_crit("fsva: %s: no memory from Xen; a page is lost\n",
			ff->tag);
		get_page(page);
	}
	mutex_unlock(&fsva_bounce_mutex);
}

/*
 * Put the granted frames of rsp at the places of these pages.  What can't be mapped is given back, and its page is
 * as it was before.  Says how many were, from the first on; those are unlocked.
 */
static unsigned int fsva_share_map(struct fsva_front *ff, struct page **pages,
				   struct fsva_share **shares,
				   const struct fsva_map_page_rsp *rsp)
{
	struct gnttab_map_grant_ref ops[FSVA_MAP_MAX / 4];
	unsigned int nr = 0, i, n, good = 0;
	bool failed = false;
	u32 flags = GNTMAP_host_map |
		    (rsp->flags & FSVA_MAP_WRITE ? 0 : GNTMAP_readonly);

	while (nr < rsp->nr_pages && !failed) {
		n = min_t(unsigned int, rsp->nr_pages - nr, ARRAY_SIZE(ops));
		n = fsva_frames_put(pages + nr, n);
		if (!n)
			break;
		for (i = 0; i < n; i++)
			gnttab_set_map_op(&ops[i], fsva_vaddr(pages[nr + i]),
					  flags, rsp->gref[nr + i],
					  ff->otherend);
		gnttab_batch_map(ops, n);
		for (i = 0; i < n; i++) {
			struct fsva_share *s = shares[nr + i];

			s->ref = rsp->gref[nr + i];
			s->session = ff->session;
			s->moves = READ_ONCE(ff->nr_moves);
			if (ops[i].status == GNTST_okay && !failed) {
				fsva_share_settle(ff, s, pages[nr + i],
						  &ops[i]);
				good++;
				continue;
			}
			failed = true;
			fsva_share_fail(ff, pages[nr + i], &ops[i]);
			fsva_share_gone(ff, s);
		}
		nr += n;
	}
	/* Those that it did not come to. */
	for (i = nr; i < rsp->nr_pages; i++) {
		shares[i]->ref = rsp->gref[i];
		shares[i]->session = ff->session;
		shares[i]->moves = READ_ONCE(ff->nr_moves);
		fsva_share_gone(ff, shares[i]);
	}
	return good;
}

/*
 * These folios, locked and new, of consecutive pages of the file are to be filled.  Returns how many are shared
 * now, from the first on; they are unlocked.  0 for those that have to be read.  An error: none can be had.
 */
int fsva_share_fill(struct inode *inode, const struct cred *cred,
		    struct page **pages, unsigned int nr)
{
	struct fsva_front *ff = fsva_inode_front(inode);
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_share *shares[FSVA_MAP_MAX];
	struct fsva_map_page_rsp rsp;
	unsigned int i;
	int err, got;

	if (!READ_ONCE(ff->shares.on) || READ_ONCE(fi->no_share))
		return 0;
	nr = min(nr, FSVA_MAP_MAX);
	for (i = 0; i < nr; i++)
		if (folio_test_private(page_folio(pages[i])))
			return -EIO; /* a dead appliance's, that is in use yet */
	if (!fsva_shares_room(ff, nr))
		return 0;
	err = fsva_shares_alloc(shares, nr);
	if (err)
		return err;
	err = fsva_call_map_page(ff, cred, fi->handle,
				 page_folio(pages[0])->index, nr, 0, &rsp);
	if (err == -EOPNOTSUPP)
		WRITE_ONCE(fi->no_share, true);
	if (err) {
		for (i = 0; i < nr; i++)
			kfree(shares[i]);
		return err == -EOPNOTSUPP || err == -ENOBUFS ? 0 : err;
	}
	spin_lock_irq(&ff->shares.lock);
	ff->shares.nr += rsp.nr_pages;
	spin_unlock_irq(&ff->shares.lock);
	for (i = rsp.nr_pages; i < nr; i++)
		kfree(shares[i]);
	got = fsva_share_map(ff, pages, shares, &rsp);
	return got;
}

/* ---- Stores ---- */

/* Drop all pages of a range, shared or not: the file has others now. */
void fsva_share_drop(struct inode *inode, loff_t start, loff_t end)
{
	start = round_down(start, PAGE_SIZE);
	end |= PAGE_SIZE - 1;
	unmap_mapping_range(inode->i_mapping, start,
			    end == LLONG_MAX ? 0 : end + 1 - start, 0);
	truncate_inode_pages_range(inode->i_mapping, start,
				   end == LLONG_MAX ? -1 : end);
}

/*
 * A clean shared page, unlocked, is about to be stored to.  0: the file system has made it ready; -EAGAIN: it is to be
 * faulted in anew; an error.
 */
int fsva_share_store(struct inode *inode, const struct cred *cred,
		     pgoff_t index, u32 ref)
{
	struct fsva_inode *fi = FSVA_I(inode);
	loff_t pos = (loff_t)index << PAGE_SHIFT;
	struct fsva_map_page_rsp rsp;
	int err;

	err = fsva_call_map_page(fsva_inode_front(inode), cred, fi->handle,
				 index, 1, FSVA_MAP_WRITE | FSVA_MAP_AGAIN,
				 &rsp);
	if (err == -EOPNOTSUPP) {
		/* Not this file's: from now on by READ and WRITE. */
		WRITE_ONCE(fi->no_share, true);
		fsva_share_drop(inode, 0, LLONG_MAX);
		return -EAGAIN;
	}
	if (err == -ESTALE || (!err && rsp.gref[0] != ref)) {
		fsva_share_drop(inode, pos, pos);
		return -EAGAIN;
	}
	return err;
}

/* The reference of a shared folio, or 0.  The folio is locked. */
u32 fsva_share_ref(struct folio *folio)
{
	struct fsva_share *s = folio->private;

	return s && !fsva_folio_is_ghost(folio) ? s->ref : 0;
}

/*
 * These consecutive pages, under write-back, were stored to: say so, and wait, for what follows counts on it.
 * done() gets each page.
 */
int fsva_share_clean(struct inode *inode, const struct cred *cred,
		     struct page **pages, unsigned int nr,
		     void (*done)(struct page *page, int err))
{
	struct fsva_map_page_rsp rsp;
	unsigned int i = 0, n, got;
	int err, first = 0;

	while (i < nr) {
		n = min(nr - i, FSVA_MAP_MAX);
		err = fsva_call_map_page(fsva_inode_front(inode), cred,
					 FSVA_I(inode)->handle,
					 page_folio(pages[i])->index, n,
					 FSVA_MAP_WRITE | FSVA_MAP_AGAIN, &rsp);
		got = err ? 1 : rsp.nr_pages;
		if (err == -ESTALE)
			err = 0; /* cut off, and soon dropped here, too */
		if (err && !first)
			first = err;
		while (got--)
			done(pages[i++], err);
	}
	return first;
}

/* ---- Life ---- */

static bool fsva_shared_frames;
module_param_named(shared_frames, fsva_shared_frames, bool, 0444);
MODULE_PARM_DESC(shared_frames, "map the appliance's own pages in PVH domains");

/* What to ask the appliance for. */
u64 fsva_shares_features(void)
{
	return fsva_shared_frames && xen_feature(XENFEAT_auto_translated_physmap) ?
		       FSVA_FEATURE_MAP_PAGE :
		       0;
}

void fsva_shares_init(struct fsva_front *ff)
{
	struct fsva_shares *t = &ff->shares;

	spin_lock_init(&t->lock);
	init_waitqueue_head(&t->wq);
	INIT_LIST_HEAD(&t->lru);
	INIT_LIST_HEAD(&t->stuck);
	INIT_LIST_HEAD(&t->gone);
	INIT_WORK(&t->gone_work, fsva_shares_gone_work);
	INIT_DELAYED_WORK(&t->stuck_work, fsva_shares_stuck_work);
	t->max = min_t(unsigned long, FSVA_SHARES_MAX, totalram_pages() / 8);
}

/* The session has been agreed upon. */
void fsva_shares_start(struct fsva_front *ff)
{
	mutex_lock(&fsva_bounce_mutex);
	while (ff->features & FSVA_FEATURE_MAP_PAGE &&
	       fsva_nr_reserve < FSVA_SHARES_RESERVE) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			break;
		fsva_reserve[fsva_nr_reserve++] = page;
	}
	mutex_unlock(&fsva_bounce_mutex);
	WRITE_ONCE(ff->shares.on,
		   ff->features & FSVA_FEATURE_MAP_PAGE && fsva_nr_reserve);
}

/*
 * The connection is gone, and no new page becomes shared.  All mappings end, so that who comes next meets SIGBUS;
 * pages that are in use keep the old frame, which Xen keeps for us, until they are not.
 */
void fsva_shares_stop(struct fsva_front *ff)
{
	struct fsva_shares *t = &ff->shares;
	struct fsva_share *s;
	struct folio *folio;

	WRITE_ONCE(t->on, false);
	for (;;) {
		spin_lock_irq(&t->lock);
		s = list_first_entry_or_null(&t->lru, struct fsva_share, link);
		if (s) {
			folio = s->folio;
			folio_get(folio);
		}
		spin_unlock_irq(&t->lock);
		if (!s)
			break;
		folio_lock(folio);
		if (folio->private == s && !s->stuck)
			fsva_share_stick(ff, s);
		folio_unlock(folio);
		folio_put(folio);
		cond_resched();
	}
	flush_delayed_work(&t->stuck_work);
	flush_work(&t->gone_work);
}

/* A locked page that is to be an ordinary one, with what it holds if that may be news to the appliance. */
static void fsva_share_freeze(struct fsva_front *ff, struct folio *folio,
			      struct fsva_share *s)
{
	bool news;

	if (folio->private != s || !folio->mapping || s->stuck)
		return;
	unmap_mapping_pages(folio->mapping, folio->index, 1, false);
	if (folio_mapped(folio) || fsva_share_users(folio) != 1)
		return;
	news = folio_test_dirty(folio) || folio_test_writeback(folio);
	if (news)
		WRITE_ONCE(FSVA_I(folio->mapping->host)->copies, true);
	else
		folio_clear_uptodate(folio);
	if (!fsva_share_undo(ff, folio) && !news)
		folio_mark_uptodate(folio);
}

/* Processes are frozen.  Share nothing any more.  -EBUSY: not all could be undone; then it is as if not asked. */
int fsva_shares_freeze(struct fsva_front *ff)
{
	unsigned long end = jiffies + FSVA_SHARES_FREEZE;
	struct fsva_shares *t = &ff->shares;
	struct fsva_share *s, *first = NULL;
	struct folio *folio;

	if (!READ_ONCE(t->on))
		return 0;
	WRITE_ONCE(t->on, false);
	fsva_drain_lru_everywhere();
	for (;;) {
		spin_lock_irq(&t->lock);
		s = list_first_entry_or_null(&t->lru, struct fsva_share, link);
		if (s) {
			list_move_tail(&s->link, &t->lru);
			folio = s->folio;
			folio_get(folio);
		}
		spin_unlock_irq(&t->lock);
		if (s) {
			if (folio_trylock(folio)) {
				fsva_share_freeze(ff, folio, s);
				folio_unlock(folio);
			}
			folio_put(folio);
		} else if (list_empty(&t->stuck)) {
			return 0;
		}
		if (!s || s == first) {
			/* Once round: what is left is in use. */
			if (time_after(jiffies, end))
				break;
			msleep(20);
			first = NULL;
		} else if (!first) {
			first = s;
		}
		cond_resched();
	}
	WRITE_ONCE(t->on, true);
	return -EBUSY;
}

void fsva_shares_thaw(struct fsva_front *ff)
{
	if (ff->features & FSVA_FEATURE_MAP_PAGE && fsva_nr_reserve)
		WRITE_ONCE(ff->shares.on, true);
	queue_work(fsva_wq, &ff->shares.gone_work);
}

/* Wait a while for what was dropped to be given back: before an unmount. */
void fsva_shares_wait(struct fsva_front *ff)
{
	wait_event_timeout(ff->shares.wq, !READ_ONCE(ff->shares.nr), 2 * HZ);
}

void fsva_shares_show(struct fsva_front *ff, struct seq_file *m)
{
	struct fsva_shares *t = &ff->shares;
	struct fsva_share *s;

	spin_lock_irq(&t->lock);
	list_for_each_entry(s, &t->lru, link)
		seq_printf(m, "%lu %llx %u\n", s->folio->index, s->mfn, s->ref);
	spin_unlock_irq(&t->lock);
}

void fsva_shares_exit(void)
{
	while (fsva_nr_reserve)
		__free_page(fsva_reserve[--fsva_nr_reserve]);
}
