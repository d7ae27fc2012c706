// SPDX-License-Identifier: GPL-2.0
/*
 * ubc.c: one page cache for two domains, this kernel's half (DESIGN section 6; linux-front/ubc.c is the other).
 *
 * The kernel's own tracepoints say which pages of the exported file system enter and leave the page cache.  The
 * probe puts them into a queue of bounded length; what is in it goes to the front in the free octets of whatever
 * answer is next (fsva_ubc_fill()), or in that of EVICT_PAGE, which the front sends when the bell rings.  The front
 * has given a frame to Xen for each page that it knows of, and says by EVICT_PAGE how many this domain may have in
 * place of them, and which pages are to go.  The frames are the balloon driver's to move: all that is done here is
 * to set its target.
 *
 * Reports are about which pages are where, and may get lost; the number of frames is said anew in each EVICT_PAGE.
 *
 * The probe runs with interrupts off and under the lock of a mapping: it takes u->lock alone, which nests in
 * everything, and remembers an inode by its number.  That becomes a handle under u->fill, in a worker.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <xen/balloon.h>
#include <xen/xen.h>

#include "back.h"

#define FSVA_UBC_RECORDS	4096u		/* of the queue; more are lost */
#define FSVA_UBC_BELL		(HZ / 20)	/* that a report waits for an answer to ride on */
#define FSVA_UBC_SHRINK_MS	1000u		/* that EVICT_PAGE waits for the balloon */
#define FSVA_UBC_MSGS		(FSVA_PAGE_SIZE / sizeof(struct fsva_piggy_msg))

/* ---- The balloon -------------------------------------------------------------------------------------- */

static DEFINE_MUTEX(fsva_balloon_lock);		/* all that follows; the balloon's own numbers have no lock */
static unsigned long fsva_balloon_base;		/* pages that are this domain's own */
static unsigned long fsva_balloon_set;		/* the target that we have set; 0: none */
static unsigned long fsva_balloon_frames;	/* what all fronts' sessions allow beyond that */

static void fsva_balloon_move(void)
{
	unsigned long target = READ_ONCE(balloon_stats.target_pages), room;

	/* xl mem-set says how much is our own, whatever it was before. */
	if (!fsva_balloon_set || target != fsva_balloon_set)
		fsva_balloon_base = target;
	/* No more than was ballooned out: else the driver would make memory of new addresses. */
	room = READ_ONCE(balloon_stats.current_pages) + balloon_stats.balloon_low + balloon_stats.balloon_high;
	target = min(fsva_balloon_base + fsva_balloon_frames, max(room, fsva_balloon_base));
	fsva_balloon_set = target;
	balloon_set_new_target(target);
}

/* This session may have `frames`, and had u->frames before. */
static void fsva_balloon_allow(struct fsva_ubc *u, u64 frames)
{
	mutex_lock(&fsva_balloon_lock);
	fsva_balloon_frames += frames - u->frames;
	u->frames = frames;
	fsva_balloon_move();
	mutex_unlock(&fsva_balloon_lock);
}

/* This session wants no more of it.  With the last one the target is the toolstack's alone again. */
static void fsva_balloon_leave(struct fsva_ubc *u)
{
	mutex_lock(&fsva_balloon_lock);
	fsva_balloon_frames -= u->frames;
	u->frames = 0;
	if (fsva_balloon_set)
		fsva_balloon_move();
	if (!fsva_balloon_frames)
		fsva_balloon_set = 0;
	mutex_unlock(&fsva_balloon_lock);
}

/* Frames that we have beyond our own.  Those of other sessions are not this one's. */
static u64 fsva_balloon_held(struct fsva_ubc *u)
{
	unsigned long pages = READ_ONCE(balloon_stats.current_pages), own;

	if (!READ_ONCE(fsva_balloon_set))
		return 0;
	own = READ_ONCE(fsva_balloon_base) + READ_ONCE(fsva_balloon_frames) - u->frames;
	return pages > own ? pages - own : 0;
}

/* Wait a while for the balloon to have taken what it must. */
static u64 fsva_balloon_wait(struct fsva_ubc *u)
{
	unsigned long end = jiffies + msecs_to_jiffies(FSVA_UBC_SHRINK_MS);
	u64 held;

	for (;;) {
		held = fsva_balloon_held(u);
		if (held <= u->frames || time_after(jiffies, end))
			return held;
		usleep_range(500, 2000);
	}
}

/* ---- The probes ---------------------------------------------------------------------------------------- */

static LIST_HEAD(fsva_ubcs);			/* that report; read under RCU, changed under the lock */
static DEFINE_MUTEX(fsva_ubcs_lock);
static struct tracepoint *fsva_tp_add, *fsva_tp_delete;
static unsigned int fsva_ubcs_nr;

static void fsva_ubc_record(struct fsva_ubc *u, const struct inode *inode, pgoff_t index, unsigned int nr, u8 kind)
{
	struct fsva_ubc_record *r;
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	r = &u->records[(u->head - 1) % FSVA_UBC_RECORDS];
	if (u->head != u->tail && r->ino == inode->i_ino && r->gen == inode->i_generation && r->kind == kind &&
	    r->index + r->nr == index && r->nr + nr <= U16_MAX) {
		r->nr += nr;
	} else if (u->head - u->tail < FSVA_UBC_RECORDS) {
		r = &u->records[u->head++ % FSVA_UBC_RECORDS];
		r->ino = inode->i_ino;
		r->gen = inode->i_generation;
		r->index = index;
		r->nr = nr;
		r->kind = kind;
	} else {
		u->lost++;
	}
	spin_unlock_irqrestore(&u->lock, flags);
	if (!test_and_set_bit(0, &u->bell_due))
		queue_delayed_work(fsva_wq, &u->bell, FSVA_UBC_BELL);
}

static void fsva_ubc_note(struct folio *folio, u8 kind)
{
	struct address_space *mapping = folio->mapping;
	unsigned int nr = folio_nr_pages(folio);
	struct inode *inode;
	struct fsva_ubc *u;

	if (!mapping || !mapping->host || folio->index + nr > U32_MAX)
		return;
	inode = mapping->host;
	if (!S_ISREG(inode->i_mode))
		return;
	/* Preemption is off in a probe, which a grace period waits for. */
	list_for_each_entry_rcu(u, &fsva_ubcs, node, true) {
		if (u->sb != inode->i_sb)
			continue;
		/* The front asked for this very one to go. */
		if (kind == FSVA_PIGGY_REMOVE && READ_ONCE(u->evictor) == current && nr == 1)
			continue;
		fsva_ubc_record(u, inode, folio->index, nr, kind);
	}
}

static void fsva_ubc_added(void *unused, struct folio *folio)
{
	fsva_ubc_note(folio, FSVA_PIGGY_INSERT);
}

static void fsva_ubc_deleted(void *unused, struct folio *folio)
{
	fsva_ubc_note(folio, FSVA_PIGGY_REMOVE);
}

static void fsva_ubc_find_tracepoint(struct tracepoint *tp, void *unused)
{
	if (!strcmp(tp->name, "mm_filemap_add_to_page_cache"))
		fsva_tp_add = tp;
	else if (!strcmp(tp->name, "mm_filemap_delete_from_page_cache"))
		fsva_tp_delete = tp;
}

void fsva_ubc_init(void)
{
	for_each_kernel_tracepoint(fsva_ubc_find_tracepoint, NULL);
}

/* Can this kernel do its half? */
bool fsva_ubc_can(void)
{
	return fsva_tp_add && fsva_tp_delete && xen_domain();
}

/* fsva_ubcs_lock is held. */
static int fsva_ubc_hook(void)
{
	int err;

	if (fsva_ubcs_nr)
		goto out;
	err = tracepoint_probe_register(fsva_tp_add, fsva_ubc_added, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(fsva_tp_delete, fsva_ubc_deleted, NULL);
	if (err) {
		tracepoint_probe_unregister(fsva_tp_add, fsva_ubc_added, NULL);
		return err;
	}
out:
	fsva_ubcs_nr++;
	return 0;
}

static void fsva_ubc_unhook(void)
{
	if (--fsva_ubcs_nr)
		return;
	tracepoint_probe_unregister(fsva_tp_add, fsva_ubc_added, NULL);
	tracepoint_probe_unregister(fsva_tp_delete, fsva_ubc_deleted, NULL);
}

/* ---- Reports ------------------------------------------------------------------------------------------- */

/* Up to `most` reports, and the number of the first. */
static unsigned int fsva_ubc_take(struct fsva_session *ses, struct fsva_piggy_msg *msg, unsigned int most, u64 *seq)
{
	struct fsva_ubc *u = &ses->ubc;
	struct fsva_ubc_record r;
	unsigned int nr = 0;
	bool any;

	*seq = 0;
	if (READ_ONCE(u->head) == READ_ONCE(u->tail))
		return 0;
	spin_lock(&u->fill);
	while (u->on && nr < most) {
		spin_lock_irq(&u->lock);
		any = u->head != u->tail;
		if (any)
			r = u->records[u->tail++ % FSVA_UBC_RECORDS];
		spin_unlock_irq(&u->lock);
		if (!any)
			break;
		memset(&msg[nr], 0, sizeof(msg[nr]));
		msg[nr].handle = fsva_handle_of_ino(&ses->handles, r.ino, r.gen);
		msg[nr].index = r.index;
		msg[nr].nr_pages = r.nr;
		msg[nr].kind = r.kind;
		/* A file that the front does not know has no page in its cache. */
		if (msg[nr].handle)
			nr++;
	}
	if (nr) {
		*seq = u->seq;
		u->seq += nr;
	}
	spin_unlock(&u->fill);
	u->told += nr;
	return nr;
}

/* An answer is about to go: let it take along what there is.  A spin lock of the queue's may be held. */
void fsva_ubc_fill(struct fsva_session *ses, struct fsva_rsp *rsp)
{
	struct fsva_piggy_msg msg[FSVA_PIGGY_MAX];
	unsigned int nr;
	u64 seq;

	nr = fsva_ubc_take(ses, msg, FSVA_PIGGY_MAX, &seq);
	if (!nr)
		return;
	rsp->piggy.seq = seq;
	rsp->piggy.nr = nr;
	memcpy(rsp->piggy.msg, msg, nr * sizeof(msg[0]));
}

/* Reports have waited for long. */
static void fsva_ubc_bell(struct work_struct *work)
{
	struct fsva_ubc *u = container_of(to_delayed_work(work), struct fsva_ubc, bell);
	struct fsva_session *ses = container_of(u, struct fsva_session, ubc);

	clear_bit(0, &u->bell_due);
	smp_mb__after_atomic();	/* a record from here on has it run again */
	if (!READ_ONCE(u->on) || READ_ONCE(u->head) == READ_ONCE(u->tail))
		return;
	if (ses->ring_bell)
		ses->ring_bell(ses);
	u->bells++;
	if (!test_and_set_bit(0, &u->bell_due))
		queue_delayed_work(fsva_wq, &u->bell, 4 * FSVA_UBC_BELL);
}

/* ---- Life ---------------------------------------------------------------------------------------------- */

void fsva_ubc_create(struct fsva_session *ses)
{
	struct fsva_ubc *u = &ses->ubc;

	INIT_LIST_HEAD(&u->node);
	spin_lock_init(&u->lock);
	spin_lock_init(&u->fill);
	mutex_init(&u->life);
	INIT_DELAYED_WORK(&u->bell, fsva_ubc_bell);
}

/* u->life is held. */
static void fsva_ubc_quiet(struct fsva_ubc *u)
{
	if (!u->on)
		return;
	mutex_lock(&fsva_ubcs_lock);
	list_del_rcu(&u->node);
	fsva_ubc_unhook();
	mutex_unlock(&fsva_ubcs_lock);
	tracepoint_synchronize_unregister();
	spin_lock(&u->fill);
	WRITE_ONCE(u->on, false);
	spin_unlock(&u->fill);
	cancel_delayed_work_sync(&u->bell);
	kvfree(u->records);
	u->records = NULL;
	u->head = 0;
	u->tail = 0;
}

/* The mount goes, or the front wants no more of it: what was more than ours goes back. */
void fsva_ubc_stop(struct fsva_session *ses)
{
	struct fsva_ubc *u = &ses->ubc;

	mutex_lock(&u->life);
	fsva_ubc_quiet(u);
	fsva_balloon_leave(u);
	mutex_unlock(&u->life);
}

/* The mount is held. */
static int fsva_ubc_start(struct fsva_session *ses)
{
	struct fsva_ubc *u = &ses->ubc;
	int err = 0;

	mutex_lock(&u->life);
	fsva_ubc_quiet(u);
	u->records = kvcalloc(FSVA_UBC_RECORDS, sizeof(*u->records), GFP_KERNEL);
	if (!u->records) {
		err = -ENOMEM;
		goto out;
	}
	u->sb = ses->sb;
	u->seq = 1;
	u->bell_due = 0;
	mutex_lock(&fsva_ubcs_lock);
	err = fsva_ubc_hook();
	if (!err) {
		WRITE_ONCE(u->on, true);
		list_add_rcu(&u->node, &fsva_ubcs);
	}
	mutex_unlock(&fsva_ubcs_lock);
	if (err) {
		kvfree(u->records);
		u->records = NULL;
	}
out:
	mutex_unlock(&u->life);
	return err;
}

/* ---- EVICT_PAGE ---------------------------------------------------------------------------------------- */

/* Drop clean pages of a range.  true: there are some left. */
static bool fsva_ubc_drop(struct address_space *mapping, const struct fsva_piggy_msg *m, u32 *dropped)
{
	pgoff_t first = m->index, last = first + m->nr_pages - 1;
	unsigned long nr = invalidate_mapping_pages(mapping, first, last);

	*dropped += nr;
	return nr < m->nr_pages && filemap_range_has_page(mapping, (loff_t)first << PAGE_SHIFT,
							   ((loff_t)last << PAGE_SHIFT) + PAGE_SIZE - 1);
}

/*
 * Drop what the front names; first what is clean, then the rest, which is written meanwhile.  What is left of msg[]
 * is moved to its beginning, and counted.
 */
static unsigned int fsva_ubc_evict(struct fsva_call *c, struct fsva_piggy_msg *msg, unsigned int nr, u32 *dropped)
{
	struct fsva_ubc *u = &c->ses->ubc;
	unsigned int i, round, left = nr;
	struct address_space *mapping;
	struct dentry *dentry;
	bool more;

	cmpxchg(&u->evictor, NULL, current);
	for (round = 0; round < 2 && left; round++) {
		nr = left;
		left = 0;
		for (i = 0; i < nr; i++) {
			dentry = fsva_handle_get(c, msg[i].handle);
			if (IS_ERR(dentry))
				continue;
			mapping = d_inode(dentry)->i_mapping;
			more = d_is_reg(dentry);
			if (more && round)
				filemap_write_and_wait_range(mapping, (loff_t)msg[i].index << PAGE_SHIFT,
							     (((loff_t)msg[i].index + msg[i].nr_pages) <<
							      PAGE_SHIFT) - 1);
			more = more && fsva_ubc_drop(mapping, &msg[i], dropped);
			if (more && !round)
				filemap_flush(mapping);
			dput(dentry);
			if (more)
				msg[left++] = msg[i];
			cond_resched();
		}
	}
	cmpxchg(&u->evictor, current, NULL);
	u->evicted += *dropped;
	u->kept += left;
	return left;
}

FSVA_HANDLER(evict_page)
{
	unsigned int room = min_t(unsigned int, c->req.data_len / sizeof(struct fsva_piggy_msg), FSVA_UBC_MSGS);
	const struct fsva_evict_page_req *r = in;
	struct fsva_evict_page_rsp *rsp = out;
	struct fsva_ubc *u = &c->ses->ubc;
	struct fsva_piggy_msg *msg;
	const void *data = NULL;
	int err = 0;
	u32 len;

	if (!(c->ses->features & FSVA_FEATURE_UBC))
		return -EOPNOTSUPP;
	if (r->nr > FSVA_UBC_MSGS)
		return -EINVAL;
	if (r->nr)
		data = fsva_data_in(c);
	if (IS_ERR(data))
		return PTR_ERR(data);
	msg = kmalloc(FSVA_PAGE_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	if (r->flags & FSVA_EVICT_START)
		err = fsva_ubc_start(c->ses);
	if (err)
		goto out;
	if (r->nr) {
		memcpy(msg, data, r->nr * sizeof(*msg));
		rsp->nr_kept = fsva_ubc_evict(c, msg, r->nr, &rsp->nr_dropped);
	}
	mutex_lock(&u->life);
	fsva_balloon_allow(u, r->frames);
	mutex_unlock(&u->life);
	rsp->held = min_t(u64, fsva_balloon_wait(u), FSVA_FRAMES_MAX);
	if (r->flags & FSVA_EVICT_STOP)
		fsva_ubc_stop(c->ses);
	else if (room > rsp->nr_kept)
		rsp->nr_news = fsva_ubc_take(c->ses, msg + rsp->nr_kept, room - rsp->nr_kept, &rsp->seq);
	len = (rsp->nr_kept + rsp->nr_news) * sizeof(*msg);
	err = fsva_data_out(c, 0, msg, len);
	if (!err)
		c->rsp.data_len = len;
out:
	kfree(msg);
	return err;
}

void fsva_ubc_show(struct fsva_session *ses, struct seq_file *seq)
{
	struct fsva_ubc *u = &ses->ubc;

	seq_printf(seq, "ubc_on %d\n", READ_ONCE(u->on));
	seq_printf(seq, "ubc_frames %llu\n", READ_ONCE(u->frames));
	seq_printf(seq, "ubc_held %llu\n", fsva_balloon_held(u));
	seq_printf(seq, "ubc_base %lu\n", READ_ONCE(fsva_balloon_base));
	seq_printf(seq, "ubc_waiting %u\n", READ_ONCE(u->head) - READ_ONCE(u->tail));
	seq_printf(seq, "ubc_told %llu\n", READ_ONCE(u->told));
	seq_printf(seq, "ubc_lost %llu\n", READ_ONCE(u->lost));
	seq_printf(seq, "ubc_bells %llu\n", READ_ONCE(u->bells));
	seq_printf(seq, "ubc_evicted %llu\n", READ_ONCE(u->evicted));
	seq_printf(seq, "ubc_kept %llu\n", READ_ONCE(u->kept));
}
