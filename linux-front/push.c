// SPDX-License-Identifier: GPL-2.0
/*
 * push.c: what happens to the file system in the appliance, without us (EVENT).
 *
 * The appliance's kernel notices it, keeps it, and rings.  A work of ours asks for what there is, and for each event
 * sees to it that nothing here is older than the event:
 *
 *	names		all that were asked for before, in that directory, are in doubt: fsva_dir_doubt()
 *	attributes	are in doubt, and asked for again where somebody may go by them without asking
 *	pages		copies, and shared pages, are dropped: whoever needs them reads them anew
 *
 * Then raise.c tells those who watch.  Nothing of it is done by whoever makes a call, so calls need no memory for it.
 * A request has the number of the first event that it wants, and never waits: lost or held at a suspend, it is asked
 * again, and nothing is told twice.
 *
 * What the appliance says may be lies.  It can only have us ask: that is bounded by FSVA_PUSH_BURST.
 */
#include <linux/dcache.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "front.h"

#define FSVA_PUSH_BURST		32u		/* answers without a pause */
#define FSVA_PUSH_PAUSE		(HZ / 20)

static struct workqueue_struct *fsva_push_wq;	/* its works allocate memory, and wait for directories */

/* ---- One event ----------------------------------------------------------------------------------------- */

/* Contents, attributes, links. */
static void fsva_push_inode(struct inode *inode, u32 what)
{
	struct address_space *mapping = inode->i_mapping;
	bool ask = what & (FSVA_EVENT_ATTRIB | FSVA_EVENT_DELETE);

	if (!ask && !(what & FSVA_EVENT_MODIFY))
		return;
	fsva_inode_doubt(inode, ask);
	/* Faults go by our size, and do not ask. */
	if (S_ISREG(inode->i_mode) && (mapping->nrpages || mapping_mapped(mapping)))
		ask = true;
	if (ask)
		fsva_inode_refresh(inode);
	if (S_ISREG(inode->i_mode) && what & FSVA_EVENT_MODIFY)
		fsva_cache_replaced(inode);
}

/* What is at this name now?  NULL: there is no answer. */
static struct dentry *fsva_push_name(struct inode *dir, struct qstr *name)
{
	struct dentry *parent = d_find_any_alias(dir), *dentry;

	if (!parent)
		return NULL;
	dentry = lookup_one_unlocked(&nop_mnt_idmap, name, parent);
	dput(parent);
	return IS_ERR(dentry) ? NULL : dentry;
}

static void fsva_push_apply(struct fsva_front *ff, const struct fsva_event_msg *m)
{
	struct super_block *sb = ff->push.sb;
	struct inode *dir = NULL, *inode = NULL;
	u32 what = m->what & ~(FSVA_EVENT_DIR | FSVA_EVENT_GONE);
	struct dentry *dentry = NULL;
	struct qstr name = QSTR_INIT((const char *)m->name, m->name_len);
	bool watched, ask;

	if (m->dir)
		dir = fsva_inode_find(sb, m->dir);
	if (m->handle)
		inode = fsva_inode_find(sb, m->handle);
	/* Somebody may be about to get it, with attributes of before. */
	if (m->handle && !inode && what & (FSVA_EVENT_MODIFY | FSVA_EVENT_ATTRIB))
		fsva_front_doubt(ff, false);
	if (dir && !S_ISDIR(dir->i_mode))
		goto out;
	if (inode)
		fsva_push_inode(inode, what);
	if (dir && !(what & FSVA_EVENT_SELF))
		fsva_dir_doubt(dir);

	watched = fsva_watched(sb, dir, inode);
	/* Whoever watches wants to know who it is. */
	ask = watched && !inode && !(what & (FSVA_EVENT_DELETE | FSVA_EVENT_MOVED_FROM));
	/* A directory that we have takes all below it along: there may be somebody in it. */
	ask |= inode && S_ISDIR(inode->i_mode) && what & FSVA_EVENT_MOVED_TO;
	if (dir && ask)
		dentry = fsva_push_name(dir, &name);
	if (watched && (dir || (inode && what & FSVA_EVENT_SELF)))
		fsva_raise(ff, m, dir, inode, dentry);
	/* Without a name it is not to stay in our cache: the appliance keeps its space for us. */
	if (inode && m->what & FSVA_EVENT_GONE && !inode->i_nlink) {
		d_prune_aliases(inode);
		fsva_raise_gone(inode);
	}
out:
	dput(dentry);
	iput(inode);
	iput(dir);
}

/* ---- Events were lost ---------------------------------------------------------------------------------- */

/* Is there anything of this inode that does not go by asked? */
static bool fsva_push_has_cached(const struct inode *inode)
{
	return inode->i_mapping->nrpages || !is_uncached_acl(READ_ONCE(inode->i_acl)) ||
	       !is_uncached_acl(READ_ONCE(inode->i_default_acl)) || READ_ONCE(inode->i_fsnotify_mask);
}

/* Nothing that we have cached is to be relied upon, and whoever watches is told that he has missed something. */
static void fsva_push_lost(struct fsva_front *ff)
{
	struct super_block *sb = ff->push.sb;
	struct inode *inode, *last = NULL;
	struct fsva_overflow *ov = fsva_overflow_begin(sb);

	fsva_front_doubt(ff, true);
	fsva_overflow_inode(ov, d_inode(sb->s_root));
	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!fsva_push_has_cached(inode) || !igrab(inode))
			continue;
		spin_unlock(&sb->s_inode_list_lock);
		iput(last);
		last = inode;	/* keeps our place in the list */
		fsva_inode_doubt(inode, true);
		if (S_ISREG(inode->i_mode))
			fsva_cache_replaced(inode);
		fsva_overflow_inode(ov, inode);
		cond_resched();
		spin_lock(&sb->s_inode_list_lock);
	}
	spin_unlock(&sb->s_inode_list_lock);
	iput(last);
	fsva_overflow_end(ov);
	ff->push.lost++;
}

/* ---- Asking -------------------------------------------------------------------------------------------- */

/* One question.  How many events there were, or an error. */
static int fsva_push_ask(struct fsva_front *ff)
{
	struct fsva_push *p = &ff->push;
	struct fsva_event_rsp rsp;
	bool lost = false;
	unsigned int i;
	int err;

	err = fsva_call_event(ff, p->next, p->msg, &rsp);
	if (err)
		return err;
	for (i = 0; i < rsp.nr; i++) {
		if (p->msg[i].what == FSVA_EVENT_LOST)
			lost = true;
		else
			fsva_push_apply(ff, &p->msg[i]);
		cond_resched();
	}
	if (lost)
		fsva_push_lost(ff);
	p->next = rsp.seq + rsp.nr;
	p->events += rsp.nr;
	return rsp.nr;
}

static void fsva_push_again(struct fsva_push *p, unsigned long delay)
{
	spin_lock_irq(&p->lock);
	if (p->on)
		queue_delayed_work(fsva_push_wq, &p->work, delay);
	spin_unlock_irq(&p->lock);
}

static void fsva_push_work(struct work_struct *work)
{
	struct fsva_push *p = container_of(to_delayed_work(work), struct fsva_push, work);
	struct fsva_front *ff = container_of(p, struct fsva_front, push);
	unsigned int asked;
	int nr = 1;

	for (asked = 0; nr > 0 && asked < FSVA_PUSH_BURST && READ_ONCE(p->on); asked++)
		nr = fsva_push_ask(ff);
	WRITE_ONCE(p->nothing, asked == 1 && !nr);
	if (!nr || !READ_ONCE(p->on) || fsva_front_dead(ff))
		return;
	switch (nr) {
	case -EIO:	/* umount -f sends home all who wait, of a mount that stays */
	case -EINTR:
	case -ENOMEM:
		fsva_push_again(p, HZ);
		return;
	default:
		if (nr > 0) {
			fsva_push_again(p, FSVA_PUSH_PAUSE);
			return;
		}
	}
	spin_lock_irq(&p->lock);
	p->on = false;
	spin_unlock_irq(&p->lock);
	if (nr == -EOPNOTSUPP)
		return;
	pr_warn("fsva: %s: the appliance tells of no more changes made there: error %d\n", ff->tag, nr);
	fsva_push_lost(ff);
}

/*
 * An event without an answer: the appliance has something to say.  Any context.  false: it has rung before, and there
 * was nothing.
 */
bool fsva_push_bell(struct fsva_front *ff)
{
	struct fsva_push *p = &ff->push;
	unsigned long flags;
	bool queued;

	spin_lock_irqsave(&p->lock, flags);
	queued = p->on && queue_delayed_work(fsva_push_wq, &p->work, 0);
	p->bells += queued;
	spin_unlock_irqrestore(&p->lock, flags);
	return queued && !READ_ONCE(p->nothing);
}

/* The domain goes on, here or elsewhere: a bell may have been missed. */
void fsva_push_thaw(struct fsva_front *ff)
{
	fsva_push_again(&ff->push, 0);
}

/* Is the current task the work, and is it to stop, whatever it waits for? */
bool fsva_push_aborted(struct fsva_front *ff)
{
	return unlikely(READ_ONCE(ff->push.stopping)) && current_work() == &ff->push.work.work;
}

/* ---- Life ---------------------------------------------------------------------------------------------- */

void fsva_push_init(struct fsva_front *ff)
{
	spin_lock_init(&ff->push.lock);
	INIT_DELAYED_WORK(&ff->push.work, fsva_push_work);
}

/* A file system was mounted. */
void fsva_push_start(struct fsva_front *ff, struct super_block *sb)
{
	struct fsva_push *p = &ff->push;

	if (!(ff->features & FSVA_FEATURE_EVENT))
		return;
	p->msg = kmalloc(FSVA_PAGE_SIZE, GFP_KERNEL);
	if (!p->msg) {
		pr_warn("fsva: %s: no memory to be told of changes made in the appliance\n", ff->tag);
		return;
	}
	p->sb = sb;
	p->next = 0;
	p->nothing = false;
	p->from_cookie = 0;
	spin_lock_irq(&p->lock);
	p->on = true;
	spin_unlock_irq(&p->lock);
}

/* The superblock is about to go: nobody of us is to hold one of its inodes. */
void fsva_push_stop(struct fsva_front *ff)
{
	struct fsva_push *p = &ff->push;

	spin_lock_irq(&p->lock);
	p->on = false;
	spin_unlock_irq(&p->lock);
	/* It may wait for an appliance that does not answer. */
	WRITE_ONCE(p->stopping, true);
	cancel_delayed_work_sync(&p->work);
	WRITE_ONCE(p->stopping, false);
	kfree(p->msg);
	p->msg = NULL;
	p->sb = NULL;
}

int fsva_push_module_init(void)
{
	fsva_push_wq = alloc_workqueue("fsva-push", WQ_UNBOUND, 0);
	return fsva_push_wq ? 0 : -ENOMEM;
}

void fsva_push_module_exit(void)
{
	destroy_workqueue(fsva_push_wq);
}

void fsva_push_show(struct fsva_front *ff, struct seq_file *m)
{
	struct fsva_push *p = &ff->push;

	seq_printf(m, "events-on %d\n", READ_ONCE(p->on));
	seq_printf(m, "events %lu\n", READ_ONCE(p->events));
	seq_printf(m, "events-bells %lu\n", READ_ONCE(p->bells));
	seq_printf(m, "events-lost %lu\n", READ_ONCE(p->lost));
}
