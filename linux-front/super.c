// SPDX-License-Identifier: GPL-2.0
/*
 * super.c: mount, remount, unmount and what df and /proc/mounts show.
 *
 * `mount -t fsva TAG DIR -o OPTIONS`: the tag names a device; there is one
 * superblock a device, which a second mount shares.  The kernel keeps the flags
 * that are its own (ro, sync, ...); every other option goes to the file system
 * in the appliance word for word, and its errors come back.
 */
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>
#include <linux/string_helpers.h>

#include "front.h"

/* What a mount or remount asks for: the options, separated by commas. */
struct fsva_fc {
	char options[FSVA_OPTIONS_MAX + 1];
	size_t len;
};

/* ---- Flags ---- */

static const struct {
	unsigned int sb;
	u32 wire;
} fsva_sb_flags[] = {
	{ SB_RDONLY,		FSVA_MOUNT_RDONLY },
	{ SB_SYNCHRONOUS,	FSVA_MOUNT_SYNC },
	{ SB_DIRSYNC,		FSVA_MOUNT_DIRSYNC },
	{ SB_LAZYTIME,		FSVA_MOUNT_LAZYTIME },
	{ SB_SILENT,		FSVA_MOUNT_SILENT },
};

/* Those that an answer decides. */
#define FSVA_SB_TOLD	(SB_RDONLY | SB_SYNCHRONOUS | SB_DIRSYNC |	\
			 SB_LAZYTIME | SB_POSIXACL)

static u32 fsva_sb_to_wire(unsigned int sb_flags)
{
	u32 wire = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fsva_sb_flags); i++)
		if (sb_flags & fsva_sb_flags[i].sb)
			wire |= fsva_sb_flags[i].wire;
	return wire;
}

/*
 * Flags in force at the back: ro may have come from the disk itself, others from
 * the administrator's options.
 */
static unsigned int fsva_sb_from_wire(unsigned int sb_flags, u32 wire)
{
	unsigned int i;

	sb_flags &= ~FSVA_SB_TOLD;
	for (i = 0; i < ARRAY_SIZE(fsva_sb_flags); i++)
		if (wire & fsva_sb_flags[i].wire)
			sb_flags |= fsva_sb_flags[i].sb & FSVA_SB_TOLD;
	/*
	 * With POSIX ACLs a directory's default ACL may take the umask's place,
	 * and only the file system can tell.  SB_POSIXACL keeps our VFS from
	 * applying it; the umask travels with each request that makes
	 * something.
	 */
	if (wire & FSVA_MOUNT_POSIXACL)
		sb_flags |= SB_POSIXACL;
	return sb_flags;
}

/* ---- Superblock operations ---- */

static int fsva_statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct inode *inode = d_inode(dentry);
	struct fsva_statfs_rsp rsp;
	int err;

	err = fsva_call_statfs(fsva_inode_front(inode), FSVA_I(inode)->handle,
			       &rsp);
	if (err)
		return err;
	/*
	 * umount(8) of libmount takes a mount with NFS's number for its own and
	 * runs umount.nfs, which refuses ours.
	 */
	buf->f_type = rsp.type == NFS_SUPER_MAGIC ? FSVA_SUPER_MAGIC : rsp.type;
	buf->f_bsize = rsp.bsize ? rsp.bsize : PAGE_SIZE;
	buf->f_frsize = rsp.frsize ? rsp.frsize : buf->f_bsize;
	buf->f_blocks = rsp.blocks;
	buf->f_bfree = rsp.bfree;
	buf->f_bavail = rsp.bavail;
	buf->f_files = rsp.files;
	buf->f_ffree = rsp.ffree;
	buf->f_namelen = min(rsp.namelen, FSVA_NAME_MAX);
	buf->f_fsid = u64_to_fsid(rsp.fsid);
	return 0;
}

/* All whom umount -f sends home may run before the unmount goes on. */
#define FSVA_FORCED_TIME	(60 * HZ)

/*
 * Is this superblock going because of umount -f?  Then nothing waits for the
 * appliance any more; what is to be told it is told later.  umount -f on one
 * that is busy leaves it mounted, hence the time.
 */
bool fsva_super_forced(struct super_block *sb)
{
	unsigned long at = READ_ONCE(FSVA_SB(sb)->forced_at);

	return at && !atomic_read(&sb->s_active) &&
	       time_before(jiffies, at + FSVA_FORCED_TIME);
}

/*
 * The back tells of an error of writing back once.  Everybody who has a file open
 * here is to hear of it once by syncfs(2): that is what s_wb_err is for.
 */
static int fsva_sync_fs(struct super_block *sb, int wait)
{
	struct fsva_front *ff = FSVA_SB(sb)->ff;
	int err, missed;

	if (fsva_super_forced(sb))
		return -EIO;
	err = fsva_call_syncfs(ff, wait);
	missed = xchg(&ff->wb_err, 0);
	if (missed)
		errseq_set(&sb->s_wb_err, missed);
	if (err && wait && err != -EINTR && !fsva_front_dead(ff))
		errseq_set(&sb->s_wb_err, err);
	return err;
}

/* The VFS keeps our own writers out; the rest is the file system's. */
static int fsva_freeze_fs(struct super_block *sb)
{
	int err = fsva_call_freeze(FSVA_SB(sb)->ff, FSVA_OP_FREEZE);

	/* A freeze whose caller was killed, and that is not undone yet. */
	return err == -EBUSY ? 0 : err;
}

/* What is not frozen there, or not there any more, must not stay so here. */
static int fsva_unfreeze_fs(struct super_block *sb)
{
	struct fsva_front *ff = FSVA_SB(sb)->ff;
	int err = fsva_call_freeze(ff, FSVA_OP_THAW);

	return err == -EINVAL || fsva_front_dead(ff) ? 0 : err;
}

static void fsva_umount_begin(struct super_block *sb)
{
	WRITE_ONCE(FSVA_SB(sb)->forced_at, jiffies | 1);
	fsva_front_abort(FSVA_SB(sb)->ff);
}

/*
 * What the file system itself shows, as of the last mount or remount.  Blanks
 * and control characters are the back's to send but not to print: a line break
 * would let it invent mounts.
 */
static int fsva_show_options(struct seq_file *m, struct dentry *root)
{
	struct fsva_sb *fs = FSVA_SB(root->d_sb);
	const char *s;

	spin_lock(&fs->lock);
	for (s = fs->options; s && *s; s++) {
		unsigned char c = *s;

		if (c <= ' ' || c == 0x7f)
			seq_printf(m, "\\%03o", c);
		else
			seq_putc(m, c);
	}
	spin_unlock(&fs->lock);
	return 0;
}

/*
 * The back has as many handles as it can, most of them perhaps for what nobody
 * uses here any more.  Give those back.  0: it is worth to ask once more.
 */
int fsva_super_shrink(struct super_block *sb)
{
	struct fsva_sb *fs = FSVA_SB(sb);

	atomic_inc(&fs->nr_shrinks);
	shrink_dcache_sb(sb);
	atomic_dec(&fs->nr_shrinks);
	return fsva_forgets_wait(fs->ff);
}

/* Under inode->i_lock, without a reference left: not to be kept? */
static int fsva_drop_inode(struct inode *inode)
{
	if (!inode->i_nlink || inode_unhashed(inode))
		return 1;
	/* What is dirty is written before it goes: not by this way. */
	return atomic_read(&FSVA_SB(inode->i_sb)->nr_shrinks) &&
	       !(inode_state_read_once(inode) & I_DIRTY_ALL) &&
	       !mapping_tagged(inode->i_mapping, PAGECACHE_TAG_DIRTY) &&
	       !mapping_tagged(inode->i_mapping, PAGECACHE_TAG_WRITEBACK);
}

static const struct super_operations fsva_super_ops = {
	.alloc_inode	= fsva_inode_alloc,
	.free_inode	= fsva_inode_free,
	.drop_inode	= fsva_drop_inode,
	.evict_inode	= fsva_inode_evict,
	.statfs		= fsva_statfs,
	.sync_fs	= fsva_sync_fs,
	.freeze_fs	= fsva_freeze_fs,
	.unfreeze_fs	= fsva_unfreeze_fs,
	.umount_begin	= fsva_umount_begin,
	.show_options	= fsva_show_options,
};

/* Ask for the options anew; a failure keeps what is shown. */
static void fsva_read_options(struct fsva_sb *fs)
{
	char *new, *old;

	new = kmalloc(FSVA_PAGE_SIZE + 1, GFP_KERNEL);
	if (!new)
		return;
	if (fsva_call_show_options(fs->ff, new, FSVA_PAGE_SIZE + 1)) {
		kfree(new);
		return;
	}
	spin_lock(&fs->lock);
	old = fs->options;
	fs->options = new;
	spin_unlock(&fs->lock);
	kfree(old);
}

/* ---- Parsing ---- */

/* Every parameter that the VFS and the security modules did not want. */
static int fsva_fc_parse_param(struct fs_context *fc,
			       struct fs_parameter *param)
{
	struct fsva_fc *opts = fc->fs_private;
	size_t room = FSVA_OPTIONS_MAX - opts->len;
	const char *value = NULL;
	int n, err;

	err = vfs_parse_fs_param_source(fc, param);
	if (err != -ENOPARAM)
		return err;

	switch (param->type) {
	case fs_value_is_flag:
		break;
	case fs_value_is_string:
		value = param->string;
		break;
	default:
		return invalf(fc, "fsva: option %s: only text can be passed on",
			      param->key);
	}
	if (strchr(param->key, ',') || (value && strchr(value, ',')))
		return invalf(fc, "fsva: option %s: a comma can't be passed on",
			      param->key);
	n = snprintf(opts->options + opts->len, room + 1, "%s%s%s%s",
		     opts->len ? "," : "", param->key, value ? "=" : "",
		     value ? value : "");
	if (n > room) {
		opts->options[opts->len] = '\0';
		return invalf(fc, "fsva: options: more than %u characters",
			      FSVA_OPTIONS_MAX);
	}
	opts->len += n;
	return 0;
}

/* ---- Mount ---- */

static u8 fsva_ilog2_blksize(u32 blksize)
{
	return clamp(ilog2(blksize), 9, PAGE_SHIFT);
}

static int fsva_fill_super(struct super_block *sb, struct fs_context *fc,
			   const struct fsva_mount_rsp *rsp)
{
	struct inode *root;
	int err;

	sb->s_magic = FSVA_SUPER_MAGIC;
	sb->s_op = &fsva_super_ops;
	set_default_d_op(sb, &fsva_dentry_ops);
	/* A file system without attributes is one to our VFS, too. */
	if (rsp->root.impl & FSVA_IMPL_XATTR)
		sb->s_xattr = fsva_xattr_handlers;
	sb->s_blocksize_bits = fsva_ilog2_blksize(rsp->blksize);
	sb->s_blocksize = 1u << sb->s_blocksize_bits;
	sb->s_maxbytes = min_t(u64, rsp->max_size, MAX_LFS_FILESIZE);
	sb->s_max_links = rsp->max_links;
	sb->s_time_gran = rsp->time_gran;
	sb->s_time_min = rsp->time_min.sec;
	sb->s_time_max = rsp->time_max.sec;
	super_set_uuid(sb, (const u8 *)rsp->fsid, sizeof(rsp->fsid));
	sb->s_flags = fsva_sb_from_wire(sb->s_flags, rsp->flags);
	FSVA_SB(sb)->mount_flags = rsp->flags;

	err = super_setup_bdi(sb);
	if (err)
		return err;

	root = fsva_inode_get(sb, &rsp->root, 0, false);
	if (IS_ERR(root))
		return PTR_ERR(root);
	sb->s_root = d_make_root(root);
	if (!sb->s_root)
		return -ENOMEM;
	fsva_read_options(FSVA_SB(sb));
	fsva_export_init(sb);
	sb->s_flags |= SB_ACTIVE;
	return 0;
}

static int fsva_test_super(struct super_block *sb, struct fs_context *fc)
{
	struct fsva_sb *mine = fc->s_fs_info;

	return FSVA_SB(sb)->ff == mine->ff;
}

/* A new superblock: have the file system mounted in the appliance. */
static int fsva_mount_new(struct super_block *sb, struct fs_context *fc)
{
	struct fsva_sb *fs = FSVA_SB(sb);
	struct fsva_fc *opts = fc->fs_private;
	struct fsva_front *ff = fs->ff;
	struct fsva_mount_rsp *rsp;
	int err;

	rsp = kzalloc(sizeof(*rsp), GFP_KERNEL);
	if (!rsp)
		return -ENOMEM;
	/* The last unmount may be under way yet. */
	err = fsva_wait(ff, ff->state_wq, 0, fs->taken ||
			(fs->taken = fsva_front_take(ff)));
	if (!fs->taken) {
		kfree(rsp);
		return err;
	}
	queue_work(fsva_wq, &ff->work);	/* tells xenstore */
	err = fsva_call_mount(ff, fsva_sb_to_wire(fc->sb_flags), opts->options,
			      rsp);
	if (err)
		errorf(fc, "fsva: %s: the appliance cannot mount it with options \"%.200s\": error %d",
		       fc->source, opts->options, -err);
	else
		err = fsva_fill_super(sb, fc, rsp);
	kfree(rsp);
	if (!err) {
		fsva_ubc_start(ff, sb);
		fsva_push_start(ff, sb);
	}
	return err;
}

static int fsva_fc_get_tree(struct fs_context *fc)
{
	struct super_block *sb;
	struct fsva_front *ff;
	struct fsva_sb *fs;
	int err;

	/*
	 * An fs_context may have been made in a user namespace and handed to
	 * somebody who may mount.  Ids and capabilities on the wire are those of
	 * the initial one.
	 */
	if (fc->user_ns != &init_user_ns) {
		errorf(fc, "fsva: not in a user namespace");
		return -EPERM;
	}
	if (!fc->source || !*fc->source)
		return invalf(fc, "fsva: no tag given");
	ff = fsva_front_find_soon(fc->source);
	if (!ff) {
		errorf(fc, "fsva: %s: no device has this tag", fc->source);
		return -ENODEV;
	}
	err = fsva_front_wait_live(ff);
	if (err) {
		errorf(fc, err == -ETIMEDOUT ?
		       "fsva: %s: its appliance does not answer" :
		       "fsva: %s: its appliance is gone", fc->source);
		goto err_put;
	}
	err = -ENOMEM;
	fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	if (!fs)
		goto err_put;
	spin_lock_init(&fs->lock);
	fs->ff = ff;

	/* From sget_fc() on a new superblock owns fs and the reference. */
	fc->s_fs_info = fs;
	sb = sget_fc(fc, fsva_test_super, set_anon_super_fc);
	if (fc->s_fs_info) {
		kfree(fs);
		fc->s_fs_info = NULL;
		fsva_front_put(ff);
	}
	if (IS_ERR(sb))
		return PTR_ERR(sb);

	if (sb->s_root) {
		if ((fc->sb_flags ^ sb->s_flags) & SB_RDONLY) {
			errorf(fc, "fsva: %s: mounted already, %s", fc->source,
			       sb_rdonly(sb) ? "read-only" : "read-write");
			deactivate_locked_super(sb);
			return -EBUSY;
		}
	} else {
		err = fsva_mount_new(sb, fc);
		if (err) {
			deactivate_locked_super(sb);
			return err;
		}
	}
	fc->root = dget(sb->s_root);
	return 0;

err_put:
	fsva_front_put(ff);
	return err;
}

static int fsva_fc_reconfigure(struct fs_context *fc)
{
	struct super_block *sb = fc->root->d_sb;
	struct fsva_fc *opts = fc->fs_private;
	struct fsva_remount_rsp rsp;
	u32 flags, mask;
	int err;

	sync_filesystem(sb);
	flags = fsva_sb_to_wire(fc->sb_flags) & ~FSVA_MOUNT_SILENT;
	mask = fsva_sb_to_wire(fc->sb_flags_mask) & ~FSVA_MOUNT_SILENT;
	err = fsva_call_remount(FSVA_SB(sb)->ff, flags, mask, opts->options,
				&rsp);
	/*
	 * An appliance that can't remount leaves it as it is.  Read-only is then
	 * ours alone to enforce, which is enough: nobody else writes there.
	 */
	if (err == -EOPNOTSUPP && !opts->len) {
		rsp.flags = FSVA_SB(sb)->mount_flags;
		if (rsp.flags & FSVA_MOUNT_RDONLY &&
		    mask & FSVA_MOUNT_RDONLY && !(flags & FSVA_MOUNT_RDONLY)) {
			errorf(fc, "fsva: the appliance has it read-only");
			return -EROFS;
		}
		rsp.flags |= flags & mask;
		fc->sb_flags = fsva_sb_from_wire(fc->sb_flags, rsp.flags);
		return 0;
	}
	if (err) {
		errorf(fc, "fsva: the appliance refuses to remount: error %d",
		       -err);
		return err;
	}
	FSVA_SB(sb)->mount_flags = rsp.flags;
	fc->sb_flags = fsva_sb_from_wire(fc->sb_flags, rsp.flags);
	fc->sb_flags_mask |= FSVA_SB_TOLD;
	fsva_read_options(FSVA_SB(sb));
	return 0;
}

static void fsva_fc_free(struct fs_context *fc)
{
	struct fsva_sb *fs = fc->s_fs_info;

	if (fs) {
		fsva_front_put(fs->ff);
		kfree(fs);
	}
	kfree(fc->fs_private);
}

static const struct fs_context_operations fsva_fc_ops = {
	.free		= fsva_fc_free,
	.parse_param	= fsva_fc_parse_param,
	.get_tree	= fsva_fc_get_tree,
	.reconfigure	= fsva_fc_reconfigure,
};

static int fsva_init_fs_context(struct fs_context *fc)
{
	struct fsva_fc *opts = kzalloc(sizeof(*opts), GFP_KERNEL);

	if (!opts)
		return -ENOMEM;
	fc->fs_private = opts;
	fc->ops = &fsva_fc_ops;
	return 0;
}

static void fsva_sb_free(struct rcu_head *rcu)
{
	struct fsva_sb *fs = container_of(rcu, struct fsva_sb, rcu);

	fsva_front_put(fs->ff);
	kfree(fs->options);
	kfree(fs);
}

/*
 * The last mount is gone: inodes and files are let go by kill_anon_super(), then
 * the appliance unmounts.  Bounded when it is dead, killable when it is slow.
 */
static void fsva_kill_sb(struct super_block *sb)
{
	struct fsva_sb *fs = FSVA_SB(sb);
	bool forced = fs && fsva_super_forced(sb);

	if (fs && fs->taken) {
		fsva_ubc_stop(fs->ff);
		fsva_push_stop(fs->ff);
	}
	kill_anon_super(sb);
	if (!fs)
		return;
	if (fs->taken)
		fsva_ubc_end(fs->ff);
	if (!forced)
		fsva_shares_wait(fs->ff);
	if (fs->taken)
		fsva_call_unmount(fs->ff, !forced || fsva_front_dead(fs->ff));
	call_rcu(&fs->rcu, fsva_sb_free);
}

struct file_system_type fsva_fs_type = {
	.owner			= THIS_MODULE,
	.name			= "fsva",
	.init_fs_context	= fsva_init_fs_context,
	.kill_sb		= fsva_kill_sb,
};
