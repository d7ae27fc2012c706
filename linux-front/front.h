/* SPDX-License-Identifier: GPL-2.0 */
/*
 * front.h: the types that the files of this folder share.
 *
 *	super inode dir file mmap writeback share  ->  call  ->  ring  ->  notify, grant
 *
 * The left side knows no ring; ring.c, notify.c and grant.c know no operation
 * and no inode.  call.c is where both meet.  xenbus.c owns a device's life.
 */
#ifndef FSVA_FRONT_H
#define FSVA_FRONT_H

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
#include <xen/grant_table.h>
#include <xen/xenbus.h>

#include "fsva_wire.h"
#include "signal.h"

struct dentry;
struct fiemap_extent_info;
struct file_kattr;
struct seq_file;
struct writeback_control;
struct fsva_front;
struct fsva_ring;

#define FSVA_WATCH_ARMED	0
#define FSVA_SUPER_MAGIC	0x41565346
#define FSVA_STAGING_MAX	FSVA_PAGE_SIZE
#define FSVA_BOUNCE_MAX		16u	/* pages that one copied transfer takes */
#define FSVA_CREDS_MAX		256u	/* entries of the table that we use */

/* A long wait: killable, and no obstacle to suspend, also with a VFS lock held. */
#define FSVA_WAIT_STATE		(TASK_KILLABLE | TASK_FREEZABLE_UNSAFE)

/*
 * How long a task waits for the appliance, and how (ring.c).  Killable, and:
 *
 *  - A task that exits can't be killed a second time.  It waits a few seconds,
 *    and not at all while the appliance keeps others waiting for so long.
 *  - umount -f ends all waits that have begun.
 *  - Who holds a VFS lock must not be frozen with it: those who wait for that
 *    lock could not be frozen at all, and the domain not be suspended.  So a
 *    wait can be frozen only when it has lasted for some seconds, as with an
 *    appliance that works none does.
 */
struct fsva_patience {
	struct fsva_front *ff;
	unsigned long start;
	int aborts;		/* ff->nr_aborts then */
};

void fsva_patience_begin(struct fsva_patience *p, struct fsva_front *ff);
bool fsva_patience_aborted(const struct fsva_patience *p);
unsigned int fsva_patience_state(const struct fsva_patience *p);
long fsva_patience_slice(const struct fsva_patience *p);
int fsva_patience_end(struct fsva_patience *p, long left);

/*
 * Wait for cond, which is looked at last when the wait ends: 0, -EINTR for a
 * task that is killed or exits, -EIO after umount -f.  excl: one of those that
 * wait like this is woken at a time.
 */
#define fsva_wait(_ff, wq, excl, cond)					\
({									\
	struct fsva_patience __patience;				\
	unsigned int __state;						\
	long __slice, __left;						\
	int __end;							\
									\
	fsva_patience_begin(&__patience, _ff);				\
	do {								\
		__state = fsva_patience_state(&__patience);		\
		__slice = fsva_patience_slice(&__patience);		\
		__left = ___wait_event(wq, ___wait_cond_timeout((cond) ||	\
					fsva_patience_aborted(&__patience)),	\
				       __state, excl, __slice,		\
				       __ret = schedule_timeout(__ret));	\
		__end = fsva_patience_end(&__patience, __left);		\
	} while (__end == -EAGAIN);					\
	__end;								\
})

/* ---- Grants (grant.c) -------------------------------------------------- */

/* A page of the reserve: granted for as long as the connection lives. */
struct fsva_bounce {
	struct list_head link;		/* in the reserve while unused */
	struct page *page;
	grant_ref_t ref;
};

/* The reserves of a connection.  lock is taken in interrupts too. */
struct fsva_grants {
	spinlock_t lock;		/* all but pages */
	wait_queue_head_t wq;		/* somebody gave something back */
	struct list_head bounce;	/* unused reserve pages */
	unsigned int nr_bounce;		/* on that list */
	unsigned int nr_bounce_all;
	struct fsva_bounce *pages;
	grant_ref_t *ref;		/* references that are free, a stack */
	unsigned int nr_ref;
	unsigned int nr_ref_all;
	atomic_t nr_leaked;		/* pages that the back would not let go */
};

/* ---- The ring (ring.c) -------------------------------------------------- */

enum fsva_call_state {
	FSVA_CALL_FREE,
	FSVA_CALL_CLAIMED,	/* somebody packs, or reads the answer */
	FSVA_CALL_SENT,
	FSVA_CALL_ORPHAN,	/* sent, and nobody waits any more */
	FSVA_CALL_DONE,		/* answered, or the connection is gone */
};

/*
 * One request from claim to release: all that it needs is here from the time
 * of the connection on, so that a call allocates nothing.  Owned by the
 * claimer, from submit to response by the ring, and by the ring for good when
 * the waiter was killed.  state changes under ring->lock.
 */
struct fsva_call {
	struct list_head link;		/* free, or finished orphans */
	struct fsva_ring *ring;
	u16 tag;
	bool put;			/* sent: it was on a ring */
	bool readonly;			/* how page[] is to be granted */
	bool by_event;			/* nobody watches for it: one of nr_by_event */
	bool slow;			/* its answer waits for others: no measure */
	bool quiet;			/* nobody waits for its answer: no event */
	bool changes;			/* sent: one of ff->nr_changing */
	u8 closing;			/* of RELEASE: its place in ff->closing, +1 */
	u32 window_ns;			/* how long its waiter will watch */
	u64 sent_ns;
	enum fsva_call_state state;
	int err;			/* of the connection, 0 if answered */
	wait_queue_head_t wq;
	struct fsva_cred *cred;		/* pinned until the answer */
	void (*done)(struct fsva_call *call);	/* asynchronous: at response */
	void (*abort)(struct fsva_call *call);	/* at umount -f before it */
	void *private;			/* done's */
	void *staging;			/* page granted at connect */
	grant_ref_t staging_ref;
	/* Data by grant references: nr of them; each page has one owner. */
	unsigned int nr;
	bool pinned;			/* page[] by pin_user_pages */
	bool held;			/* page[] by get_page */
	bool dirty;			/* the back may have written them */
	grant_ref_t ref[FSVA_MAX_GREFS];
	struct page *page[FSVA_MAX_GREFS];		/* or NULL: */
	struct fsva_bounce *bounce[FSVA_MAX_GREFS];	/* of the reserve */
	struct fsva_req req;		/* kept until its response */
	struct fsva_rsp rsp;		/* private copy, checked */
};

/* A queue.  lock covers all indices, the free list and states of calls. */
struct fsva_ring {
	struct fsva_front *ff;
	unsigned int index;
	unsigned int nr_slots;
	spinlock_t lock;		/* see above */
	struct fsva_ring_ctl *ctl;	/* shared */
	grant_ref_t ctl_ref;
	unsigned int nr_pages;
	void *page[FSVA_MAX_RING_PAGES];	/* shared */
	grant_ref_t page_ref[FSVA_MAX_RING_PAGES];
	u32 req_prod;			/* the truth; ctl has a copy */
	u32 rsp_cons;
	struct fsva_call *calls;
	struct fsva_call *control;	/* on queue 0: SESSION's, never in free */
	bool hold;			/* requests are kept and not put on the ring */
	bool deaf;			/* answers are not taken */
	struct list_head free;
	wait_queue_head_t free_wq;
	struct fsva_rsp rsp;		/* where a slot is copied to */
	const struct fsva_notify_ops *notify;
	struct fsva_signal sig;
	/*
	 * Each call under way of which by_event is set is answered with an event
	 * (armed: rsp_event is ahead), or somebody watches and takes all answers.
	 */
	unsigned int nr_by_event;
	bool armed;
	bool watched;
	bool useful;			/* answers were taken since the last event */
	evtchn_port_t evtchn;
	int irq;
	char name[48];
};

/* How a queue's two ends wake each other (notify.c); signal.c says when. */
struct fsva_notify_ops {
	int (*connect)(struct fsva_ring *ring);
	void (*disconnect)(struct fsva_ring *ring);
	void (*kick)(struct fsva_ring *ring);
	bool (*alive)(struct fsva_ring *ring);
};

extern const struct fsva_notify_ops fsva_notify_event;

/* ---- Credentials (cred.c) ----------------------------------------------- */

enum fsva_cred_state {
	FSVA_CRED_EMPTY,
	FSVA_CRED_SETTING,	/* CRED_SET is under way */
	FSVA_CRED_READY,
	FSVA_CRED_BROKEN,	/* it failed: empty when unpinned */
};

/* An entry of the table that the back keeps as well. */
struct fsva_cred {
	struct hlist_node node;
	enum fsva_cred_state state;
	unsigned int refs;		/* calls that use it */
	bool used;			/* since the clock's hand came by */
	u16 index;
	u32 fsuid, fsgid;
	u64 caps;
	struct group_info *groups;
};

#define FSVA_CRED_HASH_BITS	6

struct fsva_creds {
	spinlock_t lock;		/* in interrupts too */
	wait_queue_head_t wq;
	unsigned int nr;		/* entries, index 0 unused */
	unsigned int hand;
	struct fsva_cred *tab;
	struct hlist_head hash[1 << FSVA_CRED_HASH_BITS];
};

/* ---- Shared frames (share.c) --------------------------------------------- */

struct fsva_shares {
	bool on;			/* the session has them */
	spinlock_t lock;		/* all below */
	struct list_head lru;		/* oldest first */
	struct list_head stuck;		/* to be undone when nobody uses them */
	struct list_head gone;		/* not mapped, not yet given back */
	unsigned int nr, max;		/* that the appliance has granted */
	wait_queue_head_t wq;		/* some were given back */
	struct work_struct gone_work;
	struct delayed_work stuck_work;
};

/* ---- Coupled page caches (ubc.c) ------------------------------------------ */

#define FSVA_UBC_SPARE	256u	/* pages set aside for when Xen has no frame */
#define FSVA_UBC_WINDOW	1024u	/* that reports may overtake each other */

struct fsva_ubc {
	bool wanted;			/* by the administrator */
	struct mutex exchange_lock;	/* one at a time; ready, paused, resume */
	bool ready;			/* it was begun, and all below is there */
	bool paused;			/* a suspend: no exchange */
	bool resume;			/* and what "on" was before */
	spinlock_t lock;		/* all up to fifo; with interrupts off */
	bool on;			/* reports are taken, ghosts made */
	bool broken;			/* the appliance broke the rules */
	bool starting, stopping;	/* the next exchange says so */
	bool asked;			/* the appliance has something to say */
	bool confused;			/* its reports have impossible numbers */
	s64 nr_given;			/* frames that it may have */
	s64 told;			/* and as it was told last */
	s64 held;			/* and what it had then */
	s64 ceiling;			/* the most that it can have */
	struct fsva_piggy_msg *evict;	/* to be told */
	u32 evict_head, evict_tail;
	u64 next;			/* number of the next report */
	struct fsva_piggy_msg *window;	/* those that came too early */
	DECLARE_BITMAP(there, FSVA_UBC_WINDOW);
	struct fsva_piggy_msg *fifo;	/* reports in order */
	u32 fifo_head, fifo_tail;
	struct super_block *sb;
	struct fsva_piggy_msg *msg;	/* a page, for exchanges */
	unsigned int slow;		/* exchanges in which it had too many */
	wait_queue_head_t wq;		/* for room */
	struct work_struct news_work;
	struct work_struct exchange_work;
	struct mutex spare_lock;	/* of what follows */
	struct page *spare[FSVA_UBC_SPARE];	/* the first nr_spare have frames */
	unsigned int nr_spare, nr_spare_all;
	atomic_long_t nr_ghosts;
	/* Statistics, without a lock. */
	unsigned long made, released, spared, dropped, filled, cut, kept, raced;
	unsigned long lost, evict_lost, waits, refused, no_frame, no_page;
	unsigned long spare_used, exchanges, leaked;
};

/* ---- Changes made in the appliance (push.c) -------------------------------- */

struct fsva_push {
	spinlock_t lock;		/* on, bells; in interrupts too */
	bool on;			/* mounted, and the session has it */
	bool stopping;			/* the work is to end, also if it waits */
	bool nothing;			/* the last time that the work asked */
	struct super_block *sb;
	struct delayed_work work;
	/* All that follows is the work's. */
	struct fsva_event_msg *msg;	/* a page */
	u64 next;			/* number of the first event not yet seen */
	u32 from_cookie;		/* the appliance's number of half a rename */
	u32 cookie;			/* and ours */
	unsigned long events, lost;	/* statistics */
	unsigned long bells;
};

/* ---- A device ------------------------------------------------------------ */

/* How far a live connection is on its way to go on in another domain. */
enum fsva_front_move {
	FSVA_MOVE_NONE,
	FSVA_MOVE_WANTED,	/* the domain was restored; the back is to offer */
	FSVA_MOVE_OFFERED,	/* our new rings are in xenstore */
};

enum fsva_front_state {
	FSVA_FRONT_NEW,		/* waits for the back's offer */
	FSVA_FRONT_OFFERED,	/* our side is in xenstore */
	FSVA_FRONT_LIVE,	/* session agreed: calls may be made */
	FSVA_FRONT_DEAD,	/* stopped; teardown still to come */
	FSVA_FRONT_CLOSED,	/* nothing left of the connection */
};

/*
 * A forgotten inode or file: what is left of it when the VFS has dropped it.
 * Allocated with the inode or file; queued by eviction, which thus neither
 * allocates nor waits; sent and freed by forget_work.
 */
struct fsva_forget {
	struct list_head link;
	u64 handle;		/* DENTRY_RELEASE of an inode, or */
	u64 nr_lookups;
	u64 fh;			/* RELEASE of an open file */
	u8 closing;		/* and its place in ff->closing, +1 */
};

/* Files that are being closed, of the inodes whose handles come to this place. */
#define FSVA_CLOSING_BITS	6
struct fsva_closing {
	atomic_t nr;
	atomic64_t over;	/* ff->version must be so large to be after the last */
};

struct fsva_front {
	struct kref kref;		/* xenbus device, superblock */
	struct list_head link;		/* fsva_fronts, under its mutex */
	char tag[FSVA_TAG_MAX + 1];
	struct xenbus_device *xbdev;	/* NULL once removed */
	struct mutex mutex;		/* connect, teardown, removal */
	spinlock_t lock;		/* state, why */
	enum fsva_front_state state;
	wait_queue_head_t state_wq;
	struct work_struct work;	/* the only one that connects */
	struct work_struct free_work;
	struct delayed_work watch;	/* looks whether the back lives */
	unsigned long watch_flags;	/* FSVA_WATCH_ARMED */
	/* A suspend (migrate.c); under lock, and changed by who has the mutex. */
	bool frozen;			/* this domain is about to be suspended */
	enum fsva_front_move move;
	unsigned int nr_moves;		/* restores that there were */
	struct delayed_work move_late;	/* the back does not come */
	atomic64_t nr_suspends;
	atomic64_t nr_resent;		/* requests */
	u64 moved_ns;			/* that the last move took, from the restore */
	u64 move_start_ns;
	atomic_t nr_busy;		/* calls claimed */
	atomic_t nr_aborts;		/* umount -f */
	bool stalled;			/* an exiting task gave up waiting */
	atomic_t nr_lockers;		/* of them that wait for a lock */
	wait_queue_head_t idle_wq;

	unsigned int nr_queues;
	unsigned int ring_order;
	struct fsva_ring *rings;
	domid_t otherend;
	enum fsva_signal_mode signal;	/* that its queues begin with */
	atomic64_t next_id;
	u64 session;
	u64 features;
	u32 max_data;
	struct fsva_grants grants;
	struct fsva_creds creds;
	struct fsva_shares shares;
	struct fsva_ubc ubc;
	struct fsva_push push;

	spinlock_t forget_lock;		/* forgets, orphans, nr_forgets, nr_quiet */
	struct list_head forgets;
	unsigned int nr_forgets;	/* queued or sent, not yet answered */
	unsigned int nr_quiet;		/* of these, what is given back quietly */
	atomic_t nr_listening;		/* who waits for those */
	wait_queue_head_t forget_wq;
	struct work_struct forget_work;
	struct list_head orphans;	/* answered; under forget_lock */
	struct work_struct orphan_work;

	bool mounted;			/* the back has it mounted for us */
	bool taken;			/* by one superblock: see below; ->lock */
	bool taken_told;		/* what "mounted" in xenstore says */
	unsigned int nr_unmounts;	/* done by unmount_work */
	int wb_err;			/* of a SYNCFS that nobody waited for */
	bool retry;			/* somebody wants to mount: connect */
	struct work_struct unmount_work;

	atomic64_t version;		/* changes of inodes: see inode.c */
	atomic_t nr_changing;		/* requests under way that make some */
	struct fsva_closing closing[1 << FSVA_CLOSING_BITS];
	atomic64_t names_doubt;		/* what was asked before is in doubt: */
	atomic64_t attrs_doubt;		/* see fsva_front_doubt() */
	atomic64_t ops[FSVA_OP_MAX];
	atomic64_t octets_out, octets_in;	/* of data, to the back and from it */
	atomic64_t nr_killed;
	struct mutex null_mutex;	/* null_calls in debugfs, and its result: */
	unsigned int null_nr;
	u64 null_ns;
	atomic64_t nr_inodes;		/* that the VFS holds */
	atomic64_t nr_files;
	struct dentry *debugfs;

	struct fsva_stat_page *statpage;	/* granted to domain 0; or NULL */
	grant_ref_t statpage_ref;
	unsigned int statpage_moves;	/* nr_moves when it was granted */
	struct mutex statpage_mutex;	/* who updates it */
};

/* xenbus.c */
extern struct workqueue_struct *fsva_wq;
extern struct workqueue_struct *fsva_cpu_wq;
extern struct list_head fsva_fronts;	/* under fsva_fronts_mutex */
extern struct mutex fsva_fronts_mutex;
int fsva_front_publish(struct fsva_front *ff);
void fsva_front_close(struct fsva_front *ff, const char *why);
bool fsva_front_version_offered(struct fsva_front *ff);
int fsva_xenbus_init(void);
void fsva_xenbus_exit(void);
struct fsva_front *fsva_front_find_soon(const char *tag);
void fsva_front_put(struct fsva_front *ff);
int fsva_front_wait_live(struct fsva_front *ff);
void fsva_front_abort(struct fsva_front *ff);
void fsva_front_stop(struct fsva_front *ff, const char *why);
void fsva_front_watch(struct fsva_front *ff);
void fsva_front_doubt(struct fsva_front *ff, bool names);

/*
 * A superblock takes the device before its MOUNT, and unmount_work gives it back
 * after all that was left of that mount.  So no two superblocks meet, and no
 * new session begins with something left of the old.
 */
bool fsva_front_take(struct fsva_front *ff);
void fsva_front_untake(struct fsva_front *ff);

static inline struct fsva_front *fsva_front_get(struct fsva_front *ff)
{
	kref_get(&ff->kref);
	return ff;
}

/* Calls may be made; racy on purpose, the ring's lock decides. */
static inline bool fsva_front_dead(struct fsva_front *ff)
{
	return READ_ONCE(ff->state) >= FSVA_FRONT_DEAD;
}

/* ring.c */
int fsva_ring_setup(struct fsva_front *ff, struct fsva_ring *ring,
		    unsigned int index, unsigned int order);
void fsva_ring_teardown(struct fsva_ring *ring);
int fsva_ring_enter(struct fsva_front *ff, bool early);
void fsva_ring_leave(struct fsva_front *ff);
struct fsva_call *fsva_ring_claim(struct fsva_ring *ring);
void fsva_ring_release(struct fsva_call *call);
int fsva_ring_submit(struct fsva_call *call);
int fsva_ring_wait(struct fsva_call **callp);
int fsva_ring_wait_signal(struct fsva_call *call);
bool fsva_ring_poll(struct fsva_ring *ring);
void fsva_ring_listen(struct fsva_ring *ring);
bool fsva_ring_event(struct fsva_ring *ring);
void fsva_ring_fail(struct fsva_ring *ring);
void fsva_ring_abort(struct fsva_ring *ring);
void fsva_ring_claim_control(struct fsva_front *ff, struct fsva_call **call);
void fsva_ring_hold(struct fsva_ring *ring, bool hold, bool deaf);
bool fsva_ring_has_data(struct fsva_ring *ring);
int fsva_ring_renew(struct fsva_ring *ring);
unsigned int fsva_ring_resend(struct fsva_ring *ring, bool moved);

/* migrate.c */
void fsva_front_move(struct fsva_front *ff, enum xenbus_state back);
void fsva_front_restored(struct fsva_front *ff);
void fsva_front_move_late(struct work_struct *work);
int fsva_front_deafen(struct fsva_front *ff, bool deaf);
int fsva_migrate_init(void);
void fsva_migrate_exit(void);

/* grant.c */
void fsva_grants_init(struct fsva_front *ff);
int fsva_grants_setup(struct fsva_front *ff, unsigned int nr_calls);
void fsva_grants_teardown(struct fsva_front *ff);
int fsva_grant_bounce(struct fsva_call *call, unsigned int first,
		      unsigned int nr);
int fsva_grant_pages(struct fsva_call *call, struct page **pages,
		     unsigned int nr, bool readonly);
int fsva_grant_user(struct fsva_call *call, struct page **pages,
		    unsigned int nr, unsigned int off, size_t len,
		    bool to_back);
void fsva_grant_expose(struct fsva_call *call);
int fsva_grant_end(struct fsva_call *call, size_t done_len);
void fsva_grants_renew(struct fsva_front *ff);
void fsva_grant_renew(struct fsva_front *ff, void *page, grant_ref_t ref);
bool fsva_grant_page_ok(struct page *page);
int fsva_grant_share(struct fsva_front *ff, void *page, grant_ref_t *ref);
void fsva_grant_unshare(grant_ref_t *ref, void *page);

/* cred.c */
void fsva_creds_init(struct fsva_front *ff);
int fsva_creds_setup(struct fsva_front *ff, unsigned int nr);
void fsva_creds_teardown(struct fsva_front *ff);
struct fsva_cred *fsva_cred_get(struct fsva_front *ff, const struct cred *cred,
				const struct inode *inode);
void fsva_cred_put(struct fsva_front *ff, struct fsva_cred *fc);
void fsva_cred_pin(struct fsva_front *ff, struct fsva_cred *fc);

/* stats.c */
void fsva_stats_init(void);
void fsva_stats_exit(void);
void fsva_stats_add(struct fsva_front *ff);
void fsva_stats_remove(struct fsva_front *ff);

/* statpage.c */
void fsva_statpage_add(struct fsva_front *ff);
void fsva_statpage_remove(struct fsva_front *ff);
void fsva_statpage_update(struct fsva_front *ff);
grant_ref_t fsva_statpage_ref(struct fsva_front *ff);

/* ---- Calls (call.c): one typed function an operation --------------------- */

bool fsva_call_changes(u16 op);
/* 0 or a negative errno of this kernel; -EIO when the connection is gone. */
int fsva_call_null(struct fsva_front *ff);
int fsva_call_session(struct fsva_front *ff, struct fsva_session_rsp *rsp);
int fsva_call_cred_set(struct fsva_front *ff, struct fsva_cred *fc);
int fsva_call_mount(struct fsva_front *ff, u32 flags, const char *options,
		    struct fsva_mount_rsp *rsp);
void fsva_call_unmount(struct fsva_front *ff, bool wait);
int fsva_call_remount(struct fsva_front *ff, u32 flags, u32 mask,
		      const char *options, struct fsva_remount_rsp *rsp);
int fsva_call_statfs(struct fsva_front *ff, u64 handle,
		     struct fsva_statfs_rsp *rsp);
int fsva_call_syncfs(struct fsva_front *ff, bool wait);
int fsva_call_freeze(struct fsva_front *ff, u16 op);
int fsva_call_show_options(struct fsva_front *ff, char *buf, size_t size);
int fsva_call_lookup(struct fsva_front *ff, u64 dir, const struct qstr *name,
		     struct fsva_entry *entry);
int fsva_call_getattr(struct fsva_front *ff, u64 handle, u64 fh, u32 mask,
		      u32 flags, struct fsva_getattr_rsp *rsp);
int fsva_call_setattr(struct fsva_front *ff, const struct inode *inode,
		      const struct fsva_setattr_req *args,
		      struct fsva_getattr_rsp *rsp);
int fsva_call_create(struct fsva_front *ff, u64 dir, const struct qstr *name,
		     umode_t mode, u32 flags, u32 open_flags,
		     struct fsva_create_rsp *rsp);
int fsva_call_mknod(struct fsva_front *ff, u64 dir, const struct qstr *name,
		    umode_t mode, dev_t dev, struct fsva_create_rsp *rsp);
int fsva_call_mkdir(struct fsva_front *ff, u64 dir, const struct qstr *name,
		    umode_t mode, struct fsva_create_rsp *rsp);
int fsva_call_tmpfile(struct fsva_front *ff, u64 dir, umode_t mode,
		      u32 open_flags, struct fsva_create_rsp *rsp);
int fsva_call_symlink(struct fsva_front *ff, u64 dir, const struct qstr *name,
		      const char *target, struct fsva_create_rsp *rsp);
int fsva_call_link(struct fsva_front *ff, u64 dir, const struct qstr *name,
		   u64 handle, struct fsva_create_rsp *rsp);
int fsva_call_unlink(struct fsva_front *ff, u16 op, u64 dir,
		     const struct qstr *name, const struct inode *inode,
		     u64 handle, struct fsva_unlink_rsp *rsp);
int fsva_call_rename(struct fsva_front *ff, u64 dir, const struct qstr *name,
		     const struct inode *inode, u64 handle, u64 new_dir, const struct qstr *new_name,
		     u64 new_handle, u32 flags, struct fsva_rename_rsp *rsp);
int fsva_call_readlink(struct fsva_front *ff, u64 handle, char *buf);
int fsva_call_write_inode(struct fsva_front *ff, u64 handle, bool wait);
int fsva_call_permission(struct fsva_front *ff, const struct inode *inode,
			 u64 handle, u32 mask);
int fsva_call_dirty_inode(struct fsva_front *ff,
			  const struct fsva_dirty_inode_req *args);
int fsva_call_dentry_validate(struct fsva_front *ff, u64 dir,
			      const struct qstr *name, u64 handle, u32 flags,
			      struct fsva_attr *attr);
int fsva_call_open(struct fsva_front *ff, u64 handle, u32 flags,
		   struct fsva_open_rsp *rsp);
int fsva_call_flush(struct fsva_front *ff, u64 fh, u64 owner);
int fsva_call_fsync(struct fsva_front *ff, u64 fh, u64 start, u64 end,
		    bool datasync);
int fsva_call_seek(struct fsva_front *ff, u64 fh, s64 offset, u32 whence,
		   s64 *result);
int fsva_call_fallocate(struct fsva_front *ff, u64 fh, u64 offset, u64 len,
			u32 mode, struct fsva_getattr_rsp *rsp);
int fsva_call_range(struct fsva_front *ff, u16 op,
		    const struct fsva_copy_range_req *args,
		    struct fsva_copy_range_rsp *rsp);
int fsva_call_fadvise(struct fsva_front *ff, u64 fh, u64 offset, u64 len,
		      u32 advice);
int fsva_call_lock(struct fsva_front *ff, u16 op,
		   const struct fsva_lock_req *args);
int fsva_call_lock_test(struct fsva_front *ff, const struct fsva_lock_req *args,
			struct fsva_lock_test_rsp *rsp);
int fsva_call_encode_fh(struct fsva_front *ff, u64 handle, u64 parent,
			u8 fid[FSVA_EXPORT_FH_MAX], u32 *len, u32 *type);
int fsva_call_decode_fh(struct fsva_front *ff, const void *fid, u32 len,
			u32 type, bool parent, struct fsva_entry *entry);
int fsva_call_get_parent(struct fsva_front *ff, u64 handle,
			 struct fsva_entry *entry);
int fsva_call_get_name(struct fsva_front *ff, u64 dir, u64 handle,
		       char name[FSVA_NAME_MAX + 1]);
int fsva_call_readdir(struct fsva_front *ff, u64 fh, u64 cookie, void *buf,
		      u32 size, struct fsva_readdir_rsp *rsp, u32 *len);
ssize_t fsva_call_read(struct fsva_front *ff, u64 fh, u64 pos, u32 flags,
		       struct iov_iter *to, bool *eof);
ssize_t fsva_call_write(struct fsva_front *ff, u64 fh, u64 pos, u32 flags,
			struct iov_iter *from, struct fsva_write_rsp *rsp);

/* call_attr.c */
ssize_t fsva_call_getxattr(struct fsva_front *ff, u64 handle, const char *name,
			   void *buf, size_t size);
ssize_t fsva_call_listxattr(struct fsva_front *ff, u64 handle, char *buf,
			    size_t size);
int fsva_call_setxattr(struct fsva_front *ff, const struct inode *inode,
		       u64 handle, const char *name, const void *value,
		       size_t size, int flags, struct fsva_getattr_rsp *rsp);
int fsva_call_removexattr(struct fsva_front *ff, const struct inode *inode,
			  u64 handle, const char *name,
			  struct fsva_getattr_rsp *rsp);
int fsva_call_get_acl(struct fsva_front *ff, u64 handle, u32 type,
		      struct fsva_ace *aces, u32 *nr);
int fsva_call_set_acl(struct fsva_front *ff, const struct inode *inode,
		      u64 handle, u32 type, const struct fsva_ace *aces, u32 nr,
		      struct fsva_getattr_rsp *rsp);
int fsva_call_fileattr_get(struct fsva_front *ff, u64 handle,
			   struct fsva_fileattr *attr);
int fsva_call_fileattr_set(struct fsva_front *ff, const struct inode *inode,
			   const struct fsva_fileattr_set_req *args,
			   struct fsva_getattr_rsp *rsp);
int fsva_call_fiemap(struct fsva_front *ff, u64 handle, u64 start, u64 len,
		     u32 flags, struct fsva_extent *ext, u32 room, u32 *nr);
int fsva_call_ioctl(struct fsva_front *ff, const struct inode *inode, u64 fh,
		    u32 cmd, void *buf, u32 in, u32 *out, s64 *value);

/*
 * Fill nr locked page-cache pages from pos on.  Returns at once; done is called
 * for each page, perhaps in an interrupt, whether this fails or not, with err
 * and the octets that are good.
 */
int fsva_call_read_pages(struct fsva_front *ff, const struct cred *cred,
			 u64 fh, u64 pos, struct page **pages,
			 unsigned int nr,
			 void (*done)(struct page *page, int err,
				      unsigned int good));
int fsva_call_map_page(struct fsva_front *ff, const struct cred *cred,
		       u64 handle, u64 index, u32 nr, u32 flags,
		       struct fsva_map_page_rsp *rsp);
int fsva_call_unmap_page(struct fsva_front *ff, const u32 *refs, u32 nr);
int fsva_call_evict_page(struct fsva_front *ff,
			 const struct fsva_evict_page_req *args,
			 struct fsva_piggy_msg *msg,
			 struct fsva_evict_page_rsp *rsp);
int fsva_call_event(struct fsva_front *ff, u64 seq, struct fsva_event_msg *msg,
		    struct fsva_event_rsp *rsp);
int fsva_call_write_pages(struct fsva_front *ff, const struct cred *cred,
			  u64 fh, u64 pos, size_t len, struct page **pages,
			  unsigned int nr,
			  void (*done)(struct page *page, int err));

/* forget.c: give back what the VFS let go */
u8 fsva_closing_place(u64 handle);
void fsva_closing_begin(struct fsva_front *ff, u8 place);
void fsva_closing_end(struct fsva_front *ff, u8 place);
bool fsva_closing_none(struct fsva_front *ff, u8 place, u64 version);
void fsva_forget_quietly(struct fsva_front *ff, struct fsva_forget *fg);
bool fsva_quiet_over(struct fsva_front *ff);
int fsva_quiet_wait(struct fsva_front *ff);
int fsva_quiet_wait_entered(struct fsva_front *ff);
void fsva_forgets_settle(struct fsva_front *ff);
void fsva_forget(struct fsva_front *ff, struct fsva_forget *fg);
void fsva_forget_later(struct fsva_front *ff, struct fsva_forget *fg);
void fsva_forget_now(struct fsva_front *ff, u64 handle, u64 fh);
int fsva_forgets_wait(struct fsva_front *ff);
void fsva_forget_work(struct work_struct *work);
void fsva_orphan_work(struct work_struct *work);
void fsva_call_unmount_work(struct work_struct *work);
void fsva_orphaned(struct fsva_call *call);

/* ---- The VFS side --------------------------------------------------------- */

/* Freed by RCU: a path walk without references may look at it after the end. */
struct fsva_sb {
	struct rcu_head rcu;
	struct fsva_front *ff;
	bool taken;			/* ff is ours: to be unmounted */
	atomic_t nr_shrinks;		/* inodes are not to stay in our cache */
	spinlock_t lock;		/* options */
	char *options;			/* what the file system shows */
	u32 mount_flags;
	unsigned long forced_at;	/* jiffies of the last umount -f, or 0 */
};

struct fsva_inode {
	struct inode vfs;
	spinlock_t lock;		/* all below but handle */
	u64 handle;
	u64 nr_lookups;			/* to be given back */
	u64 version;			/* ff->version at our last change */
	u64 asked;			/* and when our attributes were asked for */
	u64 fresh;			/* nothing can have changed them up to there, */
	unsigned long fresh_at;		/* jiffies, but what others do: see inode.c */
	u64 attrs_doubt;		/* what was asked before is in doubt: */
	u64 names_doubt;		/* attributes, names in a directory */
	u64 ino;
	u32 impl;			/* FSVA_IMPL_* */
	bool names_there;		/* what was last to be made was there */
	struct fsva_attr attr;		/* what generic inodes have no place for */
	struct timespec64 cache_mtime;	/* of what the page cache holds */
	u64 cache_size;
	struct fsva_forget *forget;
	/* Mappings (mmap.c). */
	struct rw_semaphore store_sem;	/* against stores: for writing */
	struct fsva_file *writer;	/* under lock: writes pages back */
	unsigned int nr_writers;	/* mappings that may store; under lock */
	bool no_share;			/* the appliance won't share its pages */
	bool copies;			/* pages that are not shared were made */
};

/* References: the VFS's open file, and fi->writer with who uses it. */
struct fsva_file {
	struct kref kref;
	struct fsva_front *ff;
	const struct cred *cred;
	u64 fh;
	u32 impl;
	u8 closing;			/* the inode's place in ff->closing, +1 */
	struct fsva_forget *forget;
	bool later;			/* closing it waits for nothing */
	bool quiet;			/* nor is its close() of any account */
	struct mutex mutex;		/* directory listing below */
	void *buf;
	u32 buf_len, buf_pos;
	u64 buf_cookie;			/* where buf_pos is in the directory */
	bool eof;
};

static inline struct fsva_sb *FSVA_SB(struct super_block *sb)
{
	return sb->s_fs_info;
}

static inline struct fsva_inode *FSVA_I(struct inode *inode)
{
	return container_of(inode, struct fsva_inode, vfs);
}

static inline struct fsva_front *fsva_inode_front(struct inode *inode)
{
	return FSVA_SB(inode->i_sb)->ff;
}

/*
 * Does its last close free space, and nothing else?  A network file system may have
 * kept an unlinked file under another name for who has it open, which goes then: a
 * directory is empty after that and not before.
 */
static inline bool fsva_inode_frees_only(struct inode *inode)
{
	return inode->i_nlink ||
	       !(READ_ONCE(FSVA_I(inode)->impl) & FSVA_IMPL_REVALIDATE);
}

/* super.c */
extern struct file_system_type fsva_fs_type;
bool fsva_super_forced(struct super_block *sb);
int fsva_super_shrink(struct super_block *sb);

/* inode.c */
extern const struct inode_operations fsva_file_inode_ops;
extern const struct inode_operations fsva_special_inode_ops;
extern const struct inode_operations fsva_symlink_inode_ops;
extern const struct dentry_operations fsva_dentry_ops;
int fsva_inode_init(void);
void fsva_inode_exit(void);
struct inode *fsva_inode_alloc(struct super_block *sb);
void fsva_inode_free(struct inode *inode);
void fsva_inode_evict(struct inode *inode);
struct inode *fsva_inode_get(struct super_block *sb,
			     const struct fsva_entry *entry, u64 version,
			     bool made);
u64 fsva_inode_version(struct inode *inode);
int fsva_inode_apply(struct inode *inode, const struct fsva_attr *attr,
		     u64 version);
int fsva_inode_changed(struct inode *inode, const struct fsva_attr *attr);
void fsva_inode_count_change(struct inode *inode);
void fsva_inode_set_impl(struct inode *inode, u32 impl);
int fsva_inode_refresh(struct inode *inode);
bool fsva_inode_in_doubt(struct inode *inode);
struct inode *fsva_inode_find(struct super_block *sb, u64 handle);
void fsva_inode_doubt(struct inode *inode, bool acls);
void fsva_dir_doubt(struct inode *dir);
void fsva_dentry_asked(struct dentry *dentry, u64 version);
int fsva_inode_update_time(FSVA_UPDATE_TIME_ARGS);
int fsva_inode_permission(struct mnt_idmap *idmap, struct inode *inode,
			  int mask);
int fsva_inode_getattr(struct mnt_idmap *idmap, const struct path *path,
		       struct kstat *stat, u32 mask, unsigned int flags);
int fsva_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
		       struct iattr *attr);

/* xattr.c */
extern FSVA_XATTR_HANDLERS(fsva_xattr_handlers);
ssize_t fsva_listxattr(struct dentry *dentry, char *list, size_t size);

/* acl.c */
void fsva_acl_init(struct inode *inode, u32 impl);
void fsva_acl_drop_all(struct inode *inode);
void fsva_acl_changed(struct inode *inode, int type, int err);
struct posix_acl *fsva_get_inode_acl(struct inode *inode, int type, bool rcu);
int fsva_set_acl(FSVA_SET_ACL_ARGS);

/* fileattr.c */
int fsva_fileattr_get(struct dentry *dentry, struct file_kattr *fa);
int fsva_fileattr_set(struct mnt_idmap *idmap, struct dentry *dentry,
		      struct file_kattr *fa);
int fsva_fiemap(struct inode *inode, struct fiemap_extent_info *fei, u64 start,
		u64 len);

/* ioctl.c */
long fsva_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
#ifdef CONFIG_COMPAT
long fsva_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
#else
#define fsva_compat_ioctl	NULL
#endif

/* dir.c */
extern const struct inode_operations fsva_dir_inode_ops;
extern const struct file_operations fsva_dir_ops;

/* file.c */
extern const struct file_operations fsva_file_ops;
struct fsva_file *fsva_file_new(struct fsva_front *ff, const struct cred *cred,
				gfp_t gfp);
void fsva_file_free(struct fsva_file *f);
u32 fsva_open_flags(const struct file *file);
int fsva_file_created(struct inode *inode, struct file *file);
int fsva_file_open(struct inode *inode, struct file *file);
int fsva_file_release(struct inode *inode, struct file *file);
void fsva_file_check_cache(struct inode *inode, const struct fsva_attr *a);
void fsva_file_put(struct fsva_file *f);
int fsva_file_changed(struct file *file, const struct fsva_attr *attr);
int fsva_file_fsync(struct file *file, loff_t start, loff_t end,
		    int datasync);

/* fops.c */
void fsva_fops_init(void);
const struct file_operations *fsva_fops(umode_t mode, u32 impl);
const struct inode_operations *fsva_iops(umode_t mode, u32 impl);
bool fsva_fops_are_file(const struct file_operations *fop);

/* lock.c */
void fsva_lock_init(void);
u64 fsva_lock_owner(const void *owner);
int fsva_file_lock(struct file *file, int cmd, struct file_lock *fl);
int fsva_file_flock(struct file *file, int cmd, struct file_lock *fl);

/* copy.c */
ssize_t fsva_copy_file_range(struct file *in, loff_t pos_in, struct file *out,
			     loff_t pos_out, size_t len, unsigned int flags);
loff_t fsva_remap_file_range(struct file *in, loff_t pos_in, struct file *out,
			     loff_t pos_out, loff_t len, unsigned int flags);
int fsva_file_fadvise(struct file *file, loff_t offset, loff_t len,
		      int advice);

/* tmpfile.c */
int fsva_tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file,
		 umode_t mode);

/* export.c */
void fsva_export_init(struct super_block *sb);

/* mmap.c */
extern const struct address_space_operations fsva_aops;
int fsva_mmap(struct file *file, struct vm_area_struct *vma);

/* writeback.c */
void fsva_writer_add(struct inode *inode, struct fsva_file *f);
void fsva_writer_remove(struct inode *inode);
void fsva_writer_drop(struct inode *inode);
int fsva_writepages(struct address_space *mapping,
		    struct writeback_control *wbc);
int fsva_launder_folio(struct folio *folio);
int fsva_cache_flush(struct inode *inode, loff_t start, loff_t end, bool all);
int fsva_cache_begin(struct inode *inode, loff_t start, loff_t end,
		     bool replace);
void fsva_cache_end(struct inode *inode, loff_t start, loff_t end,
		    bool replace);
void fsva_cache_stale(struct inode *inode);
void fsva_cache_replaced(struct inode *inode);
int fsva_cache_begin_size(struct inode *inode, loff_t size, loff_t *old);
void fsva_cache_end_size(struct inode *inode, loff_t size, loff_t old,
			 int err);

/* share.c */
u64 fsva_shares_features(void);
void fsva_shares_init(struct fsva_front *ff);
void fsva_shares_start(struct fsva_front *ff);
void fsva_shares_stop(struct fsva_front *ff);
int fsva_shares_freeze(struct fsva_front *ff);
void fsva_shares_thaw(struct fsva_front *ff);
void fsva_shares_wait(struct fsva_front *ff);
void fsva_shares_show(struct fsva_front *ff, struct seq_file *m);
void fsva_shares_exit(void);
int fsva_share_fill(struct inode *inode, const struct cred *cred,
		    struct page **pages, unsigned int nr);
int fsva_share_store(struct inode *inode, const struct cred *cred,
		     pgoff_t index, u32 ref);
int fsva_share_clean(struct inode *inode, const struct cred *cred,
		     struct page **pages, unsigned int nr,
		     void (*done)(struct page *page, int err));
void fsva_share_drop(struct inode *inode, loff_t start, loff_t end);
u32 fsva_share_ref(struct folio *folio);
bool fsva_release_folio(struct folio *folio, gfp_t gfp);
void fsva_invalidate_folio(struct folio *folio, size_t offset, size_t len);

/* push.c */
int fsva_push_module_init(void);
void fsva_push_module_exit(void);
void fsva_push_init(struct fsva_front *ff);
void fsva_push_start(struct fsva_front *ff, struct super_block *sb);
void fsva_push_stop(struct fsva_front *ff);
void fsva_push_thaw(struct fsva_front *ff);
bool fsva_push_bell(struct fsva_front *ff);
bool fsva_push_aborted(struct fsva_front *ff);
void fsva_push_show(struct fsva_front *ff, struct seq_file *m);

/* raise.c */
struct fsva_overflow;
bool fsva_watched(struct super_block *sb, struct inode *dir,
		  struct inode *inode);
void fsva_raise(struct fsva_front *ff, const struct fsva_event_msg *m,
		struct inode *dir, struct inode *inode, struct dentry *dentry);
void fsva_raise_gone(struct inode *inode);
struct fsva_overflow *fsva_overflow_begin(struct super_block *sb);
void fsva_overflow_inode(struct fsva_overflow *ov, struct inode *inode);
void fsva_overflow_end(struct fsva_overflow *ov);

/* ubc.c */
#define FSVA_GHOST	((void *)1ul)	/* folio->private of a ghost */

static inline bool fsva_folio_is_ghost(const struct folio *folio)
{
	return READ_ONCE(folio->private) == FSVA_GHOST;
}

int fsva_ubc_module_init(void);
void fsva_ubc_module_exit(void);
void fsva_ubc_init(struct fsva_front *ff);
void fsva_ubc_want(struct fsva_front *ff, unsigned int key,
		   unsigned int offered);
u64 fsva_ubc_features(struct fsva_front *ff);
void fsva_ubc_start(struct fsva_front *ff, struct super_block *sb);
void fsva_ubc_stop(struct fsva_front *ff);
void fsva_ubc_end(struct fsva_front *ff);
void fsva_ubc_lost(struct fsva_front *ff);
void fsva_ubc_freeze(struct fsva_front *ff);
void fsva_ubc_thaw(struct fsva_front *ff);
void fsva_ubc_take(struct fsva_front *ff, const struct fsva_piggy *piggy);
bool fsva_ubc_bell(struct fsva_front *ff);
void fsva_ubc_touch(struct inode *inode, loff_t pos, size_t len);
void fsva_ubc_fault(struct inode *inode, pgoff_t index);
void fsva_ubc_truncate(struct inode *inode, loff_t size);
void fsva_ubc_show(struct fsva_front *ff, struct seq_file *m);
bool fsva_ghost_release(struct folio *folio, gfp_t gfp);
void fsva_ghost_invalidate(struct folio *folio);
int fsva_ghost_fill(struct folio *folio);

#endif /* FSVA_FRONT_H */
