/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_subr.c: errors by name, vnodes as the wire describes them, and the
 * octets that travel with a call.
 */
#include "fsvavar.h"

/* ---- Errors ---- */

/*
 * This kernel's error as the wire's, by name.  What NetBSD calls by a name
 * that the wire does not have becomes what means the same to a Linux caller;
 * anything else is EIO.
 */
uint32_t
fsva_errno_to_wire(int error)
{

	switch (error) {
	case 0:			return FSVA_OK;
#define	SAME(name)	case name: return FSVA_##name
	SAME(EPERM);	SAME(ENOENT);	SAME(EINTR);	SAME(EIO);
	SAME(ENXIO);	SAME(E2BIG);	SAME(EBADF);	SAME(EAGAIN);
	SAME(ENOMEM);	SAME(EACCES);	SAME(EFAULT);	SAME(EBUSY);
	SAME(EEXIST);	SAME(EXDEV);	SAME(ENODEV);	SAME(ENOTDIR);
	SAME(EISDIR);	SAME(EINVAL);	SAME(ENFILE);	SAME(EMFILE);
	SAME(ENOTTY);	SAME(ETXTBSY);	SAME(EFBIG);	SAME(ENOSPC);
	SAME(ESPIPE);	SAME(EROFS);	SAME(EMLINK);	SAME(ERANGE);
	SAME(EDEADLK);	SAME(ENAMETOOLONG);		SAME(ENOLCK);
	SAME(ENOSYS);	SAME(ENOTEMPTY);		SAME(ELOOP);
	SAME(ENODATA);	SAME(ENOLINK);	SAME(EPROTO);	SAME(EBADMSG);
	SAME(EOVERFLOW);		SAME(EILSEQ);	SAME(EUSERS);
	SAME(EOPNOTSUPP);		SAME(ENOBUFS);	SAME(ETIMEDOUT);
	SAME(ESTALE);	SAME(EDQUOT);	SAME(ECANCELED);
#undef	SAME
#if ENOTSUP != EOPNOTSUPP
	case ENOTSUP:		return FSVA_EOPNOTSUPP;
#endif
#ifdef ENOATTR
	case ENOATTR:		return FSVA_ENODATA;
#endif
#ifdef EFTYPE
	case EFTYPE:		return FSVA_EINVAL;
#endif
#ifdef EAUTH
	case EAUTH:		return FSVA_EACCES;
#endif
#ifdef ERESTART
	case ERESTART:		return FSVA_EINTR;
#endif
	default:		return FSVA_EIO;
	}
}

/* What the codec found wrong, as this kernel's error. */
int
fsva_errno_from_wire(int code)
{

	switch (code) {
	case FSVA_OK:			return 0;
	case FSVA_EINVAL:		return EINVAL;
	case FSVA_ENAMETOOLONG:		return ENAMETOOLONG;
	case FSVA_EOPNOTSUPP:		return EOPNOTSUPP;
	case FSVA_E2BIG:		return E2BIG;
	default:			return EPROTO;
	}
}

/* ---- Attributes ---- */

static void
fsva_time_out(struct fsva_time *t, const struct timespec *ts)
{
	int64_t sec = ts->tv_sec;
	int64_t nsec = ts->tv_nsec;

	/* A damaged disk may hold anything; the wire's have a range. */
	sec += nsec / 1000000000;
	nsec %= 1000000000;
	if (nsec < 0) {
		nsec += 1000000000;
		sec--;
	}
	t->sec = sec;
	t->nsec = (uint32_t)nsec;
}

static uint32_t
fsva_mode_of(enum vtype type)
{

	switch (type) {
	case VREG:	return S_IFREG;
	case VDIR:	return S_IFDIR;
	case VLNK:	return S_IFLNK;
	case VBLK:	return S_IFBLK;
	case VCHR:	return S_IFCHR;
	case VFIFO:	return S_IFIFO;
	case VSOCK:	return S_IFSOCK;
	default:	return 0;
	}
}

static void
fsva_flags_out(const struct vattr *va, struct fsva_attr *a)
{

	if (va->va_flags == (u_long)VNOVAL)
		return;
	a->attributes_mask = FSVA_ATTR_IMMUTABLE | FSVA_ATTR_APPEND |
	    FSVA_ATTR_NODUMP;
	if (va->va_flags & (UF_IMMUTABLE | SF_IMMUTABLE)) {
		a->attributes |= FSVA_ATTR_IMMUTABLE;
		a->flags |= FSVA_INODE_IMMUTABLE;
	}
	if (va->va_flags & (UF_APPEND | SF_APPEND)) {
		a->attributes |= FSVA_ATTR_APPEND;
		a->flags |= FSVA_INODE_APPEND;
	}
	if (va->va_flags & UF_NODUMP)
		a->attributes |= FSVA_ATTR_NODUMP;
}

/*
 * vp: referenced, unlocked; so it is left.
 */
int
fsva_attr_get(struct vnode *vp, kauth_cred_t cred, struct fsva_attr *a)
{
	struct vattr va;
	int error;

	vattr_null(&va);
	vn_lock(vp, LK_SHARED | LK_RETRY);
	error = VOP_GETATTR(vp, &va, cred);
	VOP_UNLOCK(vp);
	if (error)
		return error;
	if (fsva_mode_of(vp->v_type) == 0 || va.va_size > INT64_MAX)
		return EIO;

	memset(a, 0, sizeof(*a));
	a->ino = va.va_fileid;
	a->size = va.va_size;
	a->blocks = va.va_bytes / 512;
	fsva_time_out(&a->atime, &va.va_atime);
	fsva_time_out(&a->mtime, &va.va_mtime);
	fsva_time_out(&a->ctime, &va.va_ctime);
	/* Not set: UFS1 says so by seconds of VNOVAL, LFS by zero. */
	if (va.va_birthtime.tv_sec != VNOVAL && va.va_birthtime.tv_sec != 0) {
		fsva_time_out(&a->btime, &va.va_birthtime);
		a->valid |= FSVA_ATTR_HAS_BTIME;
	}
	a->mode = fsva_mode_of(vp->v_type) | (va.va_mode & 07777);
	a->nlink = va.va_nlink;
	a->uid = va.va_uid;
	a->gid = va.va_gid;
	if (vp->v_type == VBLK || vp->v_type == VCHR) {
		a->rdev_major = major(va.va_rdev) & FSVA_RDEV_MAJOR_MAX;
		a->rdev_minor = minor(va.va_rdev) & FSVA_RDEV_MINOR_MAX;
	}
	a->blksize = 4096;
	if (va.va_blocksize >= 1 && va.va_blocksize <= FSVA_BLKSIZE_MAX)
		a->blksize = (uint32_t)va.va_blocksize;
	if (va.va_gen != (u_long)VNOVAL)
		a->generation = (uint32_t)va.va_gen;
	fsva_flags_out(&va, a);
	return 0;
}

/*
 * What the front has to ask us for.  NetBSD's VFS makes every call of its
 * interface into every file system, so these bits say which of them do more
 * there than the user's VFS does by itself.
 */
uint32_t
fsva_impl(const struct fsva_session *ses, struct vnode *vp)
{
	uint32_t impl = FSVA_IMPL_GETATTR | FSVA_IMPL_DIRTY_INODE;

	if (!ses->s_plain)
		impl |= FSVA_IMPL_PERMISSION;
	if (vp->v_type == VREG || vp->v_type == VDIR)
		impl |= FSVA_IMPL_FSYNC;
	if (vp->v_type == VDIR)
		impl |= FSVA_IMPL_RENAME2;
	return impl;
}

/*
 * An entry for vp, counted as one lookup.  vp: referenced, unlocked; the
 * caller keeps its reference.
 */
int
fsva_entry_fill(struct fsva_call *c, struct vnode *vp, struct fsva_entry *e)
{
	int error;

	error = fsva_attr_get(vp, c->c_cred, &e->attr);
	if (error)
		return error;
	e->impl = fsva_impl(c->c_ses, vp);
	return fsva_handle_add(&c->c_ses->s_handles, vp, e->attr.ino,
	    &e->handle);
}

/* ---- Data ---- */

/* The user's memory of this call as a uio over iov[FSVA_MAX_GREFS]. */
void
fsva_data_uio(struct fsva_call *c, struct uio *uio, struct iovec *iov,
    enum uio_rw rw, off_t offset)
{
	struct fsva_data *d = &c->c_data;

	memcpy(iov, d->d_iov, d->d_iovcnt * sizeof(*iov));
	uio->uio_iov = iov;
	uio->uio_iovcnt = d->d_iovcnt;
	uio->uio_offset = offset;
	uio->uio_resid = c->c_req.data_len;
	uio->uio_rw = rw;
	UIO_SETUP_SYSSPACE(uio);
}

/* What came with the request: copied once, then checked. */
int
fsva_data_in(struct fsva_call *c, const uint8_t **inp)
{
	struct fsva_data *d = &c->c_data;
	uint32_t len = fsva_wire_req_data_in(&c->c_req), done = 0;
	int i, error;

	d->d_insize = len + 1;
	d->d_in = kmem_alloc(d->d_insize, KM_SLEEP);
	for (i = 0; i < d->d_iovcnt && done < len; i++) {
		uint32_t n = MIN(len - done, d->d_iov[i].iov_len);

		memcpy(d->d_in + done, d->d_iov[i].iov_base, n);
		done += n;
	}
	if (done != len)
		return EFAULT;
	__insn_barrier();	/* nobody reads the user's memory again */
	d->d_in[len] = '\0';
	d->d_inlen = len;
	error = fsva_errno_from_wire(
	    fsva_wire_check_req_data(&c->c_req, d->d_in, len));
	*inp = d->d_in;
	return error;
}

void
fsva_data_free(struct fsva_call *c)
{
	struct fsva_data *d = &c->c_data;

	if (d->d_in != NULL)
		kmem_free(d->d_in, d->d_insize);
	d->d_in = NULL;
}

/*
 * Put len octets at the start of the data and count them.  The answer's body
 * is complete but for that; what the front would not take is EIO.
 */
int
fsva_data_out(struct fsva_call *c, const void *buf, uint32_t len)
{
	struct fsva_data *d = &c->c_data;
	uint32_t done = 0;
	int i;

	if (len > c->c_req.data_len)
		return ERANGE;
	c->c_rsp.data_len = len;
	if (fsva_wire_check_rsp_data(&c->c_rsp, buf, len) != FSVA_OK) {
		c->c_rsp.data_len = 0;
		return EIO;
	}
	for (i = 0; i < d->d_iovcnt && done < len; i++) {
		uint32_t n = MIN(len - done, d->d_iov[i].iov_len);

		memcpy(d->d_iov[i].iov_base, (const uint8_t *)buf + done, n);
		done += n;
	}
	return done == len ? 0 : EFAULT;
}
