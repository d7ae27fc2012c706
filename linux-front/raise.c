// SPDX-License-Identifier: GPL-2.0
/*
 * raise.c: inotify and fanotify hear of what happened in the appliance.
 *
 * fsnotify() is given what the VFS would give it, had the deed been done here, but for the path: those who want one
 * (fanotify without FAN_REPORT_FID, marks on a mount) hear nothing.
 *
 * That events were lost has no call for modules.  The kernel's own way is an event that each group of watchers keeps
 * for it and that is put at the end of its queue, once: fsva_overflow_group() does that.  To come by the groups, a
 * group of our own listens for FS_Q_OVERFLOW on the superblock for as long as it takes, which nobody else can do, and
 * looks, when it is called, at the marks of the inode: within fsnotify(), which keeps them from being freed.
 */
#include <linux/fsnotify.h>
#include <linux/fsnotify_backend.h>
#include <linux/slab.h>

#include "front.h"

/* Does anybody watch one of these?  dir and inode may be NULL. */
bool fsva_watched(struct super_block *sb, struct inode *dir, struct inode *inode)
{
	return READ_ONCE(sb->s_fsnotify_mask) || (dir && READ_ONCE(dir->i_fsnotify_mask)) ||
	       (inode && READ_ONCE(inode->i_fsnotify_mask));
}

/* Both halves of a rename get the same number, that of no other rename here. */
static u32 fsva_raise_cookie(struct fsva_push *p, const struct fsva_event_msg *m)
{
	u32 what = m->what & FSVA_EVENT_MOVED;

	if (!what)
		return 0;
	if (what == FSVA_EVENT_MOVED_FROM || m->cookie != p->from_cookie)
		p->cookie = fsnotify_get_cookie();
	p->from_cookie = what == FSVA_EVENT_MOVED_FROM ? m->cookie : 0;
	return p->cookie;
}

/* Something happened to a name. */
static void fsva_raise_name(struct fsva_push *p, const struct fsva_event_msg *m, struct inode *dir,
			    struct inode *inode, const struct qstr *name)
{
	/* Of whom nothing is known here can't be told; that it happened in the directory can. */
	fsnotify(m->what & ~FSVA_EVENT_GONE, inode ? inode : dir, FSNOTIFY_EVENT_INODE, dir, name, NULL,
		 fsva_raise_cookie(p, m));
	if (inode && m->what & FSVA_EVENT_MOVED_TO)
		fsnotify_inode(inode, FS_MOVE_SELF);
}

/*
 * Something happened to an inode that has gone before we could ask who it was.  Those who watch the directory are
 * told its name with an event on a child only: fsnotify() takes it for an event of the directory itself otherwise.  So
 * the child is an inode that nobody knows.
 */
static void fsva_raise_nobody(u32 what, struct inode *dir, const struct qstr *name)
{
	struct inode *nobody = new_inode(dir->i_sb);

	if (!nobody)
		return;
	fsnotify(what | FS_EVENT_ON_CHILD, nobody, FSNOTIFY_EVENT_INODE, dir, name, nobody, 0);
	iput(nobody);
}

/* dentry: what is at the event's name now, or NULL.  dir, or inode, or both are there. */
void fsva_raise(struct fsva_front *ff, const struct fsva_event_msg *m, struct inode *dir, struct inode *inode,
		struct dentry *dentry)
{
	const struct qstr name = QSTR_INIT((const char *)m->name, m->name_len);
	u32 what = m->what & ~FSVA_EVENT_GONE;

	BUILD_BUG_ON(FSVA_EVENT_MODIFY != FS_MODIFY || FSVA_EVENT_ATTRIB != FS_ATTRIB ||
		     FSVA_EVENT_CLOSE_WRITE != FS_CLOSE_WRITE || FSVA_EVENT_MOVED_FROM != FS_MOVED_FROM ||
		     FSVA_EVENT_MOVED_TO != FS_MOVED_TO || FSVA_EVENT_CREATE != FS_CREATE ||
		     FSVA_EVENT_DELETE != FS_DELETE || FSVA_EVENT_DIR != FS_ISDIR);
	if (!inode && dentry && !(m->what & (FSVA_EVENT_DELETE | FSVA_EVENT_MOVED_FROM)))
		inode = d_inode(dentry);
	if (!(m->what & FSVA_EVENT_SELF))
		fsva_raise_name(&ff->push, m, dir, inode, &name);
	else if (dir && inode)
		fsnotify(what | FS_EVENT_ON_CHILD, inode, FSNOTIFY_EVENT_INODE, dir, &name, inode, 0);
	else if (dir)
		fsva_raise_nobody(what, dir, &name);
	else
		fsnotify(what, inode, FSNOTIFY_EVENT_INODE, NULL, NULL, inode, 0);
}

/* Its last name is gone.  A dentry that it has yet says so when it goes: somebody has it open. */
void fsva_raise_gone(struct inode *inode)
{
	if (READ_ONCE(inode->i_fsnotify_mask) && hlist_empty(&inode->i_dentry))
		fsnotify_inoderemove(inode);
}

/* ---- Events were lost ---------------------------------------------------------------------------------- */

struct fsva_overflow {
	struct fsnotify_group *group;
	struct fsnotify_mark *mark;
};

/* As fsnotify_insert_event() does it. */
static void fsva_overflow_group(struct fsnotify_group *group)
{
	struct fsnotify_event *event = group->overflow_event;
	bool queued = false;

	if (!event)
		return;
	spin_lock(&group->notification_lock);
	if (!group->shutdown && list_empty(&event->list)) {
		group->q_len++;
		list_add_tail(&event->list, &group->notification_list);
		queued = true;
	}
	spin_unlock(&group->notification_lock);
	if (!queued)
		return;
	wake_up(&group->notification_waitq);
	kill_fasync(&group->fsn_fa, SIGIO, POLL_IN);
}

static void fsva_overflow_marks(struct fsnotify_mark_connector *conn)
{
	struct fsnotify_mark *mark;

	if (!conn)
		return;
	/* Under fsnotify()'s srcu_read_lock(), which is not ours to name. */
	hlist_for_each_entry_rcu(mark, &conn->list, obj_list, true)
		fsva_overflow_group(mark->group);
}

static int fsva_overflow_event(struct fsnotify_group *group, u32 mask, const void *data, int data_type,
			       struct inode *dir, const struct qstr *name, u32 cookie,
			       struct fsnotify_iter_info *iter)
{
	struct inode *inode = fsnotify_data_inode(data, data_type);
	struct fsva_overflow *ov = group->private;

	if (!(mask & FS_Q_OVERFLOW) || !inode)
		return 0;
	fsva_overflow_marks(rcu_dereference_raw(inode->i_fsnotify_marks));
	fsva_overflow_marks(ov->mark->connector);	/* the superblock's */
	return 0;
}

static void fsva_overflow_free_mark(struct fsnotify_mark *mark)
{
	kfree(mark);
}

static const struct fsnotify_ops fsva_overflow_ops = {
	.handle_event = fsva_overflow_event,
	.free_mark = fsva_overflow_free_mark,
};

/* NULL: there is no memory for it.  Then nobody hears of it. */
struct fsva_overflow *fsva_overflow_begin(struct super_block *sb)
{
	struct fsva_overflow *ov = kzalloc(sizeof(*ov), GFP_KERNEL);

	if (!ov)
		return NULL;
	ov->mark = kzalloc(sizeof(*ov->mark), GFP_KERNEL);
	if (!ov->mark)
		goto err_free;
	ov->group = fsnotify_alloc_group(&fsva_overflow_ops, 0);
	if (IS_ERR(ov->group))
		goto err_free_mark;
	ov->group->private = ov;
	fsnotify_init_mark(ov->mark, ov->group);
	ov->mark->mask = FS_Q_OVERFLOW;
	if (!fsva_compat_add_sb_mark(ov->mark, sb))
		return ov;
	fsnotify_put_mark(ov->mark);
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(ov->group);
	kfree(ov);
	return NULL;

err_free_mark:
	kfree(ov->mark);
err_free:
	kfree(ov);
	return NULL;
}

/* Tell those who watch this inode, or the superblock. */
void fsva_overflow_inode(struct fsva_overflow *ov, struct inode *inode)
{
	if (ov)
		fsnotify(FS_Q_OVERFLOW, inode, FSNOTIFY_EVENT_INODE, NULL, NULL, inode, 0);
}

void fsva_overflow_end(struct fsva_overflow *ov)
{
	if (!ov)
		return;
	fsnotify_destroy_mark(ov->mark, ov->group);
	fsnotify_put_mark(ov->mark);
	/* After this nobody is in fsva_overflow_event(), or comes there. */
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(ov->group);
	kfree(ov);
}
