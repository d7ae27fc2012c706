// SPDX-License-Identifier: GPL-2.0
/*
 * export.c: handles that outlive a mount: for open_by_handle_at(2), for knfsd.
 *
 * They are the file system's own, octet for octet, so that they are as stable as
 * there, and mean the same on a mount without a pair.  The appliance judges
 * them; here only their form is looked at.
 */
#include <linux/exportfs.h>
#include <linux/fs.h>

#include "front.h"

/*
 * *max_len is counted in words; it becomes what would be needed.  Any failure,
 * a killed caller's too, has to be FILEID_INVALID.
 */
static int fsva_encode_fh(struct inode *inode, __u32 *fh, int *max_len,
			  struct inode *parent)
{
	u32 fid[FSVA_EXPORT_FH_MAX / sizeof(u32)] = {};
	int words, room = *max_len;
	u32 len, type;

	if (fsva_call_encode_fh(fsva_inode_front(inode), FSVA_I(inode)->handle,
				parent ? FSVA_I(parent)->handle : 0, (u8 *)fid,
				&len, &type))
		return FILEID_INVALID;
	/* Type 0 means a root that knfsd knows by itself. */
	if (type == FILEID_ROOT || type >= FILEID_INVALID)
		return FILEID_INVALID;
	words = DIV_ROUND_UP(len, sizeof(u32));
	*max_len = words;
	if (words > room)
		return FILEID_INVALID;
	memcpy(fh, fid, words * sizeof(u32));
	return type;
}

static struct dentry *fsva_export_entry(struct super_block *sb, int err,
					const struct fsva_entry *entry,
					u64 version)
{
	if (err)
		return ERR_PTR(err);
	return d_obtain_alias(fsva_inode_get(sb, entry, version, false));
}

static struct dentry *fsva_decode_fh(struct super_block *sb, struct fid *fid,
				     int fh_len, int fh_type, bool parent)
{
	struct fsva_front *ff = FSVA_SB(sb)->ff;
	u64 version = atomic64_read(&ff->version);
	struct fsva_entry entry;
	int err;

	if (fh_len <= 0 || fh_len > FSVA_EXPORT_FH_MAX / sizeof(u32) ||
	    fh_type <= FILEID_ROOT || fh_type >= FILEID_INVALID)
		return ERR_PTR(-ESTALE);
	err = fsva_call_decode_fh(ff, fid->raw, fh_len * sizeof(u32), fh_type,
				  parent, &entry);
	return fsva_export_entry(sb, err, &entry, version);
}

static struct dentry *fsva_fh_to_dentry(struct super_block *sb, struct fid *fid,
					int fh_len, int fh_type)
{
	return fsva_decode_fh(sb, fid, fh_len, fh_type, false);
}

static struct dentry *fsva_fh_to_parent(struct super_block *sb, struct fid *fid,
					int fh_len, int fh_type)
{
	return fsva_decode_fh(sb, fid, fh_len, fh_type, true);
}

static struct dentry *fsva_get_parent(struct dentry *child)
{
	struct inode *inode = d_inode(child);
	u64 version = fsva_inode_version(inode);
	struct fsva_entry entry;
	int err;

	err = fsva_call_get_parent(fsva_inode_front(inode),
				   FSVA_I(inode)->handle, &entry);
	return fsva_export_entry(child->d_sb, err, &entry, version);
}

static int fsva_get_name(struct dentry *parent, char *name,
			 struct dentry *child)
{
	struct inode *dir = d_inode(parent);

	return fsva_call_get_name(fsva_inode_front(dir), FSVA_I(dir)->handle,
				  FSVA_I(d_inode(child))->handle, name);
}

static int fsva_commit_metadata(struct inode *inode)
{
	return fsva_call_write_inode(fsva_inode_front(inode),
				     FSVA_I(inode)->handle, true);
}

static const struct export_operations fsva_export_ops = {
	.encode_fh	= fsva_encode_fh,
	.fh_to_dentry	= fsva_fh_to_dentry,
	.fh_to_parent	= fsva_fh_to_parent,
	.get_name	= fsva_get_name,
	.get_parent	= fsva_get_parent,
	.commit_metadata = fsva_commit_metadata,
};

/* Of a new mount: where its root can be named, all can. */
void fsva_export_init(struct super_block *sb)
{
	struct fsva_inode *root = FSVA_I(d_inode(sb->s_root));
	u8 fid[FSVA_EXPORT_FH_MAX];
	u32 len, type;

	if (!fsva_call_encode_fh(FSVA_SB(sb)->ff, root->handle, 0, fid, &len,
				 &type))
		sb->s_export_op = &fsva_export_ops;
}
