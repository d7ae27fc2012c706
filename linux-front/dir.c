// SPDX-License-Identifier: GPL-2.0
/*
 * dir.c: names: looking them up, making, removing and listing them.
 *
 * The VFS holds the directory's lock around all that changes it.
 */
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "front.h"

#define FSVA_DIR_BUF	(8 * FSVA_PAGE_SIZE)

static u64 fsva_dir_handle(struct inode *dir)
{
	return FSVA_I(dir)->handle;
}

static struct dentry *fsva_lookup(struct inode *dir, struct dentry *dentry,
				  unsigned int flags)
{
	u64 version = fsva_inode_version(dir);
	struct inode *inode = NULL;
	struct fsva_entry entry;
	struct dentry *alias;
	int err;

	if (dentry->d_name.len > FSVA_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	err = fsva_call_lookup(fsva_inode_front(dir), fsva_dir_handle(dir),
			       &dentry->d_name, &entry);
	if (err == -ENFILE && !fsva_super_shrink(dir->i_sb))
		err = fsva_call_lookup(fsva_inode_front(dir),
				       fsva_dir_handle(dir), &dentry->d_name,
				       &entry);
	if (!err)
		inode = fsva_inode_get(dir->i_sb, &entry, version, false);
	else if (err != -ENOENT)
		return ERR_PTR(err);
	fsva_dentry_asked(dentry, version);
	alias = d_splice_alias(inode, dentry);
	if (!IS_ERR_OR_NULL(alias))
		fsva_dentry_asked(alias, version);
	return alias;
}

/* Something was made: the directory's new attributes, and the dentry's inode. */
static int fsva_dir_made(struct inode *dir, struct dentry *dentry,
			 const struct fsva_create_rsp *rsp, u64 version)
{
	struct dentry *alias;
	struct inode *inode;
	int err;

	err = fsva_inode_changed(dir, &rsp->dir);
	inode = fsva_inode_get(dir->i_sb, &rsp->entry, version, true);
	if (IS_ERR(inode))
		return PTR_ERR(inode);
	/* A new directory with a name already is none. */
	if (!err && S_ISDIR(inode->i_mode)) {
		alias = d_find_any_alias(inode);
		if (alias) {
			dput(alias);
			err = -EIO;
		}
	}
	if (err) {
		iput(inode);
		return err;
	}
	fsva_dentry_asked(dentry, version);
	if (d_in_lookup(dentry))
		d_add(dentry, inode);
	else
		d_instantiate(dentry, inode);
	return 0;
}

/*
 * Nothing was made, or we can't tell: the back may have failed after the file
 * system had not.  That there is no such name is not to be relied upon.
 */
static int fsva_dir_not_made(struct dentry *dentry, int err)
{
	d_drop(dentry);
	if (err == -ENFILE)
		fsva_super_shrink(dentry->d_sb);	/* for the next one */
	return err;
}

/*
 * Always exclusive: to the VFS it is a new file, which whoever asked for it may
 * open without permission.  What is there after all is to be looked up and
 * opened as such: -ESTALE makes the VFS do that.
 */
static int fsva_dir_create(struct inode *dir, struct dentry *dentry,
			   umode_t mode, bool excl, u32 flags, u32 open_flags,
			   struct fsva_create_rsp *rsp)
{
	int err = fsva_call_create(fsva_inode_front(dir), fsva_dir_handle(dir),
				   &dentry->d_name, mode,
				   flags | FSVA_CREATE_EXCL, open_flags, rsp);

	return err == -EEXIST && !excl ? -ESTALE : err;
}

static int fsva_create(struct mnt_idmap *idmap, struct inode *dir,
		       struct dentry *dentry, umode_t mode, bool excl)
{
	u64 version = fsva_inode_version(dir);
	struct fsva_create_rsp rsp;
	int err;

	err = fsva_dir_create(dir, dentry, mode, excl, 0, 0, &rsp);
	if (!err)
		err = fsva_dir_made(dir, dentry, &rsp, version);
	return err ? fsva_dir_not_made(dentry, err) : 0;
}

/* Make a file and open it, in one request.  The dentry is negative or in lookup. */
static int fsva_create_open(struct inode *dir, struct dentry *dentry,
			    struct file *file, umode_t mode, bool excl)
{
	struct fsva_front *ff = fsva_inode_front(dir);
	u64 version = fsva_inode_version(dir);
	struct fsva_create_rsp rsp;
	struct fsva_file *f;
	int err;

	f = fsva_file_new(ff, file->f_cred, GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	err = fsva_dir_create(dir, dentry, mode, excl, FSVA_CREATE_OPEN,
			      fsva_open_flags(file), &rsp);
	if (err) {
		fsva_file_free(f);
		return fsva_dir_not_made(dentry, err);
	}
	f->fh = rsp.fh;
	f->impl = rsp.entry.impl;
	/* It would not have been opened otherwise. */
	if (file->f_flags & O_DIRECT)
		f->impl |= FSVA_IMPL_DIRECT_IO;
	err = fsva_dir_made(dir, dentry, &rsp, version);
	if (err) {
		fsva_file_put(f);
		return fsva_dir_not_made(dentry, err);
	}
	file->f_mode |= FMODE_CREATED;
	file->private_data = f;
	err = finish_open(file, dentry, fsva_file_created);
	/* Once it is opened, ->release comes in any case. */
	if (err && !(file->f_mode & FMODE_OPENED)) {
		file->private_data = NULL;
		fsva_file_put(f);
	}
	return err;
}

/*
 * Only for what is to be made: a name that nobody knows yet takes one request,
 * for most of those that may be there are not.  One that is there after all is
 * looked up, and so is the next in this directory before it is made.  All else
 * goes back to the VFS, which asks for permission and opens (and truncates) it.
 */
static int fsva_atomic_open(struct inode *dir, struct dentry *dentry,
			    struct file *file, unsigned int flags,
			    umode_t mode)
{
	bool make = flags & O_CREAT, excl = flags & O_EXCL, there;
	struct dentry *found = NULL;
	int err = 0;

	if (dentry->d_name.len > FSVA_NAME_MAX)
		return -ENAMETOOLONG;
	/* Before 6.4 the VFS lets it pass. */
	if (make && flags & O_DIRECTORY)
		return -EINVAL;
	if (make && d_in_lookup(dentry) &&
	    (excl || !READ_ONCE(FSVA_I(dir)->names_there))) {
		err = fsva_create_open(dir, dentry, file, mode, true);
		if (!err || excl || file->f_mode & FMODE_OPENED)
			return err;
		make = false;
	}
	if (d_in_lookup(dentry)) {
		found = fsva_lookup(dir, dentry, 0);
		if (IS_ERR(found))
			return PTR_ERR(found);
		if (found)
			dentry = found;
		there = d_really_is_positive(dentry);
		if (flags & O_CREAT)
			WRITE_ONCE(FSVA_I(dir)->names_there, there);
		/* It could not be made, whatever may be there. */
		if (err && !there) {
			dput(found);
			return err;
		}
	}
	if (!make || d_really_is_positive(dentry))
		return finish_no_open(file, found);
	err = fsva_create_open(dir, dentry, file, mode, excl);
	dput(found);
	return err;
}

static int fsva_mknod(struct mnt_idmap *idmap, struct inode *dir,
		      struct dentry *dentry, umode_t mode, dev_t dev)
{
	u64 version = fsva_inode_version(dir);
	struct fsva_create_rsp rsp;
	int err;

	err = fsva_call_mknod(fsva_inode_front(dir), fsva_dir_handle(dir),
			      &dentry->d_name, mode, dev, &rsp);
	if (!err)
		err = fsva_dir_made(dir, dentry, &rsp, version);
	return err ? fsva_dir_not_made(dentry, err) : 0;
}

static FSVA_MKDIR_TYPE fsva_mkdir(struct mnt_idmap *idmap, struct inode *dir,
				  struct dentry *dentry, umode_t mode)
{
	u64 version = fsva_inode_version(dir);
	struct fsva_create_rsp rsp;
	int err;

	err = fsva_call_mkdir(fsva_inode_front(dir), fsva_dir_handle(dir),
			      &dentry->d_name, mode, &rsp);
	if (!err)
		err = fsva_dir_made(dir, dentry, &rsp, version);
	if (err)
		fsva_dir_not_made(dentry, err);
	return FSVA_MKDIR_RETURN(err);
}

static int fsva_symlink(struct mnt_idmap *idmap, struct inode *dir,
			struct dentry *dentry, const char *target)
{
	u64 version = fsva_inode_version(dir);
	struct fsva_create_rsp rsp;
	int err;

	err = fsva_call_symlink(fsva_inode_front(dir), fsva_dir_handle(dir),
				&dentry->d_name, target, &rsp);
	if (!err)
		err = fsva_dir_made(dir, dentry, &rsp, version);
	return err ? fsva_dir_not_made(dentry, err) : 0;
}

static int fsva_link(struct dentry *old, struct inode *dir,
		     struct dentry *dentry)
{
	struct inode *inode = d_inode(old), *made;
	u64 version = fsva_inode_version(dir);
	struct fsva_create_rsp rsp;
	int err;

	err = fsva_call_link(fsva_inode_front(dir), fsva_dir_handle(dir),
			     &dentry->d_name, FSVA_I(inode)->handle, &rsp);
	if (err)
		return fsva_dir_not_made(dentry, err);
	err = fsva_inode_changed(dir, &rsp.dir);
	/* Counts the lookup; the attributes are newer than all before. */
	made = fsva_inode_get(dir->i_sb, &rsp.entry, fsva_inode_version(dir),
			      false);
	if (IS_ERR(made))
		return fsva_dir_not_made(dentry, PTR_ERR(made));
	if (made != inode || err) {
		iput(made);
		return fsva_dir_not_made(dentry, -EIO);
	}
	fsva_inode_changed(inode, &rsp.entry.attr);
	fsva_dentry_asked(dentry, version);
	d_instantiate(dentry, made);
	return 0;
}

static int fsva_dir_remove(struct inode *dir, struct dentry *dentry, u16 op)
{
	struct inode *inode = d_inode(dentry);
	struct fsva_unlink_rsp rsp;
	int err;

	err = fsva_call_unlink(fsva_inode_front(dir), op, fsva_dir_handle(dir),
			       &dentry->d_name, inode, FSVA_I(inode)->handle,
			       &rsp);
	if (err == -ESTALE || err == -ENOENT)
		d_drop(dentry);
	/* It may be done yet: its space must not stay with what we cache. */
	if (err == -EINTR || err == -EIO)
		d_mark_dontcache(inode);
	if (err)
		return err;
	fsva_inode_changed(dir, &rsp.dir);
	fsva_inode_changed(inode, &rsp.victim);
	return 0;
}

static int fsva_unlink(struct inode *dir, struct dentry *dentry)
{
	return fsva_dir_remove(dir, dentry, FSVA_OP_UNLINK);
}

static int fsva_rmdir(struct inode *dir, struct dentry *dentry)
{
	int err = fsva_dir_remove(dir, dentry, FSVA_OP_RMDIR);

	if (!err)
		clear_nlink(d_inode(dentry));
	return err;
}

static int fsva_rename(struct mnt_idmap *idmap, struct inode *old_dir,
		       struct dentry *old, struct inode *new_dir,
		       struct dentry *new, unsigned int flags)
{
	struct inode *inode = d_inode(old), *target = d_inode(new);
	u64 version = fsva_inode_version(old_dir);
	struct fsva_rename_rsp rsp;
	u32 wire = 0;
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	/* Whether a name exists any file system can tell; the rest not all. */
	if (flags & ~RENAME_NOREPLACE &&
	    !(READ_ONCE(FSVA_I(old_dir)->impl) & FSVA_IMPL_RENAME2))
		return -EINVAL;
	if (flags & RENAME_NOREPLACE)
		wire |= FSVA_RENAME_NOREPLACE;
	if (flags & RENAME_EXCHANGE)
		wire |= FSVA_RENAME_EXCHANGE;
	if (flags & RENAME_WHITEOUT)
		wire |= FSVA_RENAME_WHITEOUT;

	err = fsva_call_rename(fsva_inode_front(old_dir),
			       fsva_dir_handle(old_dir), &old->d_name,
			       inode, FSVA_I(inode)->handle,
			       fsva_dir_handle(new_dir),
			       &new->d_name,
			       target ? FSVA_I(target)->handle : 0, wire, &rsp);
	if (err == -ESTALE || err == -ENOENT) {
		d_drop(old);
		d_drop(new);
	} else if (err == -EEXIST && !target) {
		d_drop(new);
	}
	if (target && (err == -EINTR || err == -EIO))
		d_mark_dontcache(target);
	if (err)
		return err;
	fsva_dentry_asked(old, version);
	fsva_dentry_asked(new, version);
	fsva_inode_changed(old_dir, &rsp.old_dir);
	if (new_dir != old_dir)
		fsva_inode_changed(new_dir, &rsp.new_dir);
	/*
	 * What was replaced has a name less.  When that was the last, the inode
	 * must not linger in our cache: the appliance keeps its space for it.
	 */
	if (target && !(flags & RENAME_EXCHANGE)) {
		struct fsva_inode *fi = FSVA_I(target);

		spin_lock(&fi->lock);
		if (S_ISDIR(target->i_mode))
			clear_nlink(target);
		else if (target->i_nlink)
			drop_nlink(target);
		fi->version = atomic64_inc_return(&fsva_inode_front(target)->version);
		spin_unlock(&fi->lock);
	}
	return 0;
}

/* ---- Listing ---- */

/* Entries from ctx->pos on are in the buffer, or there is no more: *end. */
static int fsva_dir_fill(struct file *file, struct fsva_file *f, u64 pos,
			 bool *end)
{
	struct fsva_readdir_rsp rsp;
	u32 len;
	int err;

	*end = false;
	if (pos && f->buf_cookie == pos) {
		if (f->buf_pos < f->buf_len)
			return 0;
		if (f->eof) {
			*end = true;
			return 0;
		}
	}
	if (!f->buf) {
		f->buf = kvmalloc(FSVA_DIR_BUF, GFP_KERNEL);
		if (!f->buf)
			return -ENOMEM;
	}
	f->buf_len = 0;
	f->buf_pos = 0;
	f->buf_cookie = 0;
	f->eof = false;
	err = fsva_call_readdir(fsva_inode_front(file_inode(file)), f->fh, pos,
				f->buf, FSVA_DIR_BUF, &rsp, &len);
	if (err)
		return err;
	f->buf_len = len;
	f->buf_cookie = pos;
	f->eof = rsp.eof;
	*end = !len;
	return 0;
}

/*
 * Positions are the file system's own cookies, so seekdir() works as it does
 * there.  A call at position 0 always reads anew.
 */
static int fsva_readdir(struct file *file, struct dir_context *ctx)
{
	struct fsva_file *f = file->private_data;
	struct fsva_dirent d;
	const char *name;
	bool end;
	int err;

	err = mutex_lock_killable(&f->mutex);
	if (err)
		return err;
	for (;;) {
		err = fsva_dir_fill(file, f, ctx->pos, &end);
		if (err || end)
			break;
		/* The listing was checked when it came. */
		while (fsva_wire_dirent_get(f->buf, f->buf_len, &f->buf_pos, &d,
					    &name) == FSVA_OK) {
			u32 before = f->buf_pos;

			if ((s64)d.next < 0) {
				err = -EIO;
				goto out;
			}
			if (!dir_emit(ctx, name, d.name_len, d.ino, d.type)) {
				/* It stays for the next call. */
				f->buf_pos = before -
					ALIGN(sizeof(d) + d.name_len, 8);
				f->buf_cookie = ctx->pos;
				goto out;
			}
			ctx->pos = d.next;
			f->buf_cookie = d.next;
		}
		if (f->eof)
			break;
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}
out:
	mutex_unlock(&f->mutex);
	return err;
}

/*
 * Which positions there are, and what SEEK_END, SEEK_DATA and SEEK_HOLE mean in a
 * directory, differs from one file system to the next; some do more than move
 * (btrfs lets a listing see what was made since).  So each seek is theirs.  Only
 * where we are is ours to know: they have read ahead of us.
 */
static loff_t fsva_dir_llseek(struct file *file, loff_t offset, int whence)
{
	static const u32 wire[] = {
		[SEEK_SET] = FSVA_SEEK_SET, [SEEK_CUR] = FSVA_SEEK_SET,
		[SEEK_END] = FSVA_SEEK_END, [SEEK_DATA] = FSVA_SEEK_DATA,
		[SEEK_HOLE] = FSVA_SEEK_HOLE,
	};
	struct fsva_file *f = file->private_data;
	struct inode *inode = file_inode(file);
	s64 pos;
	int err;

	if (whence < 0 || whence >= ARRAY_SIZE(wire))
		return -EINVAL;
	err = mutex_lock_killable(&f->mutex);
	if (err)
		return err;
	if (whence == SEEK_CUR &&
	    check_add_overflow(file->f_pos, offset, &offset))
		err = -EINVAL;
	if (!err)
		err = fsva_call_seek(fsva_inode_front(inode), f->fh, offset,
				     wire[whence], &pos);
	if (!err && pos < 0)
		err = -EINVAL;
	if (!err)
		file->f_pos = pos;
	mutex_unlock(&f->mutex);
	return err ? err : pos;
}

const struct inode_operations fsva_dir_inode_ops = {
	.lookup		= fsva_lookup,
	.create		= fsva_create,
	.link		= fsva_link,
	.unlink		= fsva_unlink,
	.symlink	= fsva_symlink,
	.mkdir		= fsva_mkdir,
	.rmdir		= fsva_rmdir,
	.mknod		= fsva_mknod,
	.rename		= fsva_rename,
	.atomic_open	= fsva_atomic_open,
	.tmpfile	= fsva_tmpfile,
	.permission	= fsva_inode_permission,
	.getattr	= fsva_inode_getattr,
	.setattr	= fsva_inode_setattr,
	.update_time	= fsva_inode_update_time,
	.listxattr	= fsva_listxattr,
	.get_inode_acl	= fsva_get_inode_acl,
	.set_acl	= fsva_set_acl,
	.fileattr_get	= fsva_fileattr_get,
	.fileattr_set	= fsva_fileattr_set,
	.fiemap		= fsva_fiemap,
};

const struct file_operations fsva_dir_ops = {
	.open		= fsva_file_open,
	.release	= fsva_file_release,
	.llseek		= fsva_dir_llseek,
	.read		= generic_read_dir,
	.iterate_shared	= fsva_readdir,
	.fsync		= fsva_file_fsync,
	.unlocked_ioctl	= fsva_ioctl,
	.compat_ioctl	= fsva_compat_ioctl,
};
