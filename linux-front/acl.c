// SPDX-License-Identifier: GPL-2.0
/*
 * acl.c: POSIX ACLs.
 *
 * Our VFS asks for an ACL, checks permissions with it and keeps it in the
 * inode.  It stays good until we change it, by set_acl or by chmod, since nobody
 * else uses the file system; that a change of attributes is seen that was not
 * ours drops it too.  Where the file system decides about permissions or
 * revalidates names itself, it may change its ACLs as well: there nothing is
 * kept.  A change that nobody waited for (a killed caller, umount -f) may be
 * still under way: from then on nothing is kept for that inode.
 *
 * i_acl and i_default_acl become ACL_DONT_CACHE, and are forgotten, under
 * fi->lock, since forgetting would make them cacheable again.
 */
#include <linux/posix_acl.h>
#include <linux/slab.h>

#include "front.h"

#define FSVA_ACES_SOME	(FSVA_STAGING_MAX / sizeof(struct fsva_ace))
#define FSVA_ACES_MAX	(FSVA_XATTR_MAX / sizeof(struct fsva_ace))

static struct posix_acl **fsva_acl_slot(struct inode *inode, int type)
{
	return type == ACL_TYPE_ACCESS ? &inode->i_acl : &inode->i_default_acl;
}

/* fi->lock held. */
static void fsva_acl_drop(struct inode *inode, int type)
{
	if (READ_ONCE(*fsva_acl_slot(inode, type)) != ACL_DONT_CACHE)
		forget_cached_acl(inode, type);
}

/* Somebody has changed the inode.  fi->lock held. */
void fsva_acl_drop_all(struct inode *inode)
{
	fsva_acl_drop(inode, ACL_TYPE_ACCESS);
	fsva_acl_drop(inode, ACL_TYPE_DEFAULT);
}

/* We have changed it, or tried to: err is what came of it. */
void fsva_acl_changed(struct inode *inode, int type, int err)
{
	struct fsva_inode *fi = FSVA_I(inode);
	struct posix_acl *old = NULL;

	spin_lock(&fi->lock);
	if (err == -EINTR || err == -EIO)
		old = xchg(fsva_acl_slot(inode, type), ACL_DONT_CACHE);
	else
		fsva_acl_drop(inode, type);
	spin_unlock(&fi->lock);
	if (!is_uncached_acl(old))
		posix_acl_release(old);
}

/* A new inode that nobody else sees yet. */
void fsva_acl_init(struct inode *inode, u32 impl)
{
	if (!(impl & FSVA_IMPL_ACL)) {
		cache_no_acl(inode);
	} else if (impl & (FSVA_IMPL_PERMISSION | FSVA_IMPL_REVALIDATE)) {
		inode->i_acl = ACL_DONT_CACHE;
		inode->i_default_acl = ACL_DONT_CACHE;
	}
}

static u32 fsva_acl_type(int type)
{
	return type == ACL_TYPE_ACCESS ? 0 : 1;
}

/* The back's entries are checked like those of a disk. */
static struct posix_acl *fsva_acl_in(const struct fsva_ace *aces, u32 nr)
{
	struct posix_acl *acl = posix_acl_alloc(nr, GFP_KERNEL);
	u32 i;

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
	if (posix_acl_valid(&init_user_ns, acl)) {
		posix_acl_release(acl);
		return ERR_PTR(-EIO);
	}
	return acl;
}

static void fsva_acl_out(struct fsva_ace *aces, const struct posix_acl *acl)
{
	unsigned int i;

	for (i = 0; i < acl->a_count; i++) {
		const struct posix_acl_entry *e = &acl->a_entries[i];

		aces[i].tag = e->e_tag;
		aces[i].perm = e->e_perm;
		if (e->e_tag == ACL_USER)
			aces[i].id = from_kuid(&init_user_ns, e->e_uid);
		else if (e->e_tag == ACL_GROUP)
			aces[i].id = from_kgid(&init_user_ns, e->e_gid);
	}
}

/* Our VFS keeps what this returns, if nothing was forgotten meanwhile. */
struct posix_acl *fsva_get_inode_acl(struct inode *inode, int type, bool rcu)
{
	struct fsva_front *ff = fsva_inode_front(inode);
	struct fsva_inode *fi = FSVA_I(inode);
	struct posix_acl *acl = NULL;
	u32 nr, room = FSVA_ACES_SOME;
	struct fsva_ace *aces;
	int err;

	if (rcu)
		return ERR_PTR(-ECHILD);
	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_ACL))
		return NULL;
again:
	aces = kvmalloc_array(room, sizeof(*aces), GFP_KERNEL);
	if (!aces)
		return ERR_PTR(-ENOMEM);
	nr = room;
	err = fsva_call_get_acl(ff, fi->handle, fsva_acl_type(type), aces, &nr);
	if (!err && nr)
		acl = fsva_acl_in(aces, nr);
	kvfree(aces);
	if (err == -ERANGE && room < FSVA_ACES_MAX) {
		room = FSVA_ACES_MAX;
		goto again;
	}
	return err ? ERR_PTR(err) : acl;
}

int fsva_set_acl(FSVA_SET_ACL_ARGS)
{
	struct inode *inode = FSVA_SET_ACL_INODE;
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_ace *aces = NULL;
	struct fsva_getattr_rsp rsp;
	u32 nr = acl ? acl->a_count : 0;
	int err;

	if (!(READ_ONCE(fi->impl) & FSVA_IMPL_ACL))
		return -EOPNOTSUPP;
	if (nr > FSVA_ACES_MAX)
		return -E2BIG;
	if (nr) {
		aces = kvcalloc(nr, sizeof(*aces), GFP_KERNEL);
		if (!aces)
			return -ENOMEM;
		fsva_acl_out(aces, acl);
	}
	err = fsva_call_set_acl(fsva_inode_front(inode), inode, fi->handle,
				fsva_acl_type(type), aces, nr, &rsp);
	kvfree(aces);
	if (!err) {
		fsva_inode_set_impl(inode, rsp.impl);
		err = fsva_inode_changed(inode, &rsp.attr);
	}
	fsva_acl_changed(inode, type, err);
	return err;
}
