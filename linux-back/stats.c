// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c: /sys/kernel/debug/fsva/back/<domid>-<devid>/stats, one "name number" a line, and beside it pages, the
 * shared pages: handle, index, machine frame where we know it, reference, mappings.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "back.h"

static struct dentry *fsva_debugfs;

static int fsva_stats_show(struct seq_file *seq, void *unused)
{
	struct fsva_back *fb = seq->private;
	const struct fsva_wire_op *row;
	struct fsva_session *ses;
	u64 count;
	u16 op;

	for (op = 0; op < FSVA_OP_MAX; op++) {
		row = fsva_wire_op(op);
		count = atomic64_read(&fb->stats.op[op]);
		if (row && count)
			seq_printf(seq, "%s %llu\n", row->name, count);
	}
	seq_printf(seq, "errors %lld\n", atomic64_read(&fb->stats.errors));
	seq_printf(seq, "refused %lld\n", atomic64_read(&fb->stats.unknown));
	seq_printf(seq, "replayed %lld\n", atomic64_read(&fb->stats.replayed));
	seq_printf(seq, "joined %lld\n", atomic64_read(&fb->stats.joined));
	seq_printf(seq, "rerun %lld\n", atomic64_read(&fb->stats.rerun));
	seq_printf(seq, "suspends %lld\n", atomic64_read(&fb->stats.suspends));
	seq_printf(seq, "resumed %lld\n", atomic64_read(&fb->stats.resumed));
	seq_printf(seq, "breaches %lld\n", atomic64_read(&fb->stats.breaches));
	seq_printf(seq, "bytes_read %lld\n", atomic64_read(&fb->stats.bytes_out));
	seq_printf(seq, "bytes_written %lld\n", atomic64_read(&fb->stats.bytes_in));
	seq_printf(seq, "leaked_pages %lld\n", atomic64_read(&fb->stats.leaked_pages));

	mutex_lock(&fb->stats_lock);
	ses = fb->ses;
	seq_printf(seq, "connected %d\n", ses && READ_ONCE(ses->id));
	seq_printf(seq, "mounted %d\n", ses && READ_ONCE(ses->state) == FSVA_MOUNTED);
	seq_printf(seq, "handles %u\n", ses ? READ_ONCE(ses->handles.nr) : 0);
	seq_printf(seq, "handles_pinned %u\n", ses ? READ_ONCE(ses->handles.nr_pinned) : 0);
	seq_printf(seq, "open_files %u\n", ses ? READ_ONCE(ses->files.nr) : 0);
	seq_printf(seq, "shared_pages %u\n", ses ? READ_ONCE(ses->pages.nr) : 0);
	if (ses) {
		fsva_ubc_show(ses, seq);
		fsva_push_show(ses, seq);
	}
	mutex_unlock(&fb->stats_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(fsva_stats);

static int fsva_pages_file_show(struct seq_file *seq, void *unused)
{
	struct fsva_back *fb = seq->private;

	mutex_lock(&fb->stats_lock);
	if (fb->ses)
		fsva_pages_show(fb->ses, seq);
	mutex_unlock(&fb->stats_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(fsva_pages_file);

void fsva_stats_add(struct fsva_back *fb)
{
	char name[32];

	snprintf(name, sizeof(name), "%u-%u", fb->domid, fb->devid);
	fb->debugfs = debugfs_create_dir(name, fsva_debugfs);
	debugfs_create_file("stats", 0444, fb->debugfs, fb, &fsva_stats_fops);
	debugfs_create_file("pages", 0400, fb->debugfs, fb, &fsva_pages_file_fops);
}

void fsva_stats_remove(struct fsva_back *fb)
{
	debugfs_remove(fb->debugfs);
	fb->debugfs = NULL;
}

void fsva_stats_init(void)
{
	struct dentry *top = debugfs_lookup("fsva", NULL);

	if (!top)
		top = debugfs_create_dir("fsva", NULL);
	fsva_debugfs = debugfs_create_dir("back", top);
	dput(top);
}

void fsva_stats_exit(void)
{
	debugfs_remove(fsva_debugfs);
}
