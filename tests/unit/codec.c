/* SPDX-License-Identifier: MIT */
/*
 * codec.c: the checks of fsva_wire.c, one fault a case, all else valid.
 *
 * A case names a sample (samples.c), a field of it, the value to spoil it with, and what the codec must say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "samples.h"

#include <cmocka.h>

struct fault {
	uint16_t op;
	uint16_t offset;        /* in the slot */
	uint8_t size;           /* of the field */
	uint64_t value;
	int error;              /* expected */
	const char *what;
};

#define SIZE(type, m)           (uint8_t)sizeof(((struct type *)0)->m)
#define HEAD(NAME, m, v, err) \
	{ FSVA_OP_##NAME, offsetof(struct fsva_req, m), SIZE(fsva_req, m), v, err, #NAME " " #m "=" #v }
#define BODY(NAME, type, m, v, err) \
	{ FSVA_OP_##NAME, offsetof(struct fsva_req, body) + offsetof(struct type, m), SIZE(type, m), v, err, \
	  #NAME " " #m "=" #v }

static const struct fault req_faults[] = {
	/* the head */
	HEAD(LOOKUP, id, 0, FSVA_EPROTO),
	HEAD(LOOKUP, tag, SAMPLE_SLOTS - 1, FSVA_OK),
	HEAD(LOOKUP, tag, SAMPLE_SLOTS, FSVA_EPROTO),
	HEAD(LOOKUP, tag, 0xffff, FSVA_EPROTO),
	HEAD(LOOKUP, cred, SAMPLE_CREDS - 1, FSVA_OK),
	HEAD(LOOKUP, cred, SAMPLE_CREDS, FSVA_EPROTO),
	HEAD(LOOKUP, cred, 0, FSVA_EPROTO),
	HEAD(MOUNT, cred, 0, FSVA_EPROTO),
	HEAD(NULL_CALL, cred, 1, FSVA_OK),
	HEAD(NULL_CALL, cred, SAMPLE_CREDS, FSVA_EPROTO),
	HEAD(LOOKUP, flags, FSVA_REQ_RESENT, FSVA_OK),
	HEAD(LOOKUP, flags, 2, FSVA_EPROTO),
	HEAD(LOOKUP, flags, 0x8000, FSVA_EPROTO),
	HEAD(LOOKUP, umask, 0777, FSVA_OK),
	HEAD(LOOKUP, umask, 01000, FSVA_EPROTO),
	HEAD(LOOKUP, pad[0], 1, FSVA_EPROTO),
	HEAD(LOOKUP, pad[5], 1, FSVA_EPROTO),
	HEAD(LOOKUP, op, 0, FSVA_EOPNOTSUPP),
	HEAD(LOOKUP, op, 7, FSVA_EOPNOTSUPP),
	HEAD(LOOKUP, op, FSVA_OP_MAX - 1, FSVA_EOPNOTSUPP),
	HEAD(LOOKUP, op, FSVA_OP_MAX, FSVA_EOPNOTSUPP),
	HEAD(LOOKUP, op, 0xffff, FSVA_EOPNOTSUPP),
	HEAD(LOOKUP, piggy.seq, 1, FSVA_EPROTO),
	HEAD(LOOKUP, piggy.nr, 4, FSVA_EPROTO),
	HEAD(LOOKUP, piggy.nr, 1, FSVA_EPROTO),
	HEAD(LOOKUP, piggy.pad[6], 1, FSVA_EPROTO),
	HEAD(LOOKUP, piggy.msg[0].handle, 1, FSVA_EPROTO),
	HEAD(LOOKUP, piggy.msg[2].pad, 1, FSVA_EPROTO),
	/* the data descriptor */
	HEAD(LOOKUP, data_len, 1, FSVA_EPROTO),
	HEAD(LOOKUP, data_off, 1, FSVA_EPROTO),
	HEAD(LOOKUP, nr_grefs, 1, FSVA_EPROTO),
	HEAD(WRITE, data_off, 4096, FSVA_EPROTO),
	HEAD(WRITE, data_off, 4095, FSVA_EPROTO),
	HEAD(WRITE, data_len, 4096, FSVA_OK),
	HEAD(WRITE, data_len, 4097, FSVA_EPROTO),
	HEAD(WRITE, data_len, 0xffffffff, FSVA_EPROTO),
	HEAD(WRITE, data_len, 0, FSVA_OK),
	HEAD(WRITE, nr_grefs, 1, FSVA_OK),
	HEAD(WRITE, nr_grefs, 2, FSVA_EPROTO),
	HEAD(WRITE, nr_grefs, 97, FSVA_EPROTO),
	HEAD(WRITE, nr_grefs, 0xffff, FSVA_EPROTO),
	HEAD(READ, data_len, 4096 * 5 - 100, FSVA_OK),
	HEAD(READ, data_len, 4096 * 5 - 99, FSVA_EPROTO),
	HEAD(READ, data_len, 4096 * 4 - 100, FSVA_EPROTO),
	HEAD(READ, data_len, 0, FSVA_EPROTO),
	HEAD(READ, data_len, 0xffffffff, FSVA_EPROTO),
	HEAD(READ, nr_grefs, 4, FSVA_EPROTO),
	HEAD(READ, nr_grefs, 6, FSVA_EPROTO),
	HEAD(READ, nr_grefs, 0, FSVA_EPROTO),
	HEAD(READ, body[300], 1, FSVA_EPROTO),
	/* names */
	BODY(LOOKUP, fsva_lookup_req, name.dir, 0, FSVA_EINVAL),
	BODY(LOOKUP, fsva_lookup_req, name.len, 0, FSVA_EPROTO),
	BODY(LOOKUP, fsva_lookup_req, name.len, 3, FSVA_EPROTO),
	BODY(LOOKUP, fsva_lookup_req, name.len, 5, FSVA_EINVAL),
	BODY(LOOKUP, fsva_lookup_req, name.len, 255, FSVA_EINVAL),
	BODY(LOOKUP, fsva_lookup_req, name.len, 256, FSVA_ENAMETOOLONG),
	BODY(LOOKUP, fsva_lookup_req, name.len, 0xffff, FSVA_ENAMETOOLONG),
	BODY(LOOKUP, fsva_lookup_req, name.pad[3], 1, FSVA_EPROTO),
	BODY(LOOKUP, fsva_lookup_req, name.name[0], '/', FSVA_EINVAL),
	BODY(LOOKUP, fsva_lookup_req, name.name[3], '/', FSVA_EINVAL),
	BODY(LOOKUP, fsva_lookup_req, name.name[2], 0, FSVA_EINVAL),
	BODY(LOOKUP, fsva_lookup_req, name.name[3], 0xff, FSVA_OK),
	BODY(LOOKUP, fsva_lookup_req, name.name[4], 'x', FSVA_EPROTO),
	BODY(LOOKUP, fsva_lookup_req, name.name[255], 'x', FSVA_EPROTO),
	BODY(MKDIR, fsva_mkdir_req, name.name[8], '/', FSVA_EINVAL),
	BODY(MKDIR, fsva_mkdir_req, name.name[7], 0, FSVA_EINVAL),
	BODY(UNLINK, fsva_unlink_req, name.name[0], '/', FSVA_EINVAL),
	BODY(RMDIR, fsva_unlink_req, name.name[1], '/', FSVA_EINVAL),
	BODY(RENAME, fsva_rename_req, name.name[0], '/', FSVA_EINVAL),
	BODY(DENTRY_VALIDATE, fsva_dentry_validate_req, name.name[0], '/', FSVA_EINVAL),
	BODY(GETXATTR, fsva_getxattr_req, name.name[0], '/', FSVA_OK),
	BODY(GETXATTR, fsva_getxattr_req, name.name[3], 0, FSVA_EINVAL),
	BODY(GETXATTR, fsva_getxattr_req, name.dir, 0, FSVA_EINVAL),
	BODY(GETXATTR, fsva_getxattr_req, name.len, 9, FSVA_EINVAL),
	BODY(SETXATTR, fsva_setxattr_req, name.name[9], 1, FSVA_EPROTO),
	BODY(REMOVEXATTR, fsva_getxattr_req, name.len, 256, FSVA_ENAMETOOLONG),
	/* the session */
	BODY(NULL_CALL, fsva_void, none[7], 1, FSVA_EPROTO),
	BODY(UNMOUNT, fsva_void, none[0], 1, FSVA_EPROTO),
	BODY(FREEZE, fsva_void, none[0], 1, FSVA_EPROTO),
	BODY(THAW, fsva_void, none[0], 1, FSVA_EPROTO),
	BODY(SHOW_OPTIONS, fsva_void, none[0], 1, FSVA_EPROTO),
	BODY(EVENT, fsva_event_req, seq, 0, FSVA_OK),
	BODY(EVENT, fsva_event_req, seq, UINT64_MAX, FSVA_OK),
	HEAD(EVENT, data_len, 287, FSVA_EINVAL),
	BODY(SESSION, fsva_session_req, session, 0, FSVA_EINVAL),
	BODY(SESSION, fsva_session_req, next_id, 0, FSVA_EINVAL),
	BODY(SESSION, fsva_session_req, features, UINT64_MAX, FSVA_OK),
	BODY(SESSION, fsva_session_req, minor, 0xffff, FSVA_OK),
	BODY(SESSION, fsva_session_req, pad[0], 1, FSVA_EPROTO),
	BODY(CRED_SET, fsva_cred_set_req, index, 0, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, index, SAMPLE_CREDS - 1, FSVA_OK),
	BODY(CRED_SET, fsva_cred_set_req, index, SAMPLE_CREDS, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, index, 0xffffffff, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, nr_groups, 2, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, nr_groups, 4, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, nr_groups, 0x40000003, FSVA_EINVAL),
	HEAD(CRED_SET, data_len, 13, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, caps, FSVA_CAP_ALL, FSVA_OK),
	BODY(CRED_SET, fsva_cred_set_req, caps, FSVA_CAP_ALL + 1, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, fsuid, 0xffffffff, FSVA_EINVAL),
	BODY(CRED_SET, fsva_cred_set_req, fsgid, 0xffffffff, FSVA_EINVAL),
	BODY(INTERRUPT, fsva_interrupt_req, target, 0, FSVA_EINVAL),
	BODY(INTERRUPT, fsva_interrupt_req, queue, FSVA_MAX_QUEUES, FSVA_EINVAL),
	BODY(INTERRUPT, fsva_interrupt_req, pad[5], 1, FSVA_EPROTO),
	HEAD(RESTORE_GRANTS, data_len, 23, FSVA_EINVAL),
	/* the mount */
	BODY(MOUNT, fsva_mount_req, flags, 0x80, FSVA_EINVAL),
	BODY(MOUNT, fsva_mount_req, pad, 1, FSVA_EPROTO),
	BODY(REMOUNT, fsva_remount_req, flags, 0x80, FSVA_EINVAL),
	BODY(REMOUNT, fsva_remount_req, mask, 0x80000000, FSVA_EINVAL),
	BODY(SYNCFS, fsva_syncfs_req, wait, 2, FSVA_EINVAL),
	BODY(SYNCFS, fsva_syncfs_req, pad, 1, FSVA_EPROTO),
	BODY(STATFS, fsva_statfs_req, handle, 0, FSVA_EINVAL),
	HEAD(STATFS, body[8], 1, FSVA_EPROTO),
	HEAD(STATFS, body[415], 1, FSVA_EPROTO),
	/* inodes */
	BODY(GETATTR, fsva_getattr_req, handle, 0, FSVA_EINVAL),
	BODY(GETATTR, fsva_getattr_req, fh, 1, FSVA_OK),
	BODY(GETATTR, fsva_getattr_req, flags, 3, FSVA_EINVAL),
	BODY(GETATTR, fsva_getattr_req, flags, 4, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, handle, 0, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, size, 1ull << 63, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, atime.nsec, 1000000000, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, mtime.nsec, 1000000000, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, ctime.nsec, 0xffffffff, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, atime.pad, 1, FSVA_EPROTO),
	BODY(SETATTR, fsva_setattr_req, valid, 0x8000, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, valid, FSVA_SET_ATIME_VALUE, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, valid, FSVA_SET_MTIME_VALUE, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, mode, 0200000, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, uid, 0xffffffff, FSVA_EINVAL),
	BODY(SETATTR, fsva_setattr_req, gid, 0xffffffff, FSVA_EINVAL),
	BODY(DIRTY_INODE, fsva_dirty_inode_req, valid, FSVA_SET_SIZE, FSVA_EINVAL),
	BODY(DIRTY_INODE, fsva_dirty_inode_req, ctime.nsec, 1000000000, FSVA_EINVAL),
	BODY(DIRTY_INODE, fsva_dirty_inode_req, pad, 1, FSVA_EPROTO),
	BODY(WRITE_INODE, fsva_write_inode_req, wait, 2, FSVA_EINVAL),
	BODY(WRITE_INODE, fsva_write_inode_req, pad, 1, FSVA_EPROTO),
	BODY(TRUNCATE, fsva_truncate_req, size, 1ull << 63, FSVA_EINVAL),
	BODY(PERMISSION, fsva_permission_req, mask, 0x80, FSVA_EINVAL),
	BODY(PERMISSION, fsva_permission_req, pad, 1, FSVA_EPROTO),
	/* what makes and removes names */
	BODY(CREATE, fsva_create_req, mode, 07777, FSVA_OK),
	BODY(CREATE, fsva_create_req, mode, 0040644, FSVA_EINVAL),
	BODY(CREATE, fsva_create_req, mode, 0200644, FSVA_EINVAL),
	BODY(CREATE, fsva_create_req, flags, 4, FSVA_EINVAL),
	BODY(CREATE, fsva_create_req, flags, FSVA_CREATE_EXCL, FSVA_EINVAL),    /* open_flags without OPEN */
	BODY(CREATE, fsva_create_req, open_flags, 3, FSVA_EINVAL),
	BODY(CREATE, fsva_create_req, open_flags, 0x40, FSVA_EINVAL),
	BODY(CREATE, fsva_create_req, pad, 1, FSVA_EPROTO),
	BODY(MKNOD, fsva_mknod_req, mode, 0100644, FSVA_EINVAL),                /* a file with a device number */
	BODY(MKNOD, fsva_mknod_req, mode, 0040644, FSVA_EINVAL),
	BODY(MKNOD, fsva_mknod_req, mode, 0120644, FSVA_EINVAL),
	BODY(MKNOD, fsva_mknod_req, mode, 0170644, FSVA_EINVAL),
	BODY(MKNOD, fsva_mknod_req, mode, 0020644, FSVA_OK),
	BODY(MKNOD, fsva_mknod_req, rdev_major, 0x1000, FSVA_EINVAL),
	BODY(MKNOD, fsva_mknod_req, rdev_minor, 0x100000, FSVA_EINVAL),
	BODY(MKNOD, fsva_mknod_req, pad, 1, FSVA_EPROTO),
	BODY(MKDIR, fsva_mkdir_req, mode, 0100755, FSVA_EINVAL),
	BODY(MKDIR, fsva_mkdir_req, mode, 0041777, FSVA_OK),
	BODY(MKDIR, fsva_mkdir_req, pad, 1, FSVA_EPROTO),
	BODY(UNLINK, fsva_unlink_req, handle, 0, FSVA_EINVAL),
	BODY(RMDIR, fsva_unlink_req, handle, 0, FSVA_EINVAL),
	BODY(LINK, fsva_link_req, handle, 0, FSVA_EINVAL),
	HEAD(SYMLINK, data_len, 0, FSVA_EINVAL),
	HEAD(SYMLINK, data_len, 4095, FSVA_OK),
	HEAD(SYMLINK, data_len, 4096, FSVA_ENAMETOOLONG),
	BODY(RENAME, fsva_rename_req, new_dir, 0, FSVA_EINVAL),
	BODY(RENAME, fsva_rename_req, handle, 0, FSVA_EINVAL),
	BODY(RENAME, fsva_rename_req, new_handle, 0, FSVA_OK),
	BODY(RENAME, fsva_rename_req, flags, 8, FSVA_EINVAL),
	BODY(RENAME, fsva_rename_req, flags, FSVA_RENAME_EXCHANGE | FSVA_RENAME_NOREPLACE, FSVA_EINVAL),
	BODY(RENAME, fsva_rename_req, flags, FSVA_RENAME_NOREPLACE | FSVA_RENAME_WHITEOUT, FSVA_OK),
	BODY(RENAME, fsva_rename_req, pad, 1, FSVA_EPROTO),
	HEAD(RENAME, data_len, 0, FSVA_EINVAL),
	HEAD(RENAME, data_len, 256, FSVA_ENAMETOOLONG),
	BODY(TMPFILE, fsva_tmpfile_req, dir, 0, FSVA_EINVAL),
	BODY(TMPFILE, fsva_tmpfile_req, open_flags, 3, FSVA_EINVAL),
	BODY(TMPFILE, fsva_tmpfile_req, mode, 0040600, FSVA_EINVAL),
	BODY(DENTRY_VALIDATE, fsva_dentry_validate_req, handle, 0, FSVA_OK),
	BODY(DENTRY_VALIDATE, fsva_dentry_validate_req, flags, 0x10, FSVA_EINVAL),
	BODY(DENTRY_VALIDATE, fsva_dentry_validate_req, pad, 1, FSVA_EPROTO),
	BODY(DENTRY_RELEASE, fsva_dentry_release_req, handle, 0, FSVA_EINVAL),
	BODY(DENTRY_RELEASE, fsva_dentry_release_req, nr_lookups, 0, FSVA_EINVAL),
	/* open files */
	BODY(OPEN, fsva_open_req, handle, 0, FSVA_EINVAL),
	BODY(OPEN, fsva_open_req, flags, 3, FSVA_EINVAL),
	BODY(OPEN, fsva_open_req, flags, 0x40, FSVA_EINVAL),            /* O_CREAT never crosses */
	BODY(OPEN, fsva_open_req, flags, FSVA_O_ALL - 1, FSVA_OK),
	BODY(OPEN, fsva_open_req, pad, 1, FSVA_EPROTO),
	BODY(RELEASE, fsva_release_req, fh, 0, FSVA_EINVAL),
	BODY(FLUSH, fsva_release_req, fh, 0, FSVA_EINVAL),
	BODY(FSYNC, fsva_fsync_req, fh, 0, FSVA_EINVAL),
	BODY(FSYNC, fsva_fsync_req, end, 1ull << 63, FSVA_EINVAL),
	BODY(FSYNC, fsva_fsync_req, start, UINT64_MAX, FSVA_EINVAL),
	BODY(FSYNC, fsva_fsync_req, datasync, 2, FSVA_EINVAL),
	BODY(FSYNC, fsva_fsync_req, pad, 1, FSVA_EPROTO),
	BODY(SEEK, fsva_seek_req, whence, 5, FSVA_EINVAL),
	BODY(SEEK, fsva_seek_req, offset, UINT64_MAX, FSVA_OK),
	BODY(SEEK, fsva_seek_req, pad, 1, FSVA_EPROTO),
	BODY(READDIR, fsva_readdir_req, fh, 0, FSVA_EINVAL),
	BODY(READDIR, fsva_readdir_req, cookie, UINT64_MAX, FSVA_OK),
	BODY(READ, fsva_read_req, fh, 0, FSVA_EINVAL),
	BODY(READ, fsva_read_req, offset, INT64_MAX - 20000, FSVA_OK),
	BODY(READ, fsva_read_req, offset, INT64_MAX - 19999, FSVA_EINVAL),
	BODY(READ, fsva_read_req, offset, UINT64_MAX, FSVA_EINVAL),
	BODY(READ, fsva_read_req, flags, FSVA_RW_APPEND, FSVA_EINVAL),
	BODY(READ, fsva_read_req, flags, FSVA_RW_ATIME, FSVA_OK),
	BODY(READ, fsva_read_req, flags, FSVA_RW_ATIME | FSVA_RW_PAGE, FSVA_EINVAL),
	BODY(READ, fsva_read_req, flags, 0x100, FSVA_EINVAL),
	BODY(READ, fsva_read_req, pad[11], 1, FSVA_EPROTO),
	BODY(WRITE, fsva_read_req, offset, 1ull << 63, FSVA_EINVAL),
	BODY(WRITE, fsva_read_req, flags, FSVA_RW_APPEND, FSVA_OK),
	BODY(WRITE, fsva_read_req, flags, FSVA_RW_ATIME, FSVA_EINVAL),
	BODY(FALLOCATE, fsva_fallocate_req, len, 0, FSVA_EINVAL),
	BODY(FALLOCATE, fsva_fallocate_req, len, INT64_MAX, FSVA_EINVAL),
	BODY(FALLOCATE, fsva_fallocate_req, offset, 1ull << 63, FSVA_EINVAL),
	BODY(FALLOCATE, fsva_fallocate_req, mode, 0x80, FSVA_EINVAL),
	BODY(FALLOCATE, fsva_fallocate_req, pad, 1, FSVA_EPROTO),
	BODY(COPY_RANGE, fsva_copy_range_req, fh_in, 0, FSVA_EINVAL),
	BODY(COPY_RANGE, fsva_copy_range_req, fh_out, 0, FSVA_EINVAL),
	BODY(COPY_RANGE, fsva_copy_range_req, len, INT64_MAX, FSVA_EINVAL),
	BODY(COPY_RANGE, fsva_copy_range_req, offset_out, INT64_MAX - 4095, FSVA_EINVAL),
	BODY(COPY_RANGE, fsva_copy_range_req, flags, FSVA_REMAP_DEDUP, FSVA_EINVAL),
	BODY(COPY_RANGE, fsva_copy_range_req, pad, 1, FSVA_EPROTO),
	BODY(REMAP_RANGE, fsva_copy_range_req, flags, 3, FSVA_OK),
	BODY(REMAP_RANGE, fsva_copy_range_req, flags, 4, FSVA_EINVAL),
	BODY(FADVISE, fsva_fadvise_req, advice, 6, FSVA_EINVAL),
	BODY(FADVISE, fsva_fadvise_req, len, 1ull << 63, FSVA_EINVAL),
	BODY(FADVISE, fsva_fadvise_req, pad, 1, FSVA_EPROTO),
	BODY(FIEMAP, fsva_fiemap_req, max_extents, 129, FSVA_EINVAL),
	BODY(FIEMAP, fsva_fiemap_req, max_extents, 0, FSVA_OK),
	BODY(FIEMAP, fsva_fiemap_req, max_extents, 0x80000001, FSVA_EINVAL),
	BODY(IOCTL, fsva_ioctl_req, in_len, 64, FSVA_OK),
	BODY(IOCTL, fsva_ioctl_req, in_len, 65, FSVA_EINVAL),
	BODY(IOCTL, fsva_ioctl_req, fh, 0, FSVA_EINVAL),
	BODY(LOCK, fsva_lock_req, type, 3, FSVA_EINVAL),
	BODY(LOCK, fsva_lock_req, flags, 4, FSVA_EINVAL),
	BODY(LOCK, fsva_lock_req, start, UINT64_MAX, FSVA_EINVAL),
	BODY(LOCK, fsva_lock_req, end, UINT64_MAX, FSVA_EINVAL),
	BODY(LOCK_TEST, fsva_lock_req, flags, FSVA_LOCKF_WAIT, FSVA_EINVAL),
	BODY(FLOCK, fsva_lock_req, flags, FSVA_LOCKF_OFD, FSVA_EINVAL),
	BODY(FLOCK, fsva_lock_req, start, 1, FSVA_EINVAL),
	BODY(FLOCK, fsva_lock_req, end, 1, FSVA_EINVAL),
	/* attributes */
	BODY(SETXATTR, fsva_setxattr_req, flags, 4, FSVA_EINVAL),
	BODY(SETXATTR, fsva_setxattr_req, pad, 1, FSVA_EPROTO),
	BODY(LISTXATTR, fsva_listxattr_req, handle, 0, FSVA_EINVAL),
	BODY(GET_ACL, fsva_get_acl_req, type, 2, FSVA_EINVAL),
	BODY(GET_ACL, fsva_get_acl_req, pad, 1, FSVA_EPROTO),
	HEAD(SET_ACL, data_len, 25, FSVA_EINVAL),
	HEAD(SET_ACL, data_len, 0, FSVA_OK),
	BODY(FILEATTR_SET, fsva_fileattr_set_req, which, 0, FSVA_EINVAL),
	BODY(FILEATTR_SET, fsva_fileattr_set_req, which, 4, FSVA_EINVAL),
	BODY(FILEATTR_SET, fsva_fileattr_set_req, pad, 1, FSVA_EPROTO),
	/* export handles */
	HEAD(ENCODE_FH, data_len, FSVA_EXPORT_FH_MAX + 1, FSVA_EINVAL),
	HEAD(DECODE_FH, data_len, FSVA_EXPORT_FH_MAX + 1, FSVA_EINVAL),
	HEAD(DECODE_FH, data_len, 0, FSVA_EINVAL),
	BODY(DECODE_FH, fsva_decode_fh_req, parent, 2, FSVA_EINVAL),
	BODY(GET_NAME, fsva_get_name_req, handle, 0, FSVA_EINVAL),
	/* shared frames */
	BODY(MAP_PAGE, fsva_map_page_req, handle, 0, FSVA_EINVAL),
	BODY(MAP_PAGE, fsva_map_page_req, nr_pages, 0, FSVA_EINVAL),
	BODY(MAP_PAGE, fsva_map_page_req, nr_pages, FSVA_MAP_MAX + 1, FSVA_EINVAL),
	BODY(MAP_PAGE, fsva_map_page_req, index, (INT64_MAX >> 12) - 3, FSVA_OK),
	BODY(MAP_PAGE, fsva_map_page_req, index, (INT64_MAX >> 12) - 2, FSVA_EINVAL),
	BODY(MAP_PAGE, fsva_map_page_req, index, UINT64_MAX, FSVA_EINVAL),
	BODY(MAP_PAGE, fsva_map_page_req, flags, 3, FSVA_OK),
	BODY(MAP_PAGE, fsva_map_page_req, flags, 4, FSVA_EINVAL),
	BODY(UNMAP_PAGE, fsva_unmap_page_req, nr, 0, FSVA_EINVAL),
	BODY(UNMAP_PAGE, fsva_unmap_page_req, nr, 1, FSVA_EINVAL),
	BODY(UNMAP_PAGE, fsva_unmap_page_req, nr, 3, FSVA_EINVAL),
	BODY(UNMAP_PAGE, fsva_unmap_page_req, nr, FSVA_MAP_MAX + 1, FSVA_EINVAL),
	BODY(UNMAP_PAGE, fsva_unmap_page_req, gref[0], 0, FSVA_EINVAL),
	BODY(UNMAP_PAGE, fsva_unmap_page_req, pad, 1, FSVA_EPROTO),
	BODY(EVICT_PAGE, fsva_evict_page_req, nr, 3, FSVA_EINVAL),
	BODY(EVICT_PAGE, fsva_evict_page_req, nr, 0x10000002, FSVA_EINVAL),
	BODY(EVICT_PAGE, fsva_evict_page_req, flags, FSVA_EVICT_FLAGS, FSVA_EINVAL),
	BODY(EVICT_PAGE, fsva_evict_page_req, flags, 4, FSVA_EINVAL),
	BODY(EVICT_PAGE, fsva_evict_page_req, frames, FSVA_FRAMES_MAX + 1, FSVA_EINVAL),
	HEAD(EVICT_PAGE, data_len, 16, FSVA_EINVAL),
	HEAD(EVICT_PAGE, data_len, 33, FSVA_EINVAL),
	BODY(INVALIDATE_PAGE, fsva_invalidate_page_req, start, UINT64_MAX, FSVA_EINVAL),
	BODY(INVALIDATE_PAGE, fsva_invalidate_page_req, end, UINT64_MAX, FSVA_EINVAL),
};

#define RHEAD(NAME, m, v, err) \
	{ FSVA_OP_##NAME, offsetof(struct fsva_rsp, m), SIZE(fsva_rsp, m), v, err, #NAME " " #m "=" #v }
#define RBODY(NAME, type, m, v, err) \
	{ FSVA_OP_##NAME, offsetof(struct fsva_rsp, body) + offsetof(struct type, m), SIZE(type, m), v, err, \
	  #NAME " " #m "=" #v }

static const struct fault rsp_faults[] = {
	RHEAD(LOOKUP, id, 1, FSVA_EPROTO),
	RHEAD(LOOKUP, op, FSVA_OP_GETATTR, FSVA_EPROTO),
	RHEAD(LOOKUP, tag, 6, FSVA_EPROTO),
	RHEAD(LOOKUP, error, FSVA_ENOENT, FSVA_EPROTO),                 /* an error with a body */
	RHEAD(NULL_CALL, error, FSVA_EIO, FSVA_OK),
	RHEAD(NULL_CALL, error, 4095, FSVA_OK),
	RHEAD(NULL_CALL, error, 4096, FSVA_EPROTO),
	RHEAD(NULL_CALL, error, 0xffffffff, FSVA_EPROTO),
	RHEAD(NULL_CALL, flags, FSVA_RSP_REPLAYED, FSVA_OK),
	RHEAD(NULL_CALL, flags, 2, FSVA_EPROTO),
	RHEAD(NULL_CALL, pad[7], 1, FSVA_EPROTO),
	RHEAD(NULL_CALL, data_len, 1, FSVA_EPROTO),
	RHEAD(NULL_CALL, body[0], 1, FSVA_EPROTO),
	RHEAD(NULL_CALL, body[8], 1, FSVA_EPROTO),
	RHEAD(NULL_CALL, body[415], 1, FSVA_EPROTO),
	RHEAD(NULL_CALL, piggy.nr, 4, FSVA_EPROTO),
	RHEAD(NULL_CALL, piggy.seq, 1, FSVA_EPROTO),
	RHEAD(READ, data_len, 20000, FSVA_OK),
	RHEAD(READ, data_len, 20001, FSVA_EPROTO),
	RHEAD(WRITE, data_len, 15, FSVA_OK),
	RHEAD(WRITE, data_len, 16, FSVA_EPROTO),
	RHEAD(RENAME, data_len, 1, FSVA_EPROTO),                        /* data goes one way there */
	RHEAD(READLINK, data_len, 0, FSVA_OK),
	RHEAD(GET_NAME, data_len, 256, FSVA_EPROTO),
	RHEAD(GET_NAME, data_len, 0, FSVA_EPROTO),
	/* attributes, wherever they are */
	RBODY(GETATTR, fsva_getattr_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.mode, 0150644, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.mode, 0300644, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.mode, 0140777, FSVA_OK),
	RBODY(GETATTR, fsva_getattr_rsp, attr.size, 1ull << 63, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.size, INT64_MAX, FSVA_OK),
	RBODY(GETATTR, fsva_getattr_rsp, attr.atime.nsec, 1000000000, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.mtime.nsec, 1000000000, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.ctime.nsec, 1000000000, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.btime.nsec, 1000000000, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.btime.pad, 1, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.attributes, 1, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.attributes_mask, 1ull << 63, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.uid, 0xffffffff, FSVA_OK),
	RBODY(GETATTR, fsva_getattr_rsp, attr.gid, 0xffffffff, FSVA_OK),
	RBODY(GETATTR, fsva_getattr_rsp, attr.rdev_major, 0x1000, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.rdev_minor, 0x100000, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.blksize, 0, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.blksize, 0x40000001, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.flags, 0x80, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, attr.valid, 8, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, impl, 0x200000, FSVA_EPROTO),
	RBODY(GETATTR, fsva_getattr_rsp, pad, 1, FSVA_EPROTO),
	RBODY(SETATTR, fsva_getattr_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(TRUNCATE, fsva_getattr_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(FALLOCATE, fsva_getattr_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(SETXATTR, fsva_getattr_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(SET_ACL, fsva_getattr_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(LOOKUP, fsva_lookup_rsp, entry.handle, 0, FSVA_EPROTO),
	RBODY(LOOKUP, fsva_lookup_rsp, entry.impl, 0xffffffff, FSVA_EPROTO),
	RBODY(LOOKUP, fsva_lookup_rsp, entry.pad, 1, FSVA_EPROTO),
	RBODY(LOOKUP, fsva_lookup_rsp, entry.attr.mode, 0040755, FSVA_OK),
	RBODY(DECODE_FH, fsva_lookup_rsp, entry.handle, 0, FSVA_EPROTO),
	RBODY(CREATE, fsva_create_rsp, entry.handle, 0, FSVA_EPROTO),
	RBODY(CREATE, fsva_create_rsp, entry.attr.mode, 0040755, FSVA_EPROTO),
	RBODY(CREATE, fsva_create_rsp, dir.mode, 0100644, FSVA_EPROTO),
	RBODY(CREATE, fsva_create_rsp, fh, 0, FSVA_EPROTO),
	RBODY(TMPFILE, fsva_create_rsp, fh, 0, FSVA_EPROTO),
	RBODY(MKDIR, fsva_create_rsp, entry.attr.mode, 0100644, FSVA_EPROTO),
	RBODY(MKDIR, fsva_create_rsp, fh, 1, FSVA_EPROTO),
	RBODY(SYMLINK, fsva_create_rsp, entry.attr.mode, 0100644, FSVA_EPROTO),
	RBODY(MKNOD, fsva_create_rsp, entry.attr.mode, 0020644, FSVA_EPROTO),
	RBODY(LINK, fsva_create_rsp, entry.attr.mode, 0020644, FSVA_OK),
	RBODY(UNLINK, fsva_unlink_rsp, victim.mode, 0040755, FSVA_EPROTO),
	RBODY(RMDIR, fsva_unlink_rsp, victim.mode, 0100644, FSVA_EPROTO),
	RBODY(RMDIR, fsva_unlink_rsp, dir.mode, 0, FSVA_EPROTO),
	RBODY(RENAME, fsva_rename_rsp, old_dir.mode, 0100644, FSVA_EPROTO),
	RBODY(RENAME, fsva_rename_rsp, new_dir.mode, 0, FSVA_EPROTO),
	RBODY(DENTRY_VALIDATE, fsva_dentry_validate_rsp, attr.mode, 0, FSVA_EPROTO),
	/* the session */
	RBODY(SESSION, fsva_session_rsp, session, 1, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, features, FSVA_FEATURE_UBC, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, minor, 1, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, nr_creds, 1, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, nr_creds, FSVA_MAX_CREDS + 1, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, flags, 2, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, max_data, 0, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, max_data, 4097, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, max_data, 97 * 4096, FSVA_EPROTO),
	RBODY(SESSION, fsva_session_rsp, pad, 1, FSVA_EPROTO),
	RBODY(EVENT, fsva_event_rsp, nr, 1, FSVA_EPROTO),
	RBODY(EVENT, fsva_event_rsp, nr, 3, FSVA_EPROTO),
	RBODY(EVENT, fsva_event_rsp, seq, 0, FSVA_EPROTO),
	RBODY(EVENT, fsva_event_rsp, seq, 18, FSVA_EPROTO),
	RBODY(EVENT, fsva_event_rsp, pad, 1, FSVA_EPROTO),
	RHEAD(EVENT, data_len, 577, FSVA_EPROTO),
	RBODY(RESTORE_GRANTS, fsva_restore_grants_rsp, nr, 3, FSVA_EPROTO),
	RBODY(RESTORE_GRANTS, fsva_restore_grants_rsp, pad, 1, FSVA_EPROTO),
	/* the mount */
	RBODY(MOUNT, fsva_mount_rsp, root.handle, 0, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, root.attr.mode, 0100644, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, max_size, 0, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, max_size, 1ull << 63, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, time_min.nsec, 1000000000, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, time_gran, 0, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, time_gran, 1000000001, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, blksize, 0, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, blksize, 3000, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, name_max, 0, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, name_max, 1530, FSVA_OK),
	RBODY(MOUNT, fsva_mount_rsp, flags, 0x80, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, type[0], 0, FSVA_EPROTO),
	RBODY(MOUNT, fsva_mount_rsp, type[31], 'x', FSVA_EPROTO),
	RBODY(REMOUNT, fsva_remount_rsp, flags, 0x80, FSVA_EPROTO),
	RBODY(REMOUNT, fsva_remount_rsp, pad, 1, FSVA_EPROTO),
	/* open files */
	RBODY(OPEN, fsva_open_rsp, fh, 0, FSVA_EPROTO),
	RBODY(OPEN, fsva_open_rsp, impl, 0x200000, FSVA_EPROTO),
	RBODY(OPEN, fsva_open_rsp, flags, 4, FSVA_EPROTO),
	RBODY(OPEN, fsva_open_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(SEEK, fsva_seek_rsp, offset, 1ull << 63, FSVA_EPROTO),
	RBODY(READDIR, fsva_readdir_rsp, nr, 0, FSVA_EPROTO),
	RBODY(READDIR, fsva_readdir_rsp, nr, 0xffffffff, FSVA_EPROTO),
	RBODY(READDIR, fsva_readdir_rsp, eof, 2, FSVA_EPROTO),
	RHEAD(READDIR, data_len, 0, FSVA_EPROTO),
	RHEAD(READDIR, data_len, 95, FSVA_EPROTO),
	RBODY(READ, fsva_read_rsp, size, 1ull << 63, FSVA_EPROTO),
	RBODY(WRITE, fsva_write_rsp, offset, INT64_MAX, FSVA_EPROTO),
	RBODY(WRITE, fsva_write_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(COPY_RANGE, fsva_copy_range_rsp, copied, 4097, FSVA_EPROTO),
	RBODY(COPY_RANGE, fsva_copy_range_rsp, attr.mode, 0, FSVA_EPROTO),
	RBODY(FIEMAP, fsva_fiemap_rsp, nr, 3, FSVA_EPROTO),
	RBODY(FIEMAP, fsva_fiemap_rsp, pad, 1, FSVA_EPROTO),
	RBODY(IOCTL, fsva_ioctl_rsp, value, UINT64_MAX, FSVA_EPROTO),
	RBODY(LOCK_TEST, fsva_lock_test_rsp, type, 3, FSVA_EPROTO),
	RBODY(LOCK_TEST, fsva_lock_test_rsp, pad, 1, FSVA_EPROTO),
	RBODY(LOCK_TEST, fsva_lock_test_rsp, start, UINT64_MAX, FSVA_EPROTO),
	/* attributes and handles */
	RBODY(GETXATTR, fsva_getxattr_rsp, size, 6, FSVA_EPROTO),
	RBODY(LISTXATTR, fsva_getxattr_rsp, size, 65537, FSVA_EPROTO),
	RBODY(LISTXATTR, fsva_getxattr_rsp, size, 16, FSVA_EPROTO),
	RBODY(GET_ACL, fsva_get_acl_rsp, nr, 2, FSVA_EPROTO),
	RBODY(GET_ACL, fsva_get_acl_rsp, pad, 1, FSVA_EPROTO),
	RHEAD(ENCODE_FH, data_len, 0, FSVA_EPROTO),
	RBODY(ENCODE_FH, fsva_encode_fh_rsp, pad, 1, FSVA_EPROTO),
	/* shared frames */
	RBODY(MAP_PAGE, fsva_map_page_rsp, nr_pages, 0, FSVA_EPROTO),
	RBODY(MAP_PAGE, fsva_map_page_rsp, nr_pages, 5, FSVA_EPROTO),
	RBODY(MAP_PAGE, fsva_map_page_rsp, nr_pages, 1, FSVA_EPROTO),
	RBODY(MAP_PAGE, fsva_map_page_rsp, gref[1], 0, FSVA_EPROTO),
	RBODY(MAP_PAGE, fsva_map_page_rsp, gref[2], 1, FSVA_EPROTO),
	RBODY(MAP_PAGE, fsva_map_page_rsp, flags, 2, FSVA_EPROTO),
	RBODY(EVICT_PAGE, fsva_evict_page_rsp, nr_kept, 2, FSVA_EPROTO),
	RBODY(EVICT_PAGE, fsva_evict_page_rsp, nr_news, 2, FSVA_EPROTO),
	RBODY(EVICT_PAGE, fsva_evict_page_rsp, nr_news, 0, FSVA_EPROTO),
	RBODY(EVICT_PAGE, fsva_evict_page_rsp, pad, 1, FSVA_EPROTO),
	RBODY(EVICT_PAGE, fsva_evict_page_rsp, seq, 0, FSVA_EPROTO),
	RBODY(EVICT_PAGE, fsva_evict_page_rsp, held, FSVA_FRAMES_MAX + 1, FSVA_EPROTO),
};

#define NR(a)   (sizeof(a) / sizeof((a)[0]))

static void spoil(void *slot, const struct fault *f)
{
	/* Little-endian on both ends: the low octets are the first. */
	memcpy((uint8_t *)slot + f->offset, &f->value, f->size);
}

static void samples_pass(void **state)
{
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req;
	struct fsva_rsp rsp;
	uint16_t op = 0;
	uint32_t len;

	(void)state;
	while ((op = sample_next_op(op))) {
		len = sample_req(op, &req, data);
		if (fsva_wire_check_req(&req, SAMPLE_SLOTS, SAMPLE_CREDS) ||
		    fsva_wire_check_req_data(&req, data, len) || !sample_req_rebuilt(&req))
			fail_msg("the sample request of %s is refused", fsva_wire_op(op)->name);
		len = sample_rsp(&req, &rsp, data);
		if (fsva_wire_check_rsp(&rsp, &req) || !sample_rsp_rebuilt(&rsp, &req) ||
		    (op != FSVA_OP_WRITE && fsva_wire_check_rsp_data(&rsp, data, len)))
			fail_msg("the sample response of %s is refused", fsva_wire_op(op)->name);
	}
}

static void request_faults(void **state)
{
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req;
	int error;
	size_t i;

	(void)state;
	for (i = 0; i < NR(req_faults); i++) {
		sample_req(req_faults[i].op, &req, data);
		spoil(&req, &req_faults[i]);
		error = fsva_wire_check_req(&req, SAMPLE_SLOTS, SAMPLE_CREDS);
		if (error != req_faults[i].error)
			fail_msg("request %s: %d, expected %d", req_faults[i].what, error, req_faults[i].error);
	}
}

static void response_faults(void **state)
{
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req;
	struct fsva_rsp rsp;
	int error;
	size_t i;

	(void)state;
	for (i = 0; i < NR(rsp_faults); i++) {
		sample_req(rsp_faults[i].op, &req, data);
		sample_rsp(&req, &rsp, data);
		spoil(&rsp, &rsp_faults[i]);
		error = fsva_wire_check_rsp(&rsp, &req);
		if (error != rsp_faults[i].error)
			fail_msg("response %s: %d, expected %d", rsp_faults[i].what, error, rsp_faults[i].error);
	}
}

/* Of every operation: an octet that belongs to nobody is refused wherever it is. */
static void unused_octets(void **state)
{
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req, good;
	struct fsva_rsp rsp;
	uint16_t op = 0;
	uint32_t i;

	(void)state;
	while ((op = sample_next_op(op))) {
		sample_req(op, &good, data);
		for (i = fsva_wire_op(op)->req_size; i < FSVA_BODY_SIZE - 4u * good.nr_grefs; i++) {
			req = good;
			req.body[i] = 0x80;
			assert_int_equal(fsva_wire_check_req(&req, SAMPLE_SLOTS, SAMPLE_CREDS), FSVA_EPROTO);
		}
		sample_rsp(&good, &rsp, data);
		for (i = fsva_wire_op(op)->rsp_size; i < FSVA_BODY_SIZE; i++) {
			rsp.body[i] = 0x80;
			assert_int_equal(fsva_wire_check_rsp(&rsp, &good), FSVA_EPROTO);
			rsp.body[i] = 0;
		}
	}
}

/* Of every operation: an error passes with nothing beside it, and with nothing else. */
static void errors_are_bare(void **state)
{
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req;
	struct fsva_rsp rsp;
	uint16_t op = 0;

	(void)state;
	while ((op = sample_next_op(op))) {
		sample_req(op, &req, data);
		fsva_wire_rsp_init(&rsp, &req);
		rsp.error = FSVA_EIO;
		assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
		assert_int_equal(fsva_wire_check_rsp_data(&rsp, NULL, 0), FSVA_OK);
		rsp.data_len = 1;
		assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
		rsp.data_len = 0;
		rsp.body[0] = 1;
		assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	}
}

/* The same numbers in each run, on every machine. */
static uint32_t dice(uint32_t sides)
{
	static uint64_t x = 20090401;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32) % sides;
}

/*
 * Random damage to valid slots, a few octets each.  Whatever passes must be what the builders build from the
 * fields, octet for octet.
 */
static void round_trips(void **state)
{
	uint8_t data[SAMPLE_DATA_MAX];
	uint32_t passed = 0, refused = 0, i, n;
	struct fsva_req req, good;
	struct fsva_rsp rsp;
	uint16_t op = 0;

	(void)state;
	for (i = 0; i < 200000; i++) {
		op = sample_next_op(op);
		if (!op)
			op = sample_next_op(0);
		sample_req(op, &good, data);
		req = good;
		for (n = dice(4); n; n--)
			((uint8_t *)&req)[dice(sizeof(req))] ^= (uint8_t)(1u << (dice(8)));
		if (fsva_wire_check_req(&req, SAMPLE_SLOTS, SAMPLE_CREDS)) {
			refused++;
			req = good;
		} else {
			passed++;
			if (!sample_req_rebuilt(&req))
				fail_msg("a damaged %s passed, and is not what builds again",
					 fsva_wire_op(req.op)->name);
		}
		if (req.op != op)
			req = good;
		sample_rsp(&req, &rsp, data);
		for (n = dice(4); n; n--)
			((uint8_t *)&rsp)[dice(sizeof(rsp))] ^= (uint8_t)(1u << (dice(8)));
		if (fsva_wire_check_rsp(&rsp, &req)) {
			refused++;
			continue;
		}
		passed++;
		if (!sample_rsp_rebuilt(&rsp, &req))
			fail_msg("a damaged answer to %s passed, and is not what builds again", fsva_wire_op(op)->name);
	}
	assert_true(passed > 50000);
	assert_true(refused > 50000);
}

static void piggy_messages(void **state)
{
	static const struct {
		struct fsva_piggy_msg msg;
		bool from_front, from_back;
	} cases[] = {
		{ { 1, 0, 1, FSVA_PIGGY_INSERT, 0 }, false, true },
		{ { 1, 0, 1, FSVA_PIGGY_REMOVE, 0 }, false, true },
		{ { 0, 0, 9, FSVA_PIGGY_SLAB, 0 }, false, true },
		{ { 0, 0, 0, FSVA_PIGGY_SLAB, 0 }, false, true },
		{ { 1, 0, 9, FSVA_PIGGY_SLAB, 0 }, false, false },
		{ { 0, 1, 9, FSVA_PIGGY_SLAB, 0 }, false, false },
		{ { 1, 0, 1, FSVA_PIGGY_EVICT, 0 }, true, false },
		{ { 0, 0, 1, FSVA_PIGGY_EVICT, 0 }, false, false },
		{ { 1, 0, 0, FSVA_PIGGY_EVICT, 0 }, false, false },
		{ { 0, 0, 1, FSVA_PIGGY_INSERT, 0 }, false, false },
		{ { 1, 0, 0, FSVA_PIGGY_REMOVE, 0 }, false, false },
		{ { 1, 0, 1, FSVA_PIGGY_EVICT, 1 }, false, false },
		{ { 1, 0, 1, FSVA_PIGGY_INSERT, 1 }, false, false },
		{ { 1, 0, 1, 0, 0 }, false, false },
		{ { 1, 0, 1, 5, 0 }, false, false },
	};
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req;
	struct fsva_rsp rsp;
	size_t i, nr;

	(void)state;
	for (i = 0; i < NR(cases); i++) {
		for (nr = 1; nr <= FSVA_PIGGY_MAX; nr++) {
			sample_req(FSVA_OP_LOOKUP, &req, data);
			sample_rsp(&req, &rsp, data);
			req.piggy.nr = rsp.piggy.nr = (uint8_t)nr;
			req.piggy.seq = rsp.piggy.seq = 5;
			for (size_t j = 0; j < nr; j++)
				req.piggy.msg[j] = rsp.piggy.msg[j] = cases[i].msg;
			assert_int_equal(fsva_wire_check_req(&req, SAMPLE_SLOTS, SAMPLE_CREDS) == FSVA_OK,
					 cases[i].from_front);
			assert_int_equal(fsva_wire_check_rsp(&rsp, &req) == FSVA_OK, cases[i].from_back);
			if (nr < FSVA_PIGGY_MAX) {      /* one more than it says */
				rsp.piggy.msg[nr] = cases[i].msg;
				assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
			}
		}
	}
}

static void pages(void **state)
{
	static const struct {
		uint16_t off;
		uint32_t len, pages;
	} cases[] = {
		{ 0, 0, 0 }, { 4095, 0, 0 }, { 0, 1, 1 }, { 4095, 1, 1 }, { 4095, 2, 2 }, { 0, 4096, 1 },
		{ 1, 4096, 2 },
		{ 0, 4097, 2 }, { 4095, 4097, 2 }, { 4095, 4098, 3 }, { 0, 393216, 96 }, { 1, 393216, 97 },
		{ 4095, 0xffffffff, 1048577 }, { 0, 0xffffffff, 1048576 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR(cases); i++)
		assert_int_equal(fsva_wire_pages(cases[i].off, cases[i].len), cases[i].pages);
}

static void data_descriptor(void **state)
{
	uint32_t gref[128], i;
	struct fsva_req req;
	uint16_t op = 0;

	(void)state;
	for (i = 0; i < NR(gref); i++)
		gref[i] = 1000 + i;
	while ((op = sample_next_op(op))) {
		uint16_t most = fsva_wire_max_grefs(op);
		bool data = fsva_wire_op(op)->flags & (FSVA_F_DATA_IN | FSVA_F_DATA_OUT);

		assert_int_equal(most != 0, data);
		assert_true(most <= FSVA_MAX_GREFS);
		assert_true(fsva_wire_op(op)->req_size + 4u * most <= FSVA_BODY_SIZE);
		if (!data)
			continue;
		fsva_wire_req_init(&req, op, 1);
		assert_int_equal(fsva_wire_req_data(&req, 0, most * 4096u, gref, most), FSVA_OK);
		assert_memory_equal(fsva_wire_grefs(&req), gref, most * 4u);
		assert_ptr_equal(fsva_wire_grefs(&req) + most, &req.piggy);
		assert_int_equal(fsva_wire_req_data(&req, 0, most * 4096u + 1, gref, most + 1), FSVA_E2BIG);
		assert_int_equal(fsva_wire_req_data(&req, 1, most * 4096u, gref, most), FSVA_EINVAL);
		assert_int_equal(fsva_wire_req_data(&req, 0, 4097, NULL, 0), FSVA_E2BIG);
		assert_int_equal(fsva_wire_req_data(&req, 1, 4096, NULL, 0), FSVA_E2BIG);
		assert_int_equal(fsva_wire_req_data(&req, 4096, 0, NULL, 0), FSVA_EINVAL);
		assert_int_equal(fsva_wire_req_data(&req, 4095, 1, NULL, 0), FSVA_OK);
	}
	assert_int_equal(fsva_wire_max_grefs(FSVA_OP_READ), 96);
	assert_int_equal(fsva_wire_max_grefs(FSVA_OP_WRITE), 96);
	assert_int_equal(fsva_wire_max_grefs(0), 0);
	assert_int_equal(fsva_wire_max_grefs(FSVA_OP_LOOKUP), 0);
}

static void names(void **state)
{
	static const struct {
		const char *name;
		size_t len;
		int check, component, xattr;
	} cases[] = {
		{ "", 0, FSVA_EINVAL, FSVA_EINVAL, FSVA_EINVAL },
		{ "a", 1, FSVA_OK, FSVA_OK, FSVA_OK },
		{ ".", 1, FSVA_EINVAL, FSVA_OK, FSVA_OK },
		{ "..", 2, FSVA_EINVAL, FSVA_OK, FSVA_OK },
		{ "...", 3, FSVA_OK, FSVA_OK, FSVA_OK },
		{ ".a", 2, FSVA_OK, FSVA_OK, FSVA_OK },
		{ "a.", 2, FSVA_OK, FSVA_OK, FSVA_OK },
		{ "/", 1, FSVA_EINVAL, FSVA_EINVAL, FSVA_OK },
		{ "\0", 1, FSVA_EINVAL, FSVA_EINVAL, FSVA_EINVAL },
		{ "seven77/", 8, FSVA_EINVAL, FSVA_EINVAL, FSVA_OK },
		{ "eight888/", 9, FSVA_EINVAL, FSVA_EINVAL, FSVA_OK },
		{ "seven77\0", 8, FSVA_EINVAL, FSVA_EINVAL, FSVA_EINVAL },
		{ "eight888\0", 9, FSVA_EINVAL, FSVA_EINVAL, FSVA_EINVAL },
		{ "\xff\xfe\x80\x01 \n", 6, FSVA_OK, FSVA_OK, FSVA_OK },
		{ "\x2e\x30\xaf\x01\x2e\x30\xaf\x01", 8, FSVA_OK, FSVA_OK, FSVA_OK },   /* neighbours of '/' */
	};
	char longest[300];
	struct fsva_name n;
	size_t i, len;

	(void)state;
	for (i = 0; i < NR(cases); i++) {
		assert_int_equal(fsva_wire_check_name(cases[i].name, cases[i].len), cases[i].check);
		assert_int_equal(fsva_wire_name(&n, 7, cases[i].name, cases[i].len), cases[i].check);
		assert_int_equal(fsva_wire_check_component(cases[i].name, cases[i].len), cases[i].component);
		assert_int_equal(fsva_wire_xattr_name(&n, 7, cases[i].name, cases[i].len), cases[i].xattr);
	}
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(fsva_wire_name(&n, 7, longest, 255), FSVA_OK);
	assert_int_equal(n.len, 255);
	assert_int_equal(n.name[255], 0);
	assert_int_equal(fsva_wire_name(&n, 7, longest, 256), FSVA_ENAMETOOLONG);
	assert_int_equal(fsva_wire_name(&n, 7, longest, (size_t)-1), FSVA_ENAMETOOLONG);
	assert_int_equal(fsva_wire_xattr_name(&n, 7, longest, 256), FSVA_ENAMETOOLONG);
	/* Every place of every length: the words of the check have no seam. */
	for (len = 1; len <= 255; len++)
		for (i = 0; i < len; i++) {
			longest[i] = '/';
			assert_int_equal(fsva_wire_check_component(longest, len), FSVA_EINVAL);
			longest[i] = 0;
			assert_int_equal(fsva_wire_check_component(longest, len), FSVA_EINVAL);
			longest[i] = (char)('/' ^ 0x80);
			assert_int_equal(fsva_wire_check_component(longest, len), FSVA_OK);
			longest[i] = 'x';
		}
}

/* Dot and dot-dot as whole requests: the only names that pass as entries of a listing and not here. */
static void dots(void **state)
{
	static const uint16_t ops[] = {
		FSVA_OP_LOOKUP, FSVA_OP_CREATE, FSVA_OP_MKNOD, FSVA_OP_MKDIR, FSVA_OP_RMDIR, FSVA_OP_LINK,
		FSVA_OP_UNLINK, FSVA_OP_SYMLINK, FSVA_OP_RENAME, FSVA_OP_DENTRY_VALIDATE,
	};
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_name *n;
	struct fsva_req req;
	size_t i, len;

	(void)state;
	for (i = 0; i < NR(ops); i++)
		for (len = 1; len <= 2; len++) {
			sample_req(ops[i], &req, data);
			n = (struct fsva_name *)(void *)req.body;
			memset(n->name, 0, sizeof(n->name));
			memcpy(n->name, "..", len);
			n->len = (uint16_t)len;
			assert_int_equal(fsva_wire_check_req(&req, SAMPLE_SLOTS, SAMPLE_CREDS), FSVA_EINVAL);
		}
}

static void request_data(void **state)
{
	static const uint32_t down[2] = { 5, 4 }, twice[2] = { 5, 5 }, nobody[2] = { 5, 0xffffffff };
	static const struct fsva_ace tags[] = { { 3, 0, 0 }, { 0, 0, 0 }, { 0x40, 0, 0 }, { 1, 8, 0 }, { 0x10, 7, 0 } };
	static const struct fsva_piggy_msg wrong = { 1, 0, 1, FSVA_PIGGY_INSERT, 0 };
	static const struct {
		uint16_t op;
		const void *data;
		uint32_t len;
		int error;
	} cases[] = {
		{ FSVA_OP_CRED_SET, down, 8, FSVA_EINVAL },
		{ FSVA_OP_CRED_SET, twice, 8, FSVA_OK },
		{ FSVA_OP_CRED_SET, nobody, 8, FSVA_EINVAL },
		{ FSVA_OP_CRED_SET, nobody, 0, FSVA_OK },
		{ FSVA_OP_MOUNT, "a,b=c d", 7, FSVA_OK },
		{ FSVA_OP_MOUNT, "", 0, FSVA_OK },
		{ FSVA_OP_MOUNT, "a\0b", 3, FSVA_EINVAL },
		{ FSVA_OP_REMOUNT, "a\0b", 3, FSVA_EINVAL },
		{ FSVA_OP_SYMLINK, "/a/../b", 7, FSVA_OK },
		{ FSVA_OP_SYMLINK, "/a\0", 3, FSVA_EINVAL },
		{ FSVA_OP_RENAME, "a/b", 3, FSVA_EINVAL },
		{ FSVA_OP_RENAME, "..", 2, FSVA_EINVAL },
		{ FSVA_OP_RENAME, ".b", 2, FSVA_OK },
		{ FSVA_OP_SET_ACL, tags, 8, FSVA_EINVAL },
		{ FSVA_OP_SET_ACL, tags + 1, 8, FSVA_EINVAL },
		{ FSVA_OP_SET_ACL, tags + 2, 8, FSVA_EINVAL },
		{ FSVA_OP_SET_ACL, tags + 3, 8, FSVA_EINVAL },
		{ FSVA_OP_SET_ACL, tags + 4, 8, FSVA_OK },
		{ FSVA_OP_EVICT_PAGE, &wrong, 16, FSVA_EINVAL },
		{ FSVA_OP_WRITE, "\0/", 2, FSVA_OK },
	};
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req;
	size_t i;

	(void)state;
	for (i = 0; i < NR(cases); i++) {
		sample_req(cases[i].op, &req, data);
		req.data_len = cases[i].len;
		if (cases[i].op == FSVA_OP_EVICT_PAGE)
			((struct fsva_evict_page_req *)(void *)req.body)->nr = 1;
		assert_int_equal(fsva_wire_check_req_data(&req, cases[i].data, cases[i].len), cases[i].error);
		/* The receiver copied another number of octets than the request has. */
		assert_int_equal(fsva_wire_check_req_data(&req, data, cases[i].len + 1), FSVA_EPROTO);
	}
	sample_req(FSVA_OP_IOCTL, &req, data);
	assert_int_equal(fsva_wire_req_data_in(&req), 8);
	assert_int_equal(fsva_wire_check_req_data(&req, data, 8), FSVA_OK);
	assert_int_equal(fsva_wire_check_req_data(&req, data, 64), FSVA_EPROTO);
	sample_req(FSVA_OP_READ, &req, data);
	assert_int_equal(fsva_wire_req_data_in(&req), 0);
}

static void response_data(void **state)
{
	static const struct fsva_event_msg events[] = {
		{ .handle = 1 },
		{ .handle = 1, .what = FSVA_EVENT_DIR },
		{ .what = FSVA_EVENT_ATTRIB },
		{ .handle = 1, .what = 0x1 },
		{ .handle = 1, .what = FSVA_EVENT_ATTRIB | 0x20 },
		{ .handle = 1, .what = FSVA_EVENT_ATTRIB, .cookie = 1 },
		{ .handle = 1, .what = FSVA_EVENT_ATTRIB, .name_len = 1, .name = "a" },
		{ .handle = 1, .what = FSVA_EVENT_ATTRIB, .name = "a" },
		{ .handle = 1, .what = FSVA_EVENT_ATTRIB, .dir = 2 },
		{ .handle = 1, .what = FSVA_EVENT_ATTRIB, .pad = { 0, 0, 0, 0, 0, 1 } },
		{ .handle = 1, .what = FSVA_EVENT_GONE },
		{ .handle = 1, .what = FSVA_EVENT_MODIFY | FSVA_EVENT_GONE },
		{ .handle = 1, .dir = 1, .what = FSVA_EVENT_CREATE | FSVA_EVENT_GONE, .name_len = 1, .name = "a" },
		{ .dir = 1, .what = FSVA_EVENT_DELETE | FSVA_EVENT_GONE, .name_len = 1, .name = "a" },
		{ .what = FSVA_EVENT_LOST | FSVA_EVENT_GONE },
		{ .handle = 1, .what = FSVA_EVENT_CREATE },
		{ .dir = 1, .what = FSVA_EVENT_CREATE },
		{ .dir = 1, .what = FSVA_EVENT_CREATE | FSVA_EVENT_DELETE, .name_len = 1, .name = "a" },
		{ .dir = 1, .what = FSVA_EVENT_CREATE | FSVA_EVENT_MODIFY, .name_len = 1, .name = "a" },
		{ .dir = 1, .what = FSVA_EVENT_CREATE, .cookie = 1, .name_len = 1, .name = "a" },
		{ .dir = 1, .what = FSVA_EVENT_CREATE, .name_len = 2, .name = ".." },
		{ .dir = 1, .what = FSVA_EVENT_CREATE, .name_len = 3, .name = "a/b" },
		{ .dir = 1, .what = FSVA_EVENT_CREATE, .name_len = 3, .name = "a\0b" },
		{ .dir = 1, .what = FSVA_EVENT_CREATE, .name_len = 1, .name = "ab" },
		{ .dir = 1, .what = FSVA_EVENT_CREATE, .name_len = 256 },
		{ .dir = 1, .what = FSVA_EVENT_MOVED_FROM, .name_len = 1, .name = "a" },
		{ .dir = 1, .what = FSVA_EVENT_MOVED, .cookie = 1, .name_len = 1, .name = "a" },
		{ .what = FSVA_EVENT_LOST | FSVA_EVENT_DIR },
		{ .what = FSVA_EVENT_LOST | FSVA_EVENT_MODIFY },
		{ .what = FSVA_EVENT_LOST, .handle = 1 },
		{ .what = FSVA_EVENT_LOST, .dir = 1, .name_len = 1, .name = "a" },
		{ .what = FSVA_EVENT_LOST, .cookie = 1 },
	};
	static const struct fsva_shared_page shared[] = {
		{ 0, 1, 8, 0 }, { 1, 1, 0, 0 }, { 1, 1ull << 51, 8, 0 }, { 1, 1, 8, 2 },
	};
	static const struct fsva_extent extents[] = { { 1, 0, UINT64_MAX, 0, 0 }, { 0, 0, 1, 0, 1 } };
	struct fsva_req req;
	struct fsva_rsp rsp;
	uint8_t data[SAMPLE_DATA_MAX];
	size_t i;

#define REFUSED(OP, octets, n) do { \
		sample_req(FSVA_OP_##OP, &req, data); \
		fsva_wire_rsp_init(&rsp, &req); \
		rsp.data_len = n; \
		assert_int_equal(fsva_wire_check_rsp_data(&rsp, octets, n), FSVA_EPROTO); \
	} while (0)

	(void)state;
	for (i = 0; i < NR(events); i++)
		REFUSED(EVENT, &events[i], sizeof(events[i]));
	for (i = 0; i < NR(shared); i++)
		REFUSED(RESTORE_GRANTS, &shared[i], sizeof(shared[i]));
	for (i = 0; i < NR(extents); i++)
		REFUSED(FIEMAP, &extents[i], sizeof(extents[i]));
	REFUSED(READLINK, "a\0b", 3);
	REFUSED(SHOW_OPTIONS, "a\0b", 3);
	REFUSED(GET_NAME, "a/b", 3);
	REFUSED(GET_NAME, "..", 2);
	REFUSED(LISTXATTR, "user.a", 6);
	REFUSED(LISTXATTR, "user.a\0", 8);
	REFUSED(LISTXATTR, "\0", 1);
	REFUSED(GET_ACL, "\3\0\0\0\0\0\0\0", 8);
	REFUSED(EVICT_PAGE, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0", 16);
	/* A listing that has more, and one that has fewer entries than the answer says. */
	sample_req(FSVA_OP_READDIR, &req, data);
	sample_rsp(&req, &rsp, data);
	assert_int_equal(fsva_wire_check_rsp_data(&rsp, data, rsp.data_len), FSVA_OK);
	((struct fsva_readdir_rsp *)(void *)rsp.body)->nr = 2;
	assert_int_equal(fsva_wire_check_rsp_data(&rsp, data, rsp.data_len), FSVA_EPROTO);
	((struct fsva_readdir_rsp *)(void *)rsp.body)->nr = 4;
	assert_int_equal(fsva_wire_check_rsp_data(&rsp, data, rsp.data_len), FSVA_EPROTO);
#undef REFUSED
}

/* Answers whose range hangs on the question. */
static void questions(void **state)
{
	uint8_t data[SAMPLE_DATA_MAX];
	struct fsva_req req;
	struct fsva_rsp rsp;

	(void)state;
	/* The oldest events there are, whatever their numbers; but the numbers come to an end. */
	sample_req(FSVA_OP_EVENT, &req, data);
	sample_rsp(&req, &rsp, data);
	((struct fsva_event_req *)(void *)req.body)->seq = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	((struct fsva_event_rsp *)(void *)rsp.body)->seq = UINT64_MAX - rsp.data_len / sizeof(struct fsva_event_msg);
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	((struct fsva_event_rsp *)(void *)rsp.body)->seq++;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	/* A validated negative: no attributes. */
	sample_req(FSVA_OP_DENTRY_VALIDATE, &req, data);
	sample_rsp(&req, &rsp, data);
	((struct fsva_dentry_validate_req *)(void *)req.body)->handle = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	memset(rsp.body, 0, sizeof(rsp.body));
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	/* Created and not opened: no file. */
	sample_req(FSVA_OP_CREATE, &req, data);
	sample_rsp(&req, &rsp, data);
	((struct fsva_create_req *)(void *)req.body)->flags = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	((struct fsva_create_rsp *)(void *)rsp.body)->fh = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	/* Created, not exclusively: what was there already need not be a file. */
	sample_req(FSVA_OP_CREATE, &req, data);
	sample_rsp(&req, &rsp, data);
	((struct fsva_create_rsp *)(void *)rsp.body)->entry.attr.mode = 0040755;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	((struct fsva_create_req *)(void *)req.body)->flags = FSVA_CREATE_OPEN;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	/* mknod of type 0 makes a file. */
	sample_req(FSVA_OP_MKNOD, &req, data);
	sample_rsp(&req, &rsp, data);
	((struct fsva_mknod_req *)(void *)req.body)->mode = 0644;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	((struct fsva_create_rsp *)(void *)rsp.body)->entry.attr.mode = 0100644;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	/* To remap 0 octets is to remap to the end; to copy 0 is to copy none. */
	sample_req(FSVA_OP_REMAP_RANGE, &req, data);
	sample_rsp(&req, &rsp, data);
	((struct fsva_copy_range_req *)(void *)req.body)->len = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	sample_req(FSVA_OP_COPY_RANGE, &req, data);
	sample_rsp(&req, &rsp, data);
	((struct fsva_copy_range_req *)(void *)req.body)->len = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	/* Asked for the size alone. */
	sample_req(FSVA_OP_GETXATTR, &req, data);
	sample_rsp(&req, &rsp, data);
	req.data_len = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	rsp.data_len = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	/* Extents counted, not listed. */
	sample_req(FSVA_OP_FIEMAP, &req, data);
	fsva_wire_rsp_init(&rsp, &req);
	((struct fsva_fiemap_rsp *)(void *)rsp.body)->nr = 1000;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	((struct fsva_fiemap_req *)(void *)req.body)->max_extents = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	/* The end of a directory; and an answer that would have the front ask for ever. */
	sample_req(FSVA_OP_READDIR, &req, data);
	fsva_wire_rsp_init(&rsp, &req);
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	((struct fsva_readdir_rsp *)(void *)rsp.body)->eof = 1;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	sample_req(FSVA_OP_RESTORE_GRANTS, &req, data);
	fsva_wire_rsp_init(&rsp, &req);
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_OK);
	((struct fsva_restore_grants_rsp *)(void *)rsp.body)->cursor = 5;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
	/* An answer to an operation that does not exist. */
	sample_req(FSVA_OP_NULL_CALL, &req, data);
	sample_rsp(&req, &rsp, data);
	req.op = rsp.op = 0;
	assert_int_equal(fsva_wire_check_rsp(&rsp, &req), FSVA_EPROTO);
}

static void listings(void **state)
{
	static const struct {
		uint16_t offset;
		uint8_t octet;
		const char *what;
	} faults[] = {
		{ 16, 0, "no name" }, { 16, 9, "name beyond its own padding" }, { 17, 1, "name over 255" },
		{ 18, 3, "type" }, { 18, 15, "type" }, { 19, 1, "pad" }, { 23, 1, "pad" }, { 24, '/', "slash" },
		{ 27, 0, "NUL" }, { 29, 'x', "octet after the name" }, { 31, 1, "octet after the name" },
	};
	uint8_t buf[4096], copy[4096];
	struct fsva_dirent d;
	const char *name;
	uint32_t pos = 0, end, i, n = 0;
	char longest[255];

	(void)state;
	memset(buf, 0xa5, sizeof(buf));
	memset(longest, 'n', sizeof(longest));
	assert_true(fsva_wire_dirent_put(buf, 32, &pos, 1, 2, 8, "five5", 5));
	assert_int_equal(pos, 32);
	assert_int_equal(buf[32], 0xa5);
	memcpy(copy, buf, 32);
	for (i = 0; i < NR(faults); i++) {
		memcpy(buf, copy, 32);
		buf[faults[i].offset] = faults[i].octet;
		pos = 0;
		if (fsva_wire_dirent_get(buf, 32, &pos, &d, &name) != FSVA_EPROTO || pos != 0)
			fail_msg("listing with %s passed", faults[i].what);
	}
	for (i = 1; i < 32; i++) {
		pos = 0;
		assert_int_equal(fsva_wire_dirent_get(copy, i, &pos, &d, &name), FSVA_EPROTO);
		assert_false(fsva_wire_dirent_put(buf, i, &pos, 1, 2, 8, "five5", 5));
		assert_int_equal(pos, 0);
	}
	pos = 33;
	assert_int_equal(fsva_wire_dirent_get(copy, 32, &pos, &d, &name), FSVA_EPROTO);
	assert_false(fsva_wire_dirent_put(buf, 32, &pos, 1, 2, 8, "a", 1));
	pos = 0;
	assert_false(fsva_wire_dirent_put(buf, sizeof(buf), &pos, 1, 2, 8, "", 0));
	assert_false(fsva_wire_dirent_put(buf, sizeof(buf), &pos, 1, 2, 8, longest, 256));

	/* As many names of every length as fit, and back. */
	for (pos = 0; fsva_wire_dirent_put(buf, sizeof(buf), &pos, n + 1, n + 2, (uint8_t)(n % 2 ? 8 : 4), longest,
					   (uint16_t)(n * 37 % 255 + 1)); n++)
		;
	assert_true(n > 10);
	end = pos;
	for (i = 0, pos = 0; i < n; i++) {
		assert_int_equal(fsva_wire_dirent_get(buf, end, &pos, &d, &name), FSVA_OK);
		assert_int_equal(d.ino, i + 1);
		assert_int_equal(d.next, i + 2);
		assert_int_equal(d.name_len, i * 37 % 255 + 1);
		assert_memory_equal(name, longest, d.name_len);
	}
	assert_int_equal(fsva_wire_dirent_get(buf, end, &pos, &d, &name), FSVA_ENODATA);
	assert_true(sample_listing_rebuilt(buf, end));
	assert_true(sample_listing_rebuilt(buf, 0));
}

/* Numbers do not move, and each operation has a row that makes sense. */
static void table(void **state)
{
	uint16_t op = 0, nr = 0;

	(void)state;
	assert_null(fsva_wire_op(0));
	assert_null(fsva_wire_op(FSVA_OP_MAX));
	assert_null(fsva_wire_op(0xffff));
	while ((op = sample_next_op(op))) {
		const struct fsva_wire_op *row = fsva_wire_op(op);

		nr++;
		assert_true(row->req_size >= 8 && row->rsp_size >= 8);
		assert_int_equal(row->flags & ~0x3fu, 0);
	}
	assert_int_equal(nr, 66);
	assert_int_equal(FSVA_OP_LOOKUP, 16);
	assert_int_equal(FSVA_OP_READ, 46);
	assert_int_equal(FSVA_OP_INVALIDATE_PAGE, 87);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(samples_pass),
		cmocka_unit_test(request_faults),
		cmocka_unit_test(response_faults),
		cmocka_unit_test(unused_octets),
		cmocka_unit_test(errors_are_bare),
		cmocka_unit_test(round_trips),
		cmocka_unit_test(piggy_messages),
		cmocka_unit_test(pages),
		cmocka_unit_test(data_descriptor),
		cmocka_unit_test(names),
		cmocka_unit_test(dots),
		cmocka_unit_test(request_data),
		cmocka_unit_test(response_data),
		cmocka_unit_test(questions),
		cmocka_unit_test(listings),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
