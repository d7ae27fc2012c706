// SPDX-License-Identifier: GPL-2.0
/*
 * page.c: pages of this kernel's page cache, granted to the front for what its processes map.
 *
 * The file system must see what it would see of a process here that maps the file: reads of missing pages, and
 * ->page_mkwrite before a store.  So MAP_PAGE is such a process for a moment: a worker takes on an address space,
 * maps the pages, has them faulted in by get_user_pages() and unmaps them; what it keeps is a reference to each
 * page.  The address space is that of the program that loaded this module, kept after that program's end: a module
 * can't make one by itself.
 *
 * A page has one grant, whose reference is its name, and counts how many mappings the front has been told of.  The
 * last UNMAP_PAGE ends it; one that the front still maps then goes to the kernel's list of grants to be ended later,
 * with the reference to its page, so that nobody uses it before (XSA-396).
 *
 * What the front's processes store sets no dirty bit here.  The front says by WRITE | AGAIN that they have stored,
 * and the same fault for writing makes the page dirty.  Of a front that vanished all pages that it was to store to
 * are made dirty once more.
 *
 * Nothing keeps the front from storing while a page is on its way to the disk.  That is harmless where the page is
 * simply written again, and not where a checksum was made of it: see fsva_page_may_store().
 */
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "back.h"

#define FSVA_PAGES_MAX		16384u	/* half of what a grant table of the default size has */

/* One shared page.  We hold a reference to it. */
struct fsva_page {
	struct page *page;
	u64 handle;
	pgoff_t index;			/* in the file */
	grant_ref_t ref;
	unsigned int nr_maps;		/* that the front was told of */
	bool stored;			/* WRITE was asked for */
};

static struct mm_struct *fsva_mm;	/* NULL: nothing can be shared */
static DEFINE_MUTEX(fsva_mm_lock);
static bool fsva_mm_empty;

/* ---- The address space -------------------------------------------------------------------------------- */

void fsva_page_init(void)
{
	fsva_mm = get_task_mm(current);
}

void fsva_page_exit(void)
{
	if (fsva_mm)
		mmput(fsva_mm);
}

bool fsva_page_can(void)
{
	return fsva_mm && xen_domain();
}

/* Become a process.  What the program that is gone has left behind is dropped. */
static void fsva_mm_enter(void)
{
	kthread_use_mm(fsva_mm);
	mutex_lock(&fsva_mm_lock);
	if (!fsva_mm_empty && atomic_read(&fsva_mm->mm_users) == 1) {
		vm_munmap(0, TASK_SIZE);
		fsva_mm_empty = true;
	}
	mutex_unlock(&fsva_mm_lock);
}

static void fsva_mm_leave(void)
{
	kthread_unuse_mm(fsva_mm);
}

/*
 * Fault pages of a file in as a process would that maps them, with a reference to each.  Returns how many, from the
 * first on, or an error.
 */
static long fsva_page_fault(struct fsva_call *c, struct dentry *dentry, pgoff_t index, unsigned int nr, bool store,
			    struct page **pages)
{
	struct path path = fsva_path(c, dentry);
	unsigned long addr, prot = PROT_READ | (store ? PROT_WRITE : 0);
	struct file *file;
	long got;

	file = dentry_open(&path, (store ? O_RDWR : O_RDONLY) | O_LARGEFILE | O_NOATIME, c->cred.named);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fsva_mm_enter();
	addr = vm_mmap(file, 0, nr * PAGE_SIZE, prot, MAP_SHARED, index << PAGE_SHIFT);
	if (IS_ERR_VALUE(addr)) {
		got = addr;
	} else {
		got = get_user_pages_unlocked(addr, nr, pages, store ? FOLL_WRITE : 0);
		vm_munmap(addr, nr * PAGE_SIZE);
	}
	fsva_mm_leave();
	__fput_sync(file);
	return got ? got : -EFAULT;
}

/* ---- The table ---------------------------------------------------------------------------------------- */

/*
 * May the front be given pages of this file for writing?  Only of file systems that can bear it when a page changes
 * while it is written, which none declares in a way that we could read: these make no checksums of contents, and
 * neither compress nor encrypt in place.
 */
static bool fsva_page_may_store(struct inode *inode)
{
	static const char * const types[] = { "ext2", "ext3", "ext4", "xfs", "f2fs", "jfs", "reiserfs", "vfat", "exfat",
					      "tmpfs" };
	struct super_block *sb = inode->i_sb;
	unsigned int i;

	if (sb_rdonly(sb) || IS_IMMUTABLE(inode) || IS_SWAPFILE(inode) || IS_ENCRYPTED(inode) || IS_VERITY(inode) ||
	    IS_DAX(inode) || (sb->s_iflags & SB_I_STABLE_WRITES) || fsva_compat_stable_writes(inode->i_mapping))
		return false;
	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(sb->s_type->name, types[i]))
			return true;
	return false;
}

static bool fsva_page_may_share(struct page *page)
{
	return !is_zone_device_page(page) && !PageAnon(page) && !PageForeign(page) && !is_zero_pfn(page_to_pfn(page));
}

/* A new entry for page, whose reference it takes.  t->lock is held. */
static struct fsva_page *fsva_page_add(struct fsva_call *c, struct page *page, bool readonly)
{
	struct fsva_pages *t = &c->ses->pages;
	struct fsva_page *p;
	int ref, err;

	if (t->nr >= t->max || t->closed)
		return ERR_PTR(-ENOBUFS);
	if (!fsva_page_may_share(page))
		return ERR_PTR(-EOPNOTSUPP);
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return ERR_PTR(-ENOMEM);
	ref = gnttab_grant_foreign_access(c->q->link->domid, xen_page_to_gfn(page), readonly);
	err = ref < 0 ? -ENOBUFS : 0;
	if (err)
		goto err_free;
	p->ref = ref;
	err = xa_err(xa_store(&t->by_ref, p->ref, p, GFP_KERNEL));
	if (err)
		goto err_end;
	err = xa_err(xa_store(&t->by_pfn, page_to_pfn(page), p, GFP_KERNEL));
	if (err)
		goto err_erase;
	p->page = page;
	t->nr++;
	return p;

err_erase:
	xa_erase(&t->by_ref, p->ref);
err_end:
	/* Nobody has heard of it, but a hostile front may guess. */
	get_page(page);
	gnttab_end_foreign_access(p->ref, page);
err_free:
	kfree(p);
	return ERR_PTR(err);
}

/* End the grant of an entry and forget it.  t->lock is held. */
static void fsva_page_end(struct fsva_session *ses, struct fsva_page *p)
{
	struct fsva_pages *t = &ses->pages;

	xa_erase(&t->by_ref, p->ref);
	xa_erase(&t->by_pfn, page_to_pfn(p->page));
	t->nr--;
	if (gnttab_try_end_foreign_access(p->ref)) {
		put_page(p->page);
	} else {
		atomic64_inc(&ses->fb->stats.leaked_pages);
		gnttab_end_foreign_access(p->ref, p->page);
	}
	kfree(p);
}

/*
 * Share one page that is the file's at index.  Takes over the reference to it, on failure too.  Gives the grant
 * reference.
 */
static int fsva_page_share(struct fsva_call *c, const struct fsva_map_page_req *r, u32 epoch, pgoff_t index,
			   struct page *page, bool readonly, u32 *ref)
{
	struct fsva_pages *t = &c->ses->pages;
	bool again = r->flags & FSVA_MAP_AGAIN;
	struct fsva_page *p;

	mutex_lock(&t->lock);
	p = xa_load(&t->by_pfn, page_to_pfn(page));
	if (t->epoch != epoch) {
		/* Of the pages of this answer some have lost their grants. */
		put_page(page);
		p = ERR_PTR(-ENOBUFS);
	} else if (p) {
		put_page(page);
		/* A frame that the front still names by what it was, while it serves somewhere else now. */
		if (p->handle != r->handle || p->index != index)
			p = ERR_PTR(-ESTALE);
	} else if (again) {
		put_page(page);
		p = ERR_PTR(-ESTALE);
	} else {
		p = fsva_page_add(c, page, readonly);
		if (IS_ERR(p))
			put_page(page);
	}
	if (!IS_ERR(p)) {
		p->handle = r->handle;
		p->index = index;
		p->nr_maps += !again;
		p->stored |= r->flags & FSVA_MAP_WRITE;
		*ref = p->ref;
	}
	mutex_unlock(&t->lock);
	return PTR_ERR_OR_ZERO(p);
}

/* ---- Operations --------------------------------------------------------------------------------------- */

FSVA_HANDLER(map_page)
{
	const struct fsva_map_page_req *r = in;
	struct fsva_map_page_rsp *rsp = out;
	bool store = r->flags & FSVA_MAP_WRITE, may_store;
	u32 epoch = READ_ONCE(c->ses->pages.epoch);
	struct page *pages[FSVA_MAP_MAX];
	unsigned int nr = r->nr_pages;
	struct dentry *dentry;
	struct inode *inode;
	long got, i;
	u64 size;
	int err;

	if (!(c->ses->features & FSVA_FEATURE_MAP_PAGE))
		return -EOPNOTSUPP;
	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	inode = d_inode(dentry);
	err = -EOPNOTSUPP;
	may_store = fsva_page_may_store(inode);
	if (!d_is_reg(dentry) || (store && !may_store))
		goto out;
	size = i_size_read(inode);
	err = -EFAULT;
	if (r->index >= DIV_ROUND_UP_ULL(size, PAGE_SIZE))
		goto out;
	nr = min_t(u64, nr, DIV_ROUND_UP_ULL(size, PAGE_SIZE) - r->index);
	got = fsva_page_fault(c, dentry, r->index, nr, store, pages);
	err = got;
	if (got < 0)
		goto out;
	err = 0;
	for (i = 0; i < got; i++) {
		if (!err)
			err = fsva_page_share(c, r, epoch, r->index + i, pages[i], !may_store, &rsp->gref[i]);
		else
			put_page(pages[i]);
		if (!err)
			rsp->nr_pages++;
	}
	if (READ_ONCE(c->ses->pages.epoch) != epoch && !(r->flags & FSVA_MAP_AGAIN)) {
		memset(rsp, 0, sizeof(*rsp));
		err = -ENOBUFS;
	}
	rsp->size = size;
	rsp->flags = may_store ? FSVA_MAP_WRITE : 0;
	if (rsp->nr_pages)
		err = 0;
out:
	dput(dentry);
	/* No ->mmap is no fault of the user's. */
	return err == -ENODEV ? -EOPNOTSUPP : err;
}

FSVA_HANDLER(unmap_page)
{
	const struct fsva_unmap_page_req *r = in;
	struct fsva_pages *t = &c->ses->pages;
	struct fsva_page *p;
	unsigned int i;
	int err = 0;

	/* Asked in an earlier domain, whose references are gone: they may name others' pages now. */
	if (c->req.flags & FSVA_REQ_RESENT)
		return 0;
	mutex_lock(&t->lock);
	for (i = 0; i < r->nr; i++) {
		p = xa_load(&t->by_ref, r->gref[i]);
		if (!p)
			err = -EINVAL;
		else if (!--p->nr_maps)
			fsva_page_end(c->ses, p);
	}
	mutex_unlock(&t->lock);
	return err;
}

/* ---- The table as a whole ----------------------------------------------------------------------------- */

void fsva_pages_init(struct fsva_pages *t)
{
	mutex_init(&t->lock);
	xa_init(&t->by_ref);
	xa_init(&t->by_pfn);
	t->max = min_t(unsigned long, FSVA_PAGES_MAX, totalram_pages() / 4);
}

/* What a front stored last that could not say so any more. */
static void fsva_page_redirty(struct fsva_call *c, struct fsva_page *p)
{
	struct dentry *dentry = fsva_handle_get(c, p->handle);
	struct page *page;

	if (IS_ERR(dentry))
		return;
	if (fsva_page_fault(c, dentry, p->index, 1, true, &page) == 1)
		put_page(page);
	dput(dentry);
}

/* t->lock is held. */
static void fsva_pages_drop(struct fsva_session *ses)
{
	struct fsva_pages *t = &ses->pages;
	struct fsva_call *c = NULL;
	const struct cred *old;
	struct fsva_page *p;
	unsigned long ref;

	if (current->flags & PF_KTHREAD)
		c = kvzalloc(sizeof(*c), GFP_KERNEL);
	if (c) {
		c->ses = ses;
		c->cred.named = ses->service;
		old = override_creds(ses->service);
	}
	xa_for_each(&t->by_ref, ref, p) {
		if (p->stored && c)
			fsva_page_redirty(c, p);
		fsva_page_end(ses, p);
		cond_resched();
	}
	if (c)
		revert_creds(old);
	kvfree(c);
}

/* No call uses the mount any more, which is still there.  Normally all has been given back. */
void fsva_pages_free(struct fsva_session *ses)
{
	struct fsva_pages *t = &ses->pages;

	if (!t->nr)
		return;
	pr_info("%s: the user's domain has left %u shared pages\n", ses->fb->name, t->nr);
	mutex_lock(&t->lock);
	fsva_pages_drop(ses);
	mutex_unlock(&t->lock);
}

/* The domain has moved: its grants are gone, and there is nobody yet whom to grant anything. */
void fsva_pages_close(struct fsva_session *ses)
{
	mutex_lock(&ses->pages.lock);
	ses->pages.closed = true;
	mutex_unlock(&ses->pages.lock);
}

/*
 * The front has come again, and has none of these pages mapped.  What it had stored to is made dirty once more, as
 * when it vanishes.
 */
void fsva_pages_moved(struct fsva_session *ses)
{
	bool mounted = fsva_mount_get(ses);

	mutex_lock(&ses->pages.lock);
	ses->pages.epoch++;
	ses->pages.closed = false;
	if (mounted)
		fsva_pages_drop(ses);
	mutex_unlock(&ses->pages.lock);
	if (mounted)
		fsva_mount_put(ses);
}

void fsva_pages_show(struct fsva_session *ses, struct seq_file *seq)
{
	struct fsva_pages *t = &ses->pages;
	struct fsva_page *p;
	unsigned long ref;

	mutex_lock(&t->lock);
	xa_for_each(&t->by_ref, ref, p)
		seq_printf(seq, "%llx %lu %lx %u %u\n", p->handle, p->index,
			   xen_pv_domain() ? xen_page_to_gfn(p->page) : 0, p->ref, p->nr_maps);
	mutex_unlock(&t->lock);
}
