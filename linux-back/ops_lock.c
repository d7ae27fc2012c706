// SPDX-License-Identifier: GPL-2.0
/*
 * ops_lock.c: handlers of locks, and of what ends a wait for one.
 *
 * Locks come here only where the file system has ->lock or ->flock: NFS, cluster file systems.  POSIX locks belong
 * to an owner that the front names by a number; here the number itself, which nobody follows, is the owner.  OFD
 * locks and flock belong to the open file, as they do there, so that NFS finds their state when it reads or writes.
 *
 * A file remembers the owners that may have POSIX locks by it.  Their locks are given up when it is closed, whatever
 * the front did or forgot: a lock must not outlive the file that it points to.
 *
 * A wait may be as long as somebody else holds the lock.  It ends by INTERRUPT, or because the connection does: a
 * worker that waits is on its queue's list and gets a signal.
 */
#include <linux/file.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "back.h"

#define FSVA_BACK_MAX_OWNERS	65536u		/* in all files of a session together */

/* ---- Waits that can be interrupted -------------------------------------------------------------------- */

/* Was the request interrupted before it began?  q->lock is held. */
static bool fsva_slow_told(const struct fsva_queue *q, u64 id)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(q->told); i++)
		if (q->told[i] == id)
			return true;
	return false;
}

/* From here on a signal may come to this worker.  -EINTR: it came already. */
static int fsva_slow_begin(struct fsva_call *c)
{
	struct fsva_queue *q = c->q;
	int err = 0;

	allow_signal(SIGINT);
	allow_signal(SIGKILL);
	spin_lock(&q->lock);
	if (q->stopped || fsva_slow_told(q, c->req.id)) {
		err = -EINTR;
	} else {
		c->task = current;
		hlist_add_head(&c->slow, &q->slow);
	}
	spin_unlock(&q->lock);
	return err;
}

/* No signal comes any more, and none is left.  After a failed fsva_slow_begin() as well. */
static void fsva_slow_end(struct fsva_call *c)
{
	struct fsva_queue *q = c->q;

	spin_lock(&q->lock);
	if (c->task)
		hlist_del(&c->slow);
	c->task = NULL;
	spin_unlock(&q->lock);
	disallow_signal(SIGINT);
	disallow_signal(SIGKILL);
	flush_signals(current);
}

/* The queue has stopped: let everybody go.  q->lock is held. */
void fsva_slow_stop(struct fsva_queue *q)
{
	struct fsva_call *c;

	hlist_for_each_entry(c, &q->slow, slow)
		send_sig(SIGKILL, c->task, 1);
}

FSVA_HANDLER(interrupt)
{
	const struct fsva_interrupt_req *r = in;
	struct fsva_link *link = c->q->link;
	struct fsva_call *target;
	struct fsva_queue *q;
	bool found = false;

	if (r->queue >= link->nr_queues)
		return 0;
	q = &link->queues[array_index_nospec(r->queue, link->nr_queues)];
	spin_lock(&q->lock);
	hlist_for_each_entry(target, &q->slow, slow) {
		if (target->req.id == r->target) {
			send_sig(SIGINT, target->task, 1);
			found = true;
			break;
		}
	}
	/* It may be on the ring yet, or with a worker that has not come so far. */
	if (!found) {
		q->told[q->next_told] = r->target;
		q->next_told = (q->next_told + 1) % ARRAY_SIZE(q->told);
	}
	spin_unlock(&q->lock);
	return 0;
}

/* ---- Owners ------------------------------------------------------------------------------------------- */

/* Somebody who may have POSIX locks by way of a file.  Under fsva_files.lock. */
struct fsva_owner {
	struct hlist_node node;
	u64 id;
	unsigned int busy;		/* calls that lock */
	unsigned int stamp;		/* counts them */
};

/* The number that the front has for an owner, as this kernel passes owners around. */
static fl_owner_t fsva_fl_owner(u64 id)
{
	return (fl_owner_t)(unsigned long)(sizeof(long) == 8 ? id : id ^ id >> 32);
}

static struct fsva_owner *fsva_owner_find(struct fsva_file *f, u64 id)
{
	struct fsva_owner *o;

	hlist_for_each_entry(o, &f->owners, node)
		if (o->id == id)
			return o;
	return NULL;
}

/* Remember that id is about to lock by way of f, until fsva_owner_put(). */
static struct fsva_owner *fsva_owner_get(struct fsva_file *f, u64 id)
{
	struct fsva_files *t = f->files;
	struct fsva_owner *o, *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->id = id;
	spin_lock(&t->lock);
	o = fsva_owner_find(f, id);
	if (!o && t->nr_owners < FSVA_BACK_MAX_OWNERS) {
		o = new;
		new = NULL;
		hlist_add_head(&o->node, &f->owners);
		t->nr_owners++;
	}
	if (o) {
		o->busy++;
		o->stamp++;
	}
	spin_unlock(&t->lock);
	kfree(new);
	return o ? o : ERR_PTR(-ENOLCK);
}

static void fsva_owner_put(struct fsva_file *f, struct fsva_owner *o)
{
	spin_lock(&f->files->lock);
	o->busy--;
	spin_unlock(&f->files->lock);
}

/* How often id has locked: what it has now goes with an unlock of everything. */
static unsigned int fsva_owner_stamp(struct fsva_file *f, u64 id)
{
	struct fsva_owner *o;
	unsigned int stamp;

	spin_lock(&f->files->lock);
	o = fsva_owner_find(f, id);
	stamp = o && !o->busy ? o->stamp : 0;
	spin_unlock(&f->files->lock);
	return stamp;
}

/* Everything was unlocked: forget id, unless it has locked again meanwhile. */
static void fsva_owner_drop(struct fsva_file *f, u64 id, unsigned int stamp)
{
	struct fsva_owner *o;

	spin_lock(&f->files->lock);
	o = fsva_owner_find(f, id);
	if (o && !o->busy && o->stamp == stamp) {
		hlist_del(&o->node);
		f->files->nr_owners--;
	} else {
		o = NULL;
	}
	spin_unlock(&f->files->lock);
	kfree(o);
}

/* The file is about to be closed; nobody else knows it any more. */
void fsva_file_unlock(struct fsva_file *f)
{
	struct fsva_owner *o;
	struct hlist_node *next;

	hlist_for_each_entry_safe(o, next, &f->owners, node) {
		locks_remove_posix(f->file, fsva_fl_owner(o->id));
		spin_lock(&f->files->lock);
		f->files->nr_owners--;
		spin_unlock(&f->files->lock);
		kfree(o);
	}
}

/* ---- Locks -------------------------------------------------------------------------------------------- */

static struct file_lock *fsva_lock_make(struct fsva_file *f, const struct fsva_lock_req *r, unsigned int flags)
{
	static const unsigned char types[] = {
		[FSVA_LOCK_READ] = F_RDLCK, [FSVA_LOCK_WRITE] = F_WRLCK, [FSVA_LOCK_UNLOCK] = F_UNLCK,
	};
	struct file_lock *fl = locks_alloc_lock();

	if (!fl)
		return NULL;
	if (r->flags & FSVA_LOCKF_WAIT)
		flags |= FL_SLEEP;
	if (r->flags & FSVA_LOCKF_OFD)
		flags |= FL_OFDLCK;
	fsva_fl(fl, flags) = flags;
	fsva_fl(fl, type) = types[array_index_nospec(r->type, ARRAY_SIZE(types))];
	fsva_fl(fl, file) = f->file;
	fsva_fl(fl, pid) = r->pid;
	if (flags & (FL_FLOCK | FL_OFDLCK))
		fsva_fl(fl, owner) = f->file;
	else
		fsva_fl(fl, owner) = fsva_fl_owner(r->owner);
	fl->fl_start = r->start;
	fl->fl_end = r->end;
	return fl;
}

/* As fcntl(2) has it. */
static int fsva_lock_mode(const struct file *file, const struct fsva_lock_req *r)
{
	if (r->type == FSVA_LOCK_READ && !(file->f_mode & FMODE_READ))
		return -EBADF;
	if (r->type == FSVA_LOCK_WRITE && !(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return 0;
}

/* As fcntl_setlk(): some file systems leave the waiting to their caller. */
static int fsva_lock_run(struct file *file, int cmd, struct file_lock *fl)
{
	int err;

	for (;;) {
		err = vfs_lock_file(file, cmd, fl, NULL);
		if (err != FILE_LOCK_DEFERRED)
			break;
		err = wait_event_interruptible(fsva_fl(fl, wait), list_empty(&fsva_fl(fl, blocked_member)));
		if (err)
			break;
	}
	locks_delete_block(fl);
	return err;
}

FSVA_HANDLER(lock)
{
	const struct fsva_lock_req *r = in;
	bool unlock = r->type == FSVA_LOCK_UNLOCK, posix = !(r->flags & FSVA_LOCKF_OFD);
	struct fsva_owner *owner = NULL;
	struct file_lock *fl;
	struct fsva_file *f;
	unsigned int stamp;
	int err;

	f = fsva_file_get(c, r->fh);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = -EOPNOTSUPP;
	if (!f->file->f_op->lock)
		goto out_put;
	err = fsva_lock_mode(f->file, r);
	if (err)
		goto out_put;
	err = -ENOMEM;
	fl = fsva_lock_make(f, r, FL_POSIX);
	if (!fl)
		goto out_put;
	if (posix && !unlock) {
		owner = fsva_owner_get(f, r->owner);
		err = PTR_ERR_OR_ZERO(owner);
		if (err)
			goto out_free;
	}
	stamp = posix ? fsva_owner_stamp(f, r->owner) : 0;
	err = fsva_slow_begin(c);
	if (!err)
		err = fsva_lock_run(f->file, r->flags & FSVA_LOCKF_WAIT ? F_SETLKW : F_SETLK, fl);
	fsva_slow_end(c);
	if (owner)
		fsva_owner_put(f, owner);
	else if (posix && !err && stamp && r->start == 0 && r->end == OFFSET_MAX)
		fsva_owner_drop(f, r->owner, stamp);
out_free:
	locks_free_lock(fl);
out_put:
	fsva_file_put(f);
	return err;
}

FSVA_HANDLER(flock)
{
	const struct fsva_lock_req *r = in;
	struct file_lock *fl;
	struct fsva_file *f;
	int err;

	f = fsva_file_get(c, r->fh);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = -EOPNOTSUPP;
	if (!f->file->f_op->flock)
		goto out_put;
	err = -ENOMEM;
	fl = fsva_lock_make(f, r, FL_FLOCK);
	if (!fl)
		goto out_put;
	err = fsva_slow_begin(c);
	if (!err)
		err = f->file->f_op->flock(f->file, r->flags & FSVA_LOCKF_WAIT ? F_SETLKW : F_SETLK, fl);
	fsva_slow_end(c);
	locks_free_lock(fl);
out_put:
	fsva_file_put(f);
	return err;
}

FSVA_HANDLER(lock_test)
{
	const struct fsva_lock_req *r = in;
	struct fsva_lock_test_rsp *rsp = out;
	struct file_lock *fl;
	struct fsva_file *f;
	int err;

	f = fsva_file_get(c, r->fh);
	if (IS_ERR(f))
		return PTR_ERR(f);
	err = -EOPNOTSUPP;
	if (!f->file->f_op->lock)
		goto out_put;
	err = -ENOMEM;
	fl = fsva_lock_make(f, r, FL_POSIX);
	if (!fl)
		goto out_put;
	err = vfs_test_lock(f->file, fl);
	if (!err) {
		rsp->type = FSVA_LOCK_UNLOCK;
		if (fsva_fl(fl, type) != F_UNLCK) {
			rsp->type = fsva_fl(fl, type) == F_RDLCK ? FSVA_LOCK_READ : FSVA_LOCK_WRITE;
			rsp->start = fl->fl_start;
			rsp->end = fl->fl_end;
			rsp->pid = fsva_fl(fl, pid);
		}
	}
	locks_free_lock(fl);
out_put:
	fsva_file_put(f);
	return err;
}
