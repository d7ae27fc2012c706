// SPDX-License-Identifier: GPL-2.0
/*
 * ops_ioctl.c: the handler of ioctl(): the commands that fsva.pandoc lists, and no others.
 */
#include <linux/fsverity.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "back.h"

#define FSVA_DIGEST_MAX		64u
#define FSVA_IOC_GETFSUUID	0x80111500u	/* the VFS's own, since 6.9 */

static const struct fsva_ioctl {
	u32 cmd;
	u16 in, out;
} fsva_ioctls[] = {
	{ FS_IOC_GETVERSION,		0, 4 },
	{ FS_IOC_SETVERSION,		4, 0 },
	{ FITRIM,			24, 24 },
	{ FS_IOC_GETFSLABEL,		0, 256 },
	{ FS_IOC_SETFSLABEL,		256, 0 },
	{ FSVA_IOC_GETFSUUID,		0, 17 },
	{ FS_IOC_MEASURE_VERITY,	4, 4 },	/* and the digest */
	{ FS_IOC_GETFLAGS,		0, 4 },
	{ FS_IOC_SETFLAGS,		4, 0 },
	{ FS_IOC_FSGETXATTR,		0, sizeof(struct fsxattr) },
	{ FS_IOC_FSSETXATTR,		sizeof(struct fsxattr), 0 },
};

static const struct fsva_ioctl *fsva_ioctl_find(u32 cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fsva_ioctls); i++)
		if (fsva_ioctls[i].cmd == cmd)
			return &fsva_ioctls[i];
	return NULL;
}

static int fsva_ioctl_uuid(struct super_block *sb, u8 *buf)
{
	if (!memchr_inv(&sb->s_uuid, 0, sizeof(sb->s_uuid)))
		return -ENOTTY;
	buf[0] = sizeof(sb->s_uuid);
	memcpy(buf + 1, &sb->s_uuid, sizeof(sb->s_uuid));
	return 0;
}

/* The file system's own, on a copy of buf in memory that it takes for a user's. */
static long fsva_ioctl_do(struct file *file, u32 cmd, u8 *buf, u32 in, u32 out)
{
	struct fsva_usermem um;
	void __user *user;
	long ret;

	if (!file->f_op->unlocked_ioctl)
		return -ENOTTY;
	ret = fsva_usermem_get(&um, max(in, out));
	if (ret)
		return ret;
	user = (void __user *)um.addr;
	ret = -EFAULT;
	if (!copy_to_user(user, buf, in))
		ret = file->f_op->unlocked_ioctl(file, cmd, um.addr);
	if (ret >= 0 && copy_from_user(buf, user, out))
		ret = -EFAULT;
	fsva_usermem_put(&um);
	return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}

FSVA_HANDLER(ioctl)
{
	const struct fsva_ioctl_req *r = in;
	struct fsva_ioctl_rsp *rsp = out;
	const struct fsva_ioctl *row = fsva_ioctl_find(r->cmd);
	const void *arg = fsva_data_in(c);
	struct fsverity_digest digest;
	struct fsva_file *f;
	u32 len;
	long ret;
	u8 *buf;
	int err;

	if (IS_ERR(arg))
		return PTR_ERR(arg);
	if (!row)
		return -ENOTTY;
	if (c->data.in_len != row->in)
		return -EINVAL;
	len = row->out;
	if (r->cmd == FS_IOC_MEASURE_VERITY) {
		memcpy(&digest, arg, sizeof(digest));
		len += min_t(u32, digest.digest_size, FSVA_DIGEST_MAX);
	}
	if (len > c->req.data_len)
		return -EINVAL;
	f = fsva_file_get(c, r->fh);
	if (IS_ERR(f))
		return PTR_ERR(f);
	buf = kzalloc(max(row->in, len), GFP_KERNEL);
	err = -ENOMEM;
	if (!buf)
		goto out_put;
	memcpy(buf, arg, row->in);
	if (r->cmd == FSVA_IOC_GETFSUUID)
		ret = fsva_ioctl_uuid(c->ses->sb, buf);
	else
		ret = fsva_ioctl_do(f->file, r->cmd, buf, row->in, len);
	err = min(ret, 0L);
	if (!err && len) {
		err = fsva_data_out(c, 0, buf, len);
		c->rsp.data_len = len;
	}
	rsp->value = ret;
	kfree(buf);
out_put:
	fsva_file_put(f);
	return err;
}
