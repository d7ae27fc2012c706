// SPDX-License-Identifier: GPL-2.0
/*
 * main.c: load and unload.
 *
 * fsva-front runs in the domain with the applications.  To its kernel it is a
 * file system with no file system in it: every call goes over a ring to a file
 * system virtual appliance, another domain, which runs the real one.
 */
#include <linux/module.h>

#include "front.h"

static int __init fsva_front_init(void)
{
	int err;

	err = fsva_inode_init();
	if (err)
		return err;
	fsva_lock_init();
	fsva_fops_init();
	fsva_stats_init();
	fsva_signal_probe();
	err = fsva_xenbus_init();
	if (err)
		goto err_stats;
	err = register_filesystem(&fsva_fs_type);
	if (err)
		goto err_xenbus;
	return 0;

err_xenbus:
	fsva_xenbus_exit();
err_stats:
	fsva_stats_exit();
	fsva_inode_exit();
	return err;
}

static void __exit fsva_front_exit(void)
{
	unregister_filesystem(&fsva_fs_type);
	fsva_xenbus_exit();
	fsva_stats_exit();
	fsva_inode_exit();
}

module_init(fsva_front_init);
module_exit(fsva_front_exit);

MODULE_DESCRIPTION("File system virtual appliances: the user domain's side");
MODULE_AUTHOR("FSVA founders");
MODULE_LICENSE("GPL");
MODULE_ALIAS_FS("fsva");
