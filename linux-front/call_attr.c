// SPDX-License-Identifier: GPL-2.0
/*
 * call_attr.c: the calls about attributes of all kinds and ioctl(); see call.c.
 *
 * Values and lists go through pages that are granted for good: the staging page
 * up to 4 KiB, the reserve's up to 64 KiB.  What comes back is copied once into
 * the caller's buffer, which is private, and checked there.
 */
#include <linux/slab.h>
#include <linux/xattr.h>

#include "call.h"

/* The room of piece i of a call's data. */
static void *fsva_call_piece(struct fsva_call *call, unsigned int i)
{
	return call->nr ? page_address(call->bounce[i]->page) : call->staging;
}

static void fsva_call_put_data(struct fsva_call *call, const void *buf, u32 len)
{
	u32 at, n;

	for (at = 0; at < len; at += n) {
		n = min(len - at, FSVA_PAGE_SIZE);
		memcpy(fsva_call_piece(call, at / FSVA_PAGE_SIZE), buf + at, n);
	}
}

static void fsva_call_get_data(struct fsva_call *call, void *buf, u32 len)
{
	u32 at, n;

	for (at = 0; at < len; at += n) {
		n = min(len - at, FSVA_PAGE_SIZE);
		memcpy(buf + at, fsva_call_piece(call, at / FSVA_PAGE_SIZE), n);
	}
}

/* Data that goes along; fails for more than one request can carry. */
static int fsva_call_send(struct fsva_call *call, const void *buf, size_t len)
{
	int err;

	if (len > min(call->ring->ff->max_data, FSVA_XATTR_MAX))
		return -E2BIG;
	err = fsva_call_room(call, len);
	if (err)
		return err;
	fsva_call_put_data(call, buf, len);
	fsva_call_room_data(call, len);
	return 0;
}

/*
 * Run a call that brings up to size octets into buf.  Returns how many, or with
 * size 0 what `size` in the answer says there are; ends the call.
 */
static ssize_t fsva_call_receive(struct fsva_call *call, void *buf, size_t size)
{
	struct fsva_front *ff = call->ring->ff;
	const struct fsva_getxattr_rsp *rsp;
	bool bad = false;
	ssize_t ret;

	size = min3(size, (size_t)ff->max_data, (size_t)FSVA_XATTR_MAX);
	ret = fsva_call_room(call, size);
	if (!ret) {
		fsva_call_room_data(call, size);
		ret = fsva_call_run(&call);
	}
	if (!ret && size) {
		ret = call->rsp.data_len;
		fsva_call_get_data(call, buf, ret);
		bad = fsva_wire_check_rsp_data(&call->rsp, buf, ret);
	} else if (!ret) {
		rsp = fsva_call_rsp(call);
		/* The VFS allocates what this says. */
		ret = rsp->size <= FSVA_XATTR_MAX ? rsp->size : -E2BIG;
	}
	fsva_call_end(call);
	if (bad) {
		fsva_front_stop(ff, "a list of attributes is malformed");
		return -EIO;
	}
	return ret;
}

/* Start an operation whose structure begins with an attribute's name. */
static struct fsva_call *fsva_call_xattr(struct fsva_front *ff, u16 op,
					 const struct inode *inode, u64 handle,
					 const char *name)
{
	struct fsva_call *call = fsva_call_start_on(ff, op, inode);
	int error;

	if (IS_ERR(call))
		return call;
	error = fsva_wire_xattr_name(fsva_call_req(call), handle, name,
				     strlen(name));
	if (error) {
		fsva_call_end(call);
		return ERR_PTR(fsva_call_errno(error));
	}
	return call;
}

/* Octets of the value; with size 0 as many as there are. */
ssize_t fsva_call_getxattr(struct fsva_front *ff, u64 handle, const char *name,
			   void *buf, size_t size)
{
	struct fsva_call *call;

	call = fsva_call_xattr(ff, FSVA_OP_GETXATTR, NULL, handle, name);
	if (IS_ERR(call))
		return PTR_ERR(call);
	return fsva_call_receive(call, buf, size);
}

ssize_t fsva_call_listxattr(struct fsva_front *ff, u64 handle, char *buf,
			    size_t size)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_LISTXATTR);
	struct fsva_listxattr_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	return fsva_call_receive(call, buf, size);
}

int fsva_call_setxattr(struct fsva_front *ff, const struct inode *inode,
		       u64 handle, const char *name, const void *value,
		       size_t size, int flags, struct fsva_getattr_rsp *rsp)
{
	struct fsva_setxattr_req *q;
	struct fsva_call *call;
	int err;

	call = fsva_call_xattr(ff, FSVA_OP_SETXATTR, inode, handle, name);
	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	if (flags & XATTR_CREATE)
		q->flags |= 1;
	if (flags & XATTR_REPLACE)
		q->flags |= 2;
	err = fsva_call_send(call, value, size);
	if (err) {
		fsva_call_end(call);
		return err;
	}
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_removexattr(struct fsva_front *ff, const struct inode *inode,
			  u64 handle, const char *name,
			  struct fsva_getattr_rsp *rsp)
{
	struct fsva_call *call;

	call = fsva_call_xattr(ff, FSVA_OP_REMOVEXATTR, inode, handle, name);
	if (IS_ERR(call))
		return PTR_ERR(call);
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/*
 * The entries of an ACL, as many as *nr says fit; *nr becomes how many there
 * are, 0: it has none.  -ERANGE: they do not fit.
 */
int fsva_call_get_acl(struct fsva_front *ff, u64 handle, u32 type,
		      struct fsva_ace *aces, u32 *nr)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_GET_ACL);
	struct fsva_get_acl_req *q;
	ssize_t len;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->type = type;
	len = fsva_call_receive(call, aces, *nr * sizeof(*aces));
	if (len < 0)
		return len;
	*nr = len / sizeof(*aces);
	return 0;
}

int fsva_call_set_acl(struct fsva_front *ff, const struct inode *inode,
		      u64 handle, u32 type, const struct fsva_ace *aces, u32 nr,
		      struct fsva_getattr_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start_on(ff, FSVA_OP_SET_ACL, inode);
	struct fsva_get_acl_req *q;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->type = type;
	err = fsva_call_send(call, aces, nr * sizeof(*aces));
	if (err) {
		fsva_call_end(call);
		return err;
	}
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

int fsva_call_fileattr_get(struct fsva_front *ff, u64 handle,
			   struct fsva_fileattr *attr)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_FILEATTR_GET);
	struct fsva_fileattr_get_req *q;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	return fsva_call_finish(call, attr, sizeof(*attr));
}

int fsva_call_fileattr_set(struct fsva_front *ff, const struct inode *inode,
			   const struct fsva_fileattr_set_req *args,
			   struct fsva_getattr_rsp *rsp)
{
	struct fsva_call *call = fsva_call_start_on(ff, FSVA_OP_FILEATTR_SET,
						    inode);

	if (IS_ERR(call))
		return PTR_ERR(call);
	memcpy(fsva_call_req(call), args, sizeof(*args));
	return fsva_call_finish(call, rsp, sizeof(*rsp));
}

/* Up to room extents, room at most a staging page's; 0: only *nr, how many. */
int fsva_call_fiemap(struct fsva_front *ff, u64 handle, u64 start, u64 len,
		     u32 flags, struct fsva_extent *ext, u32 room, u32 *nr)
{
	struct fsva_call *call = fsva_call_start(ff, FSVA_OP_FIEMAP);
	struct fsva_fiemap_req *q;
	struct fsva_fiemap_rsp rsp;
	ssize_t got;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->handle = handle;
	q->start = start;
	q->len = len;
	q->flags = flags;
	q->max_extents = room;
	if (!room) {
		err = fsva_call_finish(call, &rsp, sizeof(rsp));
		if (!err)
			*nr = rsp.nr;
		return err;
	}
	got = fsva_call_receive(call, ext, room * sizeof(*ext));
	if (got < 0)
		return got;
	*nr = got / sizeof(*ext);
	return 0;
}

/* buf holds in octets; *out, the most that may come back, becomes what did. */
int fsva_call_ioctl(struct fsva_front *ff, const struct inode *inode, u64 fh,
		    u32 cmd, void *buf, u32 in, u32 *out, s64 *value)
{
	struct fsva_call *call = fsva_call_start_on(ff, FSVA_OP_IOCTL, inode);
	struct fsva_ioctl_req *q;
	const struct fsva_ioctl_rsp *rsp;
	int err;

	if (IS_ERR(call))
		return PTR_ERR(call);
	q = fsva_call_req(call);
	q->fh = fh;
	q->cmd = cmd;
	q->in_len = in;
	fsva_call_put_data(call, buf, in);
	fsva_call_room_data(call, max(in, *out));
	err = fsva_call_run(&call);
	if (!err) {
		rsp = fsva_call_rsp(call);
		*value = rsp->value;
		*out = min(*out, call->rsp.data_len);
		fsva_call_get_data(call, buf, *out);
	}
	fsva_call_end(call);
	return err;
}
