// SPDX-License-Identifier: GPL-2.0
/*
 * fops.c: the tables of calls of files and directories.
 *
 * For some calls the VFS looks whether there is one before it does anything, and
 * does something else if there is none.  So a file has ->lock, ->flock and
 * ->remap_file_range exactly where the file system in the appliance has them:
 * for each choice there is a table, made from that of file.c or dir.c.
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

void __init fsva_fops_init(void)
{
	unsigned int i;

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

/* Is it a regular file of ours, so that private_data is a struct fsva_file? */
bool fsva_fops_are_file(const struct file_operations *fop)
{
	return fop >= fsva_fops_file && fop < fsva_fops_file + FSVA_FOPS_NR;
}
