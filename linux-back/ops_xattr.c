// SPDX-License-Identifier: GPL-2.0
/*
 * ops_xattr.c: handlers of extended attributes.
 *
 * The user's VFS has decided who may read or write which attribute, so the file system is called without a second
 * opinion of this kernel's: it would refuse what a user namespace there allows, and clearing a file's capabilities
 * by whoever may write the file.  ACLs have operations of their own.
 *
 * Values and lists go through private memory, since a file system may read back what it wrote.
 */
#include <linux/slab.h>
#include <linux/xattr.h>

#include "back.h"

/* The dentry of the inode, and the attribute's name terminated. */
static struct dentry *fsva_xattr_begin(struct fsva_call *c, const struct fsva_name *n, char *name)
{
	memcpy(name, n->name, n->len);
	name[n->len] = '\0';
	if (!strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) || !strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT))
		return ERR_PTR(-EOPNOTSUPP);
	return fsva_handle_get(c, n->dir);
}

/* Room for an answer of the size that the front asks for; NULL when it asks only how much there is. */
static void *fsva_xattr_buffer(struct fsva_call *c)
{
	void *buf;

	if (!c->req.data_len)
		return NULL;
	buf = kvzalloc(c->req.data_len, GFP_KERNEL);
	return buf ? buf : ERR_PTR(-ENOMEM);
}

static int fsva_xattr_answer(struct fsva_call *c, void *buf, ssize_t size, struct fsva_getxattr_rsp *rsp)
{
	int err = size < 0 ? size : 0;

	if (!err && buf) {
		err = fsva_data_out(c, 0, buf, size);
		c->rsp.data_len = size;
	}
	if (!err)
		rsp->size = size;
	kvfree(buf);
	return err;
}

FSVA_HANDLER(getxattr)
{
	const struct fsva_getxattr_req *r = in;
	char name[FSVA_NAME_MAX + 1];
	struct dentry *dentry;
	ssize_t size;
	void *buf;

	dentry = fsva_xattr_begin(c, &r->name, name);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	buf = fsva_xattr_buffer(c);
	if (IS_ERR(buf)) {
		dput(dentry);
		return PTR_ERR(buf);
	}
	size = __vfs_getxattr(dentry, d_inode(dentry), name, buf, c->req.data_len);
	if (size > 0 && buf && size > c->req.data_len)
		size = -ERANGE;
	dput(dentry);
	return fsva_xattr_answer(c, buf, size, out);
}

FSVA_HANDLER(listxattr)
{
	const struct fsva_listxattr_req *r = in;
	struct dentry *dentry;
	ssize_t size;
	void *buf;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	buf = fsva_xattr_buffer(c);
	if (IS_ERR(buf)) {
		dput(dentry);
		return PTR_ERR(buf);
	}
	size = -EOPNOTSUPP;
	if (d_inode(dentry)->i_op->listxattr)
		size = d_inode(dentry)->i_op->listxattr(dentry, buf, c->req.data_len);
	if (size > 0 && buf && size > c->req.data_len)
		size = -ERANGE;
	dput(dentry);
	return fsva_xattr_answer(c, buf, size, out);
}

/* No value: remove it. */
static int fsva_xattr_change(struct fsva_call *c, const struct fsva_name *n, const void *value, size_t size,
			     int flags, struct fsva_getattr_rsp *rsp)
{
	char name[FSVA_NAME_MAX + 1];
	struct dentry *dentry;
	struct inode *inode;
	int err;

	dentry = fsva_xattr_begin(c, n, name);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	inode = d_inode(dentry);
	err = mnt_want_write(c->ses->mnt);
	if (!err) {
		inode_lock(inode);
		/* There may now be something to strip when the file is written. */
		if (!strncmp(name, XATTR_SECURITY_PREFIX, XATTR_SECURITY_PREFIX_LEN))
			inode->i_flags &= ~S_NOSEC;
		if (value)
			err = __vfs_setxattr(&nop_mnt_idmap, dentry, inode, name, value, size, flags);
		else
			err = __vfs_removexattr(&nop_mnt_idmap, dentry, name);
		inode_unlock(inode);
		mnt_drop_write(c->ses->mnt);
	}
	if (!err) {
		fsva_attr_get_or_guess(c, dentry, &rsp->attr);
		rsp->impl = fsva_impl(dentry);
	}
	dput(dentry);
	return err;
}

FSVA_HANDLER(setxattr)
{
	const struct fsva_setxattr_req *r = in;
	const void *value = fsva_data_in(c);
	int flags = 0;

	if (IS_ERR(value))
		return PTR_ERR(value);
	if (r->flags & 1)
		flags |= XATTR_CREATE;
	if (r->flags & 2)
		flags |= XATTR_REPLACE;
	return fsva_xattr_change(c, &r->name, value, c->data.in_len, flags, out);
}

FSVA_HANDLER(removexattr)
{
	const struct fsva_removexattr_req *r = in;

	return fsva_xattr_change(c, &r->name, NULL, 0, XATTR_REPLACE, out);
}
