// SPDX-License-Identifier: GPL-2.0
/*
 * handle.c: the 64-bit names that the front has for our inodes and open files.
 *
 * A handle is generation << 32 | index + 1: an index that is used again has another generation, so that an old
 * name is stale and not another inode's.  One inode has one handle; each answer that carries it counts as one
 * lookup, and the front gives the lookups back with FSVA_OP_DENTRY_RELEASE.
 *
 * A handle pins a dentry of its inode: the one it was found by, or, once that was unlinked, one found later.
 * When many are pinned, the oldest are parked: see struct fsva_handles.  An inode without links is never parked,
 * since nothing but the pin keeps it.
 */
#include <linux/exportfs.h>
#include <linux/file.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "back.h"

static u64 fsva_handle_id(u32 index, u32 gen)
{
	return (u64)gen << 32 | (index + 1);
}

/* The entry at the index in a name, whose generation the caller compares; 0 is nobody's. */
static void *fsva_id_find(struct xarray *xa, u64 id)
{
	u32 index = lower_32_bits(id);

	if (!index || !upper_32_bits(id))
		return NULL;
	return xa_load(xa, index - 1);
}

/*
 * The next generation of a table, whose lock is held: even for handles, odd for open files, so that neither ever
 * passes for the other.
 */
static u32 fsva_next_gen(u32 *gen)
{
	*gen += 2;
	if (!*gen)
		*gen = 2;
	return *gen;
}

#define FSVA_INDEX_LIMIT	XA_LIMIT(0, INT_MAX - 1)

/* ---- Handles ------------------------------------------------------------------------------------------ */

static struct fsva_handles *fsva_call_handles(struct fsva_call *c)
{
	return &c->ses->handles;
}

static struct hlist_head *fsva_handle_bucket(struct fsva_handles *t, unsigned long ino)
{
	return &t->hash[hash_long(ino, t->hash_bits)];
}

/* The export handle of an inode, in words of fid[]; 0: there is none that fits. */
static u8 fsva_fid_encode(struct inode *inode, u32 *fid, u8 *type)
{
	int words = sizeof_field(struct fsva_handle, fid) / sizeof(u32);
	int ret;

	ret = exportfs_encode_inode_fh(inode, (struct fid *)fid, &words, NULL, 0);
	if (ret <= FILEID_ROOT || ret >= FILEID_INVALID || words <= 0 ||
	    words > sizeof_field(struct fsva_handle, fid) / sizeof(u32))
		return 0;
	*type = ret;
	return words;
}

/* Whatever alias the file system comes up with will do: names are looked up by their directory. */
static int fsva_fid_acceptable(void *context, struct dentry *dentry)
{
	return 1;
}

static struct fsva_handle *fsva_handle_find(struct fsva_handles *t, u64 id)
{
	struct fsva_handle *h = fsva_id_find(&t->xa, id);

	return h && h->gen == upper_32_bits(id) ? h : NULL;
}

/* The handle of an inode, whose export handle is in fid[].  t->lock is held. */
static struct fsva_handle *fsva_handle_of(struct fsva_handles *t, struct inode *inode, const u32 *fid, u8 len,
					  u8 type)
{
	struct fsva_handle *h;

	hlist_for_each_entry(h, fsva_handle_bucket(t, inode->i_ino), node) {
		if (h->inode == inode)
			return h;
		if (!h->inode && h->ino == inode->i_ino && h->fid_len == len && h->fid_type == type &&
		    !memcmp(h->fid, fid, len * sizeof(u32)))
			return h;
	}
	return NULL;
}

/* The handle of the inode that has this number and generation now; 0: none.  No lock. */
u64 fsva_handle_of_ino(struct fsva_handles *t, unsigned long ino, u32 gen)
{
	struct fsva_handle *h;
	u64 id = 0;

	spin_lock(&t->lock);
	hlist_for_each_entry(h, fsva_handle_bucket(t, ino), node) {
		if (h->inode ? h->inode->i_ino != ino || h->inode->i_generation != gen : h->ino != ino)
			continue;
		id = fsva_handle_id(h->index, h->gen);
		break;
	}
	spin_unlock(&t->lock);
	return id;
}

/* The handle of an inode, parked or not; 0: there is none. */
u64 fsva_handle_of_inode(struct fsva_handles *t, struct inode *inode)
{
	struct fsva_handle *h;
	u32 fid[ARRAY_SIZE(h->fid)] = {};
	u8 len = 0, type = 0;
	u64 id = 0;

	if (t->can_park)
		len = fsva_fid_encode(inode, fid, &type);
	spin_lock(&t->lock);
	h = fsva_handle_of(t, inode, fid, len, type);
	if (h)
		id = fsva_handle_id(h->index, h->gen);
	spin_unlock(&t->lock);
	return id;
}

/* Has it no name in the tree: removed, or found by its export handle? */
static bool fsva_dentry_is_poor(const struct dentry *dentry)
{
	return d_unhashed(dentry) || (dentry->d_flags & DCACHE_DISCONNECTED);
}

/* Pin dentry, whose reference is taken over, to h.  t->lock is held. */
static void fsva_handle_set(struct fsva_handles *t, struct fsva_handle *h, struct dentry *dentry)
{
	h->dentry = dentry;
	h->inode = d_inode(dentry);
	list_add_tail(&h->lru, &t->lru);
	t->nr_pinned++;
}

/*
 * May the inode of h be found again without the pin?  A directory is given up late, since finding its place in the
 * tree again may mean reading its parent.  t->lock is held.
 */
static bool fsva_handle_may_park(struct fsva_handles *t, struct fsva_handle *h)
{
	if (!READ_ONCE(h->inode->i_nlink) || d_unlinked(h->dentry) || h->dentry == h->dentry->d_sb->s_root)
		return false;
	return !S_ISDIR(h->inode->i_mode) || t->nr_pinned / 2 >= t->max_pinned;
}

/*
 * Park the oldest pinned handle if there are too many.  Returns its dentry for the caller to put without the
 * lock.  t->lock is held.
 */
static struct dentry *fsva_handle_park(struct fsva_handles *t)
{
	struct fsva_handle *h;
	struct dentry *dentry;
	int tries = 4;

	if (!t->can_park || t->nr_pinned <= t->max_pinned)
		return NULL;
	while (tries--) {
		h = list_first_entry(&t->lru, struct fsva_handle, lru);
		if (fsva_handle_may_park(t, h))
			h->fid_len = fsva_fid_encode(h->inode, h->fid, &h->fid_type);
		else
			h->fid_len = 0;
		if (h->fid_len) {
			dentry = h->dentry;
			h->dentry = NULL;
			h->inode = NULL;
			list_del_init(&h->lru);
			t->nr_pinned--;
			return dentry;
		}
		list_move_tail(&h->lru, &t->lru);
	}
	return NULL;
}

/*
 * The dentry that a handle names, with a reference, or -ESTALE.  May look an inode up by its export handle, so
 * no directory may be locked.
 */
struct dentry *fsva_handle_get(struct fsva_call *c, u64 id)
{
	struct fsva_handles *t = fsva_call_handles(c);
	struct dentry *dentry, *parked = NULL;
	struct fsva_handle *h;
	u32 fid[ARRAY_SIZE(h->fid)];
	u8 len, type;

	spin_lock(&t->lock);
	h = fsva_handle_find(t, id);
	if (h && h->dentry) {
		dentry = dget(h->dentry);
		list_move_tail(&h->lru, &t->lru);
		spin_unlock(&t->lock);
		return dentry;
	}
	if (!h) {
		spin_unlock(&t->lock);
		return ERR_PTR(-ESTALE);
	}
	memcpy(fid, h->fid, sizeof(fid));
	len = h->fid_len;
	type = h->fid_type;
	spin_unlock(&t->lock);

	dentry = exportfs_decode_fh(c->ses->mnt, (struct fid *)fid, len, type, fsva_fid_acceptable, NULL);
	if (IS_ERR(dentry))
		return dentry;
	if (d_is_negative(dentry)) {
		dput(dentry);
		return ERR_PTR(-ESTALE);
	}

	spin_lock(&t->lock);
	h = fsva_handle_find(t, id);
	if (h && !h->dentry) {
		fsva_handle_set(t, h, dget(dentry));
		parked = fsva_handle_park(t);
	}
	spin_unlock(&t->lock);
	dput(parked);
	if (!h) {
		dput(dentry);
		return ERR_PTR(-ESTALE);
	}
	return dentry;
}

/* The same, of a directory in which names can be looked up. */
struct dentry *fsva_handle_get_dir(struct fsva_call *c, u64 id)
{
	struct dentry *dentry = fsva_handle_get(c, id);

	if (!IS_ERR(dentry) && !d_can_lookup(dentry)) {
		dput(dentry);
		return ERR_PTR(-ENOTDIR);
	}
	return dentry;
}

/* The inode of a handle is about to lose, or has lost, its last link: keep it by a pin. */
void fsva_handle_pin(struct fsva_call *c, u64 id, struct dentry *dentry)
{
	struct fsva_handles *t = fsva_call_handles(c);
	struct fsva_handle *h;

	spin_lock(&t->lock);
	h = fsva_handle_find(t, id);
	if (h && !h->dentry)
		fsva_handle_set(t, h, dget(dentry));
	spin_unlock(&t->lock);
}

/*
 * dentry is about to be removed.  A file system of another machine's files hides a file that is still in use
 * instead of removing it, and finds out by counting who has its dentry; but who has only a handle does not use it.
 * So let the handle, and *held, a reference of the caller's to the same dentry, have one without a name instead.
 * Without memory nothing is done, and the file is hidden.
 */
void fsva_handle_set_aside(struct fsva_call *c, u64 id, struct dentry *dentry, struct dentry **held)
{
	struct fsva_handles *t = fsva_call_handles(c);
	struct dentry *nameless, *old = NULL;
	struct fsva_handle *h;

	if (!(dentry->d_flags & DCACHE_OP_REVALIDATE) || d_is_dir(dentry) || *held != dentry)
		return;
	nameless = d_alloc_anon(dentry->d_sb);
	if (!nameless)
		return;
	ihold(d_inode(dentry));
	d_instantiate(nameless, d_inode(dentry));

	spin_lock(&t->lock);
	h = fsva_handle_find(t, id);
	if (h && h->dentry == dentry) {
		old = dentry;
		h->dentry = dget(nameless);
	}
	spin_unlock(&t->lock);
	dput(old);
	dput(*held);
	*held = nameless;
}

/* It was not removed: the handle has the dentry with the name again. */
void fsva_handle_put_back(struct fsva_call *c, u64 id, struct dentry *dentry, struct dentry *held)
{
	struct fsva_handles *t = fsva_call_handles(c);
	struct dentry *old = NULL;
	struct fsva_handle *h;

	if (held == dentry)
		return;
	spin_lock(&t->lock);
	h = fsva_handle_find(t, id);
	if (h && h->dentry == held) {
		old = held;
		h->dentry = dget(dentry);
	}
	spin_unlock(&t->lock);
	dput(old);
}

/*
 * A new handle with an index of its own.  Its generation is 0, which no name has, but fsva_handle_find() may look at
 * it from now on: whoever does not want it takes it out of the table under t->lock before freeing it.
 */
static struct fsva_handle *fsva_handle_new(struct fsva_handles *t)
{
	struct fsva_handle *h;
	int err;

	if (READ_ONCE(t->nr) >= t->max)
		return ERR_PTR(-ENFILE);
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h)
		return ERR_PTR(-ENOMEM);
	err = xa_alloc_cyclic(&t->xa, &h->index, h, FSVA_INDEX_LIMIT, &t->next, GFP_KERNEL);
	if (err < 0) {
		kfree(h);
		return ERR_PTR(err);
	}
	return h;
}

/* Count one more lookup of dentry's inode and give its handle, a new one if there was none. */
int fsva_handle_add(struct fsva_call *c, struct dentry *dentry, u64 *id)
{
	struct fsva_handles *t = fsva_call_handles(c);
	struct inode *inode = d_inode(dentry);
	struct dentry *old = NULL, *parked;
	struct fsva_handle *h, *new = NULL;
	u32 fid[ARRAY_SIZE(h->fid)] = {};
	u8 len = 0, type = 0;

	if (t->can_park)
		len = fsva_fid_encode(inode, fid, &type);

	spin_lock(&t->lock);
	h = fsva_handle_of(t, inode, fid, len, type);
	if (!h) {
		spin_unlock(&t->lock);
		new = fsva_handle_new(t);
		if (IS_ERR(new))
			return PTR_ERR(new);
		spin_lock(&t->lock);
		h = fsva_handle_of(t, inode, fid, len, type);	/* somebody else may have been faster */
	}
	if (!h) {
		h = new;
		new = NULL;
		h->gen = fsva_next_gen(&t->next_gen);
		h->ino = inode->i_ino;
		hlist_add_head(&h->node, fsva_handle_bucket(t, h->ino));
		t->nr++;
		fsva_handle_set(t, h, dget(dentry));
	} else if (!h->dentry) {
		fsva_handle_set(t, h, dget(dentry));
	} else {
		list_move_tail(&h->lru, &t->lru);
		if (h->dentry != dentry && fsva_dentry_is_poor(h->dentry) && !fsva_dentry_is_poor(dentry)) {
			old = h->dentry;
			h->dentry = dget(dentry);
		}
	}
	h->nr_lookups++;
	*id = fsva_handle_id(h->index, h->gen);
	parked = fsva_handle_park(t);
	if (new)
		xa_erase(&t->xa, new->index);
	spin_unlock(&t->lock);
	kfree(new);
	dput(old);
	dput(parked);
	return 0;
}

/* Give lookups back; the last one ends the handle.  -EINVAL: more than there were, nothing is done. */
int fsva_handle_release(struct fsva_call *c, u64 id, u64 nr_lookups)
{
	struct fsva_handles *t = fsva_call_handles(c);
	struct dentry *dentry = NULL;
	struct fsva_handle *h;
	int err = 0;

	spin_lock(&t->lock);
	h = fsva_handle_find(t, id);
	if (!h) {
		err = -ESTALE;
	} else if (nr_lookups > h->nr_lookups) {
		h = NULL;
		err = -EINVAL;
	} else {
		h->nr_lookups -= nr_lookups;
		if (!h->nr_lookups) {
			xa_erase(&t->xa, h->index);
			hlist_del(&h->node);
			t->nr--;
			if (h->dentry) {
				dentry = h->dentry;
				list_del(&h->lru);
				t->nr_pinned--;
			}
		} else {
			h = NULL;
		}
	}
	spin_unlock(&t->lock);
	kfree(h);
	dput(dentry);
	return err;
}

void fsva_handles_start(struct fsva_handles *t)
{
	spin_lock_init(&t->lock);
	xa_init_flags(&t->xa, XA_FLAGS_ALLOC);
	INIT_LIST_HEAD(&t->lru);
}

/*
 * Size everything by the appliance's memory: a quarter of it may go to parked handles; of what the kernel has left
 * over, an eighth to pinned inodes at 2 KiB each.
 */
int fsva_handles_init(struct fsva_handles *t, struct super_block *sb)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;
	u64 spare = (u64)max_t(long, si_mem_available(), 0) << PAGE_SHIFT;
	const struct export_operations *ops = sb->s_export_op;

	/* Generations of an earlier mount of this session go on, so that its handles are stale. */
	t->max = clamp_t(u64, memory / 4 / sizeof(struct fsva_handle), 1024, INT_MAX);
	t->max_pinned = clamp_t(u64, spare / 8 / 2048, 256, t->max);
	/* Only where an inode is found again whatever became of its names, and where that asks nobody else. */
	t->can_park = ops && ops->fh_to_dentry && ops->get_parent && (sb->s_type->fs_flags & FS_REQUIRES_DEV);
	if (!t->can_park)
		t->max = clamp_t(u64, memory / 2 / 2048, 1024, INT_MAX);
	t->hash_bits = clamp_t(unsigned int, ilog2(t->max) - 2, 8, 18);
	t->hash = kvcalloc(1u << t->hash_bits, sizeof(*t->hash), GFP_KERNEL);
	return t->hash ? 0 : -ENOMEM;
}

/* No call uses the mount any more. */
void fsva_handles_free(struct fsva_handles *t)
{
	struct fsva_handle *h;
	unsigned long index;

	xa_for_each(&t->xa, index, h) {
		xa_erase(&t->xa, index);
		dput(h->dentry);
		kfree(h);
		cond_resched();
	}
	kvfree(t->hash);
	t->hash = NULL;
	INIT_LIST_HEAD(&t->lru);
	t->nr = 0;
	t->nr_pinned = 0;
}

/* ---- Open files --------------------------------------------------------------------------------------- */

/* An open file keeps its inode, whatever becomes of the handle: a quarter of memory, at 2 KiB each. */
void fsva_files_init(struct fsva_files *t)
{
	u64 memory = (u64)totalram_pages() << PAGE_SHIFT;

	t->max = clamp_t(u64, memory / 4 / 2048, 1024, FSVA_BACK_MAX_FILES);
	t->next_gen = 1;	/* odd ones */
	spin_lock_init(&t->lock);
	xa_init_flags(&t->xa, XA_FLAGS_ALLOC);
}

static void fsva_file_free(struct kref *ref)
{
	struct fsva_file *f = container_of(ref, struct fsva_file, ref);
	bool writes;

	/* At once: a file that is closed later would keep the file system mounted. */
	fsva_file_unlock(f);
	if (f->reader)
		__fput_sync(f->reader);
	if (f->accessor)
		__fput_sync(f->accessor);
	writes = f->file->f_mode & FMODE_WRITE;
	__fput_sync(f->file);
	if (writes)
		atomic_dec(&f->files->nr_writers);
	mutex_destroy(&f->pos_lock);
	kfree(f);
}

void fsva_file_put(struct fsva_file *f)
{
	kref_put(&f->ref, fsva_file_free);
}

/* Takes over the reference to file, in failure too. */
int fsva_file_add(struct fsva_call *c, struct file *file, u64 *fh)
{
	struct fsva_files *t = &c->ses->files;
	struct fsva_file *f;
	int err;

	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f) {
		__fput_sync(file);
		return -ENOMEM;
	}
	kref_init(&f->ref);
	mutex_init(&f->pos_lock);
	f->files = t;
	f->file = file;
	if (file->f_mode & FMODE_WRITE)
		atomic_inc(&t->nr_writers);

	err = READ_ONCE(t->nr) < t->max ? 0 : -ENFILE;
	if (!err)
		err = xa_alloc_cyclic(&t->xa, &f->index, f, FSVA_INDEX_LIMIT, &t->next, GFP_KERNEL);
	if (err < 0) {
		fsva_file_put(f);
		return err;
	}
	spin_lock(&t->lock);
	t->nr++;
	f->gen = fsva_next_gen(&t->next_gen);
	*fh = fsva_handle_id(f->index, f->gen);
	spin_unlock(&t->lock);
	return 0;
}

/* A reference to the open file fh, or -EBADF. */
struct fsva_file *fsva_file_get(struct fsva_call *c, u64 fh)
{
	struct fsva_files *t = &c->ses->files;
	struct fsva_file *f;

	spin_lock(&t->lock);
	f = fsva_id_find(&t->xa, fh);
	if (f && f->gen == upper_32_bits(fh))
		kref_get(&f->ref);
	else
		f = ERR_PTR(-EBADF);
	spin_unlock(&t->lock);
	return f;
}

int fsva_file_release(struct fsva_call *c, u64 fh)
{
	struct fsva_files *t = &c->ses->files;
	struct fsva_file *f;

	spin_lock(&t->lock);
	f = fsva_id_find(&t->xa, fh);
	if (f && f->gen == upper_32_bits(fh)) {
		xa_erase(&t->xa, f->index);
		t->nr--;
	} else {
		f = NULL;
	}
	spin_unlock(&t->lock);
	if (!f)
		return -EBADF;
	fsva_file_put(f);
	return 0;
}

/* No call uses the mount any more. */
void fsva_files_free(struct fsva_files *t)
{
	struct fsva_file *f;
	unsigned long index;

	xa_for_each(&t->xa, index, f) {
		xa_erase(&t->xa, index);
		fsva_file_put(f);
		cond_resched();
	}
	t->nr = 0;
}
