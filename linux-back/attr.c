// SPDX-License-Identifier: GPL-2.0
/*
 * attr.c: an inode as the wire describes it: its attributes, and what its file system implements for it.
 */
#include <linux/fileattr.h>
#include <linux/iversion.h>
#include <linux/stat.h>

#include "back.h"

/* A disk may hold more nanoseconds than a second has (30 bits of ext4's do), which the wire has no room for. */
static struct fsva_time fsva_time_of(struct timespec64 ts)
{
	struct fsva_time t = {};

	set_normalized_timespec64(&ts, ts.tv_sec, ts.tv_nsec);
	t.sec = ts.tv_sec;
	t.nsec = ts.tv_nsec;
	return t;
}

static u32 fsva_inode_flags(const struct inode *inode)
{
	u32 flags = 0;

	if (inode->i_flags & S_SYNC)
		flags |= FSVA_INODE_SYNC;
	if (inode->i_flags & S_NOATIME)
		flags |= FSVA_INODE_NOATIME;
	if (inode->i_flags & S_APPEND)
		flags |= FSVA_INODE_APPEND;
	if (inode->i_flags & S_IMMUTABLE)
		flags |= FSVA_INODE_IMMUTABLE;
	if (inode->i_flags & S_DIRSYNC)
		flags |= FSVA_INODE_DIRSYNC;
	if (inode->i_flags & S_NOCMTIME)
		flags |= FSVA_INODE_NOCMTIME;
	if (inode->i_flags & S_NOSEC)
		flags |= FSVA_INODE_NOSEC;
	return flags;
}

/* Has it one of the seven types?  What is not even that has no place in the user's tree. */
static bool fsva_mode_is_known(umode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFSOCK:
	case S_IFLNK:
	case S_IFREG:
	case S_IFBLK:
	case S_IFDIR:
	case S_IFCHR:
	case S_IFIFO:
		return true;
	}
	return false;
}

static void fsva_attr_fill(struct inode *inode, const struct kstat *stat, struct fsva_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->ino = stat->ino;
	attr->size = stat->size;
	attr->blocks = stat->blocks;
	attr->atime = fsva_time_of(stat->atime);
	attr->mtime = fsva_time_of(stat->mtime);
	attr->ctime = fsva_time_of(stat->ctime);
	attr->attributes = stat->attributes & FSVA_ATTR_ALL;
	attr->attributes_mask = stat->attributes_mask & FSVA_ATTR_ALL;
	attr->mode = stat->mode & (S_IFMT | S_IALLUGO);
	attr->nlink = stat->nlink;
	attr->uid = from_kuid(&init_user_ns, stat->uid);
	attr->gid = from_kgid(&init_user_ns, stat->gid);
	attr->rdev_major = MAJOR(stat->rdev);
	attr->rdev_minor = MINOR(stat->rdev);
	attr->blksize = clamp_t(u32, stat->blksize, 1, FSVA_BLKSIZE_MAX);	/* a hint */
	attr->generation = inode->i_generation;
	attr->flags = fsva_inode_flags(inode);
	if (stat->result_mask & STATX_BTIME) {
		attr->btime = fsva_time_of(stat->btime);
		attr->valid |= FSVA_ATTR_HAS_BTIME;
	}
#if FSVA_COMPAT_CHANGE_COOKIE
	if (stat->result_mask & STATX_CHANGE_COOKIE) {
		attr->change = stat->change_cookie;
		attr->valid |= FSVA_ATTR_HAS_CHANGE;
	}
#else
	if (IS_I_VERSION(inode)) {
		attr->change = inode_query_iversion(inode);
		attr->valid |= FSVA_ATTR_HAS_CHANGE;
	}
#endif
	if (stat->result_mask & STATX_DIOALIGN) {
		attr->dio_mem_align = stat->dio_mem_align;
		attr->dio_offset_align = stat->dio_offset_align;
		attr->valid |= FSVA_ATTR_HAS_DIO;
	}
}

/* -EUCLEAN: the inode is damaged beyond what the wire can say. */
int fsva_attr_get(struct fsva_call *c, struct dentry *dentry, u32 mask, u32 flags, struct fsva_attr *attr)
{
	struct path path = fsva_path(c, dentry);
	struct kstat stat;
	int err;

	mask &= STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN;
	err = vfs_getattr_nosec(&path, &stat, mask | STATX_CHANGE_COOKIE, flags);
	if (!err && (stat.size < 0 || !fsva_mode_is_known(stat.mode)))
		err = -EUCLEAN;
	if (!err)
		fsva_attr_fill(d_inode(dentry), &stat, attr);
	return err;
}

/* For the answer to a change that is done: if the file system can't say, what its inode says. */
void fsva_attr_get_or_guess(struct fsva_call *c, struct dentry *dentry, struct fsva_attr *attr)
{
	struct kstat stat = {};

	if (!fsva_attr_get(c, dentry, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT, attr))
		return;
	generic_fillattr(&nop_mnt_idmap, STATX_BASIC_STATS, d_inode(dentry), &stat);
	fsva_attr_fill(d_inode(dentry), &stat, attr);
}

/* FSVA_IMPL_* of a positive dentry: read off the tables of the file system (DESIGN rule 2). */
u32 fsva_impl(struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	const struct inode_operations *iop = inode->i_op;
	const struct file_operations *fop = inode->i_fop;
	const struct super_operations *sop = inode->i_sb->s_op;
	u32 impl = 0;

	if (iop->permission)
		impl |= FSVA_IMPL_PERMISSION;
	if (dentry->d_flags & (DCACHE_OP_REVALIDATE | DCACHE_OP_WEAK_REVALIDATE))
		impl |= FSVA_IMPL_REVALIDATE;
	if (d_is_dir(dentry) && (dentry->d_flags & (DCACHE_OP_HASH | DCACHE_OP_COMPARE)))
		impl |= FSVA_IMPL_NAMECMP;
	if (iop->listxattr || (inode->i_opflags & IOP_XATTR))
		impl |= FSVA_IMPL_XATTR;
	/* Of symbolic links only bcachefs has some. */
	if (IS_POSIXACL(inode) &&
	    (FSVA_COMPAT_HAS_ACL(inode) || FSVA_COMPAT_HAS_DENTRY_ACL(inode)))
		impl |= FSVA_IMPL_ACL;
	if (iop->fiemap && fsva_usermem_ok())
		impl |= FSVA_IMPL_FIEMAP;
	if (iop->fileattr_get)
		impl |= FSVA_IMPL_FILEATTR;
	if (iop->getattr)
		impl |= FSVA_IMPL_GETATTR;
	if (iop->update_time || sop->dirty_inode)
		impl |= FSVA_IMPL_DIRTY_INODE;
	if (iop->tmpfile)
		impl |= FSVA_IMPL_TMPFILE;
	if (S_ISDIR(inode->i_mode))
		impl |= FSVA_IMPL_RENAME2;

	if (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode)) {
		if (fop->flush)
			impl |= FSVA_IMPL_FLUSH;
		if (fop->fsync)
			impl |= FSVA_IMPL_FSYNC;
		if (fop->lock)
			impl |= FSVA_IMPL_LOCK;
		if (fop->flock)
			impl |= FSVA_IMPL_FLOCK;
		if (fop->unlocked_ioctl && fsva_usermem_ok())
			impl |= FSVA_IMPL_IOCTL;
	}
	if (S_ISREG(inode->i_mode)) {
		if (fop->fallocate)
			impl |= FSVA_IMPL_FALLOCATE;
		if (fop->copy_file_range)
			impl |= FSVA_IMPL_COPY_RANGE;
		if (fop->remap_file_range)
			impl |= FSVA_IMPL_REMAP_RANGE;
		if (fop->llseek && fop->llseek != generic_file_llseek && fop->llseek != noop_llseek)
			impl |= FSVA_IMPL_SEEK_DATA;
		if (inode->i_mapping->a_ops && inode->i_mapping->a_ops->direct_IO)
			impl |= FSVA_IMPL_DIRECT_IO;
#if FSVA_COMPAT_FOP_DIRECT_IO
		else if (fop->fop_flags & FOP_DIO_PARALLEL_WRITE)
			impl |= FSVA_IMPL_DIRECT_IO;
#endif
	}
	return impl;
}

/*
 * An entry for dentry, counted as one lookup of its handle.  The handle is there before the attributes are looked at,
 * so that of a change in between there is an event.
 */
int fsva_entry_fill(struct fsva_call *c, struct dentry *dentry, struct fsva_entry *entry)
{
	u64 handle;
	int err;

	err = fsva_handle_add(c, dentry, &handle);
	if (err)
		return err;
	err = fsva_attr_get(c, dentry, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT, &entry->attr);
	if (err) {
		fsva_handle_release(c, handle, 1);
		return err;
	}
	entry->handle = handle;
	entry->impl = fsva_impl(dentry);
	return 0;
}
