/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shim.h: the interfaces of NetBSD's kernel that the portable files use,
 * declared for user space; shim.c is their vnodes, over files of this system.
 *
 * It is stricter than a kernel: each call aborts the test when a vnode is not
 * locked, unlocked or referenced as vnodeops(9) wants it.
 */
#ifndef SHIM_H
#define SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

/* sys/cdefs.h, sys/param.h, libkern */
#define __UNCONST(p)		((void *)(uintptr_t)(const void *)(p))
#define __insn_barrier()	__asm__ volatile("" ::: "memory")
#define __arraycount(a)		(sizeof(a) / sizeof(*(a)))
#ifndef MIN
#define MIN(a, b)		((a) < (b) ? (a) : (b))
#define MAX(a, b)		((a) > (b) ? (a) : (b))
#endif
#define powerof2(x)		((((x) - 1) & (x)) == 0)
#define NGROUPS			16
#define KASSERT(x)		shim_check((x), #x, __FILE__, __LINE__)
void	shim_check(bool, const char *, const char *, int);
size_t	shim_strlcpy(char *, const char *, size_t);
size_t	shim_strlcat(char *, const char *, size_t);
#define strlcpy			shim_strlcpy
#define strlcat			shim_strlcat
#define getnanotime(ts)		clock_gettime(CLOCK_REALTIME, ts)

#define EJUSTRETURN		1001	/* of the kernel only */
#undef ERESTART			/* Linux's is not for us */

/* kmem(9), malloc(9) */
#define KM_SLEEP		0
#define kmem_alloc(n, f)	malloc(n)
#define kmem_zalloc(n, f)	calloc(1, n)
#define kmem_free(p, n)		free(p)
#define M_TEMP			0
#define free_2(p, t)		(free)(p)
#define free_1(p)		(free)(p)
#define FREE_PICK(a, b, n, ...)	n
#define free(...)		FREE_PICK(__VA_ARGS__, free_2, free_1, 0)(__VA_ARGS__)

/* mutex(9), condvar(9): one thread; what would wait for ever is a defect */
typedef struct { bool held; } kmutex_t;
typedef struct { int unused; } kcondvar_t;
#define MUTEX_DEFAULT		0
#define IPL_NONE		0
#define mutex_init(m, t, i)	((m)->held = false)
#define mutex_destroy(m)	KASSERT(!(m)->held)
#define mutex_enter(m)		do { KASSERT(!(m)->held); (m)->held = true; } while (0)
#define mutex_exit(m)		do { KASSERT((m)->held); (m)->held = false; } while (0)
#define cv_init(c, n)		((c)->unused = 0)
#define cv_destroy(c)		((void)(c))
#define cv_broadcast(c)		((void)(c))
#define cv_wait(c, m)		KASSERT(!"would wait for ever")

/* kauth(9) */
struct shim_cred { int refs; uint32_t uid, gid, ngroups, groups[NGROUPS]; uint64_t caps; };
typedef struct shim_cred *kauth_cred_t;
#define NOCRED			((kauth_cred_t)-1)
#define UIO_SYSSPACE		0
kauth_cred_t kauth_cred_alloc(void);
void	kauth_cred_free(kauth_cred_t);
#define kauth_cred_hold(c)	((c)->refs++)
#define kauth_cred_setuid(c, u)	((c)->uid = (u))
#define kauth_cred_seteuid(c, u) ((c)->uid = (u))
#define kauth_cred_setsvuid(c, u) ((c)->uid = (u))
#define kauth_cred_setgid(c, g)	((c)->gid = (g))
#define kauth_cred_setegid(c, g) ((c)->gid = (g))
#define kauth_cred_setsvgid(c, g) ((c)->gid = (g))
int	kauth_cred_setgroups(kauth_cred_t, const gid_t *, size_t, int, int);
extern int shim_ncreds;			/* that live */

/* statvfs, dirent, fid, vattr, uio: NetBSD's own */
struct shim_statvfs {
	unsigned long f_bsize, f_frsize, f_namemax, f_fsid;
	uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	char f_fstypename[32];
};
#define statvfs			shim_statvfs
struct shim_dirent {
	uint64_t d_fileno;
	uint16_t d_reclen, d_namlen;
	uint8_t d_type;
	char d_name[512];
};
#define dirent			shim_dirent
#ifndef DT_DIR
enum { DT_UNKNOWN = 0, DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_BLK = 6, DT_REG = 8, DT_LNK = 10, DT_SOCK = 12,
       DT_WHT = 14 };
#endif
struct fid { unsigned short fid_len, fid_reserved; char fid_data[]; };

enum uio_rw { UIO_READ, UIO_WRITE };
struct uio {
	struct iovec *uio_iov;
	int uio_iovcnt;
	off_t uio_offset;
	size_t uio_resid;
	enum uio_rw uio_rw;
};
#define UIO_SETUP_SYSSPACE(u)	((void)(u))

#define VNOVAL			(-1)
typedef uint64_t u_quad_t;
enum vtype { VNON, VREG, VDIR, VBLK, VCHR, VLNK, VSOCK, VFIFO, VBAD };
struct vattr {
	enum vtype va_type;
	mode_t va_mode;
	nlink_t va_nlink;
	uid_t va_uid;
	gid_t va_gid;
	uint64_t va_fileid;
	u_quad_t va_size;
	long va_blocksize;
	struct timespec va_atime, va_mtime, va_ctime, va_birthtime;
	u_long va_gen, va_flags;
	dev_t va_rdev;
	u_quad_t va_bytes;
	u_int va_vaflags;
};
#define VA_UTIMES_NULL		0x01
#define UF_NODUMP		0x00000001
#define UF_IMMUTABLE		0x00000002
#define UF_APPEND		0x00000004
#define SF_IMMUTABLE		0x00020000
#define SF_APPEND		0x00040000
void	vattr_null(struct vattr *);

/* vnodes */
struct mount;
struct vnode {
	LIST_ENTRY(vnode) link;
	enum vtype v_type;
	int v_vflag;
	struct mount *v_mount;
	kmutex_t *v_interlock, interlock;
	int v_writecount;
	int refs, opens;
	int lock;			/* 0, LK_SHARED, LK_EXCLUSIVE */
	int fd;				/* O_PATH */
	uint64_t ino;
};
struct mount { int refs; bool rdonly, renaming; struct vnode *root; };
#define VV_ROOT			0x0001
#define LK_SHARED		1
#define LK_EXCLUSIVE		2
#define LK_RETRY		0x100
#define VEXEC			0100
#define VWRITE			0200
#define VREAD			0400
#define FREAD			1
#define FWRITE			2
#define IO_APPEND		0x20
#define IO_SYNC			0x40
#define IO_DSYNC		0x80
#define FSYNC_WAIT		1
#define FSYNC_DATAONLY		2

struct componentname {
	uint32_t cn_nameiop, cn_flags;
	kauth_cred_t cn_cred;
	const char *cn_nameptr;
	size_t cn_namelen;
};
enum { LOOKUP, CREATE, DELETE, RENAME };
#define LOCKLEAF		0x0004
#define LOCKPARENT		0x0008
#define NOCACHE			0x0020
#define ISLASTCN		0x8000
#define MAKEENTRY		0x4000
#define INRENAME		0x10000
#define CREATEDIR		0x200000
#ifndef FSVA_DVP_STAYS_LOCKED
#define FSVA_DVP_STAYS_LOCKED	0
#endif

void	vref(struct vnode *);
void	vrele(struct vnode *);
void	vput(struct vnode *);
int	vn_lock(struct vnode *, int);
int	vn_writechk(struct vnode *);
int	vn_close(struct vnode *, int, kauth_cred_t);
void	VOP_UNLOCK(struct vnode *);
void	VOP_ABORTOP(struct vnode *, struct componentname *);
int	VOP_LOOKUP(struct vnode *, struct vnode **, struct componentname *);
int	VOP_CREATE(struct vnode *, struct vnode **, struct componentname *, struct vattr *);
int	VOP_MKNOD(struct vnode *, struct vnode **, struct componentname *, struct vattr *);
int	VOP_MKDIR(struct vnode *, struct vnode **, struct componentname *, struct vattr *);
int	VOP_SYMLINK(struct vnode *, struct vnode **, struct componentname *, struct vattr *, char *);
int	VOP_LINK(struct vnode *, struct vnode *, struct componentname *);
int	VOP_REMOVE(struct vnode *, struct vnode *, struct componentname *);
int	VOP_RMDIR(struct vnode *, struct vnode *, struct componentname *);
int	VOP_RENAME(struct vnode *, struct vnode *, struct componentname *, struct vnode *, struct vnode *,
	    struct componentname *);
int	VOP_OPEN(struct vnode *, int, kauth_cred_t);
int	VOP_GETATTR(struct vnode *, struct vattr *, kauth_cred_t);
int	VOP_SETATTR(struct vnode *, struct vattr *, kauth_cred_t);
int	VOP_READ(struct vnode *, struct uio *, int, kauth_cred_t);
int	VOP_WRITE(struct vnode *, struct uio *, int, kauth_cred_t);
int	VOP_FSYNC(struct vnode *, kauth_cred_t, int, off_t, off_t);
int	VOP_READLINK(struct vnode *, struct uio *, kauth_cred_t);
int	VOP_READDIR(struct vnode *, struct uio *, kauth_cred_t, int *, off_t **, int *);
int	VFS_VPTOFH(struct vnode *, struct fid *, size_t *);
int	FSVA_FHTOVP(struct mount *, struct fid *, struct vnode **);
int	VFS_RENAMELOCK_ENTER(struct mount *);
void	VFS_RENAMELOCK_EXIT(struct mount *);

/* for the tests */
extern char shim_root[64];		/* what is "mounted" */
extern u_int shim_maxpinned;
extern int shim_mounts;			/* fsva_helper_mount calls */
extern char shim_options[512];		/* of the last of them */
int	shim_vnodes(void);		/* that are referenced */

#endif /* SHIM_H */
