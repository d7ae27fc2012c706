// SPDX-License-Identifier: GPL-2.0
/*
 * fileattr.c: inode flags and project ids (lsattr, chattr), and where a file's
 * extents are (filefrag).
 *
 * Our VFS has merged the old flags and checked who may change them; the answer
 * to a change brings the inode's new flags, on which our VFS acts from then on.
 */
#include <linux/fiemap.h>
#include <linux/fileattr.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "front.h"

int fsva_fileattr_get(struct dentry *dentry, struct file_kattr *fa)
{
	struct inode *inode = d_inode(dentry);
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_fileattr a;
	int err;

	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_FILEATTR))
		return -ENOIOCTLCMD;
	err = fsva_call_fileattr_get(fsva_inode_front(inode), fi->handle, &a);
	if (err)
		return err;
	fa->flags = a.flags;
	fa->fsx_xflags = a.xflags;
	fa->fsx_extsize = a.extsize;
	fa->fsx_nextents = a.nextents;
	fa->fsx_projid = a.projid;
	fa->fsx_cowextsize = a.cowextsize;
	fa->flags_valid = true;
	fa->fsx_valid = true;
	return 0;
}

int fsva_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry,
		      struct file_kattr *fa)
{
	struct inode *inode = d_inode(dentry);
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_fileattr_set_req q = {
		.handle = fi->handle,
		.attr.flags = fa->flags,
		.attr.xflags = fa->fsx_xflags,
		.attr.extsize = fa->fsx_extsize,
		.attr.nextents = fa->fsx_nextents,
		.attr.projid = fa->fsx_projid,
		.attr.cowextsize = fa->fsx_cowextsize,
		.which = (fa->flags_valid ? 1 : 0) | (fa->fsx_valid ? 2 : 0),
	};
	struct fsva_getattr_rsp rsp;
	int err;

	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_FILEATTR))
		return -ENOIOCTLCMD;
	/*
	 * What was stored through a mapping before the file became immutable is
	 * still to be written, which would be refused; nothing is stored after.
	 */
	err = fsva_cache_begin(inode, 0, LLONG_MAX, false);
	if (err)
		return err;
	err = fsva_call_fileattr_set(fsva_inode_front(inode), inode, &q, &rsp);
	if (!err) {
		fsva_inode_set_impl(inode, rsp.impl);
		err = fsva_inode_changed(inode, &rsp.attr);
	}
	fsva_cache_end(inode, 0, LLONG_MAX, false);
	return err;
}

/* ---- Extents ---- */

#define FSVA_EXTENTS	(FSVA_STAGING_MAX / sizeof(struct fsva_extent))

/* Extents of [start, end) to the caller, as many as it has room for. */
static int fsva_fiemap_list(struct inode *inode, struct fiemap_extent_info *fei,
			    u64 start, u64 end, u32 flags,
			    struct fsva_extent *ext)
{
	struct fsva_front *ff = fsva_inode_front(inode);
	u64 handle = FSVA_I(inode)->handle, next;
	u32 room, nr, i;
	int err;

	while (start < end) {
		room = min_t(u32, FSVA_EXTENTS,
			     fei->fi_extents_max - fei->fi_extents_mapped);
		err = fsva_call_fiemap(ff, handle, start, end - start, flags,
				       ext, room, &nr);
		if (err)
			return err;
		for (i = 0; i < nr; i++) {
			err = fiemap_fill_next_extent(fei, ext[i].logical,
						      ext[i].physical,
						      ext[i].len, ext[i].flags);
			if (err)	/* 1: no more room, or the last */
				return min(err, 0);
		}
		if (nr < room || flags & FIEMAP_FLAG_XATTR)
			break;
		next = ext[nr - 1].logical + ext[nr - 1].len;
		if (next <= start)
			return -EIO;
		start = next;
		flags &= ~(FIEMAP_FLAG_SYNC | FIEMAP_FLAG_CACHE);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

int fsva_fiemap(struct inode *inode, struct fiemap_extent_info *fei, u64 start,
		u64 len)
{
	struct fsva_inode *fi = FSVA_I(inode);
	u32 flags = fei->fi_flags;
	struct fsva_extent *ext;
	int err;

	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_FIEMAP))
		return -EOPNOTSUPP;
	/* No file system leaves this one to the check that follows. */
	fei->fi_flags &= ~FIEMAP_FLAG_CACHE;
	err = fiemap_prep(inode, fei, start, &len, FIEMAP_FLAG_XATTR);
	if (err)
		return err;
	if (!fei->fi_extents_max) {
		err = fsva_call_fiemap(fsva_inode_front(inode), fi->handle,
				       start, len, flags, NULL, 0,
				       &fei->fi_extents_mapped);
	} else {
		ext = kmalloc_array(FSVA_EXTENTS, sizeof(*ext), GFP_KERNEL);
		if (!ext)
			return -ENOMEM;
		err = fsva_fiemap_list(inode, fei, start, start + len, flags,
				       ext);
		kfree(ext);
	}
	/* The file system has extents, but not these flags. */
	if (err == -EOPNOTSUPP) {
		fei->fi_flags = flags & (FIEMAP_FLAG_XATTR | FIEMAP_FLAG_CACHE);
		err = -EBADR;
	}
	return err;
}
