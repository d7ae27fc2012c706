/* SPDX-License-Identifier: GPL-2.0 */
/*
 * back.h: the types that the files of fsva-back share.
 *
 * Three layers, each knowing only the one below it by its functions here:
 *
 *   transport  xenbus.c ring.c data.c    device, queues of slots, workers, the user's pages
 *   session    session.c cred.c handle.c what the front set up: identities, handles, open files, the mount
 *   handlers   dispatch.c ops_*.c ...    one operation, one handler, calling the VFS below
 *
 * Life times.  A fsva_back lives as long as its xenbus device or its last session.  A link is one connection
 * with its session; it is made when the front says Initialised and ends once (fsva_link_stop, any number of
 * callers), after which a work item waits until the last worker has left, then frees all of it.  A handler that
 * is stuck in the file system so keeps its link, not the device.
 *
 * A suspend pauses a link (migrate.c): nothing of the user's stays mapped, no request is taken, no answer given.
 * Cancelled, it goes on with the same pages.  In another domain it waits for its front to come again, which the
 * session's id tells, and goes on with new ones.
 */
#ifndef FSVA_BACK_H
#define FSVA_BACK_H

#include <linux/atomic.h>
#include <linux/bvec.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <xen/grant_table.h>
#include <xen/xenbus.h>

#include "fsva_wire.h"
#include "replay.h"
#include "backlog.h"
#include "../linux-front/signal.h"

#define FSVA_BACK_MAX_DATA	(FSVA_MAX_GREFS * FSVA_PAGE_SIZE - FSVA_PAGE_SIZE)
#define FSVA_BACK_NR_CREDS	256u		/* offered; index 0 is never used */
#define FSVA_BACK_MAX_GROUPS	(128u * 1024)	/* in all credentials of a session together */
#define FSVA_BACK_MAX_FILES	65536u		/* open at once in a session, if memory allows */

struct seq_file;
struct fsva_call;
struct fsva_link;
struct fsva_session;

/* ---- Transport ---------------------------------------------------------------------------------------- */

/* Pages of the user's that stay mapped as long as the link. */
struct fsva_mapping {
	unsigned int nr;
	struct page **pages;
	grant_handle_t *handles;	/* INVALID_GRANT_HANDLE: not mapped */
};

/*
 * A queue: its ring, and the workers that serve it.  A worker takes one request, wakes another worker if there
 * are more, runs the request itself, answers it and looks again; so a request that waits holds up no other, and
 * a single one is run without a change of task.  Where there is none, one worker at a time may watch the ring for
 * a while (signal.c) before it asks for an event and blocks.
 */
struct fsva_queue {
	struct fsva_link *link;
	unsigned int index;

	spinlock_t lock;		/* all that follows, up to wait */
	bool stopped;			/* the ring is not looked at any more */
	bool paused;			/* nor is it now, until further notice */
	u32 epoch;			/* counts the rings that this queue has had */
	bool pending;			/* a worker should look at the ring */
	bool eoi_due;			/* an event came and was not ended yet */
	bool useful;			/* there were requests since that event */
	bool watched;			/* a worker watches: no event is asked for */
	struct fsva_signal sig;
	u32 req_cons;			/* private indices: the truth */
	u32 rsp_prod;
	struct fsva_call *calls[FSVA_MAX_SLOTS];	/* by tag: taken and not answered */
	struct fsva_ring_ctl *ctl;	/* shared */
	void *slots[FSVA_MAX_RING_PAGES];	/* shared */
	int irq;			/* 0: none */
	evtchn_port_t evtchn;
	unsigned int nr_workers;
	unsigned int nr_idle;
	struct hlist_head slow;		/* calls that may be interrupted: ops_lock.c */
	u64 told[FSVA_MAX_SLOTS];	/* ids that were, and were not there yet */
	unsigned int next_told;

	wait_queue_head_t wait;		/* idle workers */
	wait_queue_head_t resumed;	/* workers that may not go on with their call */
	struct work_struct grow;

	u32 ring_ref;			/* what the front has granted, as first read */
	u32 slot_ref[FSVA_MAX_RING_PAGES];
	u32 staging_ref[FSVA_MAX_SLOTS];
	struct fsva_mapping ctl_map, slot_map, staging;
};

/* One connection. */
struct fsva_link {
	struct fsva_back *fb;
	struct fsva_session *ses;
	domid_t domid;
	unsigned int nr_queues;
	unsigned int ring_order;
	unsigned int nr_slots;
	struct fsva_queue *queues;
	atomic_t nr_data;		/* calls that have the front's pages in use */
	wait_queue_head_t data_idle;	/* for that to become 0 while paused */
	bool resuming;			/* the front has not named the session yet: only that may it */

	spinlock_t lock;		/* nr_started, stopping */
	unsigned int nr_started;	/* workers there ever were */
	bool stopping;
	struct completion exited;	/* counts workers that are gone */
	struct work_struct reap;
	struct work_struct broken;	/* tells xenstore about a breach */
};

extern struct workqueue_struct *fsva_wq;

int fsva_link_create(struct fsva_back *fb, unsigned int nr_queues, unsigned int ring_order,
		     const u32 *ring_ref, const evtchn_port_t *port, enum fsva_signal_mode signal);
void fsva_link_stop(struct fsva_link *link);
bool fsva_link_stopping(struct fsva_link *link);
int fsva_link_pause(struct fsva_link *link);
int fsva_link_unpause(struct fsva_link *link);
void fsva_link_park(struct fsva_link *link);
int fsva_link_renew(struct fsva_link *link, const u32 *ring_ref, const evtchn_port_t *port);
__printf(2, 3) void fsva_link_breach(struct fsva_link *link, const char *fmt, ...);
void fsva_slow_stop(struct fsva_queue *q);

int fsva_map(struct fsva_mapping *map, domid_t domid, const u32 *refs, unsigned int nr);
void fsva_unmap(struct fsva_mapping *map);

/* What a worker has set aside for the data of one request. */
struct fsva_data {
	struct page **pages;		/* of this call: the staging page or own_pages */
	unsigned int nr_pages;
	unsigned int nr_mapped;		/* of own_pages */
	bool entered;			/* counted in link->nr_data */
	void *in;			/* private copy of what came, terminated by a NUL */
	u32 in_len;
	struct bio_vec bvec[FSVA_MAX_GREFS + 1];
	struct page *own_pages[FSVA_MAX_GREFS];
	struct gnttab_map_grant_ref map[FSVA_MAX_GREFS];
	struct gnttab_unmap_grant_ref unmap[FSVA_MAX_GREFS];
	struct gntab_unmap_queue_data unmap_item;
	u8 small[FSVA_PAGE_SIZE + 8];	/* where in[] is when it fits */
};

int fsva_data_alloc(struct fsva_data *d);
void fsva_data_free(struct fsva_data *d);
int fsva_data_map(struct fsva_call *c);
void fsva_data_unmap(struct fsva_call *c);
void fsva_data_leave(struct fsva_call *c);
const void *fsva_data_in(struct fsva_call *c);
int fsva_data_out(struct fsva_call *c, u32 off, const void *buf, u32 len);
void fsva_data_iter(struct fsva_call *c, struct iov_iter *iter, unsigned int dir);

/* ---- Session ------------------------------------------------------------------------------------------ */

/* The caller as the file system shall see it, and the same with the name operations' leave (cred.c). */
struct fsva_cred {
	const struct cred *exact;
	const struct cred *named;
	u32 nr_groups;
};

/* A handle: an inode that the front holds.  All under fsva_handles.lock. */
struct fsva_handle {
	struct hlist_node node;		/* by inode number */
	struct list_head lru;		/* of those that pin a dentry */
	u64 nr_lookups;
	u32 index, gen;
	struct inode *inode;		/* that of dentry; NULL while parked */
	struct dentry *dentry;		/* pinned; NULL while parked */
	unsigned long ino;
	u8 fid_type;			/* when parked */
	u8 fid_len;			/* in words */
	u32 fid[8];
};

/*
 * The handles of a mount.  The newest max_pinned of them pin their inode; older ones are parked: only the file
 * system's own export handle is kept, and the inode is found again when the front next names it.  A 64 MiB
 * appliance can so serve a front that remembers 100,000 inodes.
 */
struct fsva_handles {
	spinlock_t lock;		/* all but the index */
	struct xarray xa;
	u32 next, next_gen;
	unsigned int nr, max;
	unsigned int nr_pinned, max_pinned;
	bool can_park;
	struct list_head lru;		/* pinned, oldest first */
	struct hlist_head *hash;
	unsigned int hash_bits;
};

/* An open file.  Referenced while a call uses it. */
struct fsva_file {
	struct kref ref;
	struct rcu_head rcu;
	u32 index, gen;
	struct file *file;
	struct file *reader;		/* opened for reading pages of a write-only file; cmpxchg */
	struct file *accessor;		/* opened for reads that set the time of access; cmpxchg */
	struct mutex pos_lock;		/* directory position */
	struct fsva_files *files;
	struct hlist_head owners;	/* of POSIX locks, under files->lock: ops_lock.c */
};

struct fsva_files {
	spinlock_t lock;		/* all but the index */
	struct xarray xa;
	u32 next, next_gen;
	unsigned int nr, max;
	atomic_t nr_writers;		/* open for writing, until they are closed */
	unsigned int nr_owners;		/* of POSIX locks, of all its files */
};

/* Pages of the page cache that are granted to the front (page.c). */
struct fsva_pages {
	struct mutex lock;		/* all of it */
	struct xarray by_ref;		/* struct fsva_page, by grant reference */
	struct xarray by_pfn;		/* the same by frame */
	unsigned int nr, max;
	u32 epoch;			/* counts the times that all grants have been lost */
	bool closed;			/* there is nobody whom to grant anything */
};

/* What the tracepoints said of some consecutive pages. */
struct fsva_ubc_record {
	unsigned long ino;
	u32 gen;			/* i_generation */
	u32 index;
	u16 nr;
	u8 kind;			/* FSVA_PIGGY_INSERT or _REMOVE */
};

/* Our half of the coupled page caches (ubc.c). */
struct fsva_ubc {
	struct mutex life;		/* on, records, sb, frames: to change them */
	spinlock_t fill;		/* seq, the order of what is taken, on */
	bool on;
	u64 seq;			/* number of the next report */
	struct list_head node;		/* in the list that the probes walk */
	struct super_block *sb;
	spinlock_t lock;		/* records, head, tail; with interrupts off */
	struct fsva_ubc_record *records;
	u32 head, tail;
	struct task_struct *evictor;	/* whose removals the front knows of */
	unsigned long bell_due;		/* bit 0: bell is queued */
	struct delayed_work bell;
	u64 frames;			/* that we may have beyond our own */
	u64 told, lost, bells, evicted, kept;	/* statistics, without a lock */
};

/* What the file system went through without the front (push.c). */
struct fsva_push {
	spinlock_t lock;		/* all but group and mark */
	bool on;
	struct fsnotify_group *group;
	struct fsnotify_mark *mark;
	struct fsva_backlog log;
	bool quiet;			/* the front knows all, and asks when the bell rings */
	u32 cookie;
	struct delayed_work bell;
	u64 told, bells;		/* statistics */
};

enum fsva_mount_state { FSVA_UNMOUNTED, FSVA_MOUNTING, FSVA_MOUNTED, FSVA_UNMOUNTING };

struct fsva_session {
	struct fsva_back *fb;
	u64 id;				/* 0: FSVA_OP_SESSION has not come yet */
	u64 features;
	struct fsva_replay **replay;	/* of each queue, one for each tag; under the queue's lock */
	unsigned int nr_queues, nr_slots;

	struct mutex cred_lock;		/* writers of creds */
	struct fsva_cred creds[FSVA_BACK_NR_CREDS];	/* pointers read under cred_spin */
	spinlock_t cred_spin;
	u32 nr_groups;
	const struct cred *service;	/* the appliance's own identity */

	spinlock_t lock;		/* state, closing, users, changers, hold, frozen */
	enum fsva_mount_state state;
	bool closing;			/* the front is gone: no mount and no freeze any more */
	struct super_block *frozen;	/* by us; NULL: not frozen */
	unsigned int users;		/* calls that use the mount */
	unsigned int changers;		/* of these: may change something */
	bool hold;			/* a remount lets no more of them in */
	wait_queue_head_t wait;		/* for users or changers to become 0, for hold to end */
	struct mutex remount_lock;
	struct vfsmount *mnt;
	struct super_block *sb;
	errseq_t wb_err;		/* the last error of writing back that the front knows of */
	struct fsva_handles handles;
	struct fsva_files files;
	struct fsva_pages pages;
	struct fsva_ubc ubc;
	struct fsva_push push;
	void (*ring_bell)(struct fsva_session *ses);	/* wakes the front; NULL: there is no ring */
	bool (*is_worker)(struct fsva_session *ses);	/* does the current task run its calls?  NULL: can't say */
	struct fsva_link *link;		/* ring_bell()'s */
};

struct fsva_session *fsva_session_create(struct fsva_back *fb, unsigned int nr_queues, unsigned int nr_slots);
void fsva_session_free(struct fsva_session *ses);

void fsva_session_moved(struct fsva_session *ses);

int fsva_creds_init(struct fsva_session *ses);
void fsva_creds_free(struct fsva_session *ses);
int fsva_cred_set(struct fsva_session *ses, const struct fsva_cred_set_req *r, const u32 *groups);
int fsva_cred_get(struct fsva_session *ses, u16 index, struct fsva_cred *cred);
void fsva_cred_put(struct fsva_cred *cred);

void fsva_handles_start(struct fsva_handles *t);
int fsva_handles_init(struct fsva_handles *t, struct super_block *sb);
void fsva_handles_free(struct fsva_handles *t);
int fsva_handle_add(struct fsva_call *c, struct dentry *dentry, u64 *handle);
struct dentry *fsva_handle_get(struct fsva_call *c, u64 handle);
struct dentry *fsva_handle_get_dir(struct fsva_call *c, u64 handle);
void fsva_handle_pin(struct fsva_call *c, u64 handle, struct dentry *dentry);
void fsva_handle_set_aside(struct fsva_call *c, u64 handle, struct dentry *dentry, struct dentry **held);
void fsva_handle_put_back(struct fsva_call *c, u64 handle, struct dentry *dentry, struct dentry *held);
int fsva_handle_release(struct fsva_call *c, u64 handle, u64 nr_lookups);

u64 fsva_handle_of_ino(struct fsva_handles *t, unsigned long ino, u32 gen);
u64 fsva_handle_of_inode(struct fsva_handles *t, struct inode *inode);

void fsva_files_init(struct fsva_files *t);
void fsva_files_free(struct fsva_files *t);
int fsva_file_add(struct fsva_call *c, struct file *file, u64 *fh);
struct fsva_file *fsva_file_get(struct fsva_call *c, u64 fh);
void fsva_file_put(struct fsva_file *f);
int fsva_file_release(struct fsva_call *c, u64 fh);
void fsva_file_unlock(struct fsva_file *f);

void fsva_page_init(void);
void fsva_page_exit(void);
bool fsva_page_can(void);
void fsva_pages_init(struct fsva_pages *t);
void fsva_pages_free(struct fsva_session *ses);
void fsva_pages_close(struct fsva_session *ses);
void fsva_pages_moved(struct fsva_session *ses);
void fsva_pages_show(struct fsva_session *ses, struct seq_file *seq);

void fsva_ubc_init(void);
bool fsva_ubc_can(void);
void fsva_ubc_create(struct fsva_session *ses);
void fsva_ubc_stop(struct fsva_session *ses);
void fsva_ubc_fill(struct fsva_session *ses, struct fsva_rsp *rsp);
void fsva_ubc_show(struct fsva_session *ses, struct seq_file *seq);

void fsva_push_create(struct fsva_session *ses);
void fsva_push_start(struct fsva_session *ses, struct super_block *sb);
void fsva_push_stop(struct fsva_session *ses);
void fsva_push_show(struct fsva_session *ses, struct seq_file *seq);

int fsva_mount(struct fsva_session *ses, u32 flags, const char *options);
int fsva_unmount(struct fsva_session *ses, bool force);
int fsva_remount(struct fsva_session *ses, u32 wire_flags, u32 mask, const char *options);
unsigned long fsva_mount_sb_flags(u32 wire);
void fsva_options_add(struct fsva_session *ses, char *list, char *out, size_t size, unsigned long *flags);
void fsva_change_begin(struct fsva_session *ses);
void fsva_change_end(struct fsva_session *ses);
int fsva_wb_err(struct fsva_session *ses);
int fsva_session_freeze(struct fsva_session *ses);
int fsva_session_thaw(struct fsva_session *ses);
void fsva_session_close(struct fsva_session *ses);
bool fsva_mount_get(struct fsva_session *ses);
void fsva_mount_put(struct fsva_session *ses);

/* ---- The device --------------------------------------------------------------------------------------- */

struct fsva_stats {
	atomic64_t op[FSVA_OP_MAX];
	atomic64_t errors;
	atomic64_t unknown;
	atomic64_t bytes_in, bytes_out;
	atomic64_t leaked_pages;
	atomic64_t replayed;		/* answered from what was kept */
	atomic64_t joined;		/* asked again while they ran */
	atomic64_t rerun;		/* asked again, and done again */
	atomic64_t suspends;
	atomic64_t resumed;		/* sessions taken up in another domain */
	atomic64_t breaches;
};

struct fsva_back {
	struct kref ref;
	struct list_head node;		/* in fsva_backs */
	struct xenbus_device *dev;	/* NULL once removed; under lock */
	char name[48];			/* for messages: "<domid>-<devid> (tag)" */
	domid_t domid;
	unsigned int devid;
	char *tag, *fs, *source, *options;

	struct mutex lock;		/* connecting and disconnecting */
	struct fsva_link *link;		/* under lock; NULL: not connected */
	/* After a restore in another domain (migrate.c), all under lock. */
	bool parked;			/* link waits for its front */
	bool homeless;			/* dev has no node here yet */
	unsigned long parked_until;	/* jiffies */
	struct delayed_work park_work;
	struct xenbus_device *moved;	/* dev, when its nodename is ours; born_as was the kernel's */
	const char *born_as;
	unsigned int nr_links;		/* not yet reaped; under idle.lock */
	wait_queue_head_t idle;
	bool going_down;		/* the appliance shuts down */

	struct fsva_stats stats;
	struct dentry *debugfs;
	struct mutex stats_lock;	/* ses */
	struct fsva_session *ses;	/* for statistics only */
};

extern const struct file_operations fsva_sig_fops;	/* signal.c */

void fsva_back_put(struct fsva_back *fb);
void fsva_back_link_new(struct fsva_back *fb, struct fsva_link *link);
void fsva_back_link_gone(struct fsva_back *fb);
void fsva_back_broken(struct fsva_back *fb, struct fsva_link *link);

extern struct list_head fsva_backs;			/* under fsva_backs_lock, as is the user */
extern struct mutex fsva_backs_lock;
extern domid_t fsva_user;
void fsva_disconnect(struct fsva_back *fb);
int fsva_offer(struct xenbus_device *dev);
void fsva_back_show(struct fsva_back *fb);
int fsva_xenbus_init(void);
void fsva_xenbus_exit(void);

void fsva_park_work(struct work_struct *work);
void fsva_back_forget_node(struct fsva_back *fb);
int fsva_migrate_init(void);
void fsva_migrate_exit(void);

void fsva_stats_init(void);
void fsva_stats_exit(void);
void fsva_stats_add(struct fsva_back *fb);
void fsva_stats_remove(struct fsva_back *fb);

/* ---- Calls -------------------------------------------------------------------------------------------- */

/* One request being run, and all that a worker needs for it.  Private to its worker. */
struct fsva_call {
	struct fsva_req req;		/* the private copy */
	struct fsva_rsp rsp;
	struct fsva_queue *q;
	u32 epoch;			/* of the ring that asked for it last; q->lock */
	bool begun;			/* its data has been in use; q->lock */
	u64 taken_ns;
	struct fsva_session *ses;
	const struct fsva_wire_op *row;
	struct fsva_cred cred;
	struct hlist_node slow;		/* in its queue's list while task is set; under q->lock */
	struct task_struct *task;
	struct fsva_data data;
};

/*
 * A handler gets the checked structure of the operation and the zeroed one of its answer, and returns 0 or a
 * negative errno; c->rsp.data_len says how much data it put.  It runs under the caller's credentials and umask,
 * with the mount held unless the row says FSVA_F_NOMOUNT.
 */
typedef int (*fsva_handler)(struct fsva_call *c, const void *req, void *rsp);

void fsva_call_run(struct fsva_call *c);
bool fsva_call_await_ring(struct fsva_call *c);

#define FSVA_HANDLER(NAME) int fsva_op_##NAME(struct fsva_call *c, const void *in, void *out)

FSVA_HANDLER(null_call);
FSVA_HANDLER(session);
FSVA_HANDLER(cred_set);
FSVA_HANDLER(event);
FSVA_HANDLER(interrupt);
FSVA_HANDLER(mount);
FSVA_HANDLER(unmount);
FSVA_HANDLER(remount);
FSVA_HANDLER(statfs);
FSVA_HANDLER(syncfs);
FSVA_HANDLER(freeze);
FSVA_HANDLER(thaw);
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
FSVA_HANDLER(tmpfile);
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
FSVA_HANDLER(fallocate);
FSVA_HANDLER(copy_range);
FSVA_HANDLER(remap_range);
FSVA_HANDLER(fadvise);
FSVA_HANDLER(map_page);
FSVA_HANDLER(unmap_page);
FSVA_HANDLER(evict_page);
FSVA_HANDLER(lock);
FSVA_HANDLER(lock_test);
FSVA_HANDLER(flock);
FSVA_HANDLER(getxattr);
FSVA_HANDLER(setxattr);
FSVA_HANDLER(listxattr);
FSVA_HANDLER(removexattr);
FSVA_HANDLER(get_acl);
FSVA_HANDLER(set_acl);
FSVA_HANDLER(fileattr_get);
FSVA_HANDLER(fileattr_set);
FSVA_HANDLER(fiemap);
FSVA_HANDLER(ioctl);
FSVA_HANDLER(encode_fh);
FSVA_HANDLER(decode_fh);
FSVA_HANDLER(get_parent);
FSVA_HANDLER(get_name);

/* ---- Attributes --------------------------------------------------------------------------------------- */

int fsva_attr_get(struct fsva_call *c, struct dentry *dentry, u32 mask, u32 flags, struct fsva_attr *attr);
void fsva_attr_get_or_guess(struct fsva_call *c, struct dentry *dentry, struct fsva_attr *attr);
u32 fsva_impl(struct dentry *dentry);
int fsva_entry_fill(struct fsva_call *c, struct dentry *dentry, struct fsva_entry *entry);

/* ---- A user's memory ---------------------------------------------------------------------------------- */

struct fsva_usermem {
	unsigned long addr;
	size_t len;
	bool borrowed;			/* current has no memory of its own */
};

void fsva_usermem_init(void);
void fsva_usermem_exit(void);
bool fsva_usermem_ok(void);
int fsva_usermem_get(struct fsva_usermem *um, size_t len);
void fsva_usermem_put(struct fsva_usermem *um);

/* ---- Opening ------------------------------------------------------------------------------------------ */

int fsva_open_flags(u32 wire);
struct file *fsva_file_open(struct fsva_call *c, struct dentry *dentry, u32 wire_flags);
void fsva_file_indirect(struct file *file);

static inline struct path fsva_path(struct fsva_call *c, struct dentry *dentry)
{
	struct path path = { .mnt = c->ses->mnt, .dentry = dentry };

	return path;
}

#endif /* FSVA_BACK_H */
