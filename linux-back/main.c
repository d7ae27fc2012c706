// SPDX-License-Identifier: GPL-2.0
/*
 * main.c: load and unload of fsva-back, the half of a file system virtual appliance that calls the real file
 * system.  Read back.h first.
 */
#include <linux/module.h>
#include <xen/xen.h>

#include "back.h"

static int __init fsva_back_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	BUILD_BUG_ON(PAGE_SIZE != FSVA_PAGE_SIZE);
	fsva_stats_init();
	fsva_signal_probe();
	err = fsva_xenbus_init();
	if (err)
		fsva_stats_exit();
	return err;
}

static void __exit fsva_back_exit(void)
{
	fsva_xenbus_exit();
	fsva_stats_exit();
}

module_init(fsva_back_init);
module_exit(fsva_back_exit);

MODULE_DESCRIPTION("File system virtual appliance: the side that has the file system");
MODULE_AUTHOR("The FSVA authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen-backend:fsva");
