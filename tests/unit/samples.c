/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include <stdlib.h>

uint16_t sample_next_op(uint16_t op)
{
	while (++op < FSVA_OP_MAX)
		if (fsva_wire_op(op))
			return op;
	return 0;
}

#define HANDLE  0x0000000300000007ull
#define PARENT  0x0000000100000002ull
#define FH      0x0000000200000009ull

static void name(struct fsva_name *n, const char *text)
{
	if (fsva_wire_name(n, PARENT, text, strlen(text)))
		abort();
}

static void data_here(struct fsva_req *req, uint32_t len)
{
	if (fsva_wire_req_data(req, 0, len, NULL, 0))
		abort();
}

static uint32_t text(struct fsva_req *req, void *data, const char *s)
{
	uint32_t len = (uint32_t)strlen(s);

	memcpy(data, s, len);
	data_here(req, len);
	return len;
}

/* Pages granted for the call, starting in the middle of the first. */
static void data_granted(struct fsva_req *req, uint32_t len)
{
	uint32_t gref[FSVA_MAX_GREFS], i, nr = fsva_wire_pages(100, len);

	for (i = 0; i < nr; i++)
		gref[i] = 8 + i;
	if (fsva_wire_req_data(req, 100, len, gref, (uint16_t)nr))
		abort();
}

#define BODY(name)      struct fsva_##name *r = (struct fsva_##name *)(void *)body

uint32_t sample_req(uint16_t op, struct fsva_req *req, void *data)
{
	static const uint32_t groups[3] = { 4, 20, 1000 };
	static const struct fsva_ace acl[3] = { { 0x01, 6, 0 }, { 0x04, 4, 0 }, { 0x20, 0, 0 } };
	const struct fsva_piggy_msg evict[2] = {
		{ .handle = HANDLE, .index = 5, .nr_pages = 3, .kind = FSVA_PIGGY_EVICT },
		{ .handle = PARENT, .index = 0, .nr_pages = 1, .kind = FSVA_PIGGY_EVICT },
	};
	void *body = fsva_wire_req_init(req, op, fsva_wire_op(op)->flags & FSVA_F_NOCRED ? 0 : 1);

	req->id = 1000 + op;
	req->tag = 5;
	req->umask = 022;

	switch ((enum fsva_op)op) {
	case FSVA_OP_NULL_CALL:
	case FSVA_OP_UNMOUNT:
	case FSVA_OP_FREEZE:
	case FSVA_OP_THAW:
		break;
	case FSVA_OP_SHOW_OPTIONS:
		data_here(req, 4096);
		break;
	case FSVA_OP_EVENT: {
		BODY(event_req);

		r->seq = 17;
		data_here(req, 4096);
		break;
	}
	case FSVA_OP_SESSION: {
		BODY(session_req);

		r->session = 0x1122334455667788ull;
		r->features = FSVA_FEATURE_XATTR | FSVA_FEATURE_LOCKS;
		r->next_id = req->id + 1;
		break;
	}
	case FSVA_OP_CRED_SET: {
		BODY(cred_set_req);

		r->index = 1;
		r->fsuid = 1000;
		r->fsgid = 1000;
		r->nr_groups = 3;
		r->caps = FSVA_CAP_CHOWN;
		memcpy(data, groups, sizeof(groups));
		data_here(req, sizeof(groups));
		return sizeof(groups);
	}
	case FSVA_OP_INTERRUPT: {
		BODY(interrupt_req);

		r->target = 77;
		r->queue = 1;
		break;
	}
	case FSVA_OP_RESTORE_GRANTS:
		data_here(req, 4096);
		break;
	case FSVA_OP_MOUNT: {
		BODY(mount_req);

		r->flags = FSVA_MOUNT_RDONLY;
		return text(req, data, "noatime,data=journal");
	}
	case FSVA_OP_REMOUNT: {
		BODY(remount_req);

		r->flags = 0;
		r->mask = FSVA_MOUNT_RDONLY;
		return text(req, data, "commit=5");
	}
	case FSVA_OP_SYNCFS: {
		BODY(syncfs_req);

		r->wait = 1;
		break;
	}
	case FSVA_OP_LOOKUP: {
		BODY(lookup_req);

		name(&r->name, "file");
		break;
	}
	case FSVA_OP_GETATTR: {
		BODY(getattr_req);

		r->handle = HANDLE;
		r->mask = 0x7ff;
		r->flags = FSVA_GETATTR_DONT_SYNC;
		break;
	}
	case FSVA_OP_SETATTR: {
		BODY(setattr_req);

		r->handle = HANDLE;
		r->size = 4096;
		r->atime.sec = -1;
		r->atime.nsec = 999999999;
		r->mtime.sec = 1700000000;
		r->valid = FSVA_SET_SIZE | FSVA_SET_ATIME | FSVA_SET_ATIME_VALUE | FSVA_SET_MTIME |
			   FSVA_SET_MTIME_VALUE | FSVA_SET_MODE | FSVA_SET_UID | FSVA_SET_GID;
		r->mode = 0100644;
		r->uid = 1000;
		r->gid = 1000;
		break;
	}
	case FSVA_OP_CREATE: {
		BODY(create_req);

		name(&r->name, "new file");
		r->mode = 0100644;
		r->flags = FSVA_CREATE_EXCL | FSVA_CREATE_OPEN;
		r->open_flags = 2;
		break;
	}
	case FSVA_OP_MKNOD: {
		BODY(mknod_req);

		name(&r->name, "disk");
		r->mode = 0060660;
		r->rdev_major = 202;
		r->rdev_minor = 16;
		break;
	}
	case FSVA_OP_MKDIR: {
		BODY(mkdir_req);

		name(&r->name, "directory");
		r->mode = 0755;
		break;
	}
	case FSVA_OP_RMDIR:
	case FSVA_OP_UNLINK: {
		BODY(unlink_req);

		name(&r->name, "old");
		r->handle = HANDLE;
		break;
	}
	case FSVA_OP_LINK: {
		BODY(link_req);

		name(&r->name, "second name");
		r->handle = HANDLE;
		break;
	}
	case FSVA_OP_SYMLINK: {
		BODY(symlink_req);

		name(&r->name, "link");
		return text(req, data, "../some/where");
	}
	case FSVA_OP_RENAME: {
		BODY(rename_req);

		name(&r->name, "before");
		r->new_dir = PARENT;
		r->handle = HANDLE;
		r->new_handle = FH;
		r->flags = FSVA_RENAME_EXCHANGE;
		return text(req, data, "after");
	}
	case FSVA_OP_TMPFILE: {
		BODY(tmpfile_req);

		r->dir = PARENT;
		r->mode = 0600;
		r->open_flags = 2;
		break;
	}
	case FSVA_OP_PERMISSION: {
		BODY(permission_req);

		r->handle = HANDLE;
		r->mask = FSVA_MAY_READ;
		break;
	}
	case FSVA_OP_DIRTY_INODE: {
		BODY(dirty_inode_req);

		r->handle = HANDLE;
		r->valid = FSVA_SET_ATIME | FSVA_SET_MTIME | FSVA_SET_CTIME;
		r->atime.sec = r->mtime.sec = r->ctime.sec = 1700000000;
		break;
	}
	case FSVA_OP_WRITE_INODE: {
		BODY(write_inode_req);

		r->handle = HANDLE;
		r->wait = 1;
		break;
	}
	case FSVA_OP_DENTRY_VALIDATE: {
		BODY(dentry_validate_req);

		name(&r->name, "cached");
		r->handle = HANDLE;
		r->flags = FSVA_LOOKUP_OPEN;
		break;
	}
	case FSVA_OP_DENTRY_RELEASE: {
		BODY(dentry_release_req);

		r->handle = HANDLE;
		r->nr_lookups = 3;
		break;
	}
	case FSVA_OP_TRUNCATE: {
		BODY(truncate_req);

		r->handle = HANDLE;
		r->size = 1ull << 40;
		break;
	}
	case FSVA_OP_OPEN: {
		BODY(open_req);

		r->handle = HANDLE;
		r->flags = FSVA_O_LARGEFILE | 2;
		break;
	}
	case FSVA_OP_RELEASE:
	case FSVA_OP_FLUSH: {
		BODY(release_req);

		r->fh = FH;
		r->lock_owner = 0x1234567812345678ull;
		break;
	}
	case FSVA_OP_FSYNC: {
		BODY(fsync_req);

		r->fh = FH;
		r->end = INT64_MAX;
		r->datasync = 1;
		break;
	}
	case FSVA_OP_SEEK: {
		BODY(seek_req);

		r->fh = FH;
		r->offset = 123456;
		r->whence = FSVA_SEEK_DATA;
		break;
	}
	case FSVA_OP_READDIR: {
		BODY(readdir_req);

		r->fh = FH;
		r->cookie = 0x7fffffffffffffffull;
		data_here(req, 4096);
		break;
	}
	case FSVA_OP_READ: {
		BODY(read_req);

		r->fh = FH;
		r->offset = 1ull << 33;
		data_granted(req, 20000);
		break;
	}
	case FSVA_OP_WRITE: {
		BODY(write_req);

		r->fh = FH;
		r->offset = 4095;
		r->flags = FSVA_RW_DSYNC;
		return text(req, data, "what is written");
	}
	case FSVA_OP_FALLOCATE: {
		BODY(fallocate_req);

		r->fh = FH;
		r->offset = 4096;
		r->len = 8192;
		r->mode = 3;
		break;
	}
	case FSVA_OP_COPY_RANGE:
	case FSVA_OP_REMAP_RANGE: {
		BODY(copy_range_req);

		r->fh_in = FH;
		r->fh_out = HANDLE;
		r->offset_in = 4096;
		r->len = 4096;
		r->flags = op == FSVA_OP_REMAP_RANGE ? FSVA_REMAP_DEDUP : 0;
		break;
	}
	case FSVA_OP_FADVISE: {
		BODY(fadvise_req);

		r->fh = FH;
		r->len = 8192;
		r->advice = 4;
		break;
	}
	case FSVA_OP_FIEMAP: {
		BODY(fiemap_req);

		r->handle = HANDLE;
		r->len = UINT64_MAX;
		r->flags = 1;
		r->max_extents = 128;
		data_here(req, 4096);
		break;
	}
	case FSVA_OP_IOCTL: {
		BODY(ioctl_req);

		r->fh = FH;
		r->cmd = 0x80086601;
		r->in_len = 8;
		memset(data, 0, 8);
		data_here(req, 64);
		return 8;
	}
	case FSVA_OP_LOCK:
	case FSVA_OP_LOCK_TEST:
	case FSVA_OP_FLOCK: {
		BODY(lock_req);

		r->fh = FH;
		r->owner = 0x8765432187654321ull;
		r->end = INT64_MAX;
		r->pid = 1;
		r->type = FSVA_LOCK_WRITE;
		r->flags = op == FSVA_OP_LOCK_TEST ? FSVA_LOCKF_OFD : FSVA_LOCKF_WAIT;
		break;
	}
	case FSVA_OP_GETXATTR:
	case FSVA_OP_REMOVEXATTR: {
		BODY(getxattr_req);

		if (fsva_wire_xattr_name(&r->name, HANDLE, "user.a/b", 8))
			abort();
		if (op == FSVA_OP_GETXATTR)
			data_here(req, 256);
		break;
	}
	case FSVA_OP_SETXATTR: {
		BODY(setxattr_req);

		if (fsva_wire_xattr_name(&r->name, HANDLE, "user.mime", 9))
			abort();
		r->flags = 1;
		return text(req, data, "text/plain");
	}
	case FSVA_OP_LISTXATTR: {
		BODY(listxattr_req);

		r->handle = HANDLE;
		data_here(req, 1024);
		break;
	}
	case FSVA_OP_GET_ACL:
	case FSVA_OP_SET_ACL: {
		BODY(get_acl_req);

		r->handle = HANDLE;
		r->type = 1;
		if (op == FSVA_OP_GET_ACL) {
			data_here(req, 4096);
			break;
		}
		memcpy(data, acl, sizeof(acl));
		data_here(req, sizeof(acl));
		return sizeof(acl);
	}
	case FSVA_OP_FILEATTR_SET: {
		BODY(fileattr_set_req);

		r->handle = HANDLE;
		r->attr.flags = 0x10;
		r->which = 1;
		break;
	}
	case FSVA_OP_ENCODE_FH: {
		BODY(encode_fh_req);

		r->handle = HANDLE;
		data_here(req, FSVA_EXPORT_FH_MAX);
		break;
	}
	case FSVA_OP_DECODE_FH: {
		BODY(decode_fh_req);

		r->type = 1;
		return text(req, data, "12345678");
	}
	case FSVA_OP_GET_NAME: {
		BODY(get_name_req);

		r->dir = PARENT;
		r->handle = HANDLE;
		data_here(req, 256);
		break;
	}
	case FSVA_OP_STATFS:
	case FSVA_OP_READLINK:
	case FSVA_OP_FILEATTR_GET:
	case FSVA_OP_GET_PARENT: {
		BODY(statfs_req);

		r->handle = HANDLE;
		if (op == FSVA_OP_READLINK)
			data_here(req, 4096);
		break;
	}
	case FSVA_OP_MAP_PAGE: {
		BODY(map_page_req);

		r->handle = HANDLE;
		r->index = 7;
		r->nr_pages = 4;
		r->flags = FSVA_MAP_WRITE;
		break;
	}
	case FSVA_OP_UNMAP_PAGE: {
		BODY(unmap_page_req);

		r->nr = 2;
		r->gref[0] = 100;
		r->gref[1] = 101;
		break;
	}
	case FSVA_OP_EVICT_PAGE: {
		BODY(evict_page_req);

		r->nr = 2;
		r->flags = FSVA_EVICT_START;
		r->frames = 1000;
		memcpy(data, evict, sizeof(evict));
		data_here(req, sizeof(evict));
		return sizeof(evict);
	}
	case FSVA_OP_INVALIDATE_PAGE: {
		BODY(invalidate_page_req);

		r->handle = HANDLE;
		r->end = INT64_MAX;
		break;
	}
	}
	return 0;
}

void sample_attr(struct fsva_attr *a, uint32_t type)
{
	memset(a, 0, sizeof(*a));
	a->ino = 12;
	a->size = 4096;
	a->blocks = 8;
	a->change = 9;
	a->atime.sec = a->mtime.sec = a->ctime.sec = a->btime.sec = 1700000000;
	a->mtime.nsec = 999999999;
	a->attributes = FSVA_ATTR_NODUMP;
	a->attributes_mask = FSVA_ATTR_ALL;
	a->mode = type | 0644;
	a->nlink = 1;
	a->uid = 1000;
	a->gid = 1000;
	a->blksize = 4096;
	a->generation = 99;
	a->flags = FSVA_INODE_NOSEC;
	a->valid = FSVA_ATTR_HAS_ALL;
	a->dio_mem_align = 512;
	a->dio_offset_align = 512;
}

static void entry(struct fsva_entry *e, uint32_t type)
{
	e->handle = HANDLE;
	e->impl = FSVA_IMPL_XATTR | FSVA_IMPL_FSYNC;
	sample_attr(&e->attr, type);
}

static uint32_t answer(struct fsva_rsp *rsp, void *data, const void *from, uint32_t len)
{
	memcpy(data, from, len);
	rsp->data_len = len;
	return len;
}

uint32_t sample_rsp(const struct fsva_req *req, struct fsva_rsp *rsp, void *data)
{
	const struct fsva_event_msg events[5] = {
		{ .handle = HANDLE, .dir = PARENT, .what = FSVA_EVENT_SELF, .name_len = 3, .name = "old" },
		{ .handle = PARENT, .what = FSVA_EVENT_ATTRIB | FSVA_EVENT_GONE | FSVA_EVENT_DIR },
		{ .dir = PARENT, .what = FSVA_EVENT_MOVED_FROM, .cookie = 9, .name_len = 3, .name = "old" },
		{ .dir = PARENT, .what = FSVA_EVENT_MOVED_TO, .cookie = 9, .name_len = 3, .name = "new" },
		{ .what = FSVA_EVENT_LOST },
	};
	static const struct fsva_shared_page shared[2] = { { HANDLE, 1, 8, FSVA_MAP_WRITE }, { PARENT, 2, 9, 0 } };
	static const struct fsva_extent extents[2] = { { 0, 4096, 4096, 0, 0 }, { 8192, 65536, 4096, 1, 0 } };
	static const struct fsva_ace acl[3] = { { 0x01, 6, 0 }, { 0x04, 4, 0 }, { 0x20, 0, 0 } };
	const struct fsva_piggy_msg kept[2] = {
		{ .handle = PARENT, .nr_pages = 1, .kind = FSVA_PIGGY_EVICT },
		{ .handle = HANDLE, .index = 9, .nr_pages = 4, .kind = FSVA_PIGGY_INSERT },
	};
	void *body = fsva_wire_rsp_init(rsp, req);

	switch ((enum fsva_op)req->op) {
	case FSVA_OP_NULL_CALL:
	case FSVA_OP_CRED_SET:
	case FSVA_OP_INTERRUPT:
	case FSVA_OP_UNMOUNT:
	case FSVA_OP_SYNCFS:
	case FSVA_OP_FREEZE:
	case FSVA_OP_THAW:
	case FSVA_OP_PERMISSION:
	case FSVA_OP_DIRTY_INODE:
	case FSVA_OP_WRITE_INODE:
	case FSVA_OP_DENTRY_RELEASE:
	case FSVA_OP_RELEASE:
	case FSVA_OP_FLUSH:
	case FSVA_OP_FSYNC:
	case FSVA_OP_FADVISE:
	case FSVA_OP_LOCK:
	case FSVA_OP_FLOCK:
	case FSVA_OP_UNMAP_PAGE:
	case FSVA_OP_INVALIDATE_PAGE:
		break;
	case FSVA_OP_SHOW_OPTIONS:
		return answer(rsp, data, ",data=journal", 13);
	case FSVA_OP_READLINK:
		return answer(rsp, data, "../some/where", 13);
	case FSVA_OP_GET_NAME:
		return answer(rsp, data, "name", 4);
	case FSVA_OP_SESSION: {
		BODY(session_rsp);

		r->session = 0x1122334455667788ull;
		r->features = FSVA_FEATURE_XATTR;
		r->nr_creds = 256;
		r->flags = FSVA_SESSION_RESUMED;
		r->max_data = 64 * FSVA_PAGE_SIZE;
		break;
	}
	case FSVA_OP_EVENT: {
		BODY(event_rsp);

		r->seq = 17;
		r->nr = 5;
		return answer(rsp, data, events, sizeof(events));
	}
	case FSVA_OP_RESTORE_GRANTS: {
		BODY(restore_grants_rsp);

		r->nr = 2;
		r->cursor = 17;
		return answer(rsp, data, shared, sizeof(shared));
	}
	case FSVA_OP_MOUNT: {
		BODY(mount_rsp);

		entry(&r->root, 0040000);
		r->fsid[0] = 1;
		r->max_size = INT64_MAX;
		r->time_min.sec = -2147483648LL;
		r->time_max.sec = 15032385535LL;
		r->time_gran = 1;
		r->magic = 0xef53;
		r->blksize = 4096;
		r->name_max = 255;
		r->flags = FSVA_MOUNT_RDONLY | FSVA_MOUNT_POSIXACL;
		r->max_links = 65000;
		memcpy(r->type, "ext4", 5);
		break;
	}
	case FSVA_OP_REMOUNT: {
		BODY(remount_rsp);

		r->flags = FSVA_MOUNT_POSIXACL;
		break;
	}
	case FSVA_OP_STATFS: {
		BODY(statfs_rsp);

		r->blocks = 1000;
		r->bfree = 900;
		r->bavail = 850;
		r->bsize = r->frsize = 4096;
		r->namelen = 255;
		break;
	}
	case FSVA_OP_FILEATTR_GET: {
		BODY(fileattr_get_rsp);

		r->flags = 0x80000;
		break;
	}
	case FSVA_OP_LOOKUP:
	case FSVA_OP_DECODE_FH:
	case FSVA_OP_GET_PARENT: {
		BODY(lookup_rsp);

		entry(&r->entry, 0100000);
		break;
	}
	case FSVA_OP_GETATTR:
	case FSVA_OP_SETATTR:
	case FSVA_OP_TRUNCATE:
	case FSVA_OP_FALLOCATE:
	case FSVA_OP_SETXATTR:
	case FSVA_OP_REMOVEXATTR:
	case FSVA_OP_SET_ACL:
	case FSVA_OP_FILEATTR_SET: {
		BODY(getattr_rsp);

		sample_attr(&r->attr, 0100000);
		r->impl = FSVA_IMPL_PERMISSION;
		break;
	}
	case FSVA_OP_CREATE:
	case FSVA_OP_TMPFILE:
	case FSVA_OP_MKNOD:
	case FSVA_OP_MKDIR:
	case FSVA_OP_SYMLINK:
	case FSVA_OP_LINK: {
		BODY(create_rsp);

		entry(&r->entry, req->op == FSVA_OP_MKNOD ? 0060000 : req->op == FSVA_OP_MKDIR ? 0040000 :
		      req->op == FSVA_OP_SYMLINK ? 0120000 : 0100000);
		sample_attr(&r->dir, 0040000);
		if (req->op == FSVA_OP_CREATE || req->op == FSVA_OP_TMPFILE)
			r->fh = FH;
		break;
	}
	case FSVA_OP_RMDIR:
	case FSVA_OP_UNLINK: {
		BODY(unlink_rsp);

		sample_attr(&r->dir, 0040000);
		sample_attr(&r->victim, req->op == FSVA_OP_RMDIR ? 0040000 : 0010000);
		break;
	}
	case FSVA_OP_RENAME: {
		BODY(rename_rsp);

		sample_attr(&r->old_dir, 0040000);
		sample_attr(&r->new_dir, 0040000);
		break;
	}
	case FSVA_OP_DENTRY_VALIDATE: {
		BODY(dentry_validate_rsp);

		sample_attr(&r->attr, 0120000);
		break;
	}
	case FSVA_OP_OPEN: {
		BODY(open_rsp);

		r->fh = FH;
		r->impl = FSVA_IMPL_FSYNC;
		r->flags = FSVA_OPEN_STREAM;
		sample_attr(&r->attr, 0100000);
		break;
	}
	case FSVA_OP_SEEK: {
		BODY(seek_rsp);

		r->offset = INT64_MAX;
		break;
	}
	case FSVA_OP_READDIR: {
		BODY(readdir_rsp);
		uint32_t pos = 0;

		if (!fsva_wire_dirent_put(data, 4096, &pos, 2, 1, 4, ".", 1) ||
		    !fsva_wire_dirent_put(data, 4096, &pos, 2, 2, 4, "..", 2) ||
		    !fsva_wire_dirent_put(data, 4096, &pos, 12, 99, 8, "eight888", 8))
			abort();
		r->next = 99;
		r->nr = 3;
		rsp->data_len = pos;
		return pos;
	}
	case FSVA_OP_READ: {
		BODY(read_rsp);

		r->size = 1ull << 34;
		return answer(rsp, data, "what is read", 12);
	}
	case FSVA_OP_WRITE: {
		BODY(write_rsp);

		r->offset = 4095;
		sample_attr(&r->attr, 0100000);
		rsp->data_len = req->data_len;
		break;
	}
	case FSVA_OP_COPY_RANGE:
	case FSVA_OP_REMAP_RANGE: {
		BODY(copy_range_rsp);

		r->copied = 4096;
		sample_attr(&r->attr, 0100000);
		break;
	}
	case FSVA_OP_FIEMAP: {
		BODY(fiemap_rsp);

		r->nr = 2;
		return answer(rsp, data, extents, sizeof(extents));
	}
	case FSVA_OP_IOCTL:
		return answer(rsp, data, "\x10\0\0\0", 4);
	case FSVA_OP_LOCK_TEST: {
		BODY(lock_test_rsp);

		r->end = INT64_MAX;
		r->pid = 5;
		r->type = FSVA_LOCK_READ;
		break;
	}
	case FSVA_OP_GETXATTR: {
		BODY(getxattr_rsp);

		r->size = 5;
		return answer(rsp, data, "value", 5);
	}
	case FSVA_OP_LISTXATTR: {
		BODY(getxattr_rsp);

		r->size = 17;
		return answer(rsp, data, "user.mi\0security", 17);
	}
	case FSVA_OP_GET_ACL: {
		BODY(get_acl_rsp);

		r->nr = 3;
		return answer(rsp, data, acl, sizeof(acl));
	}
	case FSVA_OP_ENCODE_FH: {
		BODY(encode_fh_rsp);

		r->type = 1;
		return answer(rsp, data, "12345678", 8);
	}
	case FSVA_OP_MAP_PAGE: {
		BODY(map_page_rsp);

		r->size = 1 << 20;
		r->nr_pages = 2;
		r->flags = FSVA_MAP_WRITE;
		r->gref[0] = 100;
		r->gref[1] = 101;
		break;
	}
	case FSVA_OP_EVICT_PAGE: {
		BODY(evict_page_rsp);

		r->nr_dropped = 3;
		r->nr_kept = 1;
		r->nr_news = 1;
		r->seq = 7;
		r->held = 999;
		return answer(rsp, data, kept, sizeof(kept));
	}
	}
	return 0;
}

/* Take the messages that count, one field after another. */
static void piggy_again(struct fsva_piggy *to, const struct fsva_piggy *from)
{
	uint32_t i;

	memset(to, 0, sizeof(*to));
	if (!from->nr)
		return;
	to->seq = from->seq;
	to->nr = from->nr;
	for (i = 0; i < from->nr && i < FSVA_PIGGY_MAX; i++) {
		to->msg[i].handle = from->msg[i].handle;
		to->msg[i].index = from->msg[i].index;
		to->msg[i].nr_pages = from->msg[i].nr_pages;
		to->msg[i].kind = from->msg[i].kind;
	}
}

bool sample_req_rebuilt(const struct fsva_req *req)
{
	const struct fsva_wire_op *row = fsva_wire_op(req->op);
	struct fsva_req again;
	uint8_t *body = fsva_wire_req_init(&again, req->op, req->cred);

	again.id = req->id;
	again.tag = req->tag;
	again.flags = req->flags;
	again.umask = req->umask;
	memcpy(body, req->body, row->req_size);
	switch (req->op) {
	case FSVA_OP_LOOKUP: case FSVA_OP_CREATE: case FSVA_OP_MKNOD: case FSVA_OP_MKDIR: case FSVA_OP_RMDIR:
	case FSVA_OP_LINK: case FSVA_OP_UNLINK: case FSVA_OP_SYMLINK: case FSVA_OP_RENAME:
	case FSVA_OP_DENTRY_VALIDATE: {
		const struct fsva_name *n = (const struct fsva_name *)(const void *)req->body;

		if (fsva_wire_name((struct fsva_name *)(void *)body, n->dir, (const char *)n->name, n->len))
			return false;
		break;
	}
	case FSVA_OP_GETXATTR: case FSVA_OP_SETXATTR: case FSVA_OP_REMOVEXATTR: {
		const struct fsva_name *n = (const struct fsva_name *)(const void *)req->body;

		if (fsva_wire_xattr_name((struct fsva_name *)(void *)body, n->dir, (const char *)n->name, n->len))
			return false;
		break;
	}
	}
	if (row->flags & (FSVA_F_DATA_IN | FSVA_F_DATA_OUT) &&
	    fsva_wire_req_data(&again, req->data_off, req->data_len, fsva_wire_grefs(req), req->nr_grefs))
		return false;
	piggy_again(&again.piggy, &req->piggy);
	return memcmp(&again, req, sizeof(again)) == 0;
}

bool sample_rsp_rebuilt(const struct fsva_rsp *rsp, const struct fsva_req *req)
{
	struct fsva_rsp again;
	uint8_t *body = fsva_wire_rsp_init(&again, req);

	again.error = rsp->error;
	again.flags = rsp->flags;
	if (!rsp->error) {
		again.data_len = rsp->data_len;
		memcpy(body, rsp->body, fsva_wire_op(req->op)->rsp_size);
	}
	piggy_again(&again.piggy, &rsp->piggy);
	return memcmp(&again, rsp, sizeof(again)) == 0;
}

bool sample_listing_rebuilt(const void *data, uint32_t len)
{
	uint32_t from = 0, to = 0;
	struct fsva_dirent d;
	const char *entry_name;
	bool same;
	uint8_t *again = malloc(len ? len : 1);
	int error;

	while ((error = fsva_wire_dirent_get(data, len, &from, &d, &entry_name)) == FSVA_OK)
		if (!fsva_wire_dirent_put(again, len, &to, d.ino, d.next, d.type, entry_name, d.name_len)) {
			free(again);
			return false;
		}
	/* What was taken before a fault must come out again too. */
	same = from == to && memcmp(again, data, to) == 0 && (error == FSVA_ENODATA) == (to == len);
	free(again);
	return same;
}
