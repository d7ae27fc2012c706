// SPDX-License-Identifier: GPL-2.0
/*
 * ops_attr.c: handlers of inode flags, project ids and extents.
 */
#include <linux/fiemap.h>
#include <linux/fileattr.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "back.h"

static int fsva_fileattr_err(int err)
{
	return err == -ENOIOCTLCMD ? -ENOTTY : err;
}

FSVA_HANDLER(fileattr_get)
{
	const struct fsva_fileattr_get_req *r = in;
	struct fsva_fileattr *rsp = out;
	struct file_kattr fa = {};
	struct dentry *dentry;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = fsva_fileattr_err(vfs_fileattr_get(dentry, &fa));
	dput(dentry);
	if (err)
		return err;
	rsp->flags = fa.flags;
	rsp->xflags = fa.fsx_xflags;
	rsp->extsize = fa.fsx_extsize;
	rsp->nextents = fa.fsx_nextents;
	rsp->projid = fa.fsx_projid;
	rsp->cowextsize = fa.fsx_cowextsize;
	return 0;
}

static void fsva_fileattr_in(const struct fsva_fileattr_set_req *r, struct file_kattr *fa)
{
	if (r->which & 2) {
		fileattr_fill_xflags(fa, r->attr.xflags);
		fa->fsx_extsize = r->attr.extsize;
		fa->fsx_nextents = r->attr.nextents;
		fa->fsx_projid = r->attr.projid;
		fa->fsx_cowextsize = r->attr.cowextsize;
		if (r->which & 1) {
			fa->flags = r->attr.flags;
			fa->flags_valid = true;
		}
	} else {
		fileattr_fill_flags(fa, r->attr.flags);
	}
}

/* By way of the VFS: its checks keep nonsense from the file system. */
FSVA_HANDLER(fileattr_set)
{
	const struct fsva_fileattr_set_req *r = in;
	struct fsva_getattr_rsp *rsp = out;
	struct file_kattr fa = {};
	struct dentry *dentry;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = mnt_want_write(c->ses->mnt);
	if (!err) {
		fsva_fileattr_in(r, &fa);
		err = fsva_fileattr_err(vfs_fileattr_set(&nop_mnt_idmap, dentry, &fa));
		mnt_drop_write(c->ses->mnt);
	}
	if (!err) {
		fsva_attr_get_or_guess(c, dentry, &rsp->attr);
		rsp->impl = fsva_impl(dentry);
	}
	dput(dentry);
	return err;
}

/* ---- Extents ------------------------------------------------------------------------------------------ */

/* The extents that the file system put into its user's memory, for the wire. */
static int fsva_fiemap_answer(struct fsva_call *c, const struct fiemap_extent_info *fei)
{
	u32 nr = min(fei->fi_extents_mapped, fei->fi_extents_max), i;
	struct fsva_extent *ext;
	struct fiemap_extent e;
	int err = 0;

	if (!nr)
		return 0;
	ext = kvcalloc(nr, sizeof(*ext), GFP_KERNEL);
	if (!ext)
		return -ENOMEM;
	for (i = 0; i < nr && !err; i++) {
		if (copy_from_user(&e, fei->fi_extents_start + i, sizeof(e)))
			err = -EFAULT;
		else if (e.fe_length > U64_MAX - e.fe_logical)
			err = -EUCLEAN;
		ext[i].logical = e.fe_logical;
		ext[i].physical = e.fe_physical;
		ext[i].len = e.fe_length;
		ext[i].flags = e.fe_flags;
	}
	if (!err)
		err = fsva_data_out(c, 0, ext, nr * sizeof(*ext));
	if (!err)
		c->rsp.data_len = nr * sizeof(*ext);
	kvfree(ext);
	return err;
}

FSVA_HANDLER(fiemap)
{
	const struct fsva_fiemap_req *r = in;
	struct fsva_fiemap_rsp *rsp = out;
	struct fiemap_extent_info fei = { .fi_flags = r->flags, .fi_extents_max = r->max_extents };
	struct fsva_usermem um;
	struct dentry *dentry;
	struct inode *inode;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	inode = d_inode(dentry);
	err = -EOPNOTSUPP;
	if (!inode->i_op->fiemap)
		goto out_put;
	if (r->max_extents) {
		err = fsva_usermem_get(&um, r->max_extents * sizeof(struct fiemap_extent));
		if (err)
			goto out_put;
		fei.fi_extents_start = (struct fiemap_extent __user *)um.addr;
	}
	err = inode->i_op->fiemap(inode, &fei, r->start, r->len);
	if (!err) {
		rsp->nr = fei.fi_extents_mapped;
		err = fsva_fiemap_answer(c, &fei);
	}
	if (r->max_extents)
		fsva_usermem_put(&um);
	/* The wire has no word for flags that it does not know. */
	if (err == -EBADR)
		err = -EOPNOTSUPP;
out_put:
	dput(dentry);
	return err;
}
