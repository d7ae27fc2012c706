// SPDX-License-Identifier: GPL-2.0
/*
 * mmap.c: mappings, through our own page cache.
 *
 * A page is the appliance's own where that can be (share.c).  Others are copies,
 * filled by READ with FSVA_RW_PAGE straight into their frames; what is stored in
 * them goes back by write-back (writeback.c).
 */
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "front.h"

/* The answer is there, or never comes.  Maybe in an interrupt. */
static void fsva_page_filled(struct page *page, int err, unsigned int good)
{
	struct folio *folio = page_folio(page);

	if (!err) {
		if (good < PAGE_SIZE)
			folio_zero_range(folio, good, PAGE_SIZE - good);
		flush_dcache_folio(folio);
		folio_mark_uptodate(folio);
	}
	folio_unlock(folio);
}

/* Fill these locked folios of consecutive pages; they are unlocked then. */
static int fsva_fill(struct file *file, loff_t pos, struct page **pages,
		     unsigned int nr)
{
	struct inode *inode = file_inode(file);
	struct fsva_file *f = file->private_data;
	struct fsva_inode *fi = FSVA_I(inode);
	int got;

	while (nr) {
		got = fsva_share_fill(inode, file->f_cred, pages, nr);
		if (!got)
			break;
		if (got < 0) {
			while (nr--)
				unlock_page(*pages++);
			return got;
		}
		pages += got;
		nr -= got;
		pos += (loff_t)got * PAGE_SIZE;
	}
	if (!nr)
		return 0;
	WRITE_ONCE(fi->copies, true);
	return fsva_call_read_pages(fsva_inode_front(inode), file->f_cred,
				    f->fh, pos, pages, nr, fsva_page_filled);
}

static int fsva_read_folio(struct file *file, struct folio *folio)
{
	struct page *page = folio_page(folio, 0);

	if (!file) {
		folio_unlock(folio);
		return -EIO;
	}
	if (fsva_folio_is_ghost(folio)) {
		int err = fsva_ghost_fill(folio);

		if (err) {
			folio_unlock(folio);
			return err;
		}
	}
	return fsva_fill(file, folio_pos(folio), &page, 1);
}

static void fsva_readahead(struct readahead_control *rac)
{
	struct fsva_front *ff = fsva_inode_front(rac->mapping->host);
	unsigned int max = min(ff->max_data / FSVA_PAGE_SIZE, FSVA_MAX_GREFS);
	struct page *pages[FSVA_MAX_GREFS];
	struct folio *folio;
	unsigned int nr = 0;
	loff_t pos = 0;

	if (!rac->file)
		return;		/* the VFS unlocks what we leave */
	while ((folio = readahead_folio(rac)) != NULL) {
		if (!nr)
			pos = folio_pos(folio);
		pages[nr++] = folio_page(folio, 0);
		if (nr < max)
			continue;
		fsva_fill(rac->file, pos, pages, nr);
		nr = 0;
	}
	if (nr)
		fsva_fill(rac->file, pos, pages, nr);
}

static int fsva_migrate_folio(struct address_space *mapping, struct folio *dst,
			      struct folio *src, enum migrate_mode mode)
{
	if (folio_test_private(src))
		return -EBUSY;	/* it is where its frame is */
	return filemap_migrate_folio(mapping, dst, src, mode);
}

const struct address_space_operations fsva_aops = {
	.read_folio	= fsva_read_folio,
	.readahead	= fsva_readahead,
	.writepages	= fsva_writepages,
	.dirty_folio	= filemap_dirty_folio,
	.launder_folio	= fsva_launder_folio,
	.migrate_folio	= fsva_migrate_folio,
	.release_folio	= fsva_release_folio,
	.invalidate_folio = fsva_invalidate_folio,
};

/*
 * Somebody changes the file: come again.  Without the mmap lock if that may be,
 * for who changes the file may need it for its own memory.
 */
static vm_fault_t fsva_store_wait(struct vm_fault *vmf, struct fsva_inode *fi)
{
	struct file *file;

	if (!fault_flag_allow_retry_first(vmf->flags)) {
		schedule_timeout_killable(1);
		return VM_FAULT_NOPAGE;
	}
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY | VM_FAULT_NOPAGE;
	file = get_file(vmf->vma->vm_file);	/* keeps the inode */
	release_fault_lock(vmf);
	if (!down_read_killable(&fi->store_sem))
		up_read(&fi->store_sem);
	fput(file);
	return VM_FAULT_RETRY | VM_FAULT_NOPAGE;
}

/* The first store to a clean page. */
static vm_fault_t fsva_page_mkwrite(struct vm_fault *vmf)
{
	struct inode *inode = file_inode(vmf->vma->vm_file);
	struct folio *folio = page_folio(vmf->page);
	struct fsva_inode *fi = FSVA_I(inode);
	vm_fault_t ret = VM_FAULT_LOCKED;
	u32 ref, asked = 0;
	int err;

	sb_start_pagefault(inode->i_sb);
	if (!down_read_trylock(&fi->store_sem)) {
		sb_end_pagefault(inode->i_sb);
		return fsva_store_wait(vmf, fi);
	}
	if (IS_IMMUTABLE(inode)) {
		ret = VM_FAULT_SIGBUS;
		goto out;
	}
again:
	folio_lock(folio);
	ref = fsva_share_ref(folio);
	if (folio->mapping != inode->i_mapping ||
	    !folio_test_uptodate(folio) ||
	    folio_pos(folio) >= i_size_read(inode)) {
		folio_unlock(folio);
		ret = VM_FAULT_NOPAGE;
	} else if (ref != asked && !folio_test_dirty(folio)) {
		/* The file system decides, and the page is its own. */
		asked = ref;
		folio_unlock(folio);
		err = fsva_share_store(inode, vmf->vma->vm_file->f_cred,
				       folio->index, ref);
		if (!err)
			goto again;
		ret = err == -EAGAIN ? VM_FAULT_NOPAGE :
		      err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_SIGBUS;
	}
out:
	up_read(&fi->store_sem);
	sb_end_pagefault(inode->i_sb);
	return ret;
}

static vm_fault_t fsva_fault(struct vm_fault *vmf)
{
	fsva_ubc_fault(file_inode(vmf->vma->vm_file), vmf->pgoff);
	return filemap_fault(vmf);
}

static void fsva_vma_open(struct vm_area_struct *vma)
{
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) ==
	    (VM_SHARED | VM_MAYWRITE))
		fsva_writer_add(file_inode(vma->vm_file),
				vma->vm_file->private_data);
}

static void fsva_vma_close(struct vm_area_struct *vma)
{
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) ==
	    (VM_SHARED | VM_MAYWRITE))
		fsva_writer_remove(file_inode(vma->vm_file));
}

static const struct vm_operations_struct fsva_vm_ops = {
	.open		= fsva_vma_open,
	.close		= fsva_vma_close,
	.fault		= fsva_fault,
	.map_pages	= filemap_map_pages,
	.page_mkwrite	= fsva_page_mkwrite,
};

int fsva_mmap(struct file *file, struct vm_area_struct *vma)
{
	/* Faults go by our size. */
	if (fsva_inode_in_doubt(file_inode(file)))
		fsva_inode_refresh(file_inode(file));
	file_accessed(file);
	vma->vm_ops = &fsva_vm_ops;
	fsva_vma_open(vma);
	return 0;
}
