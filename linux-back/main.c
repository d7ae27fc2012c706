// SPDX-License-Identifier: GPL-2.0
/*
 * main.c: load and unload of fsva-back, the half of a file system virtual appliance that calls the real file
 * system.  Read back.h first.
 */
#include <linux/module.h>
#include <xen/xen.h>

#include "back.h"

/*
 * For work items that outlive a device: each link holds the module until it is freed, by a work item that runs our
 * code for a moment longer.  fsva_back_exit() waits for that moment here.
 */
struct workqueue_struct *fsva_wq;

static int __init fsva_back_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;
	BUILD_BUG_ON(PAGE_SIZE != FSVA_PAGE_SIZE);
	fsva_wq = alloc_workqueue("fsva-back", WQ_UNBOUND, 0);
	if (!fsva_wq)
		return -ENOMEM;
	fsva_usermem_init();
	fsva_stats_init();
	fsva_signal_probe();
	fsva_page_init();
	fsva_ubc_init();
	err = fsva_xenbus_init();
	if (err) {
		fsva_page_exit();
		fsva_stats_exit();
		fsva_usermem_exit();
		destroy_workqueue(fsva_wq);
	}
	return err;
}

static void __exit fsva_back_exit(void)
{
	fsva_xenbus_exit();
	fsva_page_exit();
	fsva_stats_exit();
	destroy_workqueue(fsva_wq);
	fsva_usermem_exit();
}

module_init(fsva_back_init);
module_exit(fsva_back_exit);

MODULE_DESCRIPTION("File system virtual appliance: the side that has the file system");
MODULE_AUTHOR("The FSVA authors");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xen-backend:fsva");
