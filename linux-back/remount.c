// SPDX-License-Identifier: GPL-2.0
/*
 * remount.c: other flags and options for the file system that is mounted.
 *
 * The kernel's own reconfigure_super() is not for modules, so what it does is done here, with what is: the options
 * go through the file system's own parser, and its ->reconfigure() is called under s_umount, with nobody writing
 * when it changes between read-only and writable.  The kernel counts writers by mount and lets nobody see the
 * count; but all writers of our mount are calls and open files of this session, which we count ourselves.
 *
 * The user's kernel has asked its own writers already, so that what we wait for here is what it has let go of a
 * moment ago: releases that are on their way.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/fs_context.h>
#include <linux/mount.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <uapi/linux/mount.h>

#include "back.h"

#define FSVA_HOLD_JIFFIES	(10 * HZ)	/* that a remount waits for calls that may change something */
#define FSVA_WRITERS_MS		1000		/* and then for files on their way to be closed */

/* ---- Calls that may change something ------------------------------------------------------------------ */

/* Waits while a remount holds them up. */
void fsva_change_begin(struct fsva_session *ses)
{
	spin_lock(&ses->lock);
	while (ses->hold) {
		spin_unlock(&ses->lock);
		wait_event_idle(ses->wait, !READ_ONCE(ses->hold));
		spin_lock(&ses->lock);
	}
	ses->changers++;
	spin_unlock(&ses->lock);
}

void fsva_change_end(struct fsva_session *ses)
{
	spin_lock(&ses->lock);
	if (!--ses->changers && ses->hold)
		wake_up_all(&ses->wait);
	spin_unlock(&ses->lock);
}

static void fsva_changes_release(struct fsva_session *ses)
{
	spin_lock(&ses->lock);
	ses->hold = false;
	spin_unlock(&ses->lock);
	wake_up_all(&ses->wait);
}

/* Let none in, and wait for those inside; -EBUSY when they don't end. */
static int fsva_changes_hold(struct fsva_session *ses)
{
	spin_lock(&ses->lock);
	ses->hold = true;
	spin_unlock(&ses->lock);
	if (wait_event_idle_timeout(ses->wait, !READ_ONCE(ses->changers), FSVA_HOLD_JIFFIES))
		return 0;
	fsva_changes_release(ses);
	return -EBUSY;
}

/* A file open for writing, or an inode to be deleted when it is closed: each will change something yet. */
static bool fsva_has_writers(struct fsva_session *ses)
{
	return atomic_read(&ses->files.nr_writers) || atomic_long_read(&ses->sb->s_remove_count);
}

static int fsva_wait_for_writers(struct fsva_session *ses)
{
	unsigned int ms;

	for (ms = 0; fsva_has_writers(ses) && ms < FSVA_WRITERS_MS; ms += 20)
		msleep(20);
	return fsva_has_writers(ses) ? -EBUSY : 0;
}

/* ---- Reconfiguring ------------------------------------------------------------------------------------ */

/* As reconfigure_super(), but for the writers.  s_umount is held. */
static int fsva_reconfigure(struct fs_context *fc, struct super_block *sb)
{
	bool to_ro = (fc->sb_flags & SB_RDONLY) && !sb_rdonly(sb);
	bool to_rw = !(fc->sb_flags & SB_RDONLY) && sb_rdonly(sb);
	int err;

	if (sb->s_writers.frozen != SB_UNFROZEN)
		return -EBUSY;
	err = security_sb_remount(sb, fc->security);
	if (err)
		return err;
	if (to_rw && sb->s_bdev && bdev_read_only(sb->s_bdev))
		return -EACCES;
	shrink_dcache_sb(sb);

	if (to_ro || to_rw) {
		WRITE_ONCE(sb->s_readonly_remount, 1);
		smp_wmb();	/* before s_flags change: pairs with that of mnt_is_readonly() */
	}
	if (fc->ops->reconfigure)
		err = fc->ops->reconfigure(fc);
	if (!err)
		WRITE_ONCE(sb->s_flags, (sb->s_flags & ~fc->sb_flags_mask) | (fc->sb_flags & fc->sb_flags_mask));
	if (to_ro || to_rw) {
		smp_wmb();	/* after s_flags changed: pairs with that of mnt_is_readonly() */
		WRITE_ONCE(sb->s_readonly_remount, 0);
	}
	/* What is on the disk now may be looked at past our cache. */
	if (!err && to_ro && sb->s_bdev)
		invalidate_bdev(sb->s_bdev);
	return err;
}

/* What mount(2) does with a remount; data: the file system's own options. */
static int fsva_remount_do(struct fsva_session *ses, unsigned long flags, char *data)
{
	struct super_block *sb = ses->sb;
	struct fs_context *fc;
	bool hold;
	int err;

	fc = fs_context_for_reconfigure(sb->s_root, flags, MS_RMT_MASK);
	if (IS_ERR(fc))
		return PTR_ERR(fc);
	fc->oldapi = true;
	err = fc->ops->parse_monolithic ? fc->ops->parse_monolithic(fc, data) : generic_parse_monolithic(fc, data);
	if (err)
		goto out_put;

	hold = (flags ^ sb->s_flags) & SB_RDONLY;
	if (hold) {
		err = READ_ONCE(ses->frozen) ? -EBUSY : fsva_changes_hold(ses);
		if (err)
			goto out_put;
		if (flags & SB_RDONLY)
			err = fsva_wait_for_writers(ses);
	}
	if (!err) {
		down_write(&sb->s_umount);
		err = fsva_reconfigure(fc, sb);
		up_write(&sb->s_umount);
	}
	if (hold)
		fsva_changes_release(ses);
out_put:
	put_fs_context(fc);
	return err;
}

/* mask says which of the wire's flags are asked for; the others stay, but for what the options say. */
int fsva_remount(struct fsva_session *ses, u32 wire_flags, u32 mask, const char *options)
{
	unsigned long set = fsva_mount_sb_flags(wire_flags), asked = fsva_mount_sb_flags(mask);
	unsigned long flags = ses->sb->s_flags & MS_RMT_MASK;
	const struct cred *old;
	char *data, *copy;
	int err = -ENOMEM;

	/* One page is what a file system's parser of all options at once may count on. */
	data = (char *)get_zeroed_page(GFP_KERNEL);
	copy = kstrdup(options, GFP_KERNEL);
	if (!data || !copy)
		goto out_free;
	err = -E2BIG;
	if (strlen(options) >= PAGE_SIZE)
		goto out_free;
	fsva_options_add(ses, copy, data, PAGE_SIZE, &flags);
	flags = (flags & ~asked) | (set & asked);

	mutex_lock(&ses->remount_lock);
	/* The user's kernel has checked who may, as with a mount. */
	old = override_creds(ses->service);
	err = fsva_remount_do(ses, (flags & MS_RMT_MASK) | (set & SB_SILENT), data);
	revert_creds(old);
	mutex_unlock(&ses->remount_lock);
	if (err)
		pr_err_ratelimited("%s: cannot remount with options \"%*pE\": error %d\n", ses->fb->name,
				   (int)strlen(options), options, err);
out_free:
	kfree(copy);
	free_page((unsigned long)data);
	return err;
}
