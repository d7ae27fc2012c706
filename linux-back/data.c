// SPDX-License-Identifier: GPL-2.0
/*
 * data.c: the octets that travel with a request.
 *
 * They are in the staging page of the request's tag, mapped as long as the link, or in pages of the caller's
 * that the front granted for this call, which fsva_data_map() maps in one hypercall into pages that the worker
 * owns and fsva_data_unmap() unmaps in another.  What decides anything (names, targets, options, groups) is
 * copied once to private memory and checked there: fsva_data_in().  File contents go between these pages and
 * the page cache in place: fsva_data_iter().
 *
 * No page of the user's may be mapped in a suspend.  So the calls that use some are counted (link->nr_data), a
 * suspend waits for them, and none begins to while its queue is paused.  Who needs the pages no more says so at
 * once, by fsva_data_leave(), and does not hold a suspend up by what it still does in the file system.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "back.h"

int fsva_data_alloc(struct fsva_data *d)
{
	return gnttab_alloc_pages(FSVA_MAX_GREFS, d->own_pages);
}

void fsva_data_free(struct fsva_data *d)
{
	unsigned int i;

	for (i = 0; i < FSVA_MAX_GREFS; i++)
		if (d->own_pages[i])
			gnttab_free_pages(1, &d->own_pages[i]);
}

/* Does the operation of c write the front's pages? */
static bool fsva_data_is_out(const struct fsva_call *c)
{
	return c->row->flags & FSVA_F_DATA_OUT;
}

/*
 * Undo the first nr mappings of map[].  A page that can't be unmapped stays the user's for good: it is left
 * alone, and another takes its place.
 */
static void fsva_data_unmap_some(struct fsva_call *c, unsigned int nr)
{
	struct fsva_data *d = &c->data;
	unsigned int i, lost = 0;
	int err;

	if (!nr)
		return;
	d->unmap_item.unmap_ops = d->unmap;
	d->unmap_item.kunmap_ops = NULL;
	d->unmap_item.pages = d->own_pages;
	d->unmap_item.count = nr;
	/* Waits for references that direct I/O or a pipe may have taken. */
	err = gnttab_unmap_refs_sync(&d->unmap_item);
	for (i = 0; i < nr; i++) {
		if (!err && d->unmap[i].status == GNTST_okay)
			continue;
		d->own_pages[i] = NULL;
		lost++;
	}
	if (!lost)
		return;
	atomic64_add(lost, &c->ses->fb->stats.leaked_pages);
	pr_err_ratelimited("%s: %u of the user's pages can't be unmapped\n", c->ses->fb->name, lost);
}

/* Own pages that were lost are made good; -ENOMEM when they can't be. */
static int fsva_data_refill(struct fsva_data *d, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (unlikely(!d->own_pages[i]) && gnttab_alloc_pages(1, &d->own_pages[i])) {
			d->own_pages[i] = NULL;
			return -ENOMEM;
		}
	return 0;
}

static int fsva_data_map_grants(struct fsva_call *c)
{
	struct fsva_data *d = &c->data;
	unsigned int nr = c->req.nr_grefs, good = 0, i;
	u32 flags = GNTMAP_host_map | (fsva_data_is_out(c) ? 0 : GNTMAP_readonly);
	u32 refs[FSVA_MAX_GREFS];
	int err;

	if (nr > FSVA_MAX_GREFS)
		return -EPROTO;
	memcpy(refs, fsva_wire_grefs(&c->req), nr * sizeof(refs[0]));
	err = fsva_data_refill(d, nr);
	if (err)
		return err;
	for (i = 0; i < nr; i++)
		gnttab_set_map_op(&d->map[i], (unsigned long)page_address(d->own_pages[i]), flags, refs[i],
				  c->q->link->domid);
	err = gnttab_map_refs(d->map, NULL, d->own_pages, nr);

	/* The good ones first, so that what is mapped is own_pages[0 .. good). */
	for (i = 0; i < nr; i++) {
		if (d->map[i].status != GNTST_okay)
			continue;
		if (i != good) {
			swap(d->own_pages[good], d->own_pages[i]);
			swap(d->map[good], d->map[i]);
		}
		gnttab_set_unmap_op(&d->unmap[good], (unsigned long)page_address(d->own_pages[good]), flags,
				    d->map[good].handle);
		good++;
	}
	if (err || good != nr) {
		fsva_data_unmap_some(c, good);
		return -EFAULT;
	}
	d->nr_mapped = nr;
	d->pages = d->own_pages;
	d->nr_pages = nr;
	return 0;
}

/*
 * From here on the call uses the front's pages.  If it was taken before a suspend, it waits until that is over; in
 * another domain, until the front has asked again and so said which pages they are now.
 */
static int fsva_data_enter(struct fsva_call *c)
{
	struct fsva_queue *q = c->q;
	int err = 0;

	spin_lock(&q->lock);
	if (!fsva_call_await_ring(c)) {
		err = -ESHUTDOWN;
	} else {
		c->begun = true;
		c->data.entered = true;
		atomic_inc(&q->link->nr_data);
	}
	spin_unlock(&q->lock);
	return err;
}

/* The call needs the front's pages no more. */
void fsva_data_leave(struct fsva_call *c)
{
	struct fsva_data *d = &c->data;

	fsva_data_unmap_some(c, d->nr_mapped);
	d->nr_mapped = 0;
	d->nr_pages = 0;
	d->pages = NULL;
	if (!d->entered)
		return;
	d->entered = false;
	if (atomic_dec_and_test(&c->q->link->nr_data) && unlikely(READ_ONCE(c->q->paused)))
		wake_up_all(&c->q->link->data_idle);
}

/* Make the data of a checked request reachable. */
int fsva_data_map(struct fsva_call *c)
{
	struct fsva_data *d = &c->data;
	int err;

	d->pages = NULL;
	d->nr_pages = 0;
	d->nr_mapped = 0;
	d->in = NULL;
	d->in_len = 0;
	if (!c->req.data_len)
		return 0;
	err = fsva_data_enter(c);
	if (err)
		return err;
	if (c->req.nr_grefs) {
		err = fsva_data_map_grants(c);
		if (err)
			fsva_data_leave(c);
		return err;
	}
	d->pages = &c->q->staging.pages[c->req.tag];
	d->nr_pages = 1;
	return 0;
}

void fsva_data_unmap(struct fsva_call *c)
{
	struct fsva_data *d = &c->data;

	fsva_data_leave(c);
	if (d->in != d->small)
		kvfree(d->in);
	d->in = NULL;
}

void fsva_data_iter(struct fsva_call *c, struct iov_iter *iter, unsigned int dir)
{
	struct fsva_data *d = &c->data;
	u32 left = c->req.data_len, off = c->req.data_off;
	unsigned int i;

	for (i = 0; i < d->nr_pages && left; i++) {
		u32 len = min_t(u32, left, PAGE_SIZE - off);

		d->bvec[i].bv_page = d->pages[i];
		d->bvec[i].bv_offset = off;
		d->bvec[i].bv_len = len;
		left -= len;
		off = 0;
	}
	iov_iter_bvec(iter, dir, d->bvec, i, c->req.data_len - left);
}

/*
 * What came with the request, copied once and checked, terminated by a NUL that is not counted.  Freed by
 * fsva_data_unmap().  Where nothing goes back, the front's pages are let go of here.  An error is -errno, the
 * codec's included.
 */
const void *fsva_data_in(struct fsva_call *c)
{
	struct fsva_data *d = &c->data;
	u32 len = fsva_wire_req_data_in(&c->req);
	struct iov_iter iter;
	int error;

	/* The front says how much: nobody shall be killed for it. */
	d->in = len < sizeof(d->small) ? d->small :
		kvmalloc(len + 1, GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	if (!d->in)
		return ERR_PTR(-ENOMEM);
	if (len) {
		fsva_data_iter(c, &iter, ITER_SOURCE);
		if (copy_from_iter(d->in, len, &iter) != len)
			return ERR_PTR(-EFAULT);
	}
	((u8 *)d->in)[len] = '\0';
	d->in_len = len;
	if (!fsva_data_is_out(c))
		fsva_data_leave(c);

	error = fsva_wire_check_req_data(&c->req, d->in, len);
	switch (error) {
	case FSVA_OK:
		return d->in;
	case FSVA_ENAMETOOLONG:
		return ERR_PTR(-ENAMETOOLONG);
	case FSVA_EPROTO:
		return ERR_PTR(-EPROTO);
	default:
		return ERR_PTR(-EINVAL);
	}
}

/* What the protocol has rules for is looked at while it is private yet: a damaged disk may hold anything. */
static bool fsva_data_out_ok(struct fsva_call *c, const void *buf, u32 len)
{
	u32 data_len = c->rsp.data_len;
	bool ok;

	c->rsp.data_len = len;
	ok = fsva_wire_check_rsp_data(&c->rsp, buf, len) == FSVA_OK;
	c->rsp.data_len = data_len;
	if (!ok)
		pr_err_ratelimited("%s: %s: the file system's data makes no sense\n", c->ses->fb->name,
				   c->row->name);
	return ok;
}

/*
 * Put octets at off of the data; the caller counts them into c->rsp.data_len.  Lists, listings and names go out in
 * one piece at 0, with their number in the answer's body already, and are checked: -EUCLEAN, the front would not
 * take them.
 */
int fsva_data_out(struct fsva_call *c, u32 off, const void *buf, u32 len)
{
	struct iov_iter iter;

	if (off > c->req.data_len || len > c->req.data_len - off)
		return -ERANGE;
	if (!len)
		return 0;
	if (off == 0 && !fsva_data_out_ok(c, buf, len))
		return -EUCLEAN;
	fsva_data_iter(c, &iter, ITER_DEST);
	iov_iter_advance(&iter, off);
	return copy_to_iter(buf, len, &iter) == len ? 0 : -EFAULT;
}
