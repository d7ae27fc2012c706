/* SPDX-License-Identifier: MIT */
/*
 * fsva_wire.c: the codec.  See fsva_wire.h for what each function promises, fsva.pandoc for the rules.
 *
 * A driver builds this file through a one-line wire.c of its own.  A request is checked in this order: its
 * head (what every operation has), the operation's row, where its data is, the octets that nobody uses, then
 * the operation's own fields.  The first fault found is the answer.
 *
 * Every operation has a case in fsva_wire_check_req_body() and in fsva_wire_check_rsp_body(); neither switch
 * has a default, so that the compiler names the one that is missing.
 */
#include "fsva_wire.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the ring is little-endian, and so must be both of its ends"
#endif

#define FSVA_WIRE_OFF_MAX       0x7fffffffffffffffull   /* the last offset in a file */
#define FSVA_WIRE_ID_NONE       0xffffffffu             /* (uid_t)-1: nobody's id */

/* POSIX's octal values, which the wire has and the includer's kernel may not. */
#define FSVA_WIRE_S_IFMT        0170000u
#define FSVA_WIRE_S_IFSOCK      0140000u
#define FSVA_WIRE_S_IFLNK       0120000u
#define FSVA_WIRE_S_IFREG       0100000u
#define FSVA_WIRE_S_IFBLK       0060000u
#define FSVA_WIRE_S_IFDIR       0040000u
#define FSVA_WIRE_S_IFCHR       0020000u
#define FSVA_WIRE_S_IFIFO       0010000u

/* ---- The table ---------------------------------------------------------------------------------------- */

#define FSVA_WIRE_ROW(nr, NAME, name, flags) \
	[nr] = { #name, flags, sizeof(struct fsva_##name##_req), sizeof(struct fsva_##name##_rsp) },
static const struct fsva_wire_op fsva_wire_ops[FSVA_OP_MAX] = { FSVA_OPS(FSVA_WIRE_ROW) };
#undef FSVA_WIRE_ROW

/* Each structure fits the body, and is whole words, which the zero checks count on. */
#define FSVA_WIRE_FITS(nr, NAME, name, flags) \
	_Static_assert(nr < FSVA_OP_MAX, #name " number"); \
	_Static_assert(sizeof(struct fsva_##name##_req) <= FSVA_BODY_SIZE, #name "_req too big"); \
	_Static_assert(sizeof(struct fsva_##name##_rsp) <= FSVA_BODY_SIZE, #name "_rsp too big"); \
	_Static_assert(sizeof(struct fsva_##name##_req) % 8 == 0, #name "_req not words"); \
	_Static_assert(sizeof(struct fsva_##name##_rsp) % 8 == 0, #name "_rsp not words");
FSVA_OPS(FSVA_WIRE_FITS)
#undef FSVA_WIRE_FITS

const struct fsva_wire_op *fsva_wire_op(uint16_t op)
{
	const struct fsva_wire_op *row;

	if (op >= FSVA_OP_MAX)
		return NULL;
	row = &fsva_wire_ops[FSVA_PORT_NOSPEC(op, FSVA_OP_MAX)];
	return row->name ? row : NULL;
}

/* ---- Small tools -------------------------------------------------------------------------------------- */

static uint64_t fsva_wire_word(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Are all octets zero?  Reads words; no early end, since the honest answer needs all of them. */
static bool fsva_wire_zero(const void *p, uint32_t len)
{
	const uint8_t *o = (const uint8_t *)p;
	uint64_t any = 0;

	for (; len >= 8; len -= 8, o += 8)
		any |= fsva_wire_word(o);
	for (; len; len--, o++)
		any |= *o;
	return any == 0;
}

/* 0x80 somewhere in the result says that some octet of w is zero. */
static uint64_t fsva_wire_has_nul(uint64_t w)
{
	return (w - 0x0101010101010101ull) & ~w & 0x8080808080808080ull;
}

/* Is there no NUL, and none of `other` unless that is 0, in these octets? */
static bool fsva_wire_clean(const char *s, size_t len, uint8_t other)
{
	const uint64_t pattern = 0x0101010101010101ull * other;
	const uint8_t *o = (const uint8_t *)s;
	uint64_t bad = 0;

	for (; len >= 8; len -= 8, o += 8) {
		uint64_t w = fsva_wire_word(o);

		bad |= fsva_wire_has_nul(w) | fsva_wire_has_nul(w ^ pattern);
	}
	if (bad)
		return false;
	for (; len; len--, o++)
		if (*o == 0 || *o == other)
			return false;
	return true;
}

static bool fsva_wire_add_fits(uint64_t offset, uint64_t len)
{
	return offset <= FSVA_WIRE_OFF_MAX && len <= FSVA_WIRE_OFF_MAX - offset;
}

static bool fsva_wire_time_ok(const struct fsva_time *t)
{
	return t->nsec < 1000000000u && t->pad == 0;
}

static bool fsva_wire_rdev_ok(uint32_t major, uint32_t minor)
{
	return major <= FSVA_RDEV_MAJOR_MAX && minor <= FSVA_RDEV_MINOR_MAX;
}

uint32_t fsva_wire_pages(uint16_t off, uint32_t len)
{
	if (len == 0)
		return 0;
	return (uint32_t)(((uint64_t)(off & (FSVA_PAGE_SIZE - 1)) + len + FSVA_PAGE_SIZE - 1) / FSVA_PAGE_SIZE);
}

/* ---- Names -------------------------------------------------------------------------------------------- */

int fsva_wire_check_component(const char *name, size_t len)
{
	if (len == 0)
		return FSVA_EINVAL;
	if (len > FSVA_NAME_MAX)
		return FSVA_ENAMETOOLONG;
	return fsva_wire_clean(name, len, '/') ? FSVA_OK : FSVA_EINVAL;
}

int fsva_wire_check_name(const char *name, size_t len)
{
	if (len >= 1 && len <= 2 && name[0] == '.' && name[len - 1] == '.')
		return FSVA_EINVAL;
	return fsva_wire_check_component(name, len);
}

int fsva_wire_name(struct fsva_name *n, uint64_t dir, const char *name, size_t len)
{
	int error = fsva_wire_check_name(name, len);

	if (error)
		return error;
	memset(n, 0, sizeof(*n));
	n->dir = dir;
	n->len = (uint16_t)len;
	memcpy(n->name, name, len);
	return FSVA_OK;
}

int fsva_wire_xattr_name(struct fsva_name *n, uint64_t handle, const char *name, size_t len)
{
	if (len == 0 || (len <= FSVA_NAME_MAX && !fsva_wire_clean(name, len, 0)))
		return FSVA_EINVAL;
	if (len > FSVA_NAME_MAX)
		return FSVA_ENAMETOOLONG;
	memset(n, 0, sizeof(*n));
	n->dir = handle;
	n->len = (uint16_t)len;
	memcpy(n->name, name, len);
	return FSVA_OK;
}

/* A name in a request; an attribute's may have any octet but NUL. */
static int fsva_wire_check_name_field(const struct fsva_name *n, bool xattr)
{
	const char *name = (const char *)n->name;

	if (n->len > FSVA_NAME_MAX)
		return FSVA_ENAMETOOLONG;
	if (!fsva_wire_zero(n->pad, sizeof(n->pad)) || !fsva_wire_zero(n->name + n->len, sizeof(n->name) - n->len))
		return FSVA_EPROTO;
	if (n->dir == 0 || n->len == 0)
		return FSVA_EINVAL;
	if (xattr)
		return fsva_wire_clean(name, n->len, 0) ? FSVA_OK : FSVA_EINVAL;
	return fsva_wire_check_name(name, n->len);
}

/* ---- Building requests and responses ------------------------------------------------------------------ */

void *fsva_wire_req_init(struct fsva_req *req, uint16_t op, uint16_t cred)
{
	memset(req, 0, sizeof(*req));
	req->op = op;
	req->cred = cred;
	return req->body;
}

uint16_t fsva_wire_max_grefs(uint16_t op)
{
	const struct fsva_wire_op *row = fsva_wire_op(op);
	uint32_t fit;

	if (!row || !(row->flags & (FSVA_F_DATA_IN | FSVA_F_DATA_OUT)))
		return 0;
	fit = (FSVA_BODY_SIZE - row->req_size) / sizeof(uint32_t);
	return (uint16_t)(fit < FSVA_MAX_GREFS ? fit : FSVA_MAX_GREFS);
}

int fsva_wire_req_data(struct fsva_req *req, uint16_t off, uint32_t len, const uint32_t *gref, uint16_t nr_grefs)
{
	if (off >= FSVA_PAGE_SIZE)
		return FSVA_EINVAL;
	if (nr_grefs == 0) {
		if (len > FSVA_PAGE_SIZE - off)
			return FSVA_E2BIG;
	} else {
		if (nr_grefs > fsva_wire_max_grefs(req->op))
			return FSVA_E2BIG;
		if (nr_grefs != fsva_wire_pages(off, len))
			return FSVA_EINVAL;
		memcpy(req->body + FSVA_BODY_SIZE - nr_grefs * sizeof(uint32_t), gref, nr_grefs * sizeof(uint32_t));
	}
	req->data_off = off;
	req->data_len = len;
	req->nr_grefs = nr_grefs;
	return FSVA_OK;
}

const uint32_t *fsva_wire_grefs(const struct fsva_req *req)
{
	return (const uint32_t *)(const void *)(req->body + FSVA_BODY_SIZE - req->nr_grefs * sizeof(uint32_t));
}

void *fsva_wire_rsp_init(struct fsva_rsp *rsp, const struct fsva_req *req)
{
	memset(rsp, 0, sizeof(*rsp));
	rsp->id = req->id;
	rsp->op = req->op;
	rsp->tag = req->tag;
	return rsp->body;
}

/* ---- Checking what both kinds of slot have ------------------------------------------------------------ */

static bool fsva_wire_piggy_msg_ok(const struct fsva_piggy_msg *m, bool from_front)
{
	if (m->pad)
		return false;
	switch (m->kind) {
	case FSVA_PIGGY_INSERT:
	case FSVA_PIGGY_REMOVE:
		return !from_front && m->handle && m->nr_pages;
	case FSVA_PIGGY_SLAB:
		return !from_front && m->handle == 0 && m->index == 0;
	case FSVA_PIGGY_EVICT:
		return from_front && m->handle && m->nr_pages;
	}
	return false;
}

static bool fsva_wire_piggy_ok(const struct fsva_piggy *p, bool from_front)
{
	uint32_t i;

	if (p->nr == 0)
		return fsva_wire_zero(p, sizeof(*p));
	if (p->nr > FSVA_PIGGY_MAX || !fsva_wire_zero(p->pad, sizeof(p->pad)))
		return false;
	for (i = 0; i < p->nr; i++)
		if (!fsva_wire_piggy_msg_ok(&p->msg[i], from_front))
			return false;
	return fsva_wire_zero(&p->msg[p->nr], (FSVA_PIGGY_MAX - p->nr) * sizeof(p->msg[0]));
}

/* Is the data descriptor whole, and are the octets that neither it nor the operation uses zero? */
static bool fsva_wire_data_ok(const struct fsva_req *req, const struct fsva_wire_op *row)
{
	uint32_t grefs = req->nr_grefs * (uint32_t)sizeof(uint32_t);

	if (!(row->flags & (FSVA_F_DATA_IN | FSVA_F_DATA_OUT))) {
		if (req->data_len || req->data_off || req->nr_grefs)
			return false;
	} else if (req->data_off >= FSVA_PAGE_SIZE) {
		return false;
	} else if (req->nr_grefs == 0) {
		if (req->data_len > FSVA_PAGE_SIZE - req->data_off)
			return false;
	} else if (req->nr_grefs > fsva_wire_max_grefs(req->op) ||
		   req->nr_grefs != fsva_wire_pages(req->data_off, req->data_len)) {
		return false;
	}
	return fsva_wire_zero(req->body + row->req_size, FSVA_BODY_SIZE - row->req_size - grefs);
}

/* ---- Checking requests -------------------------------------------------------------------------------- */

static bool fsva_wire_open_flags_ok(uint32_t flags)
{
	return !(flags & ~FSVA_O_ALL) && (flags & FSVA_O_ACCMODE) != FSVA_O_ACCMODE;
}

/* The mode of something to be made: permission bits, and the type if the front likes to give it. */
static bool fsva_wire_new_mode_ok(uint32_t mode, uint32_t type)
{
	uint32_t fmt = mode & FSVA_WIRE_S_IFMT;

	return !(mode & ~(FSVA_WIRE_S_IFMT | 07777u)) && (fmt == 0 || fmt == type);
}

static int fsva_wire_check_setattr(const struct fsva_setattr_req *r)
{
	if (r->atime.pad || r->mtime.pad || r->ctime.pad)
		return FSVA_EPROTO;
	if (r->handle == 0 || r->valid & ~FSVA_SET_ALL ||
	    !fsva_wire_time_ok(&r->atime) || !fsva_wire_time_ok(&r->mtime) || !fsva_wire_time_ok(&r->ctime))
		return FSVA_EINVAL;
	if ((r->valid & FSVA_SET_ATIME_VALUE && !(r->valid & FSVA_SET_ATIME)) ||
	    (r->valid & FSVA_SET_MTIME_VALUE && !(r->valid & FSVA_SET_MTIME)))
		return FSVA_EINVAL;
	if ((r->valid & FSVA_SET_SIZE && r->size > FSVA_WIRE_OFF_MAX) ||
	    (r->valid & FSVA_SET_MODE && r->mode & ~(FSVA_WIRE_S_IFMT | 07777u)) ||
	    (r->valid & FSVA_SET_UID && r->uid == FSVA_WIRE_ID_NONE) ||
	    (r->valid & FSVA_SET_GID && r->gid == FSVA_WIRE_ID_NONE))
		return FSVA_EINVAL;
	return FSVA_OK;
}

static int fsva_wire_check_create(const struct fsva_create_req *r)
{
	int error = fsva_wire_check_name_field(&r->name, false);

	if (error)
		return error;
	if (r->pad)
		return FSVA_EPROTO;
	if (!fsva_wire_new_mode_ok(r->mode, FSVA_WIRE_S_IFREG) || r->flags & ~FSVA_CREATE_FLAGS ||
	    !fsva_wire_open_flags_ok(r->open_flags) || (!(r->flags & FSVA_CREATE_OPEN) && r->open_flags))
		return FSVA_EINVAL;
	return FSVA_OK;
}

static int fsva_wire_check_mknod(const struct fsva_mknod_req *r)
{
	int error = fsva_wire_check_name_field(&r->name, false);

	if (error)
		return error;
	if (r->pad)
		return FSVA_EPROTO;
	if (r->mode & ~(FSVA_WIRE_S_IFMT | 07777u))
		return FSVA_EINVAL;
	switch (r->mode & FSVA_WIRE_S_IFMT) {
	case FSVA_WIRE_S_IFCHR:
	case FSVA_WIRE_S_IFBLK:
		return fsva_wire_rdev_ok(r->rdev_major, r->rdev_minor) ? FSVA_OK : FSVA_EINVAL;
	case 0:
	case FSVA_WIRE_S_IFREG:
	case FSVA_WIRE_S_IFIFO:
	case FSVA_WIRE_S_IFSOCK:
		return r->rdev_major || r->rdev_minor ? FSVA_EINVAL : FSVA_OK;
	}
	return FSVA_EINVAL;
}

static int fsva_wire_check_rename(const struct fsva_rename_req *r, uint32_t data_len)
{
	int error = fsva_wire_check_name_field(&r->name, false);

	if (error)
		return error;
	if (r->pad)
		return FSVA_EPROTO;
	if (data_len > FSVA_NAME_MAX)
		return FSVA_ENAMETOOLONG;
	if (data_len == 0 || r->new_dir == 0 || r->handle == 0 || r->flags & ~FSVA_RENAME_FLAGS ||
	    (r->flags & FSVA_RENAME_EXCHANGE && r->flags & (FSVA_RENAME_NOREPLACE | FSVA_RENAME_WHITEOUT)))
		return FSVA_EINVAL;
	return FSVA_OK;
}

static int fsva_wire_check_rw(const struct fsva_read_req *r, const struct fsva_req *req)
{
	if (!fsva_wire_zero(r->pad, sizeof(r->pad)))
		return FSVA_EPROTO;
	if (r->fh == 0 || r->flags & ~FSVA_RW_FLAGS)
		return FSVA_EINVAL;
	if (r->flags & FSVA_RW_ATIME && (req->op == FSVA_OP_WRITE || r->flags & FSVA_RW_PAGE))
		return FSVA_EINVAL;
	if (r->flags & FSVA_RW_APPEND)
		return req->op == FSVA_OP_WRITE ? FSVA_OK : FSVA_EINVAL;
	return fsva_wire_add_fits(r->offset, req->data_len) ? FSVA_OK : FSVA_EINVAL;
}

static int fsva_wire_check_lock(const struct fsva_lock_req *r, uint16_t op)
{
	uint16_t flags = op == FSVA_OP_LOCK ? FSVA_LOCKF_FLAGS :
			 op == FSVA_OP_FLOCK ? FSVA_LOCKF_WAIT : FSVA_LOCKF_OFD;

	if (r->fh == 0 || r->type > FSVA_LOCK_UNLOCK || r->flags & ~flags ||
	    r->start > r->end || r->end > FSVA_WIRE_OFF_MAX)
		return FSVA_EINVAL;
	if (op == FSVA_OP_FLOCK && (r->start != 0 || r->end != FSVA_WIRE_OFF_MAX))
		return FSVA_EINVAL;
	return FSVA_OK;
}

/* The most pages that a file can have, and so the end of every range of pages. */
#define FSVA_WIRE_INDEX_MAX     (FSVA_WIRE_OFF_MAX / FSVA_PAGE_SIZE)

/* nr references, at most FSVA_MAP_MAX, and nothing behind them. */
static bool fsva_wire_grefs_ok(const uint32_t *gref, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		if (gref[i] == 0)
			return false;
	return fsva_wire_zero(gref + i, (FSVA_MAP_MAX - i) * (uint32_t)sizeof(gref[0]));
}

static bool fsva_wire_pages_ok(uint64_t handle, uint64_t index, uint32_t nr)
{
	return handle != 0 && nr >= 1 && nr <= FSVA_MAP_MAX && index <= FSVA_WIRE_INDEX_MAX - (nr - 1);
}

/* One that needs no more than a handle that is not 0 and a pad that is. */
static int fsva_wire_simple(uint64_t handle, uint32_t pad, bool in_range)
{
	if (pad)
		return FSVA_EPROTO;
	return handle && in_range ? FSVA_OK : FSVA_EINVAL;
}

/* One that starts with a name. */
static int fsva_wire_named(const struct fsva_name *name, uint32_t pad, bool in_range)
{
	int error = fsva_wire_check_name_field(name, false);

	return error ? error : fsva_wire_simple(1, pad, in_range);
}

#define FSVA_WIRE_BODY(name)    const struct fsva_##name *r = (const struct fsva_##name *)(const void *)req->body

static int fsva_wire_check_req_body(const struct fsva_req *req, uint32_t nr_creds)
{
	uint32_t len = req->data_len;

	switch ((enum fsva_op)req->op) {
	case FSVA_OP_NULL_CALL:
	case FSVA_OP_UNMOUNT:
	case FSVA_OP_FREEZE:
	case FSVA_OP_THAW:
	case FSVA_OP_SHOW_OPTIONS:
		return fsva_wire_zero(req->body, sizeof(struct fsva_void)) ? FSVA_OK : FSVA_EPROTO;
	case FSVA_OP_EVENT:
		return len >= sizeof(struct fsva_event_msg) ? FSVA_OK : FSVA_EINVAL;
	case FSVA_OP_SESSION: {
		FSVA_WIRE_BODY(session_req);

		/* Features and minor versions that this end does not know are none of its business. */
		if (!fsva_wire_zero(r->pad, sizeof(r->pad)))
			return FSVA_EPROTO;
		return r->session && r->next_id ? FSVA_OK : FSVA_EINVAL;
	}
	case FSVA_OP_CRED_SET: {
		FSVA_WIRE_BODY(cred_set_req);

		if (r->index == 0 || r->index >= nr_creds || r->nr_groups > FSVA_MAX_GROUPS ||
		    len != r->nr_groups * 4 || r->caps & ~FSVA_CAP_ALL ||
		    r->fsuid == FSVA_WIRE_ID_NONE || r->fsgid == FSVA_WIRE_ID_NONE)
			return FSVA_EINVAL;
		return FSVA_OK;
	}
	case FSVA_OP_INTERRUPT: {
		FSVA_WIRE_BODY(interrupt_req);

		if (!fsva_wire_zero(r->pad, sizeof(r->pad)))
			return FSVA_EPROTO;
		return r->target && r->queue < FSVA_MAX_QUEUES ? FSVA_OK : FSVA_EINVAL;
	}
	case FSVA_OP_RESTORE_GRANTS:
		return len >= sizeof(struct fsva_shared_page) ? FSVA_OK : FSVA_EINVAL;
	case FSVA_OP_MOUNT: {
		FSVA_WIRE_BODY(mount_req);

		return fsva_wire_simple(1, r->pad, !(r->flags & ~FSVA_MOUNT_FLAGS) && len <= FSVA_OPTIONS_MAX);
	}
	case FSVA_OP_REMOUNT: {
		FSVA_WIRE_BODY(remount_req);

		return (r->flags | r->mask) & ~FSVA_MOUNT_FLAGS || len > FSVA_OPTIONS_MAX ? FSVA_EINVAL : FSVA_OK;
	}
	case FSVA_OP_SYNCFS: {
		FSVA_WIRE_BODY(syncfs_req);

		return fsva_wire_simple(1, r->pad, r->wait <= 1);
	}
	case FSVA_OP_LOOKUP: {
		FSVA_WIRE_BODY(lookup_req);

		return fsva_wire_named(&r->name, 0, true);
	}
	case FSVA_OP_GETATTR: {
		FSVA_WIRE_BODY(getattr_req);

		return fsva_wire_simple(r->handle, 0,
					!(r->flags & ~FSVA_GETATTR_FLAGS) && r->flags != FSVA_GETATTR_FLAGS);
	}
	case FSVA_OP_SETATTR: {
		FSVA_WIRE_BODY(setattr_req);

		return fsva_wire_check_setattr(r);
	}
	case FSVA_OP_CREATE: {
		FSVA_WIRE_BODY(create_req);

		return fsva_wire_check_create(r);
	}
	case FSVA_OP_MKNOD: {
		FSVA_WIRE_BODY(mknod_req);

		return fsva_wire_check_mknod(r);
	}
	case FSVA_OP_MKDIR: {
		FSVA_WIRE_BODY(mkdir_req);

		return fsva_wire_named(&r->name, r->pad, fsva_wire_new_mode_ok(r->mode, FSVA_WIRE_S_IFDIR));
	}
	case FSVA_OP_RMDIR:
	case FSVA_OP_UNLINK: {
		FSVA_WIRE_BODY(unlink_req);

		return fsva_wire_named(&r->name, 0, r->handle != 0);
	}
	case FSVA_OP_LINK: {
		FSVA_WIRE_BODY(link_req);

		return fsva_wire_named(&r->name, 0, r->handle != 0);
	}
	case FSVA_OP_SYMLINK: {
		FSVA_WIRE_BODY(symlink_req);

		if (len >= FSVA_PATH_MAX)
			return FSVA_ENAMETOOLONG;
		return fsva_wire_named(&r->name, 0, len != 0);
	}
	case FSVA_OP_RENAME: {
		FSVA_WIRE_BODY(rename_req);

		return fsva_wire_check_rename(r, len);
	}
	case FSVA_OP_TMPFILE: {
		FSVA_WIRE_BODY(tmpfile_req);

		return fsva_wire_simple(r->dir, 0, fsva_wire_new_mode_ok(r->mode, FSVA_WIRE_S_IFREG) &&
					fsva_wire_open_flags_ok(r->open_flags));
	}
	case FSVA_OP_PERMISSION: {
		FSVA_WIRE_BODY(permission_req);

		return fsva_wire_simple(r->handle, r->pad, !(r->mask & ~FSVA_MAY_ALL));
	}
	case FSVA_OP_DIRTY_INODE: {
		FSVA_WIRE_BODY(dirty_inode_req);

		if (r->atime.pad || r->mtime.pad || r->ctime.pad)
			return FSVA_EPROTO;
		return fsva_wire_simple(r->handle, r->pad,
					!(r->valid & ~(FSVA_SET_ATIME | FSVA_SET_MTIME | FSVA_SET_CTIME)) &&
					fsva_wire_time_ok(&r->atime) && fsva_wire_time_ok(&r->mtime) &&
					fsva_wire_time_ok(&r->ctime));
	}
	case FSVA_OP_WRITE_INODE: {
		FSVA_WIRE_BODY(write_inode_req);

		return fsva_wire_simple(r->handle, r->pad, r->wait <= 1);
	}
	case FSVA_OP_DENTRY_VALIDATE: {
		FSVA_WIRE_BODY(dentry_validate_req);

		return fsva_wire_named(&r->name, r->pad, !(r->flags & ~FSVA_LOOKUP_FLAGS));
	}
	case FSVA_OP_DENTRY_RELEASE: {
		FSVA_WIRE_BODY(dentry_release_req);

		return fsva_wire_simple(r->handle, 0, r->nr_lookups != 0);
	}
	case FSVA_OP_TRUNCATE: {
		FSVA_WIRE_BODY(truncate_req);

		return fsva_wire_simple(r->handle, 0, r->size <= FSVA_WIRE_OFF_MAX);
	}
	case FSVA_OP_OPEN: {
		FSVA_WIRE_BODY(open_req);

		return fsva_wire_simple(r->handle, r->pad, fsva_wire_open_flags_ok(r->flags));
	}
	case FSVA_OP_FSYNC: {
		FSVA_WIRE_BODY(fsync_req);

		return fsva_wire_simple(r->fh, r->pad,
					r->start <= r->end && r->end <= FSVA_WIRE_OFF_MAX && r->datasync <= 1);
	}
	case FSVA_OP_SEEK: {
		FSVA_WIRE_BODY(seek_req);

		return fsva_wire_simple(r->fh, r->pad, r->whence <= FSVA_SEEK_HOLE);
	}
	case FSVA_OP_READ:
	case FSVA_OP_WRITE: {
		FSVA_WIRE_BODY(read_req);

		return fsva_wire_check_rw(r, req);
	}
	case FSVA_OP_FALLOCATE: {
		FSVA_WIRE_BODY(fallocate_req);

		return fsva_wire_simple(r->fh, r->pad, !(r->mode & ~FSVA_FALLOC_ALL) && r->len != 0 &&
					fsva_wire_add_fits(r->offset, r->len));
	}
	case FSVA_OP_COPY_RANGE:
	case FSVA_OP_REMAP_RANGE: {
		FSVA_WIRE_BODY(copy_range_req);
		uint32_t flags = req->op == FSVA_OP_COPY_RANGE ? 0 : FSVA_REMAP_DEDUP | FSVA_REMAP_CAN_SHORTEN;

		return fsva_wire_simple(r->fh_in, r->pad, r->fh_out != 0 && !(r->flags & ~flags) &&
					fsva_wire_add_fits(r->offset_in, r->len) &&
					fsva_wire_add_fits(r->offset_out, r->len));
	}
	case FSVA_OP_FADVISE: {
		FSVA_WIRE_BODY(fadvise_req);

		return fsva_wire_simple(r->fh, r->pad, r->offset <= FSVA_WIRE_OFF_MAX &&
					r->len <= FSVA_WIRE_OFF_MAX && r->advice <= FSVA_FADV_MAX);
	}
	case FSVA_OP_FIEMAP: {
		FSVA_WIRE_BODY(fiemap_req);

		return fsva_wire_simple(r->handle, 0, r->max_extents <= len / sizeof(struct fsva_extent));
	}
	case FSVA_OP_IOCTL: {
		FSVA_WIRE_BODY(ioctl_req);

		return fsva_wire_simple(r->fh, 0, r->in_len <= len);
	}
	case FSVA_OP_LOCK:
	case FSVA_OP_LOCK_TEST:
	case FSVA_OP_FLOCK: {
		FSVA_WIRE_BODY(lock_req);

		return fsva_wire_check_lock(r, req->op);
	}
	case FSVA_OP_SETXATTR: {
		FSVA_WIRE_BODY(setxattr_req);
		int error = fsva_wire_check_name_field(&r->name, true);

		return error ? error : fsva_wire_simple(1, r->pad, r->flags <= 3 && len <= FSVA_XATTR_MAX);
	}
	case FSVA_OP_GETXATTR:
	case FSVA_OP_REMOVEXATTR: {
		FSVA_WIRE_BODY(getxattr_req);
		int error = fsva_wire_check_name_field(&r->name, true);

		return error ? error : len <= FSVA_XATTR_MAX ? FSVA_OK : FSVA_EINVAL;
	}
	case FSVA_OP_LISTXATTR: {
		FSVA_WIRE_BODY(listxattr_req);

		return fsva_wire_simple(r->handle, 0, len <= FSVA_XATTR_MAX);
	}
	case FSVA_OP_GET_ACL:
	case FSVA_OP_SET_ACL: {
		FSVA_WIRE_BODY(get_acl_req);

		return fsva_wire_simple(r->handle, r->pad, r->type <= 1 && len % sizeof(struct fsva_ace) == 0);
	}
	case FSVA_OP_FILEATTR_SET: {
		FSVA_WIRE_BODY(fileattr_set_req);

		return fsva_wire_simple(r->handle, r->pad, r->which >= 1 && r->which <= 3);
	}
	case FSVA_OP_ENCODE_FH: {
		FSVA_WIRE_BODY(encode_fh_req);

		return fsva_wire_simple(r->handle, 0, len <= FSVA_EXPORT_FH_MAX);
	}
	case FSVA_OP_DECODE_FH: {
		FSVA_WIRE_BODY(decode_fh_req);

		return r->parent > 1 || len == 0 || len > FSVA_EXPORT_FH_MAX ? FSVA_EINVAL : FSVA_OK;
	}
	case FSVA_OP_GET_NAME: {
		FSVA_WIRE_BODY(get_name_req);

		return fsva_wire_simple(r->dir, 0, r->handle != 0 && len != 0);
	}
	case FSVA_OP_STATFS:
	case FSVA_OP_READLINK:
	case FSVA_OP_RELEASE:
	case FSVA_OP_FLUSH:
	case FSVA_OP_READDIR:
	case FSVA_OP_FILEATTR_GET:
	case FSVA_OP_GET_PARENT:
		/* Each begins with the handle, and any value of the rest will do. */
		return fsva_wire_zero(req->body, 8) ? FSVA_EINVAL : FSVA_OK;
	case FSVA_OP_MAP_PAGE: {
		FSVA_WIRE_BODY(map_page_req);

		return fsva_wire_pages_ok(r->handle, r->index, r->nr_pages) && !(r->flags & ~FSVA_MAP_FLAGS) ?
			FSVA_OK : FSVA_EINVAL;
	}
	case FSVA_OP_UNMAP_PAGE: {
		FSVA_WIRE_BODY(unmap_page_req);

		return fsva_wire_simple(r->nr, r->pad, r->nr <= FSVA_MAP_MAX && fsva_wire_grefs_ok(r->gref, r->nr));
	}
	case FSVA_OP_EVICT_PAGE: {
		FSVA_WIRE_BODY(evict_page_req);

		return len % sizeof(struct fsva_piggy_msg) == 0 && r->nr <= len / sizeof(struct fsva_piggy_msg) &&
			!(r->flags & ~FSVA_EVICT_FLAGS) && r->flags != FSVA_EVICT_FLAGS &&
			r->frames <= FSVA_FRAMES_MAX ? FSVA_OK : FSVA_EINVAL;
	}
	case FSVA_OP_INVALIDATE_PAGE: {
		FSVA_WIRE_BODY(invalidate_page_req);

		return fsva_wire_simple(r->handle, 0, r->start <= r->end && r->end <= FSVA_WIRE_OFF_MAX);
	}
	}
	return FSVA_EOPNOTSUPP;
}

int fsva_wire_check_req(const struct fsva_req *req, uint32_t nr_slots, uint32_t nr_creds)
{
	const struct fsva_wire_op *row;

	if (req->id == 0 || req->tag >= nr_slots || req->flags & ~FSVA_REQ_FLAGS || req->umask > 0777 ||
	    !fsva_wire_zero(req->pad, sizeof(req->pad)) || !fsva_wire_piggy_ok(&req->piggy, true))
		return FSVA_EPROTO;
	row = fsva_wire_op(req->op);
	if (!row)
		return FSVA_EOPNOTSUPP;
	if (req->cred >= nr_creds || (req->cred == 0 && !(row->flags & FSVA_F_NOCRED)))
		return FSVA_EPROTO;
	if (!fsva_wire_data_ok(req, row))
		return FSVA_EPROTO;
	return fsva_wire_check_req_body(req, nr_creds);
}

/* ---- Checking data that came with a request ----------------------------------------------------------- */

uint32_t fsva_wire_req_data_in(const struct fsva_req *req)
{
	const struct fsva_wire_op *row = fsva_wire_op(req->op);

	if (!row || !(row->flags & FSVA_F_DATA_IN))
		return 0;
	if (req->op == FSVA_OP_IOCTL) {
		FSVA_WIRE_BODY(ioctl_req);

		return r->in_len;
	}
	if (req->op == FSVA_OP_EVICT_PAGE) {
		FSVA_WIRE_BODY(evict_page_req);

		return r->nr * (uint32_t)sizeof(struct fsva_piggy_msg);
	}
	return req->data_len;
}

/* Group ids, ascending (a process may have one twice), none of them nobody's. */
static bool fsva_wire_groups_ok(const uint8_t *data, uint32_t len)
{
	uint32_t last = 0, gid;

	for (; len >= sizeof(gid); len -= (uint32_t)sizeof(gid), data += sizeof(gid)) {
		memcpy(&gid, data, sizeof(gid));
		if (gid < last)
			return false;
		last = gid;
	}
	return len == 0 && last != FSVA_WIRE_ID_NONE;
}

static bool fsva_wire_acl_ok(const uint8_t *data, uint32_t len)
{
	struct fsva_ace ace;

	for (; len >= sizeof(ace); len -= (uint32_t)sizeof(ace), data += sizeof(ace)) {
		memcpy(&ace, data, sizeof(ace));
		/* One bit of the six that linux/posix_acl.h has: 01 02 04 08 10 20. */
		if (ace.tag == 0 || ace.tag > 0x20 || ace.tag & (ace.tag - 1) || ace.perm > 7)
			return false;
	}
	return len == 0;
}

static bool fsva_wire_evict_ok(const uint8_t *data, uint32_t len)
{
	struct fsva_piggy_msg msg;

	for (; len >= sizeof(msg); len -= (uint32_t)sizeof(msg), data += sizeof(msg)) {
		memcpy(&msg, data, sizeof(msg));
		if (msg.kind != FSVA_PIGGY_EVICT || !fsva_wire_piggy_msg_ok(&msg, true))
			return false;
	}
	return len == 0;
}

int fsva_wire_check_req_data(const struct fsva_req *req, const void *data, uint32_t len)
{
	const uint8_t *d = (const uint8_t *)data;
	const char *s = (const char *)data;

	if (len != fsva_wire_req_data_in(req))
		return FSVA_EPROTO;
	switch (req->op) {
	case FSVA_OP_CRED_SET:
		return fsva_wire_groups_ok(d, len) ? FSVA_OK : FSVA_EINVAL;
	case FSVA_OP_MOUNT:
	case FSVA_OP_REMOUNT:
		return len <= FSVA_OPTIONS_MAX && fsva_wire_clean(s, len, 0) ? FSVA_OK : FSVA_EINVAL;
	case FSVA_OP_SYMLINK:
		return len && len < FSVA_PATH_MAX && fsva_wire_clean(s, len, 0) ? FSVA_OK : FSVA_EINVAL;
	case FSVA_OP_RENAME:
		return fsva_wire_check_name(s, len);
	case FSVA_OP_SET_ACL:
		return fsva_wire_acl_ok(d, len) ? FSVA_OK : FSVA_EINVAL;
	case FSVA_OP_EVICT_PAGE:
		return fsva_wire_evict_ok(d, len) ? FSVA_OK : FSVA_EINVAL;
	}
	return FSVA_OK;
}

/* ---- Checking responses ------------------------------------------------------------------------------- */

static uint32_t fsva_wire_type(const struct fsva_attr *a)
{
	return a->mode & FSVA_WIRE_S_IFMT;
}

static bool fsva_wire_attr_ok(const struct fsva_attr *a)
{
	switch (fsva_wire_type(a)) {
	case FSVA_WIRE_S_IFSOCK:
	case FSVA_WIRE_S_IFLNK:
	case FSVA_WIRE_S_IFREG:
	case FSVA_WIRE_S_IFBLK:
	case FSVA_WIRE_S_IFDIR:
	case FSVA_WIRE_S_IFCHR:
	case FSVA_WIRE_S_IFIFO:
		break;
	default:
		return false;
	}
	return !(a->mode & ~(FSVA_WIRE_S_IFMT | 07777u)) && a->size <= FSVA_WIRE_OFF_MAX &&
	       fsva_wire_time_ok(&a->atime) && fsva_wire_time_ok(&a->mtime) &&
	       fsva_wire_time_ok(&a->ctime) && fsva_wire_time_ok(&a->btime) &&
	       !((a->attributes | a->attributes_mask) & ~FSVA_ATTR_ALL) &&
	       fsva_wire_rdev_ok(a->rdev_major, a->rdev_minor) &&
	       a->blksize != 0 && a->blksize <= FSVA_BLKSIZE_MAX &&
	       !(a->flags & ~FSVA_INODE_FLAGS) && !(a->valid & ~FSVA_ATTR_HAS_ALL);
}

static bool fsva_wire_dir_ok(const struct fsva_attr *a)
{
	return fsva_wire_attr_ok(a) && fsva_wire_type(a) == FSVA_WIRE_S_IFDIR;
}

static bool fsva_wire_entry_ok(const struct fsva_entry *e)
{
	return e->handle != 0 && !(e->impl & ~FSVA_IMPL_ALL) && e->pad == 0 && fsva_wire_attr_ok(&e->attr);
}

/* What was made has the type that was asked for; 0: whatever type it has. */
static bool fsva_wire_made_ok(const struct fsva_create_rsp *r, uint32_t type, bool open)
{
	return fsva_wire_entry_ok(&r->entry) && fsva_wire_dir_ok(&r->dir) && (r->fh != 0) == open &&
	       (type == 0 || fsva_wire_type(&r->entry.attr) == type);
}

static bool fsva_wire_mount_ok(const struct fsva_mount_rsp *r)
{
	uint32_t used = 0;

	while (used < sizeof(r->type) && r->type[used])
		used++;
	return fsva_wire_entry_ok(&r->root) && fsva_wire_type(&r->root.attr) == FSVA_WIRE_S_IFDIR &&
	       r->max_size != 0 && r->max_size <= FSVA_WIRE_OFF_MAX &&
	       fsva_wire_time_ok(&r->time_min) && fsva_wire_time_ok(&r->time_max) &&
	       r->time_gran >= 1 && r->time_gran <= 1000000000u &&
	       r->blksize != 0 && r->blksize <= FSVA_BLKSIZE_MAX && !(r->blksize & (r->blksize - 1)) &&
	       r->name_max != 0 && !(r->flags & ~FSVA_MOUNT_FLAGS) && used >= 1 && used < sizeof(r->type) &&
	       fsva_wire_zero(r->type + used, (uint32_t)sizeof(r->type) - used);
}

static bool fsva_wire_session_ok(const struct fsva_session_rsp *r, const struct fsva_session_req *q)
{
	return r->session == q->session && !(r->features & ~q->features) && r->minor <= q->minor &&
	       r->nr_creds >= 2 && r->nr_creds <= FSVA_MAX_CREDS && !(r->flags & ~FSVA_SESSION_FLAGS) &&
	       r->max_data != 0 && r->max_data % FSVA_PAGE_SIZE == 0 &&
	       r->max_data <= FSVA_MAX_GREFS * FSVA_PAGE_SIZE && r->pad == 0;
}

static bool fsva_wire_map_ok(const struct fsva_map_page_rsp *r, const struct fsva_map_page_req *q)
{
	return r->size <= FSVA_WIRE_OFF_MAX && r->nr_pages != 0 && r->nr_pages <= q->nr_pages &&
	       r->nr_pages <= FSVA_MAP_MAX && !(r->flags & ~FSVA_MAP_WRITE) &&
	       fsva_wire_grefs_ok(r->gref, r->nr_pages);
}

#define FSVA_WIRE_REQ(name)     const struct fsva_##name *q = (const struct fsva_##name *)(const void *)req->body
#define FSVA_WIRE_RSP(name)     const struct fsva_##name *r = (const struct fsva_##name *)(const void *)rsp->body

static bool fsva_wire_check_rsp_body(const struct fsva_rsp *rsp, const struct fsva_req *req)
{
	uint32_t len = rsp->data_len;

	switch ((enum fsva_op)req->op) {
	case FSVA_OP_NULL_CALL:
	case FSVA_OP_CRED_SET:
	case FSVA_OP_INTERRUPT:
	case FSVA_OP_UNMOUNT:
	case FSVA_OP_SYNCFS:
	case FSVA_OP_FREEZE:
	case FSVA_OP_THAW:
	case FSVA_OP_SHOW_OPTIONS:
	case FSVA_OP_READLINK:
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
		return fsva_wire_zero(rsp->body, sizeof(struct fsva_void));
	case FSVA_OP_GET_NAME:
		return len != 0 && len <= FSVA_NAME_MAX && fsva_wire_zero(rsp->body, sizeof(struct fsva_void));
	case FSVA_OP_SESSION: {
		FSVA_WIRE_RSP(session_rsp);
		FSVA_WIRE_REQ(session_req);

		return fsva_wire_session_ok(r, q);
	}
	case FSVA_OP_EVENT: {
		FSVA_WIRE_RSP(event_rsp);
		FSVA_WIRE_REQ(event_req);

		return r->pad == 0 && r->seq != 0 && (q->seq == 0 || r->seq == q->seq) && r->seq <= ~0ull - r->nr &&
		       len % sizeof(struct fsva_event_msg) == 0 && r->nr == len / sizeof(struct fsva_event_msg);
	}
	case FSVA_OP_RESTORE_GRANTS: {
		FSVA_WIRE_RSP(restore_grants_rsp);

		/* An answer with nothing in it that says "go on" would keep the front busy for ever. */
		return r->pad == 0 && len % sizeof(struct fsva_shared_page) == 0 &&
		       r->nr == len / sizeof(struct fsva_shared_page) && (r->nr != 0 || r->cursor == 0);
	}
	case FSVA_OP_MOUNT: {
		FSVA_WIRE_RSP(mount_rsp);

		return fsva_wire_mount_ok(r);
	}
	case FSVA_OP_REMOUNT: {
		FSVA_WIRE_RSP(remount_rsp);

		return !(r->flags & ~FSVA_MOUNT_FLAGS) && r->pad == 0;
	}
	case FSVA_OP_STATFS:
	case FSVA_OP_FILEATTR_GET:
		return true;    /* numbers to be shown to the user, of any value */
	case FSVA_OP_LOOKUP:
	case FSVA_OP_DECODE_FH:
	case FSVA_OP_GET_PARENT: {
		FSVA_WIRE_RSP(lookup_rsp);

		return fsva_wire_entry_ok(&r->entry);
	}
	case FSVA_OP_GETATTR:
	case FSVA_OP_SETATTR:
	case FSVA_OP_TRUNCATE:
	case FSVA_OP_FALLOCATE:
	case FSVA_OP_SETXATTR:
	case FSVA_OP_REMOVEXATTR:
	case FSVA_OP_SET_ACL:
	case FSVA_OP_FILEATTR_SET: {
		FSVA_WIRE_RSP(getattr_rsp);

		return fsva_wire_attr_ok(&r->attr) && !(r->impl & ~FSVA_IMPL_ALL) && r->pad == 0;
	}
	case FSVA_OP_CREATE: {
		FSVA_WIRE_RSP(create_rsp);
		FSVA_WIRE_REQ(create_req);

		/* Not exclusive: the name was there perhaps, and is whatever it is. */
		return fsva_wire_made_ok(r, q->flags & FSVA_CREATE_EXCL ? FSVA_WIRE_S_IFREG : 0,
					 (q->flags & FSVA_CREATE_OPEN) != 0);
	}
	case FSVA_OP_TMPFILE: {
		FSVA_WIRE_RSP(create_rsp);

		return fsva_wire_made_ok(r, FSVA_WIRE_S_IFREG, true);
	}
	case FSVA_OP_MKNOD: {
		FSVA_WIRE_RSP(create_rsp);
		FSVA_WIRE_REQ(mknod_req);
		uint32_t type = q->mode & FSVA_WIRE_S_IFMT;

		return fsva_wire_made_ok(r, type ? type : FSVA_WIRE_S_IFREG, false);
	}
	case FSVA_OP_MKDIR: {
		FSVA_WIRE_RSP(create_rsp);

		return fsva_wire_made_ok(r, FSVA_WIRE_S_IFDIR, false);
	}
	case FSVA_OP_SYMLINK: {
		FSVA_WIRE_RSP(create_rsp);

		return fsva_wire_made_ok(r, FSVA_WIRE_S_IFLNK, false);
	}
	case FSVA_OP_LINK: {
		FSVA_WIRE_RSP(create_rsp);

		return fsva_wire_made_ok(r, 0, false);
	}
	case FSVA_OP_RMDIR:
	case FSVA_OP_UNLINK: {
		FSVA_WIRE_RSP(unlink_rsp);

		return fsva_wire_dir_ok(&r->dir) && fsva_wire_attr_ok(&r->victim) &&
		       (req->op == FSVA_OP_RMDIR) == (fsva_wire_type(&r->victim) == FSVA_WIRE_S_IFDIR);
	}
	case FSVA_OP_RENAME: {
		FSVA_WIRE_RSP(rename_rsp);

		return fsva_wire_dir_ok(&r->old_dir) && fsva_wire_dir_ok(&r->new_dir);
	}
	case FSVA_OP_DENTRY_VALIDATE: {
		FSVA_WIRE_RSP(dentry_validate_rsp);
		FSVA_WIRE_REQ(dentry_validate_req);

		return q->handle ? fsva_wire_attr_ok(&r->attr) : fsva_wire_zero(r, sizeof(*r));
	}
	case FSVA_OP_OPEN: {
		FSVA_WIRE_RSP(open_rsp);

		return r->fh != 0 && !(r->impl & ~FSVA_IMPL_ALL) && !(r->flags & ~FSVA_OPEN_FLAGS) &&
		       fsva_wire_attr_ok(&r->attr);
	}
	case FSVA_OP_SEEK: {
		FSVA_WIRE_RSP(seek_rsp);

		return r->offset >= 0;
	}
	case FSVA_OP_READDIR: {
		FSVA_WIRE_RSP(readdir_rsp);

		/* No entry and more to come is no answer. */
		return r->eof <= 1 && len % 8 == 0 && (r->nr != 0 || r->eof == 1) && (r->nr != 0) == (len != 0) &&
		       r->nr <= len / FSVA_DIRENT_MIN;
	}
	case FSVA_OP_READ: {
		FSVA_WIRE_RSP(read_rsp);

		return r->size <= FSVA_WIRE_OFF_MAX;
	}
	case FSVA_OP_WRITE: {
		FSVA_WIRE_RSP(write_rsp);

		return fsva_wire_add_fits(r->offset, len) && fsva_wire_attr_ok(&r->attr);
	}
	case FSVA_OP_COPY_RANGE:
	case FSVA_OP_REMAP_RANGE: {
		FSVA_WIRE_RSP(copy_range_rsp);
		FSVA_WIRE_REQ(copy_range_req);

		/* To remap 0 octets is to remap up to the end. */
		return (q->len == 0 && req->op == FSVA_OP_REMAP_RANGE ?
			r->copied <= FSVA_WIRE_OFF_MAX : r->copied <= q->len) && fsva_wire_attr_ok(&r->attr);
	}
	case FSVA_OP_FIEMAP: {
		FSVA_WIRE_RSP(fiemap_rsp);
		FSVA_WIRE_REQ(fiemap_req);

		if (r->pad)
			return false;
		return q->max_extents == 0 ? len == 0 :
		       r->nr <= q->max_extents && len == r->nr * sizeof(struct fsva_extent);
	}
	case FSVA_OP_IOCTL: {
		FSVA_WIRE_RSP(ioctl_rsp);

		return r->value >= 0;
	}
	case FSVA_OP_LOCK_TEST: {
		FSVA_WIRE_RSP(lock_test_rsp);

		return r->type <= FSVA_LOCK_UNLOCK && r->pad == 0 && r->start <= r->end &&
		       r->end <= FSVA_WIRE_OFF_MAX;
	}
	case FSVA_OP_GETXATTR:
	case FSVA_OP_LISTXATTR: {
		FSVA_WIRE_RSP(getxattr_rsp);

		return req->data_len == 0 || r->size == len;
	}
	case FSVA_OP_GET_ACL: {
		FSVA_WIRE_RSP(get_acl_rsp);

		return r->pad == 0 && len % sizeof(struct fsva_ace) == 0 && r->nr == len / sizeof(struct fsva_ace);
	}
	case FSVA_OP_ENCODE_FH: {
		FSVA_WIRE_RSP(encode_fh_rsp);

		return r->pad == 0 && len != 0;
	}
	case FSVA_OP_MAP_PAGE: {
		FSVA_WIRE_RSP(map_page_rsp);
		FSVA_WIRE_REQ(map_page_req);

		return fsva_wire_map_ok(r, q);
	}
	case FSVA_OP_EVICT_PAGE: {
		FSVA_WIRE_RSP(evict_page_rsp);

		return r->pad == 0 && r->held <= FSVA_FRAMES_MAX && (r->nr_news != 0) == (r->seq != 0) &&
		       len % sizeof(struct fsva_piggy_msg) == 0 &&
		       (uint64_t)r->nr_kept + r->nr_news == len / sizeof(struct fsva_piggy_msg);
	}
	}
	return false;
}

int fsva_wire_check_rsp(const struct fsva_rsp *rsp, const struct fsva_req *req)
{
	const struct fsva_wire_op *row = fsva_wire_op(req->op);
	uint32_t used, most;

	if (!row || rsp->id != req->id || rsp->op != req->op || rsp->tag != req->tag ||
	    rsp->error > FSVA_ERROR_MAX || rsp->flags & ~FSVA_RSP_FLAGS ||
	    !fsva_wire_zero(rsp->pad, sizeof(rsp->pad)) || !fsva_wire_piggy_ok(&rsp->piggy, false))
		return FSVA_EPROTO;

	used = rsp->error ? 0 : row->rsp_size;
	most = row->flags & FSVA_F_DATA_OUT || req->op == FSVA_OP_WRITE ? req->data_len : 0;
	if (rsp->data_len > (rsp->error ? 0 : most) ||
	    !fsva_wire_zero(rsp->body + used, FSVA_BODY_SIZE - used))
		return FSVA_EPROTO;
	return rsp->error || fsva_wire_check_rsp_body(rsp, req) ? FSVA_OK : FSVA_EPROTO;
}

/* ---- Checking data that came with a response ---------------------------------------------------------- */

static bool fsva_wire_event_msg_ok(const struct fsva_event_msg *m)
{
	uint32_t what = m->what & ~(FSVA_EVENT_DIR | FSVA_EVENT_GONE);
	bool named = what != 0 && !(what & ~(FSVA_EVENT_MOVED | FSVA_EVENT_CREATE | FSVA_EVENT_DELETE)) &&
		     (what & (what - 1)) == 0;

	if (!fsva_wire_zero(m->pad, sizeof(m->pad)) || m->name_len > FSVA_NAME_MAX ||
	    !fsva_wire_zero(m->name + m->name_len, sizeof(m->name) - m->name_len))
		return false;
	if (m->what == FSVA_EVENT_LOST)
		return m->handle == 0 && m->dir == 0 && m->name_len == 0 && m->cookie == 0;
	if (!named && (what == 0 || what & ~FSVA_EVENT_SELF))
		return false;
	if (m->what & FSVA_EVENT_GONE && (m->handle == 0 || !(what & (FSVA_EVENT_ATTRIB | FSVA_EVENT_DELETE))))
		return false;
	if (!m->cookie != !(what & FSVA_EVENT_MOVED))
		return false;
	if (m->dir == 0)
		return !named && m->handle != 0 && m->name_len == 0;
	return fsva_wire_check_name((const char *)m->name, m->name_len) == FSVA_OK;
}

static bool fsva_wire_event_ok(const uint8_t *data, uint32_t len)
{
	struct fsva_event_msg m;

	for (; len >= sizeof(m); len -= (uint32_t)sizeof(m), data += sizeof(m)) {
		memcpy(&m, data, sizeof(m));
		if (!fsva_wire_event_msg_ok(&m))
			return false;
	}
	return len == 0;
}

static bool fsva_wire_shared_ok(const uint8_t *data, uint32_t len)
{
	struct fsva_shared_page s;

	for (; len >= sizeof(s); len -= (uint32_t)sizeof(s), data += sizeof(s)) {
		memcpy(&s, data, sizeof(s));
		if (s.handle == 0 || s.gref == 0 || s.index > FSVA_WIRE_INDEX_MAX || s.flags & ~FSVA_MAP_WRITE)
			return false;
	}
	return len == 0;
}

static bool fsva_wire_extents_ok(const uint8_t *data, uint32_t len)
{
	struct fsva_extent e;

	for (; len >= sizeof(e); len -= (uint32_t)sizeof(e), data += sizeof(e)) {
		memcpy(&e, data, sizeof(e));
		if (e.pad || e.logical > ~0ull - e.len)
			return false;
	}
	return len == 0;
}

/* Names one after another, each ended by NUL.  One may be longer than any that could be asked for. */
static bool fsva_wire_list_ok(const uint8_t *data, uint32_t len)
{
	uint32_t i, start = 0;

	for (i = 0; i < len; i++) {
		if (data[i])
			continue;
		if (i == start)
			return false;
		start = i + 1;
	}
	return start == len;
}

static bool fsva_wire_listing_ok(const void *data, uint32_t len, uint32_t nr)
{
	struct fsva_dirent d;
	const char *name;
	uint32_t pos = 0;
	int error;

	while ((error = fsva_wire_dirent_get(data, len, &pos, &d, &name)) == FSVA_OK)
		if (nr-- == 0)
			return false;
	return error == FSVA_ENODATA && nr == 0;
}

static bool fsva_wire_news_ok(const uint8_t *data, uint32_t len)
{
	struct fsva_piggy_msg msg;

	for (; len >= sizeof(msg); len -= (uint32_t)sizeof(msg), data += sizeof(msg)) {
		memcpy(&msg, data, sizeof(msg));
		if (!fsva_wire_piggy_msg_ok(&msg, false))
			return false;
	}
	return len == 0;
}

int fsva_wire_check_rsp_data(const struct fsva_rsp *rsp, const void *data, uint32_t len)
{
	const uint8_t *d = (const uint8_t *)data;
	const char *s = (const char *)data;
	bool ok = true;

	if (len != rsp->data_len)
		return FSVA_EPROTO;
	if (rsp->error || len == 0)
		return FSVA_OK;
	switch (rsp->op) {
	case FSVA_OP_EVENT:
		ok = fsva_wire_event_ok(d, len);
		break;
	case FSVA_OP_RESTORE_GRANTS:
		ok = fsva_wire_shared_ok(d, len);
		break;
	case FSVA_OP_SHOW_OPTIONS:
	case FSVA_OP_READLINK:
		ok = fsva_wire_clean(s, len, 0);
		break;
	case FSVA_OP_GET_NAME:
		ok = fsva_wire_check_name(s, len) == FSVA_OK;
		break;
	case FSVA_OP_READDIR: {
		FSVA_WIRE_RSP(readdir_rsp);

		ok = fsva_wire_listing_ok(data, len, r->nr);
		break;
	}
	case FSVA_OP_FIEMAP:
		ok = fsva_wire_extents_ok(d, len);
		break;
	case FSVA_OP_LISTXATTR:
		ok = fsva_wire_list_ok(d, len);
		break;
	case FSVA_OP_GET_ACL:
		ok = fsva_wire_acl_ok(d, len);
		break;
	case FSVA_OP_EVICT_PAGE: {
		FSVA_WIRE_RSP(evict_page_rsp);
		uint32_t kept = r->nr_kept * (uint32_t)sizeof(struct fsva_piggy_msg);

		ok = r->nr_kept <= len / sizeof(struct fsva_piggy_msg) && fsva_wire_evict_ok(d, kept) &&
		     fsva_wire_news_ok(d + kept, len - kept);
		break;
	}
	}
	return ok ? FSVA_OK : FSVA_EPROTO;
}

/* ---- Directory listings ------------------------------------------------------------------------------- */

static uint32_t fsva_wire_dirent_size(uint32_t name_len)
{
	return ((uint32_t)sizeof(struct fsva_dirent) + name_len + 7) & ~7u;
}

bool fsva_wire_dirent_put(void *buf, uint32_t size, uint32_t *pos, uint64_t ino, uint64_t next, uint8_t type,
			  const char *name, uint16_t name_len)
{
	uint8_t *to = (uint8_t *)buf + *pos;
	struct fsva_dirent d;
	uint32_t whole;

	if (name_len == 0 || name_len > FSVA_NAME_MAX)
		return false;
	whole = fsva_wire_dirent_size(name_len);
	if (*pos > size || whole > size - *pos)
		return false;

	memset(&d, 0, sizeof(d));
	d.ino = ino;
	d.next = next;
	d.name_len = name_len;
	d.type = type;
	memcpy(to, &d, sizeof(d));
	memcpy(to + sizeof(d), name, name_len);
	memset(to + sizeof(d) + name_len, 0, whole - sizeof(d) - name_len);
	*pos += whole;
	return true;
}

int fsva_wire_dirent_get(const void *buf, uint32_t size, uint32_t *pos, struct fsva_dirent *d, const char **name)
{
	const uint8_t *from = (const uint8_t *)buf + *pos;
	struct fsva_dirent e;
	uint32_t whole;

	if (*pos >= size)
		return *pos == size ? FSVA_ENODATA : FSVA_EPROTO;
	if (size - *pos < FSVA_DIRENT_MIN)
		return FSVA_EPROTO;
	memcpy(&e, from, sizeof(e));
	if (e.name_len == 0 || e.name_len > FSVA_NAME_MAX || !fsva_wire_zero(e.pad, sizeof(e.pad)))
		return FSVA_EPROTO;
	whole = fsva_wire_dirent_size(e.name_len);
	if (whole > size - *pos)
		return FSVA_EPROTO;
	switch (e.type) {
	case 0: case 1: case 2: case 4: case 6: case 8: case 10: case 12: case 14:
		break;
	default:
		return FSVA_EPROTO;
	}
	from += sizeof(e);
	if (!fsva_wire_zero(from + e.name_len, whole - (uint32_t)sizeof(e) - e.name_len) ||
	    fsva_wire_check_component((const char *)from, e.name_len))
		return FSVA_EPROTO;
	*d = e;
	*name = (const char *)from;
	*pos += whole;
	return FSVA_OK;
}
