// SPDX-License-Identifier: GPL-2.0
/*
 * ops_inode.c: handlers about an inode that needs no name and no open file.
 */
#include <linux/exportfs.h>
#include <linux/file.h>
#include <linux/writeback.h>

#include "back.h"

FSVA_HANDLER(getattr)
{
	const struct fsva_getattr_req *r = in;
	struct fsva_getattr_rsp *rsp = out;
	u32 flags = AT_STATX_SYNC_AS_STAT;
	struct dentry *dentry;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (r->flags & FSVA_GETATTR_FORCE_SYNC)
		flags = AT_STATX_FORCE_SYNC;
	else if (r->flags & FSVA_GETATTR_DONT_SYNC)
		flags = AT_STATX_DONT_SYNC;
	err = fsva_attr_get(c, dentry, r->mask | STATX_BASIC_STATS, flags, &rsp->attr);
	if (!err)
		rsp->impl = fsva_impl(dentry);
	dput(dentry);
	return err;
}

static struct timespec64 fsva_timespec(const struct fsva_time *t)
{
	struct timespec64 ts = { .tv_sec = t->sec, .tv_nsec = t->nsec };

	return ts;
}

/* Kernel's ATTR_* of the wire's; -EINVAL for what notify_change() must never see. */
static int fsva_iattr(const struct fsva_setattr_req *r, struct iattr *ia)
{
	static const struct {
		u32 wire;
		unsigned int attr;
	} bits[] = {
		{ FSVA_SET_MODE,	ATTR_MODE },
		{ FSVA_SET_UID,		ATTR_UID },
		{ FSVA_SET_GID,		ATTR_GID },
		{ FSVA_SET_SIZE,	ATTR_SIZE },
		{ FSVA_SET_ATIME,	ATTR_ATIME },
		{ FSVA_SET_MTIME,	ATTR_MTIME },
		{ FSVA_SET_CTIME,	ATTR_CTIME },
		{ FSVA_SET_ATIME_VALUE,	ATTR_ATIME_SET },
		{ FSVA_SET_MTIME_VALUE,	ATTR_MTIME_SET },
		{ FSVA_SET_KILL_SUID,	ATTR_KILL_SUID },
		{ FSVA_SET_KILL_SGID,	ATTR_KILL_SGID },
		{ FSVA_SET_KILL_PRIV,	ATTR_KILL_PRIV },
		{ FSVA_SET_OPEN,	ATTR_OPEN },
		{ FSVA_SET_TOUCH,	ATTR_TOUCH },
		{ FSVA_SET_FORCE,	ATTR_FORCE },
	};
	unsigned int i;

	/* It would BUG(). */
	if ((r->valid & FSVA_SET_MODE) && (r->valid & (FSVA_SET_KILL_SUID | FSVA_SET_KILL_SGID)))
		return -EINVAL;
	memset(ia, 0, sizeof(*ia));
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if (r->valid & bits[i].wire)
			ia->ia_valid |= bits[i].attr;
	if (!ia->ia_valid)
		return -EINVAL;
	ia->ia_mode = r->mode & S_IALLUGO;
	ia->ia_vfsuid = VFSUIDT_INIT(make_kuid(&init_user_ns, r->uid));
	ia->ia_vfsgid = VFSGIDT_INIT(make_kgid(&init_user_ns, r->gid));
	ia->ia_size = r->size;
	ia->ia_atime = fsva_timespec(&r->atime);
	ia->ia_mtime = fsva_timespec(&r->mtime);
	return 0;
}

/* As do_truncate() and the *chmod()s: the one place that calls notify_change(). */
static int fsva_setattr_do(struct fsva_call *c, struct dentry *dentry, struct file *file, struct iattr *ia)
{
	struct inode *inode = d_inode(dentry);
	/* open(O_RDONLY | O_TRUNC) truncates by a file that can't be written. */
	bool write_access = ia->ia_valid & ATTR_SIZE && !(file && file->f_mode & FMODE_WRITE);
	int err;

	if (ia->ia_valid & ATTR_SIZE) {
		if (S_ISDIR(inode->i_mode))
			return -EISDIR;
		if (!S_ISREG(inode->i_mode))
			return -EINVAL;
	}
	err = mnt_want_write(c->ses->mnt);
	if (err)
		return err;
	if (ia->ia_valid & ATTR_SIZE && file) {
		ia->ia_valid |= ATTR_FILE;
		ia->ia_file = file;
	}
	if (write_access) {
		err = get_write_access(inode);	/* nothing that is being executed */
		if (err)
			goto out_drop;
	}
	inode_lock(inode);
	if (ia->ia_valid & ATTR_MODE)
		ia->ia_mode = (ia->ia_mode & S_IALLUGO) | (inode->i_mode & S_IFMT);
	err = notify_change(&nop_mnt_idmap, dentry, ia, NULL);
	inode_unlock(inode);
	if (write_access)
		put_write_access(inode);
out_drop:
	mnt_drop_write(c->ses->mnt);
	return err;
}

static int fsva_setattr(struct fsva_call *c, u64 handle, u64 fh, struct iattr *ia, struct fsva_getattr_rsp *rsp)
{
	struct fsva_file *f = NULL;
	struct dentry *dentry;
	int err;

	dentry = fsva_handle_get(c, handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (fh) {
		f = fsva_file_get(c, fh);
		err = PTR_ERR_OR_ZERO(f);
		if (err)
			goto out_put;
		err = -EINVAL;
		if (file_inode(f->file) != d_inode(dentry))
			goto out_put_file;
		err = -EBADF;
		if ((ia->ia_valid & ATTR_SIZE) && !(ia->ia_valid & ATTR_OPEN) && !(f->file->f_mode & FMODE_WRITE))
			goto out_put_file;
	}
	err = fsva_setattr_do(c, dentry, f ? f->file : NULL, ia);
	if (!err) {
		fsva_attr_get_or_guess(c, dentry, &rsp->attr);
		rsp->impl = fsva_impl(dentry);
	}
out_put_file:
	if (f)
		fsva_file_put(f);
out_put:
	dput(dentry);
	return err;
}

FSVA_HANDLER(setattr)
{
	const struct fsva_setattr_req *r = in;
	struct iattr ia;
	int err;

	err = fsva_iattr(r, &ia);
	if (err)
		return err;
	return fsva_setattr(c, r->handle, r->fh, &ia, out);
}

FSVA_HANDLER(truncate)
{
	const struct fsva_truncate_req *r = in;
	struct iattr ia = {
		.ia_valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME,
		.ia_size = r->size,
	};

	return fsva_setattr(c, r->handle, 0, &ia, out);
}

FSVA_HANDLER(readlink)
{
	const struct fsva_readlink_req *r = in;
	DEFINE_DELAYED_CALL(done);
	struct dentry *dentry;
	const char *target;
	size_t len;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	err = -EINVAL;
	if (!d_is_symlink(dentry) || !d_inode(dentry)->i_op->get_link)
		goto out_put;
	target = vfs_get_link(dentry, &done);
	err = PTR_ERR_OR_ZERO(target);
	if (!err && !target)
		err = -EINVAL;
	if (!err) {
		len = strnlen(target, FSVA_PATH_MAX);
		if (len > c->req.data_len)
			err = -ERANGE;
		else
			err = fsva_data_out(c, 0, target, len);
		if (!err)
			c->rsp.data_len = len;
	}
	do_delayed_call(&done);
out_put:
	dput(dentry);
	return err;
}

/* Under the caller's exact credentials: see cred.c. */
FSVA_HANDLER(permission)
{
	const struct fsva_permission_req *r = in;
	const struct cred *old;
	struct dentry *dentry;
	int mask = 0, err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (r->mask & FSVA_MAY_EXEC)
		mask |= MAY_EXEC;
	if (r->mask & FSVA_MAY_WRITE)
		mask |= MAY_WRITE;
	if (r->mask & FSVA_MAY_READ)
		mask |= MAY_READ;
	if (r->mask & FSVA_MAY_APPEND)
		mask |= MAY_APPEND;
	if (r->mask & FSVA_MAY_ACCESS)
		mask |= MAY_ACCESS;
	if (r->mask & FSVA_MAY_OPEN)
		mask |= MAY_OPEN;
	if (r->mask & FSVA_MAY_CHDIR)
		mask |= MAY_CHDIR;
	old = override_creds(c->cred.exact);
	err = inode_permission(&nop_mnt_idmap, d_inode(dentry), mask);
	revert_creds(old);
	dput(dentry);
	return err;
}

/*
 * The times that the user's VFS has given an inode.  A file system that does it its own way is told which times
 * to update and takes its own clock, as its interface has it; for the others the values are the user's.
 */
FSVA_HANDLER(dirty_inode)
{
	const struct fsva_dirty_inode_req *r = in;
	struct dentry *dentry;
	struct inode *inode;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	inode = d_inode(dentry);
	err = mnt_want_write(c->ses->mnt);
	if (err)
		goto out_put;
	if (inode->i_op->update_time) {
		struct timespec64 now = fsva_timespec(r->valid & FSVA_SET_ATIME ? &r->atime :
						      r->valid & FSVA_SET_MTIME ? &r->mtime : &r->ctime);

		if (r->valid & FSVA_SET_ATIME)
			err = fsva_compat_update_atime(inode, &now);
		if (!err && (r->valid & (FSVA_SET_MTIME | FSVA_SET_CTIME)))
			err = fsva_compat_update_cmtime(inode, &now);
	} else if (r->valid) {
		if (r->valid & FSVA_SET_ATIME)
			inode_set_atime_to_ts(inode, timestamp_truncate(fsva_timespec(&r->atime), inode));
		if (r->valid & FSVA_SET_MTIME)
			inode_set_mtime_to_ts(inode, timestamp_truncate(fsva_timespec(&r->mtime), inode));
		if (r->valid & FSVA_SET_CTIME)
			inode_set_ctime_to_ts(inode, timestamp_truncate(fsva_timespec(&r->ctime), inode));
		if (r->valid & (FSVA_SET_MTIME | FSVA_SET_CTIME))
			inode_maybe_inc_iversion(inode, false);
		__mark_inode_dirty(inode, inode->i_sb->s_flags & SB_LAZYTIME ? I_DIRTY_TIME : I_DIRTY_SYNC);
	}
	mnt_drop_write(c->ses->mnt);
out_put:
	dput(dentry);
	return err;
}

FSVA_HANDLER(write_inode)
{
	const struct fsva_write_inode_req *r = in;
	const struct export_operations *ops;
	struct dentry *dentry;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	ops = dentry->d_sb->s_export_op;
	if (r->wait && ops && ops->commit_metadata)
		err = ops->commit_metadata(d_inode(dentry));
	else
		err = sync_inode_metadata(d_inode(dentry), r->wait);
	dput(dentry);
	return err;
}
