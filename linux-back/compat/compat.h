/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h: bends older kernels to look like the newest one that the main files are written for (7.2).
 *
 * Included before everything else by the Makefile.  Each block says what changed and takes the older form to
 * the newer name; nothing here is called by another name in the main files.
 */
#ifndef FSVA_BACK_COMPAT_H
#define FSVA_BACK_COMPAT_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/version.h>

/* Is this kernel that version or newer? */
#define FSVA_KERNEL(major, minor) \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

#include <linux/exportfs.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/cred.h>
#include <linux/posix_acl.h>
#include <linux/iversion.h>
#include <linux/stat.h>

/* 6.3: idmapped mounts got a type of their own. */
#if !FSVA_KERNEL(6, 3)
#define mnt_idmap		user_namespace
#define nop_mnt_idmap		init_user_ns
#endif

/* 6.2: ->get_acl became ->get_inode_acl, and what asks it followed. */
#if !FSVA_KERNEL(6, 2)
#define get_inode_acl		get_acl
#define FSVA_COMPAT_HAS_ACL(inode)	((inode)->i_op->get_acl)
#define FSVA_COMPAT_HAS_DENTRY_ACL(inode)	((void)(inode), false)

static inline struct posix_acl *fsva_compat_get_acl(struct dentry *dentry, int type)
{
	return get_acl(d_inode(dentry), type);
}

static inline int fsva_compat_set_acl(struct dentry *dentry, struct posix_acl *acl, int type)
{
	return d_inode(dentry)->i_op->set_acl(&init_user_ns, d_inode(dentry), acl, type);
}
#else
#define FSVA_COMPAT_HAS_ACL(inode)	((inode)->i_op->get_inode_acl)
#define FSVA_COMPAT_HAS_DENTRY_ACL(inode)	((inode)->i_op->get_acl)

static inline struct posix_acl *fsva_compat_get_acl(struct dentry *dentry, int type)
{
	struct inode *inode = d_inode(dentry);

	if (FSVA_COMPAT_HAS_DENTRY_ACL(inode))
		return inode->i_op->get_acl(&nop_mnt_idmap, dentry, type);
	return get_inode_acl(inode, type);
}

static inline int fsva_compat_set_acl(struct dentry *dentry, struct posix_acl *acl, int type)
{
	return d_inode(dentry)->i_op->set_acl(&nop_mnt_idmap, dentry, acl, type);
}
#endif

/* 6.17: struct fileattr was renamed. */
#if !FSVA_KERNEL(6, 17)
#define file_kattr		fileattr
#endif

/* 6.3: opening an unnamed file has the name of what it is for. */
#if !FSVA_KERNEL(6, 3)
#define kernel_tmpfile_open	vfs_tmpfile_open
#endif

/*
 * 6.7: the three times of an inode are reached by functions.  (Some of them came to older stable kernels, so that
 * their names can't be used for ours.)
 */
#if !FSVA_KERNEL(6, 7)
#define inode_set_atime_to_ts(inode, ts)	((inode)->i_atime = (ts))
#define inode_set_mtime_to_ts(inode, ts)	((inode)->i_mtime = (ts))
#endif
#if !FSVA_KERNEL(6, 6)
#define inode_set_ctime_to_ts(inode, ts)	((inode)->i_ctime = (ts))
#endif

/* 6.5: ->update_time takes the time itself; 7.0 says which times by type and not by S_* flags. */
#if !FSVA_KERNEL(6, 6)
#define fsva_compat_update_atime(inode, now)	(inode)->i_op->update_time(inode, now, S_ATIME)
#define fsva_compat_update_cmtime(inode, now)	(inode)->i_op->update_time(inode, now, S_MTIME | S_CTIME | S_VERSION)
#elif !FSVA_KERNEL(7, 0)
#define fsva_compat_update_atime(inode, now)	((void)(now), (inode)->i_op->update_time(inode, S_ATIME))
#define fsva_compat_update_cmtime(inode, now) \
	((void)(now), (inode)->i_op->update_time(inode, S_MTIME | S_CTIME | S_VERSION))
#else
#define fsva_compat_update_atime(inode, now)	((void)(now), (inode)->i_op->update_time(inode, FS_UPD_ATIME, 0))
#define fsva_compat_update_cmtime(inode, now)	((void)(now), (inode)->i_op->update_time(inode, FS_UPD_CMTIME, 0))
#endif

/* 6.3: locks and leases have a header of their own. */
#if FSVA_KERNEL(6, 3)
#include <linux/filelock.h>
#endif

/* 6.13: what a remount's options are parsed into is made by no function for modules any more. */
#if FSVA_KERNEL(6, 13)
#include <linux/fs_context.h>

struct fs_context *fsva_compat_reconfigure_context(struct dentry *root, unsigned int flags, unsigned int mask);
#define fs_context_for_reconfigure(root, flags, mask)	fsva_compat_reconfigure_context(root, flags, mask)
#endif

/* 6.8: vfs_iocb_iter_write() keeps a freeze away by itself. */
#if !FSVA_KERNEL(6, 8)
static inline ssize_t fsva_compat_iocb_iter_write(struct file *file, struct kiocb *iocb, struct iov_iter *iter)
{
	ssize_t ret;

	file_start_write(file);
	ret = vfs_iocb_iter_write(file, iocb, iter);
	file_end_write(file);
	return ret;
}

#define vfs_iocb_iter_write(file, iocb, iter)	fsva_compat_iocb_iter_write(file, iocb, iter)
#endif

/* 6.9: what locks and leases have in common is a structure. */
#if FSVA_KERNEL(6, 9)
#define fsva_fl(fl, member)	((fl)->c.flc_##member)
#else
#define fsva_fl(fl, member)	((fl)->fl_##member)
#endif

/* 6.6: freezing names its holder; 6.17: and its owner. */
#if !FSVA_KERNEL(6, 17)
#if !FSVA_KERNEL(6, 6)
enum freeze_holder { FREEZE_HOLDER_USERSPACE };
#endif

static inline int fsva_compat_freeze_super(struct super_block *sb, enum freeze_holder who, const void *owner)
{
#if FSVA_KERNEL(6, 6)
	return freeze_super(sb, who);
#else
	return freeze_super(sb);
#endif
}

static inline int fsva_compat_thaw_super(struct super_block *sb, enum freeze_holder who, const void *owner)
{
#if FSVA_KERNEL(6, 6)
	return thaw_super(sb, who);
#else
	return thaw_super(sb);
#endif
}

#define freeze_super(sb, who, owner)	fsva_compat_freeze_super(sb, who, owner)
#define thaw_super(sb, who, owner)	fsva_compat_thaw_super(sb, who, owner)
#endif

/* 6.5: export handles have flags. */
#if !FSVA_KERNEL(6, 5)
#define exportfs_encode_inode_fh(inode, fid, max_len, parent, flags) \
	((void)(flags), exportfs_encode_inode_fh(inode, fid, max_len, parent))
#endif

/* 6.14: a directory's reader says how much it wants. */
#if !FSVA_KERNEL(7, 0)
#define FSVA_COMPAT_DIR_CONTEXT_INIT(ctx)	((void)(ctx))
#else
#define FSVA_COMPAT_DIR_CONTEXT_INIT(ctx)	((ctx)->count = INT_MAX)
#endif

/* 6.3: the change cookie is one of the attributes that ->getattr gives. */
#ifdef STATX_CHANGE_COOKIE
#define FSVA_COMPAT_CHANGE_COOKIE	1
#else
#define FSVA_COMPAT_CHANGE_COOKIE	0
#define STATX_CHANGE_COOKIE		0
#endif

/* 6.6: generic_fillattr() is told what is asked for. */
#if !FSVA_KERNEL(6, 6)
#define generic_fillattr(idmap, mask, inode, stat)	((void)(mask), generic_fillattr(idmap, inode, stat))
#endif

/* 6.7: a single file may want its pages to stay as they are while they are written. */
#if !FSVA_KERNEL(6, 7)
#define fsva_compat_stable_writes(mapping)	((void)(mapping), false)
#else
#define fsva_compat_stable_writes(mapping)	mapping_stable_writes(mapping)
#endif

#include "../../linux-front/compat/fsnotify.h"

/* 6.10: direct I/O without ->direct_IO shows in fop_flags. */
#ifdef FOP_DIO_PARALLEL_WRITE
#define FSVA_COMPAT_FOP_DIRECT_IO	1
#else
#define FSVA_COMPAT_FOP_DIRECT_IO	0
#endif

#if !FSVA_KERNEL(6, 16)
/* 6.16 names a component by a qstr in lookups. */
static inline struct dentry *fsva_compat_lookup_one_unlocked(struct mnt_idmap *idmap, struct qstr *name,
							     struct dentry *base)
{
	return lookup_one_unlocked(idmap, name->name, base, name->len);
}

#define lookup_one_unlocked(idmap, name, base)	fsva_compat_lookup_one_unlocked(idmap, name, base)
#endif

#if !FSVA_KERNEL(6, 19)
/*
 * 6.19 locks and looks up in one call and unlocks in another.  An older kernel's lookup_one() finds a negative
 * dentry where start_removing() says -ENOENT.
 */
struct dentry *start_creating(struct mnt_idmap *idmap, struct dentry *parent, struct qstr *name);
struct dentry *start_removing(struct mnt_idmap *idmap, struct dentry *parent, struct qstr *name);
void end_dirop(struct dentry *dentry);

/* vfs_create() gets the directory from the dentry, vfs_mkdir() returns the dentry, all can report delegations. */
#define end_creating(dentry)				end_dirop(dentry)
#define end_removing(dentry)				end_dirop(dentry)

static inline int fsva_compat_create(struct mnt_idmap *idmap, struct dentry *dentry, umode_t mode)
{
	return vfs_create(idmap, d_inode(dentry->d_parent), dentry, mode, true);
}

struct dentry *fsva_compat_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode);

#ifndef FSVA_COMPAT_IMPLEMENTATION
#define vfs_create(idmap, dentry, mode, deleg) \
	((void)(deleg), fsva_compat_create(idmap, dentry, mode))
#define vfs_mkdir(idmap, dir, dentry, mode, deleg) \
	((void)(deleg), fsva_compat_mkdir(idmap, dir, dentry, mode))
#define vfs_mknod(idmap, dir, dentry, mode, dev, deleg) \
	((void)(deleg), vfs_mknod(idmap, dir, dentry, mode, dev))
#define vfs_symlink(idmap, dir, dentry, target, deleg) \
	((void)(deleg), vfs_symlink(idmap, dir, dentry, target))
#define vfs_rmdir(idmap, dir, dentry, deleg)	((void)(deleg), vfs_rmdir(idmap, dir, dentry))
#endif

/* One mount, two parents by dentry, and the dentries found while locking. */
struct fsva_compat_renamedata {
	struct mnt_idmap *mnt_idmap;
	struct dentry *old_parent;
	struct dentry *old_dentry;
	struct dentry *new_parent;
	struct dentry *new_dentry;
	unsigned int flags;
};

int fsva_compat_start_renaming(struct fsva_compat_renamedata *rd, struct qstr *old_last, struct qstr *new_last);
void fsva_compat_end_renaming(struct fsva_compat_renamedata *rd);
int fsva_compat_rename(struct fsva_compat_renamedata *rd);

#ifndef FSVA_COMPAT_IMPLEMENTATION
#define renamedata					fsva_compat_renamedata
#define start_renaming(rd, flags, old, new)		((void)(flags), fsva_compat_start_renaming(rd, old, new))
#define end_renaming(rd)				fsva_compat_end_renaming(rd)
#define vfs_rename(rd)					fsva_compat_rename(rd)
#endif
#endif /* 6.19 */

#endif /* FSVA_BACK_COMPAT_H */
