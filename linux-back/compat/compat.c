// SPDX-License-Identifier: GPL-2.0
/*
 * compat.c: directory operations of kernels before 6.19 in the shape that 6.19 gave them: one call locks the
 * directory and looks the name up, one call unlocks and lets go.  The Makefile defines FSVA_COMPAT_IMPLEMENTATION
 * for this file, so that it sees the older functions themselves.  At the end, one of an older kernel for newer ones.
 */
#include <linux/err.h>
#include <linux/dcache.h>
#include <linux/fs_context.h>
#include <linux/user_namespace.h>

#if !FSVA_KERNEL(6, 16)
#define fsva_compat_lookup_one(idmap, q, base)	lookup_one(idmap, (q)->name, base, (q)->len)
#else
#define fsva_compat_lookup_one(idmap, q, base)	lookup_one(idmap, q, base)
#endif

#if !FSVA_KERNEL(6, 19)
struct dentry *start_creating(struct mnt_idmap *idmap, struct dentry *parent, struct qstr *name)
{
	struct inode *dir = d_inode(parent);
	struct dentry *dentry;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	dentry = fsva_compat_lookup_one(idmap, name, parent);
	if (IS_ERR(dentry))
		inode_unlock(dir);
	return dentry;
}

struct dentry *start_removing(struct mnt_idmap *idmap, struct dentry *parent, struct qstr *name)
{
	struct dentry *dentry = start_creating(idmap, parent, name);

	if (!IS_ERR(dentry) && d_is_negative(dentry)) {
		end_dirop(dentry);
		return ERR_PTR(-ENOENT);
	}
	return dentry;
}

void end_dirop(struct dentry *dentry)
{
	if (!IS_ERR(dentry)) {
		inode_unlock(d_inode(dentry->d_parent));
		dput(dentry);
	}
}

/* As the newest vfs_mkdir(): the dentry that is the directory, or an error with all let go of. */
struct dentry *fsva_compat_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct dentry *made;
	int err = vfs_mkdir(idmap, dir, dentry, mode);

	if (!err && likely(!d_unhashed(dentry) && d_is_positive(dentry)))
		return dentry;
	if (!err) {
		/* The file system put another dentry in its place. */
		made = fsva_compat_lookup_one(idmap, &dentry->d_name, dentry->d_parent);
		if (!IS_ERR(made) && d_is_positive(made)) {
			dput(dentry);
			return made;
		}
		err = IS_ERR(made) ? PTR_ERR(made) : -ENOENT;
		if (!IS_ERR(made))
			dput(made);
	}
	end_dirop(dentry);
	return ERR_PTR(err);
}

int fsva_compat_start_renaming(struct fsva_compat_renamedata *rd, struct qstr *old_last, struct qstr *new_last)
{
	struct dentry *trap, *old, *new;
	int err;

	trap = lock_rename(rd->old_parent, rd->new_parent);
	if (IS_ERR(trap))
		return PTR_ERR(trap);

	old = fsva_compat_lookup_one(rd->mnt_idmap, old_last, rd->old_parent);
	err = PTR_ERR_OR_ZERO(old);
	if (err)
		goto err_unlock;
	err = -ENOENT;
	if (d_is_negative(old))
		goto err_old;
	err = -EINVAL;
	if (old == trap)
		goto err_old;

	new = fsva_compat_lookup_one(rd->mnt_idmap, new_last, rd->new_parent);
	err = PTR_ERR_OR_ZERO(new);
	if (err)
		goto err_old;
	err = -EEXIST;
	if ((rd->flags & RENAME_NOREPLACE) && d_is_positive(new))
		goto err_new;
	err = -ENOENT;
	if ((rd->flags & RENAME_EXCHANGE) && d_is_negative(new))
		goto err_new;
	err = rd->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (new == trap)
		goto err_new;

	rd->old_dentry = old;
	rd->new_dentry = new;
	return 0;

err_new:
	dput(new);
err_old:
	dput(old);
err_unlock:
	unlock_rename(rd->old_parent, rd->new_parent);
	return err;
}

void fsva_compat_end_renaming(struct fsva_compat_renamedata *rd)
{
	unlock_rename(rd->old_parent, rd->new_parent);
	dput(rd->old_dentry);
	dput(rd->new_dentry);
}

int fsva_compat_rename(struct fsva_compat_renamedata *rd)
{
	struct renamedata older = {
#if !FSVA_KERNEL(6, 3)
		.old_mnt_userns = rd->mnt_idmap,
		.new_mnt_userns = rd->mnt_idmap,
		.old_dir = d_inode(rd->old_parent),
		.new_dir = d_inode(rd->new_parent),
#elif !FSVA_KERNEL(6, 17)
		.old_mnt_idmap = rd->mnt_idmap,
		.new_mnt_idmap = rd->mnt_idmap,
		.old_dir = d_inode(rd->old_parent),
		.new_dir = d_inode(rd->new_parent),
#else
		.mnt_idmap = rd->mnt_idmap,
		.old_parent = rd->old_parent,
		.new_parent = rd->new_parent,
#endif
		.old_dentry = rd->old_dentry,
		.new_dentry = rd->new_dentry,
		.flags = rd->flags,
	};

	return vfs_rename(&older);
}
#endif /* 6.19 */

#if FSVA_KERNEL(6, 13)
/*
 * fs_context_for_reconfigure() without its help.  fs_context_for_mount() makes a context and hands it to the file
 * system type's own ->init_fs_context(), which must see already what the context is for.  So it is given a type that
 * is the real one but for this function: ours, which makes of the context what it shall be, and then calls the real.
 */
struct fsva_compat_type {
	struct file_system_type type;
	struct dentry *root;
	unsigned int mask;
};

static int fsva_compat_init_reconfigure(struct fs_context *fc)
{
	struct fsva_compat_type *t = container_of(fc->fs_type, struct fsva_compat_type, type);
	struct super_block *sb = t->root->d_sb;

	/* The reference to the type's module that fc has is good for the real one, which is of the same module. */
	fc->fs_type = sb->s_type;
	fc->purpose = FS_CONTEXT_FOR_RECONFIGURE;
	fc->sb_flags_mask = t->mask;
	put_user_ns(fc->user_ns);
	fc->user_ns = get_user_ns(sb->s_user_ns);
	/* put_fs_context() gives both back. */
	atomic_inc(&sb->s_active);
	fc->root = dget(t->root);
	return sb->s_type->init_fs_context(fc);
}

struct fs_context *fsva_compat_reconfigure_context(struct dentry *root, unsigned int flags, unsigned int mask)
{
	struct file_system_type *type = root->d_sb->s_type;
	struct fsva_compat_type t = { .root = root, .mask = mask };

	if (!type->init_fs_context)
		return ERR_PTR(-EOPNOTSUPP);
	memcpy(&t.type, type, sizeof(t.type));
	t.type.init_fs_context = fsva_compat_init_reconfigure;
	return fs_context_for_mount(&t.type, flags);
}
#endif /* 6.13 */
