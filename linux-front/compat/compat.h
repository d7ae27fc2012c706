/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h: bends stock kernels from 6.1 on so that the main files can be
 * written for the newest one.  Included before anything else (Makefile).
 *
 * Where a callback's type changed, the main file writes its head with one of
 * the FSVA_*_ARGS macros below.
 */
#ifndef FSVA_COMPAT_H
#define FSVA_COMPAT_H

#include <linux/version.h>
#include <linux/fs.h>
#include <linux/dcache.h>
#include <linux/mm.h>
#include <linux/uio.h>
#include <linux/uuid.h>
#include <linux/writeback.h>
#include <xen/xenbus.h>

#define FSVA_KERNEL(major, minor) \
	(LINUX_VERSION_CODE >= KERNEL_VERSION(major, minor, 0))

/*
 * 6.18: a queue says that it is bound to processors; before, those were that
 * did not say the opposite.
 */
#if FSVA_KERNEL(6, 18)
#define FSVA_WQ_PERCPU	WQ_PERCPU
#else
#define FSVA_WQ_PERCPU	0
#endif

/* 7.1: a batch of folios has a header of its own. */
#if FSVA_KERNEL(7, 1)
#include <linux/folio_batch.h>
#else
#include <linux/pagevec.h>
#endif

/*
 * 6.2: ACLs by calls of their own and no longer as attributes, and set by
 * dentry; ->get_acl became ->get_inode_acl.
 */
#if FSVA_KERNEL(6, 2)
#define FSVA_SET_ACL_ARGS \
	struct mnt_idmap *idmap, struct dentry *dentry, \
	struct posix_acl *acl, int type
#define FSVA_SET_ACL_INODE	d_inode(dentry)
#define FSVA_XATTR_ACL_HANDLERS(other)	other
#else
#define get_inode_acl		get_acl
#define FSVA_SET_ACL_ARGS \
	struct mnt_idmap *idmap, struct inode *set_acl_inode, \
	struct posix_acl *acl, int type
#define FSVA_SET_ACL_INODE	set_acl_inode
#define FSVA_XATTR_ACL_HANDLERS(other) \
	&posix_acl_access_xattr_handler, &posix_acl_default_xattr_handler, other
#endif

/* 6.7: the table of attribute handlers is constant. */
#if FSVA_KERNEL(6, 7)
#define FSVA_XATTR_HANDLERS(name) \
	const struct xattr_handler *const name[]
#else
#define FSVA_XATTR_HANDLERS(name) \
	const struct xattr_handler *name[]
#endif

/* 6.3: idmapped mounts got a type of their own. */
#if !FSVA_KERNEL(6, 3)
#define mnt_idmap		user_namespace
#define nop_mnt_idmap		init_user_ns
#endif

/* 6.3: locks and leases have a header of their own; 6.9: and a common part. */
#if FSVA_KERNEL(6, 3)
#include <linux/filelock.h>
#endif
#if FSVA_KERNEL(6, 9)
#define fsva_fl(fl, member)	((fl)->c.flc_##member)
#else
#define fsva_fl(fl, member)	((fl)->fl_##member)
#endif

/* 7.0: no leases where there is no ->setlease. */
#if FSVA_KERNEL(7, 0)
#define fsva_no_setlease	NULL
#else
#define fsva_no_setlease	simple_nosetlease
#endif

/* 6.8: what copies where nobody else does. */
#include <linux/splice.h>
#if !FSVA_KERNEL(6, 8)
#define splice_copy_file_range(in, pos_in, out, pos_out, len) \
	generic_copy_file_range(in, pos_in, out, pos_out, len, 0)
#endif

/* 6.4: faults under the lock of one mapping alone. */
#if !FSVA_KERNEL(6, 4)
#define release_fault_lock(vmf)	mmap_read_unlock((vmf)->vma->vm_mm)
#endif

/* 6.4: the iterator's address through an accessor. */
#if !FSVA_KERNEL(6, 4)
static inline void __user *fsva_iter_addr(const struct iov_iter *i)
{
	if (iter_is_ubuf(i))
		return i->ubuf + i->iov_offset;
	return i->iov->iov_base + i->iov_offset;
}
#else
#define fsva_iter_addr(i)	iter_iov_addr(i)
#endif

/* 6.5: splice through ->read_iter. */
#if !FSVA_KERNEL(6, 5)
#define copy_splice_read	generic_file_splice_read
#endif

/* 6.6: which attributes are wanted; 6.7: times behind accessors. */
#if !FSVA_KERNEL(6, 6)
#define generic_fillattr(idmap, mask, inode, stat) \
	generic_fillattr(idmap, inode, stat)
#endif
#if !FSVA_KERNEL(6, 7)
#define fsva_inode_set_atime(inode, ts)	((inode)->i_atime = (ts))
#define fsva_inode_set_mtime(inode, ts)	((inode)->i_mtime = (ts))
#define fsva_inode_set_ctime(inode, ts)	((inode)->i_ctime = (ts))
#define fsva_inode_atime(inode)		((inode)->i_atime)
#define fsva_inode_mtime(inode)		((inode)->i_mtime)
#define fsva_inode_ctime(inode)		((inode)->i_ctime)
#else
#define fsva_inode_set_atime(inode, ts)	inode_set_atime_to_ts(inode, ts)
#define fsva_inode_set_mtime(inode, ts)	inode_set_mtime_to_ts(inode, ts)
#define fsva_inode_set_ctime(inode, ts)	inode_set_ctime_to_ts(inode, ts)
#define fsva_inode_atime(inode)		inode_get_atime(inode)
#define fsva_inode_mtime(inode)		inode_get_mtime(inode)
#define fsva_inode_ctime(inode)		inode_get_ctime(inode)
#endif

/* 6.10: sb->s_uuid through a setter. */
#if !FSVA_KERNEL(6, 9)
static inline void super_set_uuid(struct super_block *sb, const u8 *uuid,
				  unsigned int len)
{
	if (len == sizeof(sb->s_uuid))
		memcpy(&sb->s_uuid, uuid, len);
}
#endif

/* 6.14: ->d_revalidate is told the directory and the name. */
#if FSVA_KERNEL(6, 14)
#define FSVA_REVALIDATE_ARGS \
	struct inode *dir, const struct qstr *name, struct dentry *dentry, \
	unsigned int flags
#else
#define FSVA_REVALIDATE_ARGS	struct dentry *dentry, unsigned int flags
#endif

/* 6.15: ->mkdir returns a dentry. */
#if FSVA_KERNEL(6, 15)
#define FSVA_MKDIR_TYPE		struct dentry *
#define FSVA_MKDIR_RETURN(err)	ERR_PTR(err)
#else
#define FSVA_MKDIR_TYPE		int
#define FSVA_MKDIR_RETURN(err)	(err)
#endif

/* 6.17: struct fileattr was renamed; default dentry operations by a setter. */
#if !FSVA_KERNEL(6, 17)
#define file_kattr		fileattr

static inline void set_default_d_op(struct super_block *sb,
				    const struct dentry_operations *ops)
{
	sb->s_d_op = ops;
}
#endif

#include "fsnotify.h"

/* 6.16 names a component by a qstr in lookups. */
#include <linux/namei.h>
#if !FSVA_KERNEL(6, 16)
#define lookup_one_unlocked(idmap, name, base) \
	lookup_one_unlocked(idmap, (name)->name, base, (name)->len)
#endif

/* 6.18: generic_drop_inode and its kin were renamed; 6.19: i_state hidden. */
#if !FSVA_KERNEL(6, 19)
#define inode_state_read_once(inode)	READ_ONCE((inode)->i_state)
#endif

/* ->update_time.  6.6 took the time out, 7.0 says which of two kinds it is. */
#if FSVA_KERNEL(7, 0)
#define FSVA_UPDATE_TIME_ARGS \
	struct inode *inode, enum fs_update_time type, unsigned int flags
#define FSVA_UPDATE_ATIME	(type == FS_UPD_ATIME)
#define FSVA_UPDATE_CMTIME	(type == FS_UPD_CMTIME)
#define FSVA_UPDATE_NOWAIT	(flags & IOCB_NOWAIT)
#define FSVA_UPDATE_NOW		current_time(inode)
#elif FSVA_KERNEL(6, 6)
#define FSVA_UPDATE_TIME_ARGS	struct inode *inode, int flags
#define FSVA_UPDATE_ATIME	(flags & S_ATIME)
#define FSVA_UPDATE_CMTIME	(flags & (S_MTIME | S_CTIME))
#define FSVA_UPDATE_NOWAIT	false
#define FSVA_UPDATE_NOW		current_time(inode)
#else
#define FSVA_UPDATE_TIME_ARGS \
	struct inode *inode, struct timespec64 *time, int flags
#define FSVA_UPDATE_ATIME	(flags & S_ATIME)
#define FSVA_UPDATE_CMTIME	(flags & (S_MTIME | S_CTIME))
#define FSVA_UPDATE_NOWAIT	false
#define FSVA_UPDATE_NOW		(*time)
#endif

/* 7.2: security modules move a list's end on; before, they gave its length. */
#if FSVA_KERNEL(7, 2)
#define fsva_list_security(inode, list, size) \
({ \
	char *pos_ = (list); \
	ssize_t left_ = (size); \
	int err_ = security_inode_listsecurity(inode, &pos_, &left_); \
	err_ ? err_ : (ssize_t)(size) - left_; \
})
#else
#define fsva_list_security(inode, list, size) \
	((ssize_t)security_inode_listsecurity(inode, list, size))
#endif

/* 7.1: the bus asks for the device as well. */
#if FSVA_KERNEL(7, 1)
#define fsva_xenbus_read_state(dev) \
	xenbus_read_driver_state(dev, (dev)->otherend)
#else
#define fsva_xenbus_read_state(dev) \
	xenbus_read_driver_state((dev)->otherend)
#endif

/* 6.18: the walk over dirty folios is the caller's. */
typedef int fsva_writepage_t(struct folio *folio, struct writeback_control *wbc,
			     void *data);

#if FSVA_KERNEL(6, 11)
static inline int fsva_compat_writepages(struct address_space *mapping,
					 struct writeback_control *wbc,
					 fsva_writepage_t *add, void *data)
{
	struct folio *folio = NULL;
	int err = 0;

	while ((folio = writeback_iter(mapping, wbc, folio, &err)) != NULL)
		err = add(folio, wbc, data);
	return err;
}
#elif FSVA_KERNEL(6, 3)
#define fsva_compat_writepages(mapping, wbc, add, data) \
	write_cache_pages(mapping, wbc, add, data)
#else
struct fsva_compat_walk {
	fsva_writepage_t *add;
	void *data;
};

static inline int fsva_compat_writepage(struct page *page,
					struct writeback_control *wbc,
					void *data)
{
	struct fsva_compat_walk *walk = data;

	return walk->add(page_folio(page), wbc, walk->data);
}

static inline int fsva_compat_writepages(struct address_space *mapping,
					 struct writeback_control *wbc,
					 fsva_writepage_t *add, void *data)
{
	struct fsva_compat_walk walk = { add, data };

	return write_cache_pages(mapping, wbc, fsva_compat_writepage, &walk);
}
#endif

#endif /* FSVA_COMPAT_H */
