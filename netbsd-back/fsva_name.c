/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_name.c: handlers that find, make and unmake names.
 *
 * Each looks the name up in the locked directory with the intent of the
 * operation and calls the file system at once, as the system call does; what
 * the front believes a name to be is compared in between.  Handles are
 * resolved before anything is locked.
 */
#include "fsvavar.h"

/* A name as VOP_LOOKUP and its followers take it. */
struct fsva_cn {
	struct componentname cn;
	char name[FSVA_NAME_MAX + 1];
};

static void
fsva_cn_init(struct fsva_call *c, struct fsva_cn *n, const void *name,
    size_t len, uint32_t op, uint32_t flags)
{

	memset(&n->cn, 0, sizeof(n->cn));
	memcpy(n->name, name, len);
	n->name[len] = '\0';
	n->cn.cn_nameiop = op;
	n->cn.cn_flags = ISLASTCN | flags;
	n->cn.cn_cred = c->c_cred;
	n->cn.cn_nameptr = n->name;
	n->cn.cn_namelen = len;
}

/*
 * dvp: locked exclusively; so it stays.  *vpp: referenced, unlocked, or NULL
 * when there is no such name and the operation would make one.
 */
static int
fsva_find(struct vnode *dvp, struct vnode **vpp, struct fsva_cn *n)
{
	int error;

	*vpp = NULL;
	error = VOP_LOOKUP(dvp, vpp, &n->cn);
	if (error == EJUSTRETURN)
		return 0;
	/* The root of something mounted on it is none of ours to show. */
	return error;
}

/*
 * A lookup for the name and nothing else.
 *
 * dvp: referenced, unlocked; so it is left.
 * *vpp: referenced, unlocked.
 */
static int
fsva_lookup(struct fsva_call *c, struct vnode *dvp, const struct fsva_name *nm,
    struct vnode **vpp)
{
	struct fsva_cn n;
	int error;

	fsva_cn_init(c, &n, nm->name, nm->len, LOOKUP, MAKEENTRY);
	vn_lock(dvp, LK_EXCLUSIVE | LK_RETRY);
	error = fsva_find(dvp, vpp, &n);
	VOP_UNLOCK(dvp);
	if (!error && *vpp == NULL)
		error = ENOENT;
	return error;
}

/* Takes and drops a reference of the directory and of what is found. */
FSVA_HANDLER(lookup)
{
	const struct fsva_lookup_req *r = in;
	struct fsva_lookup_rsp *rsp = out;
	struct vnode *dvp, *vp;
	int error;

	error = fsva_handle_getdir(&c->c_ses->s_handles, r->name.dir, &dvp);
	if (error)
		return error;
	error = fsva_lookup(c, dvp, &r->name, &vp);
	if (!error) {
		error = fsva_entry_fill(c, vp, &rsp->entry);
		vrele(vp);
	}
	vrele(dvp);
	return error;
}

/* As lookup, and a reference of what the front believes. */
FSVA_HANDLER(dentry_validate)
{
	const struct fsva_dentry_validate_req *r = in;
	struct fsva_dentry_validate_rsp *rsp = out;
	struct vnode *dvp, *vp = NULL, *believed = NULL;
	int error;

	error = fsva_handle_getdir(&c->c_ses->s_handles, r->name.dir, &dvp);
	if (error)
		return error;
	if (r->handle != 0) {
		error = fsva_handle_get(&c->c_ses->s_handles, r->handle,
		    &believed);
		if (error)
			goto out;
	}
	error = fsva_lookup(c, dvp, &r->name, &vp);
	if (error == ENOENT)
		error = 0;
	if (!error && vp != believed)
		error = ESTALE;
	if (!error && vp != NULL)
		error = fsva_attr_get(vp, c->c_cred, &rsp->attr);
	if (vp != NULL)
		vrele(vp);
	if (believed != NULL)
		vrele(believed);
out:
	vrele(dvp);
	return error;
}

/* ---- Making names ---- */

/*
 * Lock the directory of a name that is to be made, and look.
 *
 * Success: *dvpp referenced and locked exclusively; *vpp NULL, or what is
 * there already, referenced and unlocked.  Then fsva_making_end.
 * Failure: nothing is held.
 */
static int
fsva_making_begin(struct fsva_call *c, const struct fsva_name *nm,
    uint32_t flags, struct fsva_cn *n, struct vnode **dvpp, struct vnode **vpp)
{
	int error;

	error = fsva_handle_getdir(&c->c_ses->s_handles, nm->dir, dvpp);
	if (error)
		return error;
	if (fsva_vfs_rdonly(c->c_ses->s_mp)) {
		vrele(*dvpp);
		return EROFS;
	}
	fsva_cn_init(c, n, nm->name, nm->len, CREATE, LOCKPARENT | flags);
	vn_lock(*dvpp, LK_EXCLUSIVE | LK_RETRY);
	error = fsva_find(*dvpp, vpp, n);
	if (error)
		vput(*dvpp);
	return error;
}

/*
 * dvp: referenced; locked unless it says that it is unlocked.  vp: what was
 * made, or found, referenced and unlocked, or NULL.  All is given back, and
 * the answer filled when error is 0.
 */
static int
fsva_making_end(struct fsva_call *c, struct vnode *dvp, bool locked,
    struct vnode *vp, int error, struct fsva_create_rsp *rsp)
{

	if (locked)
		VOP_UNLOCK(dvp);
	if (!error)
		error = fsva_entry_fill(c, vp, &rsp->entry);
	if (!error && fsva_attr_get(dvp, c->c_cred, &rsp->dir) != 0) {
		(void)fsva_handle_release(&c->c_ses->s_handles,
		    rsp->entry.handle, 1);
		error = EIO;
	}
	if (vp != NULL)
		vrele(vp);
	vrele(dvp);
	return error;
}

/* As fsva_making_begin, for what must not be there yet: EEXIST if it is. */
static int
fsva_making_begin_new(struct fsva_call *c, const struct fsva_name *nm,
    uint32_t flags, struct fsva_cn *n, struct vnode **dvpp)
{
	struct vnode *vp;
	int error;

	error = fsva_making_begin(c, nm, flags, n, dvpp, &vp);
	if (error || vp == NULL)
		return error;
	VOP_ABORTOP(*dvpp, &n->cn);
	return fsva_making_end(c, *dvpp, true, vp, EEXIST, NULL);
}

static void
fsva_vattr_new(struct fsva_call *c, struct vattr *va, enum vtype type,
    uint32_t mode)
{

	vattr_null(va);
	va->va_type = type;
	va->va_mode = mode & 07777 & ~(c->c_req.umask & 0777);
}

/*
 * dvp is locked over lookup and VOP_CREATE, which leaves it so and returns
 * the new vnode unlocked.
 */
FSVA_HANDLER(create)
{
	const struct fsva_create_req *r = in;
	struct fsva_create_rsp *rsp = out;
	struct vnode *dvp, *vp;
	struct fsva_cn n;
	struct vattr va;
	bool opening;
	int error;

	error = fsva_making_begin(c, &r->name, 0, &n, &dvp, &vp);
	if (error)
		return error;
	if (vp != NULL) {
		VOP_ABORTOP(dvp, &n.cn);
		if (r->flags & FSVA_CREATE_EXCL)
			error = EEXIST;
	} else {
		fsva_vattr_new(c, &va, VREG, r->mode);
		error = VOP_CREATE(dvp, &vp, &n.cn, &va);
		if (error)
			vp = NULL;
	}
	opening = !error && (r->flags & FSVA_CREATE_OPEN) != 0;
	if (opening)
		vref(vp);		/* making_end gives back the other */
	error = fsva_making_end(c, dvp, true, vp, error, rsp);
	if (opening && !error) {
		error = fsva_open(c, vp, r->open_flags, &rsp->fh);
		if (error)
			(void)fsva_handle_release(&c->c_ses->s_handles,
			    rsp->entry.handle, 1);
	}
	if (opening)
		vrele(vp);
	return error;
}

/* As create; sockets are made by VOP_CREATE, as by bind(2). */
FSVA_HANDLER(mknod)
{
	const struct fsva_mknod_req *r = in;
	struct vnode *dvp, *vp;
	struct fsva_cn n;
	struct vattr va;
	enum vtype type;
	int error;

	switch (r->mode & S_IFMT) {
	case 0:
	case S_IFREG:	type = VREG; break;
	case S_IFSOCK:	type = VSOCK; break;
	case S_IFIFO:	type = VFIFO; break;
	case S_IFCHR:	type = VCHR; break;
	case S_IFBLK:	type = VBLK; break;
	default:	return EINVAL;
	}
	error = fsva_making_begin_new(c, &r->name, 0, &n, &dvp);
	if (error)
		return error;
	fsva_vattr_new(c, &va, type, r->mode);
	if (type == VCHR || type == VBLK)
		va.va_rdev = makedev(r->rdev_major, r->rdev_minor);
	if (type == VREG || type == VSOCK)
		error = VOP_CREATE(dvp, &vp, &n.cn, &va);
	else
		error = VOP_MKNOD(dvp, &vp, &n.cn, &va);
	return fsva_making_end(c, dvp, true, error ? NULL : vp, error, out);
}

/* As create. */
FSVA_HANDLER(mkdir)
{
	const struct fsva_mkdir_req *r = in;
	struct vnode *dvp, *vp;
	struct fsva_cn n;
	struct vattr va;
	int error;

	error = fsva_making_begin_new(c, &r->name, CREATEDIR, &n, &dvp);
	if (error)
		return error;
	fsva_vattr_new(c, &va, VDIR, r->mode);
	error = VOP_MKDIR(dvp, &vp, &n.cn, &va);
	return fsva_making_end(c, dvp, true, error ? NULL : vp, error, out);
}

/* As create. */
FSVA_HANDLER(symlink)
{
	const struct fsva_symlink_req *r = in;
	struct vnode *dvp, *vp;
	const uint8_t *target;
	struct fsva_cn n;
	struct vattr va;
	int error;

	error = fsva_data_in(c, &target);
	if (error)
		return error;
	error = fsva_making_begin_new(c, &r->name, 0, &n, &dvp);
	if (error)
		return error;
	fsva_vattr_new(c, &va, VLNK, 0777);
	va.va_mode = 0777;	/* no umask: as on Linux */
	error = VOP_SYMLINK(dvp, &vp, &n.cn, &va,
	    __UNCONST((const char *)target));
	return fsva_making_end(c, dvp, true, error ? NULL : vp, error, out);
}

/*
 * VOP_LINK: dvp locked, and on older kernels unlocked and released with it;
 * vp referenced and unlocked, and left so.
 */
FSVA_HANDLER(link)
{
	const struct fsva_link_req *r = in;
	struct vnode *dvp, *vp;
	struct fsva_cn n;
	bool locked = true;
	int error;

	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	if (vp->v_type == VDIR) {
		vrele(vp);
		return EPERM;
	}
	error = fsva_making_begin_new(c, &r->name, 0, &n, &dvp);
	if (error) {
		vrele(vp);
		return error;
	}
#if !FSVA_DVP_STAYS_LOCKED
	vref(dvp);		/* one for VOP_LINK to drop */
	locked = false;
#endif
	error = VOP_LINK(dvp, vp, &n.cn);
	/* vp's reference goes with the answer. */
	return fsva_making_end(c, dvp, locked, vp, error, out);
}

/* ---- Unmaking names ---- */

/*
 * dvp is locked over lookup and removal, vp from before it; VOP_REMOVE and
 * VOP_RMDIR release vp, and on older kernels dvp with it.  Our own references,
 * from the handles, keep both for the answer.
 */
static int
fsva_remove(struct fsva_call *c, const struct fsva_unlink_req *r,
    struct fsva_unlink_rsp *rsp, bool isdir)
{
	struct fsva_handles *hs = &c->c_ses->s_handles;
	struct vnode *dvp, *victim, *vp;
	struct fsva_cn n;
	int error;

	error = fsva_handle_getdir(hs, r->name.dir, &dvp);
	if (error)
		return error;
	error = fsva_handle_get(hs, r->handle, &victim);
	if (error) {
		vrele(dvp);
		return error;
	}
	if (fsva_vfs_rdonly(c->c_ses->s_mp)) {
		error = EROFS;
		goto out;
	}
	if (isdir != (victim->v_type == VDIR)) {
		error = isdir ? ENOTDIR : EISDIR;
		goto out;
	}
	if (victim->v_vflag & VV_ROOT) {
		error = EBUSY;
		goto out;
	}

	fsva_cn_init(c, &n, r->name.name, r->name.len, DELETE,
	    LOCKPARENT | LOCKLEAF);
	vn_lock(dvp, LK_EXCLUSIVE | LK_RETRY);
	error = fsva_find(dvp, &vp, &n);
	if (!error && vp == NULL)
		error = ENOENT;
	if (error) {
		VOP_UNLOCK(dvp);
		goto out;
	}
	if (vp != victim || vp == dvp) {
		VOP_ABORTOP(dvp, &n.cn);
		VOP_UNLOCK(dvp);
		vrele(vp);
		error = ESTALE;
		goto out;
	}
	vn_lock(vp, LK_EXCLUSIVE | LK_RETRY);
#if !FSVA_DVP_STAYS_LOCKED
	vref(dvp);
#endif
	if (isdir)
		error = VOP_RMDIR(dvp, vp, &n.cn);
	else
		error = VOP_REMOVE(dvp, vp, &n.cn);
#if FSVA_DVP_STAYS_LOCKED
	VOP_UNLOCK(dvp);
#endif
	fsva_handle_pin(hs, r->handle, victim);
	if (!error)
		error = fsva_attr_get(dvp, c->c_cred, &rsp->dir);
	if (!error && fsva_attr_get(victim, c->c_cred, &rsp->victim) != 0)
		memset(&rsp->victim, 0, sizeof(rsp->victim));
	if (!error && rsp->victim.mode == 0)
		error = EIO;
out:
	vrele(victim);
	vrele(dvp);
	return error;
}

FSVA_HANDLER(unlink)
{

	return fsva_remove(c, in, out, false);
}

FSVA_HANDLER(rmdir)
{

	return fsva_remove(c, in, out, true);
}

/* What rename holds. */
struct fsva_rename {
	struct vnode *fdvp, *fvp, *tdvp, *tvp;
	struct fsva_cn from, to;
};

/*
 * Under the rename lock: find both names, as VOP_RENAME wants them.
 *
 * Entry: fdvp and tdvp referenced, unlocked.
 * Success: fvp referenced and unlocked; tdvp locked; tvp NULL, or referenced
 * and locked.  Then VOP_RENAME, which releases all four, or
 * fsva_rename_abort.
 * Failure: as on entry.
 */
static int
fsva_rename_find(struct fsva_call *c, struct fsva_rename *rn,
    const struct fsva_rename_req *r, const uint8_t *target, size_t len)
{
	int error;

	fsva_cn_init(c, &rn->from, r->name.name, r->name.len, DELETE,
	    LOCKPARENT | INRENAME);
	vn_lock(rn->fdvp, LK_EXCLUSIVE | LK_RETRY);
	error = fsva_find(rn->fdvp, &rn->fvp, &rn->from);
	VOP_UNLOCK(rn->fdvp);
	if (!error && rn->fvp == NULL)
		error = ENOENT;
	if (error)
		return error;

	fsva_cn_init(c, &rn->to, target, len, RENAME,
	    LOCKPARENT | LOCKLEAF | NOCACHE | INRENAME |
	    (rn->fvp->v_type == VDIR ? CREATEDIR : 0));
	vn_lock(rn->tdvp, LK_EXCLUSIVE | LK_RETRY);
	error = fsva_find(rn->tdvp, &rn->tvp, &rn->to);
	if (error) {
		VOP_UNLOCK(rn->tdvp);
		VOP_ABORTOP(rn->fdvp, &rn->from.cn);
		vrele(rn->fvp);
		return error;
	}
	if (rn->tvp != NULL && rn->tvp != rn->tdvp)
		vn_lock(rn->tvp, LK_EXCLUSIVE | LK_RETRY);
	return 0;
}

/* Gives back what fsva_rename_find took; fdvp and tdvp as on its entry. */
static void
fsva_rename_abort(struct fsva_rename *rn)
{

	VOP_ABORTOP(rn->tdvp, &rn->to.cn);
	if (rn->tvp != NULL && rn->tvp != rn->tdvp)
		vput(rn->tvp);
	else if (rn->tvp != NULL)
		vrele(rn->tvp);
	VOP_UNLOCK(rn->tdvp);
	VOP_ABORTOP(rn->fdvp, &rn->from.cn);
	vrele(rn->fvp);
}

/* May it go on?  EALREADY: both names are one inode, there is nothing to do. */
static int
fsva_rename_check(const struct fsva_rename *rn, const struct vnode *old,
    const struct vnode *new, uint32_t flags)
{

	if (rn->fvp != old || rn->tvp != new)
		return ESTALE;
	if (rn->tvp != NULL && (flags & FSVA_RENAME_NOREPLACE) != 0)
		return EEXIST;
	if (rn->fvp == rn->tvp)
		return EALREADY;
	if (rn->fvp == rn->tdvp || rn->fvp == rn->fdvp)
		return EINVAL;
	if (rn->tvp != NULL && rn->tvp == rn->tdvp)
		return ENOTEMPTY;
	if (rn->tvp != NULL && rn->tvp == rn->fdvp)
		return ENOTEMPTY;
	if (rn->tvp != NULL) {
		if (rn->fvp->v_type == VDIR && rn->tvp->v_type != VDIR)
			return ENOTDIR;
		if (rn->fvp->v_type != VDIR && rn->tvp->v_type == VDIR)
			return EISDIR;
	}
	return 0;
}

/* The four references are from handles: VOP_RENAME drops others of ours. */
static int
fsva_rename(struct fsva_call *c, const struct fsva_rename_req *r,
    const uint8_t *target, size_t len, struct vnode *fdvp, struct vnode *tdvp,
    struct vnode *old, struct vnode *new)
{
	struct mount *mp = c->c_ses->s_mp;
	struct fsva_rename *rn;
	int error;

	if (fsva_vfs_rdonly(mp))
		return EROFS;
	rn = kmem_zalloc(sizeof(*rn), KM_SLEEP);
	error = VFS_RENAMELOCK_ENTER(mp);
	if (error)
		goto out_free;
	rn->fdvp = fdvp;
	rn->tdvp = tdvp;
	error = fsva_rename_find(c, rn, r, target, len);
	if (error)
		goto out;
	error = fsva_rename_check(rn, old, new, r->flags);
	if (error) {
		fsva_rename_abort(rn);
		if (error == EALREADY)
			error = 0;
		goto out;
	}
	vref(fdvp);
	vref(tdvp);
	error = VOP_RENAME(fdvp, rn->fvp, &rn->from.cn, tdvp, rn->tvp,
	    &rn->to.cn);
out:
	VFS_RENAMELOCK_EXIT(mp);
out_free:
	kmem_free(rn, sizeof(*rn));
	return error;
}

FSVA_HANDLER(rename)
{
	const struct fsva_rename_req *r = in;
	struct fsva_rename_rsp *rsp = out;
	struct fsva_handles *hs = &c->c_ses->s_handles;
	struct vnode *fdvp, *tdvp, *old, *new = NULL;
	const uint8_t *target;
	int error;

	error = fsva_data_in(c, &target);
	if (error)
		return error;
	if (r->flags & (FSVA_RENAME_EXCHANGE | FSVA_RENAME_WHITEOUT))
		return EINVAL;		/* NetBSD has no such rename */
	error = fsva_handle_getdir(hs, r->name.dir, &fdvp);
	if (error)
		return error;
	error = fsva_handle_getdir(hs, r->new_dir, &tdvp);
	if (error)
		goto out_fdvp;
	error = fsva_handle_get(hs, r->handle, &old);
	if (error)
		goto out_tdvp;
	if (r->new_handle != 0) {
		error = fsva_handle_get(hs, r->new_handle, &new);
		if (error)
			goto out_old;
	}
	error = fsva_rename(c, r, target, c->c_data.d_inlen, fdvp, tdvp, old,
	    new);
	if (new != NULL) {
		fsva_handle_pin(hs, r->new_handle, new);
		vrele(new);
	}
	if (!error)
		error = fsva_attr_get(fdvp, c->c_cred, &rsp->old_dir);
	if (!error)
		error = fsva_attr_get(tdvp, c->c_cred, &rsp->new_dir);
out_old:
	vrele(old);
out_tdvp:
	vrele(tdvp);
out_fdvp:
	vrele(fdvp);
	return error;
}

FSVA_HANDLER(dentry_release)
{
	const struct fsva_dentry_release_req *r = in;

	return fsva_handle_release(&c->c_ses->s_handles, r->handle,
	    r->nr_lookups);
}
