/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_vfs.c: a mounted file system as a whole.
 */
#include "fsva_kern.h"

/*
 * What is mounted on dir: *mpp with a reference of ours, its root referenced
 * and unlocked.  ENOENT: nothing is.
 */
int
fsva_vfs_find(const char *dir, struct mount **mpp, struct vnode **rootp)
{
	struct vnode *vp;
	int error;

	error = namei_simple_kernel(dir, NSM_FOLLOW_NOEMULROOT, &vp);
	if (error)
		return error;
	if ((vp->v_vflag & VV_ROOT) == 0 ||
	    (vp->v_mount->mnt_flag & MNT_ROOTFS) != 0) {
		vrele(vp);
		return ENOENT;
	}
	*mpp = vp->v_mount;
	fsva_vfs_ref(*mpp);
	*rootp = vp;
	return 0;
}

/*
 * Unmount, and drop our reference.  Vnodes that were released may be on their
 * way yet, and a helper (LFS's cleaner) may have its root open: a little
 * patience, then by force, which writes everything all the same.
 */
int
fsva_vfs_unmount(struct mount *mp)
{
	int i, error;

	for (i = 0; i < 10; i++) {
		error = dounmount(mp, 0, curlwp);
		if (error != EBUSY)
			break;
		(void)kpause("fsvaum", false, hz / 10, NULL);
	}
	if (error == EBUSY)
		error = dounmount(mp, MNT_FORCE, curlwp);
	fsva_vfs_rele(mp);
	return error;
}

int
fsva_vfs_statvfs(struct mount *mp, struct statvfs *sv)
{

	return VFS_STATVFS(mp, sv);
}

int
fsva_vfs_sync(struct mount *mp, bool wait, kauth_cred_t cred)
{

	if (fsva_vfs_rdonly(mp))
		return 0;
	return VFS_SYNC(mp, wait ? MNT_WAIT : MNT_NOWAIT, cred);
}

bool
fsva_vfs_rdonly(struct mount *mp)
{

	return (mp->mnt_flag & MNT_RDONLY) != 0;
}

/* Vnodes that one front may keep from being recycled. */
u_int
fsva_vfs_maxpinned(void)
{

	return MAX(desiredvnodes / 2, 64);
}
