// SPDX-License-Identifier: GPL-2.0
/*
 * tmpfile.c: O_TMPFILE: a file that is made without a name, and opened.
 *
 * One call does both, so the answer has a file as well as an inode.  The inode
 * has no link; linkat() may give it one, as long as it is open.
 */
#include <linux/fs.h>

#include "front.h"

int fsva_tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file,
		 umode_t mode)
{
	struct fsva_front *ff = fsva_inode_front(dir);
	u64 version = fsva_inode_version(dir);
	struct fsva_create_rsp rsp;
	struct inode *inode;
	struct fsva_file *f;
	u32 flags;
	int err;

	if (!(READ_ONCE(FSVA_I(dir)->impl) & FSVA_IMPL_TMPFILE))
		return -EOPNOTSUPP;
	f = fsva_file_new(ff, file->f_cred, GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	/* O_EXCL: nobody is to give it a name. */
	flags = fsva_open_flags(file);
	if (file->f_flags & O_EXCL)
		flags |= FSVA_O_EXCL;
	err = fsva_call_tmpfile(ff, FSVA_I(dir)->handle, mode, flags, &rsp);
	if (err) {
		fsva_file_free(f);
		return err;
	}
	f->fh = rsp.fh;
	f->impl = rsp.entry.impl;
	err = fsva_inode_changed(dir, &rsp.dir);
	inode = fsva_inode_get(dir->i_sb, &rsp.entry, version, true);
	if (IS_ERR(inode)) {
		err = PTR_ERR(inode);
		goto err_close;
	}
	/* One that has a dentry already is not new. */
	if (err || !S_ISREG(inode->i_mode) || !hlist_empty(&inode->i_dentry)) {
		iput(inode);
		err = -EIO;
		goto err_close;
	}
	/* d_tmpfile() takes the one link away that others begin with. */
	set_nlink(inode, 1);
	d_tmpfile(file, inode);

	file->private_data = f;
	err = finish_open(file, file->f_path.dentry, fsva_file_created);
	/* Once it is opened, ->release comes in any case. */
	if (!err || file->f_mode & FMODE_OPENED)
		return err;
	file->private_data = NULL;
err_close:
	fsva_file_put(f);
	return err;
}
