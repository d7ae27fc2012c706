/* SPDX-License-Identifier: BSD-2-Clause */
/* shim.c: vnodes over the files below shim_root; see shim.h. */
#include <fcntl.h>
#include <dirent.h>
#include <ftw.h>
#include <unistd.h>
#include "fsvavar.h"
#undef dirent
#undef statvfs

char shim_root[64];
u_int shim_maxpinned = 1000;
int shim_mounts, shim_ncreds;
char shim_options[512];
static LIST_HEAD(, vnode) vnodes = LIST_HEAD_INITIALIZER(vnodes);

void
shim_check(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

size_t
shim_strlcpy(char *d, const char *s, size_t n)
{
	snprintf(d, n, "%s", s);
	return strlen(s);
}

size_t
shim_strlcat(char *d, const char *s, size_t n)
{
	size_t l = strlen(d);

	snprintf(d + l, n - l, "%s", s);
	return l + strlen(s);
}

/* ---- Credentials ---- */

kauth_cred_t
kauth_cred_alloc(void)
{
	kauth_cred_t c = calloc(1, sizeof(*c));

	c->refs = 1;
	shim_ncreds++;
	return c;
}

void
kauth_cred_free(kauth_cred_t c)
{
	KASSERT(c->refs > 0);
	if (--c->refs == 0) {
		shim_ncreds--;
		free(c);
	}
}

int
kauth_cred_setgroups(kauth_cred_t c, const gid_t *g, size_t n, int uid, int seg)
{
	KASSERT(n <= NGROUPS);
	(void)uid;
	(void)seg;
	c->ngroups = n;
	for (size_t i = 0; i < n; i++)
		c->groups[i] = g[i];
	return 0;
}

void
fsva_kauth_mark(kauth_cred_t c, uint64_t caps)
{
	c->caps = caps;
}

int
fsva_kauth_access(struct vnode *vp, int mode, kauth_cred_t c)
{
	struct vattr va;
	int shift;

	KASSERT(vp->lock == LK_EXCLUSIVE);
	VOP_GETATTR(vp, &va, c);
	shift = c->uid == va.va_uid ? 0 : c->gid == va.va_gid ? 3 : 6;
	return ((va.va_mode << shift) & mode) == (mode_t)mode ? 0 : EACCES;
}

/* ---- Vnodes ---- */

int
shim_vnodes(void)
{
	struct vnode *vp;
	int n = 0;

	LIST_FOREACH(vp, &vnodes, link) {
		KASSERT(vp->lock == 0);
		n++;
	}
	return n;
}

static void
is_live(struct vnode *vp)
{
	KASSERT(vp != NULL && vp->refs > 0);
}

void
vref(struct vnode *vp)
{
	is_live(vp);
	vp->refs++;
}

void
vrele(struct vnode *vp)
{
	is_live(vp);
	if (--vp->refs > 0)
		return;
	KASSERT(vp->lock == 0 && vp->opens == 0 && vp->v_writecount == 0);
	LIST_REMOVE(vp, link);
	close(vp->fd);
	free(vp);
}

int
vn_lock(struct vnode *vp, int how)
{
	is_live(vp);
	KASSERT(vp->lock == 0);		/* one thread: it would wait for itself */
	vp->lock = how & ~LK_RETRY;
	return 0;
}

void
VOP_UNLOCK(struct vnode *vp)
{
	is_live(vp);
	KASSERT(vp->lock != 0);
	vp->lock = 0;
}

void
vput(struct vnode *vp)
{
	VOP_UNLOCK(vp);
	vrele(vp);
}

static enum vtype
type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return VREG;
	case S_IFDIR: return VDIR;
	case S_IFLNK: return VLNK;
	case S_IFBLK: return VBLK;
	case S_IFCHR: return VCHR;
	case S_IFIFO: return VFIFO;
	default: return VSOCK;
	}
}

/* A reference of the vnode of name in dir. */
static int
vget(struct mount *mp, int dir, const char *name, struct vnode **vpp)
{
	struct vnode *vp;
	struct stat st;
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW);

	if (fd < 0)
		return errno;
	fstat(fd, &st);
	LIST_FOREACH(vp, &vnodes, link) {
		if (vp->ino == st.st_ino) {
			close(fd);
			vp->refs++;
			*vpp = vp;
			return 0;
		}
	}
	vp = calloc(1, sizeof(*vp));
	vp->fd = fd;
	vp->ino = st.st_ino;
	vp->refs = 1;
	vp->v_type = type_of(st.st_mode);
	vp->v_mount = mp;
	vp->v_interlock = &vp->interlock;
	LIST_INSERT_HEAD(&vnodes, vp, link);
	*vpp = vp;
	return 0;
}

/* The file of a vnode, opened. */
static int
reopen(struct vnode *vp, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", vp->fd);
	return open(path, flags);
}

static void
is_dir(struct vnode *dvp, struct componentname *cnp)
{
	is_live(dvp);
	KASSERT(dvp->v_type == VDIR && dvp->lock == LK_EXCLUSIVE);
	KASSERT((cnp->cn_flags & ISLASTCN) != 0);
	KASSERT(cnp->cn_namelen == strlen(cnp->cn_nameptr));
	KASSERT(cnp->cn_cred->refs > 0);
}

int
VOP_LOOKUP(struct vnode *dvp, struct vnode **vpp, struct componentname *cnp)
{
	int error;

	is_dir(dvp, cnp);
	KASSERT(cnp->cn_nameiop == LOOKUP || (cnp->cn_flags & LOCKPARENT));
	error = vget(dvp->v_mount, dvp->fd, cnp->cn_nameptr, vpp);
	if (error == ENOENT && (cnp->cn_nameiop == CREATE || cnp->cn_nameiop == RENAME))
		return EJUSTRETURN;
	return error;
}

void
VOP_ABORTOP(struct vnode *dvp, struct componentname *cnp)
{
	is_live(dvp);
	KASSERT(cnp->cn_nameiop != LOOKUP);
}

static int
made(struct vnode *dvp, struct vnode **vpp, struct componentname *cnp, int failed)
{
	*vpp = (void *)1;		/* nobody may use it on an error */
	return failed ? errno : vget(dvp->v_mount, dvp->fd, cnp->cn_nameptr, vpp);
}

int
VOP_CREATE(struct vnode *dvp, struct vnode **vpp, struct componentname *cnp, struct vattr *va)
{
	is_dir(dvp, cnp);
	KASSERT(cnp->cn_nameiop == CREATE && (va->va_type == VREG || va->va_type == VSOCK));
	return made(dvp, vpp, cnp, mknodat(dvp->fd, cnp->cn_nameptr,
	    va->va_mode | (va->va_type == VREG ? S_IFREG : S_IFSOCK), 0));
}

int
VOP_MKNOD(struct vnode *dvp, struct vnode **vpp, struct componentname *cnp, struct vattr *va)
{
	mode_t type = va->va_type == VFIFO ? S_IFIFO : va->va_type == VCHR ? S_IFCHR : S_IFBLK;

	is_dir(dvp, cnp);
	KASSERT(cnp->cn_nameiop == CREATE && va->va_type != VREG);
	return made(dvp, vpp, cnp, mknodat(dvp->fd, cnp->cn_nameptr, va->va_mode | type,
	    type == S_IFIFO ? 0 : va->va_rdev));
}

int
VOP_MKDIR(struct vnode *dvp, struct vnode **vpp, struct componentname *cnp, struct vattr *va)
{
	is_dir(dvp, cnp);
	KASSERT(cnp->cn_nameiop == CREATE && va->va_type == VDIR);
	return made(dvp, vpp, cnp, mkdirat(dvp->fd, cnp->cn_nameptr, va->va_mode));
}

int
VOP_SYMLINK(struct vnode *dvp, struct vnode **vpp, struct componentname *cnp, struct vattr *va, char *target)
{
	is_dir(dvp, cnp);
	KASSERT(cnp->cn_nameiop == CREATE && va->va_type == VLNK);
	return made(dvp, vpp, cnp, symlinkat(target, dvp->fd, cnp->cn_nameptr));
}

static void
release_dvp(struct vnode *dvp)
{
#if !FSVA_DVP_STAYS_LOCKED
	vput(dvp);
#else
	(void)dvp;
#endif
}

int
VOP_LINK(struct vnode *dvp, struct vnode *vp, struct componentname *cnp)
{
	char path[64];
	int error;

	is_dir(dvp, cnp);
	is_live(vp);
	KASSERT(vp->lock == 0 && cnp->cn_nameiop == CREATE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", vp->fd);
	error = linkat(AT_FDCWD, path, dvp->fd, cnp->cn_nameptr, AT_SYMLINK_FOLLOW) ? errno : 0;
	release_dvp(dvp);
	return error;
}

static int
removed(struct vnode *dvp, struct vnode *vp, struct componentname *cnp, int flag)
{
	int error;

	is_dir(dvp, cnp);
	is_live(vp);
	KASSERT(vp->lock == LK_EXCLUSIVE && cnp->cn_nameiop == DELETE);
	error = unlinkat(dvp->fd, cnp->cn_nameptr, flag) ? errno : 0;
	release_dvp(dvp);
	vput(vp);
	return error;
}

int
VOP_REMOVE(struct vnode *dvp, struct vnode *vp, struct componentname *cnp)
{
	KASSERT(vp->v_type != VDIR);
	return removed(dvp, vp, cnp, 0);
}

int
VOP_RMDIR(struct vnode *dvp, struct vnode *vp, struct componentname *cnp)
{
	KASSERT(vp->v_type == VDIR && vp != dvp);
	return removed(dvp, vp, cnp, AT_REMOVEDIR);
}

int
VOP_RENAME(struct vnode *fdvp, struct vnode *fvp, struct componentname *fcnp, struct vnode *tdvp, struct vnode *tvp,
	   struct componentname *tcnp)
{
	int error;

	is_live(fdvp);
	is_live(fvp);
	is_dir(tdvp, tcnp);
	KASSERT(fdvp->v_mount->renaming);
	KASSERT(fcnp->cn_nameiop == DELETE && tcnp->cn_nameiop == RENAME);
	KASSERT(fvp->lock == 0 && (fdvp == tdvp || fdvp->lock == 0));
	KASSERT(tvp == NULL || tvp->lock == LK_EXCLUSIVE);
	KASSERT(fvp != tvp);
	error = renameat(fdvp->fd, fcnp->cn_nameptr, tdvp->fd, tcnp->cn_nameptr) ? errno : 0;
	vput(tdvp);
	if (tvp != NULL)
		vput(tvp);
	vrele(fdvp);
	vrele(fvp);
	return error;
}

int
VFS_RENAMELOCK_ENTER(struct mount *mp)
{
	KASSERT(!mp->renaming);
	mp->renaming = true;
	return 0;
}

void
VFS_RENAMELOCK_EXIT(struct mount *mp)
{
	KASSERT(mp->renaming);
	mp->renaming = false;
}

/* ---- Inodes ---- */

void
vattr_null(struct vattr *va)
{
	memset(va, 0xff, sizeof(*va));
	va->va_type = VNON;
	va->va_vaflags = 0;
}

int
VOP_GETATTR(struct vnode *vp, struct vattr *va, kauth_cred_t cred)
{
	struct stat st;

	is_live(vp);
	KASSERT(vp->lock != 0 && cred != NULL);
	if (fstat(vp->fd, &st))
		return errno;
	va->va_type = vp->v_type;
	va->va_mode = st.st_mode & 07777;
	va->va_nlink = st.st_nlink;
	va->va_uid = st.st_uid;
	va->va_gid = st.st_gid;
	va->va_fileid = st.st_ino;
	va->va_size = st.st_size;
	va->va_blocksize = st.st_blksize;
	va->va_atime = st.st_atim;
	va->va_mtime = st.st_mtim;
	va->va_ctime = st.st_ctim;
	va->va_gen = 1;
	va->va_flags = 0;
	va->va_rdev = st.st_rdev;
	va->va_bytes = st.st_blocks * 512;
	return 0;
}

int
VOP_SETATTR(struct vnode *vp, struct vattr *va, kauth_cred_t cred)
{
	char path[64];
	struct timespec ts[2];

	is_live(vp);
	KASSERT(vp->lock == LK_EXCLUSIVE && cred->refs > 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", vp->fd);
	if (va->va_size != (u_quad_t)VNOVAL && truncate(path, va->va_size))
		return errno;
	if (va->va_mode != (mode_t)VNOVAL && chmod(path, va->va_mode))
		return errno;
	if ((va->va_uid != (uid_t)VNOVAL || va->va_gid != (gid_t)VNOVAL) && chown(path, va->va_uid, va->va_gid))
		return errno;
	ts[0] = va->va_atime;
	ts[1] = va->va_mtime;
	for (int i = 0; i < 2; i++)
		if (ts[i].tv_sec == VNOVAL)
			ts[i].tv_nsec = UTIME_OMIT;
	return utimensat(AT_FDCWD, path, ts, 0) ? errno : 0;
}

int
vn_writechk(struct vnode *vp)
{
	KASSERT(vp->lock == LK_EXCLUSIVE);
	return vp->v_mount->rdonly ? EROFS : 0;
}

int
VOP_OPEN(struct vnode *vp, int flags, kauth_cred_t cred)
{
	is_live(vp);
	KASSERT(vp->lock == LK_EXCLUSIVE && cred != NULL);
	KASSERT(flags == FREAD || flags == FWRITE || flags == (FREAD | FWRITE));
	vp->opens++;
	return 0;
}

int
vn_close(struct vnode *vp, int flags, kauth_cred_t cred)
{
	is_live(vp);
	KASSERT(vp->lock == 0 && vp->opens > 0 && cred != NULL);
	vp->opens--;
	if (flags & FWRITE) {
		KASSERT(vp->v_writecount > 0);
		vp->v_writecount--;
	}
	vrele(vp);
	return 0;
}

static int
moved(struct uio *uio, ssize_t n)
{
	if (n < 0)
		return errno;
	uio->uio_resid -= n;
	uio->uio_offset += n;
	return 0;
}

static void
is_uio(struct uio *uio, enum uio_rw rw)
{
	size_t sum = 0;

	for (int i = 0; i < uio->uio_iovcnt; i++)
		sum += uio->uio_iov[i].iov_len;
	KASSERT(uio->uio_rw == rw && sum == uio->uio_resid);
}

int
VOP_READ(struct vnode *vp, struct uio *uio, int ioflag, kauth_cred_t cred)
{
	int fd, error;

	KASSERT(vp->lock != 0 && vp->opens > 0 && cred->refs > 0 && ioflag == 0);
	is_uio(uio, UIO_READ);
	fd = reopen(vp, O_RDONLY);
	if (fd < 0)
		return errno;
	error = moved(uio, preadv(fd, uio->uio_iov, uio->uio_iovcnt, uio->uio_offset));
	close(fd);
	return error;
}

int
VOP_WRITE(struct vnode *vp, struct uio *uio, int ioflag, kauth_cred_t cred)
{
	struct stat st;
	int fd, error;

	KASSERT(vp->lock == LK_EXCLUSIVE && vp->opens > 0 && cred->refs > 0);
	is_uio(uio, UIO_WRITE);
	fstat(vp->fd, &st);
	if (ioflag & IO_APPEND)
		uio->uio_offset = st.st_size;
	fd = reopen(vp, O_WRONLY);
	if (fd < 0)
		return errno;
	error = moved(uio, pwritev(fd, uio->uio_iov, uio->uio_iovcnt, uio->uio_offset));
	close(fd);
	return error;
}

int
VOP_FSYNC(struct vnode *vp, kauth_cred_t cred, int flags, off_t lo, off_t hi)
{
	(void)flags;
	KASSERT(vp->lock == LK_EXCLUSIVE && cred->refs > 0 && lo == 0 && hi == 0);
	return 0;
}

int
VOP_READLINK(struct vnode *vp, struct uio *uio, kauth_cred_t cred)
{
	KASSERT(vp->lock != 0 && vp->v_type == VLNK && cred->refs > 0);
	is_uio(uio, UIO_READ);
	return moved(uio, readlinkat(vp->fd, "", uio->uio_iov->iov_base, uio->uio_resid));
}

/* A few entries a call, so that a listing takes many. */
int
VOP_READDIR(struct vnode *vp, struct uio *uio, kauth_cred_t cred, int *eof, off_t **cookies, int *ncookies)
{
	struct shim_dirent *out = uio->uio_iov->iov_base;
	struct dirent *d = NULL;
	off_t done = 0;
	DIR *dir;

	KASSERT(vp->lock != 0 && vp->v_type == VDIR && cred->refs > 0);
	is_uio(uio, UIO_READ);
	if (uio->uio_offset < 0)
		return EINVAL;
	dir = fdopendir(reopen(vp, O_RDONLY | O_DIRECTORY));
	*cookies = calloc(8, sizeof(**cookies));
	*ncookies = 0;
	while ((d = readdir(dir)) != NULL && *ncookies < 5) {
		size_t len = strlen(d->d_name);

		if (done++ < uio->uio_offset)
			continue;
		memset(out, 0, sizeof(*out));
		out->d_fileno = d->d_ino;
		out->d_namlen = len;
		out->d_type = d->d_type;
		out->d_reclen = (offsetof(struct shim_dirent, d_name) + len + 8) & ~7ul;
		memcpy(out->d_name, d->d_name, len);
		uio->uio_resid -= out->d_reclen;
		out = (void *)((char *)out + out->d_reclen);
		(*cookies)[(*ncookies)++] = done;
	}
	if (d != NULL)
		done--;
	uio->uio_offset = done;
	*eof = d == NULL;
	closedir(dir);
	return 0;
}

/* ---- File ids ---- */

int
VFS_VPTOFH(struct vnode *vp, struct fid *fid, size_t *size)
{
	KASSERT(*size >= sizeof(*fid) + sizeof(vp->ino));
	*size = sizeof(*fid) + sizeof(vp->ino);
	fid->fid_len = *size;
	memcpy(fid->fid_data, &vp->ino, sizeof(vp->ino));
	return 0;
}

static uint64_t wanted;
static char found[4096];

static int
walk(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)flag;
	(void)ftw;
	if (st->st_ino != wanted)
		return 0;
	snprintf(found, sizeof(found), "%s", path);
	return 1;
}

int
FSVA_FHTOVP(struct mount *mp, struct fid *fid, struct vnode **vpp)
{
	int error;

	memcpy(&wanted, fid->fid_data, sizeof(wanted));
	if (nftw(shim_root, walk, 8, FTW_PHYS) != 1)
		return ESTALE;
	error = vget(mp, AT_FDCWD, found, vpp);
	if (!error)
		vn_lock(*vpp, LK_EXCLUSIVE);
	return error;
}

/* ---- The mount ---- */

int
fsva_helper_mount(const struct fsva_source *src, bool update, const char *options)
{
	(void)src;
	(void)update;
	shim_mounts++;
	snprintf(shim_options, sizeof(shim_options), "%s", options);
	return strstr(options, "nonsense") ? EINVAL : 0;
}

int
fsva_vfs_find(const char *dir, struct mount **mpp, struct vnode **rootp)
{
	int error;

	(void)dir;
	*mpp = calloc(1, sizeof(**mpp));
	(*mpp)->refs = 1;
	(*mpp)->rdonly = strncmp(shim_options, "ro", 2) == 0;
	error = vget(*mpp, AT_FDCWD, shim_root, rootp);
	if (error) {
		free(*mpp);
		return error;
	}
	(*rootp)->v_vflag |= VV_ROOT;
	return 0;
}

int
fsva_vfs_unmount(struct mount *mp)
{
	KASSERT(shim_vnodes() == 0);	/* it would be busy */
	free(mp);
	return 0;
}

int
fsva_vfs_statvfs(struct mount *mp, struct shim_statvfs *sv)
{
	(void)mp;
	sv->f_bsize = 8192;
	sv->f_frsize = 1024;
	sv->f_namemax = 255;
	sv->f_blocks = 1000;
	strcpy(sv->f_fstypename, "lfs");
	return 0;
}

int
fsva_vfs_sync(struct mount *mp, bool wait, kauth_cred_t cred)
{
	(void)mp;
	(void)wait;
	KASSERT(cred->refs > 0);
	return 0;
}

bool
fsva_vfs_rdonly(struct mount *mp)
{
	return mp->rdonly;
}

u_int
fsva_vfs_maxpinned(void)
{
	return shim_maxpinned;
}
