// SPDX-License-Identifier: GPL-2.0
/*
 * mmap.c: mappings, through our own page cache.
 *
 * Pages are filled by READ with FSVA_RW_PAGE straight into their frames.  What
 * is stored goes back by write-back: writeback.c.
 */
#include <linux/file.h>
#include <linux/highmem.h>
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

static int fsva_read_folio(struct file *file, struct folio *folio)
{
	struct page *page = folio_page(folio, 0);
	struct fsva_file *f;

	if (!file) {
		folio_unlock(folio);
		return -EIO;
	}
	f = file->private_data;
	return fsva_call_read_pages(fsva_inode_front(file_inode(file)),
				    file->f_cred, f->fh, folio_pos(folio),
				    &page, 1, fsva_page_filled);
}

static void fsva_readahead(struct readahead_control *rac)
{
	struct fsva_front *ff = fsva_inode_front(rac->mapping->host);
	struct fsva_file *f = rac->file ? rac->file->private_data : NULL;
	unsigned int max = min(ff->max_data / FSVA_PAGE_SIZE, FSVA_MAX_GREFS);
	struct page *pages[FSVA_MAX_GREFS];
	struct folio *folio;
	unsigned int nr = 0;
	loff_t pos = 0;

	if (!f)
		return;		/* the VFS unlocks what we leave */
	while ((folio = readahead_folio(rac)) != NULL) {
		if (!nr)
			pos = folio_pos(folio);
		pages[nr++] = folio_page(folio, 0);
		if (nr < max)
			continue;
		fsva_call_read_pages(ff, rac->file->f_cred, f->fh, pos, pages,
				     nr, fsva_page_filled);
		nr = 0;
	}
	if (nr)
		fsva_call_read_pages(ff, rac->file->f_cred, f->fh, pos, pages,
				     nr, fsva_page_filled);
}

const struct address_space_operations fsva_aops = {
	.read_folio	= fsva_read_folio,
	.readahead	= fsva_readahead,
	.writepages	= fsva_writepages,
	.dirty_folio	= filemap_dirty_folio,
	.launder_folio	= fsva_launder_folio,
	.migrate_folio	= filemap_migrate_folio,
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

	sb_start_pagefault(inode->i_sb);
	if (!down_read_trylock(&fi->store_sem)) {
		sb_end_pagefault(inode->i_sb);
		return fsva_store_wait(vmf, fi);
	}
	folio_lock(folio);
	if (folio->mapping != inode->i_mapping ||
	    folio_pos(folio) >= i_size_read(inode)) {
		folio_unlock(folio);
		ret = VM_FAULT_NOPAGE;
	}
	up_read(&fi->store_sem);
	sb_end_pagefault(inode->i_sb);
	return ret;
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
	.fault		= filemap_fault,
	.map_pages	= filemap_map_pages,
	.page_mkwrite	= fsva_page_mkwrite,
};

int fsva_mmap(struct file *file, struct vm_area_struct *vma)
{
	file_accessed(file);
	vma->vm_ops = &fsva_vm_ops;
	fsva_vma_open(vma);
	return 0;
}
