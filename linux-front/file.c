// SPDX-License-Identifier: GPL-2.0
/*
 * file.c: open files.
 *
 * read() and write() always go to the appliance: what they see is in its page
 * cache, not in ours.  Ours is for mmap() only (mmap.c): a read has what was
 * stored written back first, and a write drops the pages that it makes wrong
 * (writeback.c).
 */
#include <linux/falloc.h>
#include <linux/fsnotify.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "front.h"

u32 fsva_open_flags(const struct file *file)
{
	static const struct {
		unsigned int o;
		u32 wire;
	} map[] = {
		{ O_APPEND,	FSVA_O_APPEND },
		{ O_NONBLOCK,	FSVA_O_NONBLOCK },
		{ O_DSYNC,	FSVA_O_DSYNC },
		{ O_SYNC,	FSVA_O_SYNC },
		{ O_DIRECT,	FSVA_O_DIRECT },
		{ O_LARGEFILE,	FSVA_O_LARGEFILE },
		{ O_DIRECTORY,	FSVA_O_DIRECTORY },
		{ O_NOFOLLOW,	FSVA_O_NOFOLLOW },
		{ O_NOATIME,	FSVA_O_NOATIME },
	};
	u32 flags = 0;
	unsigned int i;

	/* 3, O_ACCMODE itself, is for ioctl only: the wire has no such thing. */
	if ((file->f_flags & O_ACCMODE) == O_WRONLY)
		flags = 1;
	else if ((file->f_flags & O_ACCMODE) == O_RDWR)
		flags = 2;
	for (i = 0; i < ARRAY_SIZE(map); i++)
		if ((file->f_flags & map[i].o) == map[i].o)
			flags |= map[i].wire;
	if (file->f_flags & __FMODE_EXEC)
		flags |= FSVA_O_EXEC;
	return flags;
}

/*
 * The pages that we hold may be of an older file: somebody in the appliance, or
 * behind it, has changed it.  Drop them when size or mtime say so.
 */
void fsva_file_check_cache(struct inode *inode, const struct fsva_attr *a)
{
	struct fsva_inode *fi = FSVA_I(inode);
	bool drop;

	spin_lock(&fi->lock);
	drop = fi->cache_size != a->size ||
	       fi->cache_mtime.tv_sec != a->mtime.sec ||
	       fi->cache_mtime.tv_nsec != a->mtime.nsec;
	fi->cache_size = a->size;
	fi->cache_mtime.tv_sec = a->mtime.sec;
	fi->cache_mtime.tv_nsec = a->mtime.nsec;
	spin_unlock(&fi->lock);
	if (drop)
		fsva_cache_stale(inode);
}

/* With all that closing it needs.  file_put() gives the one reference back. */
struct fsva_file *fsva_file_new(struct fsva_front *ff, const struct cred *cred,
				gfp_t gfp)
{
	struct fsva_file *f = kzalloc(sizeof(*f), gfp);

	if (!f)
		return NULL;
	f->forget = kzalloc(sizeof(*f->forget), gfp);
	if (!f->forget) {
		kfree(f);
		return NULL;
	}
	kref_init(&f->kref);
	mutex_init(&f->mutex);
	f->ff = ff;
	f->cred = get_cred(cred);
	return f;
}

/* It was never opened at the back. */
void fsva_file_free(struct fsva_file *f)
{
	put_cred(f->cred);
	kfree(f->forget);
	kfree(f);
}

static void fsva_file_close(struct kref *kref)
{
	struct fsva_file *f = container_of(kref, struct fsva_file, kref);

	f->forget->fh = f->fh;
	f->forget->closing = f->closing;
	if (f->closing)
		fsva_closing_begin(f->ff, f->closing);
	if (f->later)
		fsva_forget_later(f->ff, f->forget);
	else if (f->quiet)
		fsva_forget_quietly(f->ff, f->forget);
	else
		fsva_forget(f->ff, f->forget);
	put_cred(f->cred);
	kvfree(f->buf);
	kfree(f);
}

/* The last one closes it at the back.  The caller keeps the device. */
void fsva_file_put(struct fsva_file *f)
{
	kref_put(&f->kref, fsva_file_close);
}

/* The file is open at the back: let the VFS know what it can do. */
static void fsva_file_opened(struct file *file, struct fsva_file *f,
			     const struct fsva_attr *attr, u32 flags)
{
	struct inode *inode = file_inode(file);

	atomic64_inc(&fsva_inode_front(inode)->nr_files);
	if (!S_ISREG(inode->i_mode))
		return;
	fsva_file_check_cache(inode, attr);
	/* Who may not wait is told to try again: see fsva_file_nowait(). */
	file->f_mode |= FMODE_NOWAIT;
	if (f->impl & FSVA_IMPL_DIRECT_IO)
		file->f_mode |= FMODE_CAN_ODIRECT;
	if (flags & FSVA_OPEN_STREAM)
		stream_open(inode, file);
	else if (flags & FSVA_OPEN_NONSEEKABLE)
		nonseekable_open(inode, file);
}

/* In place of ->open for one that was made and opened by CREATE. */
int fsva_file_created(struct inode *inode, struct file *file)
{
	struct fsva_inode *fi = FSVA_I(inode);
	struct fsva_attr attr;

	spin_lock(&fi->lock);
	attr = fi->attr;
	spin_unlock(&fi->lock);
	fsva_file_opened(file, file->private_data, &attr, 0);
	return 0;
}

/* Files and directories. */
int fsva_file_open(struct inode *inode, struct file *file)
{
	struct fsva_front *ff = fsva_inode_front(inode);
	u64 version = fsva_inode_version(inode);
	struct fsva_open_rsp rsp;
	struct fsva_file *f;
	int err;

	f = fsva_file_new(ff, file->f_cred, GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	err = fsva_call_open(ff, FSVA_I(inode)->handle, fsva_open_flags(file),
			     &rsp);
	if (err) {
		fsva_file_free(f);
		return err;
	}
	f->fh = rsp.fh;
	f->impl = rsp.impl;
	err = fsva_inode_apply(inode, &rsp.attr, version);
	if (err) {
		fsva_file_put(f);
		return err;
	}
	file->private_data = f;
	fsva_file_opened(file, f, &rsp.attr, rsp.flags);
	return 0;
}

int fsva_file_release(struct inode *inode, struct file *file)
{
	struct fsva_front *ff = fsva_inode_front(inode);
	struct fsva_file *f = file->private_data;

	/* Quietly, unless the file system has locks of its own, which go with it. */
	f->quiet = !(f->impl & (FSVA_IMPL_LOCK | FSVA_IMPL_FLOCK)) &&
		   fsva_inode_frees_only(inode);
	if (file->f_mode & FMODE_WRITE)
		f->closing = fsva_closing_place(FSVA_I(inode)->handle);
	fsva_file_put(f);
	atomic64_dec(&ff->nr_files);
	return 0;
}

static int fsva_file_flush(struct file *file, fl_owner_t id)
{
	struct fsva_file *f = file->private_data;

	if (!(f->impl & FSVA_IMPL_FLUSH))
		return 0;
	return fsva_call_flush(fsva_inode_front(file_inode(file)), f->fh,
			       fsva_lock_owner(id));
}

int fsva_file_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct fsva_file *f = file->private_data;
	int err;

	if (!(f->impl & FSVA_IMPL_FSYNC))
		return -EINVAL;
	err = file_write_and_wait_range(file, start, end);
	if (err)
		return err;
	return fsva_call_fsync(fsva_inode_front(file_inode(file)), f->fh, start,
			       end, datasync);
}

/*
 * Attributes after a change of contents.  With it set-id bits may have gone, in the
 * appliance, of which the VFS would have told who watches.
 */
int fsva_file_changed(struct file *file, const struct fsva_attr *attr)
{
	struct inode *inode = file_inode(file);
	umode_t before = inode->i_mode;
	int err = fsva_inode_changed(inode, attr);

	if (!err && before & ~inode->i_mode & (S_ISUID | S_ISGID))
		fsnotify_dentry(file_dentry(file), FS_ATTRIB);
	return err;
}

/* ---- Read and write ---- */

static u32 fsva_rw_flags(const struct kiocb *iocb)
{
	u32 flags = 0;

	if (iocb->ki_flags & IOCB_DSYNC)
		flags |= FSVA_RW_DSYNC;
	if (iocb->ki_flags & IOCB_SYNC)
		flags |= FSVA_RW_SYNC;
	if (iocb->ki_flags & IOCB_DIRECT)
		flags |= FSVA_RW_DIRECT;
	if (iocb->ki_flags & IOCB_HIPRI)
		flags |= FSVA_RW_HIPRI;
	if (iocb->ki_flags & IOCB_NOWAIT)
		flags |= FSVA_RW_NOWAIT;
	return flags;
}

/*
 * A request and its answer are a wait, if a bounded one.  io_uring, which would
 * stand still for all its requests, is told so, and has a worker do it.  For
 * preadv2(RWF_NOWAIT) the appliance says whether it can do it without the disk.
 */
static bool fsva_file_nowait(struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT && !is_sync_kiocb(iocb);
}

/*
 * i_rwsem held.  The file system in the appliance, not the VFS, says whether a
 * buffered write can do without waiting.
 */
static ssize_t fsva_file_write_checks(struct kiocb *iocb,
				      struct iov_iter *from)
{
	int nowait = iocb->ki_flags & IOCB_NOWAIT;
	ssize_t n;

	iocb->ki_flags &= ~IOCB_NOWAIT;
	n = generic_write_checks(iocb, from);
	iocb->ki_flags |= nowait;
	return n;
}

/* As atime_needs_update(), which is not for modules. */
static bool fsva_file_wants_atime(const struct file *file)
{
	struct inode *inode = file_inode(file);
	struct timespec64 atime, mtime, ctime;
	int flags = file->f_path.mnt->mnt_flags;

	if (file->f_flags & O_NOATIME || IS_NOATIME(inode) ||
	    flags & (MNT_NOATIME | MNT_READONLY))
		return false;
	if (!(flags & MNT_RELATIME))
		return true;
	atime = fsva_inode_atime(inode);
	mtime = fsva_inode_mtime(inode);
	ctime = fsva_inode_ctime(inode);
	return timespec64_compare(&mtime, &atime) >= 0 ||
	       timespec64_compare(&ctime, &atime) >= 0 ||
	       ktime_get_real_seconds() - atime.tv_sec >= 24 * 60 * 60;
}

/*
 * A read that was to set the time of access, and has.  If it was a direct one,
 * the file system may have seen no access in it.
 */
static void fsva_file_accessed(struct inode *inode, bool direct)
{
	struct fsva_inode *fi = FSVA_I(inode);

	if (direct) {
		fsva_inode_refresh(inode);
		return;
	}
	spin_lock(&fi->lock);
	fsva_inode_set_atime(inode, current_time(inode));
	fsva_inode_count_change(inode);
	spin_unlock(&fi->lock);
}

static ssize_t fsva_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	struct fsva_file *f = file->private_data;
	u32 flags = fsva_rw_flags(iocb);
	ssize_t n = 0, done = 0;
	bool eof = false;

	if (fsva_file_nowait(iocb))
		return -EAGAIN;
	if (!iov_iter_count(to))
		return 0;
	if (fsva_file_wants_atime(file))
		flags |= FSVA_RW_ATIME;
	if (iocb->ki_pos >= inode->i_sb->s_maxbytes)
		return 0;
	iov_iter_truncate(to, inode->i_sb->s_maxbytes - iocb->ki_pos);
	n = fsva_cache_flush(inode, iocb->ki_pos,
			     iocb->ki_pos + iov_iter_count(to) - 1,
			     iocb->ki_flags & IOCB_DIRECT);
	if (n)
		return n;
	while (iov_iter_count(to) && !eof) {
		n = fsva_call_read(fsva_inode_front(inode), f->fh, iocb->ki_pos,
				   flags, to, &eof);
		if (n <= 0)
			break;
		fsva_ubc_touch(inode, iocb->ki_pos, n);
		iocb->ki_pos += n;
		done += n;
	}
	if (flags & FSVA_RW_ATIME)
		fsva_file_accessed(inode, iocb->ki_flags & IOCB_DIRECT);
	return done ? done : n;
}

static ssize_t fsva_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct inode *inode = file_inode(file);
	struct fsva_file *f = file->private_data;
	u32 flags = fsva_rw_flags(iocb);
	struct fsva_write_rsp rsp;
	loff_t start, end = LLONG_MAX;
	ssize_t n, done = 0;

	if (fsva_file_nowait(iocb))
		return -EAGAIN;
	if (!(iocb->ki_flags & IOCB_NOWAIT))
		n = down_write_killable(&inode->i_rwsem);
	else
		n = inode_trylock(inode) ? 0 : -EAGAIN;
	if (n)
		return n;
	/* Limits, by our size; where an append goes is decided in the appliance. */
	n = fsva_inode_in_doubt(inode) ? fsva_inode_refresh(inode) : 0;
	if (!n)
		n = fsva_file_write_checks(iocb, from);
	if (n <= 0)
		goto out;
	/* The page that the file ends in changes when the file grows. */
	start = i_size_read(inode);
	if (iocb->ki_flags & IOCB_APPEND) {
		flags |= FSVA_RW_APPEND;
	} else {
		start = min(start, iocb->ki_pos);
		end = iocb->ki_pos + iov_iter_count(from) - 1;
	}
	n = fsva_cache_begin(inode, start, end, iocb->ki_flags & IOCB_DIRECT);
	if (n)
		goto out;

	while (iov_iter_count(from)) {
		n = fsva_call_write(fsva_inode_front(inode), f->fh,
				    iocb->ki_pos, flags, from, &rsp);
		if (n < 0)
			break;
		/* Who says how much says where, too: it moves the position. */
		if (!(flags & FSVA_RW_APPEND) && rsp.offset != iocb->ki_pos)
			n = -EIO;
		else if (fsva_file_changed(file, &rsp.attr))
			n = -EIO;
		if (n <= 0)
			break;
		fsva_ubc_touch(inode, rsp.offset, n);
		iocb->ki_pos = rsp.offset + n;
		done += n;
	}
	fsva_cache_end(inode, start, end, iocb->ki_flags & IOCB_DIRECT);
out:
	inode_unlock(inode);
	return done ? done : n;
}

/* ---- The rest ---- */

static loff_t fsva_file_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	struct fsva_file *f = file->private_data;
	s64 pos;
	int err;

	switch (whence) {
	case SEEK_DATA:
	case SEEK_HOLE:
		if (f->impl & FSVA_IMPL_SEEK_DATA) {
			err = fsva_cache_flush(inode, 0, LLONG_MAX, true);
			if (err)
				return err;
			err = fsva_call_seek(fsva_inode_front(inode), f->fh,
					     offset, whence == SEEK_DATA ?
					     FSVA_SEEK_DATA : FSVA_SEEK_HOLE,
					     &pos);
			if (err)
				return err;
			return vfs_setpos(file, pos, inode->i_sb->s_maxbytes);
		}
		fallthrough;
	case SEEK_END:
		err = fsva_inode_refresh(inode);
		if (err)
			return err;
		break;
	}
	return generic_file_llseek(file, offset, whence);
}

static long fsva_file_fallocate(struct file *file, int mode, loff_t offset,
				loff_t len)
{
	struct inode *inode = file_inode(file);
	struct fsva_file *f = file->private_data;
	struct fsva_getattr_rsp rsp;
	loff_t start;
	int err;

	if (!(f->impl & FSVA_IMPL_FALLOCATE) || mode & ~FSVA_FALLOC_ALL)
		return -EOPNOTSUPP;
	err = down_write_killable(&inode->i_rwsem);
	if (err)
		return err;
	if (fsva_inode_in_doubt(inode))
		err = fsva_inode_refresh(inode);
	/* The caller's limit on the size of files is known only here. */
	if (err)
		goto out;
	if (mode & FALLOC_FL_INSERT_RANGE)
		err = inode_newsize_ok(inode, i_size_read(inode) + len);
	else if (!(mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE)) &&
		 offset + len > i_size_read(inode))
		err = inode_newsize_ok(inode, offset + len);
	if (err)
		goto out;
	/* Even plain allocation may change the page that the file ends in. */
	start = min(offset, i_size_read(inode));
	err = fsva_cache_begin(inode, start, LLONG_MAX, true);
	if (err)
		goto out;
	err = fsva_call_fallocate(fsva_inode_front(inode), f->fh, offset, len,
				  mode, &rsp);
	if (!err)
		err = fsva_file_changed(file, &rsp.attr);
	fsva_cache_end(inode, start, LLONG_MAX, true);
out:
	inode_unlock(inode);
	return err;
}

const struct file_operations fsva_file_ops = {
	.open		= fsva_file_open,
	.release	= fsva_file_release,
	.flush		= fsva_file_flush,
	.fsync		= fsva_file_fsync,
	.llseek		= fsva_file_llseek,
	.read_iter	= fsva_file_read_iter,
	.write_iter	= fsva_file_write_iter,
	.mmap		= fsva_mmap,
	.splice_read	= copy_splice_read,
	.splice_write	= iter_file_splice_write,
	.fallocate	= fsva_file_fallocate,
	.unlocked_ioctl	= fsva_ioctl,
	.compat_ioctl	= fsva_compat_ioctl,
	.copy_file_range = fsva_copy_file_range,
	.fadvise	= fsva_file_fadvise,
};
