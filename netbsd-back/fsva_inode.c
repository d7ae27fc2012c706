/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_inode.c: handlers about an inode that needs no name and no open file.
 */
#include "fsvavar.h"

/* The vnode is referenced over the call and locked by fsva_attr_get. */
FSVA_HANDLER(getattr)
{
	const struct fsva_getattr_req *r = in;
	struct fsva_getattr_rsp *rsp = out;
	struct vnode *vp;
	int error;

	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	error = fsva_attr_get(vp, c->c_cred, &rsp->attr);
	if (!error)
		rsp->impl = fsva_impl(c->c_ses, vp);
	vrele(vp);
	return error;
}

/* ---- Changing attributes ---- */

static void
fsva_time_in(struct timespec *ts, const struct fsva_time *t)
{

	ts->tv_sec = t->sec;
	ts->tv_nsec = t->nsec;
}

static void
fsva_now(struct timespec *ts)
{

	getnanotime(ts);
}

/*
 * What of the wire's request the file system is to do; va_mode is set when
 * bits are to be killed, from the mode that vp has.
 */
static int
fsva_vattr_set(struct fsva_call *c, struct vnode *vp,
    const struct fsva_setattr_req *r, struct vattr *va)
{
	struct vattr now;
	int error;

	vattr_null(va);
	if (r->valid & FSVA_SET_MODE)
		va->va_mode = r->mode & 07777;
	if (r->valid & FSVA_SET_UID)
		va->va_uid = r->uid;
	if (r->valid & FSVA_SET_GID)
		va->va_gid = r->gid;
	if (r->valid & FSVA_SET_SIZE)
		va->va_size = r->size;
	if (r->valid & FSVA_SET_ATIME) {
		if (r->valid & FSVA_SET_ATIME_VALUE)
			fsva_time_in(&va->va_atime, &r->atime);
		else
			fsva_now(&va->va_atime);
	}
	if (r->valid & FSVA_SET_MTIME) {
		if (r->valid & FSVA_SET_MTIME_VALUE)
			fsva_time_in(&va->va_mtime, &r->mtime);
		else
			fsva_now(&va->va_mtime);
	}
	if (r->valid & FSVA_SET_TOUCH)
		va->va_vaflags |= VA_UTIMES_NULL;
	if ((r->valid & (FSVA_SET_KILL_SUID | FSVA_SET_KILL_SGID)) == 0)
		return 0;
	if (r->valid & FSVA_SET_MODE)
		return EINVAL;
	vattr_null(&now);
	error = VOP_GETATTR(vp, &now, c->c_cred);
	if (error)
		return error;
	va->va_mode = now.va_mode & 07777;
	if (r->valid & FSVA_SET_KILL_SUID)
		va->va_mode &= ~S_ISUID;
	if (r->valid & FSVA_SET_KILL_SGID)
		va->va_mode &= ~S_ISGID;
	if (va->va_mode == (now.va_mode & 07777))
		va->va_mode = (mode_t)VNOVAL;
	return 0;
}

/* Is there anything in it for VOP_SETATTR? */
static bool
fsva_vattr_empty(const struct vattr *va)
{

	return va->va_mode == (mode_t)VNOVAL && va->va_uid == (uid_t)VNOVAL &&
	    va->va_gid == (gid_t)VNOVAL && va->va_size == (u_quad_t)VNOVAL &&
	    va->va_atime.tv_sec == VNOVAL && va->va_mtime.tv_sec == VNOVAL;
}

/*
 * VOP_SETATTR with both times or none: LFS takes a time that is not given for
 * one when it has another to write.  vp: locked exclusively; so it stays.
 */
static int
fsva_setattr_times(struct vnode *vp, struct vattr *va, kauth_cred_t cred)
{
	bool atime = va->va_atime.tv_sec != VNOVAL;
	bool mtime = va->va_mtime.tv_sec != VNOVAL;
	struct vattr now;
	int error;

	if (atime != mtime) {
		vattr_null(&now);
		error = VOP_GETATTR(vp, &now, cred);
		if (error)
			return error;
		if (!atime)
			va->va_atime = now.va_atime;
		else
			va->va_mtime = now.va_mtime;
	}
	return VOP_SETATTR(vp, va, cred);
}

/*
 * vp is locked exclusively over VOP_SETATTR.  A change of size and one of
 * times are two calls: some file systems set the times first.
 */
static int
fsva_setattr(struct fsva_call *c, struct vnode *vp,
    const struct fsva_setattr_req *r)
{
	struct vattr va, size;
	int error;

	if ((r->valid & FSVA_SET_SIZE) != 0 && vp->v_type != VREG)
		return vp->v_type == VDIR ? EISDIR : EINVAL;
	if (fsva_vfs_rdonly(c->c_ses->s_mp))
		return EROFS;
	vn_lock(vp, LK_EXCLUSIVE | LK_RETRY);
	error = fsva_vattr_set(c, vp, r, &va);
	if (!error && (r->valid & FSVA_SET_SIZE) != 0) {
		vattr_null(&size);
		size.va_size = va.va_size;
		va.va_size = (u_quad_t)VNOVAL;
		error = VOP_SETATTR(vp, &size, c->c_cred);
	}
	if (!error && !fsva_vattr_empty(&va))
		error = fsva_setattr_times(vp, &va, c->c_cred);
	VOP_UNLOCK(vp);
	return error;
}

static int
fsva_setattr_answer(struct fsva_call *c, struct vnode *vp,
    struct fsva_getattr_rsp *rsp)
{
	int error;

	error = fsva_attr_get(vp, c->c_cred, &rsp->attr);
	if (!error)
		rsp->impl = fsva_impl(c->c_ses, vp);
	return error;
}

/* References of the vnode, and of the open file that is named. */
FSVA_HANDLER(setattr)
{
	const struct fsva_setattr_req *r = in;
	struct fsva_session *ses = c->c_ses;
	struct fsva_file *f = NULL;
	struct vnode *vp;
	int error;

	if (r->valid == 0)
		return EINVAL;
	error = fsva_handle_get(&ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	if (r->fh != 0) {
		error = fsva_file_get(&ses->s_files, r->fh, &f);
		if (error)
			goto out;
		if (f->f_vp != vp)
			error = EINVAL;
		else if ((r->valid & FSVA_SET_SIZE) != 0 &&
		    (f->f_flags & FWRITE) == 0)
			error = EBADF;
	}
	if (!error)
		error = fsva_setattr(c, vp, r);
	if (!error)
		error = fsva_setattr_answer(c, vp, out);
	if (f != NULL)
		fsva_file_put(&ses->s_files, f);
out:
	vrele(vp);
	return error;
}

FSVA_HANDLER(truncate)
{
	const struct fsva_truncate_req *r = in;
	struct fsva_setattr_req set;
	struct vnode *vp;
	int error;

	memset(&set, 0, sizeof(set));
	set.valid = FSVA_SET_SIZE;
	set.size = r->size;
	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	error = fsva_setattr(c, vp, &set);
	if (!error)
		error = fsva_setattr_answer(c, vp, out);
	vrele(vp);
	return error;
}

/*
 * Times that the user's VFS has given an inode, under the appliance's own
 * identity, for nobody asked for it.  The time of change is this kernel's.
 */
FSVA_HANDLER(dirty_inode)
{
	const struct fsva_dirty_inode_req *r = in;
	struct fsva_session *ses = c->c_ses;
	kauth_cred_t own;
	struct vnode *vp;
	struct vattr va;
	int error;

	error = fsva_handle_get(&ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	if (fsva_vfs_rdonly(ses->s_mp)) {
		vrele(vp);
		return EROFS;
	}
	error = fsva_cred_get(&ses->s_creds, 0, &own);
	if (error) {
		vrele(vp);
		return error;
	}
	vattr_null(&va);
	if (r->valid & FSVA_SET_ATIME)
		fsva_time_in(&va.va_atime, &r->atime);
	if (r->valid & FSVA_SET_MTIME)
		fsva_time_in(&va.va_mtime, &r->mtime);
	vn_lock(vp, LK_EXCLUSIVE | LK_RETRY);
	if (!fsva_vattr_empty(&va))
		error = fsva_setattr_times(vp, &va, own);
	VOP_UNLOCK(vp);
	kauth_cred_free(own);
	vrele(vp);
	return error;
}

/* The inode, and with it what else of the file is dirty. */
FSVA_HANDLER(write_inode)
{
	const struct fsva_write_inode_req *r = in;
	struct vnode *vp;
	int error;

	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	vn_lock(vp, LK_EXCLUSIVE | LK_RETRY);
	error = VOP_FSYNC(vp, c->c_cred, r->wait ? FSYNC_WAIT : 0, 0, 0);
	VOP_UNLOCK(vp);
	vrele(vp);
	return error;
}

/* vp is locked over VOP_READLINK. */
FSVA_HANDLER(readlink)
{
	const struct fsva_readlink_req *r = in;
	struct iovec iov;
	struct uio uio;
	struct vnode *vp;
	char *buf;
	int error;

	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	if (vp->v_type != VLNK) {
		vrele(vp);
		return EINVAL;
	}
	buf = kmem_zalloc(FSVA_PATH_MAX, KM_SLEEP);
	iov.iov_base = buf;
	iov.iov_len = FSVA_PATH_MAX;
	uio.uio_iov = &iov;
	uio.uio_iovcnt = 1;
	uio.uio_offset = 0;
	uio.uio_resid = FSVA_PATH_MAX;
	uio.uio_rw = UIO_READ;
	UIO_SETUP_SYSSPACE(&uio);
	vn_lock(vp, LK_SHARED | LK_RETRY);
	error = VOP_READLINK(vp, &uio, c->c_cred);
	VOP_UNLOCK(vp);
	if (!error)
		error = fsva_data_out(c, buf, FSVA_PATH_MAX - uio.uio_resid);
	kmem_free(buf, FSVA_PATH_MAX);
	vrele(vp);
	return error;
}

/* vp is locked over VOP_ACCESS, which is asked about the caller as it is. */
FSVA_HANDLER(permission)
{
	const struct fsva_permission_req *r = in;
	struct vnode *vp;
	int mode = 0, error;

	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	if (r->mask & FSVA_MAY_EXEC)
		mode |= VEXEC;
	if (r->mask & (FSVA_MAY_WRITE | FSVA_MAY_APPEND))
		mode |= VWRITE;
	if (r->mask & FSVA_MAY_READ)
		mode |= VREAD;
	vn_lock(vp, LK_EXCLUSIVE | LK_RETRY);
	error = mode != 0 ? fsva_kauth_access(vp, mode, c->c_cred) : 0;
	VOP_UNLOCK(vp);
	vrele(vp);
	return error;
}
