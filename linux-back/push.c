// SPDX-License-Identifier: GPL-2.0
/*
 * push.c: what happens to the file system that the front did not do (EVENT).
 *
 * A group of fsnotify's watches the whole superblock.  What the workers of the session itself do the front knows;
 * all else, an administrator's command in this domain, the request of another session, an NFS server here, becomes
 * an event, if it is about something that the front has a handle of.  Events wait (backlog.c) until the front has
 * asked for the next ones.
 *
 * fsva_push_event() runs in whatever task does the deed, perhaps with directories locked: it takes spin locks only,
 * and allocates nothing.
 */
#include <linux/fsnotify_backend.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "back.h"

#define FSVA_PUSH_EVENTS	512u		/* that wait; 288 octets each */
#define FSVA_PUSH_MAX		(FSVA_PAGE_SIZE / sizeof(struct fsva_event_msg))	/* in an answer */
#define FSVA_PUSH_SOON		1		/* jiffies until the bell, so that it rings once for a few */
#define FSVA_PUSH_AGAIN		(HZ / 2)	/* until it rings again */

/* What we watch for.  Opening, reading and closing after it change nothing that the front could have cached. */
#define FSVA_PUSH_SELF		(FS_MODIFY | FS_ATTRIB | FS_CLOSE_WRITE)
#define FSVA_PUSH_MASK		(FSVA_PUSH_SELF | FS_CREATE | FS_DELETE | FS_RENAME | FS_EVENT_ON_CHILD)

/* ---- What waits ---------------------------------------------------------------------------------------- */

/* p->lock is held. */
static void fsva_push_add(struct fsva_push *p, u32 what, u64 handle, u64 dir, const struct qstr *name, u32 cookie)
{
	struct fsva_event_msg m = { .what = what, .handle = handle, .dir = dir, .cookie = cookie };

	if (!p->on)
		return;
	if (dir) {
		m.name_len = name->len;
		memcpy(m.name, name->name, name->len);
	}
	if (!fsva_backlog_add(&p->log, &m))
		return;
	/* A front that has not been told yet that there is no more asks by itself. */
	if (p->quiet)
		mod_delayed_work(fsva_wq, &p->bell, FSVA_PUSH_SOON);
	else
		queue_delayed_work(fsva_wq, &p->bell, FSVA_PUSH_AGAIN);
	p->quiet = false;
}

/* Events wait, and the front has not come for them. */
static void fsva_push_bell(struct work_struct *work)
{
	struct fsva_push *p = container_of(to_delayed_work(work), struct fsva_push, bell);
	struct fsva_session *ses = container_of(p, struct fsva_session, push);
	bool any;

	spin_lock(&p->lock);
	any = p->on && fsva_backlog_waits(&p->log);
	if (any) {
		p->bells++;
		queue_delayed_work(fsva_wq, &p->bell, FSVA_PUSH_AGAIN);
	}
	spin_unlock(&p->lock);
	if (any && ses->ring_bell)
		ses->ring_bell(ses);
}

/* ---- What fsnotify says -------------------------------------------------------------------------------- */

/* Can the front know this name? */
static bool fsva_push_name_ok(const struct qstr *name)
{
	return name && !fsva_wire_check_name(name->name, name->len);
}

/* The name of `moved` was old_name in old_dir, and is what it is now: both are locked. */
static void fsva_push_renamed(struct fsva_session *ses, struct dentry *moved, struct inode *old_dir,
			      const struct qstr *old_name)
{
	u32 is_dir = d_is_dir(moved) ? FSVA_EVENT_DIR : 0;
	struct fsva_push *p = &ses->push;
	u64 handle, from, to;

	handle = fsva_handle_of_inode(&ses->handles, d_inode(moved));
	from = fsva_push_name_ok(old_name) ? fsva_handle_of_inode(&ses->handles, old_dir) : 0;
	to = fsva_push_name_ok(&moved->d_name) ? fsva_handle_of_inode(&ses->handles, d_inode(moved->d_parent)) : 0;
	spin_lock(&p->lock);
	if (!++p->cookie)
		p->cookie++;
	/* One after the other, by which the front knows that they belong together. */
	if (from)
		fsva_push_add(p, FSVA_EVENT_MOVED_FROM | is_dir, handle, from, old_name, p->cookie);
	if (to)
		fsva_push_add(p, FSVA_EVENT_MOVED_TO | is_dir, handle, to, &moved->d_name, p->cookie);
	spin_unlock(&p->lock);
}

/* Something happened to an inode; dir and name may be NULL. */
static void fsva_push_happened(struct fsva_session *ses, u32 what, struct inode *inode, struct inode *dir,
			       const struct qstr *name)
{
	struct fsva_push *p = &ses->push;
	u64 handle = 0, parent = 0;

	if (inode)
		handle = fsva_handle_of_inode(&ses->handles, inode);
	if (dir && fsva_push_name_ok(name))
		parent = fsva_handle_of_inode(&ses->handles, dir);
	/* Of what the front has no handle it has cached nothing, and nobody there watches it. */
	if (!parent && (!handle || !(what & FSVA_EVENT_SELF)))
		return;
	if (handle && !READ_ONCE(inode->i_nlink) && what & (FSVA_EVENT_ATTRIB | FSVA_EVENT_DELETE))
		what |= FSVA_EVENT_GONE;
	spin_lock(&p->lock);
	fsva_push_add(p, what, handle, parent, name, 0);
	spin_unlock(&p->lock);
}

/* For a watch on a superblock fsnotify looks for no name of a directory. */
static void fsva_push_dir_happened(struct fsva_session *ses, u32 what, struct dentry *dentry)
{
	struct name_snapshot name;
	struct dentry *parent;

	parent = dget_parent(dentry);
	take_dentry_name_snapshot(&name, dentry);
	fsva_push_happened(ses, what, d_inode(dentry), d_inode(parent), &name.name);
	release_dentry_name_snapshot(&name);
	dput(parent);
}

static int fsva_push_event(struct fsnotify_group *group, u32 mask, const void *data, int data_type,
			   struct inode *dir, const struct qstr *name, u32 cookie, struct fsnotify_iter_info *iter)
{
	struct dentry *dentry = fsnotify_data_dentry(data, data_type);
	struct inode *inode = fsnotify_data_inode(data, data_type);
	struct fsva_session *ses = group->private;
	u32 what;

	if (ses->is_worker && ses->is_worker(ses))
		return 0;
	if (mask & FS_RENAME) {
		if (dentry && dir && inode)
			fsva_push_renamed(ses, dentry, dir, name);
		return 0;
	}
	if (mask & FS_CREATE)
		what = FSVA_EVENT_CREATE;
	else if (mask & FS_DELETE)
		what = FSVA_EVENT_DELETE;
	else
		what = ((mask & FS_MODIFY) ? FSVA_EVENT_MODIFY : 0) | ((mask & FS_ATTRIB) ? FSVA_EVENT_ATTRIB : 0) |
		       ((mask & FS_CLOSE_WRITE) ? FSVA_EVENT_CLOSE_WRITE : 0);
	if (!what)
		return 0;
	if (mask & FS_ISDIR)
		what |= FSVA_EVENT_DIR;
	if (!dir && dentry && inode && S_ISDIR(inode->i_mode) && !IS_ROOT(dentry) && !d_unhashed(dentry))
		fsva_push_dir_happened(ses, what, dentry);
	else
		fsva_push_happened(ses, what, inode, dir, name);
	return 0;
}

static void fsva_push_free_mark(struct fsnotify_mark *mark)
{
	kfree(mark);
}

static const struct fsnotify_ops fsva_push_ops = {
	.handle_event = fsva_push_event,
	.free_mark = fsva_push_free_mark,
};

/* ---- Life ---------------------------------------------------------------------------------------------- */

void fsva_push_create(struct fsva_session *ses)
{
	struct fsva_push *p = &ses->push;

	spin_lock_init(&p->lock);
	fsva_backlog_init(&p->log);
	INIT_DELAYED_WORK(&p->bell, fsva_push_bell);
}

static int fsva_push_watch(struct fsva_session *ses, struct super_block *sb)
{
	struct fsva_push *p = &ses->push;
	int err;

	p->mark = kzalloc(sizeof(*p->mark), GFP_KERNEL);
	if (!p->mark)
		return -ENOMEM;
	p->group = fsnotify_alloc_group(&fsva_push_ops, 0);
	if (IS_ERR(p->group)) {
		kfree(p->mark);
		return PTR_ERR(p->group);
	}
	p->group->private = ses;
	fsnotify_init_mark(p->mark, p->group);
	p->mark->mask = FSVA_PUSH_MASK;
	err = fsva_compat_add_sb_mark(p->mark, sb);
	if (!err)
		return 0;
	fsnotify_put_mark(p->mark);
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(p->group);
	return err;
}

/* A file system was mounted, which nobody has a handle of yet.  Without this all else works. */
void fsva_push_start(struct fsva_session *ses, struct super_block *sb)
{
	struct fsva_push *p = &ses->push;
	struct fsva_event_msg *ring;
	int err = -ENOMEM;

	if (!(ses->features & FSVA_FEATURE_EVENT))
		return;
	ring = kvcalloc(FSVA_PUSH_EVENTS, sizeof(*ring), GFP_KERNEL);
	if (!ring)
		goto err_say;
	fsva_backlog_start(&p->log, ring, FSVA_PUSH_EVENTS);
	p->quiet = true;
	err = fsva_push_watch(ses, sb);
	if (err)
		goto err_free;
	spin_lock(&p->lock);
	p->on = true;
	spin_unlock(&p->lock);
	return;

err_free:
	fsva_backlog_stop(&p->log);
	kvfree(ring);
err_say:
	pr_warn_ratelimited("%s: the user is not told of changes made here: error %d\n", ses->fb->name, err);
}

/* The mount goes: no call uses it. */
void fsva_push_stop(struct fsva_session *ses)
{
	struct fsva_push *p = &ses->push;

	if (!p->on)
		return;
	spin_lock(&p->lock);
	p->on = false;
	spin_unlock(&p->lock);
	fsnotify_destroy_mark(p->mark, p->group);
	fsnotify_put_mark(p->mark);
	/* After this nobody is in fsva_push_event(), or comes there. */
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(p->group);
	cancel_delayed_work_sync(&p->bell);
	kvfree(p->log.ring);
	fsva_backlog_stop(&p->log);
}

/* ---- EVENT --------------------------------------------------------------------------------------------- */

FSVA_HANDLER(event)
{
	unsigned int most = min_t(unsigned int, c->req.data_len / sizeof(struct fsva_event_msg), FSVA_PUSH_MAX);
	struct fsva_push *p = &c->ses->push;
	const struct fsva_event_req *r = in;
	struct fsva_event_rsp *rsp = out;
	struct fsva_event_msg *msg;
	u64 seq = r->seq;
	int nr, err;

	if (!p->on)
		return -EOPNOTSUPP;
	msg = kmalloc_array(most, sizeof(*msg), GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	spin_lock(&p->lock);
	nr = fsva_backlog_take(&p->log, &seq, msg, most);
	if (nr >= 0) {
		p->quiet = !nr;
		p->told += nr;
	}
	spin_unlock(&p->lock);
	err = nr < 0 ? nr : fsva_data_out(c, 0, msg, nr * sizeof(*msg));
	if (!err) {
		rsp->seq = seq;
		rsp->nr = nr;
		c->rsp.data_len = nr * sizeof(*msg);
	}
	kfree(msg);
	return err;
}

void fsva_push_show(struct fsva_session *ses, struct seq_file *seq)
{
	struct fsva_push *p = &ses->push;

	seq_printf(seq, "events_on %d\n", READ_ONCE(p->on));
	seq_printf(seq, "events_waiting %llu\n", READ_ONCE(p->log.head) - READ_ONCE(p->log.tail));
	seq_printf(seq, "events_told %llu\n", READ_ONCE(p->told));
	seq_printf(seq, "events_lost %llu\n", READ_ONCE(p->log.nr_lost));
	seq_printf(seq, "events_bells %llu\n", READ_ONCE(p->bells));
}
