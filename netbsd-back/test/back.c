/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * back.c: the portable files of the NetBSD back, called as its ring calls
 * them, on real files.  What a call leaves locked or referenced ends the test
 * at once (shim.h), or at the latest when the session is freed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include "fsvavar.h"
#undef free
#undef statvfs
#undef dirent
#include <cmocka.h>

#define NSLOTS	8u
#define CRED	1

static const struct fsva_source source = {
	.src_name = "fsva1-0 (data)", .src_fs = "lfs", .src_dev = "/dev/xbd1d", .src_options = "noatime",
	.src_dir = "/fsva/0",
};

static struct fsva_session *ses;
static struct fsva_call call;
static uint8_t staging[FSVA_MAX_DATA] __attribute__((aligned(8)));
static uint64_t next_id, root;
static bool no_memory;

/* The transport: what the front has granted is our own memory. */
int
fsva_data_map(struct fsva_call *c)
{
	c->c_data.d_iovcnt = 0;
	if (no_memory)
		return EFAULT;
	if (c->c_req.data_len != 0) {
		/* in two pieces: nothing may count on one */
		uint32_t first = c->c_req.data_len / 3;

		c->c_data.d_iov[0] = (struct iovec){ staging, first };
		c->c_data.d_iov[1] = (struct iovec){ staging + first, c->c_req.data_len - first };
		c->c_data.d_iovcnt = 2;
	}
	return 0;
}

void
fsva_data_unmap(struct fsva_call *c)
{
	c->c_data.d_iovcnt = 0;
}

static void *
req(uint16_t op)
{
	return fsva_wire_req_init(&call.c_req, op, CRED);
}

/* Run what is in call; the wire's error.  The answer must be one that a front takes. */
static uint32_t
run(uint32_t data_len)
{
	static uint32_t refs[FSVA_MAX_GREFS] = { [0 ... FSVA_MAX_GREFS - 1] = 7 };

	call.c_req.id = ++next_id;
	call.c_req.umask = 022;
	if (data_len > FSVA_PAGE_SIZE)
		assert_int_equal(fsva_wire_req_data(&call.c_req, 0, data_len, refs,
						    fsva_wire_pages(0, data_len)), FSVA_OK);
	else if (data_len)
		assert_int_equal(fsva_wire_req_data(&call.c_req, 0, data_len, NULL, 0), FSVA_OK);
	call.c_ses = ses;
	fsva_call_run(&call);
	if (fsva_wire_op(call.c_req.op) != NULL)
		assert_int_equal(fsva_wire_check_rsp(&call.c_rsp, &call.c_req), FSVA_OK);
	if (call.c_rsp.error == 0 && call.c_rsp.data_len != 0)
		assert_int_equal(fsva_wire_check_rsp_data(&call.c_rsp, staging, call.c_rsp.data_len), FSVA_OK);
	return call.c_rsp.error;
}

#define RSP(type)	((struct fsva_##type##_rsp *)call.c_rsp.body)

static void
name(struct fsva_name *n, uint64_t dir, const char *s)
{
	assert_int_equal(fsva_wire_name(n, dir, s, strlen(s)), FSVA_OK);
}

/* ---- Calls by name ---- */

static uint32_t
do_session(void)
{
	struct fsva_session_req *r = req(FSVA_OP_SESSION);

	call.c_req.cred = 0;
	r->session = 0x1234;
	r->next_id = 2;
	r->features = ~0ull;
	return run(0);
}

static uint32_t
do_cred(uint32_t index, uint32_t uid, uint32_t ngroups)
{
	struct fsva_cred_set_req *r = req(FSVA_OP_CRED_SET);

	call.c_req.cred = 0;
	r->index = index;
	r->fsuid = r->fsgid = uid;
	r->nr_groups = ngroups;
	for (uint32_t i = 0; i < ngroups; i++)
		((uint32_t *)staging)[i] = i;
	return run(4 * ngroups);
}

static uint32_t
do_mount(const char *options, uint32_t flags)
{
	struct fsva_mount_req *r = req(FSVA_OP_MOUNT);

	r->flags = flags;
	memcpy(staging, options, strlen(options));
	return run(strlen(options));
}

static uint32_t
do_lookup(uint64_t dir, const char *s, uint64_t *h)
{
	struct fsva_lookup_req *r = req(FSVA_OP_LOOKUP);
	uint32_t e;

	name(&r->name, dir, s);
	e = run(0);
	if (!e)
		*h = RSP(lookup)->entry.handle;
	return e;
}

static uint32_t
do_create(uint64_t dir, const char *s, uint32_t flags, uint64_t *h, uint64_t *fh)
{
	struct fsva_create_req *r = req(FSVA_OP_CREATE);
	uint32_t e;

	name(&r->name, dir, s);
	r->mode = 0666;
	r->flags = flags;
	r->open_flags = flags & FSVA_CREATE_OPEN ? 2 : 0;
	e = run(0);
	if (!e) {
		*h = RSP(create)->entry.handle;
		if (fh)
			*fh = RSP(create)->fh;
	}
	return e;
}

static uint32_t
do_mkdir(uint64_t dir, const char *s, uint64_t *h)
{
	struct fsva_mkdir_req *r = req(FSVA_OP_MKDIR);
	uint32_t e;

	name(&r->name, dir, s);
	r->mode = 0777;
	e = run(0);
	if (!e)
		*h = RSP(mkdir)->entry.handle;
	return e;
}

static uint32_t
do_open(uint64_t h, uint32_t flags, uint64_t *fh)
{
	struct fsva_open_req *r = req(FSVA_OP_OPEN);
	uint32_t e;

	r->handle = h;
	r->flags = flags;
	e = run(0);
	if (!e)
		*fh = RSP(open)->fh;
	return e;
}

static uint32_t
do_release(uint64_t fh)
{
	struct fsva_release_req *r = req(FSVA_OP_RELEASE);

	r->fh = fh;
	return run(0);
}

static uint32_t
do_forget(uint64_t h, uint64_t n)
{
	struct fsva_dentry_release_req *r = req(FSVA_OP_DENTRY_RELEASE);

	r->handle = h;
	r->nr_lookups = n;
	return run(0);
}

static uint32_t
do_remove(uint16_t op, uint64_t dir, const char *s, uint64_t h)
{
	struct fsva_unlink_req *r = req(op);

	name(&r->name, dir, s);
	r->handle = h;
	return run(0);
}

static uint32_t
do_rename(uint64_t dir, const char *s, uint64_t h, uint64_t to, const char *t, uint64_t th, uint32_t flags)
{
	struct fsva_rename_req *r = req(FSVA_OP_RENAME);

	name(&r->name, dir, s);
	r->new_dir = to;
	r->handle = h;
	r->new_handle = th;
	r->flags = flags;
	memcpy(staging, t, strlen(t));
	return run(strlen(t));
}

static uint32_t
do_write(uint64_t fh, uint64_t off, uint32_t len, uint32_t flags)
{
	struct fsva_write_req *r = req(FSVA_OP_WRITE);

	r->fh = fh;
	r->offset = off;
	r->flags = flags;
	return run(len);
}

static uint32_t
do_read(uint64_t fh, uint64_t off, uint32_t len, uint32_t flags)
{
	struct fsva_read_req *r = req(FSVA_OP_READ);

	r->fh = fh;
	r->offset = off;
	r->flags = flags;
	return run(len);
}

static uint32_t
do_getattr(uint64_t h)
{
	struct fsva_getattr_req *r = req(FSVA_OP_GETATTR);

	r->handle = h;
	return run(0);
}

static uint32_t
do_setattr(uint64_t h, struct fsva_setattr_req *set)
{
	struct fsva_setattr_req *r = req(FSVA_OP_SETATTR);

	*r = *set;
	r->handle = h;
	return run(0);
}

/* ---- Set-up ---- */

static int
setup_session(void **state)
{
	(void)state;
	next_id = 0;
	no_memory = false;
	shim_mounts = 0;
	strcpy(shim_root, "/tmp/fsva-back.XXXXXX");
	assert_non_null(mkdtemp(shim_root));
	ses = fsva_session_create(&source, 1, NSLOTS);
	return 0;
}

static int
setup(void **state)
{
	setup_session(state);
	assert_int_equal(do_session(), 0);
	assert_int_equal(do_cred(CRED, 0, 3), 0);
	assert_int_equal(do_mount("", 0), 0);
	root = RSP(mount)->root.handle;
	return 0;
}

static int
teardown(void **state)
{
	char cmd[128];

	(void)state;
	fsva_session_free(ses);
	assert_int_equal(shim_vnodes(), 0);
	assert_int_equal(shim_ncreds, 0);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", shim_root);
	return system(cmd);
}

/* ---- Tests ---- */

static void
test_errno(void **state)
{
	(void)state;
	assert_int_equal(fsva_errno_to_wire(0), FSVA_OK);
	assert_int_equal(fsva_errno_to_wire(ENOENT), FSVA_ENOENT);
	assert_int_equal(fsva_errno_to_wire(EOPNOTSUPP), FSVA_EOPNOTSUPP);
	assert_int_equal(fsva_errno_to_wire(ENOTSUP), FSVA_EOPNOTSUPP);
	assert_int_equal(fsva_errno_to_wire(ESTALE), FSVA_ESTALE);
	assert_int_equal(fsva_errno_to_wire(ENAMETOOLONG), FSVA_ENAMETOOLONG);
	/* of the kernel only, unknown, and none at all */
	assert_int_equal(fsva_errno_to_wire(EJUSTRETURN), FSVA_EIO);
	assert_int_equal(fsva_errno_to_wire(12345), FSVA_EIO);
	assert_int_equal(fsva_errno_to_wire(-1), FSVA_EIO);
}

static void
test_names_of_tables(void **state)
{
	struct fsva_tab t;
	uint64_t a, b, c, d;
	int x, y;

	(void)state;
	assert_int_equal(fsva_tab_init(&t, 2), 0);
	assert_null(fsva_tab_find(&t, 0));
	assert_int_equal(fsva_tab_add(&t, &x, &a), 0);
	assert_int_equal(fsva_tab_add(&t, &y, &b), 0);
	assert_int_not_equal(a, 0);
	assert_int_not_equal(a, b);
	assert_int_equal(fsva_tab_add(&t, &x, &c), ENFILE);
	assert_ptr_equal(fsva_tab_find(&t, a), &x);
	fsva_tab_remove(&t, a);
	assert_null(fsva_tab_find(&t, a));
	assert_int_equal(fsva_tab_add(&t, &x, &c), 0);
	assert_int_not_equal(a, c);		/* the place again, and never the name */
	assert_null(fsva_tab_find(&t, a));
	assert_null(fsva_tab_find(&t, b + (1ull << 32)));
	assert_null(fsva_tab_find(&t, UINT64_MAX));
	/* generations that are used up end a place */
	t.tb_chunk[0][0].te_gen = UINT32_MAX - 1;
	fsva_tab_remove(&t, (uint64_t)(UINT32_MAX - 1) << 32 | 1);
	assert_int_equal(fsva_tab_add(&t, &x, &d), 0);
	assert_int_equal(d >> 32, UINT32_MAX);
	fsva_tab_remove(&t, d);
	assert_int_equal(fsva_tab_add(&t, &x, &d), ENFILE);
	fsva_tab_fini(&t);
}

static void
test_order(void **state)
{
	uint64_t h;

	(void)state;
	/* nothing before SESSION, and not under another name */
	req(FSVA_OP_NULL_CALL);
	call.c_req.cred = 0;
	assert_int_equal(run(0), FSVA_EPROTO);
	assert_int_equal(do_session(), 0);
	assert_int_equal(RSP(session)->features, 0);
	assert_int_equal(RSP(session)->max_data, FSVA_MAX_DATA);
	assert_int_equal(do_session(), 0);
	((struct fsva_session_req *)req(FSVA_OP_SESSION))->session = 99;
	call.c_req.cred = 0;
	((struct fsva_session_req *)call.c_req.body)->next_id = 1;
	assert_int_equal(run(0), FSVA_EPROTO);
	/* no credentials, then no mount */
	assert_int_equal(do_mount("", 0), FSVA_EINVAL);
	assert_int_equal(do_cred(CRED, 0, 0), 0);
	assert_int_equal(do_lookup(1, "a", &h), FSVA_ENODEV);
	req(FSVA_OP_UNMOUNT);
	assert_int_equal(run(0), FSVA_ENODEV);
	/* more groups than this kernel has room for */
	assert_int_equal(do_cred(CRED, 5, 60), 0);
	assert_int_equal(do_cred(FSVA_NR_CREDS, 5, 0), FSVA_EINVAL);
	/* options are one word, after the administrator's */
	assert_int_equal(do_mount("a;rm -rf /", 0), FSVA_EINVAL);
	assert_int_equal(do_mount("a$(b)", 0), FSVA_EINVAL);
	assert_int_equal(shim_mounts, 0);
	assert_int_equal(do_mount("nonsense", 0), FSVA_EINVAL);
	assert_int_equal(do_mount("log", FSVA_MOUNT_RDONLY), 0);
	assert_string_equal(shim_options, "ro,noatime,log");
	assert_int_equal(RSP(mount)->flags, FSVA_MOUNT_RDONLY);
	assert_int_equal(RSP(mount)->magic, 0x00070162);
	assert_string_equal((char *)RSP(mount)->type, "lfs");
	root = RSP(mount)->root.handle;
	assert_int_equal(do_mount("", 0), FSVA_EBUSY);
	assert_int_equal(do_create(root, "a", 0, &h, NULL), FSVA_EROFS);
	req(FSVA_OP_UNMOUNT);
	assert_int_equal(run(0), 0);
	assert_int_equal(shim_vnodes(), 0);
	assert_int_equal(do_lookup(root, "a", &h), FSVA_ENODEV);
	assert_int_equal(do_mount("", 0), 0);
	assert_int_not_equal(RSP(mount)->root.handle, root);
}

static void
test_not_supported(void **state)
{
	static const uint16_t ops[] = { FSVA_OP_FALLOCATE, FSVA_OP_TMPFILE, FSVA_OP_LOCK, FSVA_OP_GET_PARENT,
		FSVA_OP_MAP_PAGE, FSVA_OP_COPY_RANGE };

	(void)state;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		uint64_t *body = req(ops[i]);
		uint32_t e;

		body[0] = root;
		e = run(0);
		/* whatever else is wrong with it, it does not run */
		assert_true(e == FSVA_EOPNOTSUPP || e == FSVA_EINVAL || e == FSVA_EPROTO);
	}
	req(95);
	assert_int_equal(run(0), FSVA_EOPNOTSUPP);
}

static void
test_contents(void **state)
{
	struct fsva_setattr_req set = { .valid = FSVA_SET_SIZE, .size = 10 };
	struct fsva_seek_req *seek;
	uint64_t h, fh, wo;

	(void)state;
	assert_int_equal(do_create(root, "f", FSVA_CREATE_OPEN | FSVA_CREATE_EXCL, &h, &fh), 0);
	assert_int_equal(RSP(create)->entry.attr.mode, 0100644);
	assert_int_equal(RSP(create)->entry.attr.size, 0);
	for (uint32_t i = 0; i < 20000; i++)
		staging[i] = i * 7;
	assert_int_equal(do_write(fh, 5, 20000, 0), 0);
	assert_int_equal(call.c_rsp.data_len, 20000);
	assert_int_equal(RSP(write)->offset, 5);
	assert_int_equal(RSP(write)->attr.size, 20005);
	assert_int_equal(do_write(fh, 0, 3, FSVA_RW_APPEND | FSVA_RW_SYNC), 0);
	assert_int_equal(RSP(write)->offset, 20005);
	memset(staging, 0xee, sizeof(staging));
	assert_int_equal(do_read(fh, 5, 40000, 0), 0);
	assert_int_equal(call.c_rsp.data_len, 20003);
	assert_int_equal(RSP(read)->size, 20008);
	for (uint32_t i = 0; i < 20000; i++)
		assert_int_equal(staging[i], (uint8_t)(i * 7));
	assert_int_equal(staging[20003], 0xee);
	assert_int_equal(do_read(fh, 1 << 20, 100, 0), 0);
	assert_int_equal(call.c_rsp.data_len, 0);

	/* the kinds of open */
	assert_int_equal(do_open(h, 1, &wo), 0);
	assert_int_equal(do_read(wo, 0, 10, 0), FSVA_EBADF);
	assert_int_equal(do_read(wo, 0, 10, FSVA_RW_PAGE), 0);
	assert_int_equal(do_release(wo), 0);
	assert_int_equal(do_release(wo), FSVA_EBADF);
	assert_int_equal(do_open(h, 0, &wo), 0);
	assert_int_equal(do_write(wo, 0, 10, 0), FSVA_EBADF);
	set.fh = wo;
	assert_int_equal(do_setattr(h, &set), FSVA_EBADF);
	assert_int_equal(do_release(wo), 0);
	assert_int_equal(do_open(root, 2, &wo), FSVA_EISDIR);
	assert_int_equal(do_open(h, FSVA_O_DIRECTORY, &wo), FSVA_ENOTDIR);

	set.fh = fh;
	assert_int_equal(do_setattr(h, &set), 0);
	assert_int_equal(RSP(getattr)->attr.size, 10);
	seek = req(FSVA_OP_SEEK);
	seek->fh = fh;
	seek->offset = -3;
	seek->whence = FSVA_SEEK_END;
	assert_int_equal(run(0), 0);
	assert_int_equal(RSP(seek)->offset, 7);
	assert_int_equal(do_setattr(root, &(struct fsva_setattr_req){ .valid = FSVA_SET_SIZE }), FSVA_EISDIR);

	/* memory that the front took back */
	no_memory = true;
	assert_int_equal(do_read(fh, 0, 10, 0), FSVA_EFAULT);
	no_memory = false;
	assert_int_equal(do_release(fh), 0);
	assert_int_equal(do_read(fh, 0, 10, 0), FSVA_EBADF);
}

static void
test_attributes(void **state)
{
	struct fsva_setattr_req set;
	struct fsva_dirty_inode_req *dirty;
	uint64_t h;

	(void)state;
	assert_int_equal(do_create(root, "f", 0, &h, NULL), 0);
	set = (struct fsva_setattr_req){ .valid = FSVA_SET_MODE, .mode = 06755 };
	assert_int_equal(do_setattr(h, &set), 0);
	assert_int_equal(RSP(getattr)->attr.mode, 0106755);
	set = (struct fsva_setattr_req){ .valid = FSVA_SET_KILL_SUID };
	assert_int_equal(do_setattr(h, &set), 0);
	assert_int_equal(RSP(getattr)->attr.mode, 0102755);
	set = (struct fsva_setattr_req){ .valid = FSVA_SET_KILL_SUID | FSVA_SET_MODE, .mode = 0644 };
	assert_int_equal(do_setattr(h, &set), FSVA_EINVAL);
	set = (struct fsva_setattr_req){ .valid = FSVA_SET_MTIME | FSVA_SET_MTIME_VALUE };
	set.mtime.sec = 77;
	set.mtime.nsec = 5;
	assert_int_equal(do_setattr(h, &set), 0);
	assert_int_equal(RSP(getattr)->attr.mtime.sec, 77);
	assert_int_equal(RSP(getattr)->attr.mtime.nsec, 5);
	dirty = req(FSVA_OP_DIRTY_INODE);
	dirty->handle = h;
	dirty->valid = FSVA_SET_ATIME;
	dirty->atime.sec = 99;
	assert_int_equal(run(0), 0);
	assert_int_equal(do_getattr(h), 0);
	assert_int_equal(RSP(getattr)->attr.atime.sec, 99);
	assert_int_equal(RSP(getattr)->attr.mtime.sec, 77);
	assert_true(RSP(getattr)->impl & FSVA_IMPL_GETATTR);
	/* LFS decides by modes: the front's VFS can do that */
	assert_false(RSP(getattr)->impl & FSVA_IMPL_PERMISSION);
	if (geteuid() == 0) {
		set = (struct fsva_setattr_req){ .valid = FSVA_SET_UID | FSVA_SET_GID, .uid = 12, .gid = 13 };
		assert_int_equal(do_setattr(h, &set), 0);
		assert_int_equal(RSP(getattr)->attr.uid, 12);
		assert_int_equal(RSP(getattr)->attr.gid, 13);
	}
	assert_int_equal(do_getattr(h + 1), FSVA_ESTALE);
}

static void
test_names(void **state)
{
	uint64_t d, e, f, g, h, l;
	struct fsva_link_req *link;
	struct fsva_symlink_req *sym;
	struct fsva_readlink_req *rl;
	struct fsva_mknod_req *mk;

	(void)state;
	assert_int_equal(do_lookup(root, "d", &d), FSVA_ENOENT);
	assert_int_equal(do_mkdir(root, "d", &d), 0);
	assert_int_equal(RSP(mkdir)->entry.attr.mode, 040755);
	assert_int_equal(do_mkdir(root, "d", &e), FSVA_EEXIST);
	assert_int_equal(do_create(d, "f", 0, &f, NULL), 0);
	assert_int_equal(do_create(d, "f", FSVA_CREATE_EXCL, &g, NULL), FSVA_EEXIST);
	assert_int_equal(do_create(d, "f", 0, &g, NULL), 0);
	assert_int_equal(f, g);			/* one inode, one handle */
	assert_int_equal(do_lookup(f, "x", &g), FSVA_ENOTDIR);
	assert_int_equal(do_remove(FSVA_OP_RMDIR, root, "d", d), FSVA_ENOTEMPTY);
	assert_int_equal(do_remove(FSVA_OP_RMDIR, d, "f", f), FSVA_ENOTDIR);
	assert_int_equal(do_remove(FSVA_OP_UNLINK, root, "d", d), FSVA_EISDIR);

	link = req(FSVA_OP_LINK);
	name(&link->name, root, "l");
	link->handle = f;
	assert_int_equal(run(0), 0);
	assert_int_equal(RSP(create)->entry.handle, f);
	assert_int_equal(RSP(create)->entry.attr.nlink, 2);
	link = req(FSVA_OP_LINK);
	name(&link->name, root, "l");
	link->handle = f;
	assert_int_equal(run(0), FSVA_EEXIST);

	sym = req(FSVA_OP_SYMLINK);
	name(&sym->name, root, "s");
	memcpy(staging, "d/f", 3);
	assert_int_equal(run(3), 0);
	l = RSP(create)->entry.handle;
	assert_int_equal(RSP(create)->entry.attr.mode & 0170000, 0120000);
	rl = req(FSVA_OP_READLINK);
	rl->handle = l;
	assert_int_equal(run(100), 0);
	assert_int_equal(call.c_rsp.data_len, 3);
	assert_memory_equal(staging, "d/f", 3);
	rl = req(FSVA_OP_READLINK);
	rl->handle = f;
	assert_int_equal(run(100), FSVA_EINVAL);

	mk = req(FSVA_OP_MKNOD);
	name(&mk->name, d, "p");
	mk->mode = 0010666;
	assert_int_equal(run(0), 0);
	assert_int_equal(RSP(create)->entry.attr.mode, 0010644);
	g = RSP(create)->entry.handle;
	assert_int_equal(do_open(g, 0, &h), FSVA_ENXIO);

	/* what the front believes counts */
	assert_int_equal(do_remove(FSVA_OP_UNLINK, d, "p", f), FSVA_ESTALE);
	assert_int_equal(do_remove(FSVA_OP_UNLINK, d, "p", g), 0);
	assert_int_equal(do_remove(FSVA_OP_UNLINK, d, "p", g), FSVA_ENOENT);

	/* an open file without a name lives on */
	assert_int_equal(do_create(root, "t", FSVA_CREATE_OPEN, &g, &h), 0);
	memcpy(staging, "hello", 5);
	assert_int_equal(do_write(h, 0, 5, 0), 0);
	assert_int_equal(do_remove(FSVA_OP_UNLINK, root, "t", g), 0);
	assert_int_equal(RSP(unlink)->victim.nlink, 0);
	assert_int_equal(do_read(h, 0, 5, 0), 0);
	assert_memory_equal(staging, "hello", 5);
	assert_int_equal(do_getattr(g), 0);
	assert_int_equal(do_release(h), 0);
	assert_int_equal(do_forget(g, 1), 0);
	assert_int_equal(do_getattr(g), FSVA_ESTALE);
}

static void
test_rename(void **state)
{
	uint64_t a, b, d, e, x;

	(void)state;
	assert_int_equal(do_create(root, "a", 0, &a, NULL), 0);
	assert_int_equal(do_create(root, "b", 0, &b, NULL), 0);
	assert_int_equal(do_mkdir(root, "d", &d), 0);
	assert_int_equal(do_mkdir(d, "e", &e), 0);
	assert_int_equal(do_rename(root, "a", a, root, "c", 0, 0), 0);
	assert_int_equal(do_lookup(root, "a", &x), FSVA_ENOENT);
	assert_int_equal(do_lookup(root, "c", &x), 0);
	assert_int_equal(x, a);
	assert_int_equal(do_rename(root, "c", a, root, "b", b, FSVA_RENAME_NOREPLACE), FSVA_EEXIST);
	assert_int_equal(do_rename(root, "c", a, root, "b", 0, 0), FSVA_ESTALE);
	assert_int_equal(do_rename(root, "c", b, root, "b", b, 0), FSVA_ESTALE);
	assert_int_equal(do_rename(root, "c", a, root, "b", b, FSVA_RENAME_EXCHANGE), FSVA_EINVAL);
	assert_int_equal(do_rename(root, "c", a, root, "b", b, 0), 0);
	assert_int_equal(do_getattr(b), 0);	/* replaced, and held */
	assert_int_equal(RSP(getattr)->attr.nlink, 0);
	assert_int_equal(do_rename(root, "b", a, d, "b", 0, 0), 0);
	assert_int_equal(do_rename(d, "b", a, root, "d", d, 0), FSVA_ENOTEMPTY);
	assert_int_equal(do_rename(d, "e", e, d, "b", a, 0), FSVA_ENOTDIR);
	assert_int_equal(do_rename(d, "b", a, d, "e", e, 0), FSVA_EISDIR);
	assert_int_equal(do_rename(root, "d", d, d, "x", 0, 0), FSVA_EINVAL);
	assert_int_equal(do_rename(root, "d", d, e, "x", 0, 0), FSVA_EINVAL);
	assert_int_equal(do_rename(d, "b", a, d, "b", a, 0), 0);	/* nothing to do */
	assert_int_equal(do_rename(d, "nope", a, d, "q", 0, 0), FSVA_ENOENT);
	assert_int_equal(do_lookup(d, "b", &x), 0);
}

/* All of a directory, by answers of room octets; how many entries. */
static unsigned int
list(uint64_t fh, uint32_t room, bool *seen, unsigned int n)
{
	uint64_t cookie = 0;
	unsigned int total = 0, calls = 0;

	for (;;) {
		struct fsva_readdir_req *r = req(FSVA_OP_READDIR);
		struct fsva_dirent d;
		const char *s;
		uint32_t pos = 0, nr = 0;

		r->fh = fh;
		r->cookie = cookie;
		assert_int_equal(run(room), 0);
		while (fsva_wire_dirent_get(staging, call.c_rsp.data_len, &pos, &d, &s) == FSVA_OK) {
			unsigned int i = 0;

			nr++;
			cookie = d.next;
			if (sscanf(s, "name%u", &i) == 1 && i < n) {
				assert_false(seen[i]);
				assert_int_equal(d.type, 8);
				seen[i] = true;
				total++;
			}
		}
		assert_int_equal(nr, RSP(readdir)->nr);
		if (RSP(readdir)->eof)
			return total;
		assert_true(nr > 0);
		assert_int_equal(RSP(readdir)->next, cookie);
		assert_true(++calls < 2000);
	}
}

static void
test_readdir(void **state)
{
	bool seen[200] = { false };
	struct fsva_readdir_req *r;
	uint64_t h, fh;
	char s[32];

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(s, sizeof(s), "name%03u%.*s", i, (int)(i % 20), "-------------------");
		assert_int_equal(do_create(root, s, 0, &h, NULL), 0);
		assert_int_equal(do_forget(h, 1), 0);
	}
	assert_int_equal(do_open(root, FSVA_O_DIRECTORY, &fh), 0);
	assert_int_equal(list(fh, 4096, seen, 200), 200);
	memset(seen, 0, sizeof(seen));
	assert_int_equal(list(fh, 100, seen, 200), 200);
	memset(seen, 0, sizeof(seen));
	assert_int_equal(list(fh, 65536, seen, 200), 200);
	/* no room for one, positions that no directory has */
	r = req(FSVA_OP_READDIR);
	r->fh = fh;
	assert_int_not_equal(run(8), 0);
	r = req(FSVA_OP_READDIR);
	r->fh = fh;
	r->cookie = UINT64_MAX;
	assert_int_equal(run(4096), FSVA_EINVAL);
	r = req(FSVA_OP_READDIR);
	r->fh = fh;
	r->cookie = 1 << 20;
	assert_int_equal(run(4096), 0);
	assert_true(RSP(readdir)->eof);
}

static void
test_parking(void **state)
{
	uint64_t h[40], gone, x;
	char s[16];

	(void)state;
	assert_int_equal(do_create(root, "gone", 0, &gone, NULL), 0);
	assert_int_equal(do_remove(FSVA_OP_UNLINK, root, "gone", gone), 0);
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(s, sizeof(s), "f%u", i);
		assert_int_equal(do_create(root, s, 0, &h[i], NULL), 0);
	}
	/* four may stay, and the one that has no name must */
	assert_true(ses->s_handles.hs_npinned <= 5);
	assert_true(shim_vnodes() <= 6);
	assert_int_equal(do_getattr(gone), 0);
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(do_getattr(h[i]), 0);
		snprintf(s, sizeof(s), "f%u", i);
		assert_int_equal(do_lookup(root, s, &x), 0);
		assert_int_equal(x, h[i]);	/* also when it was parked */
	}
	assert_true(ses->s_handles.hs_npinned <= 5);
	/* unlinked while parked: it is pinned from then on */
	assert_int_equal(do_remove(FSVA_OP_UNLINK, root, "f0", h[0]), 0);
	for (unsigned int i = 1; i < 40; i++)
		assert_int_equal(do_getattr(h[i]), 0);
	assert_int_equal(do_getattr(h[0]), 0);
	assert_int_equal(RSP(getattr)->attr.nlink, 0);
	assert_int_equal(do_forget(h[1], 3), FSVA_EINVAL);
	assert_int_equal(do_forget(h[1], 2), 0);
	assert_int_equal(do_getattr(h[1]), FSVA_ESTALE);
}

static int
setup_few(void **state)
{
	shim_maxpinned = 4;
	return setup(state);
}

static int
teardown_few(void **state)
{
	shim_maxpinned = 1000;
	return teardown(state);
}

static void
test_replay(void **state)
{
	struct fsva_req r;
	struct fsva_rsp rsp;
	uint64_t h;

	(void)state;
	assert_int_equal(do_mkdir(root, "once", &h), 0);
	fsva_replay_end(ses, 0, &call.c_rsp);
	r = call.c_req;
	/* the same id without saying so, a lower one, then as it should be */
	assert_int_equal(fsva_replay_begin(ses, 0, &r, &rsp), EPROTO);
	r.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(ses, 0, &r, &rsp), -1);
	assert_int_equal(rsp.flags, FSVA_RSP_REPLAYED);
	assert_memory_equal(rsp.body, call.c_rsp.body, sizeof(rsp.body));
	r.op = FSVA_OP_RMDIR;
	assert_int_equal(fsva_replay_begin(ses, 0, &r, &rsp), EPROTO);
	r = call.c_req;
	r.id--;
	assert_int_equal(fsva_replay_begin(ses, 0, &r, &rsp), EPROTO);
	r.id = 0;
	assert_int_equal(fsva_replay_begin(ses, 0, &r, &rsp), EPROTO);
	r.id = call.c_req.id + 1;
	assert_int_equal(fsva_replay_begin(ses, 0, &r, &rsp), 0);
	/* what may run twice is run twice */
	assert_int_equal(do_getattr(root), 0);
	fsva_replay_end(ses, 0, &call.c_rsp);
	r = call.c_req;
	r.flags = FSVA_REQ_RESENT;
	assert_int_equal(fsva_replay_begin(ses, 0, &r, &rsp), 0);
}

static uint32_t
rnd(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x >> 16;
}

/*
 * Requests of every operation, right but for some octets: each is answered,
 * by something that a front takes, and nothing stays locked.
 */
static void
test_hostile(void **state)
{
	uint64_t names[8] = { root, 0, 1, UINT64_MAX };
	static const char *words[] = { "a", "b", "d", "e", "name-of-some-length" };
	uint64_t h, fh;

	(void)state;
	assert_int_equal(do_mkdir(root, "d", &h), 0);
	names[4] = h;
	assert_int_equal(do_create(root, "a", FSVA_CREATE_OPEN, &h, &fh), 0);
	names[5] = h;
	names[6] = fh;
	assert_int_equal(do_open(root, 0, &fh), 0);
	names[7] = fh;
	for (unsigned int i = 0; i < 60000; i++) {
		const struct fsva_wire_op *row;
		uint16_t op = rnd() % FSVA_OP_MAX;
		uint64_t *body;

		row = fsva_wire_op(op);
		/* the tree and the session stay; times that no clock has are the shim's business */
		if (row == NULL || op == FSVA_OP_UNMOUNT || op == FSVA_OP_CRED_SET || op == FSVA_OP_SESSION ||
		    op == FSVA_OP_REMOUNT || op == FSVA_OP_MKNOD)
			continue;
		body = req(op);
		if (row->req_size >= sizeof(struct fsva_name) && op != FSVA_OP_GETXATTR && rnd() % 8)
			name((struct fsva_name *)body, names[rnd() % 8], words[rnd() % 5]);
		else
			body[0] = names[rnd() % 8];
		if (row->req_size > sizeof(struct fsva_name))
			body[sizeof(struct fsva_name) / 8] = names[rnd() % 8];
		if (op == FSVA_OP_RENAME) {
			((struct fsva_rename_req *)body)->new_dir = names[rnd() % 8];
			((struct fsva_rename_req *)body)->handle = names[rnd() % 8];
			((struct fsva_rename_req *)body)->new_handle = rnd() % 2 ? 0 : names[rnd() % 8];
		}
		for (unsigned int n = rnd() % 3; n > 0; n--)
			((uint8_t *)body)[rnd() % row->req_size] = rnd();
		if (op == FSVA_OP_SETATTR || op == FSVA_OP_TRUNCATE || op == FSVA_OP_WRITE)
			body[op == FSVA_OP_SETATTR ? 2 : 1] %= 1 << 20;
		memcpy(staging, "b", 2);
		if (rnd() % 16 == 0)
			memcpy(staging, "b/c", 4);
		(void)run((row->flags & (FSVA_F_DATA_IN | FSVA_F_DATA_OUT)) == 0 ? 0 : rnd() % 3 ? 1 : rnd() % 9000);
		(void)shim_vnodes();
		assert_false(ses->s_handles.hs_lock.held || ses->s_files.fs_lock.held || ses->s_lock.held);
		if (do_getattr(root) == FSVA_ESTALE) {
			/* it gave back the root: so be it */
			req(FSVA_OP_UNMOUNT);
			assert_int_equal(run(0), 0);
			assert_int_equal(do_mount("", 0), 0);
			root = names[0] = RSP(mount)->root.handle;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errno),
		cmocka_unit_test(test_names_of_tables),
		cmocka_unit_test_setup_teardown(test_order, setup_session, teardown),
		cmocka_unit_test_setup_teardown(test_not_supported, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contents, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
		cmocka_unit_test_setup_teardown(test_readdir, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parking, setup_few, teardown_few),
		cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
	};

	return cmocka_run_group_tests_name("netbsd-back", tests, NULL, NULL);
}
