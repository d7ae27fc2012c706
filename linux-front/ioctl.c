// SPDX-License-Identifier: GPL-2.0
/*
 * ioctl.c: the ioctl()s that any file system may have and that mean the same on
 * every machine; all others are ENOTTY.  What the VFS does itself (extents,
 * FIGETBSZ...) does not come here; flags only where it finds that the file
 * system has no calls for them (fops.c).
 */
#include <linux/compat.h>
#include <linux/fsverity.h>
#include <linux/uaccess.h>

#include "front.h"

#define FSVA_DIGEST_MAX		64u

/* fsva.pandoc, "ioctl". */
static const struct fsva_ioctl {
	u32 cmd;
	u16 in, out;		/* octets; of a digest, the head of the answer */
	bool changes;		/* attributes of the inode */
} fsva_ioctls[] = {
	{ 0x80087601, 0, 4 },		/* FS_IOC_GETVERSION */
	{ 0x40087602, 4, 0, true },	/* FS_IOC_SETVERSION */
	{ 0xc0185879, 24, 24 },		/* FITRIM */
	{ 0x81009431, 0, 256 },		/* FS_IOC_GETFSLABEL */
	{ 0x41009432, 256, 0 },		/* FS_IOC_SETFSLABEL */
	{ 0x80111500, 0, 17 },		/* FS_IOC_GETFSUUID */
	{ 0xc0046686, 4, 4 },		/* FS_IOC_MEASURE_VERITY */
	{ 0x80086601, 0, 4 },		/* FS_IOC_GETFLAGS */
	{ 0x40086602, 4, 0, true },	/* FS_IOC_SETFLAGS */
	{ 0x801c581f, 0, 28 },		/* FS_IOC_FSGETXATTR */
	{ 0x401c5820, 28, 0, true },	/* FS_IOC_FSSETXATTR */
};

#define FSVA_IOCTL_MAX		256u

static const struct fsva_ioctl *fsva_ioctl_find(u32 cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fsva_ioctls); i++)
		if (fsva_ioctls[i].cmd == cmd)
			return &fsva_ioctls[i];
	return NULL;
}

long fsva_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct fsva_ioctl *row = fsva_ioctl_find(cmd);
	struct inode *inode = file_inode(file);
	struct fsva_file *f = file->private_data;
	void __user *user = (void __user *)arg;
	u8 buf[FSVA_IOCTL_MAX] = {};
	u32 out;
	s64 value;
	int err;

	if (!row || !(f->impl & FSVA_IMPL_IOCTL))
		return -ENOTTY;
	if (row->in && copy_from_user(buf, user, row->in))
		return -EFAULT;
	out = row->out;
	if (cmd == FS_IOC_MEASURE_VERITY) {
		struct fsverity_digest head;

		memcpy(&head, buf, sizeof(head));
		out += min_t(u32, head.digest_size, FSVA_DIGEST_MAX);
	}
	/* As for fsva_fileattr_set(): it may become immutable. */
	err = row->changes ? fsva_cache_begin(inode, 0, LLONG_MAX, false) : 0;
	if (err)
		return err;
	err = fsva_call_ioctl(fsva_inode_front(inode), inode, f->fh, cmd, buf,
			      row->in, &out, &value);
	if (row->changes) {
		if (!err)
			fsva_inode_refresh(inode);
		fsva_cache_end(inode, 0, LLONG_MAX, false);
	}
	if (err)
		return err;
	if (value > INT_MAX)
		return -EIO;
	/*
	 * File systems store no more than their own longest label, and there
	 * are programs (stress-ng) whose buffer has no more room.
	 */
	if (cmd == FS_IOC_GETFSLABEL)
		out = min_t(u32, out, strnlen(buf, FSLABEL_MAX - 1) + 1);
	if (out && copy_to_user(user, buf, out))
		return -EFAULT;
	return value;
}

#ifdef CONFIG_COMPAT
long fsva_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case FS_IOC32_GETVERSION:
		cmd = FS_IOC_GETVERSION;
		break;
	case FS_IOC32_SETVERSION:
		cmd = FS_IOC_SETVERSION;
		break;
	}
	return fsva_ioctl(file, cmd, (unsigned long)compat_ptr(arg));
}
#endif
