// SPDX-License-Identifier: GPL-2.0
/*
 * ops_file.c: handlers of open files.
 *
 * A file is opened here as the user opened it there, but for three flags.  O_NOATIME is added, since the user's VFS
 * decides which reads may set the time of access; those that may are done by another open file.  O_DIRECT is taken
 * away once the file system has seen it, since each request says by itself whether it is direct.  O_APPEND is left
 * out, since each write says by itself whether it appends: the user's kernel must be able to write pages back to a
 * file that is open for appending.  FSVA_O_EXEC asks nothing of us: nobody writes here but by way of the user's
 * kernel, which denies it.
 *
 * File contents go between the page cache and the mapped pages of the caller in one copy.  Direct I/O goes
 * through pages of our own instead: a block front end may grant the pages that it is given, and one can't grant
 * what is another domain's.
 */
#include <linux/blkdev.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/slab.h>

#include "back.h"

#define FSVA_READDIR_MAX	(64u * 1024)	/* of one answer */
#define FSVA_READDIR_SKIP_MAX	65536u		/* entries passed over in one call: the directory must be damaged */

/* ---- Open and close ----------------------------------------------------------------------------------- */

int fsva_open_flags(u32 wire)
{
	static const struct {
		u32 wire;
		int flag;
	} bits[] = {
		{ FSVA_O_EXCL,		O_EXCL },
		{ FSVA_O_NONBLOCK,	O_NONBLOCK },
		{ FSVA_O_DSYNC,		O_DSYNC },
		{ FSVA_O_SYNC,		O_SYNC },
		{ FSVA_O_DIRECT,	O_DIRECT },
		{ FSVA_O_DIRECTORY,	O_DIRECTORY },
		{ FSVA_O_NOFOLLOW,	O_NOFOLLOW },
	};
	int flags = O_LARGEFILE | O_NOATIME;
	unsigned int i;

	switch (wire & FSVA_O_ACCMODE) {
	case 0:
		flags |= O_RDONLY;
		break;
	case 1:
		flags |= O_WRONLY;
		break;
	default:
		flags |= O_RDWR;
	}
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		if ((wire & bits[i].wire) == bits[i].wire)
			flags |= bits[i].flag;
	return flags;
}

/* Each request says by itself if it is direct, and copies are not: a file may have become so, or no more, since. */
void fsva_file_indirect(struct file *file)
{
	spin_lock(&file->f_lock);
	file->f_flags &= ~O_DIRECT;
	spin_unlock(&file->f_lock);
}

/* Open what dentry is, if it is something with contents: devices and their like belong to the user's kernel. */
struct file *fsva_file_open(struct fsva_call *c, struct dentry *dentry, u32 wire_flags)
{
	struct path path = fsva_path(c, dentry);
	int flags = fsva_open_flags(wire_flags);
	struct file *file;

	if (!d_is_reg(dentry) && !d_is_dir(dentry))
		return ERR_PTR(-ENXIO);
	if (d_is_dir(dentry) && (flags & O_ACCMODE) != O_RDONLY)
		return ERR_PTR(-EISDIR);
	if (!d_is_dir(dentry) && (flags & O_DIRECTORY))
		return ERR_PTR(-ENOTDIR);
	file = dentry_open(&path, flags, c->cred.named);
	if (!IS_ERR(file))
		fsva_file_indirect(file);
	return file;
}

FSVA_HANDLER(open)
{
	const struct fsva_open_req *r = in;
	struct fsva_open_rsp *rsp = out;
	struct dentry *dentry;
	struct file *file;
	fmode_t mode;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	file = fsva_file_open(c, dentry, r->flags);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto out_put;
	err = fsva_attr_get(c, dentry, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT, &rsp->attr);
	if (err) {
		__fput_sync(file);
		goto out_put;
	}
	mode = file->f_mode;
	err = fsva_file_add(c, file, &rsp->fh);
	if (err)
		goto out_put;
	rsp->impl = fsva_impl(dentry);
	if (mode & FMODE_CAN_ODIRECT)
		rsp->impl |= FSVA_IMPL_DIRECT_IO;
	if (!(mode & FMODE_LSEEK))
		rsp->flags |= FSVA_OPEN_NONSEEKABLE;
	if (mode & FMODE_STREAM)
		rsp->flags |= FSVA_OPEN_STREAM;
out_put:
	dput(dentry);
	return err;
}

FSVA_HANDLER(release)
{
	const struct fsva_release_req *r = in;

	return fsva_file_release(c, r->fh);
}

FSVA_HANDLER(flush)
{
	const struct fsva_flush_req *r = in;
	struct fsva_file *f = fsva_file_get(c, r->fh);
	int err = 0;

	if (IS_ERR(f))
		return PTR_ERR(f);
	if (f->file->f_op->flush)
		err = f->file->f_op->flush(f->file, (fl_owner_t)(unsigned long)r->lock_owner);
	fsva_file_put(f);
	return err;
}

FSVA_HANDLER(fsync)
{
	const struct fsva_fsync_req *r = in;
	struct fsva_file *f = fsva_file_get(c, r->fh);
	int err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	err = vfs_fsync_range(f->file, r->start, r->end, r->datasync);
	fsva_file_put(f);
	return err;
}

FSVA_HANDLER(seek)
{
	const struct fsva_seek_req *r = in;
	struct fsva_seek_rsp *rsp = out;
	struct fsva_file *f = fsva_file_get(c, r->fh);
	static const int whence[] = {
		[FSVA_SEEK_SET] = SEEK_SET, [FSVA_SEEK_CUR] = SEEK_CUR, [FSVA_SEEK_END] = SEEK_END,
		[FSVA_SEEK_DATA] = SEEK_DATA, [FSVA_SEEK_HOLE] = SEEK_HOLE,
	};
	loff_t pos;

	if (IS_ERR(f))
		return PTR_ERR(f);
	mutex_lock(&f->pos_lock);
	pos = vfs_llseek(f->file, r->offset, whence[array_index_nospec(r->whence, ARRAY_SIZE(whence))]);
	mutex_unlock(&f->pos_lock);
	fsva_file_put(f);
	if (pos < 0)
		return pos;
	rsp->offset = pos;
	return 0;
}

/* ---- Directories -------------------------------------------------------------------------------------- */

/*
 * An entry's d_off is the position of the one after it, which is known only when that comes: so the last one is
 * kept back, with room for it counted.
 *
 * A damaged directory may have names that nobody could have made, with '/' or NUL in them.  They are passed over,
 * and the others listed.
 */
struct fsva_readdir {
	struct dir_context ctx;
	void *buf;
	u32 size, pos;			/* of buf */
	u32 nr;
	u32 nr_seen;			/* entries that the file system came up with */
	u32 nr_skipped;			/* of these: no names */
	bool full;
	bool held;
	u32 held_size;
	u64 held_ino;
	u8 held_type;
	u16 held_len;
	char held_name[FSVA_NAME_MAX];
};

/* Linux's DT_* are the wire's; what is none of them is unknown. */
static u8 fsva_dirent_type(unsigned int type)
{
	switch (type) {
	case DT_FIFO:
	case DT_CHR:
	case DT_DIR:
	case DT_BLK:
	case DT_REG:
	case DT_LNK:
	case DT_SOCK:
	case DT_WHT:
		return type;
	}
	return DT_UNKNOWN;
}

static void fsva_readdir_put_held(struct fsva_readdir *rd, u64 next)
{
	if (!rd->held)
		return;
	rd->held = false;
	/* There is room: fsva_readdir_actor() has looked. */
	if (fsva_wire_dirent_put(rd->buf, rd->size, &rd->pos, rd->held_ino, next, rd->held_type, rd->held_name,
				 rd->held_len))
		rd->nr++;
}

static bool fsva_readdir_actor(struct dir_context *ctx, const char *name, int len, loff_t pos, u64 ino,
			       unsigned int type)
{
	struct fsva_readdir *rd = container_of(ctx, struct fsva_readdir, ctx);
	u32 size;

	fsva_readdir_put_held(rd, pos);
	rd->nr_seen++;
	if (len <= 0 || fsva_wire_check_component(name, len) != FSVA_OK) {
		rd->full = ++rd->nr_skipped >= FSVA_READDIR_SKIP_MAX;
		return !rd->full;
	}
	size = ALIGN(sizeof(struct fsva_dirent) + len, 8);
	if (size > rd->size - rd->pos) {
		rd->full = true;
		return false;
	}
	rd->held = true;
	rd->held_ino = ino;
	rd->held_type = fsva_dirent_type(type);
	rd->held_len = len;
	memcpy(rd->held_name, name, len);
	return true;
}

FSVA_HANDLER(readdir)
{
	const struct fsva_readdir_req *r = in;
	struct fsva_readdir_rsp *rsp = out;
	struct fsva_readdir *rd;
	struct fsva_file *f;
	loff_t pos = 0;
	u32 before;
	int err;

	f = fsva_file_get(c, r->fh);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = -ENOTDIR;
	if (!S_ISDIR(file_inode(f->file)->i_mode))
		goto out_put;
	err = -ENOMEM;
	rd = kzalloc(sizeof(*rd), GFP_KERNEL);
	if (!rd)
		goto out_put;
	rd->size = min(c->req.data_len, FSVA_READDIR_MAX);
	rd->buf = kvzalloc(max(rd->size, 8u), GFP_KERNEL);
	if (!rd->buf)
		goto out_free;
	rd->ctx.actor = fsva_readdir_actor;
	FSVA_COMPAT_DIR_CONTEXT_INIT(&rd->ctx);

	mutex_lock(&f->pos_lock);
	/*
	 * Going on from where we were is no seek, as it is none for getdents(2).  A position may be any number: some
	 * file systems use all 64 bits, and then what vfs_llseek() returns may look like an error.
	 */
	err = 0;
	if (!r->cookie || f->file->f_pos != r->cookie) {
		pos = vfs_llseek(f->file, r->cookie, SEEK_SET);
		if (f->file->f_pos != r->cookie)
			err = pos < 0 && pos >= -MAX_ERRNO ? pos : -EINVAL;
	}
	while (!err && !rd->full) {
		before = rd->nr_seen;
		err = iterate_dir(f->file, &rd->ctx);
		fsva_readdir_put_held(rd, rd->ctx.pos);
		if (err)
			break;
		if (rd->nr_seen == before) {
			rsp->eof = !rd->full;
			break;
		}
	}
	pos = f->file->f_pos;
	mutex_unlock(&f->pos_lock);

	if (rd->nr_skipped)
		pr_err_ratelimited("%s: inode %llu: %u directory entries have no proper name; not listed\n",
				   c->ses->fb->name, (u64)file_inode(f->file)->i_ino, rd->nr_skipped);
	if (rd->nr)
		err = 0;	/* first what there is; the next call meets the error */
	if (!err && !rd->nr && rd->full)
		err = rd->nr_skipped >= FSVA_READDIR_SKIP_MAX ? -EUCLEAN : -EINVAL;	/* no room for one */
	if (!err) {
		rsp->next = pos;
		rsp->nr = rd->nr;
		err = fsva_data_out(c, 0, rd->buf, rd->pos);
		c->rsp.data_len = rd->pos;
	}
	kvfree(rd->buf);
out_free:
	kfree(rd);
out_put:
	fsva_file_put(f);
	return err;
}

/* ---- Reading and writing ------------------------------------------------------------------------------ */

/* Pages of our own in place of the caller's, for direct I/O; the offset in the first page stays. */
struct fsva_bounce {
	unsigned int nr;
	struct page *page[FSVA_MAX_GREFS];
	struct bio_vec bvec[FSVA_MAX_GREFS];
};

static void fsva_bounce_free(struct fsva_bounce *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		__free_page(b->page[i]);
	kfree(b);
}

static struct fsva_bounce *fsva_bounce_alloc(struct fsva_call *c)
{
	u32 left = c->req.data_len, off = c->req.data_off;
	struct fsva_bounce *b;

	b = kzalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return NULL;
	while (left) {
		u32 len = min_t(u32, left, PAGE_SIZE - off);

		/* The front says how much there is of these: nobody shall be killed for them. */
		b->page[b->nr] = alloc_page(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
		if (!b->page[b->nr]) {
			fsva_bounce_free(b);
			return NULL;
		}
		b->bvec[b->nr].bv_page = b->page[b->nr];
		b->bvec[b->nr].bv_offset = off;
		b->bvec[b->nr].bv_len = len;
		b->nr++;
		left -= len;
		off = 0;
	}
	return b;
}

/* The first len octets of the bounce pages to the caller's (out), or the other way. */
static int fsva_bounce_copy(struct fsva_call *c, struct fsva_bounce *b, size_t len, bool out)
{
	struct iov_iter iter;
	unsigned int i;

	fsva_data_iter(c, &iter, out ? ITER_DEST : ITER_SOURCE);
	for (i = 0; i < b->nr && len; i++) {
		void *p = page_address(b->page[i]) + b->bvec[i].bv_offset;
		size_t part = min_t(size_t, len, b->bvec[i].bv_len);

		if ((out ? copy_to_iter(p, part, &iter) : copy_from_iter(p, part, &iter)) != part)
			return -EFAULT;
		len -= part;
	}
	return 0;
}

static void fsva_kiocb_init(struct kiocb *iocb, struct file *file, const struct fsva_read_req *r)
{
	init_sync_kiocb(iocb, file);
	iocb->ki_pos = r->flags & FSVA_RW_APPEND ? 0 : r->offset;
	iocb->ki_flags &= ~(IOCB_APPEND | IOCB_DIRECT);
	if (r->flags & FSVA_RW_APPEND)
		iocb->ki_flags |= IOCB_APPEND;
	if (r->flags & FSVA_RW_DSYNC)
		iocb->ki_flags |= IOCB_DSYNC;
	if (r->flags & FSVA_RW_SYNC)
		iocb->ki_flags |= IOCB_DSYNC | IOCB_SYNC;
	if (r->flags & FSVA_RW_DIRECT)
		iocb->ki_flags |= IOCB_DIRECT;
	if ((r->flags & FSVA_RW_NOWAIT) && (file->f_mode & FMODE_NOWAIT))
		iocb->ki_flags |= IOCB_NOWAIT;
	if (r->flags & FSVA_RW_HIPRI)
		iocb->ki_flags |= IOCB_HIPRI;
}

static int fsva_rw_check(const struct fsva_read_req *r, struct file *file)
{
	if (!S_ISREG(file_inode(file)->i_mode))
		return -EISDIR;
	if ((r->flags & FSVA_RW_DIRECT) && !(file->f_mode & FMODE_CAN_ODIRECT))
		return -EINVAL;
	if ((r->flags & FSVA_RW_NOWAIT) && !(file->f_mode & FMODE_NOWAIT))
		return -EOPNOTSUPP;
	return 0;
}

/* The file in *slot, that of f opened once more, for reading. */
static struct file *fsva_file_again(struct fsva_call *c, struct fsva_file *f, struct file **slot, int flags)
{
	struct file *file = READ_ONCE(*slot);
	struct path path;

	if (file)
		return file;
	path = fsva_path(c, file_dentry(f->file));
	file = dentry_open(&path, O_RDONLY | O_LARGEFILE | flags, c->cred.named);
	if (IS_ERR(file))
		return file;
	if (cmpxchg(slot, NULL, file)) {
		__fput_sync(file);
		file = *slot;
	}
	return file;
}

/*
 * The file to read f by.  The user's page cache reads the rest of a page also where the file was opened for
 * writing only.  Where the time of access is to be set, the file system does that by itself, which it can't by a file
 * with O_NOATIME: only it knows which reads count (btrfs: not direct ones).
 */
static struct file *fsva_reader(struct fsva_call *c, struct fsva_file *f, u32 flags)
{
	if (flags & FSVA_RW_ATIME && f->file->f_mode & FMODE_READ)
		return fsva_file_again(c, f, &f->accessor, 0);
	if ((f->file->f_mode & FMODE_READ) || !(flags & FSVA_RW_PAGE))
		return f->file;
	return fsva_file_again(c, f, &f->reader, O_NOATIME);
}

FSVA_HANDLER(read)
{
	const struct fsva_read_req *r = in;
	struct fsva_read_rsp *rsp = out;
	struct fsva_bounce *b = NULL;
	struct fsva_file *f;
	struct iov_iter iter;
	struct kiocb iocb;
	struct file *file;
	ssize_t done;

	f = fsva_file_get(c, r->fh);
	if (IS_ERR(f))
		return PTR_ERR(f);
	file = fsva_reader(c, f, r->flags);
	done = PTR_ERR_OR_ZERO(file);
	if (done)
		goto out_put;
	done = fsva_rw_check(r, file);
	if (done)
		goto out_put;
	if (r->flags & FSVA_RW_DIRECT) {
		done = -ENOMEM;
		b = fsva_bounce_alloc(c);
		if (!b)
			goto out_put;
		iov_iter_bvec(&iter, ITER_DEST, b->bvec, b->nr, c->req.data_len);
	} else {
		fsva_data_iter(c, &iter, ITER_DEST);
	}
	fsva_kiocb_init(&iocb, file, r);
	done = vfs_iocb_iter_read(file, &iocb, &iter);
	if (b && done > 0) {
		int err = fsva_bounce_copy(c, b, done, true);

		if (err)
			done = err;
	}
	if (done >= 0) {
		c->rsp.data_len = done;
		rsp->size = i_size_read(file_inode(file));
		atomic64_add(done, &c->ses->fb->stats.bytes_out);
	}
	if (b)
		fsva_bounce_free(b);
out_put:
	fsva_file_put(f);
	return done < 0 ? done : 0;
}

FSVA_HANDLER(write)
{
	const struct fsva_write_req *r = in;
	struct fsva_write_rsp *rsp = out;
	struct fsva_bounce *b = NULL;
	struct fsva_file *f;
	struct iov_iter iter;
	struct kiocb iocb;
	ssize_t done;
	int sync;

	f = fsva_file_get(c, r->fh);
	if (IS_ERR(f))
		return PTR_ERR(f);
	done = fsva_rw_check(r, f->file);
	if (done)
		goto out_put;
	if (r->flags & FSVA_RW_DIRECT) {
		done = -ENOMEM;
		b = fsva_bounce_alloc(c);
		if (!b)
			goto out_put;
		done = fsva_bounce_copy(c, b, c->req.data_len, false);
		if (done)
			goto out_free;
		fsva_data_leave(c);
		iov_iter_bvec(&iter, ITER_SOURCE, b->bvec, b->nr, c->req.data_len);
	} else {
		fsva_data_iter(c, &iter, ITER_SOURCE);
	}
	fsva_kiocb_init(&iocb, f->file, r);
	if (r->flags & FSVA_RW_NOWAIT) {
		/* Not while it is frozen. */
		done = -EAGAIN;
		if (!file_start_write_trylock(f->file))
			goto out_free;
		file_end_write(f->file);
	}
	/* Not with the caller's pages in hand: a journal that is frozen for a suspend would hold on to them. */
	sync = iocb.ki_flags & (IOCB_DSYNC | IOCB_SYNC);
	if (!b)
		iocb.ki_flags &= ~sync;
	done = vfs_iocb_iter_write(f->file, &iocb, &iter);
	if (!b && sync && done > 0) {
		fsva_data_leave(c);
		iocb.ki_flags |= sync;
		done = generic_write_sync(&iocb, done);
	}
	if (done >= 0) {
		c->rsp.data_len = done;
		rsp->offset = iocb.ki_pos - done;
		fsva_attr_get_or_guess(c, file_dentry(f->file), &rsp->attr);
		atomic64_add(done, &c->ses->fb->stats.bytes_in);
	}
out_free:
	if (b)
		fsva_bounce_free(b);
out_put:
	fsva_file_put(f);
	return done < 0 ? done : 0;
}

/* ---- Space -------------------------------------------------------------------------------------------- */

FSVA_HANDLER(fallocate)
{
	const struct fsva_fallocate_req *r = in;
	struct fsva_getattr_rsp *rsp = out;
	struct fsva_file *f = fsva_file_get(c, r->fh);
	int err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	err = vfs_fallocate(f->file, r->mode, r->offset, r->len);
	if (!err) {
		fsva_attr_get_or_guess(c, file_dentry(f->file), &rsp->attr);
		rsp->impl = fsva_impl(file_dentry(f->file));
	}
	fsva_file_put(f);
	return err;
}

static int fsva_two_files(struct fsva_call *c, const struct fsva_copy_range_req *r, struct fsva_file **from,
			  struct fsva_file **to)
{
	*from = fsva_file_get(c, r->fh_in);
	if (IS_ERR(*from))
		return PTR_ERR(*from);
	*to = fsva_file_get(c, r->fh_out);
	if (IS_ERR(*to)) {
		fsva_file_put(*from);
		return PTR_ERR(*to);
	}
	return 0;
}

FSVA_HANDLER(copy_range)
{
	const struct fsva_copy_range_req *r = in;
	struct fsva_copy_range_rsp *rsp = out;
	struct fsva_file *from, *to;
	ssize_t done;
	int err;

	err = fsva_two_files(c, r, &from, &to);
	if (err)
		return err;
	/* By the file system if it can; through the page cache here if not, so that nothing crosses the ring. */
	done = vfs_copy_file_range(from->file, r->offset_in, to->file, r->offset_out,
				   min_t(u64, r->len, MAX_RW_COUNT), 0);
	if (done >= 0) {
		rsp->copied = done;
		fsva_attr_get_or_guess(c, file_dentry(to->file), &rsp->attr);
	}
	fsva_file_put(to);
	fsva_file_put(from);
	return done < 0 ? done : 0;
}

FSVA_HANDLER(remap_range)
{
	const struct fsva_copy_range_req *r = in;
	struct fsva_copy_range_rsp *rsp = out;
	unsigned int flags = r->flags & FSVA_REMAP_CAN_SHORTEN ? REMAP_FILE_CAN_SHORTEN : 0;
	struct fsva_file *from, *to;
	loff_t done;
	int err;

	err = fsva_two_files(c, r, &from, &to);
	if (err)
		return err;
	if (r->flags & FSVA_REMAP_DEDUP)
		done = vfs_dedupe_file_range_one(from->file, r->offset_in, to->file, r->offset_out, r->len, flags);
	else
		done = vfs_clone_file_range(from->file, r->offset_in, to->file, r->offset_out, r->len, flags);
	if (done >= 0) {
		rsp->copied = done;
		fsva_attr_get_or_guess(c, file_dentry(to->file), &rsp->attr);
	}
	fsva_file_put(to);
	fsva_file_put(from);
	return done < 0 ? done : 0;
}

FSVA_HANDLER(fadvise)
{
	const struct fsva_fadvise_req *r = in;
	struct fsva_file *f = fsva_file_get(c, r->fh);
	int err;

	if (IS_ERR(f))
		return PTR_ERR(f);
	err = vfs_fadvise(f->file, r->offset, r->len, r->advice);
	fsva_file_put(f);
	return err;
}
