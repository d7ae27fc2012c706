// SPDX-License-Identifier: GPL-2.0
/*
 * dispatch.c: one row for each operation that this back does.
 *
 * fsva_call_run() checks a request with the codec, makes its data and its caller's identity ready, calls the
 * handler and fills the answer, refusals included.  An operation without a row is answered "not supported".
 */
#include <linux/fs_struct.h>
#include <linux/nospec.h>

#include "back.h"
#include "trace.h"

static const fsva_handler fsva_handlers[FSVA_OP_MAX] = {
	[FSVA_OP_NULL_CALL]		= fsva_op_null_call,
	[FSVA_OP_SESSION]		= fsva_op_session,
	[FSVA_OP_CRED_SET]		= fsva_op_cred_set,
	[FSVA_OP_EVENT]			= fsva_op_event,
	[FSVA_OP_INTERRUPT]		= fsva_op_interrupt,
	[FSVA_OP_MOUNT]			= fsva_op_mount,
	[FSVA_OP_UNMOUNT]		= fsva_op_unmount,
	[FSVA_OP_REMOUNT]		= fsva_op_remount,
	[FSVA_OP_STATFS]		= fsva_op_statfs,
	[FSVA_OP_SYNCFS]		= fsva_op_syncfs,
	[FSVA_OP_FREEZE]		= fsva_op_freeze,
	[FSVA_OP_THAW]			= fsva_op_thaw,
	[FSVA_OP_SHOW_OPTIONS]		= fsva_op_show_options,
	[FSVA_OP_LOOKUP]		= fsva_op_lookup,
	[FSVA_OP_GETATTR]		= fsva_op_getattr,
	[FSVA_OP_SETATTR]		= fsva_op_setattr,
	[FSVA_OP_CREATE]		= fsva_op_create,
	[FSVA_OP_MKNOD]			= fsva_op_mknod,
	[FSVA_OP_MKDIR]			= fsva_op_mkdir,
	[FSVA_OP_RMDIR]			= fsva_op_rmdir,
	[FSVA_OP_LINK]			= fsva_op_link,
	[FSVA_OP_UNLINK]		= fsva_op_unlink,
	[FSVA_OP_SYMLINK]		= fsva_op_symlink,
	[FSVA_OP_READLINK]		= fsva_op_readlink,
	[FSVA_OP_RENAME]		= fsva_op_rename,
	[FSVA_OP_TMPFILE]		= fsva_op_tmpfile,
	[FSVA_OP_PERMISSION]		= fsva_op_permission,
	[FSVA_OP_DIRTY_INODE]		= fsva_op_dirty_inode,
	[FSVA_OP_WRITE_INODE]		= fsva_op_write_inode,
	[FSVA_OP_DENTRY_VALIDATE]	= fsva_op_dentry_validate,
	[FSVA_OP_DENTRY_RELEASE]	= fsva_op_dentry_release,
	[FSVA_OP_TRUNCATE]		= fsva_op_truncate,
	[FSVA_OP_OPEN]			= fsva_op_open,
	[FSVA_OP_RELEASE]		= fsva_op_release,
	[FSVA_OP_FLUSH]			= fsva_op_flush,
	[FSVA_OP_FSYNC]			= fsva_op_fsync,
	[FSVA_OP_SEEK]			= fsva_op_seek,
	[FSVA_OP_READDIR]		= fsva_op_readdir,
	[FSVA_OP_READ]			= fsva_op_read,
	[FSVA_OP_WRITE]			= fsva_op_write,
	[FSVA_OP_FALLOCATE]		= fsva_op_fallocate,
	[FSVA_OP_COPY_RANGE]		= fsva_op_copy_range,
	[FSVA_OP_REMAP_RANGE]		= fsva_op_remap_range,
	[FSVA_OP_FADVISE]		= fsva_op_fadvise,
	[FSVA_OP_FIEMAP]		= fsva_op_fiemap,
	[FSVA_OP_IOCTL]			= fsva_op_ioctl,
	[FSVA_OP_LOCK]			= fsva_op_lock,
	[FSVA_OP_LOCK_TEST]		= fsva_op_lock_test,
	[FSVA_OP_FLOCK]			= fsva_op_flock,
	[FSVA_OP_GETXATTR]		= fsva_op_getxattr,
	[FSVA_OP_SETXATTR]		= fsva_op_setxattr,
	[FSVA_OP_LISTXATTR]		= fsva_op_listxattr,
	[FSVA_OP_REMOVEXATTR]		= fsva_op_removexattr,
	[FSVA_OP_GET_ACL]		= fsva_op_get_acl,
	[FSVA_OP_SET_ACL]		= fsva_op_set_acl,
	[FSVA_OP_MAP_PAGE]		= fsva_op_map_page,
	[FSVA_OP_UNMAP_PAGE]		= fsva_op_unmap_page,
	[FSVA_OP_EVICT_PAGE]		= fsva_op_evict_page,
	[FSVA_OP_FILEATTR_GET]		= fsva_op_fileattr_get,
	[FSVA_OP_FILEATTR_SET]		= fsva_op_fileattr_set,
	[FSVA_OP_ENCODE_FH]		= fsva_op_encode_fh,
	[FSVA_OP_DECODE_FH]		= fsva_op_decode_fh,
	[FSVA_OP_GET_PARENT]		= fsva_op_get_parent,
	[FSVA_OP_GET_NAME]		= fsva_op_get_name,
};

/* This kernel's errors by number; 0: the wire has no such. */
#define FSVA_ERRNO(name, value)[name] = value,
static const u16 fsva_wire_errnos[] = {
#include "fsva_errno.h"
};

#undef FSVA_ERRNO

static u32 fsva_errno_to_wire(int err)
{
	switch (err) {
	case -ENOTSUPP:
		return FSVA_EOPNOTSUPP;
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		return FSVA_EINTR;
	}
	if (err >= 0 || -err >= ARRAY_SIZE(fsva_wire_errnos) || !fsva_wire_errnos[-err])
		return FSVA_EIO;
	return fsva_wire_errnos[-err];
}

/* The handle and the open file that an answer carries, 0 where there is none. */
static void fsva_answer_names(const struct fsva_rsp *rsp, u64 *handle, u64 *fh)
{
	const void *body = rsp->body;

	*handle = 0;
	*fh = 0;
	switch (rsp->op) {
	case FSVA_OP_LOOKUP:
	case FSVA_OP_DECODE_FH:
	case FSVA_OP_GET_PARENT:
		*handle = ((const struct fsva_lookup_rsp *)body)->entry.handle;
		break;
	case FSVA_OP_CREATE:
	case FSVA_OP_MKNOD:
	case FSVA_OP_MKDIR:
	case FSVA_OP_LINK:
	case FSVA_OP_SYMLINK:
	case FSVA_OP_TMPFILE:
		*handle = ((const struct fsva_create_rsp *)body)->entry.handle;
		*fh = ((const struct fsva_create_rsp *)body)->fh;
		break;
	case FSVA_OP_OPEN:
		*fh = ((const struct fsva_open_rsp *)body)->fh;
		break;
	}
}

/*
 * Would the front take this answer?  One that it wouldn't costs it the connection, and may come of nothing worse
 * than a damaged disk: then this one call fails, and what it handed out is taken back, since the front will not
 * hear of it.
 */
static int fsva_answer_check(struct fsva_call *c)
{
	u64 handle, fh;

	if (likely(fsva_wire_check_rsp(&c->rsp, &c->req) == FSVA_OK))
		return 0;
	pr_err_ratelimited("%s: %s: the file system's answer makes no sense\n", c->ses->fb->name, c->row->name);
	fsva_answer_names(&c->rsp, &handle, &fh);
	if (fh)
		fsva_file_release(c, fh);
	if (handle)
		fsva_handle_release(c, handle, 1);
	if (c->req.op == FSVA_OP_MOUNT)
		fsva_unmount(c->ses, false);
	return -EIO;
}

static int fsva_call_handle(struct fsva_call *c, fsva_handler handler)
{
	const struct cred *old;
	int err;

	err = fsva_cred_get(c->ses, c->req.cred, &c->cred);
	if (err)
		return err;
	err = fsva_data_map(c);
	if (err)
		goto out_put_cred;

	/*
	 * Ours alone (unshare_fs_struct).  The file system applies it, or the ACL of the directory instead; where
	 * the user's VFS did already, doing it again changes nothing.
	 */
	current->fs->umask = c->req.umask & 0777;
	old = override_creds(c->cred.named);
	err = handler(c, c->req.body, c->rsp.body);
	if (!err)
		err = fsva_answer_check(c);
	revert_creds(old);

	fsva_data_unmap(c);
out_put_cred:
	fsva_cred_put(&c->cred);
	return err;
}

/*
 * Must it be over before the file system changes between read-only and writable?  Not what gives something back,
 * which a remount waits for, nor what waits for somebody else.
 */
static bool fsva_call_changes(const struct fsva_call *c)
{
	if (c->req.op == FSVA_OP_REMOUNT)
		return false;
	return !(c->row->flags & (FSVA_F_IDEM | FSVA_F_NOCRED | FSVA_F_SLOW)) || c->req.op == FSVA_OP_DIRTY_INODE;
}

static int fsva_call_mounted(struct fsva_call *c, fsva_handler handler)
{
	bool changes = fsva_call_changes(c);
	int err;

	if (!fsva_mount_get(c->ses))
		return -ENODEV;
	if (changes)
		fsva_change_begin(c->ses);
	err = fsva_call_handle(c, handler);
	if (changes)
		fsva_change_end(c->ses);
	fsva_mount_put(c->ses);
	return err;
}

static bool fsva_call_may_go_on(const struct fsva_call *c)
{
	const struct fsva_queue *q = c->q;

	return READ_ONCE(q->stopped) || (!READ_ONCE(q->paused) && READ_ONCE(c->epoch) == READ_ONCE(q->epoch));
}

/*
 * Wait while there is no ring, and, when it is another than the request came from, until the front has asked again.
 * False: it has waited, and the link is stopped.  q->lock is held, and let go of meanwhile.
 */
bool fsva_call_await_ring(struct fsva_call *c)
{
	struct fsva_queue *q = c->q;

	while (unlikely(q->paused || c->epoch != q->epoch)) {
		spin_unlock(&q->lock);
		wait_event_idle(q->resumed, fsva_call_may_go_on(c));
		spin_lock(&q->lock);
		if (q->stopped)
			return false;
	}
	return true;
}

/* After a reconnect the front names its session before it asks for anything. */
static bool fsva_call_too_early(const struct fsva_call *c)
{
	return READ_ONCE(c->q->link->resuming) && c->req.op != FSVA_OP_SESSION &&
	       READ_ONCE(c->epoch) == READ_ONCE(c->q->epoch);
}

/* Run c->req and fill c->rsp. */
void fsva_call_run(struct fsva_call *c)
{
	struct fsva_stats *stats = &c->ses->fb->stats;
	fsva_handler handler;
	u32 error;
	int err;

	fsva_wire_rsp_init(&c->rsp, &c->req);
	error = fsva_wire_check_req(&c->req, c->q->link->nr_slots, FSVA_BACK_NR_CREDS);
	if (error) {
		atomic64_inc(&stats->unknown);
		c->rsp.error = error;
		return;
	}
	c->row = fsva_wire_op(c->req.op);
	atomic64_inc(&stats->op[array_index_nospec(c->req.op, FSVA_OP_MAX)]);
	handler = fsva_handlers[array_index_nospec(c->req.op, FSVA_OP_MAX)];
	trace_fsva_back_call(c);
	if (!READ_ONCE(c->ses->id) && (c->req.op != FSVA_OP_SESSION || c->q->index != 0))
		err = -EPROTO;
	else if (unlikely(fsva_call_too_early(c)))
		err = -EPROTO;
	else if (!handler)
		err = -EOPNOTSUPP;
	else if (c->row->flags & FSVA_F_NOMOUNT)
		err = fsva_call_handle(c, handler);
	else
		err = fsva_call_mounted(c, handler);

	if (err) {
		atomic64_inc(&stats->errors);
		fsva_wire_rsp_init(&c->rsp, &c->req);
		c->rsp.error = fsva_errno_to_wire(err);
	}
	trace_fsva_back_answer(c);
}
