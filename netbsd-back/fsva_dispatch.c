/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_dispatch.c: one row for each operation that this back does, and what
 * belongs to a session.
 *
 * fsva_call_run() checks a request, makes its data and its caller ready, calls
 * the handler and fills the answer, refusals included.  What has no row is
 * answered "not supported".
 */
#include "fsvavar.h"

static const fsva_handler fsva_handlers[FSVA_OP_MAX] = {
	[FSVA_OP_NULL_CALL] = fsva_op_null_call,
	[FSVA_OP_SESSION] = fsva_op_session,
	[FSVA_OP_CRED_SET] = fsva_op_cred_set,
	[FSVA_OP_INTERRUPT] = fsva_op_interrupt,
	[FSVA_OP_MOUNT] = fsva_op_mount,
	[FSVA_OP_UNMOUNT] = fsva_op_unmount,
	[FSVA_OP_REMOUNT] = fsva_op_remount,
	[FSVA_OP_STATFS] = fsva_op_statfs,
	[FSVA_OP_SYNCFS] = fsva_op_syncfs,
	[FSVA_OP_SHOW_OPTIONS] = fsva_op_show_options,
	[FSVA_OP_LOOKUP] = fsva_op_lookup,
	[FSVA_OP_GETATTR] = fsva_op_getattr,
	[FSVA_OP_SETATTR] = fsva_op_setattr,
	[FSVA_OP_CREATE] = fsva_op_create,
	[FSVA_OP_MKNOD] = fsva_op_mknod,
	[FSVA_OP_MKDIR] = fsva_op_mkdir,
	[FSVA_OP_RMDIR] = fsva_op_rmdir,
	[FSVA_OP_LINK] = fsva_op_link,
	[FSVA_OP_UNLINK] = fsva_op_unlink,
	[FSVA_OP_SYMLINK] = fsva_op_symlink,
	[FSVA_OP_READLINK] = fsva_op_readlink,
	[FSVA_OP_RENAME] = fsva_op_rename,
	[FSVA_OP_PERMISSION] = fsva_op_permission,
	[FSVA_OP_DIRTY_INODE] = fsva_op_dirty_inode,
	[FSVA_OP_WRITE_INODE] = fsva_op_write_inode,
	[FSVA_OP_DENTRY_VALIDATE] = fsva_op_dentry_validate,
	[FSVA_OP_DENTRY_RELEASE] = fsva_op_dentry_release,
	[FSVA_OP_TRUNCATE] = fsva_op_truncate,
	[FSVA_OP_OPEN] = fsva_op_open,
	[FSVA_OP_RELEASE] = fsva_op_release,
	[FSVA_OP_FLUSH] = fsva_op_flush,
	[FSVA_OP_FSYNC] = fsva_op_fsync,
	[FSVA_OP_SEEK] = fsva_op_seek,
	[FSVA_OP_READDIR] = fsva_op_readdir,
	[FSVA_OP_READ] = fsva_op_read,
	[FSVA_OP_WRITE] = fsva_op_write,
	[FSVA_OP_FADVISE] = fsva_op_fadvise,
};

/* ---- Responses kept ---- */

static struct fsva_replay *
fsva_replay_of(struct fsva_session *ses, u_int queue, u_int tag)
{

	return &ses->s_replay[queue * ses->s_nslots + tag];
}

int
fsva_replay_begin(struct fsva_session *ses, u_int queue,
    const struct fsva_req *req, struct fsva_rsp *rsp)
{
	struct fsva_replay *r = fsva_replay_of(ses, queue, req->tag);

	if (req->id == 0 || req->id < r->r_id)
		return EPROTO;
	if (req->id > r->r_id)
		return 0;
	/* The last one again: only when it says that it is. */
	if ((req->flags & FSVA_REQ_RESENT) == 0)
		return EPROTO;
	if (!r->r_kept)
		return 0;
	if (r->r_rsp.op != req->op)
		return EPROTO;
	*rsp = r->r_rsp;
	rsp->flags |= FSVA_RSP_REPLAYED;
	return -1;
}

void
fsva_replay_end(struct fsva_session *ses, u_int queue,
    const struct fsva_rsp *rsp)
{
	struct fsva_replay *r = fsva_replay_of(ses, queue, rsp->tag);
	const struct fsva_wire_op *row = fsva_wire_op(rsp->op);

	r->r_id = rsp->id;
	/* An answer whose data went out can only be had by asking again. */
	r->r_kept = row != NULL && (row->flags & FSVA_F_IDEM) == 0 &&
	    ((row->flags & FSVA_F_DATA_OUT) == 0 || rsp->data_len == 0);
	if (r->r_kept) {
		r->r_rsp = *rsp;
		r->r_rsp.flags &= ~FSVA_RSP_REPLAYED;
	}
}

/* ---- The session ---- */

struct fsva_session *
fsva_session_create(const struct fsva_source *src, u_int nqueues, u_int nslots)
{
	struct fsva_session *ses;

	ses = kmem_zalloc(sizeof(*ses), KM_SLEEP);
	ses->s_src = src;
	ses->s_nqueues = nqueues;
	ses->s_nslots = nslots;
	ses->s_replay = kmem_zalloc(nqueues * nslots * sizeof(*ses->s_replay),
	    KM_SLEEP);
	mutex_init(&ses->s_lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&ses->s_cv, "fsvases");
	fsva_creds_init(&ses->s_creds);
	(void)fsva_handles_init(&ses->s_handles, FSVA_MAX_HANDLES,
	    fsva_vfs_maxpinned());
	(void)fsva_files_init(&ses->s_files, FSVA_MAX_FILES);
	return ses;
}

/* The front is gone: no mount any more. */
void
fsva_session_close(struct fsva_session *ses)
{

	mutex_enter(&ses->s_lock);
	ses->s_closing = true;
	mutex_exit(&ses->s_lock);
}

/* No call runs any more.  Closes files, drops handles, unmounts. */
void
fsva_session_free(struct fsva_session *ses)
{
	int error;

	fsva_session_close(ses);
	error = fsva_session_unmount(ses);
	if (error && error != ENODEV)
		printf("%s: cannot be unmounted: error %d\n",
		    ses->s_src->src_name, error);
	fsva_files_fini(&ses->s_files);
	fsva_handles_fini(&ses->s_handles);
	fsva_creds_fini(&ses->s_creds);
	cv_destroy(&ses->s_cv);
	mutex_destroy(&ses->s_lock);
	kmem_free(ses->s_replay, ses->s_nqueues * ses->s_nslots *
	    sizeof(*ses->s_replay));
	kmem_free(ses, sizeof(*ses));
}

static bool
fsva_mount_enter(struct fsva_session *ses)
{
	bool ok;

	mutex_enter(&ses->s_lock);
	ok = ses->s_state == FSVA_MOUNTED;
	if (ok)
		ses->s_users++;
	mutex_exit(&ses->s_lock);
	return ok;
}

static void
fsva_mount_exit(struct fsva_session *ses)
{

	mutex_enter(&ses->s_lock);
	if (--ses->s_users == 0)
		cv_broadcast(&ses->s_cv);
	mutex_exit(&ses->s_lock);
}

/* ---- Calls ---- */

/* What an answer gave to the front, when the front will not hear of it. */
static void
fsva_answer_undo(struct fsva_call *c)
{
	const void *body = c->c_rsp.body;
	uint64_t handle = 0, fh = 0;

	switch (c->c_req.op) {
	case FSVA_OP_LOOKUP:
		handle = ((const struct fsva_lookup_rsp *)body)->entry.handle;
		break;
	case FSVA_OP_CREATE:
	case FSVA_OP_MKNOD:
	case FSVA_OP_MKDIR:
	case FSVA_OP_LINK:
	case FSVA_OP_SYMLINK:
		handle = ((const struct fsva_create_rsp *)body)->entry.handle;
		fh = ((const struct fsva_create_rsp *)body)->fh;
		break;
	case FSVA_OP_OPEN:
		fh = ((const struct fsva_open_rsp *)body)->fh;
		break;
	case FSVA_OP_MOUNT:
		(void)fsva_session_unmount(c->c_ses);
		return;
	}
	if (fh != 0)
		(void)fsva_file_release(&c->c_ses->s_files, fh);
	if (handle != 0)
		(void)fsva_handle_release(&c->c_ses->s_handles, handle, 1);
}

/*
 * An answer that the front would not take costs it the connection, and may
 * come of nothing worse than a damaged disk: then this one call fails.
 */
static int
fsva_answer_check(struct fsva_call *c)
{

	if (fsva_wire_check_rsp(&c->c_rsp, &c->c_req) == FSVA_OK)
		return 0;
	fsva_answer_undo(c);
	return EIO;
}

static int
fsva_call_handle(struct fsva_call *c, fsva_handler handler)
{
	int error;

	error = fsva_cred_get(&c->c_ses->s_creds, c->c_req.cred, &c->c_cred);
	if (error)
		return error;
	c->c_data.d_in = NULL;
	error = fsva_data_map(c);
	if (!error) {
		error = (*handler)(c, c->c_req.body, c->c_rsp.body);
		if (!error)
			error = fsva_answer_check(c);
		fsva_data_free(c);
		fsva_data_unmap(c);
	}
	kauth_cred_free(c->c_cred);
	return error;
}

/* Run c_req and fill c_rsp. */
void
fsva_call_run(struct fsva_call *c)
{
	struct fsva_session *ses = c->c_ses;
	fsva_handler handler;
	uint64_t id;
	int error;

	(void)fsva_wire_rsp_init(&c->c_rsp, &c->c_req);
	error = fsva_wire_check_req(&c->c_req, ses->s_nslots, FSVA_NR_CREDS);
	if (error != FSVA_OK) {
		c->c_rsp.error = error;
		return;
	}
	c->c_row = fsva_wire_op(c->c_req.op);
	handler = fsva_handlers[c->c_req.op];
	mutex_enter(&ses->s_lock);
	id = ses->s_id;
	mutex_exit(&ses->s_lock);

	if (id == 0 && (c->c_req.op != FSVA_OP_SESSION || c->c_queue != 0))
		error = EPROTO;
	else if (handler == NULL)
		error = EOPNOTSUPP;
	else if (c->c_req.data_len > FSVA_MAX_DATA)
		error = EPROTO;
	else if (c->c_row->flags & FSVA_F_NOMOUNT)
		error = fsva_call_handle(c, handler);
	else if (!fsva_mount_enter(ses))
		error = ENODEV;
	else {
		error = fsva_call_handle(c, handler);
		fsva_mount_exit(ses);
	}
	if (error) {
		(void)fsva_wire_rsp_init(&c->c_rsp, &c->c_req);
		c->c_rsp.error = fsva_errno_to_wire(error);
	}
}
