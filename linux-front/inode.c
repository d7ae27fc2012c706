// SPDX-License-Identifier: GPL-2.0
/*
 * inode.c: inodes by handle, their attributes, and dentries.
 *
 * An inode is known by the 64-bit handle that the back gave it.  Each answer
 * that names a handle counts as a lookup; the count goes back when the VFS
 * drops the inode.
 *
 * Attributes are taken from every answer that carries them.  Answers may
 * overtake each other, so changes are counted (ff->version): an answer to a
 * question that was asked before an inode's last change does not count.
 *
 * What a request did whose caller was killed, no answer tells.  Names and
 * attributes that were asked for before it was done are in doubt then
 * (fsva_front_doubt()), and are asked for again before they are used.  So are those
 * of an inode or a directory that somebody in the appliance has changed (push.c).
 *
 * Attributes that have just come with another answer need not be asked for by a
 * stat() that follows, as one does after most open() and lookups: see
 * fsva_inode_fresh().
 */
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/posix_acl.h>
#include <linux/slab.h>
#include <linux/stat.h>

#include "front.h"

#define FSVA_FRESH_MS	20

static struct kmem_cache *fsva_inode_cache;

/* ---- Life ---- */

struct inode *fsva_inode_alloc(struct super_block *sb)
{
	struct fsva_inode *fi;

	fi = alloc_inode_sb(sb, fsva_inode_cache, GFP_KERNEL);
	if (!fi)
		return NULL;
	/* For the eviction, which can't allocate. */
	fi->forget = kzalloc(sizeof(*fi->forget),
			     GFP_KERNEL_ACCOUNT | __GFP_RECLAIMABLE);
	if (!fi->forget) {
		kmem_cache_free(fsva_inode_cache, fi);
		return NULL;
	}
	fi->handle = 0;
	fi->nr_lookups = 0;
	fi->version = 0;
	fi->asked = 0;
	fi->fresh = 0;
	fi->fresh_at = 0;
	fi->attrs_doubt = 0;
	fi->names_doubt = 0;
	fi->ino = 0;
	fi->impl = 0;
	fi->names_there = false;
	memset(&fi->attr, 0, sizeof(fi->attr));
	memset(&fi->cache_mtime, 0, sizeof(fi->cache_mtime));
	fi->cache_size = 0;
	fi->writer = NULL;
	fi->nr_writers = 0;
	fi->no_share = false;
	fi->copies = false;
	return &fi->vfs;
}

void fsva_inode_free(struct inode *inode)
{
	kfree(FSVA_I(inode)->forget);
	kmem_cache_free(fsva_inode_cache, FSVA_I(inode));
}

/*
 * May run in reclaim: the memory of the message came with the inode.  What has
 * no name left is given back at once, so that its space is free, to all who ask, when
 * the last close() or unlink() returns, as on any file system.
 */
void fsva_inode_evict(struct inode *inode)
{
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_front *ff = fsva_inode_front(inode);
	struct fsva_forget *fg = fi->forget;

	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	fsva_writer_drop(inode);
	if (!fi->handle)
		return;
	atomic64_dec(&ff->nr_inodes);
	if (!fi->nr_lookups)
		return;
	fi->forget = NULL;
	fg->handle = fi->handle;
	fg->nr_lookups = fi->nr_lookups;
	if (inode->i_nlink || fsva_super_forced(inode->i_sb))
		fsva_forget_later(ff, fg);
	else if (fsva_inode_frees_only(inode))
		fsva_forget_quietly(ff, fg);
	else
		fsva_forget(ff, fg);
}

static int fsva_inode_test(struct inode *inode, void *data)
{
	return FSVA_I(inode)->handle == *(u64 *)data;
}

static int fsva_inode_set(struct inode *inode, void *data)
{
	FSVA_I(inode)->handle = *(u64 *)data;
	return 0;
}

static void fsva_inode_once(void *obj)
{
	struct fsva_inode *fi = obj;

	spin_lock_init(&fi->lock);
	init_rwsem(&fi->store_sem);
	inode_init_once(&fi->vfs);
}

int fsva_inode_init(void)
{
	fsva_inode_cache = kmem_cache_create("fsva_inode",
					     sizeof(struct fsva_inode), 0,
					     SLAB_RECLAIM_ACCOUNT |
					     SLAB_ACCOUNT, fsva_inode_once);
	return fsva_inode_cache ? 0 : -ENOMEM;
}

void fsva_inode_exit(void)
{
	rcu_barrier();	/* inodes are freed by RCU */
	kmem_cache_destroy(fsva_inode_cache);
}

/* ---- Attributes ---- */

static struct timespec64 fsva_time_in(const struct fsva_time *t)
{
	return (struct timespec64){ .tv_sec = t->sec, .tv_nsec = t->nsec };
}

static void fsva_time_out(struct fsva_time *t, const struct timespec64 *ts)
{
	t->sec = ts->tv_sec;
	t->nsec = ts->tv_nsec;
}

/* What to hand to fsva_inode_apply() with the answer; read before asking. */
u64 fsva_inode_version(struct inode *inode)
{
	return atomic64_read(&fsva_inode_front(inode)->version);
}

/* fi->lock held. */
void fsva_inode_count_change(struct inode *inode)
{
	FSVA_I(inode)->version =
		atomic64_inc_return(&fsva_inode_front(inode)->version);
}

static void fsva_inode_set_flags(struct inode *inode, u32 flags)
{
	unsigned int s = 0;

	if (flags & FSVA_INODE_SYNC)
		s |= S_SYNC;
	if (flags & FSVA_INODE_NOATIME)
		s |= S_NOATIME;
	if (flags & FSVA_INODE_APPEND)
		s |= S_APPEND;
	if (flags & FSVA_INODE_IMMUTABLE)
		s |= S_IMMUTABLE;
	if (flags & FSVA_INODE_DIRSYNC)
		s |= S_DIRSYNC;
	inode_set_flags(inode, s, S_SYNC | S_NOATIME | S_APPEND | S_IMMUTABLE |
			S_DIRSYNC);
}

/*
 * fi->lock held.  The attributes are as they were at `version`, or when what was
 * sent then had made the inode, or later.  Is nothing of ours done since that may
 * have changed them, of this inode or, as it is easier to tell, of any?
 */
static void fsva_inode_set_fresh(struct inode *inode, u64 version, bool made)
{
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_front *ff = fsva_inode_front(inode);
	u64 now = version;

	/* The request, its answer, and the directory's new attributes. */
	if (made)
		now += 3;
	fi->fresh = 0;
	if (fi->asked >= fi->attrs_doubt &&
	    !atomic_read_acquire(&ff->nr_changing) &&
	    fsva_closing_none(ff, fsva_closing_place(fi->handle), version) &&
	    atomic64_read(&ff->version) == now) {
		fi->fresh = now;
		fi->fresh_at = jiffies;
	}
}

/*
 * Are the attributes that we have those which would be the answer if we asked, to
 * somebody who wants these?  Others than us change files in the appliance, too, of
 * which an event tells, but later; and so does the file system by itself, as when it
 * writes back.  FSVA_FRESH_MS bounds how long that may go unseen.  A network file
 * system says itself what it relies upon, and is asked; stores to mapped pages may
 * change times at any moment.
 */
static bool fsva_inode_fresh(struct inode *inode, u32 mask, struct fsva_attr *a)
{
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_front *ff = fsva_inode_front(inode);
	bool fresh;

	if (mask & ~STATX_BASIC_STATS ||
	    READ_ONCE(fi->impl) & FSVA_IMPL_REVALIDATE)
		return false;
	spin_lock(&fi->lock);
	fresh = fi->fresh && !fi->nr_writers &&
		fi->fresh == atomic64_read(&ff->version) &&
		time_in_range(jiffies, fi->fresh_at,
			      fi->fresh_at + msecs_to_jiffies(FSVA_FRESH_MS));
	*a = fi->attr;
	spin_unlock(&fi->lock);
	return fresh;
}

/* fi->lock held. */
static void fsva_inode_copy(struct inode *inode, const struct fsva_attr *a)
{
	struct fsva_inode *fi = FSVA_I(inode);

	inode->i_mode = a->mode;
	inode->i_uid = make_kuid(&init_user_ns, a->uid);
	inode->i_gid = make_kgid(&init_user_ns, a->gid);
	if (inode->i_nlink != a->nlink)
		set_nlink(inode, a->nlink);
	fsva_inode_set_atime(inode, fsva_time_in(&a->atime));
	fsva_inode_set_mtime(inode, fsva_time_in(&a->mtime));
	fsva_inode_set_ctime(inode, fsva_time_in(&a->ctime));
	inode->i_blocks = a->blocks;
	inode->i_generation = a->generation;
	i_size_write(inode, a->size);
	fsva_inode_set_flags(inode, a->flags);
	fi->attr = *a;
}

static int fsva_inode_update(struct inode *inode, const struct fsva_attr *a,
			     u64 version, bool changed)
{
	struct fsva_inode *fi = FSVA_I(inode);
	bool shrunk = false;

	if (inode_wrong_type(inode, a->mode)) {
		pr_err_ratelimited("fsva: %s: inode %llu has changed its type\n",
				   fsva_inode_front(inode)->tag, fi->ino);
		return -EIO;
	}
	spin_lock(&fi->lock);
	/* An answer that a later question's has overtaken is older, too. */
	if (changed || (fi->version <= version && fi->asked <= version)) {
		shrunk = a->size < i_size_read(inode);
		if (!changed && memcmp(&fi->attr.ctime, &a->ctime,
				       sizeof(a->ctime)))
			fsva_acl_drop_all(inode);
		fsva_inode_copy(inode, a);
		if (changed)
			fsva_inode_count_change(inode);
		/* Somebody else's change may be newer than the answer to ours. */
		if (!changed) {
			fi->asked = max(fi->asked, version);
			fsva_inode_set_fresh(inode, version, false);
		} else if (fi->asked >= fi->attrs_doubt) {
			fi->asked = fi->version;
		}
	}
	spin_unlock(&fi->lock);
	if (shrunk && inode->i_mapping->nrpages)
		fsva_ubc_truncate(inode, i_size_read(inode));
	return 0;
}

/* Attributes out of an answer to a question asked at `version`. */
int fsva_inode_apply(struct inode *inode, const struct fsva_attr *attr,
		     u64 version)
{
	return fsva_inode_update(inode, attr, version, false);
}

/* Attributes as they are after a change of ours. */
int fsva_inode_changed(struct inode *inode, const struct fsva_attr *attr)
{
	return fsva_inode_update(inode, attr, 0, true);
}

void fsva_inode_set_impl(struct inode *inode, u32 impl)
{
	WRITE_ONCE(FSVA_I(inode)->impl, impl);
}

/*
 * The inode of an entry that was asked for at `version`, or that was made by what was
 * sent then; it counts as a lookup also when this fails.
 */
struct inode *fsva_inode_get(struct super_block *sb,
			     const struct fsva_entry *entry, u64 version,
			     bool made)
{
	const struct fsva_attr *a = &entry->attr;
	u64 handle = entry->handle;
	struct fsva_front *ff = FSVA_SB(sb)->ff;
	struct fsva_inode *fi;
	struct inode *inode;
	int err;

	inode = iget5_locked(sb, (unsigned long)handle, fsva_inode_test,
			     fsva_inode_set, &handle);
	if (!inode) {
		fsva_forget_now(ff, handle, 0);
		return ERR_PTR(-ENOMEM);
	}
	fi = FSVA_I(inode);
	spin_lock(&fi->lock);
	fi->nr_lookups++;
	spin_unlock(&fi->lock);
	fsva_inode_set_impl(inode, entry->impl);

	if (!(inode_state_read_once(inode) & I_NEW)) {
		err = fsva_inode_apply(inode, a, version);
		if (err) {
			iput(inode);
			return ERR_PTR(err);
		}
		return inode;
	}

	atomic64_inc(&ff->nr_inodes);
	fi->ino = a->ino;
	inode->i_ino = a->ino;
	inode->i_mode = a->mode;
	spin_lock(&fi->lock);
	fsva_inode_copy(inode, a);
	fi->asked = version;
	fsva_inode_set_fresh(inode, version, made);
	spin_unlock(&fi->lock);
	inode->i_flags |= S_NOCMTIME;	/* the appliance's times count */
	fsva_acl_init(inode, entry->impl);
	inode->i_op = fsva_iops(a->mode, entry->impl);
	switch (a->mode & S_IFMT) {
	case S_IFREG:
		inode->i_fop = fsva_fops(a->mode, entry->impl);
		inode->i_mapping->a_ops = &fsva_aops;
		break;
	case S_IFDIR:
		inode->i_fop = fsva_fops(a->mode, entry->impl);
		break;
	case S_IFLNK:
		break;
	default:
		init_special_inode(inode, a->mode,
				   MKDEV(a->rdev_major, a->rdev_minor));
		break;
	}
	unlock_new_inode(inode);
	return inode;
}

/* Ask for the attributes, for those who need the size of now. */
int fsva_inode_refresh(struct inode *inode)
{
	u64 version = fsva_inode_version(inode);
	struct fsva_getattr_rsp rsp;
	int err;

	err = fsva_call_getattr(fsva_inode_front(inode), FSVA_I(inode)->handle,
				0, STATX_BASIC_STATS, 0, &rsp);
	if (err)
		return err;
	fsva_inode_set_impl(inode, rsp.impl);
	return fsva_inode_apply(inode, &rsp.attr, version);
}

bool fsva_inode_in_doubt(struct inode *inode)
{
	struct fsva_inode *fi = FSVA_I(inode);
	u64 asked = READ_ONCE(fi->asked);

	return asked < READ_ONCE(fi->attrs_doubt) ||
	       asked < atomic64_read(&fsva_inode_front(inode)->attrs_doubt);
}

/* The inode that we have by this handle, or NULL. */
struct inode *fsva_inode_find(struct super_block *sb, u64 handle)
{
	return ilookup5(sb, (unsigned long)handle, fsva_inode_test, &handle);
}

/*
 * Somebody else has changed it: attributes that were asked for before this moment
 * are not to be relied upon, nor, with acls, are its ACLs.  An answer that is under
 * way counts all the same, for it may be the newer one; it ends no doubt.
 */
void fsva_inode_doubt(struct inode *inode, bool acls)
{
	struct fsva_inode *fi = FSVA_I(inode);
	u64 now = atomic64_inc_return(&fsva_inode_front(inode)->version);

	spin_lock(&fi->lock);
	WRITE_ONCE(fi->attrs_doubt, now);
	if (acls)
		fsva_acl_drop_all(inode);
	spin_unlock(&fi->lock);
}

/* The same of the names in a directory. */
void fsva_dir_doubt(struct inode *dir)
{
	WRITE_ONCE(FSVA_I(dir)->names_doubt,
		   atomic64_inc_return(&fsva_inode_front(dir)->version));
}

int fsva_inode_getattr(struct mnt_idmap *idmap, const struct path *path,
		       struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_getattr_rsp rsp;
	struct fsva_attr *a = &rsp.attr;
	u64 version;
	u32 wire = 0;
	int err;

	/* What is stored sets times, and takes blocks, when it is written. */
	if (S_ISREG(inode->i_mode) &&
	    mask & (STATX_MTIME | STATX_CTIME | STATX_BLOCKS) &&
	    (flags & AT_STATX_SYNC_TYPE) != AT_STATX_DONT_SYNC) {
		err = fsva_cache_flush(inode, 0, LLONG_MAX, true);
		if (err)
			return err;
	}
	version = fsva_inode_version(inode);
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_FORCE_SYNC)
		wire = FSVA_GETATTR_FORCE_SYNC;
	else if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_DONT_SYNC)
		wire = FSVA_GETATTR_DONT_SYNC;
	if (wire == FSVA_GETATTR_FORCE_SYNC ||
	    !fsva_inode_fresh(inode, mask, a)) {
		err = fsva_call_getattr(fsva_inode_front(inode), fi->handle, 0,
					mask, wire, &rsp);
		if (err)
			return err;
		fsva_inode_set_impl(inode, rsp.impl);
		err = fsva_inode_apply(inode, a, version);
		if (err)
			return err;
		/* It has what the next one may not ask for. */
		if (mask & ~STATX_BASIC_STATS)
			WRITE_ONCE(fi->fresh, 0);
		/* Somebody else's change of which there is no event, but this. */
		if (S_ISREG(inode->i_mode) && rsp.impl & FSVA_IMPL_REVALIDATE)
			fsva_file_check_cache(inode, a);
	}
	generic_fillattr(idmap, mask, inode, stat);
	stat->ino = a->ino;
	stat->size = a->size;
	stat->blocks = a->blocks;
	stat->nlink = a->nlink;
	stat->blksize = a->blksize;
	if (a->valid & FSVA_ATTR_HAS_BTIME) {
		stat->btime = fsva_time_in(&a->btime);
		stat->result_mask |= STATX_BTIME;
	}
	if (mask & STATX_DIOALIGN && a->valid & FSVA_ATTR_HAS_DIO) {
		stat->dio_mem_align = a->dio_mem_align;
		stat->dio_offset_align = a->dio_offset_align;
		stat->result_mask |= STATX_DIOALIGN;
	}
	stat->attributes_mask |= a->attributes_mask;
	stat->attributes |= a->attributes;
	return 0;
}

int fsva_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
		       struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	struct fsva_front *ff = fsva_inode_front(inode);
	struct fsva_setattr_req q = {};
	struct fsva_getattr_rsp rsp;
	unsigned int ia = attr->ia_valid;
	loff_t old_size;
	int err;

	if (fsva_inode_in_doubt(inode)) {
		err = fsva_inode_refresh(inode);
		if (err)
			return err;
	}
	err = setattr_prepare(idmap, dentry, attr);
	if (err)
		return err;

	q.handle = FSVA_I(inode)->handle;
	if (ia & ATTR_FILE && attr->ia_file &&
	    file_inode(attr->ia_file) == inode) {
		struct fsva_file *f = attr->ia_file->private_data;

		if (f && fsva_fops_are_file(attr->ia_file->f_op))
			q.fh = f->fh;
	}
	if (ia & ATTR_MODE) {
		q.valid |= FSVA_SET_MODE;
		q.mode = attr->ia_mode & S_IALLUGO;
	}
	if (ia & ATTR_UID) {
		q.valid |= FSVA_SET_UID;
		q.uid = from_kuid(&init_user_ns, attr->ia_uid);
	}
	if (ia & ATTR_GID) {
		q.valid |= FSVA_SET_GID;
		q.gid = from_kgid(&init_user_ns, attr->ia_gid);
	}
	if (ia & ATTR_SIZE) {
		q.valid |= FSVA_SET_SIZE;
		q.size = attr->ia_size;
	}
	if (ia & ATTR_ATIME) {
		q.valid |= FSVA_SET_ATIME;
		if (ia & ATTR_ATIME_SET)
			q.valid |= FSVA_SET_ATIME_VALUE;
		fsva_time_out(&q.atime, &attr->ia_atime);
	}
	if (ia & ATTR_MTIME) {
		q.valid |= FSVA_SET_MTIME;
		if (ia & ATTR_MTIME_SET)
			q.valid |= FSVA_SET_MTIME_VALUE;
		fsva_time_out(&q.mtime, &attr->ia_mtime);
	}
	if (ia & ATTR_CTIME) {
		q.valid |= FSVA_SET_CTIME;
		fsva_time_out(&q.ctime, &attr->ia_ctime);
	}
	/*
	 * The VFS has turned the killing of suid bits into a mode; that of a
	 * security xattr it forgot, since it saw none here.
	 */
	if (ia & (ATTR_UID | ATTR_GID | ATTR_SIZE) && !S_ISDIR(inode->i_mode))
		q.valid |= FSVA_SET_KILL_PRIV;
	if (ia & ATTR_OPEN)
		q.valid |= FSVA_SET_OPEN;
	if (ia & ATTR_TOUCH)
		q.valid |= FSVA_SET_TOUCH;
	if (ia & ATTR_FORCE)
		q.valid |= FSVA_SET_FORCE;

	/* What was stored before is not to set the times after. */
	if (ia & ATTR_MTIME_SET && S_ISREG(inode->i_mode)) {
		err = fsva_cache_flush(inode, 0, LLONG_MAX, true);
		if (err)
			return err;
	}
	if (ia & ATTR_SIZE) {
		err = fsva_cache_begin_size(inode, attr->ia_size, &old_size);
		if (err)
			return err;
	}
	err = fsva_call_setattr(ff, inode, &q, &rsp);
	/* The mode's group bits are the mask of an ACL. */
	if (ia & ATTR_MODE)
		fsva_acl_changed(inode, ACL_TYPE_ACCESS, err);
	if (!err) {
		fsva_inode_set_impl(inode, rsp.impl);
		err = fsva_inode_changed(inode, &rsp.attr);
	}
	if (ia & ATTR_SIZE)
		fsva_cache_end_size(inode, attr->ia_size, old_size, err);
	return err;
}

/*
 * Only when the mount's rules want it: then the appliance is told.  It opens
 * files without atime of its own.
 */
int fsva_inode_update_time(FSVA_UPDATE_TIME_ARGS)
{
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_dirty_inode_req q = {};
	struct timespec64 now = FSVA_UPDATE_NOW;
	bool atime = FSVA_UPDATE_ATIME;
	bool cmtime = FSVA_UPDATE_CMTIME;
	int err;

	if (FSVA_UPDATE_NOWAIT)
		return -EAGAIN;

	q.handle = fi->handle;
	if (atime) {
		q.valid |= FSVA_SET_ATIME;
		fsva_time_out(&q.atime, &now);
	}
	if (cmtime) {
		q.valid |= FSVA_SET_MTIME | FSVA_SET_CTIME;
		fsva_time_out(&q.mtime, &now);
		fsva_time_out(&q.ctime, &now);
	}
	if (!q.valid)
		return 0;
	err = fsva_call_dirty_inode(fsva_inode_front(inode), &q);
	if (err)
		return err;
	spin_lock(&fi->lock);
	if (atime)
		fsva_inode_set_atime(inode, now);
	if (cmtime) {
		fsva_inode_set_mtime(inode, now);
		fsva_inode_set_ctime(inode, now);
	}
	fsva_inode_count_change(inode);
	spin_unlock(&fi->lock);
	return 0;
}

/* ---- Permission ---- */

static u32 fsva_may_out(int mask)
{
	u32 wire = 0;

	if (mask & MAY_EXEC)
		wire |= FSVA_MAY_EXEC;
	if (mask & MAY_WRITE)
		wire |= FSVA_MAY_WRITE;
	if (mask & MAY_READ)
		wire |= FSVA_MAY_READ;
	if (mask & MAY_APPEND)
		wire |= FSVA_MAY_APPEND;
	if (mask & MAY_ACCESS)
		wire |= FSVA_MAY_ACCESS;
	if (mask & MAY_OPEN)
		wire |= FSVA_MAY_OPEN;
	if (mask & MAY_CHDIR)
		wire |= FSVA_MAY_CHDIR;
	return wire;
}

int fsva_inode_permission(struct mnt_idmap *idmap, struct inode *inode,
			  int mask)
{
	struct fsva_inode *fi = FSVA_I(inode);
	int err;

	if (fsva_inode_in_doubt(inode)) {
		if (mask & MAY_NOT_BLOCK)
			return -ECHILD;
		err = fsva_inode_refresh(inode);
		if (err)
			return err;
	}
	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_PERMISSION))
		return generic_permission(idmap, inode, mask);
	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	return fsva_call_permission(fsva_inode_front(inode), inode, fi->handle,
				    fsva_may_out(mask));
}

/* ---- Dentries ---- */

/* What dentry is was asked for at `version`. */
void fsva_dentry_asked(struct dentry *dentry, u64 version)
{
	WRITE_ONCE(dentry->d_time, (unsigned long)version);
}

/* dir: the directory that it is in. */
static bool fsva_dentry_in_doubt(const struct dentry *dentry,
				 struct inode *dir)
{
	struct fsva_front *ff = FSVA_SB(dentry->d_sb)->ff;
	unsigned long asked = READ_ONCE(dentry->d_time);
	unsigned long all = atomic64_read(&ff->names_doubt);
	unsigned long here = READ_ONCE(FSVA_I(dir)->names_doubt);

	return (long)(asked - all) < 0 || (long)(asked - here) < 0;
}

/*
 * Is a cached name still good?  It is, unless the file system has a
 * ->d_revalidate of its own, or compares names in its own way, or the name is in
 * doubt.
 */
static int fsva_dentry_revalidate(FSVA_REVALIDATE_ARGS)
{
	struct inode *inode = d_inode_rcu(dentry), *up;
	struct fsva_front *ff = FSVA_SB(dentry->d_sb)->ff;
	u64 version = atomic64_read(&ff->version);
	bool doubt = false;
	struct name_snapshot snap;
	struct dentry *parent;
	struct fsva_attr attr;
	u32 impl, wire = 0;
	int err;

	if (IS_ROOT(dentry))
		return 1;
	rcu_read_lock();
	up = d_inode_rcu(READ_ONCE(dentry->d_parent));
	impl = up ? READ_ONCE(FSVA_I(up)->impl) : 0;
	if (up)
		doubt = fsva_dentry_in_doubt(dentry, up);
	rcu_read_unlock();
	if (!up)
		return flags & LOOKUP_RCU ? -ECHILD : 0;
	if (!inode && impl & FSVA_IMPL_NAMECMP)
		return 0;
	impl &= FSVA_IMPL_NAMECMP | (inode ? 0 : FSVA_IMPL_REVALIDATE);
	if (inode)
		impl |= READ_ONCE(FSVA_I(inode)->impl) & FSVA_IMPL_REVALIDATE;
	if (!impl && !doubt && !(inode && fsva_inode_in_doubt(inode)))
		return 1;
	if (flags & LOOKUP_RCU)
		return -ECHILD;
	if (!impl && !doubt) {
		err = fsva_inode_refresh(inode);
		return err == -ESTALE ? 0 : err ? err : 1;
	}

	if (flags & LOOKUP_CREATE)
		wire |= FSVA_LOOKUP_CREATE;
	if (flags & LOOKUP_EXCL)
		wire |= FSVA_LOOKUP_EXCL;
	if (flags & LOOKUP_RENAME_TARGET)
		wire |= FSVA_LOOKUP_RENAME;
	if (flags & LOOKUP_OPEN)
		wire |= FSVA_LOOKUP_OPEN;
	parent = dget_parent(dentry);
	up = d_inode(parent);
	take_dentry_name_snapshot(&snap, dentry);
	err = fsva_call_dentry_validate(ff, FSVA_I(up)->handle, &snap.name,
					inode ? FSVA_I(inode)->handle : 0, wire,
					&attr);
	release_dentry_name_snapshot(&snap);
	dput(parent);
	if (err == -ESTALE || err == -ENOENT)
		return 0;
	if (err)
		return err;
	if (inode && fsva_inode_apply(inode, &attr, version))
		return 0;
	fsva_dentry_asked(dentry, version);
	return 1;
}

const struct dentry_operations fsva_dentry_ops = {
	.d_revalidate	= fsva_dentry_revalidate,
};

/* ---- Symbolic links ---- */

static const char *fsva_get_link(struct dentry *dentry, struct inode *inode,
				 struct delayed_call *done)
{
	char *buf;
	int err;

	if (!dentry)
		return ERR_PTR(-ECHILD);
	buf = kmalloc(FSVA_PATH_MAX, GFP_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	err = fsva_call_readlink(fsva_inode_front(inode),
				 FSVA_I(inode)->handle, buf);
	if (!err && !buf[0])
		err = -EIO;	/* symlink(2) makes none that leads nowhere */
	if (err) {
		kfree(buf);
		return ERR_PTR(err);
	}
	set_delayed_call(done, kfree_link, buf);
	return buf;
}

const struct inode_operations fsva_file_inode_ops = {
	.permission	= fsva_inode_permission,
	.getattr	= fsva_inode_getattr,
	.setattr	= fsva_inode_setattr,
	.update_time	= fsva_inode_update_time,
	.listxattr	= fsva_listxattr,
	.get_inode_acl	= fsva_get_inode_acl,
	.set_acl	= fsva_set_acl,
	.fileattr_get	= fsva_fileattr_get,
	.fileattr_set	= fsva_fileattr_set,
	.fiemap		= fsva_fiemap,
};

const struct inode_operations fsva_special_inode_ops = {
	.permission	= fsva_inode_permission,
	.getattr	= fsva_inode_getattr,
	.setattr	= fsva_inode_setattr,
	.update_time	= fsva_inode_update_time,
	.listxattr	= fsva_listxattr,
	.get_inode_acl	= fsva_get_inode_acl,
	.set_acl	= fsva_set_acl,
	.fileattr_get	= fsva_fileattr_get,
	.fileattr_set	= fsva_fileattr_set,
	.fiemap		= fsva_fiemap,
};

const struct inode_operations fsva_symlink_inode_ops = {
	.get_link	= fsva_get_link,
	.permission	= fsva_inode_permission,
	.getattr	= fsva_inode_getattr,
	.setattr	= fsva_inode_setattr,
	.update_time	= fsva_inode_update_time,
	.listxattr	= fsva_listxattr,
};
