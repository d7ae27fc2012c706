// SPDX-License-Identifier: GPL-2.0
/*
 * signal.c: how a worker waits for requests, the front's file built again, and
 * /sys/kernel/debug/fsva/back/<domid>-<devid>/signal, as the front's.
 */
#include <linux/debugfs.h>
#include <linux/uaccess.h>

#include "back.h"
#include "../linux-front/signal.c"

static int fsva_sig_show(struct seq_file *seq, void *unused)
{
	struct fsva_back *fb = seq->private;
	struct fsva_signal sig;
	unsigned int i;

	mutex_lock(&fb->lock);
	for (i = 0; fb->link && i < fb->link->nr_queues; i++) {
		struct fsva_queue *q = &fb->link->queues[i];

		spin_lock(&q->lock);
		sig = q->sig;
		spin_unlock(&q->lock);
		fsva_signal_show(seq, i, &sig);
	}
	mutex_unlock(&fb->lock);
	return 0;
}

static int fsva_sig_open(struct inode *inode, struct file *file)
{
	return single_open(file, fsva_sig_show, inode->i_private);
}

static ssize_t fsva_sig_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct fsva_back *fb = file_inode(file)->i_private;
	int mode, queue, err = -ENOTCONN;
	unsigned int i;
	char line[32];

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	mode = fsva_signal_command(line, &queue);
	if (mode < 0)
		return mode;

	mutex_lock(&fb->lock);
	if (fb->link)
		err = queue < (int)fb->link->nr_queues ? 0 : -ERANGE;
	for (i = 0; !err && i < fb->link->nr_queues; i++)
		if (queue < 0 || queue == i)
			WRITE_ONCE(fb->link->queues[i].sig.mode, mode);
	mutex_unlock(&fb->lock);
	return err ?: len;
}

const struct file_operations fsva_sig_fops = {
	.owner = THIS_MODULE,
	.open = fsva_sig_open,
	.read = seq_read,
	.write = fsva_sig_write,
	.llseek = seq_lseek,
	.release = single_release,
};
