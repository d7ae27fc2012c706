// SPDX-License-Identifier: GPL-2.0
/*
 * xattr.c: extended attributes, of whatever namespaces the file system has.
 *
 * One handler takes all names: who may do what was checked by our VFS, and
 * whether the file system has such a namespace it says itself.  Nothing is
 * kept here, so that the kernel sees a file's capabilities as they are now when
 * it executes the file.  ACLs have calls of their own (acl.c).
 */
#include <linux/posix_acl_xattr.h>
#include <linux/security.h>
#include <linux/xattr.h>

#include "front.h"

static int fsva_xattr_get(const struct xattr_handler *handler,
			  struct dentry *dentry, struct inode *inode,
			  const char *name, void *buffer, size_t size)
{
	struct fsva_inode *fi = FSVA_I(inode);

	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_XATTR))
		return -EOPNOTSUPP;
	return fsva_call_getxattr(fsva_inode_front(inode), fi->handle, name,
				  buffer, size);
}

/* No value: remove it. */
static int fsva_xattr_set(const struct xattr_handler *handler,
			  struct mnt_idmap *idmap, struct dentry *dentry,
			  struct inode *inode, const char *name,
			  const void *value, size_t size, int flags)
{
	struct fsva_front *ff = fsva_inode_front(inode);
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_getattr_rsp rsp;
	int err;

	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_XATTR))
		return -EOPNOTSUPP;
	if (value)
		err = fsva_call_setxattr(ff, inode, fi->handle, name, value,
					 size, flags, &rsp);
	else
		err = fsva_call_removexattr(ff, inode, fi->handle, name, &rsp);
	if (err)
		return err;
	fsva_inode_set_impl(inode, rsp.impl);
	return fsva_inode_changed(inode, &rsp.attr);
}

ssize_t fsva_listxattr(struct dentry *dentry, char *list, size_t size)
{
	struct inode *inode = d_inode(dentry);
	struct fsva_inode *fi = FSVA_I(inode);
	ssize_t ret = -EOPNOTSUPP;

	if (READ_ONCE(fi->impl) & FSVA_IMPL_XATTR)
		ret = fsva_call_listxattr(fsva_inode_front(inode), fi->handle,
					  list, size);
	if (ret != -EOPNOTSUPP)
		return ret;
	/* As the VFS for a file system that has no such call. */
	ret = fsva_list_security(inode, list, size);
	return size && ret > (ssize_t)size ? -ERANGE : ret;
}

static const struct xattr_handler fsva_xattr_handler = {
	.prefix	= "",
	.get	= fsva_xattr_get,
	.set	= fsva_xattr_set,
};

FSVA_XATTR_HANDLERS(fsva_xattr_handlers) = {
	FSVA_XATTR_ACL_HANDLERS(&fsva_xattr_handler), NULL
};
