// SPDX-License-Identifier: GPL-2.0
/*
 * ops_xattr.c: handlers of extended attributes.
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
	size = vfs_getxattr(&nop_mnt_idmap, dentry, name, buf, c->req.data_len);
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
	size = vfs_listxattr(dentry, buf, c->req.data_len);
	if (size > 0 && buf && size > c->req.data_len)
		size = -ERANGE;
	dput(dentry);
	return fsva_xattr_answer(c, buf, size, out);
}

FSVA_HANDLER(setxattr)
{
	const struct fsva_setxattr_req *r = in;
	struct fsva_getattr_rsp *rsp = out;
	char name[FSVA_NAME_MAX + 1];
	const void *value = fsva_data_in(c);
	struct dentry *dentry;
	int err;

	if (IS_ERR(value))
		return PTR_ERR(value);
	dentry = fsva_xattr_begin(c, &r->name, name);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = mnt_want_write(c->ses->mnt);
	if (!err) {
		err = vfs_setxattr(&nop_mnt_idmap, dentry, name, value, c->data.in_len, r->flags);
		mnt_drop_write(c->ses->mnt);
	}
	if (!err) {
		fsva_attr_get_or_guess(c, dentry, &rsp->attr);
		rsp->impl = fsva_impl(dentry);
	}
	dput(dentry);
	return err;
}

FSVA_HANDLER(removexattr)
{
	const struct fsva_removexattr_req *r = in;
	struct fsva_getattr_rsp *rsp = out;
	char name[FSVA_NAME_MAX + 1];
	struct dentry *dentry;
	int err;

	dentry = fsva_xattr_begin(c, &r->name, name);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = mnt_want_write(c->ses->mnt);
	if (!err) {
		err = vfs_removexattr(&nop_mnt_idmap, dentry, name);
		mnt_drop_write(c->ses->mnt);
	}
	if (!err) {
		fsva_attr_get_or_guess(c, dentry, &rsp->attr);
		rsp->impl = fsva_impl(dentry);
	}
	dput(dentry);
	return err;
}
