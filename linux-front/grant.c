// SPDX-License-Identifier: GPL-2.0
/*
 * grant.c: what the back may see of our memory.
 *
 * Three kinds of pages are granted:
 *   - the ring's own and the staging pages, from connect to teardown;
 *   - reserve ("bounce") pages, likewise, used where the caller's memory can't
 *     be granted, or holds octets beside the data that are none of the back's;
 *   - the caller's own pages, for one call, out of a pool of references.
 * All reserves are filled at connect, so that a call allocates nothing; a call
 * that finds too little waits for others to give back.  Order: a call first,
 * then reserve pages, then references; who has the later ones never waits for
 * the earlier, so somebody always gets on.
 *
 * A page whose grant can't be ended is never used again: it is handed to the
 * kernel's list of deferred grants with a page reference that only that list
 * drops (XSA-396).
 */
#include <linux/highmem.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <xen/page.h>

#include "front.h"

#define FSVA_BOUNCE_PAGES	128u
#define FSVA_REFS		2048u
#define FSVA_REFS_MIN		(4 * FSVA_MAX_GREFS)

/* ---- Pages shared as long as the connection lives ---- */

int fsva_grant_share(struct fsva_front *ff, void *page, grant_ref_t *ref)
{
	int err = gnttab_grant_foreign_access(ff->otherend, virt_to_gfn(page),
					      0);

	if (err < 0)
		return err;
	*ref = err;
	return 0;
}

/* In another domain: the same reference again, for whoever is the back now. */
void fsva_grant_renew(struct fsva_front *ff, void *page, grant_ref_t ref)
{
	gnttab_grant_foreign_access_ref(ref, ff->otherend, virt_to_gfn(page), 0);
}

/* End the grant, if there is one, and free the page when the back lets go. */
void fsva_grant_unshare(grant_ref_t *ref, void *page)
{
	if (*ref)
		gnttab_end_foreign_access(*ref, virt_to_page(page));
	else if (page)
		free_page((unsigned long)page);
	*ref = 0;
}

/* ---- The reserves ---- */

static bool fsva_grants_take_bounce(struct fsva_grants *g,
				    struct fsva_bounce **v, unsigned int nr)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&g->lock, flags);
	ok = g->nr_bounce >= nr;
	if (ok) {
		g->nr_bounce -= nr;
		while (nr--) {
			*v = list_first_entry(&g->bounce, struct fsva_bounce,
					      link);
			list_del(&(*v++)->link);
		}
	}
	spin_unlock_irqrestore(&g->lock, flags);
	return ok;
}

static bool fsva_grants_take_refs(struct fsva_grants *g, grant_ref_t *ref,
				  unsigned int nr)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&g->lock, flags);
	ok = g->nr_ref >= nr;
	if (ok) {
		g->nr_ref -= nr;
		memcpy(ref, g->ref + g->nr_ref, nr * sizeof(*ref));
	}
	spin_unlock_irqrestore(&g->lock, flags);
	return ok;
}

/* Killable.  -EIO when the device dies, or has too few left for good. */
static int fsva_grants_get(struct fsva_front *ff, struct fsva_bounce **bounce,
			   unsigned int nr_bounce, grant_ref_t *ref,
			   unsigned int nr_ref)
{
	struct fsva_grants *g = &ff->grants;
	bool ok = false;
	int err;

	if (nr_bounce) {
		err = fsva_wait(ff, g->wq, 0,
				fsva_front_dead(ff) ||
				(ok = fsva_grants_take_bounce(g, bounce,
							      nr_bounce)));
		if (!ok)
			return err ? err : -EIO;
	}
	ok = false;
	if (nr_ref) {
		err = fsva_wait(ff, g->wq, 0,
				fsva_front_dead(ff) ||
				READ_ONCE(g->nr_ref_all) < nr_ref ||
				(ok = fsva_grants_take_refs(g, ref, nr_ref)));
		if (!ok) {
			unsigned long flags;

			spin_lock_irqsave(&g->lock, flags);
			g->nr_bounce += nr_bounce;
			while (nr_bounce--)
				list_add(&bounce[nr_bounce]->link, &g->bounce);
			spin_unlock_irqrestore(&g->lock, flags);
			wake_up_all(&g->wq);
			return err ? err : -EIO;
		}
	}
	return 0;
}

/* ---- The data of a call ---- */

/* Entries [first, first + nr) of the call's data are reserve pages. */
int fsva_grant_bounce(struct fsva_call *call, unsigned int first,
		      unsigned int nr)
{
	struct fsva_front *ff = call->ring->ff;
	unsigned int i;
	int err;

	err = fsva_grants_get(ff, call->bounce + first, nr, NULL, 0);
	if (err)
		return err;
	for (i = first; i < first + nr; i++) {
		call->page[i] = NULL;
		call->ref[i] = call->bounce[i]->ref;
	}
	call->nr = first + nr;
	return 0;
}

/*
 * May the back be given this page?  Not one that is somebody else's to begin
 * with (on PV its frame can't be granted), and not device memory.
 */
bool fsva_grant_page_ok(struct page *page)
{
	return !PageForeign(page) && !is_zone_device_page(page);
}

/*
 * All data lies in these pages, of which the call holds references: the back may
 * write to them after everybody else has given up.
 */
int fsva_grant_pages(struct fsva_call *call, struct page **pages,
		     unsigned int nr, bool readonly)
{
	struct fsva_front *ff = call->ring->ff;
	unsigned int i;
	int err;

	err = fsva_grants_get(ff, NULL, 0, call->ref, nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		get_page(pages[i]);
		call->page[i] = pages[i];
		call->bounce[i] = NULL;
	}
	call->nr = nr;
	call->held = true;
	call->readonly = readonly;
	call->dirty = !readonly;
	return 0;
}

/*
 * Data is [off, off + len) of the user's pinned pages.  A head or tail page that
 * is not covered whole is replaced by a reserve page: what else lies in it is
 * not the back's to see or to write (XSA-403).  Success takes over the pins,
 * and fsva_grant_end() drops them.
 */
int fsva_grant_user(struct fsva_call *call, struct page **pages,
		    unsigned int nr, unsigned int off, size_t len,
		    bool to_back)
{
	struct fsva_front *ff = call->ring->ff;
	unsigned int tail = (off + len) & ~PAGE_MASK;
	bool head_part = off || (nr == 1 && tail);
	bool tail_part = tail && !(nr == 1 && head_part);
	struct fsva_bounce *bounce[2] = {};
	unsigned int nr_bounce = head_part + tail_part;
	unsigned int i, b = 0, r = 0;
	grant_ref_t *ref = call->ref;
	int err;

	/* References fill up from the end of the array; then spread. */
	err = fsva_grants_get(ff, bounce, nr_bounce, ref + nr_bounce,
			      nr - nr_bounce);
	if (err)
		return err;
	for (i = 0; i < nr; i++) {
		bool part = (i == 0 && head_part) ||
			    (i == nr - 1 && tail_part);

		call->page[i] = pages[i];
		call->bounce[i] = NULL;
		if (part) {
			unsigned int from = i ? 0 : off;
			unsigned int to = i == nr - 1 && tail ? tail :
					  PAGE_SIZE;
			void *p = page_address(bounce[b]->page);

			call->bounce[i] = bounce[b];
			call->ref[i] = bounce[b++]->ref;
			if (to_back) {
				memset(p, 0, from);
				memcpy_from_page(p + from, pages[i], from,
						 to - from);
				memset(p + to, 0, PAGE_SIZE - to);
			}
			continue;
		}
		/* Never overtakes: at most b entries were put before it. */
		call->ref[i] = ref[nr_bounce + r++];
	}
	call->nr = nr;
	call->pinned = true;
	call->readonly = to_back;
	call->dirty = !to_back;
	return 0;
}

/*
 * The request is put on a ring: grant its pages, to whoever is the back now.  Not
 * before, for between a grant and its request the back may become another.
 */
void fsva_grant_expose(struct fsva_call *call)
{
	struct fsva_front *ff = call->ring->ff;
	unsigned int i;

	for (i = 0; i < call->nr; i++)
		if (!call->bounce[i])
			gnttab_grant_foreign_access_ref(call->ref[i], ff->otherend,
							xen_page_to_gfn(call->page[i]),
							call->readonly);
}

/*
 * End a grant of the pool.  Of a connection that is over, by the way that gives
 * the reference back to the kernel: the other one warns of a page that is still
 * mapped, as it is while Xen takes down an appliance that was destroyed.
 */
static bool fsva_grant_try_end(struct fsva_call *call, unsigned int i)
{
	struct fsva_front *ff = call->ring->ff;
	struct fsva_grants *g = &ff->grants;
	unsigned long flags;

	if (!fsva_front_dead(ff))
		return gnttab_end_foreign_access_ref(call->ref[i]);
	if (!gnttab_try_end_foreign_access(call->ref[i]))
		return false;
	call->ref[i] = 0;
	spin_lock_irqsave(&g->lock, flags);
	g->nr_ref_all--;
	spin_unlock_irqrestore(&g->lock, flags);
	return true;
}

/* The back still maps this page though the call is over. */
static void fsva_grant_leak(struct fsva_call *call, unsigned int i)
{
	struct fsva_front *ff = call->ring->ff;
	struct fsva_grants *g = &ff->grants;
	unsigned long flags;

	get_page(call->page[i]);
	gnttab_end_foreign_access(call->ref[i], call->page[i]);
	atomic_inc(&g->nr_leaked);
	spin_lock_irqsave(&g->lock, flags);
	g->nr_ref_all--;
	spin_unlock_irqrestore(&g->lock, flags);
}

/*
 * The call is over: end what was granted for it and give all back.  done_len
 * octets of an answer arrived; what of them lies in reserve pages beside the
 * user's is copied there.  -EIO: the back kept hold of a page, its content is
 * not to be used.  Any context unless user pages are pinned.
 */
int fsva_grant_end(struct fsva_call *call, size_t done_len)
{
	struct fsva_front *ff = call->ring->ff;
	struct fsva_grants *g = &ff->grants;
	unsigned int i, nr = call->nr, off = call->req.data_off;
	unsigned long flags;
	bool kept = false;

	if (!nr)
		return 0;
	call->nr = 0;
	for (i = 0; i < nr; i++) {
		if (call->bounce[i])
			continue;
		if (!fsva_grant_try_end(call, i)) {
			fsva_grant_leak(call, i);
			call->ref[i] = 0;
			kept = true;
		}
	}
	if (call->pinned) {
		size_t pos = 0;

		for (i = 0; i < nr && call->dirty && pos < done_len; i++) {
			unsigned int from = i ? 0 : off;
			size_t n = min_t(size_t, PAGE_SIZE - from,
					 done_len - pos);

			if (call->bounce[i])
				memcpy_to_page(call->page[i], from,
					       page_address(call->bounce[i]->page) +
					       from, n);
			pos += n;
		}
		unpin_user_pages_dirty_lock(call->page, nr, call->dirty);
	}
	for (i = 0; i < nr && call->held; i++)
		put_page(call->page[i]);
	call->held = false;

	spin_lock_irqsave(&g->lock, flags);
	for (i = 0; i < nr; i++) {
		if (call->bounce[i]) {
			list_add(&call->bounce[i]->link, &g->bounce);
			g->nr_bounce++;
		} else if (call->ref[i]) {
			g->ref[g->nr_ref++] = call->ref[i];
		}
	}
	spin_unlock_irqrestore(&g->lock, flags);
	wake_up_all(&g->wq);

	if (kept)
		fsva_front_stop(ff, "it keeps hold of a page after its answer");
	return kept ? -EIO : 0;
}

/* ---- At connect and teardown ---- */

static int fsva_grants_setup_refs(struct fsva_grants *g, unsigned int want)
{
	grant_ref_t head;
	int ref;

	while (gnttab_alloc_grant_references(want, &head)) {
		want /= 2;
		if (want < FSVA_REFS_MIN)
			return -ENOSPC;
	}
	g->ref = kvcalloc(want, sizeof(*g->ref), GFP_KERNEL);
	if (!g->ref) {
		gnttab_free_grant_references(head);
		return -ENOMEM;
	}
	while (g->nr_ref < want) {
		ref = gnttab_claim_grant_reference(&head);
		if (ref < 0)
			break;
		g->ref[g->nr_ref++] = ref;
	}
	gnttab_free_grant_references(head);
	g->nr_ref_all = g->nr_ref;
	return 0;
}

void fsva_grants_init(struct fsva_front *ff)
{
	spin_lock_init(&ff->grants.lock);
	init_waitqueue_head(&ff->grants.wq);
}

/* A failure is undone by fsva_grants_teardown(), as success is. */
int fsva_grants_setup(struct fsva_front *ff, unsigned int nr_calls)
{
	struct fsva_grants *g = &ff->grants;
	unsigned int i;
	int err;

	INIT_LIST_HEAD(&g->bounce);
	err = fsva_grants_setup_refs(g, min(FSVA_REFS,
					    nr_calls * FSVA_MAX_GREFS));
	if (err)
		return err;
	g->pages = kvcalloc(FSVA_BOUNCE_PAGES, sizeof(*g->pages), GFP_KERNEL);
	if (!g->pages)
		return -ENOMEM;
	for (i = 0; i < FSVA_BOUNCE_PAGES; i++) {
		struct fsva_bounce *b = &g->pages[i];
		void *page = (void *)get_zeroed_page(GFP_KERNEL);

		if (!page)
			return -ENOMEM;
		err = fsva_grant_share(ff, page, &b->ref);
		if (err) {
			free_page((unsigned long)page);
			return err;
		}
		b->page = virt_to_page(page);
		list_add_tail(&b->link, &g->bounce);
		g->nr_bounce++;
		g->nr_bounce_all++;
	}
	return 0;
}

/* In another domain, where nothing is granted yet. */
void fsva_grants_renew(struct fsva_front *ff)
{
	struct fsva_grants *g = &ff->grants;
	unsigned int i;

	for (i = 0; i < g->nr_bounce_all; i++)
		fsva_grant_renew(ff, page_address(g->pages[i].page),
				 g->pages[i].ref);
}

void fsva_grants_teardown(struct fsva_front *ff)
{
	struct fsva_grants *g = &ff->grants;
	unsigned int i;

	for (i = 0; i < g->nr_bounce_all; i++)
		fsva_grant_unshare(&g->pages[i].ref,
				   page_address(g->pages[i].page));
	kvfree(g->pages);
	for (i = 0; i < g->nr_ref; i++)
		gnttab_free_grant_reference(g->ref[i]);
	kvfree(g->ref);
	g->pages = NULL;
	g->ref = NULL;
	g->nr_bounce = 0;
	g->nr_bounce_all = 0;
	g->nr_ref = 0;
	g->nr_ref_all = 0;
}
