// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c: what went over the ring, in debugfs:
 *	/sys/kernel/debug/fsva/front/TAG/stats	"lookup 12", an operation a line
 *	/sys/kernel/debug/fsva/front/TAG/info	the connection and its reserves
 *	/sys/kernel/debug/fsva/front/TAG/signal	"queue 0 sent 12"; write "MODE" or
 *						"QUEUE MODE" to wait another way
 *	/sys/kernel/debug/fsva/front/TAG/null_calls	write N: makes N calls that do
 *						nothing; read "N NANOSECONDS"
 *	/sys/kernel/debug/fsva/front/TAG/shared	pages that are the appliance's
 *	/sys/kernel/debug/fsva/front/TAG/ubc	the coupled page caches
 *	/sys/kernel/debug/fsva/front/TAG/deaf	for tests; write 1: answers are lost
 *						until the next suspend is over
 */
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "front.h"

static struct dentry *fsva_debugfs;
static struct dentry *fsva_debugfs_front;
static bool fsva_debugfs_shared;

static int fsva_stats_show(struct seq_file *m, void *v)
{
	struct fsva_front *ff = m->private;
	const struct fsva_wire_op *row;
	unsigned int op;

	for (op = 0; op < FSVA_OP_MAX; op++) {
		row = fsva_wire_op(op);
		if (row)
			seq_printf(m, "%s %lld\n", row->name,
				   atomic64_read(&ff->ops[op]));
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(fsva_stats);

static int fsva_info_show(struct seq_file *m, void *v)
{
	static const char * const state[] = {
		[FSVA_FRONT_NEW]	= "new",
		[FSVA_FRONT_OFFERED]	= "offered",
		[FSVA_FRONT_LIVE]	= "live",
		[FSVA_FRONT_DEAD]	= "dead",
		[FSVA_FRONT_CLOSED]	= "closed",
	};
	struct fsva_front *ff = m->private;

	seq_printf(m, "state %s\n", state[READ_ONCE(ff->state)]);
	seq_printf(m, "session %016llx\n", ff->session);
	seq_printf(m, "domain %u\n", ff->otherend);
	seq_printf(m, "queues %u\n", ff->nr_queues);
	seq_printf(m, "slots %u\n", FSVA_SLOTS_PER_PAGE << ff->ring_order);
	seq_printf(m, "signal %s\n", fsva_signal_name(ff->signal));
	seq_printf(m, "mwait %d\n", fsva_signal_have_mwait());
	seq_printf(m, "max-data %u\n", ff->max_data);
	seq_printf(m, "busy %d\n", atomic_read(&ff->nr_busy));
	seq_printf(m, "forgets %u\n", READ_ONCE(ff->nr_forgets));
	seq_printf(m, "quiet %u\n", READ_ONCE(ff->nr_quiet));
	seq_printf(m, "killed %lld\n", atomic64_read(&ff->nr_killed));
	seq_printf(m, "suspends %lld\n", atomic64_read(&ff->nr_suspends));
	seq_printf(m, "moves %u\n", READ_ONCE(ff->nr_moves));
	seq_printf(m, "moving %d\n", READ_ONCE(ff->move));
	seq_printf(m, "resent %lld\n", atomic64_read(&ff->nr_resent));
	seq_printf(m, "last-move-us %llu\n", READ_ONCE(ff->moved_ns) / 1000);
	seq_printf(m, "reserve-pages %u of %u\n", READ_ONCE(ff->grants.nr_bounce),
		   READ_ONCE(ff->grants.nr_bounce_all));
	seq_printf(m, "references %u of %u\n", READ_ONCE(ff->grants.nr_ref),
		   READ_ONCE(ff->grants.nr_ref_all));
	seq_printf(m, "leaked-pages %d\n", atomic_read(&ff->grants.nr_leaked));
	seq_printf(m, "shared-pages %u of %u\n", READ_ONCE(ff->shares.nr),
		   READ_ONCE(ff->shares.max));
	seq_printf(m, "credentials %u\n", READ_ONCE(ff->creds.nr));
	seq_printf(m, "inodes %lld\n", atomic64_read(&ff->nr_inodes));
	seq_printf(m, "files %lld\n", atomic64_read(&ff->nr_files));
	fsva_push_show(ff, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(fsva_info);

static int fsva_sig_show(struct seq_file *m, void *v)
{
	struct fsva_front *ff = m->private;
	struct fsva_signal sig;
	unsigned int i;

	if (fsva_ring_enter(ff, true))
		return 0;
	for (i = 0; i < ff->nr_queues; i++) {
		spin_lock_irq(&ff->rings[i].lock);
		sig = ff->rings[i].sig;
		spin_unlock_irq(&ff->rings[i].lock);
		fsva_signal_show(m, i, &sig);
	}
	fsva_ring_leave(ff);
	return 0;
}

static int fsva_sig_open(struct inode *inode, struct file *file)
{
	return single_open(file, fsva_sig_show, inode->i_private);
}

/* A short line from user space.  0 or a negative errno. */
static int fsva_stats_line(char *line, size_t size, const char __user *buf,
			   size_t len)
{
	if (len >= size)
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	return 0;
}

static ssize_t fsva_sig_write(struct file *file, const char __user *buf,
			      size_t len, loff_t *pos)
{
	struct fsva_front *ff = file_inode(file)->i_private;
	int mode, queue, err;
	unsigned int i;
	char line[32];

	err = fsva_stats_line(line, sizeof(line), buf, len);
	if (err)
		return err;
	mode = fsva_signal_command(line, &queue);
	if (mode < 0)
		return mode;
	err = fsva_ring_enter(ff, true);
	if (err)
		return err;
	if (queue >= (int)ff->nr_queues)
		err = -ERANGE;
	for (i = 0; !err && i < ff->nr_queues; i++)
		if (queue < 0 || queue == i)
			WRITE_ONCE(ff->rings[i].sig.mode, mode);
	fsva_ring_leave(ff);
	return err ?: len;
}

static const struct file_operations fsva_sig_fops = {
	.owner		= THIS_MODULE,
	.open		= fsva_sig_open,
	.read		= seq_read,
	.write		= fsva_sig_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static int fsva_null_show(struct seq_file *m, void *v)
{
	struct fsva_front *ff = m->private;

	mutex_lock(&ff->null_mutex);
	seq_printf(m, "%u %llu\n", ff->null_nr, ff->null_ns);
	mutex_unlock(&ff->null_mutex);
	return 0;
}

static int fsva_null_open(struct inode *inode, struct file *file)
{
	return single_open(file, fsva_null_show, inode->i_private);
}

static ssize_t fsva_null_write(struct file *file, const char __user *buf,
			       size_t len, loff_t *pos)
{
	struct fsva_front *ff = file_inode(file)->i_private;
	unsigned int i, nr;
	char line[16];
	u64 start;
	int err;

	err = fsva_stats_line(line, sizeof(line), buf, len);
	if (!err)
		err = kstrtouint(strim(line), 10, &nr);
	if (err)
		return err;
	if (mutex_lock_killable(&ff->null_mutex))
		return -EINTR;
	start = ktime_get_ns();
	for (i = 0; i < nr && !err; i++) {
		err = fatal_signal_pending(current) ? -EINTR :
		      fsva_call_null(ff);
		cond_resched();
	}
	if (!err) {
		ff->null_nr = nr;
		ff->null_ns = ktime_get_ns() - start;
	}
	mutex_unlock(&ff->null_mutex);
	return err ?: len;
}

static const struct file_operations fsva_null_fops = {
	.owner		= THIS_MODULE,
	.open		= fsva_null_open,
	.read		= seq_read,
	.write		= fsva_null_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

static ssize_t fsva_deaf_write(struct file *file, const char __user *buf,
			       size_t len, loff_t *pos)
{
	char line[8];
	bool deaf;
	int err;

	err = fsva_stats_line(line, sizeof(line), buf, len);
	if (!err)
		err = kstrtobool(strim(line), &deaf);
	if (!err)
		err = fsva_front_deafen(file_inode(file)->i_private, deaf);
	return err ?: len;
}

static const struct file_operations fsva_deaf_fops = {
	.owner		= THIS_MODULE,
	.open		= simple_open,
	.write		= fsva_deaf_write,
};

/* Shared pages: index in the file, machine frame, reference. */
static int fsva_shared_show(struct seq_file *m, void *v)
{
	fsva_shares_show(m->private, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(fsva_shared);

static int fsva_coupled_show(struct seq_file *m, void *v)
{
	fsva_ubc_show(m->private, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(fsva_coupled);

void fsva_stats_add(struct fsva_front *ff)
{
	ff->debugfs = debugfs_create_dir(ff->tag, fsva_debugfs_front);
	debugfs_create_file("stats", 0444, ff->debugfs, ff, &fsva_stats_fops);
	debugfs_create_file("info", 0444, ff->debugfs, ff, &fsva_info_fops);
	debugfs_create_file("signal", 0644, ff->debugfs, ff, &fsva_sig_fops);
	debugfs_create_file("null_calls", 0600, ff->debugfs, ff,
			    &fsva_null_fops);
	debugfs_create_file("deaf", 0200, ff->debugfs, ff, &fsva_deaf_fops);
	debugfs_create_file("shared", 0400, ff->debugfs, ff, &fsva_shared_fops);
	debugfs_create_file("ubc", 0444, ff->debugfs, ff, &fsva_coupled_fops);
}

void fsva_stats_remove(struct fsva_front *ff)
{
	debugfs_remove_recursive(ff->debugfs);
	ff->debugfs = NULL;
}

void fsva_stats_init(void)
{
	/* The back may have made it, were both modules loaded here. */
	fsva_debugfs = debugfs_lookup("fsva", NULL);
	fsva_debugfs_shared = !IS_ERR_OR_NULL(fsva_debugfs);
	if (!fsva_debugfs_shared)
		fsva_debugfs = debugfs_create_dir("fsva", NULL);
	fsva_debugfs_front = debugfs_create_dir("front", fsva_debugfs);
}

void fsva_stats_exit(void)
{
	debugfs_remove_recursive(fsva_debugfs_front);
	if (fsva_debugfs_shared)
		dput(fsva_debugfs);
	else
		debugfs_remove(fsva_debugfs);
}
