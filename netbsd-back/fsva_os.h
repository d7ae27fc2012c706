/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_os.h: the system below the portable files, and where NetBSD's
 * versions differ: the names the driver uses are those of the newest.
 *
 * Included first by every file.  With FSVA_USERSPACE, the tests' thin
 * declarations of the same interfaces stand in for the kernel's.
 */
#ifndef FSVA_OS_H
#define FSVA_OS_H

#ifdef FSVA_USERSPACE

#include "shim.h"

#else /* !FSVA_USERSPACE */

#include <sys/cdefs.h>
#include <sys/param.h>
#include <sys/types.h>
#include <sys/systm.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/conf.h>
#include <sys/device.h>
#include <sys/dirent.h>
#include <sys/errno.h>
#include <sys/fcntl.h>
#include <sys/file.h>
#include <sys/kauth.h>
#include <sys/kernel.h>
#include <sys/kmem.h>
#include <sys/kthread.h>
#include <sys/malloc.h>
#include <sys/mount.h>
#include <sys/mutex.h>
#include <sys/namei.h>
#include <sys/proc.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/vnode.h>

/* 7.99.66 (2017): VOP_REMOVE, VOP_RMDIR and VOP_LINK leave dvp locked. */
#if __NetBSD_Prereq__(7, 99, 71)
#define FSVA_DVP_STAYS_LOCKED	1
#else
#define FSVA_DVP_STAYS_LOCKED	0
#endif

/* 8.99 (2018): references to a mount have names. */
#if __NetBSD_Prereq__(8, 99, 1)
#define fsva_vfs_ref(mp)	vfs_ref(mp)
#define fsva_vfs_rele(mp)	vfs_rele(mp)
#else
#define fsva_vfs_ref(mp)	atomic_inc_uint(&(mp)->mnt_refcnt)
#define fsva_vfs_rele(mp)	vfs_destroy(mp)
#endif

/* 9.99.69 (2020): VFS_FHTOVP takes the kind of lock. */
#if __NetBSD_Prereq__(9, 99, 39)
#define FSVA_FHTOVP(mp, fid, vpp)	VFS_FHTOVP(mp, fid, LK_EXCLUSIVE, vpp)
#else
#define FSVA_FHTOVP(mp, fid, vpp)	VFS_FHTOVP(mp, fid, vpp)
#endif

#ifndef INRENAME
#define INRENAME	0
#endif

#endif /* !FSVA_USERSPACE */

#include "../protocol/fsva_wire.h"

#endif /* FSVA_OS_H */
