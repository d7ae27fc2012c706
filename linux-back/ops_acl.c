// SPDX-License-Identifier: GPL-2.0
/*
 * ops_acl.c: handlers of POSIX ACLs.
 *
 * The user's VFS checks who may change an ACL, and permissions by it; the file system keeps it, updates its mask at
 * chmod and hands default ACLs on.
 */
#include <linux/posix_acl.h>
#include <linux/slab.h>

#include "back.h"

#define FSVA_ACES_MAX	(FSVA_XATTR_MAX / sizeof(struct fsva_ace))

static int fsva_acl_type(u32 wire)
{
	return wire ? ACL_TYPE_DEFAULT : ACL_TYPE_ACCESS;
}

static void fsva_acl_out(struct fsva_ace *aces, const struct posix_acl *acl)
{
	unsigned int i;

	for (i = 0; i < acl->a_count; i++) {
		const struct posix_acl_entry *e = &acl->a_entries[i];

		aces[i].tag = e->e_tag;
		aces[i].perm = e->e_perm & 7;
		if (e->e_tag == ACL_USER)
			aces[i].id = from_kuid(&init_user_ns, e->e_uid);
		else if (e->e_tag == ACL_GROUP)
			aces[i].id = from_kgid(&init_user_ns, e->e_gid);
	}
}

static int fsva_acl_answer(struct fsva_call *c, const struct posix_acl *acl, struct fsva_get_acl_rsp *rsp)
{
	size_t len = acl->a_count * sizeof(struct fsva_ace);
	struct fsva_ace *aces;
	int err;

	if (len > c->req.data_len)
		return -ERANGE;
	aces = kvcalloc(acl->a_count, sizeof(*aces), GFP_KERNEL);
	if (!aces)
		return -ENOMEM;
	fsva_acl_out(aces, acl);
	err = fsva_data_out(c, 0, aces, len);
	kvfree(aces);
	if (!err) {
		c->rsp.data_len = len;
		rsp->nr = acl->a_count;
	}
	return err;
}

FSVA_HANDLER(get_acl)
{
	const struct fsva_get_acl_req *r = in;
	struct posix_acl *acl;
	struct dentry *dentry;
	int err = 0;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (!IS_POSIXACL(d_inode(dentry)))
		acl = ERR_PTR(-EOPNOTSUPP);
	else
		acl = fsva_compat_get_acl(dentry, fsva_acl_type(r->type));
	if (IS_ERR(acl)) {
		err = PTR_ERR(acl);
	} else if (acl) {
		err = fsva_acl_answer(c, acl, out);
		posix_acl_release(acl);
	}
	if (err == -ENODATA)
		err = 0;
	dput(dentry);
	return err;
}

/* The ACL that came with the request, NULL when it is to be removed. */
static struct posix_acl *fsva_acl_in(struct fsva_call *c)
{
	const struct fsva_ace *aces = fsva_data_in(c);
	struct posix_acl *acl;
	unsigned int i, nr;
	int err;

	if (IS_ERR(aces))
		return ERR_CAST(aces);
	nr = c->data.in_len / sizeof(*aces);
	if (!nr)
		return NULL;
	if (nr > FSVA_ACES_MAX)
		return ERR_PTR(-E2BIG);
	acl = posix_acl_alloc(nr, GFP_KERNEL);
	if (!acl)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < nr; i++) {
		struct posix_acl_entry *e = &acl->a_entries[i];

		e->e_tag = aces[i].tag;
		e->e_perm = aces[i].perm;
		if (e->e_tag == ACL_USER)
			e->e_uid = make_kuid(&init_user_ns, aces[i].id);
		else if (e->e_tag == ACL_GROUP)
			e->e_gid = make_kgid(&init_user_ns, aces[i].id);
	}
	err = posix_acl_valid(&init_user_ns, acl);
	if (err) {
		posix_acl_release(acl);
		return ERR_PTR(err);
	}
	return acl;
}

static int fsva_acl_set(struct fsva_call *c, struct dentry *dentry, struct posix_acl *acl, int type)
{
	struct inode *inode = d_inode(dentry);
	int err;

	if (!IS_POSIXACL(inode) || !inode->i_op->set_acl)
		return -EOPNOTSUPP;
	if (type == ACL_TYPE_DEFAULT && !S_ISDIR(inode->i_mode))
		return acl ? -EACCES : 0;
	err = mnt_want_write(c->ses->mnt);
	if (err)
		return err;
	inode_lock(inode);
	err = fsva_compat_set_acl(dentry, acl, type);
	inode_unlock(inode);
	mnt_drop_write(c->ses->mnt);
	return err;
}

FSVA_HANDLER(set_acl)
{
	const struct fsva_set_acl_req *r = in;
	struct fsva_getattr_rsp *rsp = out;
	struct posix_acl *acl = fsva_acl_in(c);
	struct dentry *dentry;
	int err;

	if (IS_ERR(acl))
		return PTR_ERR(acl);
	dentry = fsva_handle_get(c, r->handle);
	err = PTR_ERR_OR_ZERO(dentry);
	if (!err) {
		err = fsva_acl_set(c, dentry, acl, fsva_acl_type(r->type));
		if (!err) {
			fsva_attr_get_or_guess(c, dentry, &rsp->attr);
			rsp->impl = fsva_impl(dentry);
		}
		dput(dentry);
	}
	posix_acl_release(acl);
	return err;
}
