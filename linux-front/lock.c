// SPDX-License-Identifier: GPL-2.0
/*
 * lock.c: locks of files on a file system that has a say in them (NFS, cluster
 * file systems).  For all others fops.c leaves ->lock and ->flock out, and the
 * VFS keeps the locks by itself, as it does in the appliance: nobody else uses
 * what is mounted there.
 *
 * A lock is asked for in the appliance and, once granted, noted here as well:
 * so that the VFS gives it up when a file is closed or its owner dies, and so
 * that F_GETLK and /proc/locks know our own processes.
 *
 * Who waits holds a slot of the ring as long as that takes.  So only half of
 * them may be waited on; others ask again from time to time.
 */
#include <linux/fs.h>
#include <linux/file.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/siphash.h>
#include <linux/slab.h>

#include "front.h"

#define FSVA_LOCK_POLL_MIN	(HZ / 50)
#define FSVA_LOCK_POLL_MAX	HZ

static siphash_key_t fsva_lock_key __ro_after_init;

void __init fsva_lock_init(void)
{
	get_random_bytes(&fsva_lock_key, sizeof(fsva_lock_key));
}

/* The back must not learn addresses, only tell owners apart. */
u64 fsva_lock_owner(const void *owner)
{
	return siphash_1u64((unsigned long)owner, &fsva_lock_key);
}

/* An unlock that its task is too dead to wait for. */
struct fsva_unlock {
	struct work_struct work;
	struct file *file;
	u16 op;
	struct fsva_lock_req req;
};

static void fsva_unlock_work(struct work_struct *work)
{
	struct fsva_unlock *u = container_of(work, struct fsva_unlock, work);
	struct fsva_front *ff = fsva_inode_front(file_inode(u->file));
	const struct cred *old = override_creds(u->file->f_cred);

	fsva_call_lock(ff, u->op, &u->req);
	revert_creds(old);
	fput(u->file);
	kfree(u);
}

/*
 * Unlock.  A killed task can't wait for the answer, nor for a free slot, and the
 * lock must go all the same; the file stays until it has.
 */
static int fsva_lock_release(struct file *file, u16 op,
			     const struct fsva_lock_req *q)
{
	struct fsva_unlock *u;

	if (!fatal_signal_pending(current))
		return fsva_call_lock(fsva_inode_front(file_inode(file)), op,
				      q);
	u = kmalloc(sizeof(*u), GFP_KERNEL | __GFP_NOFAIL);
	INIT_WORK(&u->work, fsva_unlock_work);
	u->file = get_file(file);
	u->op = op;
	u->req = *q;
	queue_work(fsva_wq, &u->work);
	return 0;
}

/* Wait for the lock in the appliance, if there is room for another who waits. */
static int fsva_lock_wait(struct fsva_front *ff, u16 op,
			  struct fsva_lock_req *q)
{
	unsigned int max = (FSVA_SLOTS_PER_PAGE << ff->ring_order) / 2;
	long pause = FSVA_LOCK_POLL_MIN;
	int err;

	for (;;) {
		if (atomic_inc_return(&ff->nr_lockers) <= max) {
			q->flags |= FSVA_LOCKF_WAIT;
			err = fsva_call_lock(ff, op, q);
			atomic_dec(&ff->nr_lockers);
			return err;
		}
		atomic_dec(&ff->nr_lockers);
		q->flags &= ~FSVA_LOCKF_WAIT;
		err = fsva_call_lock(ff, op, q);
		if (err != -EAGAIN)
			return err;
		if (schedule_timeout_interruptible(pause))
			return -EINTR;
		pause = min_t(long, pause * 2, FSVA_LOCK_POLL_MAX);
	}
}

static void fsva_lock_pack(struct fsva_lock_req *q, struct file *file,
			   const struct file_lock *fl)
{
	const struct fsva_file *f = file->private_data;

	memset(q, 0, sizeof(*q));
	q->fh = f->fh;
	q->owner = fsva_lock_owner(fsva_fl(fl, owner));
	q->start = fl->fl_start;
	q->end = fl->fl_end;
	if ((pid_t)fsva_fl(fl, pid) > 0)
		q->pid = fsva_fl(fl, pid);
	if (fsva_fl(fl, flags) & FL_OFDLCK)
		q->flags |= FSVA_LOCKF_OFD;
	switch (fsva_fl(fl, type)) {
	case F_RDLCK:
		q->type = FSVA_LOCK_READ;
		break;
	case F_WRLCK:
		q->type = FSVA_LOCK_WRITE;
		break;
	default:
		q->type = FSVA_LOCK_UNLOCK;
	}
}

/* Get or give up, there and here. */
static int fsva_lock_do(struct file *file, u16 op, int cmd,
			struct file_lock *fl)
{
	struct fsva_front *ff = fsva_inode_front(file_inode(file));
	struct fsva_lock_req q;
	int err;

	fsva_lock_pack(&q, file, fl);
	if (op == FSVA_OP_FLOCK)
		q.flags = 0;
	if (q.type == FSVA_LOCK_UNLOCK) {
		/*
		 * Here it is gone whatever is said there: its owner does not
		 * count on it any more.
		 */
		err = locks_lock_file_wait(file, fl);
		if (!err)
			err = fsva_lock_release(file, op, &q);
		/* Nobody has it in an appliance that is gone. */
		return err == -EIO && fsva_front_dead(ff) ? 0 : err;
	}
	if (IS_SETLKW(cmd))
		err = fsva_lock_wait(ff, op, &q);
	else
		err = fsva_call_lock(ff, op, &q);
	if (err == -EINTR && signal_pending(current))
		return -ERESTARTSYS;
	if (err)
		return err;
	/* Granted there, so that nobody here can be in its way for long. */
	err = locks_lock_file_wait(file, fl);
	if (err) {
		q.type = FSVA_LOCK_UNLOCK;
		q.flags &= ~FSVA_LOCKF_WAIT;
		fsva_lock_release(file, op, &q);
	}
	return err;
}

/* Who is in the way: one of ours, whom we know best, or somebody elsewhere. */
static int fsva_lock_get(struct file *file, struct file_lock *fl)
{
	unsigned char type = fsva_fl(fl, type);
	struct fsva_lock_test_rsp rsp;
	struct fsva_lock_req q;
	int err;

	posix_test_lock(file, fl);
	if (fsva_fl(fl, type) != F_UNLCK)
		return 0;
	fsva_fl(fl, type) = type;
	fsva_lock_pack(&q, file, fl);
	err = fsva_call_lock_test(fsva_inode_front(file_inode(file)), &q, &rsp);
	if (err)
		return err;
	switch (rsp.type) {
	case FSVA_LOCK_UNLOCK:
		fsva_fl(fl, type) = F_UNLCK;
		return 0;
	case FSVA_LOCK_READ:
		fsva_fl(fl, type) = F_RDLCK;
		break;
	default:
		fsva_fl(fl, type) = F_WRLCK;
	}
	fl->fl_start = rsp.start;
	fl->fl_end = rsp.end;
	/* No process of ours: as the VFS writes it, below 0. */
	fsva_fl(fl, pid) = (s32)rsp.pid > 0 ? -(s32)rsp.pid : (s32)rsp.pid;
	return 0;
}

int fsva_file_lock(struct file *file, int cmd, struct file_lock *fl)
{
	if (!(fsva_fl(fl, flags) & FL_POSIX))
		return -ENOLCK;
	if (cmd == F_CANCELLK)
		return 0;	/* who waits is interrupted, and knows */
	if (IS_GETLK(cmd))
		return fsva_lock_get(file, fl);
	return fsva_lock_do(file, FSVA_OP_LOCK, cmd, fl);
}

int fsva_file_flock(struct file *file, int cmd, struct file_lock *fl)
{
	if (!(fsva_fl(fl, flags) & FL_FLOCK))
		return -ENOLCK;
	return fsva_lock_do(file, FSVA_OP_FLOCK, cmd, fl);
}
