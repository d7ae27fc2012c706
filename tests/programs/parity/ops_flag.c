// SPDX-License-Identifier: GPL-2.0-only
/* ops_flag.c: flags of inodes, projects, and the ioctl()s that any file system may know. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "parity.h"

/* Of root's alone those that shut others out, and half of all settings take them away again. */
static void op_setflags(void)
{
	int fd, flags = 0, new;

	some_fd(&fd);
	new = ONE_OF(0, 0, 0, 0, FS_NODUMP_FL, FS_NOATIME_FL, FS_SYNC_FL, FS_DIRSYNC_FL, FS_IMMUTABLE_FL, FS_APPEND_FL,
		     FS_NODUMP_FL | FS_NOATIME_FL, FS_NOCOW_FL, FS_COMPR_FL, FS_PROJINHERIT_FL, FS_TOPDIR_FL,
		     FS_JOURNAL_DATA_FL, 0x40000000);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		say_result(-1);
	look_fd(fd);
	flags &= ~(FS_NODUMP_FL | FS_NOATIME_FL | FS_SYNC_FL | FS_DIRSYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL |
		   FS_NOCOW_FL | FS_COMPR_FL | FS_PROJINHERIT_FL | FS_TOPDIR_FL | FS_JOURNAL_DATA_FL);
	flags |= new;
	say(" %#x", flags);
	say_result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

static void op_getflags(void)
{
	int fd, flags = 0;

	some_fd(&fd);
	if (!say_result(ioctl(fd, FS_IOC_GETFLAGS, &flags)))
		say(" %#x", flags);
}

static void say_fsx(const struct fsxattr *x)
{
	say_xflags(x->fsx_xflags);
	say(" extsize %u projid %u cow %u", x->fsx_extsize, x->fsx_projid, x->fsx_cowextsize);
}

static void op_getfsx(void)
{
	struct fsxattr x = { 0 };
	int fd;

	some_fd(&fd);
	if (!say_result(ioctl(fd, FS_IOC_FSGETXATTR, &x)))
		say_fsx(&x);
}

static void op_setfsx(void)
{
	struct fsxattr x = { 0 };
	int fd;

	some_fd(&fd);
	look_fd(fd);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &x))
		say_result(-1);
	x.fsx_xflags &= ~(FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND | FS_XFLAG_NODUMP | FS_XFLAG_NOATIME | FS_XFLAG_SYNC |
			  FS_XFLAG_EXTSIZE | FS_XFLAG_PROJINHERIT | FS_XFLAG_EXTSZINHERIT);
	x.fsx_xflags |= ONE_OF(0, 0, 0, 0, FS_XFLAG_NODUMP, FS_XFLAG_NOATIME, FS_XFLAG_SYNC, FS_XFLAG_IMMUTABLE,
			       FS_XFLAG_APPEND, FS_XFLAG_EXTSIZE, FS_XFLAG_PROJINHERIT,
			       FS_XFLAG_EXTSZINHERIT, 0x2000000);
	x.fsx_extsize = x.fsx_xflags & (FS_XFLAG_EXTSIZE | FS_XFLAG_EXTSZINHERIT) ? ONE_OF(4096, 65536, 5) : 0;
	if (one_in(3))
		x.fsx_projid = pick(4);
	say_fsx(&x);
	say_result(ioctl(fd, FS_IOC_FSSETXATTR, &x));
}

static void op_ioctl(void)
{
	unsigned long which = ONE_OF(FS_IOC_GETVERSION, FIGETBSZ, FIONREAD, FS_IOC_GETFSLABEL, 0x12345678, 0x5401,
				     FIOQSIZE, FIBMAP);
	char room[FSLABEL_MAX] = "";
	int fd;

	if (which == FIBMAP)
		which = 0x5421;			/* FIONBIO, of 0: no */
	some_fd(&fd);
	if (which == 0x5421)
		room[0] = 1;
	say(" %#lx", which);
	if (say_result(ioctl(fd, which, room)))
		return;
	if (which == FIGETBSZ || which == FIONREAD)
		say(" %d", *(int *)room);
	if (which == FS_IOC_GETFSLABEL)
		say(" %.20s", room);
	if (which == FIOQSIZE)
		say(" %lld", *(long long *)room);
}

const struct op ops_flag[] = {
	{ "setflags", 12, ALL, op_setflags },
	{ "getflags", 6, ALL, op_getflags },
	{ "setfsx", 8, ALL, op_setfsx },
	{ "getfsx", 6, ALL, op_getfsx },
	{ "ioctl", 6, ALL, op_ioctl },
	{ 0 },
};
