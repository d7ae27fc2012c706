// SPDX-License-Identifier: GPL-2.0
/*
 * fops.c: the tables of calls of files, directories and inodes.
 *
 * For some calls the VFS looks whether there is one before it does anything, and
 * does something else if there is none.  So a file has ->lock, ->flock and
 * ->remap_file_range exactly where the file system in the appliance has them:
 * for each choice there is a table, made from that of file.c or dir.c.
 *
 * So it is with an inode's flags: who asks for them is refused by the VFS, by the
 * file system's ->fileattr_set, or by its ->unlocked_ioctl, and each has its own
 * errors.  XFS has ->fileattr_set for fifos, too; bcachefs (6.12) for nothing.
 */
#include <linux/fs.h>

#include "front.h"

enum {
	FSVA_FOPS_LOCK	= 1,
	FSVA_FOPS_FLOCK	= 2,
	FSVA_FOPS_REMAP	= 4,
	FSVA_FOPS_NR	= 8,
};

static struct file_operations fsva_fops_file[FSVA_FOPS_NR] __ro_after_init;
static struct file_operations fsva_fops_dir[FSVA_FOPS_REMAP] __ro_after_init;

static void __init fsva_fops_make(struct file_operations *fop,
				  const struct file_operations *base,
				  unsigned int which)
{
	*fop = *base;
	fop->setlease = generic_setlease;
	if (which & FSVA_FOPS_LOCK) {
		fop->lock = fsva_file_lock;
		/* Others may open the file who know nothing of our leases. */
		fop->setlease = fsva_no_setlease;
	}
	if (which & FSVA_FOPS_FLOCK)
		fop->flock = fsva_file_flock;
	if (which & FSVA_FOPS_REMAP)
		fop->remap_file_range = fsva_remap_file_range;
}

/* Without ->fileattr_get and ->fileattr_set, and with them. */
static struct inode_operations fsva_iops_file[2] __ro_after_init;
static struct inode_operations fsva_iops_dir[2] __ro_after_init;
static struct inode_operations fsva_iops_special[2] __ro_after_init;
/* Without ACLs, as nearly everywhere, and with them. */
static struct inode_operations fsva_iops_symlink[2] __ro_after_init;

static void __init fsva_iops_make(struct inode_operations iop[2],
				  const struct inode_operations *base)
{
	iop[0] = *base;
	iop[0].fileattr_get = NULL;
	iop[0].fileattr_set = NULL;
	iop[1] = *base;
}

void __init fsva_fops_init(void)
{
	unsigned int i;

	fsva_iops_make(fsva_iops_file, &fsva_file_inode_ops);
	fsva_iops_make(fsva_iops_dir, &fsva_dir_inode_ops);
	fsva_iops_make(fsva_iops_special, &fsva_special_inode_ops);
	fsva_iops_symlink[0] = fsva_symlink_inode_ops;
	fsva_iops_symlink[1] = fsva_symlink_inode_ops;
	fsva_iops_symlink[1].get_inode_acl = fsva_get_inode_acl;
	fsva_iops_symlink[1].set_acl = fsva_set_acl;
	for (i = 0; i < ARRAY_SIZE(fsva_fops_file); i++)
		fsva_fops_make(&fsva_fops_file[i], &fsva_file_ops, i);
	for (i = 0; i < ARRAY_SIZE(fsva_fops_dir); i++)
		fsva_fops_make(&fsva_fops_dir[i], &fsva_dir_ops, i);
}

/* The table for a new inode of this mode. */
const struct file_operations *fsva_fops(umode_t mode, u32 impl)
{
	unsigned int which = 0;

	if (impl & FSVA_IMPL_LOCK)
		which |= FSVA_FOPS_LOCK;
	if (impl & FSVA_IMPL_FLOCK)
		which |= FSVA_FOPS_FLOCK;
	if (S_ISDIR(mode))
		return &fsva_fops_dir[which];
	if (impl & FSVA_IMPL_REMAP_RANGE)
		which |= FSVA_FOPS_REMAP;
	return &fsva_fops_file[which];
}

const struct inode_operations *fsva_iops(umode_t mode, u32 impl)
{
	unsigned int which = impl & FSVA_IMPL_FILEATTR ? 1 : 0;

	if (S_ISLNK(mode))
		return &fsva_iops_symlink[impl & FSVA_IMPL_ACL ? 1 : 0];
	if (S_ISREG(mode))
		return &fsva_iops_file[which];
	if (S_ISDIR(mode))
		return &fsva_iops_dir[which];
	return &fsva_iops_special[which];
}

/* Is it a regular file of ours, so that private_data is a struct fsva_file? */
bool fsva_fops_are_file(const struct file_operations *fop)
{
	return fop >= fsva_fops_file && fop < fsva_fops_file + FSVA_FOPS_NR;
}
