// SPDX-License-Identifier: GPL-2.0
/*
 * ops_mount.c: handlers of the session and of the mount as a whole.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/writeback.h>

#include "back.h"

FSVA_HANDLER(null_call)
{
	return 0;
}

FSVA_HANDLER(session)
{
	const struct fsva_session_req *r = in;
	struct fsva_session_rsp *rsp = out;
	struct fsva_session *ses = c->ses;
	struct fsva_link *link = c->q->link;
	int err = 0;

	if (c->q->index != 0)
		return -EPROTO;
	spin_lock(&ses->lock);
	if (!ses->id) {
		ses->features = r->features & (FSVA_FEATURE_XATTR | FSVA_FEATURE_ACL | FSVA_FEATURE_RESTORE |
					       FSVA_FEATURE_EVENT);
		if (fsva_page_can())
			ses->features |= r->features & FSVA_FEATURE_MAP_PAGE;
		if (fsva_ubc_can())
			ses->features |= r->features & FSVA_FEATURE_UBC;
		WRITE_ONCE(ses->id, r->session);
	} else if (ses->id != r->session) {
		err = -EPROTO;
	} else if (link->resuming) {
		WRITE_ONCE(link->resuming, false);
		rsp->flags = FSVA_SESSION_RESUMED;
	}
	spin_unlock(&ses->lock);
	if (err)
		return err;
	if (rsp->flags)
		atomic64_inc(&ses->fb->stats.resumed);
	rsp->session = ses->id;
	rsp->features = ses->features & r->features;
	rsp->minor = min_t(u16, r->minor, FSVA_MINOR);
	rsp->nr_creds = FSVA_BACK_NR_CREDS;
	rsp->max_data = FSVA_BACK_MAX_DATA;
	return 0;
}

FSVA_HANDLER(cred_set)
{
	const void *gids = fsva_data_in(c);

	if (IS_ERR(gids))
		return PTR_ERR(gids);
	return fsva_cred_set(c->ses, in, gids);
}

/* SB_* of the mounted file system, for the wire. */
static u32 fsva_mount_flags(const struct super_block *sb)
{
	u32 flags = 0;

	if (sb->s_flags & SB_RDONLY)
		flags |= FSVA_MOUNT_RDONLY;
	if (sb->s_flags & SB_SYNCHRONOUS)
		flags |= FSVA_MOUNT_SYNC;
	if (sb->s_flags & SB_DIRSYNC)
		flags |= FSVA_MOUNT_DIRSYNC;
	if (sb->s_flags & SB_MANDLOCK)
		flags |= FSVA_MOUNT_MANDLOCK;
	if (sb->s_flags & SB_LAZYTIME)
		flags |= FSVA_MOUNT_LAZYTIME;
	if (sb->s_flags & SB_POSIXACL)
		flags |= FSVA_MOUNT_POSIXACL;
	if (sb->s_flags & SB_SILENT)
		flags |= FSVA_MOUNT_SILENT;
	return flags;
}

static int fsva_mount_describe(struct fsva_call *c, struct fsva_mount_rsp *rsp)
{
	struct super_block *sb = c->ses->sb;
	struct path root = fsva_path(c, c->ses->mnt->mnt_root);	/* a subvolume's, it may be */
	struct kstatfs st = {};
	int err;

	err = vfs_statfs(&root, &st);
	if (err)
		return err;
	memcpy(rsp->fsid, &sb->s_uuid, sizeof(rsp->fsid));
	if (!rsp->fsid[0] && !rsp->fsid[1])
		rsp->fsid[0] = (u32)st.f_fsid.val[0] | (u64)(u32)st.f_fsid.val[1] << 32;
	rsp->max_size = clamp_t(u64, sb->s_maxbytes, 1, LLONG_MAX);
	rsp->time_min.sec = sb->s_time_min;
	rsp->time_max.sec = sb->s_time_max;
	rsp->time_gran = clamp_t(u32, sb->s_time_gran, 1, NSEC_PER_SEC);
	rsp->magic = st.f_type;
	rsp->blksize = sb->s_blocksize;
	rsp->name_max = clamp_t(u64, st.f_namelen, 1, FSVA_NAME_MAX);
	rsp->flags = fsva_mount_flags(sb);
	rsp->max_links = sb->s_max_links;
	strscpy((char *)rsp->type, sb->s_type->name, sizeof(rsp->type));
	return fsva_entry_fill(c, root.dentry, &rsp->root);
}

FSVA_HANDLER(mount)
{
	const struct fsva_mount_req *r = in;
	const char *options = fsva_data_in(c);
	int err;

	if (IS_ERR(options))
		return PTR_ERR(options);
	err = fsva_mount(c->ses, r->flags, options);
	if (err)
		return err;
	if (!fsva_mount_get(c->ses))
		return -ENODEV;
	err = fsva_mount_describe(c, out);
	fsva_mount_put(c->ses);
	if (err)
		fsva_unmount(c->ses, false);
	return err;
}

FSVA_HANDLER(unmount)
{
	return fsva_unmount(c->ses, false);
}

FSVA_HANDLER(remount)
{
	const struct fsva_remount_req *r = in;
	struct fsva_remount_rsp *rsp = out;
	const char *options = fsva_data_in(c);
	int err;

	if (IS_ERR(options))
		return PTR_ERR(options);
	err = fsva_remount(c->ses, r->flags, r->mask, options);
	if (!err)
		rsp->flags = fsva_mount_flags(c->ses->sb);
	return err;
}

FSVA_HANDLER(statfs)
{
	const struct fsva_statfs_req *r = in;
	struct fsva_statfs_rsp *rsp = out;
	struct dentry *dentry;
	struct kstatfs st = {};
	struct path path;
	int err;

	dentry = fsva_handle_get(c, r->handle);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	path = fsva_path(c, dentry);
	err = vfs_statfs(&path, &st);
	dput(dentry);
	if (err)
		return err;
	rsp->blocks = st.f_blocks;
	rsp->bfree = st.f_bfree;
	rsp->bavail = st.f_bavail;
	rsp->files = st.f_files;
	rsp->ffree = st.f_ffree;
	rsp->fsid = (u32)st.f_fsid.val[0] | (u64)(u32)st.f_fsid.val[1] << 32;
	rsp->type = st.f_type;
	rsp->bsize = st.f_bsize;
	rsp->frsize = st.f_frsize ? st.f_frsize : st.f_bsize;
	rsp->namelen = st.f_namelen;
	return 0;
}

FSVA_HANDLER(syncfs)
{
	const struct fsva_syncfs_req *r = in;
	struct super_block *sb = c->ses->sb;
	int err = 0;

	down_read(&sb->s_umount);
	if (r->wait)
		err = sync_filesystem(sb);
	else
		writeback_inodes_sb(sb, WB_REASON_SYNC);
	up_read(&sb->s_umount);
	/* As syncfs(2): what went wrong in writing back since the last time, once. */
	if (r->wait) {
		int wb_err = fsva_wb_err(c->ses);

		if (!err)
			err = wb_err;
	}
	return err;
}

FSVA_HANDLER(freeze)
{
	return fsva_session_freeze(c->ses);
}

FSVA_HANDLER(thaw)
{
	return fsva_session_thaw(c->ses);
}

FSVA_HANDLER(show_options)
{
	struct super_block *sb = c->ses->sb;
	struct seq_file seq = {};
	int err = 0;

	if (!sb->s_op->show_options)
		return 0;
	seq.size = PAGE_SIZE;
	seq.buf = kzalloc(seq.size, GFP_KERNEL);
	if (!seq.buf)
		return -ENOMEM;
	mutex_init(&seq.lock);
	err = sb->s_op->show_options(&seq, sb->s_root);
	if (!err) {
		/* Cut at an option when it does not fit; a seq_file that is full has been cut already, anywhere. */
		size_t len = min3(seq.count, seq.size, (size_t)c->req.data_len);

		if (len < seq.count || seq.count == seq.size)
			while (len && (len == seq.size || seq.buf[len] != ','))
				len--;
		err = fsva_data_out(c, 0, seq.buf, len);
		if (!err)
			c->rsp.data_len = len;
	}
	mutex_destroy(&seq.lock);
	kfree(seq.buf);
	return err;
}
