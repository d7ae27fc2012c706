// SPDX-License-Identifier: GPL-2.0
/*
 * mount.c: the file system of a session.
 *
 * It is mounted for us alone, in no namespace.  Calls hold it by fsva_mount_get(); fsva_unmount() lets no new
 * call in, waits for the others, lets go of handles and files, and returns when the superblock is gone: the
 * device is free and the file system clean when the front reads the answer.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "back.h"

#define FSVA_UNMOUNT_JIFFIES	(30 * HZ)	/* that an unmount waits for calls still running */

bool fsva_mount_get(struct fsva_session *ses)
{
	bool got;

	spin_lock(&ses->lock);
	got = ses->state == FSVA_MOUNTED;
	if (got)
		ses->users++;
	spin_unlock(&ses->lock);
	return got;
}

void fsva_mount_put(struct fsva_session *ses)
{
	bool last;

	spin_lock(&ses->lock);
	last = !--ses->users;
	if (last && ses->state == FSVA_UNMOUNTING)
		wake_up_all(&ses->wait);
	spin_unlock(&ses->lock);
}

/* ---- Options ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	unsigned long set, clear;
	bool mount_only;	/* says something about a mount, not about the file system */
} fsva_options[] = {
	{ "ro",			SB_RDONLY, 0 },
	{ "rw",			0, SB_RDONLY },
	{ "sync",		SB_SYNCHRONOUS, 0 },
	{ "async",		0, SB_SYNCHRONOUS },
	{ "dirsync",		SB_DIRSYNC, 0 },
	{ "lazytime",		SB_LAZYTIME, 0 },
	{ "nolazytime",		0, SB_LAZYTIME },
	{ "mand",		SB_MANDLOCK, 0 },
	{ "nomand",		0, SB_MANDLOCK },
	{ "silent",		SB_SILENT, 0 },
	{ "loud",		0, SB_SILENT },
	{ "defaults",		0, 0 },
	{ "noatime",		0, 0, true },
	{ "atime",		0, 0, true },
	{ "nodiratime",		0, 0, true },
	{ "diratime",		0, 0, true },
	{ "relatime",		0, 0, true },
	{ "norelatime",		0, 0, true },
	{ "strictatime",	0, 0, true },
	{ "nostrictatime",	0, 0, true },
	{ "nosuid",		0, 0, true },
	{ "suid",		0, 0, true },
	{ "nodev",		0, 0, true },
	{ "dev",		0, 0, true },
	{ "noexec",		0, 0, true },
	{ "exec",		0, 0, true },
	{ "nosymfollow",	0, 0, true },
	{ "symfollow",		0, 0, true },
};

/* Is it one that the VFS and not the file system takes?  Then its flags are set. */
static bool fsva_option_generic(struct fsva_session *ses, const char *option, unsigned long *flags)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fsva_options); i++) {
		if (strcmp(option, fsva_options[i].name))
			continue;
		*flags = (*flags & ~fsva_options[i].clear) | fsva_options[i].set;
		if (fsva_options[i].mount_only)
			pr_info_ratelimited("%s: option %s is for the user's mount and means nothing here\n",
					    ses->fb->name, option);
		return true;
	}
	return false;
}

/* The next option of a list that is cut up on the way; a comma between double quotes is part of an option. */
static char *fsva_options_next(char **list)
{
	char *option = *list, *p;
	bool quoted = false;

	if (!option)
		return NULL;
	for (p = option; *p && (quoted || *p != ','); p++)
		if (*p == '"')
			quoted = !quoted;
	*list = *p ? p + 1 : NULL;
	*p = '\0';
	return option;
}

/* Add what is the file system's of list, which is cut up, to the options in out; what is the VFS's to flags. */
void fsva_options_add(struct fsva_session *ses, char *list, char *out, size_t size, unsigned long *flags)
{
	char *option;

	while ((option = fsva_options_next(&list))) {
		if (!*option || fsva_option_generic(ses, option, flags))
			continue;
		if (*out)
			strlcat(out, ",", size);
		strlcat(out, option, size);
	}
}

/* SB_* of the flags in a request. */
unsigned long fsva_mount_sb_flags(u32 wire)
{
	unsigned long flags = 0;

	if (wire & FSVA_MOUNT_RDONLY)
		flags |= SB_RDONLY;
	if (wire & FSVA_MOUNT_SYNC)
		flags |= SB_SYNCHRONOUS;
	if (wire & FSVA_MOUNT_DIRSYNC)
		flags |= SB_DIRSYNC;
	if (wire & FSVA_MOUNT_MANDLOCK)
		flags |= SB_MANDLOCK;
	if (wire & FSVA_MOUNT_LAZYTIME)
		flags |= SB_LAZYTIME;
	if (wire & FSVA_MOUNT_SILENT)
		flags |= SB_SILENT;
	return flags;
}

/* ---- Mount and unmount -------------------------------------------------------------------------------- */

static struct vfsmount *fsva_mount_do(struct fsva_session *ses, u32 wire_flags, const char *user_options)
{
	struct fsva_back *fb = ses->fb;
	size_t size = PAGE_SIZE;	/* no file system takes more */
	struct file_system_type *type;
	unsigned long flags = 0;
	struct vfsmount *mnt;
	char *data, *copy;

	if ((fb->options ? strlen(fb->options) : 0) + strlen(user_options) + 2 > size)
		return ERR_PTR(-E2BIG);
	data = (char *)get_zeroed_page(GFP_KERNEL);
	if (!data)
		return ERR_PTR(-ENOMEM);

	/* The administrator's first: of options that say the opposite the last one counts. */
	mnt = ERR_PTR(-ENOMEM);
	if (fb->options) {
		copy = kstrdup(fb->options, GFP_KERNEL);
		if (!copy)
			goto out_free;
		fsva_options_add(ses, copy, data, size, &flags);
		kfree(copy);
	}
	copy = kstrdup(user_options, GFP_KERNEL);
	if (!copy)
		goto out_free;
	fsva_options_add(ses, copy, data, size, &flags);
	kfree(copy);
	flags |= fsva_mount_sb_flags(wire_flags);

	mnt = ERR_PTR(-ENODEV);
	type = get_fs_type(fb->fs);
	if (!type) {
		pr_err_ratelimited("%s: this kernel has no file system %s\n", fb->name, fb->fs);
		goto out_free;
	}
	mnt = vfs_kern_mount(type, flags, fb->source, data);
	if (IS_ERR(mnt))
		/* Escaped: the options are the front's, and a line of the log must not be. */
		pr_err_ratelimited("%s: cannot mount %s as %s with options \"%*pE\": error %ld\n", fb->name,
				   fb->source, fb->fs, (int)strlen(data), data, PTR_ERR(mnt));
	else
		mnt->mnt_flags |= MNT_INTERNAL;	/* the last mntput() unmounts at once, not from a work item */
	module_put(type->owner);
out_free:
	free_page((unsigned long)data);
	return mnt;
}

/*
 * Drop the mount and wait until its superblock is gone.  Everything that we held of it is let go of; should the
 * file system itself hold on (a file closed late), wait for that as well.
 */
static void fsva_mount_drop(struct fsva_session *ses, struct vfsmount *mnt)
{
	struct super_block *sb = mnt->mnt_sb;
	unsigned int i;

	atomic_inc(&sb->s_active);
	kern_unmount(mnt);
	for (i = 0; atomic_read(&sb->s_active) > 1 && i < 300; i++) {
		flush_delayed_fput();
		if (atomic_read(&sb->s_active) > 1)
			msleep(20);
	}
	if (atomic_read(&sb->s_active) > 1)
		pr_err("%s: something still uses the file system\n", ses->fb->name);
	deactivate_super(sb);
	flush_delayed_fput();	/* block devices are closed that way */
}

int fsva_mount(struct fsva_session *ses, u32 flags, const char *options)
{
	struct vfsmount *mnt;
	const struct cred *old;
	int err;

	spin_lock(&ses->lock);
	err = ses->state != FSVA_UNMOUNTED ? -EBUSY : ses->closing ? -ESHUTDOWN : 0;
	if (!err)
		ses->state = FSVA_MOUNTING;
	spin_unlock(&ses->lock);
	if (err)
		return err;

	/* The user's kernel has checked who may mount; the device here is ours to open. */
	old = override_creds(ses->service);
	mnt = fsva_mount_do(ses, flags, options);
	revert_creds(old);
	err = PTR_ERR_OR_ZERO(mnt);
	if (!err) {
		err = fsva_handles_init(&ses->handles, mnt->mnt_sb);
		if (err)
			fsva_mount_drop(ses, mnt);
		else
			fsva_push_start(ses, mnt->mnt_sb);
	}

	spin_lock(&ses->lock);
	if (!err) {
		ses->mnt = mnt;
		ses->sb = mnt->mnt_sb;
		ses->wb_err = errseq_sample(&ses->sb->s_wb_err);
	}
	ses->state = err ? FSVA_UNMOUNTED : FSVA_MOUNTED;
	spin_unlock(&ses->lock);
	return err;
}

/* An error of writing back since the last call, or 0.  Each is told once. */
int fsva_wb_err(struct fsva_session *ses)
{
	int err = 0;

	if (errseq_check(&ses->sb->s_wb_err, READ_ONCE(ses->wb_err))) {
		spin_lock(&ses->lock);
		err = errseq_check_and_advance(&ses->sb->s_wb_err, &ses->wb_err);
		spin_unlock(&ses->lock);
	}
	return err;
}

/*
 * Unmount: the error of a last sync, -ENODEV when nothing is mounted, -EBUSY when calls go on and on.  force: no
 * calls are left, and nobody wants to hear of an error.
 */
int fsva_unmount(struct fsva_session *ses, bool force)
{
	struct super_block *sb;
	struct vfsmount *mnt;
	int err;

	spin_lock(&ses->lock);
	if (ses->state != FSVA_MOUNTED) {
		err = ses->state == FSVA_UNMOUNTED ? -ENODEV : -EBUSY;
		spin_unlock(&ses->lock);
		return err;
	}
	ses->state = FSVA_UNMOUNTING;
	spin_unlock(&ses->lock);

	fsva_session_thaw(ses);
	if (!wait_event_timeout(ses->wait, !READ_ONCE(ses->users),
				force ? MAX_SCHEDULE_TIMEOUT : FSVA_UNMOUNT_JIFFIES)) {
		spin_lock(&ses->lock);
		ses->state = FSVA_MOUNTED;
		spin_unlock(&ses->lock);
		return -EBUSY;
	}
	mnt = ses->mnt;
	sb = ses->sb;
	fsva_ubc_stop(ses);
	fsva_push_stop(ses);
	fsva_pages_free(ses);
	fsva_files_free(&ses->files);
	fsva_handles_free(&ses->handles);

	down_read(&sb->s_umount);
	err = sync_filesystem(sb);
	up_read(&sb->s_umount);
	if (!err)
		err = fsva_wb_err(ses);
	if (err)
		pr_err_ratelimited("%s: writing back before unmount: error %d\n", ses->fb->name, err);

	ses->mnt = NULL;
	ses->sb = NULL;
	fsva_mount_drop(ses, mnt);

	spin_lock(&ses->lock);
	ses->state = FSVA_UNMOUNTED;
	spin_unlock(&ses->lock);
	return err;
}

/* ---- Freeze and thaw ---------------------------------------------------------------------------------- */

/*
 * A frozen file system holds up its writers, and itself: the freeze keeps the superblock.  So whoever wants the
 * writers or the superblock to go thaws it first, and one freeze is undone by exactly one thaw.
 */
int fsva_session_freeze(struct fsva_session *ses)
{
	struct super_block *sb = ses->sb;
	const struct cred *old;
	bool late;
	int err;

	if (!sb->s_op->freeze_fs)
		return -EOPNOTSUPP;
	if (READ_ONCE(ses->frozen))
		return -EBUSY;
	old = override_creds(ses->service);
	err = freeze_super(sb, FREEZE_HOLDER_USERSPACE, NULL);
	revert_creds(old);
	if (err)
		return err;

	spin_lock(&ses->lock);
	ses->frozen = sb;
	late = ses->closing || ses->state != FSVA_MOUNTED;
	spin_unlock(&ses->lock);
	/* Nobody will ask for a thaw any more, and those who wait for the writers have thawed already. */
	if (late)
		fsva_session_thaw(ses);
	return 0;
}

/* Undo the freeze; -EINVAL: there is none. */
int fsva_session_thaw(struct fsva_session *ses)
{
	struct super_block *sb;
	const struct cred *old;
	int err;

	spin_lock(&ses->lock);
	sb = ses->frozen;
	ses->frozen = NULL;
	spin_unlock(&ses->lock);
	if (!sb)
		return -EINVAL;
	old = override_creds(ses->service);
	err = thaw_super(sb, FREEZE_HOLDER_USERSPACE, NULL);
	revert_creds(old);
	if (err && err != -EINVAL) {
		/* Frozen still, so it has a reference to sb still. */
		spin_lock(&ses->lock);
		ses->frozen = sb;
		spin_unlock(&ses->lock);
		pr_err_ratelimited("%s: cannot thaw: error %d\n", ses->fb->name, err);
	}
	return err;
}

/* The front is gone.  Calls that wait for a thaw would never hear of one, so there is one now. */
void fsva_session_close(struct fsva_session *ses)
{
	spin_lock(&ses->lock);
	ses->closing = true;
	spin_unlock(&ses->lock);
	fsva_session_thaw(ses);
}
