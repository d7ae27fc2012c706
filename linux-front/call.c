// SPDX-License-Identifier: GPL-2.0
/*
 * call.c: one typed function an operation: pack, submit, wait, unpack.
 *
 * The VFS side calls in here and sees neither ring nor grant.  Each function
 * claims a call under the caller's credentials, fills the operation's
 * structure, and gives back a checked copy of the answer.  Waits are killable;
 * a killed caller's request stays with the ring, and fsva_orphan_work()
 * gives back what its answer brought.
 */
#include <linux/cred.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nospec.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/user_namespace.h>

#include "call.h"

static unsigned int copy_max = FSVA_STAGING_MAX;
module_param(copy_max, uint, 0644);
MODULE_PARM_DESC(copy_max, "octets up to which a call's data is copied, beyond which the caller's pages are granted");

/* ---- Begin, run, end ---- */

int fsva_call_errno(u32 error)
{
	static const u16 errnos[] = {
#define FSVA_ERRNO(name, value)[value] = name,
#include "fsva_errno.h"
#undef FSVA_ERRNO
	};

	if (error == FSVA_OK)
		return 0;
	if (error >= ARRAY_SIZE(errnos))
		return -EIO;
	error = array_index_nospec(error, ARRAY_SIZE(errnos));
	return errnos[error] ? -(int)errnos[error] : -EIO;
}

/*
 * What close() and unlink() let go of is let go of behind their backs (forget.c).
 * These must not see that: they tell of free space, or ask whether somebody has it
 * open.
 */
static bool fsva_call_after_quiet(u16 op)
{
	switch (op) {
	case FSVA_OP_STATFS:
	case FSVA_OP_FALLOCATE:
	case FSVA_OP_IOCTL:
	case FSVA_OP_FILEATTR_SET:
	case FSVA_OP_REMOUNT:
	case FSVA_OP_FREEZE:
	case FSVA_OP_LOCK:
	case FSVA_OP_LOCK_TEST:
	case FSVA_OP_FLOCK:
		return true;
	}
	return false;
}

/*
 * Claim a call for op.  cred is NULL for operations under the appliance's own
 * identity; inode, or NULL, is whom its capabilities are tested against.
 * Killable.
 */
static struct fsva_call *fsva_call_begin_on(struct fsva_front *ff, u16 op,
					    const struct cred *cred,
					    const struct inode *inode)
{
	struct fsva_cred *fc = NULL;
	struct fsva_call *call;
	unsigned int queue;
	int err;

	if (fsva_call_after_quiet(op)) {
		err = fsva_quiet_wait(ff);
		if (err)
			return ERR_PTR(err);
	}
	err = fsva_ring_enter(ff, op == FSVA_OP_SESSION);
	if (err)
		return ERR_PTR(err);
	if (cred) {
		fc = fsva_cred_get(ff, cred, inode);
		if (IS_ERR(fc)) {
			fsva_ring_leave(ff);
			return ERR_CAST(fc);
		}
	}
	if (op == FSVA_OP_SESSION) {
		fsva_ring_claim_control(ff, &call);
		fsva_wire_req_init(&call->req, op, 0);
		return call;
	}
	queue = raw_smp_processor_id() % ff->nr_queues;
	/* A failed claim leaves, and the credentials must go before that. */
	atomic_inc(&ff->nr_busy);
	call = fsva_ring_claim(&ff->rings[queue]);
	if (IS_ERR(call)) {
		fsva_cred_put(ff, fc);
	} else {
		call->cred = fc;
		fsva_wire_req_init(&call->req, op, fc ? fc->index : 0);
	}
	fsva_ring_leave(ff);
	return call;
}

struct fsva_call *fsva_call_begin(struct fsva_front *ff, u16 op,
				  const struct cred *cred)
{
	return fsva_call_begin_on(ff, op, cred, NULL);
}

/* The same for the current task. */
struct fsva_call *fsva_call_start_on(struct fsva_front *ff, u16 op,
				     const struct inode *inode)
{
	return fsva_call_begin_on(ff, op, current_cred(), inode);
}

struct fsva_call *fsva_call_start(struct fsva_front *ff, u16 op)
{
	return fsva_call_start_on(ff, op, NULL);
}

/*
 * May it change what stat() tells of anything?  Not what closing a file does: that
 * is counted by inode (forget.c).  EVENT tells of changes, and is heard by itself.
 */
bool fsva_call_changes(u16 op)
{
	switch (op) {
	case FSVA_OP_NULL_CALL:
	case FSVA_OP_SESSION:
	case FSVA_OP_CRED_SET:
	case FSVA_OP_EVENT:
	case FSVA_OP_INTERRUPT:
	case FSVA_OP_RESTORE_GRANTS:
	case FSVA_OP_STATFS:
	case FSVA_OP_SHOW_OPTIONS:
	case FSVA_OP_LOOKUP:
	case FSVA_OP_GETATTR:
	case FSVA_OP_READLINK:
	case FSVA_OP_PERMISSION:
	case FSVA_OP_DENTRY_VALIDATE:
	case FSVA_OP_DENTRY_RELEASE:
	case FSVA_OP_OPEN:
	case FSVA_OP_RELEASE:
	case FSVA_OP_SEEK:
	case FSVA_OP_READDIR:
	case FSVA_OP_READ:
	case FSVA_OP_FADVISE:
	case FSVA_OP_FIEMAP:
	case FSVA_OP_LOCK:
	case FSVA_OP_LOCK_TEST:
	case FSVA_OP_FLOCK:
	case FSVA_OP_GETXATTR:
	case FSVA_OP_LISTXATTR:
	case FSVA_OP_GET_ACL:
	case FSVA_OP_FILEATTR_GET:
	case FSVA_OP_ENCODE_FH:
	case FSVA_OP_DECODE_FH:
	case FSVA_OP_GET_PARENT:
	case FSVA_OP_GET_NAME:
	case FSVA_OP_UNMAP_PAGE:
	case FSVA_OP_EVICT_PAGE:
	case FSVA_OP_INVALIDATE_PAGE:
		return false;
	}
	return true;
}

/* Nobody sees the answer to this operation: what could it have changed? */
void fsva_call_doubt(struct fsva_front *ff, u16 op)
{
	switch (op) {
	case FSVA_OP_CREATE:
	case FSVA_OP_MKNOD:
	case FSVA_OP_MKDIR:
	case FSVA_OP_RMDIR:
	case FSVA_OP_LINK:
	case FSVA_OP_UNLINK:
	case FSVA_OP_SYMLINK:
	case FSVA_OP_RENAME:
		fsva_front_doubt(ff, true);
		break;
	case FSVA_OP_SETATTR:
	case FSVA_OP_TRUNCATE:
	case FSVA_OP_WRITE:
	case FSVA_OP_FALLOCATE:
	case FSVA_OP_COPY_RANGE:
	case FSVA_OP_REMAP_RANGE:
	case FSVA_OP_IOCTL:
	case FSVA_OP_SETXATTR:
	case FSVA_OP_REMOVEXATTR:
	case FSVA_OP_SET_ACL:
	case FSVA_OP_FILEATTR_SET:
		fsva_front_doubt(ff, false);
		break;
	}
}

static int fsva_call_run_once(struct fsva_call **callp)
{
	struct fsva_call *call = *callp;
	struct fsva_front *ff = call->ring->ff;
	u16 op = call->req.op;
	int err;

	err = fsva_ring_submit(call);
	if (err)
		return err;
	err = fsva_ring_wait(callp);
	if (err) {
		fsva_call_doubt(ff, op);
		return err;
	}
	if (call->err)
		return call->err;
	return fsva_call_errno(call->rsp.error);
}

/*
 * Send and wait.  An error may have made *callp NULL; fsva_call_end() knows.  That
 * there is no space left does not count while some is being freed (forget.c): asked
 * again, under another id, for nothing has been done.
 */
int fsva_call_run(struct fsva_call **callp)
{
	struct fsva_front *ff = (*callp)->ring->ff;
	bool freeing = !fsva_quiet_over(ff);
	int err = fsva_call_run_once(callp);

	if ((err == -ENOSPC || err == -EDQUOT) && freeing && *callp &&
	    !fsva_quiet_wait_entered(ff))
		err = fsva_call_run_once(callp);
	return err;
}

void fsva_call_end(struct fsva_call *call)
{
	if (!call)
		return;
	fsva_grant_end(call, 0);
	fsva_cred_put(call->ring->ff, call->cred);
	fsva_ring_release(call);
}

/* Run, copy the answer's structure out, end. */
int fsva_call_finish(struct fsva_call *call, void *rsp, size_t size)
{
	int err = fsva_call_run(&call);

	if (!err && rsp)
		memcpy(rsp, fsva_call_rsp(call), size);
	fsva_call_end(call);
	return err;
}

/* Data of up to a page that goes along in the staging page. */
static int fsva_call_staged(struct fsva_call *call, const void *data, u32 len)
{
	if (len > FSVA_STAGING_MAX)
		return -E2BIG;
	memcpy(call->staging, data, len);
	return fsva_wire_req_data(&call->req, 0, len, NULL, 0) ? -E2BIG : 0;
}

/* Start an operation whose structure begins with a name in a directory. */
static struct fsva_call *fsva_call_named_on(struct fsva_front *ff, u16 op,
					    u64 dir, const struct qstr *name,
					    const struct inode *inode)
{
	struct fsva_call *call = fsva_call_start_on(ff, op, inode);
	int error;

	if (IS_ERR(call))
		return call;
	error = fsva_wire_name(fsva_call_req(call), dir, name->name, name->len);
	if (error) {
		fsva_call_end(call);
		return ERR_PTR(fsva_call_errno(error));
	}
	return call;
}

static struct fsva_call *fsva_call_named(struct fsva_front *ff, u16 op,
					 u64 dir, const struct qstr *name)
{
	return fsva_call_named_on(ff, op, dir, name, NULL);
}

/* ---- Session and mount ---- */

/* There and back, for measuring. */
int fsva_call_null(struct fsva_front *ff)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_NULL_CALL, NULL);

	if (IS_ERR(call))
		return PTR_ERR(call);
	return fsva_call_finish(call, NULL, 0);
}

int fsva_call_session(struct fsva_front *ff, struct fsva_session_rsp *rsp)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_SESSION, NULL);
	struct fsva_session_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->session = ff->session;
	q->features = FSVA_FEATURE_XATTR | FSVA_FEATURE_ACL |
		      FSVA_FEATURE_RESTORE | FSVA_FEATURE_EVENT |
		      fsva_shares_features() |
		      fsva_ubc_features(ff);
	q->next_id = atomic64_read(&ff->next_id);
	q->minor = FSVA_MINOR;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/* The call pins the entry itself: it is not to change before the answer. */
int fsva_call_cred_set(struct fsva_front *ff, struct fsva_cred *fc)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_CRED_SET, NULL);
	const struct group_info *groups = fc->groups;
	unsigned int nr = groups->ngroups, i;
	u32 len = nr * sizeof(u32), pages = 0;
	struct fsva_cred_set_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	fsva_cred_pin(ff, fc);
	call->cred = fc;
	q = fsva_call_req(call);
	q->index = fc->index;
	q->fsuid = fc->fsuid;
	q->fsgid = fc->fsgid;
	q->nr_groups = nr;
	q->caps = fc->caps;
	if (len > FSVA_STAGING_MAX) {
		pages = DIV_ROUND_UP(len, FSVA_PAGE_SIZE);
		err = fsva_grant_bounce(call, 0, pages);
		if (err) {
			fsva_call_end(call);
			return err;
		}
	}
	for (i = 0; i < nr; i++) {
		u32 *to = pages ? page_address(call->bounce[i / 1024]->page) :
				  call->staging;

		to[i % 1024] = from_kgid(&init_user_ns, groups->gid[i]);
	}
	if (len && fsva_wire_req_data(&call->req, 0, len, call->ref, pages)) {
		fsva_call_end(call);
		return -E2BIG;
	}
	return fsva_call_finish(call, NULL, 0);
}

/* The caller has taken ff; ff->mounted is false. */
int fsva_call_mount(struct fsva_front *ff, u32 flags, const char *options,
		    struct fsva_mount_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_MOUNT);
	struct fsva_mount_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->flags = flags;
	err = fsva_call_staged(call, options, strlen(options));
	if (!err) {
		ff->mounted = true;
		err = fsva_call_run(&call);
		if (!err)
			memcpy(rsp, fsva_call_rsp(call), sizeof(*rsp));
		else if (call)
			ff->mounted = false;
		/* else: an orphan, whose answer tells if it is mounted. */
	}
	fsva_call_end(call);
	return err;
}

static int fsva_call_unmount_now(struct fsva_front *ff)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_UNMOUNT);

	return IS_ERR(call) ? PTR_ERR(call) : fsva_call_finish(call, NULL, 0);
}

/*
 * What was forgotten goes first, and what killed callers left behind (it may be
 * the mount itself); then the mount, if there is one.
 */
void fsva_call_unmount_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(work, struct fsva_front,
					     unmount_work);
	int err = 0;

	fsva_forgets_settle(ff);
	wait_event_idle(ff->idle_wq, !atomic_read(&ff->nr_busy));
	if (READ_ONCE(ff->mounted))
		err = fsva_call_unmount_now(ff);
	if (err && err != -EIO)
		pr_warn("fsva: %s: unmount: error %d\n", ff->tag, err);
	WRITE_ONCE(ff->mounted, false);
	fsva_front_untake(ff);
	fsva_front_put(ff);
}

/*
 * By the superblock that has taken ff, which it has no more then.  Killable: the
 * work goes on by itself, and the next mount waits for it.
 */
void fsva_call_unmount(struct fsva_front *ff, bool wait)
{
	unsigned int before = READ_ONCE(ff->nr_unmounts);

	fsva_front_get(ff);
	if (!queue_work(fsva_wq, &ff->unmount_work))
		fsva_front_put(ff);
	if (wait)
		(void)fsva_wait(ff, ff->state_wq, 0,
				READ_ONCE(ff->nr_unmounts) != before);
}

int fsva_call_remount(struct fsva_front *ff, u32 flags, u32 mask,
		      const char *options, struct fsva_remount_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_REMOUNT);
	struct fsva_remount_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->flags = flags;
	q->mask = mask;
	err = fsva_call_staged(call, options, strlen(options));
	if (err) {
		fsva_call_end(call);
		return err;
	}
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_statfs(struct fsva_front *ff, u64 handle,
		     struct fsva_statfs_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_STATFS);
	struct fsva_statfs_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_syncfs(struct fsva_front *ff, bool wait)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_SYNCFS);
	struct fsva_syncfs_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->wait = wait;
	return fsva_call_finish(call, NULL, 0);
}

/* FREEZE or THAW. */
int fsva_call_freeze(struct fsva_front *ff, u16 op)
{
	struct fsva_call *call = fsva_call_start(ff, op);

	return IS_ERR(call) ? PTR_ERR(call) : fsva_call_finish(call, NULL, 0);
}

/*
 * Run it for at most size octets of data in the staging page: copied once to buf,
 * then checked; the answer itself goes to rsp.  The number of octets, or an error;
 * why is what a bad back is stopped for.
 */
static int fsva_call_octets(struct fsva_call *call, void *buf, u32 size,
			    void *rsp, size_t rsp_size, const char *why)
{
	struct fsva_front *ff = call->ring->ff;
	bool bad = false;
	u32 len = 0;
	int err;

	fsva_wire_req_data(&call->req, 0, min(size, FSVA_STAGING_MAX), NULL, 0);
	err = fsva_call_run(&call);
	if (!err) {
		if (rsp_size)
			memcpy(rsp, fsva_call_rsp(call), rsp_size);
		len = call->rsp.data_len;
		memcpy(buf, call->staging, len);
		bad = fsva_wire_check_rsp_data(&call->rsp, buf, len);
	}
	fsva_call_end(call);
	if (bad) {
		fsva_front_stop(ff, why);
		return -EIO;
	}
	return err ? err : len;
}

/* The same for a string.  buf has room for one octet more than size. */
static int fsva_call_string(struct fsva_call *call, char *buf, u32 size)
{
	int len = fsva_call_octets(call, buf, size, NULL, 0,
				   "an answer holds octets that it may not");

	buf[max(len, 0)] = '\0';
	return min(len, 0);
}

int fsva_call_show_options(struct fsva_front *ff, char *buf, size_t size)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_SHOW_OPTIONS);

	if (IS_ERR(call))
		return PTR_ERR(call);
	return fsva_call_string(call, buf, size - 1);
}

/* ---- Names and inodes ---- */

int fsva_call_lookup(struct fsva_front *ff, u64 dir, const struct qstr *name,
		     struct fsva_entry *entry)
{
	struct fsva_call *call = fsva_call_named(ff, FSVA_OP_LOOKUP, dir, name);

	if (IS_ERR(call))
		return PTR_ERR(call);
	return fsva_call_finish(call, entry, sizeof(*entry));
}

int fsva_call_getattr(struct fsva_front *ff, u64 handle, u64 fh, u32 mask,
		      u32 flags, struct fsva_getattr_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_GETATTR);
	struct fsva_getattr_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->fh = fh;
	q->mask = mask;
	q->flags = flags;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_setattr(struct fsva_front *ff, const struct inode *inode,
		      const struct fsva_setattr_req *args,
		      struct fsva_getattr_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start_on(ff, FSVA_OP_SETATTR, inode);

	if (IS_ERR(call))
		return PTR_ERR(call);
	memcpy(fsva_call_req(call), args, sizeof(*args));
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/* Something is made: the umask goes along for file systems that want it. */
static struct fsva_call *fsva_call_make(struct fsva_front *ff, u16 op, u64 dir,
					const struct qstr *name)
{
	struct fsva_call *call = fsva_call_named(ff, op, dir, name);

	if (!IS_ERR(call))
		call->req.umask = current_umask() & 0777;
	return call;
}

int fsva_call_create(struct fsva_front *ff, u64 dir, const struct qstr *name,
		     umode_t mode, u32 flags, u32 open_flags,
		     struct fsva_create_rsp *rsp)
{
	struct fsva_call *call = fsva_call_make(ff, FSVA_OP_CREATE, dir, name);
	struct fsva_create_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->mode = mode & S_IALLUGO;
	q->flags = flags;
	q->open_flags = open_flags;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_mknod(struct fsva_front *ff, u64 dir, const struct qstr *name,
		    umode_t mode, dev_t dev, struct fsva_create_rsp *rsp)
{
	struct fsva_call *call = fsva_call_make(ff, FSVA_OP_MKNOD, dir, name);
	struct fsva_mknod_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->mode = mode;
	if (S_ISCHR(mode) || S_ISBLK(mode)) {
		q->rdev_major = MAJOR(dev);
		q->rdev_minor = MINOR(dev);
	}
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_mkdir(struct fsva_front *ff, u64 dir, const struct qstr *name,
		    umode_t mode, struct fsva_create_rsp *rsp)
{
	struct fsva_call *call = fsva_call_make(ff, FSVA_OP_MKDIR, dir, name);
	struct fsva_mkdir_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->mode = mode & S_IALLUGO;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_tmpfile(struct fsva_front *ff, u64 dir, umode_t mode,
		      u32 open_flags, struct fsva_create_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_TMPFILE);
	struct fsva_tmpfile_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	call->req.umask = current_umask() & 0777;
	q = fsva_call_req(call);
	q->dir = dir;
	q->mode = mode & S_IALLUGO;
	q->open_flags = open_flags;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_symlink(struct fsva_front *ff, u64 dir, const struct qstr *name,
		      const char *target, struct fsva_create_rsp *rsp)
{
	struct fsva_call *call;
	int err;

	if (strlen(target) >= FSVA_PATH_MAX)
		return -ENAMETOOLONG;
	call = fsva_call_make(ff, FSVA_OP_SYMLINK, dir, name);
	if (IS_ERR(call))
		return PTR_ERR(call);
	err = fsva_call_staged(call, target, strlen(target));
	if (err) {
		fsva_call_end(call);
		return err;
	}
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_link(struct fsva_front *ff, u64 dir, const struct qstr *name,
		   u64 handle, struct fsva_create_rsp *rsp)
{
	struct fsva_call *call = fsva_call_named(ff, FSVA_OP_LINK, dir, name);
	struct fsva_link_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/* FSVA_OP_UNLINK and FSVA_OP_RMDIR. */
int fsva_call_unlink(struct fsva_front *ff, u16 op, u64 dir,
		     const struct qstr *name, const struct inode *inode,
		     u64 handle, struct fsva_unlink_rsp *rsp)
{
	struct fsva_call *call = fsva_call_named_on(ff, op, dir, name, inode);
	struct fsva_unlink_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_rename(struct fsva_front *ff, u64 dir, const struct qstr *name,
		     const struct inode *inode, u64 handle, u64 new_dir,
		     const struct qstr *new_name, u64 new_handle, u32 flags,
		     struct fsva_rename_rsp *rsp)
{
	struct fsva_call *call = fsva_call_named_on(ff, FSVA_OP_RENAME, dir,
						    name, inode);
	struct fsva_rename_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->new_dir = new_dir;
	q->handle = handle;
	q->new_handle = new_handle;
	q->flags = flags;
	err = fsva_call_staged(call, new_name->name, new_name->len);
	if (err) {
		fsva_call_end(call);
		return err;
	}
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/* buf has FSVA_PATH_MAX octets. */
int fsva_call_readlink(struct fsva_front *ff, u64 handle, char *buf)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_READLINK);
	struct fsva_readlink_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	return fsva_call_string(call, buf, FSVA_PATH_MAX - 1);
}

int fsva_call_permission(struct fsva_front *ff, const struct inode *inode,
			 u64 handle, u32 mask)
{
	struct fsva_call *call = fsva_call_start_on(ff, FSVA_OP_PERMISSION,
						    inode);
	struct fsva_permission_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->mask = mask;
	return fsva_call_finish(call, NULL, 0);
}

int fsva_call_dirty_inode(struct fsva_front *ff,
			  const struct fsva_dirty_inode_req *args)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_DIRTY_INODE);

	if (IS_ERR(call))
		return PTR_ERR(call);
	memcpy(fsva_call_req(call), args, sizeof(*args));
	return fsva_call_finish(call, NULL, 0);
}

int fsva_call_write_inode(struct fsva_front *ff, u64 handle, bool wait)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_WRITE_INODE);
	struct fsva_write_inode_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->wait = wait;
	return fsva_call_finish(call, NULL, 0);
}

int fsva_call_dentry_validate(struct fsva_front *ff, u64 dir,
			      const struct qstr *name, u64 handle, u32 flags,
			      struct fsva_attr *attr)
{
	struct fsva_call *call = fsva_call_named(ff, FSVA_OP_DENTRY_VALIDATE,
						 dir, name);
	struct fsva_dentry_validate_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->flags = flags;
	return fsva_call_finish(call, attr, sizeof(*attr));
}

/* ---- Open files ---- */

int fsva_call_open(struct fsva_front *ff, u64 handle, u32 flags,
		   struct fsva_open_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_OPEN);
	struct fsva_open_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->flags = flags;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_flush(struct fsva_front *ff, u64 fh, u64 owner)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_FLUSH);
	struct fsva_flush_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->fh = fh;
	q->lock_owner = owner;
	return fsva_call_finish(call, NULL, 0);
}

int fsva_call_fsync(struct fsva_front *ff, u64 fh, u64 start, u64 end,
		    bool datasync)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_FSYNC);
	struct fsva_fsync_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->fh = fh;
	q->start = start;
	q->end = end;
	q->datasync = datasync;
	return fsva_call_finish(call, NULL, 0);
}

int fsva_call_seek(struct fsva_front *ff, u64 fh, s64 offset, u32 whence,
		   s64 *result)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_SEEK);
	struct fsva_seek_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->fh = fh;
	q->offset = offset;
	q->whence = whence;
	return fsva_call_finish(call, result, sizeof(*result));
}

int fsva_call_fallocate(struct fsva_front *ff, u64 fh, u64 offset, u64 len,
			u32 mode, struct fsva_getattr_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_FALLOCATE);
	struct fsva_fallocate_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->fh = fh;
	q->offset = offset;
	q->len = len;
	q->mode = mode;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/* COPY_RANGE or REMAP_RANGE, as args says: the two have one form. */
int fsva_call_range(struct fsva_front *ff, u16 op,
		    const struct fsva_copy_range_req *args,
		    struct fsva_copy_range_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, op);

	if (IS_ERR(call))
		return PTR_ERR(call);
	memcpy(fsva_call_req(call), args, sizeof(*args));
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_fadvise(struct fsva_front *ff, u64 fh, u64 offset, u64 len,
		      u32 advice)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_FADVISE);
	struct fsva_fadvise_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->fh = fh;
	q->offset = offset;
	q->len = len;
	q->advice = advice;
	return fsva_call_finish(call, NULL, 0);
}

/* ---- Locks ---- */

static void fsva_call_interrupt_done(struct fsva_call *call)
{
	fsva_ring_release(call);
}

/*
 * The caller of a request that is under way wants to go.  Sent and not waited
 * for: what it is about is answered by itself.
 */
static void fsva_call_interrupt(struct fsva_front *ff, u64 target, u16 queue)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_INTERRUPT, NULL);
	struct fsva_interrupt_req *q;

	if (IS_ERR(call))
		return;
	q = fsva_call_req(call);
	q->target = target;
	q->queue = queue;
	call->done = fsva_call_interrupt_done;
	if (fsva_ring_submit(call))
		fsva_call_end(call);
}

/*
 * As fsva_call_run() of what may wait long.  A signal asks the back to answer
 * now; what it then says counts, for it may have been done all the same.
 */
static int fsva_call_run_slow(struct fsva_call **callp)
{
	struct fsva_call *call = *callp;
	int err;

	call->slow = true;
	err = fsva_ring_submit(call);
	if (err)
		return err;
	if (fsva_ring_wait_signal(call))
		fsva_call_interrupt(call->ring->ff, call->req.id,
				    call->ring->index);
	err = fsva_ring_wait(callp);
	if (err)
		return err;
	if (call->err)
		return call->err;
	return fsva_call_errno(call->rsp.error);
}

/*
 * LOCK or FLOCK, as args says.  With FSVA_LOCKF_WAIT it may take as long as
 * others hold the lock, and a signal ends it.
 */
int fsva_call_lock(struct fsva_front *ff, u16 op,
		   const struct fsva_lock_req *args)
{
	struct fsva_call *call = fsva_call_start(ff, op);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	memcpy(fsva_call_req(call), args, sizeof(*args));
	if (!(args->flags & FSVA_LOCKF_WAIT))
		return fsva_call_finish(call, NULL, 0);
	err = fsva_call_run_slow(&call);
	fsva_call_end(call);
	return err;
}

int fsva_call_lock_test(struct fsva_front *ff, const struct fsva_lock_req *args,
			struct fsva_lock_test_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_LOCK_TEST);

	if (IS_ERR(call))
		return PTR_ERR(call);
	memcpy(fsva_call_req(call), args, sizeof(*args));
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/* ---- Export handles ---- */

/* The file system's handle of an inode, its octets into fid[]; *len of them. */
int fsva_call_encode_fh(struct fsva_front *ff, u64 handle, u64 parent,
			u8 fid[FSVA_EXPORT_FH_MAX], u32 *len, u32 *type)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_ENCODE_FH);
	const struct fsva_encode_fh_rsp *r;
	struct fsva_encode_fh_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->parent = parent;
	fsva_wire_req_data(&call->req, 0, FSVA_EXPORT_FH_MAX, NULL, 0);
	err = fsva_call_run(&call);
	if (!err) {
		r = fsva_call_rsp(call);
		*type = r->type;
		*len = call->rsp.data_len;
		memcpy(fid, call->staging, *len);
	}
	fsva_call_end(call);
	return err;
}

int fsva_call_decode_fh(struct fsva_front *ff, const void *fid, u32 len,
			u32 type, bool parent, struct fsva_entry *entry)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_DECODE_FH);
	struct fsva_decode_fh_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->type = type;
	q->parent = parent;
	err = fsva_call_staged(call, fid, len);
	if (err) {
		fsva_call_end(call);
		return err;
	}
	return fsva_call_finish(call, entry, sizeof(*entry));
}

int fsva_call_get_parent(struct fsva_front *ff, u64 handle,
			 struct fsva_entry *entry)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_GET_PARENT);
	struct fsva_get_parent_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	return fsva_call_finish(call, entry, sizeof(*entry));
}

/* A name of at most FSVA_NAME_MAX octets, ended by NUL. */
int fsva_call_get_name(struct fsva_front *ff, u64 dir, u64 handle,
		       char name[FSVA_NAME_MAX + 1])
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_GET_NAME);
	struct fsva_get_name_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->dir = dir;
	q->handle = handle;
	return fsva_call_string(call, name, FSVA_NAME_MAX);
}

/*
 * One piece of a listing into buf, our private copy: *len octets, checked.
 * size is whole pages, at most FSVA_BOUNCE_MAX of them.
 */
int fsva_call_readdir(struct fsva_front *ff, u64 fh, u64 cookie, void *buf,
		      u32 size, struct fsva_readdir_rsp *rsp, u32 *len)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_READDIR);
	u32 nr = size / FSVA_PAGE_SIZE, i;
	struct fsva_readdir_req *q;
	bool bad = false;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->fh = fh;
	q->cookie = cookie;
	err = fsva_grant_bounce(call, 0, nr);
	if (!err) {
		fsva_wire_req_data(&call->req, 0, size, call->ref, nr);
		err = fsva_call_run(&call);
	}
	if (!err) {
		memcpy(rsp, fsva_call_rsp(call), sizeof(*rsp));
		*len = call->rsp.data_len;
		for (i = 0; i * FSVA_PAGE_SIZE < *len; i++)
			memcpy(buf + i * FSVA_PAGE_SIZE,
			       page_address(call->bounce[i]->page),
			       min(*len - i * FSVA_PAGE_SIZE, FSVA_PAGE_SIZE));
		bad = fsva_wire_check_rsp_data(&call->rsp, buf, *len);
	}
	fsva_call_end(call);
	if (bad) {
		fsva_front_stop(ff, "a directory listing is malformed");
		return -EIO;
	}
	return err;
}

/* ---- Data ---- */

static void fsva_call_pack_rw(struct fsva_call *call, u64 fh, u64 pos,
			      u32 flags)
{
	struct fsva_read_req *q = fsva_call_req(call);

	q->fh = fh;
	q->offset = flags & FSVA_RW_APPEND ? 0 : pos;
	q->flags = flags;
}

/*
 * Pin the user's memory at the front of iter, as much of count as one request
 * and one segment take.  Returns pages, or an error when none can be granted.
 */
static int fsva_call_pin(struct iov_iter *iter, size_t count, bool written,
			 struct page **pages, unsigned int *off, size_t *len)
{
	unsigned long addr = (unsigned long)fsva_iter_addr(iter);
	size_t seg = min(count, iov_iter_single_seg_count(iter));
	int want, got, ok;

	*off = offset_in_page(addr);
	want = min_t(size_t, DIV_ROUND_UP(*off + seg, PAGE_SIZE),
		     FSVA_MAX_GREFS);
	got = pin_user_pages_fast(addr & PAGE_MASK, want,
				  written ? FOLL_WRITE : 0, pages);
	if (got <= 0)
		return got ? got : -EFAULT;
	for (ok = 0; ok < got; ok++)
		if (!fsva_grant_page_ok(pages[ok]))
			break;
	if (ok < got)
		unpin_user_pages(pages + ok, got - ok);
	if (!ok)
		return -EFAULT;
	*len = min_t(size_t, seg, ok * PAGE_SIZE - *off);
	return ok;
}

/*
 * The offset in a page that has the alignment of all this memory.  File systems
 * refuse direct I/O, or do it otherwise, by how the least aligned piece is.
 */
static unsigned int fsva_call_direct_off(const struct iov_iter *iter, u32 flags)
{
	unsigned long align;

	if (!(flags & FSVA_RW_DIRECT))
		return 0;
	align = iov_iter_alignment(iter) & ~PAGE_MASK;
	return align & -align;
}

/*
 * Worth granting rather than copying?  Up to a page goes by the staging page, which
 * the back has mapped for good: two hypercalls there, and what they flush, cost more
 * than that copy (tests/bench/data).  off: of direct I/O; if pieces differ, they
 * go in one request, or each says the same by the reserve's pages.
 */
static bool fsva_call_can_pin(const struct iov_iter *iter, size_t count,
			      unsigned int off)
{
	size_t seg = iov_iter_single_seg_count(iter);

	if (off && (seg < iov_iter_count(iter) || count < seg))
		return false;
	return count > READ_ONCE(copy_max) && count >= PAGE_SIZE &&
	       user_backed_iter(iter) && seg >= PAGE_SIZE;
}

/*
 * A read or write with the user's own pages.  No call is held while pages are
 * faulted in: the fault may need one.  Returns octets, or -EFAULT when the
 * memory can't be granted: copy then.
 */
static ssize_t fsva_call_rw_user(struct fsva_front *ff, u16 op, u64 fh, u64 pos,
				 u32 flags, struct iov_iter *iter, size_t count,
				 bool *eof, struct fsva_write_rsp *rsp)
{
	bool to_back = op == FSVA_OP_WRITE;
	struct page *pages[FSVA_MAX_GREFS];
	struct fsva_call *call;
	unsigned int off;
	size_t len, done;
	int nr, err;

	nr = fsva_call_pin(iter, count, !to_back, pages, &off, &len);
	if (nr < 0)
		return -EFAULT;
	call = fsva_call_start(ff, op);
	if (IS_ERR(call)) {
		unpin_user_pages(pages, nr);
		return PTR_ERR(call);
	}
	fsva_call_pack_rw(call, fh, pos, flags);
	err = fsva_grant_user(call, pages, nr, off, len, to_back);
	if (err) {
		unpin_user_pages(pages, nr);
		fsva_call_end(call);
		return err;
	}
	fsva_wire_req_data(&call->req, off, len, call->ref, nr);
	err = fsva_call_run(&call);
	done = err ? 0 : call->rsp.data_len;
	if (!err) {
		if (rsp)
			memcpy(rsp, fsva_call_rsp(call), sizeof(*rsp));
		err = fsva_grant_end(call, done);
	}
	fsva_call_end(call);
	if (err)
		return err == -EFAULT ? -EIO : err;
	iov_iter_advance(iter, done);
	*eof = done < len;
	return done;
}

/*
 * Copy between an iterator and the call's staging or reserve pages, from octet
 * off on.  Faults are off: the caller holds a call, which the fault might need.
 */
static size_t fsva_call_copy(struct fsva_call *call, unsigned int off,
			     size_t len, struct iov_iter *iter, bool to_back)
{
	size_t done = 0, at, n, got;

	pagefault_disable();
	while (done < len) {
		void *p = call->staging;

		at = off + done;
		if (call->nr)
			p = page_address(call->bounce[at / PAGE_SIZE]->page);
		p += offset_in_page(at);
		n = min_t(size_t, PAGE_SIZE - offset_in_page(at), len - done);
		got = to_back ? copy_from_iter(p, n, iter) :
				copy_to_iter(p, n, iter);
		done += got;
		if (got < n)
			break;
	}
	pagefault_enable();
	return done;
}

/* Make room for len octets of data; not yet in the request. */
int fsva_call_room(struct fsva_call *call, size_t len)
{
	if (len <= FSVA_STAGING_MAX)
		return 0;
	return fsva_grant_bounce(call, 0, DIV_ROUND_UP(len, PAGE_SIZE));
}

/* len octets of that room, from off on, are the data. */
static void fsva_call_room_part(struct fsva_call *call, unsigned int off,
				size_t len)
{
	unsigned int nr = call->nr ? DIV_ROUND_UP(off + len, PAGE_SIZE) : 0;

	fsva_wire_req_data(&call->req, off, len, call->ref, nr);
}

/* The first len octets are. */
void fsva_call_room_data(struct fsva_call *call, size_t len)
{
	fsva_call_room_part(call, 0, len);
}

/* What one request copies of count octets, the first of them at off in a page. */
static size_t fsva_call_copy_len(size_t count, unsigned int off)
{
	size_t max = FSVA_BOUNCE_MAX * PAGE_SIZE;

	return min_t(size_t, count, off ? max - PAGE_SIZE : max);
}

static ssize_t fsva_call_write_copy(struct fsva_front *ff, u64 fh, u64 pos,
				    u32 flags, struct iov_iter *from,
				    size_t count, unsigned int off,
				    struct fsva_write_rsp *rsp)
{
	size_t len = fsva_call_copy_len(count, off);
	size_t copied = 0, done;
	struct fsva_call *call;
	int err;

	while (!copied) {
		if (fault_in_iov_iter_readable(from, len) == len)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		call = fsva_call_start(ff, FSVA_OP_WRITE);
		if (IS_ERR(call))
			return PTR_ERR(call);
		fsva_call_pack_rw(call, fh, pos, flags);
		err = fsva_call_room(call, off + len);
		if (err) {
			fsva_call_end(call);
			return err;
		}
		copied = fsva_call_copy(call, off, len, from, true);
		if (!copied)
			fsva_call_end(call);
		cond_resched();
	}
	fsva_call_room_part(call, off, copied);
	err = fsva_call_run(&call);
	done = err ? 0 : call->rsp.data_len;
	if (!err)
		memcpy(rsp, fsva_call_rsp(call), sizeof(*rsp));
	fsva_call_end(call);
	if (done < copied)
		iov_iter_revert(from, copied - done);
	return err ? err : done;
}

static ssize_t fsva_call_read_copy(struct fsva_front *ff, u64 fh, u64 pos,
				   u32 flags, struct iov_iter *to, size_t count,
				   unsigned int off, bool *eof)
{
	size_t len = fsva_call_copy_len(count, off);
	size_t got, copied;
	struct fsva_call *call;
	int err;

	do {
		if (fault_in_iov_iter_writeable(to, len) == len)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		call = fsva_call_start(ff, FSVA_OP_READ);
		if (IS_ERR(call))
			return PTR_ERR(call);
		fsva_call_pack_rw(call, fh, pos, flags);
		err = fsva_call_room(call, off + len);
		if (!err) {
			fsva_call_room_part(call, off, len);
			err = fsva_call_run(&call);
		}
		if (err) {
			fsva_call_end(call);
			return err;
		}
		got = call->rsp.data_len;
		copied = fsva_call_copy(call, off, got, to, false);
		fsva_call_end(call);
		cond_resched();
	} while (got && !copied);
	/* Where a fault cut the copy short, the rest is read once more. */
	*eof = got < len && copied == got;
	return copied;
}

/* One request's worth; *eof when there is no more. */
ssize_t fsva_call_read(struct fsva_front *ff, u64 fh, u64 pos, u32 flags,
		       struct iov_iter *to, bool *eof)
{
	size_t count = min_t(size_t, iov_iter_count(to), ff->max_data);
	unsigned int off = fsva_call_direct_off(to, flags);
	ssize_t ret = -EFAULT;

	if (fsva_call_can_pin(to, count, off))
		ret = fsva_call_rw_user(ff, FSVA_OP_READ, fh, pos, flags, to,
					count, eof, NULL);
	if (ret == -EFAULT)
		ret = fsva_call_read_copy(ff, fh, pos, flags, to, count, off,
					  eof);
	return ret;
}

ssize_t fsva_call_write(struct fsva_front *ff, u64 fh, u64 pos, u32 flags,
			struct iov_iter *from, struct fsva_write_rsp *rsp)
{
	size_t count = min_t(size_t, iov_iter_count(from), ff->max_data);
	unsigned int off = fsva_call_direct_off(from, flags);
	ssize_t ret = -EFAULT;
	bool eof;

	if (fsva_call_can_pin(from, count, off))
		ret = fsva_call_rw_user(ff, FSVA_OP_WRITE, fh, pos, flags,
					from, count, &eof, rsp);
	if (ret == -EFAULT)
		ret = fsva_call_write_copy(ff, fh, pos, flags, from, count,
					   off, rsp);
	return ret;
}

/* ---- Pages for the page cache ---- */

typedef void fsva_page_done(struct page *page, int err, unsigned int good);

/* Answered, or failed before it was sent.  Any context. */
static void fsva_call_read_pages_done(struct fsva_call *call)
{
	fsva_page_done *done = call->private;
	unsigned int nr = call->nr, i;
	size_t len = call->req.data_len, good = 0;
	int err = call->err;

	if (!err)
		err = fsva_call_errno(call->rsp.error);
	if (!err) {
		const struct fsva_read_req *q = fsva_call_req(call);
		const struct fsva_read_rsp *r = fsva_call_rsp(call);

		good = call->rsp.data_len;
		/* Short is right only at the end of the file. */
		if (good < len && q->offset + good < r->size)
			err = -EIO;
	}
	if (fsva_grant_end(call, 0))
		err = -EIO;
	for (i = 0; i < nr; i++) {
		size_t at = i * PAGE_SIZE;

		done(call->page[i], err,
		     err || good <= at ? 0 : min(good - at, PAGE_SIZE));
	}
	fsva_cred_put(call->ring->ff, call->cred);
	fsva_ring_release(call);
}

/* Who waits for the pages waits no more.  The call keeps them until it ends. */
static void fsva_call_read_pages_abort(struct fsva_call *call)
{
	fsva_page_done *done = call->private;
	unsigned int i;

	for (i = 0; i < call->nr; i++)
		done(call->page[i], -EIO, 0);
}

int fsva_call_read_pages(struct fsva_front *ff, const struct cred *cred, u64 fh,
			 u64 pos, struct page **pages, unsigned int nr,
			 void (*done)(struct page *page, int err,
				      unsigned int good))
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_READ, cred);
	unsigned int i;
	int err;

	err = PTR_ERR_OR_ZERO(call);
	if (!err) {
		fsva_call_pack_rw(call, fh, pos, FSVA_RW_PAGE);
		err = fsva_grant_pages(call, pages, nr, false);
		if (err)
			fsva_call_end(call);
	}
	if (err) {
		for (i = 0; i < nr; i++)
			done(pages[i], err, 0);
		return err;
	}
	fsva_wire_req_data(&call->req, 0, nr * PAGE_SIZE, call->ref, nr);
	call->private = done;
	call->done = fsva_call_read_pages_done;
	call->abort = fsva_call_read_pages_abort;
	err = fsva_ring_submit(call);
	if (err) {
		call->err = err;
		fsva_call_read_pages_done(call);
	}
	return err;
}

/* Answered, or failed before it was sent.  Any context. */
static void fsva_call_write_pages_done(struct fsva_call *call)
{
	void (*done)(struct page *page, int err) = call->private;
	unsigned int nr = call->nr, i;
	int err = call->err;

	if (!err)
		err = fsva_call_errno(call->rsp.error);
	/* There was no room for the rest: a file system says so by less. */
	if (!err && call->rsp.data_len < call->req.data_len)
		err = -ENOSPC;
	if (fsva_grant_end(call, 0))
		err = -EIO;
	for (i = 0; i < nr; i++)
		done(call->page[i], err);
	fsva_cred_put(call->ring->ff, call->cred);
	fsva_ring_release(call);
}

static void fsva_call_write_pages_abort(struct fsva_call *call)
{
	void (*done)(struct page *page, int err) = call->private;
	unsigned int i;

	for (i = 0; i < call->nr; i++)
		done(call->page[i], -EIO);
}

/*
 * Write len octets of these pages, without waiting for the answer.  done() gets
 * each page, maybe in an interrupt; -EINTR: a killed task could not send it.
 */
int fsva_call_write_pages(struct fsva_front *ff, const struct cred *cred,
			  u64 fh, u64 pos, size_t len, struct page **pages,
			  unsigned int nr,
			  void (*done)(struct page *page, int err))
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_WRITE, cred);
	unsigned int i;
	int err;

	err = PTR_ERR_OR_ZERO(call);
	if (!err) {
		fsva_call_pack_rw(call, fh, pos, FSVA_RW_PAGE);
		err = fsva_grant_pages(call, pages, nr, true);
		if (err)
			fsva_call_end(call);
	}
	if (err) {
		for (i = 0; i < nr; i++)
			done(pages[i], err);
		return err;
	}
	fsva_wire_req_data(&call->req, 0, len, call->ref, nr);
	call->private = done;
	call->done = fsva_call_write_pages_done;
	call->abort = fsva_call_write_pages_abort;
	err = fsva_ring_submit(call);
	if (err) {
		call->err = err;
		fsva_call_write_pages_done(call);
	}
	return err;
}

/* ---- Shared frames ---- */

int fsva_call_map_page(struct fsva_front *ff, const struct cred *cred,
		       u64 handle, u64 index, u32 nr, u32 flags,
		       struct fsva_map_page_rsp *rsp)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_MAP_PAGE, cred);
	struct fsva_map_page_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->index = index;
	q->nr_pages = nr;
	q->flags = flags;
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_unmap_page(struct fsva_front *ff, const u32 *refs, u32 nr)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_UNMAP_PAGE, NULL);
	struct fsva_unmap_page_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->nr = nr;
	memcpy(q->gref, refs, nr * sizeof(*refs));
	return fsva_call_finish(call, NULL, 0);
}

/* msg has room for a page's worth, and goes both ways. */
int fsva_call_evict_page(struct fsva_front *ff,
			 const struct fsva_evict_page_req *args,
			 struct fsva_piggy_msg *msg,
			 struct fsva_evict_page_rsp *rsp)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_EVICT_PAGE, NULL);
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	memcpy(fsva_call_req(call), args, sizeof(*args));
	memcpy(call->staging, msg, args->nr * sizeof(*msg));
	err = fsva_call_octets(call, msg, FSVA_STAGING_MAX, rsp, sizeof(*rsp),
			       "an answer holds messages that it may not");
	return min(err, 0);
}

/* msg has room for a page's worth. */
int fsva_call_event(struct fsva_front *ff, u64 seq, struct fsva_event_msg *msg,
		    struct fsva_event_rsp *rsp)
{
	struct fsva_call *call = fsva_call_begin(ff, FSVA_OP_EVENT, NULL);
	struct fsva_event_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->seq = seq;
	err = fsva_call_octets(call, msg, FSVA_STAGING_MAX, rsp, sizeof(*rsp),
			       "an answer holds events that there can't be");
	return min(err, 0);
}
