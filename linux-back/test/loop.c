// SPDX-License-Identifier: GPL-2.0
/*
 * loop.c: the back without Xen, for tests: the session, the handlers and the VFS below them, driven through
 * /dev/fsva-loop.  Each open of the device is one session with one queue; each FSVA_LOOP_CALL is one request,
 * run as a worker would run it.  Data goes by a staging page; there are no grants.
 */
#include <linux/debugfs.h>
#include <linux/fs_struct.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../back.h"

struct fsva_loop_call {
	struct fsva_req req;
	struct fsva_rsp rsp;
	u8 data[FSVA_PAGE_SIZE];
};

#define FSVA_LOOP_CALL	_IO('F', 1)
#define FSVA_LOOP_SLOTS	128

static char *fs = "ext4";
module_param(fs, charp, 0644);
static char *dev = "/dev/vdb";
module_param(dev, charp, 0644);
static char *options = "";
module_param(options, charp, 0644);

static unsigned int pinned;
module_param(pinned, uint, 0644);
MODULE_PARM_DESC(pinned, "pin so many inodes and park the rest; 0: as many as the memory says");

static struct fsva_back fsva_loop_back;

struct fsva_loop {
	struct fsva_link link;
	struct fsva_queue q;
	struct page *staging[FSVA_LOOP_SLOTS];
	struct mutex lock[FSVA_LOOP_SLOTS];	/* a call under this tag */
};

void fsva_back_put(struct fsva_back *fb)
{
}

static int fsva_loop_open(struct inode *inode, struct file *file)
{
	struct fsva_loop *l = kvzalloc(sizeof(*l), GFP_KERNEL);
	unsigned int i;

	if (!l)
		return -ENOMEM;
	fsva_loop_back.fs = fs;
	fsva_loop_back.source = dev;
	fsva_loop_back.options = options;
	l->link.fb = &fsva_loop_back;
	l->link.nr_slots = FSVA_LOOP_SLOTS;
	l->q.link = &l->link;
	spin_lock_init(&l->q.lock);
	l->q.staging.pages = l->staging;
	l->link.ses = fsva_session_create(&fsva_loop_back, 1, FSVA_LOOP_SLOTS);
	if (IS_ERR(l->link.ses)) {
		int err = PTR_ERR(l->link.ses);

		kvfree(l);
		return err;
	}
	for (i = 0; i < FSVA_LOOP_SLOTS; i++) {
		l->staging[i] = alloc_page(GFP_KERNEL | __GFP_ZERO | __GFP_NOFAIL);
		mutex_init(&l->lock[i]);
	}
	file->private_data = l;
	return 0;
}

static int fsva_loop_release(struct inode *inode, struct file *file)
{
	struct fsva_loop *l = file->private_data;
	unsigned int i;

	fsva_session_free(l->link.ses);
	for (i = 0; i < FSVA_LOOP_SLOTS; i++)
		__free_page(l->staging[i]);
	kvfree(l);
	return 0;
}

static long fsva_loop_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct fsva_loop *l = file->private_data;
	struct fsva_loop_call __user *user = (void __user *)arg;
	struct fsva_call *c;
	int umask = current->fs->umask, err = -EFAULT, replay;
	void *page;
	u16 tag;

	if (cmd != FSVA_LOOP_CALL)
		return -ENOTTY;
	c = kvzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->q = &l->q;
	c->ses = l->link.ses;
	if (copy_from_user(&c->req, &user->req, sizeof(c->req)))
		goto out_free;
	err = -EINVAL;
	tag = c->req.tag;
	if (tag >= FSVA_LOOP_SLOTS || c->req.nr_grefs)
		goto out_free;
	mutex_lock(&l->lock[tag]);
	page = page_address(l->staging[tag]);
	err = -EFAULT;
	if (copy_from_user(page, user->data, FSVA_PAGE_SIZE))
		goto out_unlock;
	spin_lock(&l->q.lock);
	replay = fsva_replay_begin(c->ses, 0, &c->req, &c->rsp);
	spin_unlock(&l->q.lock);
	err = replay;
	if (replay < 0)
		goto out_unlock;
	if (!replay)
		fsva_call_run(c);
	if (pinned)
		WRITE_ONCE(c->ses->handles.max_pinned, pinned);
	current->fs->umask = umask;
	spin_lock(&l->q.lock);
	fsva_replay_end(c->ses, 0, &c->rsp);
	spin_unlock(&l->q.lock);
	err = 0;
	if (copy_to_user(&user->rsp, &c->rsp, sizeof(c->rsp)) || copy_to_user(user->data, page, FSVA_PAGE_SIZE))
		err = -EFAULT;
out_unlock:
	mutex_unlock(&l->lock[tag]);
out_free:
	kvfree(c);
	return err;
}

static const struct file_operations fsva_loop_fops = {
	.owner = THIS_MODULE,
	.open = fsva_loop_open,
	.release = fsva_loop_release,
	.unlocked_ioctl = fsva_loop_ioctl,
};

static struct miscdevice fsva_loop_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fsva-loop",
	.fops = &fsva_loop_fops,
};

static int __init fsva_loop_init(void)
{
	struct fsva_back *fb = &fsva_loop_back;

	kref_init(&fb->ref);
	mutex_init(&fb->lock);
	mutex_init(&fb->stats_lock);
	init_waitqueue_head(&fb->idle);
	strscpy(fb->name, "loop", sizeof(fb->name));
	fsva_usermem_init();
	fsva_stats_init();
	fsva_stats_add(fb);
	return misc_register(&fsva_loop_misc);
}

static void __exit fsva_loop_exit(void)
{
	misc_deregister(&fsva_loop_misc);
	fsva_stats_remove(&fsva_loop_back);
	fsva_stats_exit();
	fsva_usermem_exit();
}

module_init(fsva_loop_init);
module_exit(fsva_loop_exit);
MODULE_DESCRIPTION("fsva-back without Xen, for tests");
MODULE_LICENSE("GPL");
