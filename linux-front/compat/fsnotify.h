/* SPDX-License-Identifier: GPL-2.0 */
/* fsnotify.h: marks of superblocks; linux-back includes it, too.  Needs FSVA_KERNEL(). */
#ifndef FSVA_COMPAT_FSNOTIFY_H
#define FSVA_COMPAT_FSNOTIFY_H

#include <linux/fsnotify_backend.h>

/* 6.8: marks know nothing of file systems' ids; 6.10: what is marked is named. */
static inline int fsva_compat_add_sb_mark(struct fsnotify_mark *mark,
					  struct super_block *sb)
{
#if FSVA_KERNEL(6, 10)
	return fsnotify_add_mark(mark, sb, FSNOTIFY_OBJ_TYPE_SB, 0);
#elif FSVA_KERNEL(6, 8)
	return fsnotify_add_mark(mark, &sb->s_fsnotify_marks,
				 FSNOTIFY_OBJ_TYPE_SB, 0);
#else
	return fsnotify_add_mark(mark, &sb->s_fsnotify_marks,
				 FSNOTIFY_OBJ_TYPE_SB, 0, NULL);
#endif
}

#endif /* FSVA_COMPAT_FSNOTIFY_H */
