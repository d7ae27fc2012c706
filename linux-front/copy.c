// SPDX-License-Identifier: GPL-2.0
/*
 * copy.c: from file to file within one mount, and what is known of a file's use.
 *
 * Both are done in the appliance, so that no octet crosses.  What was stored
 * through mappings of either file goes there first.
 */
#include <linux/fadvise.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "front.h"

/*
 * The most that one request copies: where it is done octet by octet, a caller
 * who is killed leaves no more than this behind.
 */
#define FSVA_COPY_CHUNK		(64u << 20)

/*
 * Lock what is changed, and write what was stored to either file.  len 0 is all
 * that follows.  *start to *end is what changes, which the page is a part of that
 * the file ends in now.
 */
static int fsva_range_begin(struct file *in, loff_t pos_in, struct file *out,
			    loff_t pos_out, loff_t len, loff_t *start,
			    loff_t *end)
{
	struct inode *inode = file_inode(out);
	int err;

	err = down_write_killable(&inode->i_rwsem);
	if (err)
		return err;
	/* Shared extents are made of what is on the disk. */
	err = fsva_cache_flush(file_inode(in), pos_in,
			       len ? pos_in + len - 1 : LLONG_MAX, true);
	*start = min(pos_out, i_size_read(inode));
	*end = len ? pos_out + len - 1 : LLONG_MAX;
	if (!err)
		err = fsva_cache_begin(inode, *start, *end, true);
	if (err)
		inode_unlock(inode);
	return err;
}

static void fsva_range_end(struct file *out, loff_t start, loff_t end)
{
	fsva_cache_end(file_inode(out), start, end, true);
	inode_unlock(file_inode(out));
}

/* One request; the inode of out is locked.  Octets done, or an error. */
static s64 fsva_range_do(u16 op, struct fsva_copy_range_req *q,
			 struct file *out)
{
	struct inode *inode = file_inode(out);
	struct fsva_copy_range_rsp rsp;
	int err;

	err = fsva_call_range(fsva_inode_front(inode), op, q, &rsp);
	if (!err)
		err = fsva_file_changed(out, &rsp.attr);
	return err ? err : rsp.copied;
}

ssize_t fsva_copy_file_range(struct file *in, loff_t pos_in, struct file *out,
			     loff_t pos_out, size_t len, unsigned int flags)
{
	const struct fsva_file *from = in->private_data;
	const struct fsva_file *to = out->private_data;
	struct fsva_copy_range_req q = {};
	loff_t start, end;
	size_t done = 0;
	bool reads;
	s64 n;

	/* The VFS compares our functions only, which two mounts share. */
	if (file_inode(in)->i_sb != file_inode(out)->i_sb)
		return -EXDEV;
	/* Nothing to copy is not everything. */
	if (!len)
		return 0;
	n = fsva_range_begin(in, pos_in, out, pos_out, len, &start, &end);
	if (n)
		return n;
	q.fh_in = from->fh;
	q.fh_out = to->fh;
	reads = !(to->impl & FSVA_IMPL_COPY_RANGE);
	/*
	 * Where the file system copies nothing by itself, the VFS shares what
	 * can be shared, and reads only the rest: which sets the time of access.
	 */
	if (reads && to->impl & FSVA_IMPL_REMAP_RANGE) {
		q.offset_in = pos_in;
		q.offset_out = pos_out;
		q.len = min_t(size_t, len, MAX_RW_COUNT);
		q.flags = FSVA_REMAP_CAN_SHORTEN;
		n = fsva_range_do(FSVA_OP_REMAP_RANGE, &q, out);
		if (n > 0 || n == -EINTR) {
			fsva_range_end(out, start, end);
			return n;
		}
		q.flags = 0;
	}
	/*
	 * Octets that the VFS copies go by direct I/O where a file is open for
	 * it now, and that has its own errors: so let ours do it.
	 */
	if (reads && (in->f_flags | out->f_flags) & O_DIRECT) {
		fsva_range_end(out, start, end);
		return splice_copy_file_range(in, pos_in, out, pos_out, len);
	}
	while (done < len) {
		q.offset_in = pos_in + done;
		q.offset_out = pos_out + done;
		q.len = min_t(size_t, len - done, FSVA_COPY_CHUNK);
		n = fsva_range_do(FSVA_OP_COPY_RANGE, &q, out);
		if (n <= 0)
			break;
		done += n;
		if (n < q.len || signal_pending(current))
			break;
	}
	fsva_range_end(out, start, end);
	if (done) {
		if (reads)
			file_accessed(in);
		return done;
	}
	if (n == -EOPNOTSUPP || n == -EXDEV)
		return splice_copy_file_range(in, pos_in, out, pos_out, len);
	return n;
}

loff_t fsva_remap_file_range(struct file *in, loff_t pos_in, struct file *out,
			     loff_t pos_out, loff_t len, unsigned int flags)
{
	const struct fsva_file *from = in->private_data;
	const struct fsva_file *to = out->private_data;
	struct fsva_copy_range_req q = {};
	loff_t start, end;
	s64 n;

	if (flags & ~(REMAP_FILE_DEDUP | REMAP_FILE_ADVISORY))
		return -EINVAL;
	n = fsva_range_begin(in, pos_in, out, pos_out, len, &start, &end);
	if (n)
		return n;
	q.fh_in = from->fh;
	q.fh_out = to->fh;
	q.offset_in = pos_in;
	q.offset_out = pos_out;
	q.len = len;
	if (flags & REMAP_FILE_DEDUP)
		q.flags |= FSVA_REMAP_DEDUP;
	if (flags & REMAP_FILE_CAN_SHORTEN)
		q.flags |= FSVA_REMAP_CAN_SHORTEN;
	n = fsva_range_do(FSVA_OP_REMAP_RANGE, &q, out);
	fsva_range_end(out, start, end);
	return n;
}

/*
 * The advice is about the appliance's page cache, where reads are answered, and
 * about ours, where mmap() looks.  That it cannot be given there is no error.
 */
int fsva_file_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	const struct fsva_file *f = file->private_data;
	int err = 0;

	if (len < 0)
		return -EINVAL;
	switch (advice) {
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_RANDOM:
	case POSIX_FADV_SEQUENTIAL:
	case POSIX_FADV_NOREUSE:
	case POSIX_FADV_DONTNEED:
		err = generic_fadvise(file, offset, len, advice);
		break;
	case POSIX_FADV_WILLNEED:
		break;		/* reading ahead is done where it is read */
	default:
		return -EINVAL;
	}
	if (!err && offset >= 0)
		fsva_call_fadvise(fsva_inode_front(file_inode(file)), f->fh,
				  offset, len, advice);
	return err;
}
