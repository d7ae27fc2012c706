// SPDX-License-Identifier: GPL-2.0
/*
 * ops_export.c: handlers of export handles: the file system's own names of inodes, which outlive the session.
 *
 * What the front says of one is as good as what any NFS client says: the octets are copied into a buffer that is
 * longer than any handle, and the file system judges them, as it judges a client's.  Where the mount is a part of
 * what the file system holds (a subvolume), a handle must not lead out of it: then handles name the directory as
 * well, and what is found counts only when it lies under the root of the mount, as with knfsd's subtree_check.
 */
#include <linux/exportfs.h>
#include <linux/file.h>
#include <linux/slab.h>

#include "back.h"

/* A handle, and zeros behind it. */
struct fsva_fid {
	u32 words[FSVA_EXPORT_FH_MAX / sizeof(u32)];
};

static bool fsva_export_is_whole(const struct vfsmount *mnt)
{
	return d_inode(mnt->mnt_root) == d_inode(mnt->mnt_sb->s_root);
}

static int fsva_export_acceptable(void *context, struct dentry *dentry)
{
	const struct vfsmount *mnt = context;

	return fsva_export_is_whole(mnt) || is_subdir(dentry, mnt->mnt_root);
}

static const struct export_operations *fsva_export_ops(struct fsva_call *c)
{
	const struct export_operations *ops = c->ses->sb->s_export_op;

	return ops && ops->fh_to_dentry ? ops : NULL;
}

/* A positive dentry in the mount, a directory with all above it, or an error. */
static struct dentry *fsva_export_decode(struct fsva_call *c, struct fsva_fid *fid, int words, int type)
{
	struct vfsmount *mnt = c->ses->mnt;
	struct dentry *dentry;

	if (type <= FILEID_ROOT || type >= FILEID_INVALID || words <= 0)
		return ERR_PTR(-ESTALE);
	dentry = exportfs_decode_fh(mnt, (struct fid *)fid, words, type, fsva_export_acceptable, mnt);
	if (IS_ERR_OR_NULL(dentry))
		return dentry == ERR_PTR(-ENOMEM) ? dentry : ERR_PTR(-ESTALE);
	if (d_is_negative(dentry)) {
		dput(dentry);
		return ERR_PTR(-ESTALE);
	}
	return dentry;
}

static int fsva_export_encode(struct inode *inode, struct fsva_fid *fid, int *words, struct inode *parent)
{
	int type;

	memset(fid, 0, sizeof(*fid));
	*words = ARRAY_SIZE(fid->words);
	type = exportfs_encode_inode_fh(inode, (struct fid *)fid, words, parent, 0);
	if (type <= FILEID_ROOT || type >= FILEID_INVALID || *words <= 0 || *words > ARRAY_SIZE(fid->words))
		return -EOVERFLOW;
	return type;
}

FSVA_HANDLER(encode_fh)
{
	const struct fsva_encode_fh_req *r = in;
	struct fsva_encode_fh_rsp *rsp = out;
	struct dentry *dentry, *parent = NULL;
	struct fsva_fid fid;
	int type, words, err;

	if (!fsva_export_ops(c))
		return -EOPNOTSUPP;
	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (r->parent) {
		parent = fsva_handle_get_dir(c, r->parent);
		err = PTR_ERR_OR_ZERO(parent);
		if (err) {
			parent = NULL;
			goto out_put;
		}
	} else if (!d_is_dir(dentry) && !fsva_export_is_whole(c->ses->mnt)) {
		parent = dget_parent(dentry);
	}
	type = fsva_export_encode(d_inode(dentry), &fid, &words, parent ? d_inode(parent) : NULL);
	err = type;
	if (type < 0)
		goto out_put;
	err = -EOVERFLOW;
	if (words * sizeof(u32) > c->req.data_len)
		goto out_put;
	err = fsva_data_out(c, 0, &fid, words * sizeof(u32));
	if (!err) {
		c->rsp.data_len = words * sizeof(u32);
		rsp->type = type;
	}
out_put:
	dput(parent);
	dput(dentry);
	return err;
}

/* The directory that a handle names beside its inode, with all above it. */
static struct dentry *fsva_export_decode_parent(struct fsva_call *c, struct fsva_fid *fid, int words, int type)
{
	const struct export_operations *ops = fsva_export_ops(c);
	struct dentry *found, *dir;

	if (!ops->fh_to_parent || type <= FILEID_ROOT || type >= FILEID_INVALID || words <= 0)
		return ERR_PTR(-ESTALE);
	found = ops->fh_to_parent(c->ses->sb, (struct fid *)fid, words, type);
	if (IS_ERR_OR_NULL(found))
		return ERR_PTR(-ESTALE);
	dir = ERR_PTR(-ESTALE);
	if (d_is_dir(found)) {
		/* By a handle of its own, which puts it into its place. */
		type = fsva_export_encode(d_inode(found), fid, &words, NULL);
		if (type > 0)
			dir = fsva_export_decode(c, fid, words, type);
	}
	dput(found);
	return dir;
}

FSVA_HANDLER(decode_fh)
{
	const struct fsva_decode_fh_req *r = in;
	struct fsva_decode_fh_rsp *rsp = out;
	const void *data = fsva_data_in(c);
	struct fsva_fid fid = {};
	struct dentry *dentry;
	int words, err;

	if (IS_ERR(data))
		return PTR_ERR(data);
	if (!fsva_export_ops(c))
		return -EOPNOTSUPP;
	if (c->data.in_len > sizeof(fid) || c->data.in_len % sizeof(u32) || r->type >= FILEID_INVALID)
		return -ESTALE;
	memcpy(&fid, data, c->data.in_len);
	words = c->data.in_len / sizeof(u32);
	if (r->parent)
		dentry = fsva_export_decode_parent(c, &fid, words, r->type);
	else
		dentry = fsva_export_decode(c, &fid, words, r->type);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = fsva_entry_fill(c, dentry, &rsp->entry);
	dput(dentry);
	return err;
}

/* Directories that the front has a handle of are in their place: above one is its parent. */
FSVA_HANDLER(get_parent)
{
	const struct fsva_get_parent_req *r = in;
	struct fsva_get_parent_rsp *rsp = out;
	struct dentry *dir, *parent;
	int err;

	dir = fsva_handle_get_dir(c, r->handle);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	err = -ESTALE;
	if (d_inode(dir) == d_inode(c->ses->mnt->mnt_root) || IS_ROOT(dir))
		goto out_put;
	parent = dget_parent(dir);
	err = fsva_entry_fill(c, parent, &rsp->entry);
	dput(parent);
out_put:
	dput(dir);
	return err;
}

/* ---- The name of an inode in a directory -------------------------------------------------------------- */

struct fsva_get_name {
	struct dir_context ctx;
	u64 ino;
	bool found, any;
	char *name;			/* room for FSVA_NAME_MAX and a NUL */
};

static bool fsva_get_name_actor(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino,
				unsigned int type)
{
	struct fsva_get_name *gn = container_of(ctx, struct fsva_get_name, ctx);

	gn->any = true;
	if (ino != gn->ino || fsva_wire_check_name(name, len))
		return true;
	memcpy(gn->name, name, len);
	gn->name[len] = '\0';
	gn->found = true;
	return false;
}

/* Look through the directory, for file systems that know no better way. */
static int fsva_get_name_search(struct fsva_call *c, struct dentry *dir, struct dentry *child, char *name)
{
	struct fsva_get_name gn = { .ctx.actor = fsva_get_name_actor, .name = name };
	struct path path = fsva_path(c, dir);
	struct fsva_attr attr;
	struct file *file;
	int err;

	err = fsva_attr_get(c, child, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT, &attr);
	if (err)
		return err;
	gn.ino = attr.ino;
	FSVA_COMPAT_DIR_CONTEXT_INIT(&gn.ctx);
	file = dentry_open(&path, O_RDONLY | O_DIRECTORY | O_NOATIME, c->cred.named);
	if (IS_ERR(file))
		return PTR_ERR(file);
	do {
		gn.any = false;
		err = iterate_dir(file, &gn.ctx);
	} while (!err && !gn.found && gn.any);
	__fput_sync(file);
	return gn.found ? 0 : err ? err : -ENOENT;
}

static int fsva_get_name(struct fsva_call *c, struct dentry *dir, struct dentry *child, char *name)
{
	const struct export_operations *ops = fsva_export_ops(c);
	struct name_snapshot snap;
	bool known;

	/* Looked up by that name before? */
	spin_lock(&child->d_lock);
	known = child->d_parent == dir && child != dir && !d_unhashed(child);
	spin_unlock(&child->d_lock);
	if (known) {
		take_dentry_name_snapshot(&snap, child);
		strscpy(name, snap.name.name, FSVA_NAME_MAX + 1);
		release_dentry_name_snapshot(&snap);
		return 0;
	}
	if (ops && ops->get_name)
		return ops->get_name(dir, name, child);
	return fsva_get_name_search(c, dir, child, name);
}

FSVA_HANDLER(get_name)
{
	const struct fsva_get_name_req *r = in;
	char name[NAME_MAX + 1] = {};
	struct dentry *dir, *child;
	u32 len;
	int err;

	dir = fsva_handle_get_dir(c, r->dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	child = fsva_handle_get(c, r->handle);
	err = PTR_ERR_OR_ZERO(child);
	if (err)
		goto out_put_dir;
	err = fsva_get_name(c, dir, child, name);
	if (!err) {
		len = strnlen(name, sizeof(name));
		if (fsva_wire_check_name(name, len))
			err = -ENOENT;
		else if (len > c->req.data_len)
			err = -EOVERFLOW;
		else
			err = fsva_data_out(c, 0, name, len);
		if (!err)
			c->rsp.data_len = len;
	}
	dput(child);
out_put_dir:
	dput(dir);
	return err;
}
