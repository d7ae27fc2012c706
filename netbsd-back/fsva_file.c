/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_file.c: handlers of open files.
 *
 * A file is a vnode that was opened; there is no file descriptor and no
 * offset.  Contents go between the page cache and the user's mapped pages by
 * VOP_READ and VOP_WRITE, in one copy.
 */
#include "fsvavar.h"

#define FSVA_READDIR_MAX	65536u	/* octets of one answer */
#define FSVA_READDIR_CHUNK	8192u	/* of one VOP_READDIR */
#define FSVA_READDIR_CALLS	256	/* of it: a directory must end */

/* ---- Open and close ---- */

/*
 * Open vp under a name of its own.
 *
 * vp: referenced, unlocked; so it is left.  It is locked over VOP_OPEN, and
 * the open file takes a reference of its own.
 */
int
fsva_open(struct fsva_call *c, struct vnode *vp, uint32_t wire, uint64_t *fh)
{
	int flags, error;

	if (vp->v_type != VREG && vp->v_type != VDIR)
		return ENXIO;		/* devices are the user's kernel's */
	switch (wire & FSVA_O_ACCMODE) {
	case 0:		flags = FREAD; break;
	case 1:		flags = FWRITE; break;
	default:	flags = FREAD | FWRITE; break;
	}
	if (vp->v_type == VDIR && (flags & FWRITE) != 0)
		return EISDIR;
	if (vp->v_type != VDIR && (wire & FSVA_O_DIRECTORY) != 0)
		return ENOTDIR;

	vn_lock(vp, LK_EXCLUSIVE | LK_RETRY);
	error = (flags & FWRITE) != 0 ? vn_writechk(vp) : 0;
	if (!error)
		error = VOP_OPEN(vp, flags, c->c_cred);
	if (!error && (flags & FWRITE) != 0) {
		mutex_enter(vp->v_interlock);
		vp->v_writecount++;
		mutex_exit(vp->v_interlock);
	}
	VOP_UNLOCK(vp);
	if (error)
		return error;
	vref(vp);
	error = fsva_file_add(&c->c_ses->s_files, vp, flags, fh);
	if (error)
		(void)vn_close(vp, flags, c->c_cred);
	return error;
}

FSVA_HANDLER(open)
{
	const struct fsva_open_req *r = in;
	struct fsva_open_rsp *rsp = out;
	struct vnode *vp;
	int error;

	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	error = fsva_attr_get(vp, c->c_cred, &rsp->attr);
	if (!error)
		error = fsva_open(c, vp, r->flags, &rsp->fh);
	rsp->impl = fsva_impl(c->c_ses, vp);
	vrele(vp);
	return error;
}

FSVA_HANDLER(release)
{
	const struct fsva_release_req *r = in;

	return fsva_file_release(&c->c_ses->s_files, r->fh);
}

/* What needs no more than that the file is open. */
static int
fsva_file_check(struct fsva_call *c, uint64_t fh)
{
	struct fsva_file *f;
	int error;

	error = fsva_file_get(&c->c_ses->s_files, fh, &f);
	if (!error)
		fsva_file_put(&c->c_ses->s_files, f);
	return error;
}

/* No file system of NetBSD's is told of close(2) of one descriptor. */
FSVA_HANDLER(flush)
{
	const struct fsva_flush_req *r = in;

	return fsva_file_check(c, r->fh);
}

/* The vnode is locked over VOP_FSYNC. */
FSVA_HANDLER(fsync)
{
	const struct fsva_fsync_req *r = in;
	struct fsva_file *f;
	int flags = FSYNC_WAIT, error;

	error = fsva_file_get(&c->c_ses->s_files, r->fh, &f);
	if (error)
		return error;
	if (r->datasync)
		flags |= FSYNC_DATAONLY;
	vn_lock(f->f_vp, LK_EXCLUSIVE | LK_RETRY);
	error = VOP_FSYNC(f->f_vp, c->c_cred, flags, 0, 0);
	VOP_UNLOCK(f->f_vp);
	fsva_file_put(&c->c_ses->s_files, f);
	return error;
}

/* Positions are the front's: only the end needs us.  No holes are told. */
FSVA_HANDLER(seek)
{
	const struct fsva_seek_req *r = in;
	struct fsva_seek_rsp *rsp = out;
	struct fsva_attr a;
	struct fsva_file *f;
	int64_t base = 0;
	int error;

	error = fsva_file_get(&c->c_ses->s_files, r->fh, &f);
	if (error)
		return error;
	error = fsva_attr_get(f->f_vp, c->c_cred, &a);
	fsva_file_put(&c->c_ses->s_files, f);
	if (error)
		return error;
	switch (r->whence) {
	case FSVA_SEEK_SET:
		break;
	case FSVA_SEEK_END:
		base = a.size;
		break;
	case FSVA_SEEK_DATA:
	case FSVA_SEEK_HOLE:
		if (r->offset < 0 || (uint64_t)r->offset >= a.size)
			return ENXIO;
		rsp->offset = r->whence == FSVA_SEEK_DATA ? r->offset :
		    (int64_t)a.size;
		return 0;
	default:
		return EINVAL;
	}
	if (r->offset > INT64_MAX - base || base + r->offset < 0)
		return EINVAL;
	rsp->offset = base + r->offset;
	return 0;
}

/* ---- Directories ---- */

/* An answer of READDIR that grows. */
struct fsva_listing {
	uint8_t *l_buf;
	uint32_t l_size, l_pos, l_nr;
	uint64_t l_next;		/* after the last entry that went in */
	bool l_full;
};

static uint8_t
fsva_dirent_type(uint8_t type)
{

	switch (type) {
	case DT_FIFO:	return 1;
	case DT_CHR:	return 2;
	case DT_DIR:	return 4;
	case DT_BLK:	return 6;
	case DT_REG:	return 8;
	case DT_LNK:	return 10;
	case DT_SOCK:	return 12;
	case DT_WHT:	return 14;
	default:	return 0;
	}
}

/*
 * Add len octets of struct dirent, the i-th of which ends at cookies[i].  What
 * is free, or has no proper name (on a damaged disk), is passed over.
 */
static int
fsva_listing_add(struct fsva_listing *l, const uint8_t *buf, size_t len,
    const off_t *cookies, int ncookies)
{
	const struct dirent *d;
	size_t pos = 0;
	int i;

	for (i = 0; i < ncookies && pos < len; i++) {
		d = (const struct dirent *)(const void *)(buf + pos);
		if (len - pos < offsetof(struct dirent, d_name) ||
		    d->d_reclen == 0 || d->d_reclen > len - pos ||
		    offsetof(struct dirent, d_name) + d->d_namlen >
		    d->d_reclen)
			return EIO;
		pos += d->d_reclen;
		if (d->d_fileno != 0 && d->d_namlen <= FSVA_NAME_MAX &&
		    fsva_wire_check_component(d->d_name, d->d_namlen) ==
		    FSVA_OK) {
			if (!fsva_wire_dirent_put(l->l_buf, l->l_size,
			    &l->l_pos, d->d_fileno, cookies[i],
			    fsva_dirent_type(d->d_type), d->d_name,
			    d->d_namlen)) {
				l->l_full = true;
				return 0;
			}
			l->l_nr++;
		}
		l->l_next = cookies[i];
	}
	return 0;
}

/*
 * One VOP_READDIR from l_next on.  vp: referenced; locked over the call.
 */
static int
fsva_listing_read(struct fsva_call *c, struct fsva_listing *l,
    struct vnode *vp, uint8_t *buf, bool *eof)
{
	off_t *cookies = NULL;
	int eofflag = 0, ncookies = 0, error;
	struct iovec iov;
	struct uio uio;
	size_t len;

	iov.iov_base = buf;
	iov.iov_len = FSVA_READDIR_CHUNK;
	uio.uio_iov = &iov;
	uio.uio_iovcnt = 1;
	uio.uio_offset = l->l_next;
	uio.uio_resid = FSVA_READDIR_CHUNK;
	uio.uio_rw = UIO_READ;
	UIO_SETUP_SYSSPACE(&uio);
	vn_lock(vp, LK_SHARED | LK_RETRY);
	error = VOP_READDIR(vp, &uio, c->c_cred, &eofflag, &cookies,
	    &ncookies);
	VOP_UNLOCK(vp);
	len = FSVA_READDIR_CHUNK - uio.uio_resid;
	if (!error && len == 0)
		*eof = true;
	else if (!error && cookies == NULL)
		error = EOPNOTSUPP;	/* it has none: no place to go on at */
	else if (!error) {
		error = fsva_listing_add(l, buf, len, cookies, ncookies);
		if (!l->l_full && eofflag)
			*eof = true;
	}
	if (cookies != NULL)
		free(cookies, M_TEMP);
	return error;
}

/*
 * Cookies are the file system's own offsets; a file system that is asked for
 * one that it never gave says EINVAL, as it does to clients of NFS.
 */
FSVA_HANDLER(readdir)
{
	const struct fsva_readdir_req *r = in;
	struct fsva_readdir_rsp *rsp = out;
	struct fsva_listing l;
	struct fsva_file *f;
	uint64_t before;
	uint8_t *buf;
	bool eof = false;
	int calls, error;

	if (r->cookie > INT64_MAX)
		return EINVAL;
	error = fsva_file_get(&c->c_ses->s_files, r->fh, &f);
	if (error)
		return error;
	if (f->f_vp->v_type != VDIR) {
		fsva_file_put(&c->c_ses->s_files, f);
		return ENOTDIR;
	}
	memset(&l, 0, sizeof(l));
	l.l_size = MIN(c->c_req.data_len, FSVA_READDIR_MAX);
	l.l_next = r->cookie;
	l.l_buf = kmem_zalloc(FSVA_READDIR_MAX, KM_SLEEP);
	buf = kmem_zalloc(FSVA_READDIR_CHUNK, KM_SLEEP);

	for (calls = 0; !error && !eof && !l.l_full; calls++) {
		before = l.l_next;
		error = fsva_listing_read(c, &l, f->f_vp, buf, &eof);
		/* One that does not get on is damaged. */
		if (!error && !eof && !l.l_full && (l.l_next == before ||
		    calls == FSVA_READDIR_CALLS))
			error = EIO;
	}
	if (l.l_nr != 0)
		error = 0;	/* first what there is */
	else if (!error && l.l_full)
		error = EINVAL;	/* no room for one */
	if (!error) {
		rsp->next = l.l_next;
		rsp->nr = l.l_nr;
		rsp->eof = eof && !l.l_full;
		error = fsva_data_out(c, l.l_buf, l.l_pos);
	}
	kmem_free(buf, FSVA_READDIR_CHUNK);
	kmem_free(l.l_buf, FSVA_READDIR_MAX);
	fsva_file_put(&c->c_ses->s_files, f);
	return error;
}

/* ---- Contents ---- */

static int
fsva_rw_check(const struct fsva_read_req *r, const struct fsva_file *f)
{

	if (f->f_vp->v_type != VREG)
		return EISDIR;
	if (r->flags & FSVA_RW_NOWAIT)
		return EOPNOTSUPP;
	if (r->flags & FSVA_RW_DIRECT)
		return EINVAL;
	return 0;
}

/*
 * The vnode is locked, shared, over VOP_READ.  The user's page cache reads
 * the rest of a page also where the file was opened for writing only.
 */
FSVA_HANDLER(read)
{
	const struct fsva_read_req *r = in;
	struct fsva_read_rsp *rsp = out;
	struct iovec iov[FSVA_MAX_GREFS];
	struct fsva_file *f;
	struct fsva_attr a;
	struct uio uio;
	int error;

	error = fsva_file_get(&c->c_ses->s_files, r->fh, &f);
	if (error)
		return error;
	error = fsva_rw_check(r, f);
	if (!error && (f->f_flags & FREAD) == 0 &&
	    (r->flags & FSVA_RW_PAGE) == 0)
		error = EBADF;
	if (!error) {
		fsva_data_uio(c, &uio, iov, UIO_READ, r->offset);
		vn_lock(f->f_vp, LK_SHARED | LK_RETRY);
		error = VOP_READ(f->f_vp, &uio, 0, c->c_cred);
		VOP_UNLOCK(f->f_vp);
	}
	if (!error)
		error = fsva_attr_get(f->f_vp, c->c_cred, &a);
	if (!error) {
		rsp->size = a.size;
		c->c_rsp.data_len = c->c_req.data_len - uio.uio_resid;
	}
	fsva_file_put(&c->c_ses->s_files, f);
	return error;
}

/*
 * The vnode is locked over VOP_WRITE.  With an error after some octets went
 * in, the answer is how many; the next call meets the error.
 */
FSVA_HANDLER(write)
{
	const struct fsva_write_req *r = in;
	struct fsva_write_rsp *rsp = out;
	struct iovec iov[FSVA_MAX_GREFS];
	struct fsva_file *f;
	struct uio uio;
	uint32_t done = 0;
	int ioflag = 0, error;

	error = fsva_file_get(&c->c_ses->s_files, r->fh, &f);
	if (error)
		return error;
	error = fsva_rw_check(r, f);
	if (!error && (f->f_flags & FWRITE) == 0)
		error = EBADF;
	if (!error) {
		if (r->flags & FSVA_RW_APPEND)
			ioflag |= IO_APPEND;
		if (r->flags & FSVA_RW_SYNC)
			ioflag |= IO_SYNC;
		else if (r->flags & FSVA_RW_DSYNC)
			ioflag |= IO_DSYNC;
		fsva_data_uio(c, &uio, iov, UIO_WRITE,
		    r->flags & FSVA_RW_APPEND ? 0 : r->offset);
		vn_lock(f->f_vp, LK_EXCLUSIVE | LK_RETRY);
		error = VOP_WRITE(f->f_vp, &uio, ioflag, c->c_cred);
		VOP_UNLOCK(f->f_vp);
		done = c->c_req.data_len - uio.uio_resid;
		if (done != 0)
			error = 0;
	}
	if (!error)
		error = fsva_attr_get(f->f_vp, c->c_cred, &rsp->attr);
	if (!error) {
		c->c_rsp.data_len = done;
		rsp->offset = uio.uio_offset - done;
	}
	fsva_file_put(&c->c_ses->s_files, f);
	return error;
}

/* A hint that NetBSD keeps per descriptor; there is none here. */
FSVA_HANDLER(fadvise)
{
	const struct fsva_fadvise_req *r = in;

	return fsva_file_check(c, r->fh);
}
