// SPDX-License-Identifier: GPL-2.0
/*
 * writeback.c: what was stored through a mapping, on its way to the appliance.
 *
 * A store makes a page of our page cache dirty; write-back sends it by WRITE out
 * of its own frame, through an open file of one of those who mapped it for
 * writing (fi->writer), which stays until the last dirty page has gone.  It
 * allocates nothing, so memory pressure can't hold it up.
 *
 * A page that is shared with the appliance (share.c) needs no WRITE: it is told
 * that the page was stored to, which makes it dirty there.
 *
 * read() and write() go to the appliance, so that for pages that are copies
 *	a read first has the dirty pages of its range written: fsva_cache_flush();
 *	what changes a file writes them, then drops all pages of the range, and
 *	keeps new stores out until it is done: fsva_cache_begin() and _end(),
 *	or _begin_size() and _end_size() where the size changes.
 * fi->store_sem is what keeps stores out: fsva_page_mkwrite() takes it shared.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/writeback.h>

#include "front.h"

/* ---- The file that pages are written through ---- */

/* A mapping that may store has come. */
void fsva_writer_add(struct inode *inode, struct fsva_file *f)
{
	struct fsva_inode *fi = FSVA_I(inode);

	spin_lock(&fi->lock);
	fi->nr_writers++;
	if (!fi->writer) {
		kref_get(&f->kref);
		fi->writer = f;
	}
	spin_unlock(&fi->lock);
}

/* Nobody can store any more and all has been written: let the file go. */
static void fsva_writer_settle(struct inode *inode)
{
	struct address_space *mapping = inode->i_mapping;
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_file *f = NULL;

	spin_lock(&fi->lock);
	if (!fi->nr_writers && !mapping_tagged(mapping, PAGECACHE_TAG_DIRTY) &&
	    !mapping_tagged(mapping, PAGECACHE_TAG_WRITEBACK)) {
		f = fi->writer;
		fi->writer = NULL;
	}
	spin_unlock(&fi->lock);
	if (f)
		fsva_file_put(f);
}

/*
 * It has gone again.  With the last one all is written, so that the file can be
 * closed; what a killed task leaves the flusher writes.
 */
void fsva_writer_remove(struct inode *inode)
{
	struct fsva_inode *fi = FSVA_I(inode);
	bool last;

	spin_lock(&fi->lock);
	last = --fi->nr_writers == 0;
	spin_unlock(&fi->lock);
	if (!last)
		return;
	/* Who exits can't be killed a second time: it does not wait for it. */
	if (current->flags & PF_EXITING)
		filemap_flush(inode->i_mapping);
	else
		fsva_cache_flush(inode, 0, LLONG_MAX, true);
	fsva_writer_settle(inode);
}

/* The inode goes: there are no pages any more. */
void fsva_writer_drop(struct inode *inode)
{
	struct fsva_file *f = FSVA_I(inode)->writer;

	FSVA_I(inode)->writer = NULL;
	if (!f)
		return;
	f->later = fsva_super_forced(inode->i_sb);
	fsva_file_put(f);
}

/*
 * Rarely needed: somebody who had pinned a page made it dirty after all mappings
 * had gone.  The writer of this one round is ours alone.
 */
static struct fsva_file *fsva_writer_open(struct inode *inode)
{
	struct fsva_front *ff = fsva_inode_front(inode);
	struct fsva_open_rsp rsp;
	struct fsva_file *f;
	int err;

	f = fsva_file_new(ff, current_cred(), GFP_NOIO);
	if (!f)
		return ERR_PTR(-ENOMEM);
	err = fsva_call_open(ff, FSVA_I(inode)->handle, 2 /* O_RDWR */, &rsp);
	if (err) {
		fsva_file_free(f);
		return ERR_PTR(err);
	}
	f->fh = rsp.fh;
	f->closing = fsva_closing_place(FSVA_I(inode)->handle);
	return f;
}

static struct fsva_file *fsva_writer_get(struct inode *inode)
{
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_file *f;

	spin_lock(&fi->lock);
	f = fi->writer;
	if (f)
		kref_get(&f->kref);
	spin_unlock(&fi->lock);
	return f ? f : fsva_writer_open(inode);
}

/* ---- Writing ---- */

/* One run of pages, all under write-back. */
struct fsva_run {
	struct inode *inode;
	struct fsva_file *writer;
	loff_t pos;
	size_t len;
	unsigned int nr;
	bool shared;
	int err;
	struct page *pages[FSVA_MAX_GREFS];
};

/* The answer is there, or never comes.  Maybe in an interrupt. */
static void fsva_page_written(struct page *page, int err)
{
	struct folio *folio = page_folio(page);

	/*
	 * Under write-back it belongs to its mapping.  A task that was killed
	 * leaves it to the next one that writes.
	 */
	if (err == -EINTR)
		filemap_dirty_folio(folio->mapping, folio);
	else if (err)
		mapping_set_error(folio->mapping, err);
	folio_end_writeback(folio);
}

static void fsva_run_send(struct fsva_run *run)
{
	unsigned int nr = run->nr, i;
	int err;

	if (!nr)
		return;
	run->nr = 0;
	if (!IS_ERR(run->writer) && run->shared) {
		err = fsva_share_clean(run->inode, run->writer->cred,
				       run->pages, nr, fsva_page_written);
	} else if (!IS_ERR(run->writer)) {
		err = fsva_call_write_pages(fsva_inode_front(run->inode),
					    run->writer->cred, run->writer->fh,
					    run->pos, run->len, run->pages, nr,
					    fsva_page_written);
	} else {
		err = PTR_ERR(run->writer);
		for (i = 0; i < nr; i++)
			fsva_page_written(run->pages[i], err);
	}
	if (err && !run->err)
		run->err = err;
}

/* A locked folio that is not dirty any more; unlocks it. */
static int fsva_run_add(struct folio *folio, struct writeback_control *wbc,
			void *data)
{
	struct fsva_run *run = data;
	struct fsva_front *ff = fsva_inode_front(run->inode);
	unsigned int max = min(ff->max_data / FSVA_PAGE_SIZE, FSVA_MAX_GREFS);
	loff_t pos = folio_pos(folio), size = i_size_read(run->inode);
	bool shared = folio_test_private(folio);
	size_t len;

	if (pos >= size) {
		/* Cut off meanwhile. */
		folio_unlock(folio);
		return 0;
	}
	len = min_t(loff_t, PAGE_SIZE, size - pos);
	if (len < PAGE_SIZE && !shared)
		folio_zero_segment(folio, len, PAGE_SIZE);
	if (run->nr == max || (run->nr && (pos != run->pos + run->len ||
					   shared != run->shared)))
		fsva_run_send(run);
	if (!run->nr) {
		run->shared = shared;
		run->pos = pos;
		run->len = 0;
	}
	folio_start_writeback(folio);
	run->pages[run->nr++] = folio_page(folio, 0);
	run->len += len;
	folio_unlock(folio);
	return 0;
}

int fsva_writepages(struct address_space *mapping,
		    struct writeback_control *wbc)
{
	struct fsva_run run = { .inode = mapping->host };
	int err;

	if (!mapping_tagged(mapping, PAGECACHE_TAG_DIRTY))
		return 0;
	/* Nobody asks again for these if there is no space. */
	(void)fsva_quiet_wait(fsva_inode_front(run.inode));
	run.writer = fsva_writer_get(run.inode);
	err = fsva_compat_writepages(mapping, wbc, fsva_run_add, &run);
	fsva_run_send(&run);
	if (!IS_ERR(run.writer))
		fsva_file_put(run.writer);
	if (wbc->sync_mode == WB_SYNC_NONE)
		fsva_writer_settle(run.inode);
	return err ? err : run.err;
}

/* The folio is locked, and about to be dropped. */
int fsva_launder_folio(struct folio *folio)
{
	struct address_space *mapping = folio->mapping;
	struct inode *inode = mapping->host;
	struct fsva_run *run;
	int err = -ENOMEM;

	folio_wait_writeback(folio);
	run = kzalloc(sizeof(*run), GFP_NOIO);
	if (!run)
		return err;
	run->inode = inode;
	run->pos = folio_pos(folio);
	run->len = min_t(loff_t, PAGE_SIZE, i_size_read(inode) - run->pos);
	run->shared = folio_test_private(folio);
	run->writer = fsva_writer_get(inode);
	if (folio_pos(folio) < i_size_read(inode) &&
	    folio_clear_dirty_for_io(folio)) {
		folio_start_writeback(folio);
		run->pages[run->nr++] = folio_page(folio, 0);
		fsva_run_send(run);
		folio_wait_writeback(folio);
	}
	err = run->err;
	if (!IS_ERR(run->writer))
		fsva_file_put(run->writer);
	kfree(run);
	return err;
}

/* ---- One mind with read() and write() ---- */

/*
 * Octets start to end, both counted in, are about to be read there.  all: not
 * by way of its page cache, so that shared pages count as well.
 */
int fsva_cache_flush(struct inode *inode, loff_t start, loff_t end, bool all)
{
	struct address_space *mapping = inode->i_mapping;

	if (!all && !READ_ONCE(FSVA_I(inode)->copies))
		return 0;
	if (!mapping_tagged(mapping, PAGECACHE_TAG_DIRTY) &&
	    !mapping_tagged(mapping, PAGECACHE_TAG_WRITEBACK))
		return 0;
	if (fatal_signal_pending(current))
		return -EINTR;
	/* What can't be written is for fsync() to report. */
	filemap_write_and_wait_range(mapping, start, end);
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/*
 * ...are about to be changed there; replace: and its page cache gets other pages
 * for them.  0: fsva_cache_end() must follow.
 */
int fsva_cache_begin(struct inode *inode, loff_t start, loff_t end,
		     bool replace)
{
	struct address_space *mapping = inode->i_mapping;
	struct fsva_inode *fi = FSVA_I(inode);
	int err;

	err = down_write_killable(&fi->store_sem);
	if (err || !mapping->nrpages)
		return err;
	/*
	 * Writing makes pages read-only to their mappings, and who wants to
	 * store waits for us.  One who came before may hold a page that is not
	 * dirty yet: dropping it waits for its lock, and writes it.
	 */
	if (replace || READ_ONCE(fi->copies))
		filemap_write_and_wait_range(mapping, start, end);
	if (READ_ONCE(fi->copies))
		invalidate_inode_pages2_range(mapping, start >> PAGE_SHIFT,
					      end >> PAGE_SHIFT);
	if (!fatal_signal_pending(current))
		return 0;
	up_write(&fi->store_sem);
	return -EINTR;
}

/* Pages that were read meanwhile may hold what was there before. */
void fsva_cache_end(struct inode *inode, loff_t start, loff_t end,
		    bool replace)
{
	struct address_space *mapping = inode->i_mapping;
	struct fsva_inode *fi = FSVA_I(inode);

	if (mapping->nrpages && replace)
		fsva_share_drop(inode, start, end);
	else if (mapping->nrpages && READ_ONCE(fi->copies))
		invalidate_inode_pages2_range(mapping, start >> PAGE_SHIFT,
					      end >> PAGE_SHIFT);
	up_write(&fi->store_sem);
}

/* Somebody else has changed the file: the copies are not it any more. */
void fsva_cache_stale(struct inode *inode)
{
	if (inode->i_mapping->nrpages && READ_ONCE(FSVA_I(inode)->copies))
		invalidate_inode_pages2(inode->i_mapping);
}

/*
 * The same, when it has changed just now: shared pages may have lost their place in
 * the appliance's page cache to others, too (by truncation, by direct I/O).
 */
void fsva_cache_replaced(struct inode *inode)
{
	if (!inode->i_mapping->nrpages)
		return;
	if (!READ_ONCE(fsva_inode_front(inode)->shares.on))
		fsva_cache_stale(inode);
	else if (!fsva_cache_begin(inode, 0, LLONG_MAX, true))
		fsva_cache_end(inode, 0, LLONG_MAX, true);
}

static loff_t fsva_cache_set_size(struct inode *inode, loff_t size)
{
	struct fsva_inode *fi = FSVA_I(inode);
	loff_t old;

	spin_lock(&fi->lock);
	old = i_size_read(inode);
	i_size_write(inode, size);
	fsva_inode_count_change(inode);
	spin_unlock(&fi->lock);
	return old;
}

/*
 * The file is about to get this size.  What is cut off is first written, lest a
 * refusal loses it; from then on our size is the new one, so that write-back of
 * the last page does not make the file longer again.
 */
int fsva_cache_begin_size(struct inode *inode, loff_t size, loff_t *old)
{
	loff_t first = min(size, i_size_read(inode));
	int err;

	err = fsva_cache_begin(inode, first, LLONG_MAX, false);
	if (err)
		return err;
	*old = i_size_read(inode);
	if (size < *old)
		*old = fsva_cache_set_size(inode, size);
	return 0;
}

void fsva_cache_end_size(struct inode *inode, loff_t size, loff_t old, int err)
{
	if (err && size < old)
		fsva_cache_set_size(inode, old);
	else if (!err)
		fsva_ubc_truncate(inode, size);
	fsva_cache_end(inode, min(size, old), LLONG_MAX, false);
}
