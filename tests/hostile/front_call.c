// SPDX-License-Identifier: GPL-2.0-only
/* front_call.c: attacks through what operations mean: handles, names, ranges, order of calls, limits. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile_front.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Order of calls ---- */

static void before_session(void)
{
	static const uint16_t op[] = { FSVA_OP_MOUNT, FSVA_OP_LOOKUP, FSVA_OP_STATFS, FSVA_OP_CRED_SET,
				       FSVA_OP_UNMOUNT };

	for (size_t i = 0; i < NR(op); i++) {
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct peer p;

		peer_connect(&p, 1, 0);
		peer_req(&req, op[i]);
		if (op[i] == FSVA_OP_CRED_SET)
			((struct fsva_cred_set_req *)req.body)->index = 1;
		if (op[i] == FSVA_OP_LOOKUP)
			fsva_wire_name((struct fsva_name *)req.body, 1, "a", 1);
		must_refuse(peer_call(&p, &req, &rsp), "a call before the session");
		peer_close(&p);
	}
}

static void before_mount(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;

	peer_connect(&p, 1, 0);
	peer_start(&p);
	for (uint16_t op = 10; op < FSVA_OP_MAX; op++) {
		const struct fsva_wire_op *row = fsva_wire_op(op);
		int r;

		if (!row || (row->flags & FSVA_F_NOMOUNT))
			continue;
		peer_req(&req, op);
		((uint64_t *)req.body)[0] = 1;
		req.body[8] = 1;
		req.body[16] = 'a';
		p.no_check = true;
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, row->name);
		if (r == PEER_STOPPED) {
			peer_close(&p);
			peer_connect(&p, 1, 0);
			peer_start(&p);
		}
	}
	peer_close(&p);
}

/* EVENT with this number; *seq is the first that was answered. */
static int do_event(struct peer *p, uint64_t *seq, uint32_t len)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_event_req *body = peer_req(&req, FSVA_OP_EVENT);
	int r;

	body->seq = *seq;
	fsva_wire_req_data(&req, 0, len, NULL, 0);
	r = peer_call(p, &req, &rsp);
	if (!r)
		*seq = ((struct fsva_event_rsp *)rsp.body)->seq;
	return r;
}

/* Numbers of events that were never given; without the feature; without a mount. */
static void event_numbers(void)
{
	uint64_t seq = 0, other;
	struct peer p;

	peer_up(&p);
	must_be(do_event(&p, &seq, 4096), FSVA_EOPNOTSUPP, "events that were not agreed upon");
	peer_down(&p);

	peer_connect(&p, 1, 0);
	must_be(do_session(&p, 0, FSVA_FEATURE_EVENT), 0, "a session with events");
	must_be(do_cred(&p, PEER_CRED, 0, 0, FSVA_CAP_ALL), 0, "credentials");
	must_be(do_event(&p, &seq, 4096), FSVA_ENODEV, "events of nothing");
	peer_mount(&p);
	must_be(do_event(&p, &seq, 287), FSVA_EINVAL, "no room for an event");
	must_be(do_event(&p, &seq, 4096), 0, "the oldest event");
	for (int i = 0; i < 64; i++) {
		other = seq + (1ull << i);
		if (other)
			must_be(do_event(&p, &other, 4096), FSVA_EINVAL, "a number that was not given");
		other = seq - (1ull << i);
		if (other)
			must_be(do_event(&p, &other, 4096), FSVA_EINVAL, "a number that was taken");
	}
	other = UINT64_MAX;
	must_be(do_event(&p, &other, 4096), FSVA_EINVAL, "the last number");
	must_be(do_event(&p, &seq, 288), 0, "the same once more");
	peer_down(&p);
}

static void session_wrong(void)
{
	struct fsva_session_req *body;
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;
	int r;

	peer_connect(&p, 1, 0);
	peer_req(&req, FSVA_OP_SESSION);
	r = peer_call(&p, &req, &rsp);
	must_refuse(r, "session 0");
	peer_close(&p);
	/* features that nobody knows, minor 65535: agreed down */
	peer_connect(&p, 1, 0);
	body = peer_req(&req, FSVA_OP_SESSION);
	body->session = 77;
	body->features = UINT64_MAX;
	body->minor = 0xffff;
	body->next_id = 2;
	p.no_check = true;
	r = peer_call(&p, &req, &rsp);
	must_answer(r, "all features");
	if (!r) {
		struct fsva_session_rsp *answer = (void *)rsp.body;

		if (answer->features & ~FSVA_FEATURE_ALL || answer->minor > FSVA_MINOR)
			attack_fail("the back agrees to what it cannot know");
	}
	peer_close(&p);
	/* twice, and with another number, and while mounted */
	peer_up(&p);
	must_answer(do_session(&p, p.session, 0), "the session again");
	must_answer(do_session(&p, p.session + 1, 0), "another session on a mounted connection");
	peer_close(&p);
}

static void mount_twice(void)
{
	struct fsva_entry root;
	struct peer p;
	int r;

	peer_up(&p);
	root = p.root;
	r = do_mount(&p, "", 0);
	must_refuse(r, "a second mount");
	peer_again(&p, r);
	if (r != PEER_STOPPED)
		must_be(do_getattr(&p, root.handle, NULL), 0, "the first mount");
	peer_down(&p);
}

static void mount_flags(void)
{
	static const uint32_t flags[] = { 0x80, 0x80000000, 0xffffffff };

	for (size_t i = 0; i < NR(flags); i++) {
		struct fsva_mount_req *body;
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct peer p;

		peer_connect(&p, 1, 0);
		peer_start(&p);
		body = peer_req(&req, FSVA_OP_MOUNT);
		body->flags = flags[i];
		must_refuse(peer_call(&p, &req, &rsp), "unknown mount flags");
		peer_close(&p);
	}
}

static void unmount_open(void)
{
	struct fsva_entry e;
	struct peer p;
	uint64_t fh, fh2;
	int r;

	peer_up(&p);
	peer_file(&p, "hostile-open", 8192, &e, &fh);
	must_be(do_open(&p, e.handle, 0, &fh2), 0, "open");
	r = do_unmount(&p);
	must_answer(r, "unmount with open files");
	if (!r) {
		uint8_t buf[16];

		must_refuse(do_read(&p, fh, 0, buf, sizeof(buf), NULL), "a read after unmount");
		must_refuse(do_unmount(&p), "a second unmount");
	}
	peer_close(&p);
}

static void after_unmount(void)
{
	struct fsva_entry e;
	struct peer p;
	uint64_t fh;

	peer_up(&p);
	peer_file(&p, "hostile-after", 4096, &e, &fh);
	peer_unfile(&p, "hostile-after", &e, fh);
	e = p.root;
	must_be(do_unmount(&p), 0, "unmount");
	must_refuse(do_getattr(&p, e.handle, NULL), "the root after unmount");
	must_refuse(do_open(&p, e.handle, FSVA_O_DIRECTORY, &fh), "opening the root after unmount");
	/* and mounted again on the same connection */
	must_answer(do_mount(&p, "", 0), "mounting again");
	peer_close(&p);
}

/* ---- Handles ---- */

static const uint64_t wild[] = { 0, 1, 2, 3, 0xffffffff, 1ull << 32, 0xdeadbeefcafeull, 1ull << 63, UINT64_MAX };

static void wild_handle(uint16_t op, const char *what)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(wild) + 30; i++) {
		uint64_t h = i < NR(wild) ? wild[i] : p.root.handle ^ (1ull << (2 * (i - NR(wild))));
		int r;

		if (h == p.root.handle)
			continue;
		peer_req(&req, op);
		switch (op) {
		case FSVA_OP_LOOKUP:
			fsva_wire_name((struct fsva_name *)req.body, h, "a", 1);
			break;
		case FSVA_OP_LINK: {
			struct fsva_link_req *body = (void *)req.body;

			fsva_wire_name(&body->name, p.root.handle, "hostile-link", 12);
			body->handle = h;
			break;
		}
		case FSVA_OP_DENTRY_RELEASE:
			((uint64_t *)req.body)[1] = 1;  /* fall through */
		default:
			((uint64_t *)req.body)[0] = h;
		}
		r = peer_call(&p, &req, &rsp);
		if (!r)
			attack_fail("%s took the handle %#llx", what, (unsigned long long)h);
		must_refuse(r, what);
		peer_again(&p, r);
	}
	peer_down(&p);
}

static void handle_wild(void)
{
	wild_handle(FSVA_OP_GETATTR, "getattr");
	wild_handle(FSVA_OP_LOOKUP, "lookup");
	wild_handle(FSVA_OP_OPEN, "open");
	wild_handle(FSVA_OP_READLINK, "readlink");
	wild_handle(FSVA_OP_LINK, "link");
	wild_handle(FSVA_OP_DENTRY_RELEASE, "dentry_release");
}

static void fh_wild(void)
{
	wild_handle(FSVA_OP_READ, "read");
	wild_handle(FSVA_OP_WRITE, "write");
	wild_handle(FSVA_OP_RELEASE, "release");
	wild_handle(FSVA_OP_READDIR, "readdir");
	wild_handle(FSVA_OP_FSYNC, "fsync");
}

static void handle_stale(void)
{
	struct fsva_entry e;
	struct peer p;
	uint64_t fh;
	int r;

	peer_up(&p);
	for (int i = 0; i < 20; i++) {
		peer_file(&p, "hostile-stale", 0, &e, &fh);
		peer_unfile(&p, "hostile-stale", &e, fh);
		r = do_getattr(&p, e.handle, NULL);
		must_refuse(r, "a handle that was given back");
		peer_again(&p, r);
		r = do_forget(&p, e.handle, 1);
		must_refuse(r, "giving a handle back twice");
		peer_again(&p, r);
		r = do_open(&p, e.handle, 0, &fh);
		must_refuse(r, "opening a handle that was given back");
		peer_again(&p, r);
	}
	peer_down(&p);
}

static void handle_over_release(void)
{
	static const uint64_t nr[] = { 2, 0xffffffff, 1ull << 32, UINT64_MAX, 0 };
	struct fsva_entry e;
	struct peer p;
	uint64_t fh;

	for (size_t i = 0; i < NR(nr); i++) {
		int r;

		peer_up(&p);
		peer_file(&p, "hostile-over", 0, &e, &fh);
		r = do_forget(&p, e.handle, nr[i]);
		must_refuse(r, "giving back more lookups than there were");
		if (r != PEER_STOPPED) {
			uint8_t c = 1;

			/* the open file does not depend on it */
			must_answer(do_write(&p, fh, 0, &c, 1, NULL), "a write afterwards");
		}
		peer_close(&p);
	}
	/* the root belongs to the mount */
	peer_up(&p);
	for (int i = 0; i < 5; i++) {
		int r = do_forget(&p, p.root.handle, 1);

		must_answer(r, "giving back the root");
		peer_again(&p, r);
		must_answer(do_getattr(&p, p.root.handle, NULL), "getattr of the root afterwards");
	}
	peer_close(&p);
}

static void use_after_release(void)
{
	struct fsva_entry e;
	uint8_t buf[64];
	struct peer p;
	uint64_t fh;
	int r;

	peer_up(&p);
	for (int i = 0; i < 20; i++) {
		peer_file(&p, "hostile-uar", 4096, &e, &fh);
		/* the inode's handle goes while the file is open; the file goes on */
		must_be(do_forget(&p, e.handle, 1), 0, "dentry_release with the file open");
		r = do_read(&p, fh, 0, buf, sizeof(buf), NULL);
		must_answer(r, "a read of an open file whose handle was given back");
		peer_again(&p, r);
		if (r == PEER_STOPPED)
			continue;
		must_be(do_release(&p, fh), 0, "release");
		r = do_read(&p, fh, 0, buf, sizeof(buf), NULL);
		must_refuse(r, "a read after release");
		peer_again(&p, r);
		r = do_release(&p, fh);
		must_refuse(r, "releasing twice");
		peer_again(&p, r);
	}
	if (!do_lookup(&p, p.root.handle, "hostile-uar", &e))
		do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-uar", e.handle);
	peer_close(&p);
}

static void wrong_type(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_entry file, dir, e;
	struct peer p;
	uint8_t buf[64];
	uint64_t fh, dfh;

	peer_up(&p);
	peer_file(&p, "hostile-file", 4096, &file, &fh);
	if (do_lookup(&p, p.root.handle, "hostile-dir", &dir))
		must_be(do_mkdir(&p, p.root.handle, "hostile-dir", &dir), 0, "mkdir");
	must_refuse(do_lookup(&p, file.handle, "x", &e), "lookup in a file");
	must_refuse(do_mkdir(&p, file.handle, "x", &e), "mkdir in a file");
	must_refuse(do_create(&p, file.handle, "x", &e, NULL), "create in a file");
	must_refuse(do_unlink(&p, FSVA_OP_UNLINK, file.handle, "x", dir.handle), "unlink in a file");
	must_refuse(do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-file", file.handle), "rmdir of a file");
	must_refuse(do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-dir", dir.handle), "unlink of a directory");
	must_refuse(do_open(&p, dir.handle, 1, &dfh), "opening a directory for writing");
	must_be(do_open(&p, dir.handle, FSVA_O_DIRECTORY, &dfh), 0, "opening a directory");
	must_refuse(do_read(&p, dfh, 0, buf, sizeof(buf), NULL), "read of a directory");
	must_refuse(do_write(&p, dfh, 0, buf, sizeof(buf), NULL), "write to a directory");
	peer_req(&req, FSVA_OP_READDIR);
	((struct fsva_readdir_req *)req.body)->fh = fh;
	fsva_wire_req_data(&req, 0, 4096, NULL, 0);
	must_refuse(peer_call(&p, &req, &rsp), "readdir of a file");
	peer_req(&req, FSVA_OP_READLINK);
	((uint64_t *)req.body)[0] = file.handle;
	fsva_wire_req_data(&req, 0, 4096, NULL, 0);
	must_refuse(peer_call(&p, &req, &rsp), "readlink of a file");
	peer_req(&req, FSVA_OP_LINK);
	fsva_wire_name((struct fsva_name *)req.body, p.root.handle, "hostile-hard", 12);
	((struct fsva_link_req *)req.body)->handle = dir.handle;
	must_refuse(peer_call(&p, &req, &rsp), "a hard link to a directory");
	peer_req(&req, FSVA_OP_TRUNCATE);
	((struct fsva_truncate_req *)req.body)->handle = dir.handle;
	must_refuse(peer_call(&p, &req, &rsp), "truncate of a directory");
	peer_req(&req, FSVA_OP_SETATTR);
	((struct fsva_setattr_req *)req.body)->handle = dir.handle;
	((struct fsva_setattr_req *)req.body)->valid = FSVA_SET_SIZE;
	must_refuse(peer_call(&p, &req, &rsp), "a size for a directory");
	/* the open file of one inode with the handle of another */
	peer_req(&req, FSVA_OP_SETATTR);
	((struct fsva_setattr_req *)req.body)->handle = dir.handle;
	((struct fsva_setattr_req *)req.body)->fh = fh;
	((struct fsva_setattr_req *)req.body)->valid = FSVA_SET_SIZE;
	must_refuse(peer_call(&p, &req, &rsp), "an open file of another inode");
	/* a handle for an open file, and the other way round */
	must_refuse(do_read(&p, file.handle, 0, buf, sizeof(buf), NULL), "a handle in place of an open file");
	must_refuse(do_getattr(&p, fh, NULL), "an open file in place of a handle");
	must_refuse(do_release(&p, file.handle), "releasing a handle as an open file");
	must_be(do_release(&p, dfh), 0, "release");
	must_be(do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-dir", dir.handle), 0, "rmdir");
	must_be(do_forget(&p, dir.handle, 1), 0, "dentry_release");
	peer_unfile(&p, "hostile-file", &file, fh);
	peer_down(&p);
}

static void special_files(void)
{
	static const struct { uint32_t mode; const char *what;
	} row[] = {
		{ 0010644, "fifo" },
		{ 0020644, "character device" },
		{ 0060644, "block device" },
		{ 0140644, "socket" },
	};
	struct peer p;

	/* An fifo must not hang the back, a device node must not reach the appliance's devices. */
	peer_up(&p);
	for (size_t i = 0; i < NR(row); i++) {
		struct fsva_mknod_req *body;
		struct fsva_entry e;
		struct fsva_req req;
		struct fsva_rsp rsp;
		uint64_t fh;
		int r;

		if (!do_lookup(&p, p.root.handle, "hostile-node", &e))
			do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-node", e.handle);
		body = peer_req(&req, FSVA_OP_MKNOD);
		fsva_wire_name(&body->name, p.root.handle, "hostile-node", 12);
		body->mode = row[i].mode;
		if (row[i].mode == 0020644 || row[i].mode == 0060644) {
			body->rdev_major = row[i].mode == 0020644 ? 1 : 202;
			body->rdev_minor = row[i].mode == 0020644 ? 1 : 0;
		}
		r = peer_call(&p, &req, &rsp);
		must_answer(r, row[i].what);
		peer_again(&p, r);
		if (r)
			continue;
		e = ((struct fsva_create_rsp *)rsp.body)->entry;
		must_refuse(do_open(&p, e.handle, 0, &fh), row[i].what);
		must_refuse(do_open(&p, e.handle, 1, &fh), row[i].what);
		must_be(do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-node", e.handle), 0, "unlink");
		must_be(do_forget(&p, e.handle, 1), 0, "dentry_release");
	}
	peer_down(&p);
}

static void fh_mode(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_entry e;
	struct peer p;
	uint8_t buf[64] = { 0 };
	uint64_t fh, ro, wo;

	peer_up(&p);
	peer_file(&p, "hostile-mode", 4096, &e, &fh);
	must_be(do_open(&p, e.handle, 0, &ro), 0, "open for reading");
	must_be(do_open(&p, e.handle, 1, &wo), 0, "open for writing");
	must_refuse(do_write(&p, ro, 0, buf, sizeof(buf), NULL), "a write to a file opened for reading");
	must_refuse(do_read(&p, wo, 0, buf, sizeof(buf), NULL), "a read of a file opened for writing");
	peer_req(&req, FSVA_OP_FALLOCATE);
	((struct fsva_fallocate_req *)req.body)->fh = ro;
	((struct fsva_fallocate_req *)req.body)->len = 4096;
	must_refuse(peer_call(&p, &req, &rsp), "fallocate of a file opened for reading");
	must_refuse(do_open(&p, e.handle, 3 | 0x00400000, &fh), "open with flags that are none");
	must_be(do_release(&p, ro), 0, "release");
	must_be(do_release(&p, wo), 0, "release");
	peer_unfile(&p, "hostile-mode", &e, fh);
	peer_down(&p);
}

/* ---- Names ---- */

static const struct { uint16_t len; const char *name; const char *what; } names[] = {
	{ 0, "", "an empty name" },           { 1, ".", "the name ." },
	{ 2, "..", "the name .." },           { 3, "a/b", "a name with /" },
	{ 1, "/", "the name /" },             { 3, "a\0b", "a name with NUL" },
	{ 1, "\0", "the name NUL" },          { 12, "../etc/passw", "a path upwards" },
	{ 256, "aaaa", "a name of 256" },     { 257, "aaaa", "a name of 257" },
	{ 0x8000, "aaaa", "a name of 32768" },{ 0xffff, "aaaa", "a name of 65535" },
	{ 4, "a", "a name with NULs at its end" },
};

static void name_in(uint16_t op)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(names); i++) {
		struct fsva_name *n;
		int r;

		n = peer_req(&req, op);
		n->dir = p.root.handle;
		n->len = names[i].len;
		if (names[i].len >= 256)
			memset(n->name, 'a', sizeof(n->name));
		else
			memcpy(n->name, names[i].name, names[i].len < 13 ? strlen(names[i].name) + 1 : 1);
		if (names[i].len < 256 && names[i].len > 1 && names[i].name[1] == 0)
			memcpy(n->name, names[i].name, names[i].len == 3 ? 3 : 1);
		switch (op) {
		case FSVA_OP_CREATE: ((struct fsva_create_req *)req.body)->mode = 0644; break;
		case FSVA_OP_MKDIR: ((struct fsva_mkdir_req *)req.body)->mode = 0755; break;
		case FSVA_OP_MKNOD: ((struct fsva_mknod_req *)req.body)->mode = 0100644; break;
		case FSVA_OP_LINK:
		case FSVA_OP_UNLINK:
		case FSVA_OP_RMDIR: ((struct fsva_unlink_req *)req.body)->handle = p.root.handle; break;
		case FSVA_OP_RENAME:
			((struct fsva_rename_req *)req.body)->new_dir = p.root.handle;
			((struct fsva_rename_req *)req.body)->handle = p.root.handle;
			/* fall through */
		case FSVA_OP_SYMLINK:
			memcpy(p.q[0].staging + (p.q[0].req_prod & (p.nr_slots - 1)) * FSVA_PAGE_SIZE, "target", 6);
			fsva_wire_req_data(&req, 0, 6, NULL, 0);
			break;
		}
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, names[i].what);
		peer_again(&p, r);
	}
	peer_down(&p);
}

static void name_lookup(void)
{
	name_in(FSVA_OP_LOOKUP);
	name_in(FSVA_OP_DENTRY_VALIDATE);
}

static void name_create(void)
{
	name_in(FSVA_OP_CREATE);
	name_in(FSVA_OP_MKDIR);
	name_in(FSVA_OP_MKNOD);
	name_in(FSVA_OP_SYMLINK);
	name_in(FSVA_OP_LINK);
}

static void name_remove(void)
{
	name_in(FSVA_OP_UNLINK);
	name_in(FSVA_OP_RMDIR);
	name_in(FSVA_OP_RENAME);
}

/* A request whose data is in its staging page. */
static int with_data(struct peer *p, struct fsva_req *req, const void *data, uint32_t len)
{
	struct fsva_rsp rsp;
	uint8_t *staging = p->q[0].staging + (p->q[0].req_prod & (p->nr_slots - 1)) * FSVA_PAGE_SIZE;

	memcpy(staging, data, len);
	fsva_wire_req_data(req, 0, len, NULL, 0);
	return peer_call(p, req, &rsp);
}

static void name_new(void)
{
	static char data[4096];
	struct fsva_entry e;
	struct peer p;

	peer_up(&p);
	if (do_lookup(&p, p.root.handle, "hostile-n", &e))
		must_be(do_mkdir(&p, p.root.handle, "hostile-n", &e), 0, "mkdir");
	for (size_t i = 0; i < NR(names); i++) {
		uint16_t len = names[i].len > 4096 ? 4096 : names[i].len;
		struct fsva_rename_req *body;
		struct fsva_req req;
		int r;

		if (i == NR(names) - 1)
			continue;
		memset(data, 'a', sizeof(data));
		if (names[i].len < 256)
			memcpy(data, names[i].name, len);
		body = peer_req(&req, FSVA_OP_RENAME);
		fsva_wire_name(&body->name, p.root.handle, "hostile-n", 9);
		body->new_dir = p.root.handle;
		body->handle = e.handle;
		r = with_data(&p, &req, data, len);
		must_refuse(r, names[i].what);
		peer_again(&p, r);
		if (r == PEER_STOPPED)
			must_be(do_lookup(&p, p.root.handle, "hostile-n", &e), 0, "lookup");
	}
	must_be(do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-n", e.handle), 0, "rmdir");
	peer_close(&p);
}

static void symlink_target(void)
{
	static char data[4096];
	static const struct { uint32_t len; int nul; const char *what; } row[] = {
		{ 0, -1, "an empty target" }, { 4096, -1, "a target of 4096" }, { 10, 3, "a target with NUL" },
		{ 4095, 4094, "a target with NUL at its end" }, { 1, 0, "the target NUL" },
	};
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(row); i++) {
		struct fsva_req req;
		struct fsva_symlink_req *body = peer_req(&req, FSVA_OP_SYMLINK);
		int r;

		memset(data, 'l', sizeof(data));
		if (row[i].nul >= 0)
			data[row[i].nul] = 0;
		fsva_wire_name(&body->name, p.root.handle, "hostile-sym", 11);
		r = with_data(&p, &req, data, row[i].len);
		must_refuse(r, row[i].what);
		peer_again(&p, r);
	}
	peer_close(&p);
}

static void unlink_mismatch(void)
{
	struct fsva_entry a, b;
	struct peer p;
	uint64_t fa, fb;

	peer_up(&p);
	peer_file(&p, "hostile-a", 0, &a, &fa);
	peer_file(&p, "hostile-b", 0, &b, &fb);
	must_be(do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-a", b.handle), FSVA_ESTALE,
		"unlink with another's handle");
	must_refuse(do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-a", 0), "unlink with handle 0");
	must_refuse(do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-a", p.root.handle),
		    "unlink with the directory's handle");
	must_refuse(do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-none", a.handle), "unlink of nothing");
	peer_unfile(&p, "hostile-a", &a, fa);
	peer_unfile(&p, "hostile-b", &b, fb);
	peer_down(&p);
}

static int rename_call(struct peer *p, uint64_t dir, const char *from, uint64_t h, uint64_t to_dir, const char *to,
		       uint64_t to_h, uint32_t flags)
{
	struct fsva_req req;
	struct fsva_rename_req *body = peer_req(&req, FSVA_OP_RENAME);

	fsva_wire_name(&body->name, dir, from, strlen(from));
	body->new_dir = to_dir;
	body->handle = h;
	body->new_handle = to_h;
	body->flags = flags;
	return with_data(p, &req, to, strlen(to));
}

static void rename_wrong(void)
{
	struct fsva_entry a, b, f;
	struct peer p;
	uint64_t fh, root;

	peer_up(&p);
	root = p.root.handle;
	if (do_lookup(&p, root, "hostile-d", &a))
		must_be(do_mkdir(&p, root, "hostile-d", &a), 0, "mkdir");
	if (do_lookup(&p, a.handle, "child", &b))
		must_be(do_mkdir(&p, a.handle, "child", &b), 0, "mkdir");
	peer_file(&p, "hostile-f", 0, &f, &fh);
	must_refuse(rename_call(&p, root, "hostile-d", a.handle, b.handle, "x", 0, 0),
		    "a directory into its own child");
	must_refuse(rename_call(&p, root, "hostile-d", a.handle, a.handle, "x", 0, 0), "a directory into itself");
	must_refuse(rename_call(&p, a.handle, "child", b.handle, root, "hostile-d", a.handle, 0),
		    "a directory over its own parent");
	must_refuse(rename_call(&p, a.handle, "child", b.handle, root, "hostile-d", a.handle, FSVA_RENAME_EXCHANGE),
		    "a directory exchanged with its own parent");
	must_refuse(rename_call(&p, root, "hostile-d", a.handle, root, "hostile-f", f.handle, 0),
		    "a directory over a file");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, root, "hostile-d", a.handle, 0),
		    "a file over a directory");
	must_refuse(rename_call(&p, root, "hostile-f", a.handle, root, "x", 0, 0), "rename with another's handle");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, root, "hostile-d", f.handle, 0),
		    "rename onto another than believed");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, f.handle, "x", 0, 0), "rename into a file");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, 0, "x", 0, 0), "rename into handle 0");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, root, "hostile-d", a.handle, FSVA_RENAME_NOREPLACE),
		    "rename without replacing, onto something");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, root, "x", 0, FSVA_RENAME_EXCHANGE),
		    "an exchange with nothing");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, root, "x", 0, 8), "unknown rename flags");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, root, "hostile-d", a.handle, 7), "all rename flags");
	must_be(do_unlink(&p, FSVA_OP_RMDIR, a.handle, "child", b.handle), 0, "rmdir");
	/* nothing can be made in a directory that is gone */
	must_refuse(do_mkdir(&p, b.handle, "x", NULL), "mkdir in a removed directory");
	must_refuse(rename_call(&p, root, "hostile-f", f.handle, b.handle, "x", 0, 0),
		    "rename into a removed directory");
	must_be(do_unlink(&p, FSVA_OP_RMDIR, root, "hostile-d", a.handle), 0, "rmdir");
	must_be(do_forget(&p, a.handle, 1), 0, "dentry_release");
	must_be(do_forget(&p, b.handle, 1), 0, "dentry_release");
	peer_unfile(&p, "hostile-f", &f, fh);
	peer_down(&p);
}

static void lookup_parent_races(void)
{
	struct fsva_entry root_up;
	struct peer p;

	/* No way above the root, whatever it is called. */
	static const char *const up[] = { "..", ".", "/", "../..", "lost+found/../.." };

	peer_up(&p);
	for (size_t i = 0; i < NR(up); i++) {
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct fsva_name *n = peer_req(&req, FSVA_OP_LOOKUP);
		int r;

		n->dir = p.root.handle;
		n->len = strlen(up[i]);
		memcpy(n->name, up[i], n->len);
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, up[i]);
		peer_again(&p, r);
	}
	struct fsva_req req;
	struct fsva_rsp rsp;

	peer_req(&req, FSVA_OP_GET_PARENT);
	((uint64_t *)req.body)[0] = p.root.handle;
	if (!peer_call(&p, &req, &rsp)) {
		root_up = ((struct fsva_lookup_rsp *)rsp.body)->entry;
		if (root_up.handle != p.root.handle)
			attack_fail("get_parent leads out of the file system");
	}
	peer_close(&p);
}

/* ---- Ranges ---- */

static void offsets(void)
{
	static const struct { uint64_t off; uint32_t len;
	} row[] = {
		{ 1ull << 63, 1 },	  { UINT64_MAX, 1 },	      { UINT64_MAX - 4095, 4096 },     { INT64_MAX, 1 },
		{ INT64_MAX - 10, 4096 }, { (1ull << 63) - 1, 4096 }, { 0xfffffffffffff000ull, 4096 },
	};
	struct fsva_entry e;
	struct peer p;
	uint8_t buf[4096] = { 0 };
	uint64_t fh;

	peer_up(&p);
	peer_file(&p, "hostile-off", 4096, &e, &fh);
	for (size_t i = 0; i < NR(row); i++) {
		struct fsva_attr attr;
		int r;

		r = do_write(&p, fh, row[i].off, buf, row[i].len, NULL);
		if (r == 0)
			attack_fail("a write at %#llx went in", (unsigned long long)row[i].off);
		must_refuse(r, "a write past all files");
		if (r == PEER_STOPPED) {
			peer_again(&p, r);
			must_be(do_lookup(&p, p.root.handle, "hostile-off", &e), 0, "lookup");
			must_be(do_open(&p, e.handle, 2, &fh), 0, "open");
		}
		p.no_check = true;
		r = do_read(&p, fh, row[i].off, buf, row[i].len, NULL);
		p.no_check = false;
		if (r == 0)
			attack_fail("a read at %#llx gave data", (unsigned long long)row[i].off);
		if (r == PEER_STOPPED) {
			peer_again(&p, r);
			must_be(do_lookup(&p, p.root.handle, "hostile-off", &e), 0, "lookup");
			must_be(do_open(&p, e.handle, 2, &fh), 0, "open");
		}
		must_be(do_getattr(&p, e.handle, &attr), 0, "getattr");
		if (attr.size != 4096)
			attack_fail("the size became %llu", (unsigned long long)attr.size);
	}
	peer_close(&p);
}

static void sizes(void)
{
	static const uint64_t bad[] = { 1ull << 63, UINT64_MAX, INT64_MAX };
	struct fsva_entry e;
	struct peer p;
	uint64_t fh;

	peer_up(&p);
	peer_file(&p, "hostile-size", 4096, &e, &fh);
	for (size_t i = 0; i < NR(bad); i++)
		for (int which = 0; which < 4; which++) {
			struct fsva_req req;
			struct fsva_rsp rsp;
			int r;

			switch (which) {
			case 0: {
				struct fsva_setattr_req *body = peer_req(&req, FSVA_OP_SETATTR);

				body->handle = e.handle;
				body->valid = FSVA_SET_SIZE;
				body->size = bad[i];
				break;
			}
			case 1: {
				struct fsva_truncate_req *body = peer_req(&req, FSVA_OP_TRUNCATE);

				body->handle = e.handle;
				body->size = bad[i];
				break;
			}
			case 2: {
				struct fsva_fallocate_req *body = peer_req(&req, FSVA_OP_FALLOCATE);

				body->fh = fh;
				body->offset = bad[i];
				body->len = 4096;
				break;
			}
			default: {
				struct fsva_fallocate_req *body = peer_req(&req, FSVA_OP_FALLOCATE);

				body->fh = fh;
				body->offset = 1;
				body->len = bad[i];
				break;
			}
			}
			r = peer_call(&p, &req, &rsp);
			must_refuse(r, "a size past all files");
			if (r == PEER_STOPPED) {
				peer_again(&p, r);
				must_be(do_lookup(&p, p.root.handle, "hostile-size", &e), 0, "lookup");
				must_be(do_open(&p, e.handle, 2, &fh), 0, "open");
			}
		}
	peer_close(&p);
}

static void ranges(void)
{
	struct fsva_entry e;
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;
	uint64_t fh;
	int r;

	peer_up(&p);
	peer_file(&p, "hostile-range", 4096, &e, &fh);
#define TRY(what, fill) do { \
		fill; \
		r = peer_call(&p, &req, &rsp); \
		must_refuse(r, what); \
		if (r == PEER_STOPPED) { \
			peer_again(&p, r); \
			must_be(do_lookup(&p, p.root.handle, "hostile-range", &e), 0, "lookup"); \
			must_be(do_open(&p, e.handle, 2, &fh), 0, "open"); \
		} \
	} while (0)
	TRY("fsync backwards", struct fsva_fsync_req *b = peer_req(&req, FSVA_OP_FSYNC);
	    b->fh = fh; b->start = 100; b->end = 10);
	TRY("fsync to the moon", struct fsva_fsync_req *b = peer_req(&req, FSVA_OP_FSYNC);
	    b->fh = fh; b->start = 1ull << 63; b->end = UINT64_MAX);
	TRY("datasync 2", struct fsva_fsync_req *b = peer_req(&req, FSVA_OP_FSYNC);
	    b->fh = fh; b->end = INT64_MAX; b->datasync = 2);
	TRY("whence 5", struct fsva_seek_req *b = peer_req(&req, FSVA_OP_SEEK); b->fh = fh; b->whence = 5);
	TRY("a negative seek", struct fsva_seek_req *b = peer_req(&req, FSVA_OP_SEEK); b->fh = fh;
	    b->offset = INT64_MIN; b->whence = FSVA_SEEK_DATA);
	TRY("unknown fallocate modes", struct fsva_fallocate_req *b = peer_req(&req, FSVA_OP_FALLOCATE);
	    b->fh = fh; b->len = 4096; b->mode = 0x80);
	TRY("fallocate of nothing", struct fsva_fallocate_req *b = peer_req(&req, FSVA_OP_FALLOCATE); b->fh = fh);
	TRY("unknown read flags", struct fsva_read_req *b = peer_req(&req, FSVA_OP_READ);
	    b->fh = fh; b->flags = 0x80; fsva_wire_req_data(&req, 0, 64, NULL, 0));
	TRY("padding of a read", struct fsva_read_req *b = peer_req(&req, FSVA_OP_READ);
	    b->fh = fh; b->pad[11] = 1; fsva_wire_req_data(&req, 0, 64, NULL, 0));
	TRY("nsec 1e9", struct fsva_setattr_req *b = peer_req(&req, FSVA_OP_SETATTR);
	    b->handle = e.handle; b->valid = FSVA_SET_ATIME | FSVA_SET_ATIME_VALUE; b->atime.nsec = 1000000000);
	TRY("nsec 2^32 - 1", struct fsva_setattr_req *b = peer_req(&req, FSVA_OP_SETATTR);
	    b->handle = e.handle; b->valid = FSVA_SET_MTIME | FSVA_SET_MTIME_VALUE; b->mtime.nsec = 0xffffffff);
	TRY("padding of a time", struct fsva_setattr_req *b = peer_req(&req, FSVA_OP_SETATTR);
	    b->handle = e.handle; b->valid = FSVA_SET_MTIME | FSVA_SET_MTIME_VALUE; b->mtime.pad = 1);
	TRY("unknown attributes", struct fsva_setattr_req *b = peer_req(&req, FSVA_OP_SETATTR);
	    b->handle = e.handle; b->valid = 0x8000);
	TRY("a mode of 32 bits", struct fsva_setattr_req *b = peer_req(&req, FSVA_OP_SETATTR);
	    b->handle = e.handle; b->valid = FSVA_SET_MODE; b->mode = 0xffffffff);
	TRY("uid -1", struct fsva_setattr_req *b = peer_req(&req, FSVA_OP_SETATTR);
	    b->handle = e.handle; b->valid = FSVA_SET_UID; b->uid = 0xffffffff);
	TRY("a mode of mkdir with a type", struct fsva_mkdir_req *b = peer_req(&req, FSVA_OP_MKDIR);
	    fsva_wire_name(&b->name, p.root.handle, "hostile-mode", 12); b->mode = 0100777);
	TRY("mknod of a directory", struct fsva_mknod_req *b = peer_req(&req, FSVA_OP_MKNOD);
	    fsva_wire_name(&b->name, p.root.handle, "hostile-mknod", 13); b->mode = 0040755);
	TRY("mknod of a symlink", struct fsva_mknod_req *b = peer_req(&req, FSVA_OP_MKNOD);
	    fsva_wire_name(&b->name, p.root.handle, "hostile-mknod", 13); b->mode = 0120777);
	TRY("mknod of type 15", struct fsva_mknod_req *b = peer_req(&req, FSVA_OP_MKNOD);
	    fsva_wire_name(&b->name, p.root.handle, "hostile-mknod", 13); b->mode = 0170777);
	TRY("a huge device number", struct fsva_mknod_req *b = peer_req(&req, FSVA_OP_MKNOD);
	    fsva_wire_name(&b->name, p.root.handle, "hostile-mknod", 13); b->mode = 0020777; b->rdev_major = 0xffffffff;
	    b->rdev_minor = 0xffffffff);
	TRY("unknown flags of permission", struct fsva_permission_req *b = peer_req(&req, FSVA_OP_PERMISSION);
	    b->handle = e.handle; b->mask = 0x80);
	TRY("unknown flags of getattr", struct fsva_getattr_req *b = peer_req(&req, FSVA_OP_GETATTR);
	    b->handle = e.handle; b->flags = 4);
	TRY("creation with unknown flags", struct fsva_create_req *b = peer_req(&req, FSVA_OP_CREATE);
	    fsva_wire_name(&b->name, p.root.handle, "hostile-cr", 10); b->mode = 0644; b->flags = 4);
#undef TRY
	peer_unfile(&p, "hostile-range", &e, fh);
	peer_down(&p);
}

static void times_extreme(void)
{
	static const int64_t sec[] = { -1, INT64_MIN, INT64_MAX, -2147483649ll, 1ll << 40 };
	struct fsva_entry e;
	struct peer p;
	uint64_t fh;

	/* In range for the wire; the file system clamps.  Root's, and then everybody's again. */
	peer_up(&p);
	peer_file(&p, "hostile-time", 0, &e, &fh);
	for (size_t i = 0; i < NR(sec); i++) {
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct fsva_setattr_req *body = peer_req(&req, FSVA_OP_SETATTR);

		body->handle = e.handle;
		body->valid = FSVA_SET_ATIME | FSVA_SET_ATIME_VALUE | FSVA_SET_MTIME | FSVA_SET_MTIME_VALUE;
		body->atime.sec = body->mtime.sec = sec[i];
		body->atime.nsec = 999999999;
		must_answer(peer_call(&p, &req, &rsp), "an extreme time");
		must_be(do_getattr(&p, e.handle, NULL), 0, "getattr afterwards");
	}
	peer_unfile(&p, "hostile-time", &e, fh);
	peer_down(&p);
}

static void readdir_cookies(void)
{
	static const uint64_t cookie[] = { 1, 0x7fffffff, 0xffffffff, 1ull << 62, INT64_MAX, 1ull << 63, UINT64_MAX };
	struct peer p;
	uint64_t fh;

	peer_up(&p);
	must_be(do_open(&p, p.root.handle, FSVA_O_DIRECTORY, &fh), 0, "opening the root");
	for (size_t i = 0; i < NR(cookie); i++)
		for (uint32_t len = 0; len <= 4096; len = len ? len * 8 : 8) {
			struct fsva_req req;
			struct fsva_rsp rsp;
			struct fsva_readdir_req *body = peer_req(&req, FSVA_OP_READDIR);
			int r;

			body->fh = fh;
			body->cookie = cookie[i];
			fsva_wire_req_data(&req, 0, len, NULL, 0);
			r = peer_call(&p, &req, &rsp);
			must_answer(r, "readdir from anywhere");
			if (r == PEER_STOPPED) {
				peer_again(&p, r);
				must_be(do_open(&p, p.root.handle, FSVA_O_DIRECTORY, &fh), 0, "opening the root");
			}
		}
	must_be(do_release(&p, fh), 0, "release");
	peer_down(&p);
}

/* ---- Credentials ---- */

static void cred_set_wrong(void)
{
	static const struct { uint32_t index, nr; int64_t len; int kind; uint64_t caps; const char *what; } row[] = {
		{ 0, 0, -1, 0, 0, "entry 0" },
		{ 1024, 0, -1, 0, 0, "entry 1024" },
		{ 0xffffffff, 0, -1, 0, 0, "entry 2^32 - 1" },
		{ 2, 3, -1, 1, 0, "groups not in order" },
		{ 2, 3, 8, 0, 0, "fewer groups than said" },
		{ 2, 1, 12, 0, 0, "more groups than said" },
		{ 2, 65537, 0, 0, 0, "65537 groups" },
		{ 2, 0x40000001, 4, 0, 0, "a number of groups that wraps" },
		{ 2, 0, -1, 0, 1ull << 14, "an unknown capability" },
		{ 2, 0, -1, 0, UINT64_MAX, "all capabilities there will ever be" },
		{ 2, 2, -1, 2, 0, "group -1" },
	};
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(row); i++) {
		uint32_t groups[1024] = { 0 };
		struct fsva_req req;
		struct fsva_cred_set_req *body = peer_req(&req, FSVA_OP_CRED_SET);
		int r;

		for (uint32_t j = 0; j < 1024; j++)
			groups[j] = row[i].kind == 1 ? 1024 - j : row[i].kind == 2 ? 0xffffffff : j;
		body->index = row[i].index;
		body->fsuid = body->fsgid = 1000;
		body->nr_groups = row[i].nr;
		body->caps = row[i].caps;
		r = with_data(&p, &req, groups, row[i].len >= 0 ? row[i].len : 4 * row[i].nr);
		must_refuse(r, row[i].what);
		peer_again(&p, r);
	}
	peer_close(&p);
}

static void cred_many(void)
{
	struct peer p;
	struct ppages g;
	unsigned int i;

	/* The whole table, then with many groups each: what the back sets aside for us has an end. */
	peer_up(&p);
	for (i = 1; i < p.nr_creds; i++)
		must_be(do_cred(&p, i, i, i, 0), 0, "filling the table");
	must_refuse(do_cred(&p, p.nr_creds, 1, 1, 0), "one more than the table holds");
	if (!ppages_share(&p, &g, 64, p.dev.peer_id, true))
		attack_skip("cannot grant 64 pages");
	for (i = 0; i < 65536; i++)
		((uint32_t *)g.mem)[i] = i;
	for (i = 2; i < 40 && i < p.nr_creds; i++) {
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct fsva_cred_set_req *body = peer_req(&req, FSVA_OP_CRED_SET);
		int r;

		body->index = i;
		body->nr_groups = 65536;
		if (fsva_wire_req_data(&req, 0, 65536 * 4, g.ref, 64))
			break;
		r = peer_call(&p, &req, &rsp);
		must_answer(r, "65536 groups");
		if (r) {
			attack_note("65536 groups: %s after %u", peer_result(r), i - 2);
			break;
		}
	}
	peer_close(&p);
}

static void cred_in_use(void)
{
	struct peer p;

	/* An entry is replaced between calls that use it: each call runs under one or the other. */
	peer_up(&p);
	for (int i = 0; i < 100; i++) {
		must_be(do_cred(&p, PEER_CRED, i & 1 ? 1000 : 0, 0, i & 1 ? 0 : FSVA_CAP_ALL), 0, "replacing an entry");
		must_answer(do_getattr(&p, p.root.handle, NULL), "getattr");
	}
	peer_close(&p);
}

static void not_root(void)
{
	struct fsva_entry e;
	struct peer p;
	int r;

	/* Without any capability: mounting is root's, and the file system's own checks hold. */
	peer_connect(&p, 1, 0);
	must_be(do_session(&p, 0, 0), 0, "session");
	must_be(do_cred(&p, PEER_CRED, 12345, 12345, 0), 0, "credentials");
	r = do_mount(&p, "", 0);
	must_answer(r, "a mount without capabilities");
	if (!r)
		must_answer(do_lookup(&p, p.root.handle, "lost+found", &e), "lookup without capabilities");
	peer_close(&p);
}

static void interrupt_wrong(void)
{
	static const uint64_t id[] = { 0, 1, UINT64_MAX, 1ull << 40 };
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(id); i++)
		for (uint16_t queue = 0; queue < 20; queue += 9) {
			struct fsva_req req;
			struct fsva_rsp rsp;
			struct fsva_interrupt_req *body = peer_req(&req, FSVA_OP_INTERRUPT);
			int r;

			body->target = id[i];
			body->queue = queue;
			r = peer_call(&p, &req, &rsp);
			must_answer(r, "an interrupt of nothing");
			peer_again(&p, r);
		}
	peer_close(&p);
}

/* ---- Freeze and remount ---- */

static int do_void(struct peer *p, uint16_t op)
{
	struct fsva_req req;
	struct fsva_rsp rsp;

	peer_req(&req, op);
	return peer_call(p, &req, &rsp);
}

/* A request whose answer nobody waits for yet. */
static void send_void(struct peer *p, uint16_t op)
{
	struct fsva_req req;

	peer_req(&req, op);
	req.id = p->id++;
	req.tag = p->q[0].req_prod & (p->nr_slots - 1);
	peer_put(p, 0, &req);
	peer_push(p, 0);
}

static void send_write(struct peer *p, uint64_t fh)
{
	struct fsva_req req;
	struct fsva_write_req *body = peer_req(&req, FSVA_OP_WRITE);

	body->fh = fh;
	fsva_wire_req_data(&req, 0, 64, NULL, 0);
	req.id = p->id++;
	req.tag = p->q[0].req_prod & (p->nr_slots - 1);
	peer_put(p, 0, &req);
	peer_push(p, 0);
}

/* Mounted, with a file, frozen, and a write that waits for the thaw; for HOSTILE_HOLD seconds, if that is set. */
static void frozen_writer(struct peer *p)
{
	const char *hold = getenv("HOSTILE_HOLD");
	struct fsva_entry e;
	struct fsva_rsp rsp;
	uint64_t fh;
	int r;

	peer_up(p);
	peer_file(p, "hostile-frozen", 4096, &e, &fh);
	r = do_void(p, FSVA_OP_FREEZE);
	if (r == FSVA_EOPNOTSUPP)
		attack_skip("this file system cannot be frozen");
	must_be(r, 0, "freeze");
	must_be(do_void(p, FSVA_OP_FREEZE), FSVA_EBUSY, "a second freeze");
	send_write(p, fh);
	if (peer_answer(p, 0, &rsp, 500) != PEER_TIMEOUT)
		attack_fail("a write went through a freeze");
	if (hold)
		sleep(atoi(hold));
}

/* It can be mounted and written by the next connection. */
static void thawed(void)
{
	struct fsva_entry e;
	struct peer p;
	uint64_t fh;

	peer_up(&p);
	peer_file(&p, "hostile-frozen", 4096, &e, &fh);
	must_be(do_void(&p, FSVA_OP_THAW), FSVA_EINVAL, "a thaw of what is not frozen");
	peer_unfile(&p, "hostile-frozen", &e, fh);
	peer_down(&p);
}

static void freeze_vanish(void)
{
	struct peer p;

	frozen_writer(&p);
	peer_close(&p);
	thawed();
}

static void freeze_unmount(void)
{
	struct peer p;
	struct fsva_rsp rsp;

	frozen_writer(&p);
	send_void(&p, FSVA_OP_UNMOUNT);
	for (int i = 0; i < 2; i++)
		if (peer_answer(&p, 0, &rsp, PEER_ANSWER_MS))
			attack_fail("no answer to a write and an unmount of what was frozen");
	must_be(do_mount(&p, "", 0), 0, "mounting again");
	peer_close(&p);
	thawed();
}

static void freeze_race(void)
{
	struct peer p;

	/* The freeze is under way when the front goes. */
	for (int i = 0; i < 5; i++) {
		struct fsva_entry e;
		uint64_t fh;

		peer_up(&p);
		peer_file(&p, "hostile-frozen", 4096, &e, &fh);
		send_write(&p, fh);
		send_void(&p, FSVA_OP_FREEZE);
		send_write(&p, fh);
		if (i & 1)
			send_void(&p, FSVA_OP_UNMOUNT);
		peer_close(&p);
	}
	thawed();
}

static int do_remount(struct peer *p, uint32_t flags, uint32_t mask, const char *options, uint32_t len, uint32_t *now)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_remount_req *body = peer_req(&req, FSVA_OP_REMOUNT);
	int r;

	body->flags = flags;
	body->mask = mask;
	memcpy(p->q[0].staging + (p->q[0].req_prod & (p->nr_slots - 1)) * FSVA_PAGE_SIZE, options, len);
	fsva_wire_req_data(&req, 0, len, NULL, 0);
	r = peer_call(p, &req, &rsp);
	if (!r)
		*now = ((struct fsva_remount_rsp *)(void *)rsp.body)->flags;
	return r;
}

static void remount(void)
{
	const uint32_t ro = FSVA_MOUNT_RDONLY;
	struct fsva_entry e, other;
	struct fsva_rsp rsp;
	struct peer p;
	uint64_t fh, fh2;
	uint32_t now = 0;

	peer_up(&p);
	peer_file(&p, "hostile-remount", 4096, &e, &fh);
	must_be(do_remount(&p, 0x80, 0, "", 0, &now), FSVA_EINVAL, "unknown flags");
	must_be(do_remount(&p, 0, 1u << 31, "", 0, &now), FSVA_EINVAL, "an unknown mask");
	must_be(do_remount(&p, 0, 0, "a\0b", 3, &now), FSVA_EINVAL, "options with NUL");
	must_refuse(do_remount(&p, 0, 0, "hostile-nonsense=1", 18, &now), "options of no file system");
	must_be(do_remount(&p, ro, ro, "", 0, &now), FSVA_EBUSY, "read-only with a file open for writing");
	must_be(do_write(&p, fh, 0, "still", 5, NULL), 0, "a write after that");
	must_be(do_release(&p, fh), 0, "release");
	must_be(do_remount(&p, ro, ro, "", 0, &now), 0, "read-only");
	if (!(now & ro))
		attack_fail("read-only, but the flags are %#x", now);
	must_be(do_open(&p, e.handle, 1, &fh2), FSVA_EROFS, "open for writing");
	must_be(do_mkdir(&p, p.root.handle, "hostile-ro", &other), FSVA_EROFS, "mkdir");
	must_be(do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, "hostile-remount", e.handle), FSVA_EROFS, "unlink");
	must_be(do_open(&p, e.handle, 0, &fh2), 0, "open for reading");
	must_refuse(do_write(&p, fh2, 0, "no", 2, NULL), "a write by a file opened for reading");
	must_be(do_release(&p, fh2), 0, "release");
	must_be(do_remount(&p, 0, ro, "", 0, &now), 0, "read-write");
	if (now & ro)
		attack_fail("read-write, but the flags are %#x", now);
	must_be(do_open(&p, e.handle, 1, &fh), 0, "open for writing again");

	/* A writer and a remount at once: both are answered, whichever comes first. */
	send_write(&p, fh);
	send_void(&p, FSVA_OP_FREEZE);
	send_write(&p, fh);
	send_void(&p, FSVA_OP_REMOUNT);
	send_void(&p, FSVA_OP_THAW);
	for (int i = 0; i < 5; i++)
		if (peer_answer(&p, 0, &rsp, PEER_ANSWER_MS))
			attack_fail("no answer to a freeze, a remount and a thaw at once");
	must_answer(do_void(&p, FSVA_OP_THAW), "thaw");	/* if it came before the freeze */
	peer_unfile(&p, "hostile-remount", &e, fh);
	peer_down(&p);
}

/* ---- Limits ---- */

static void open_limit(void)
{
	struct fsva_entry e;
	struct peer p;
	uint64_t fh, t0 = now_ms();
	unsigned int n = 0;
	int r = 0;

	peer_up(&p);
	peer_file(&p, "hostile-limit", 4096, &e, &fh);
	while (!r && n < 200000 && now_ms() - t0 < 60000) {
		r = do_open(&p, e.handle, 0, &fh);
		n += !r;
	}
	attack_note("%u open files: %s", n, peer_result(r));
	must_answer(r, "one more open file");
	peer_close(&p);
}

static void lookup_limit(void)
{
	struct fsva_entry e;
	struct peer p;
	uint64_t t0 = now_ms();
	unsigned int n = 0;
	int r = 0;

	/* Inodes that are held for ever. */
	peer_up(&p);
	while (!r && n < 100000 && now_ms() - t0 < 60000) {
		char name[32];

		snprintf(name, sizeof(name), "hostile-l%u", n);
		r = do_create(&p, p.root.handle, name, &e, NULL);
		if (r)
			break;
		r = do_unlink(&p, FSVA_OP_UNLINK, p.root.handle, name, e.handle);
		n += !r;
	}
	attack_note("%u inodes held: %s", n, peer_result(r));
	must_answer(r, "one more inode");
	peer_close(&p);
}

static void lookup_count(void)
{
	struct fsva_entry e;
	struct peer p;
	unsigned int n;

	/* One inode, looked up often: the count is exact. */
	peer_up(&p);
	if (do_lookup(&p, p.root.handle, "hostile-c", &e))
		must_be(do_mkdir(&p, p.root.handle, "hostile-c", &e), 0, "mkdir");
	for (n = 1; n < 500; n++)
		must_be(do_lookup(&p, p.root.handle, "hostile-c", &e), 0, "lookup");
	must_be(do_forget(&p, e.handle, n - 1), 0, "dentry_release of all but one");
	must_be(do_getattr(&p, e.handle, NULL), 0, "getattr with one left");
	must_be(do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-c", e.handle), 0, "rmdir");
	must_be(do_forget(&p, e.handle, 1), 0, "dentry_release of the last");
	must_refuse(do_getattr(&p, e.handle, NULL), "getattr with none left");
	peer_down(&p);
}

const struct attack front_call_attacks[] = {
	{ "before-session", before_session, "refused", 0 },
	{ "before-mount", before_mount, "refused", 180 },
	{ "event-numbers", event_numbers, "refused", 0 },
	{ "session-wrong", session_wrong, "refused, or agreed down", 0 },
	{ "mount-twice", mount_twice, "refused", 0 },
	{ "mount-flags", mount_flags, "refused", 0 },
	{ "unmount-open", unmount_open, "survive", 0 },
	{ "after-unmount", after_unmount, "refused", 0 },
	{ "handle-wild", handle_wild, "refused", 180 },
	{ "fh-wild", fh_wild, "refused", 180 },
	{ "handle-stale", handle_stale, "refused", 120 },
	{ "handle-over-release", handle_over_release, "refused", 120 },
	{ "use-after-release", use_after_release, "refused", 120 },
	{ "wrong-type", wrong_type, "refused", 0 },
	{ "special-files", special_files, "not opened", 0 },
	{ "fh-mode", fh_mode, "refused", 0 },
	{ "name-lookup", name_lookup, "refused", 120 },
	{ "name-create", name_create, "refused", 180 },
	{ "name-remove", name_remove, "refused", 120 },
	{ "name-new", name_new, "refused", 90 },
	{ "symlink-target", symlink_target, "refused", 0 },
	{ "unlink-mismatch", unlink_mismatch, "refused", 0 },
	{ "rename-wrong", rename_wrong, "refused", 0 },
	{ "above-the-root", lookup_parent_races, "refused", 0 },
	{ "offsets", offsets, "refused", 120 },
	{ "sizes", sizes, "refused", 120 },
	{ "ranges", ranges, "refused", 180 },
	{ "times-extreme", times_extreme, "survive", 0 },
	{ "readdir-cookies", readdir_cookies, "answered", 120 },
	{ "cred-set-wrong", cred_set_wrong, "refused", 90 },
	{ "cred-many", cred_many, "an end to what is set aside", 120 },
	{ "cred-in-use", cred_in_use, "survive", 0 },
	{ "not-root", not_root, "survive", 0 },
	{ "freeze-vanish", freeze_vanish, "thawed", 0 },
	{ "freeze-unmount", freeze_unmount, "thawed", 0 },
	{ "freeze-race", freeze_race, "thawed", 120 },
	{ "remount", remount, "refused, or done", 0 },
	{ "interrupt-wrong", interrupt_wrong, "survive", 0 },
	{ "open-limit", open_limit, "an end, or survive", 120 },
	{ "lookup-limit", lookup_limit, "an end, or survive", 120 },
	{ "lookup-count", lookup_count, "exact", 0 },
};
const size_t nr_front_call = NR(front_call_attacks);
