/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsvavar.h: what the files of the FSVA back for NetBSD share.
 *
 *	fsva_xenbus.c	the device: keys, states, one thread a device
 *	fsva_ring.c	queues and workers; copies requests, puts answers
 *	fsva_xen.c	mapping the user's grants, event channels
 *	fsva_ctl.c	/dev/fsva, by which fsvad(8) mounts for us
 *	fsva_kauth.c	what credentials of the user's domain may do
 *	fsva_vfs.c	finding a mounted file system, unmounting it
 * and, knowing none of these, built in user space by the tests as well:
 *	fsva_dispatch.c	operation table, responses kept, the session
 *	fsva_handle.c	names of inodes and open files
 *	fsva_cred.c	the table of callers
 *	fsva_subr.c	errors, attributes, data of a call
 *	fsva_mount.c fsva_name.c fsva_inode.c fsva_file.c	the handlers
 */
#ifndef FSVAVAR_H
#define FSVAVAR_H

#include "fsva_os.h"

#define FSVA_NR_CREDS		256u
#define FSVA_MAX_DATA		(64u * FSVA_PAGE_SIZE)
#define FSVA_MAX_HANDLES	131072u
#define FSVA_MAX_FILES		16384u
#define FSVA_FID_MAX		64u	/* octets of a file id that we keep */

struct fsva_session;

/* ---- Tables of 64-bit names (fsva_handle.c) ---- */

struct fsva_tent {
	void *te_obj;			/* NULL: free */
	uint32_t te_gen;		/* of the last name that was given */
	uint32_t te_next;		/* of a free one */
};

/* Under the lock of whoever owns it. */
struct fsva_tab {
	struct fsva_tent **tb_chunk;
	u_int tb_nchunks;		/* of tb_chunk[] */
	u_int tb_used;			/* entries that were ever used */
	u_int tb_nr, tb_max;
	uint32_t tb_free;		/* first free one, or FSVA_TAB_END */
};
#define FSVA_TAB_END	UINT32_MAX

int	fsva_tab_init(struct fsva_tab *, u_int);
void	fsva_tab_fini(struct fsva_tab *);
int	fsva_tab_add(struct fsva_tab *, void *, uint64_t *);
void	*fsva_tab_find(const struct fsva_tab *, uint64_t);
void	fsva_tab_remove(struct fsva_tab *, uint64_t);
void	*fsva_tab_any(const struct fsva_tab *);

/*
 * An inode that the front holds.  hs_lock guards all of it.  While pinned it
 * owns a reference of h_vp; a parked one has the file system's own id of the
 * inode only, so that its vnode can be recycled.
 */
struct fsva_handle {
	LIST_ENTRY(fsva_handle) h_hash;	/* by h_fileid */
	TAILQ_ENTRY(fsva_handle) h_lru;	/* of the pinned ones */
	uint64_t h_name;
	uint64_t h_nlookups;
	uint64_t h_fileid;
	struct vnode *h_vp;		/* NULL: parked */
	size_t h_fidlen;
	union {
		struct fid fid;
		uint8_t space[FSVA_FID_MAX];
	} h_fid;
};

LIST_HEAD(fsva_handle_list, fsva_handle);
TAILQ_HEAD(fsva_handle_lru, fsva_handle);

#define FSVA_HASH_SIZE	1024u

struct fsva_handles {
	kmutex_t hs_lock;
	struct fsva_tab hs_tab;
	struct fsva_handle_list hs_hash[FSVA_HASH_SIZE];
	struct fsva_handle_lru hs_lru;	/* oldest first */
	u_int hs_npinned, hs_maxpinned;
	struct mount *hs_mp;
};

int	fsva_handles_init(struct fsva_handles *, u_int, u_int);
void	fsva_handles_drop(struct fsva_handles *);
void	fsva_handles_fini(struct fsva_handles *);
int	fsva_handle_add(struct fsva_handles *, struct vnode *, uint64_t,
	    uint64_t *);
int	fsva_handle_get(struct fsva_handles *, uint64_t, struct vnode **);
int	fsva_handle_getdir(struct fsva_handles *, uint64_t, struct vnode **);
void	fsva_handle_pin(struct fsva_handles *, uint64_t, struct vnode *);
int	fsva_handle_release(struct fsva_handles *, uint64_t, uint64_t);

/* An open file.  fs_lock guards f_refs and f_gone. */
struct fsva_file {
	uint64_t f_name;
	struct vnode *f_vp;		/* referenced, opened with f_flags */
	int f_flags;			/* FREAD, FWRITE and others of VOP_OPEN */
	u_int f_refs;			/* the table's and each call's */
};

struct fsva_files {
	kmutex_t fs_lock;
	struct fsva_tab fs_tab;
	u_int fs_nwriters;
};

int	fsva_files_init(struct fsva_files *, u_int);
void	fsva_files_drop(struct fsva_files *);
void	fsva_files_fini(struct fsva_files *);
int	fsva_file_add(struct fsva_files *, struct vnode *, int, uint64_t *);
int	fsva_file_get(struct fsva_files *, uint64_t, struct fsva_file **);
void	fsva_file_put(struct fsva_files *, struct fsva_file *);
int	fsva_file_release(struct fsva_files *, uint64_t);

/* ---- Callers (fsva_cred.c, fsva_kauth.c) ---- */

struct fsva_creds {
	kmutex_t cs_lock;
	kauth_cred_t cs_cred[FSVA_NR_CREDS];	/* [0]: the appliance */
};

void	fsva_creds_init(struct fsva_creds *);
void	fsva_creds_fini(struct fsva_creds *);
int	fsva_cred_set(struct fsva_creds *, const struct fsva_cred_set_req *,
	    const uint32_t *);
int	fsva_cred_get(struct fsva_creds *, u_int, kauth_cred_t *);
/* Make the kernel see the capabilities; fsva_cred_exact: and no more. */
void	fsva_kauth_mark(kauth_cred_t, uint64_t);
int	fsva_kauth_access(struct vnode *, int, kauth_cred_t);

/* ---- The session (fsva_dispatch.c, fsva_mount.c) ---- */

enum fsva_mstate { FSVA_UNMOUNTED, FSVA_MOUNTING, FSVA_MOUNTED, FSVA_UNMOUNTING };

/* What the administrator says of a device; fixed. */
struct fsva_source {
	const char *src_name;		/* for messages */
	const char *src_fs;		/* type of the file system */
	const char *src_dev;
	const char *src_options;
	const char *src_dir;		/* where it is mounted in here */
};

/* What was answered last under a tag. */
struct fsva_replay {
	uint64_t r_id;
	bool r_kept;
	struct fsva_rsp r_rsp;
};

struct fsva_session {
	const struct fsva_source *s_src;
	u_int s_nqueues, s_nslots;
	struct fsva_replay *s_replay;	/* under the queue's lock */

	kmutex_t s_lock;		/* what follows */
	kcondvar_t s_cv;
	uint64_t s_id;			/* 0: no SESSION yet */
	uint64_t s_features;
	enum fsva_mstate s_state;
	bool s_closing;
	u_int s_users;			/* calls that use the mount */
	struct mount *s_mp;		/* while mounted; referenced */
	uint32_t s_mflags;		/* FSVA_MOUNT_* in force */
	bool s_plain;			/* modes decide about access */

	struct fsva_creds s_creds;
	struct fsva_handles s_handles;
	struct fsva_files s_files;
};

struct fsva_session *fsva_session_create(const struct fsva_source *, u_int,
	    u_int);
void	fsva_session_free(struct fsva_session *);
/* EPROTO: against the rules; 0: run it; -1: the answer is there already. */
int	fsva_replay_begin(struct fsva_session *, u_int, const struct fsva_req *,
	    struct fsva_rsp *);
void	fsva_replay_end(struct fsva_session *, u_int, const struct fsva_rsp *);
void	fsva_session_close(struct fsva_session *);
int	fsva_session_unmount(struct fsva_session *);

/* The kernel's side of mounting (fsva_vfs.c, fsva_ctl.c). */
int	fsva_helper_mount(const struct fsva_source *, bool, const char *);
int	fsva_vfs_find(const char *, struct mount **, struct vnode **);
int	fsva_vfs_unmount(struct mount *);
int	fsva_vfs_statvfs(struct mount *, struct statvfs *);
int	fsva_vfs_sync(struct mount *, bool, kauth_cred_t);
bool	fsva_vfs_rdonly(struct mount *);
u_int	fsva_vfs_maxpinned(void);

/* ---- Calls ---- */

struct fsva_data {
	struct iovec d_iov[FSVA_MAX_GREFS];	/* the user's memory, mapped */
	int d_iovcnt;
	uint8_t *d_in;			/* private copy, ended by a NUL */
	size_t d_inlen, d_insize;
};

struct fsva_call {
	struct fsva_req c_req;		/* private copy */
	struct fsva_rsp c_rsp;
	struct fsva_session *c_ses;
	u_int c_queue;
	const struct fsva_wire_op *c_row;
	kauth_cred_t c_cred;
	struct fsva_data c_data;
	void *c_transport;		/* of the worker */
};

/* The transport: the pages of c_req to c_data.d_iov, and back. */
int	fsva_data_map(struct fsva_call *);
void	fsva_data_unmap(struct fsva_call *);

void	fsva_call_run(struct fsva_call *);

typedef int (*fsva_handler)(struct fsva_call *, const void *, void *);

#define FSVA_HANDLER(name) \
	int fsva_op_##name(struct fsva_call *c, const void *in, void *out)

FSVA_HANDLER(null_call);
FSVA_HANDLER(session);
FSVA_HANDLER(cred_set);
FSVA_HANDLER(interrupt);
FSVA_HANDLER(mount);
FSVA_HANDLER(unmount);
FSVA_HANDLER(remount);
FSVA_HANDLER(statfs);
FSVA_HANDLER(syncfs);
FSVA_HANDLER(show_options);
FSVA_HANDLER(lookup);
FSVA_HANDLER(getattr);
FSVA_HANDLER(setattr);
FSVA_HANDLER(create);
FSVA_HANDLER(mknod);
FSVA_HANDLER(mkdir);
FSVA_HANDLER(rmdir);
FSVA_HANDLER(link);
FSVA_HANDLER(unlink);
FSVA_HANDLER(symlink);
FSVA_HANDLER(readlink);
FSVA_HANDLER(rename);
FSVA_HANDLER(permission);
FSVA_HANDLER(dirty_inode);
FSVA_HANDLER(write_inode);
FSVA_HANDLER(dentry_validate);
FSVA_HANDLER(dentry_release);
FSVA_HANDLER(truncate);
FSVA_HANDLER(open);
FSVA_HANDLER(release);
FSVA_HANDLER(flush);
FSVA_HANDLER(fsync);
FSVA_HANDLER(seek);
FSVA_HANDLER(readdir);
FSVA_HANDLER(read);
FSVA_HANDLER(write);
FSVA_HANDLER(fadvise);

/* ---- Small things (fsva_subr.c) ---- */

uint32_t fsva_errno_to_wire(int);
int	fsva_errno_from_wire(int);
int	fsva_attr_get(struct vnode *, kauth_cred_t, struct fsva_attr *);
uint32_t fsva_impl(const struct fsva_session *, struct vnode *);
int	fsva_entry_fill(struct fsva_call *, struct vnode *,
	    struct fsva_entry *);
int	fsva_open(struct fsva_call *, struct vnode *, uint32_t, uint64_t *);
int	fsva_data_in(struct fsva_call *, const uint8_t **);
int	fsva_data_out(struct fsva_call *, const void *, uint32_t);
void	fsva_data_uio(struct fsva_call *, struct uio *, struct iovec *,
	    enum uio_rw, off_t);
void	fsva_data_free(struct fsva_call *);

#endif /* FSVAVAR_H */
