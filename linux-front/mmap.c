// SPDX-License-Identifier: GPL-2.0
/*
 * mmap.c: mappings, through clean pages of our own page cache.
 *
 * Good for programs, shared libraries and all that only reads or maps privately;
 * a shared writable mapping is refused, so that no page here is ever dirty.
 * Pages are filled by READ with FSVA_RW_PAGE straight into their frames.
 */
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
};

static const struct vm_operations_struct fsva_vm_ops = {
	.fault		= filemap_fault,
	.map_pages	= filemap_map_pages,
};

int fsva_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_SHARED) {
		if (vma->vm_flags & VM_WRITE)
			return -ENODEV;
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	file_accessed(file);
	vma->vm_ops = &fsva_vm_ops;
	return 0;
}
