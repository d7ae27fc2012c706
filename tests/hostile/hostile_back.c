// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile_back.c: a backend that attacks the front.  It runs in the appliance's domain, without fsva-back, and
 * keeps step with hostile-poke in the user domain (turn.h): for each attack one turn, and then an honest one in
 * which everything must work.  Most attacks are a hook that spoils honest answers.
 *
 * An attack that breaks the protocol must end the connection (want_stop); one that stays within it, or lies
 * only about what files are, must do no harm.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

typedef bool (*hook_fn)(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp);

/* For a hook that has done its worst: a front that waits for us is not made to wait for ever. */
static void idle_end(struct serve *s)
{
	static uint64_t done_ms;

	if (s->done && !done_ms)
		done_ms = now_ms();
	if (s->connected && done_ms && now_ms() - done_ms > 60000 && now_ms() - s->last_ms > 10000)
		serve_close(s);
}

static void run_turn(struct serve *s, bool want_stop)
{
	const char *bad = serve_turn(s, attack_name);

	if (bad)
		attack_fail("the user's side: %s", bad);
	if (!s->done)
		attack_fail("the attack found no occasion (%llu requests)", (unsigned long long)s->nr_requests);
	/* The call fails at once, the state follows. */
	for (uint64_t end = now_ms() + 5000; want_stop && !s->front_ended && now_ms() < end; sleep_ms(100))
		s->front_ended = !s->unmounted && xsdev_peer_state(&s->dev) != XB_CONNECTED;
	if (want_stop && !s->front_ended)
		attack_fail("the connection went on");
	if (!want_stop && s->front_ended)
		attack_note("the front ended the connection");
	if (s->connected)
		serve_close(s);
}

static void run_hook(hook_fn hook, bool want_stop)
{
	static struct serve s;

	serve_open(&s);
	s.hook = hook;
	s.idle = idle_end;
	run_turn(&s, want_stop);
}

#define HOOK(name, stop, ...) \
	static bool name##_hook(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp) \
	{ \
		(void)s; (void)req; (void)rsp; \
		__VA_ARGS__ \
		return true; \
	} \
	static void name(void) { run_hook(name##_hook, stop); }

#define ON(operation) if (req->op != FSVA_OP_##operation || rsp->error) return true; s->done = true;

static struct fsva_attr *attr_of(const struct fsva_req *req, struct fsva_rsp *rsp)
{
	if (rsp->error)
		return NULL;
	switch (req->op) {
	case FSVA_OP_LOOKUP: return &((struct fsva_lookup_rsp *)rsp->body)->entry.attr;
	case FSVA_OP_GETATTR: case FSVA_OP_SETATTR: return &((struct fsva_getattr_rsp *)rsp->body)->attr;
	case FSVA_OP_OPEN: return &((struct fsva_open_rsp *)rsp->body)->attr;
	case FSVA_OP_MOUNT: return &((struct fsva_mount_rsp *)rsp->body)->root.attr;
	}
	return NULL;
}

/* Attributes of everything but the root as the statement says. */
#define ATTR(name, stop, ...) \
	HOOK(name, stop, { \
		struct fsva_attr *a = req->op == FSVA_OP_MOUNT ? NULL : attr_of(req, rsp); \
		if (a && a->ino != INO_ROOT) { s->done = true; __VA_ARGS__ } \
	})

/* ---- Answers out of order ---- */

HOOK(double_answer, true, { ON(LOOKUP) serve_put(s, rsp); serve_push(s); })
HOOK(double_answer_all, true, {
	s->done = true;         /* the first answer of the session is the occasion */
	serve_put(s, rsp);
})
HOOK(unasked_answer, true, {
	struct fsva_rsp extra = *rsp;
	ON(MOUNT)
	extra.tag = (req->tag + 3) & (s->nr_slots - 1);
	extra.id += 1;
	serve_put(s, &extra);
})
HOOK(wrong_id, true, { ON(LOOKUP) rsp->id++; })
HOOK(wrong_id_zero, true, { ON(LOOKUP) rsp->id = 0; })
HOOK(wrong_op, true, { ON(LOOKUP) rsp->op = FSVA_OP_GETATTR; })
HOOK(wrong_tag, true, { ON(LOOKUP) rsp->tag = (rsp->tag + 1) & (s->nr_slots - 1); })
HOOK(tag_range, true, { ON(LOOKUP) rsp->tag = 0x8000 | rsp->tag; })
HOOK(rsp_prod_jump, true, {
	ON(LOOKUP)
	serve_put(s, rsp);
	SHARED(s->ctl->rsp_prod) = s->rsp_prod + 1000;
	xenevtchn_notify(s->evtchn, s->port);
	return false;
})
HOOK(rsp_prod_ring, true, {
	ON(LOOKUP)
	s->rsp_prod += s->nr_slots + 1;
	serve_push(s);
	return false;
})
HOOK(rsp_prod_back, true, {
	ON(LOOKUP)
	s->rsp_prod -= 2;
	serve_push(s);
	return false;
})
HOOK(unknown_rsp_flags, true, { ON(LOOKUP) rsp->flags = 0x80000000; })
HOOK(rsp_padding, true, { ON(LOOKUP) rsp->pad[7] = 1; })
HOOK(rsp_body_padding, true, { ON(LOOKUP) rsp->body[FSVA_BODY_SIZE - 1] = 1; })
HOOK(rsp_piggy, true, { ON(LOOKUP) rsp->piggy.nr = 255; rsp->piggy.msg[0].kind = 1; })
HOOK(error_range, false, {
	static const uint32_t error[] = { 9999, 512, 0x80000000, 0xffffffff, 0xfffff000, 4095, 4096, 516 };
	static unsigned int i;
	if (req->op <= FSVA_OP_REMOUNT || req->op == FSVA_OP_RELEASE)
		return true;
	s->done = true;
	memset(rsp->body, 0, sizeof(rsp->body));
	rsp->data_len = 0;
	rsp->error = error[i++ % NR(error)];
})
static const uint32_t wire_errors[] = {
#define FSVA_ERRNO(name, value) value,
#include "../../protocol/fsva_errno.h"
#undef FSVA_ERRNO
};

HOOK(error_all, false, {
	if (req->op <= FSVA_OP_REMOUNT)
		return true;
	s->done = true;
	memset(rsp->body, 0, sizeof(rsp->body));
	rsp->data_len = 0;
	rsp->error = wire_errors[rnd() % NR(wire_errors)];
})
HOOK(error_with_body, true, { ON(LOOKUP) rsp->error = FSVA_EIO; })

/* ---- Data ---- */

HOOK(data_len_large, true, { ON(READ) rsp->data_len = req->data_len + 1; })
HOOK(data_len_huge, true, { ON(READ) rsp->data_len = 0xffffffff; })
HOOK(data_len_unasked, true, { ON(LOOKUP) rsp->data_len = 4096; })
HOOK(data_not_written, false, {
	ON(READ)
	rsp->data_len = req->data_len;
	((struct fsva_read_rsp *)rsp->body)->size = 1 << 20;
})
HOOK(write_took_more, true, { ON(WRITE) rsp->data_len = req->data_len + 4096; })
HOOK(write_took_nothing, false, { ON(WRITE) rsp->data_len = 0; })
HOOK(write_elsewhere, false, { ON(WRITE) ((struct fsva_write_rsp *)rsp->body)->offset = UINT64_MAX - 5; })
HOOK(read_size_wild, false, { ON(READ) ((struct fsva_read_rsp *)rsp->body)->size = rnd(); })

/* ---- Listings ---- */

/* A listing of one entry with whatever octets. */
static void list_raw(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp, const void *name, uint16_t len,
		     uint16_t said_len, uint64_t next, uint8_t type)
{
	struct fsva_readdir_rsp *a = (void *)rsp->body;
	uint8_t buf[1024] = { 0 };
	struct fsva_dirent *d = (void *)buf;

	d->ino = 99;
	d->next = next;
	d->name_len = said_len;
	d->type = type;
	memcpy(buf + sizeof(*d), name, len);
	rsp->data_len = sizeof(*d) + ((len + 7) & ~7u);
	if (rsp->data_len > req->data_len)
		rsp->data_len = req->data_len;
	a->nr = 1;
	a->next = next;
	a->eof = 0;
	serve_data(s, req, buf, rsp->data_len);
}

/* Only for the root's first octets; an honest end afterwards. */
#define LIST(name, stop, ...) \
	HOOK(name, stop, { \
		const struct fsva_readdir_req *q = (const void *)req->body; \
		ON(READDIR) \
		if (q->cookie == 0) { __VA_ARGS__ } \
	})

LIST(readdir_slash, false, list_raw(s, req, rsp, "../etc/passwd", 13, 13, 50, 8);)
LIST(readdir_nul, false, list_raw(s, req, rsp, "a\0b", 3, 3, 50, 8);)
LIST(readdir_empty, false, list_raw(s, req, rsp, "", 0, 0, 50, 8);)
LIST(readdir_long, false, { char n[300]; memset(n, 'n', sizeof(n)); list_raw(s, req, rsp, n, 300, 300, 50, 8); })
LIST(readdir_past_end, false, list_raw(s, req, rsp, "abc", 3, 255, 50, 8);)
LIST(readdir_65535, false, list_raw(s, req, rsp, "abc", 3, 65535, 50, 8);)
LIST(readdir_type, false, list_raw(s, req, rsp, "abc", 3, 3, 50, 255);)
LIST(readdir_dots, false, list_raw(s, req, rsp, "..", 2, 2, 50, 8);)
LIST(readdir_cookie_wild, false, list_raw(s, req, rsp, "abc", 3, 3, UINT64_MAX, 8);)
HOOK(readdir_count, false, { ON(READDIR) ((struct fsva_readdir_rsp *)rsp->body)->nr = 1000000; })
HOOK(readdir_eof_wild, false, { ON(READDIR) ((struct fsva_readdir_rsp *)rsp->body)->eof = 77; })
HOOK(readdir_nothing, false, {
	ON(READDIR)
	rsp->data_len = 0;
	memset(rsp->body, 0, sizeof(rsp->body));
})
HOOK(readdir_half, false, { ON(READDIR) if (rsp->data_len > 13) rsp->data_len = 13; })
HOOK(readdir_endless, false, {
	/* the same names for ever; the poke stops reading after some thousands */
	const struct fsva_readdir_req *q = (const void *)req->body;
	ON(READDIR)
	list_raw(s, req, rsp, "again", 5, 5, q->cookie + 1, 8);
})
HOOK(readdir_circle, false, {
	ON(READDIR)
	list_raw(s, req, rsp, "again", 5, 5, 0, 8);
})

/* ---- Handles and types ---- */

HOOK(handle_zero, false, { ON(LOOKUP) ((struct fsva_lookup_rsp *)rsp->body)->entry.handle = 0; })
HOOK(handle_same, false, { ON(LOOKUP) ((struct fsva_lookup_rsp *)rsp->body)->entry.handle = 4711; })
HOOK(handle_of_root, false, {
	/* a directory loop: "dir" is the root */
	struct fsva_entry *e = &((struct fsva_lookup_rsp *)rsp->body)->entry;
	ON(LOOKUP)
	if (e->handle == INO_DIR)
		serve_entry(INO_ROOT, e);
})
HOOK(handle_new_each_time, false, {
	static uint64_t h = 100000;
	ON(LOOKUP)
	((struct fsva_lookup_rsp *)rsp->body)->entry.handle = h++;
})
HOOK(fh_zero, false, { ON(OPEN) ((struct fsva_open_rsp *)rsp->body)->fh = 0; })
HOOK(impl_all, false, { ON(LOOKUP) ((struct fsva_lookup_rsp *)rsp->body)->entry.impl = FSVA_IMPL_ALL; })
HOOK(impl_unknown, false, { ON(LOOKUP) ((struct fsva_lookup_rsp *)rsp->body)->entry.impl = 0xffffffff; })
ATTR(type_changes, false, a->mode = (s->nr_requests & 1 ? 0040755 : 0100644);)
ATTR(inode_changes, false, a->ino = rnd();)
ATTR(mode_type_15, false, a->mode = 0170777;)
ATTR(mode_none, false, a->mode = 0;)
ATTR(mode_wide, false, a->mode = 0xffffffff;)
ATTR(size_negative, false, a->size = UINT64_MAX;)
ATTR(size_huge, false, a->size = INT64_MAX;)
ATTR(blocks_huge, false, a->blocks = UINT64_MAX;)
ATTR(time_nsec, false, a->mtime.nsec = 4000000000u;)
ATTR(time_padding, true, a->mtime.pad = 1;)
ATTR(time_wild, false, a->mtime.sec = INT64_MIN; a->ctime.sec = INT64_MAX;)
ATTR(nlink_zero, false, a->nlink = 0;)
ATTR(nlink_huge, false, a->nlink = 0xffffffff;)
ATTR(ino_zero, false, a->ino = 0;)
ATTR(blksize_wild, false, a->blksize = (uint32_t[]){ 0, 3, 0x80000000, 0xffffffff }[rnd() % 4];)
ATTR(owner_none, false, a->uid = 0xffffffff; a->gid = 0xffffffff;)
ATTR(device, false, a->mode = 0020666; a->rdev_major = 1; a->rdev_minor = 1;)
ATTR(device_wild, false, a->mode = 0060666; a->rdev_major = 0xffffffff; a->rdev_minor = 0xffffffff;)
ATTR(flags_unknown, false, a->flags = 0xffffffff; a->valid = 0xffffffff; a->attributes = UINT64_MAX;)

/* ---- Symbolic links ---- */

static void link_raw(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp, uint8_t fill, uint32_t len,
		     bool nul)
{
	uint8_t buf[FSVA_PAGE_SIZE];

	memset(buf, fill, sizeof(buf));
	if (len > req->data_len)
		len = req->data_len;
	if (nul && len > 2)
		buf[2] = 0;
	rsp->data_len = len;
	if (req->nr_grefs == 0 && req->data_off + len > FSVA_PAGE_SIZE)
		len = FSVA_PAGE_SIZE - req->data_off;
	serve_data(s, req, buf, len);
}

HOOK(symlink_nul, false, { ON(READLINK) link_raw(s, req, rsp, 'l', 10, true); })
HOOK(symlink_full, false, { ON(READLINK) link_raw(s, req, rsp, 'l', FSVA_PAGE_SIZE, false); })
HOOK(symlink_empty, false, { ON(READLINK) rsp->data_len = 0; })
HOOK(symlink_loop, false, { ON(READLINK) link_raw(s, req, rsp, '/', FSVA_PAGE_SIZE - 1, false); })
HOOK(symlink_too_long, true, { ON(READLINK) rsp->data_len = req->data_len + 1; })

/* ---- Session, mount, statfs ---- */

#define SESSION(name, stop, ...) HOOK(name, stop, { \
		struct fsva_session_rsp *a = (void *)rsp->body; ON(SESSION) __VA_ARGS__ })
#define MOUNT(name, stop, ...) HOOK(name, stop, { struct fsva_mount_rsp *a = (void *)rsp->body; ON(MOUNT) __VA_ARGS__ })

SESSION(session_other, false, a->session++;)
SESSION(session_creds_none, false, a->nr_creds = 0;)
SESSION(session_creds_wild, false, a->nr_creds = 0xffff;)
SESSION(session_data_none, false, a->max_data = 0;)
SESSION(session_data_wild, false, a->max_data = 0xffffffff;)
SESSION(session_features, false, a->features = UINT64_MAX; a->minor = 0xffff; a->flags = 0xffffffff;)
MOUNT(mount_root_zero, false, a->root.handle = 0;)
MOUNT(mount_root_file, false, serve_entry(INO_FILE, &a->root);)
MOUNT(mount_root_link, false, serve_entry(INO_LINK, &a->root);)
MOUNT(mount_root_size, false, a->root.attr.size = UINT64_MAX;)
MOUNT(mount_type, false, memset(a->type, 'x', sizeof(a->type));)
MOUNT(mount_blksize, false, a->blksize = (uint32_t[]){ 0, 3, 0x80000000, 0xffffffff }[rnd() % 4];)
MOUNT(mount_limits, false, a->name_max = 0xffffffff; a->max_size = UINT64_MAX; a->max_links = 0xffffffff;)
MOUNT(mount_limits_none, false, a->name_max = 0; a->max_size = 0; a->max_links = 0;)
MOUNT(mount_times, false, a->time_min.sec = INT64_MAX; a->time_max.sec = INT64_MIN; a->time_gran = 0;)
MOUNT(mount_time_gran, false, a->time_gran = 0xffffffff;)
MOUNT(mount_flags, false, a->flags = 0xffffffff;)
HOOK(statfs_wild, false, { ON(STATFS) memset(rsp->body, 0xff, sizeof(struct fsva_statfs_rsp)); })
HOOK(statfs_zero, false, { ON(STATFS) memset(rsp->body, 0, sizeof(struct fsva_statfs_rsp)); })
HOOK(options_wild, false, {
	ON(SHOW_OPTIONS)
	link_raw(s, req, rsp, '\n', 200, true);
})

/* ---- Silence and late answers ---- */

HOOK(never_mounted, false, { ON(MOUNT) return false; })
HOOK(never_answering, false, { ON(LOOKUP) return false; })
HOOK(never_again, false, {
	if (req->op == FSVA_OP_READ)
		s->done = true;
	return !s->done;
})
HOOK(never_unmounted, false, { ON(UNMOUNT) return false; })

static struct { struct fsva_rsp rsp; uint64_t due; } late[64];
static unsigned int nr_late;

static void late_idle(struct serve *s)
{
	for (unsigned int i = 0; i < nr_late; i++)
		if (late[i].due && now_ms() >= late[i].due && s->connected) {
			late[i].due = 0;
			serve_put(s, &late[i].rsp);
			serve_push(s);
		}
	idle_end(s);
}

/* The poke kills a caller after 20 seconds. */
static bool late_hook(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp)
{
	if (req->op != FSVA_OP_READ || nr_late >= 1)
		return true;
	s->done = true;
	late[nr_late].rsp = *rsp;
	late[nr_late++].due = now_ms() + 24000;
	return false;
}

static void late_answers(void)
{
	static struct serve s;

	serve_open(&s);
	s.hook = late_hook;
	s.idle = late_idle;
	run_turn(&s, false);
	if (s.front_ended)
		attack_fail("a late answer to a killed caller ended the connection");
}

/* The channel closes, and with it goes every word of ours. */
HOOK(channel_closed, false, {
	ON(LOOKUP)
	if (s->port >= 0)
		xenevtchn_unbind(s->evtchn, s->port);
	s->port = -1;
	return false;
})

/* The process is gone in the middle of a call. */
HOOK(gone_in_call, false, { ON(READ) _exit(0); })

/* ---- Events of the file system ---- */

#define EVENTS_MAX (FSVA_PAGE_SIZE / sizeof(struct fsva_event_msg))

static void event_fill(struct fsva_event_msg *m, uint64_t handle, uint64_t dir, uint32_t what, const char *name)
{
	memset(m, 0, sizeof(*m));
	m->handle = handle;
	m->dir = dir;
	m->what = what;
	m->cookie = what & FSVA_EVENT_MOVED ? 1 + rnd() % 3 : 0;
	if (dir) {
		m->name_len = strlen(name);
		memcpy(m->name, name, m->name_len);
	}
}

/* Put these events into the answer. */
static void events_put(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp,
		       const struct fsva_event_msg *m, uint32_t nr)
{
	struct fsva_event_rsp *a = (void *)rsp->body;

	a->nr = nr;
	rsp->data_len = nr * sizeof(*m);
	serve_data(s, req, m, rsp->data_len);
}

/*
 * The feature is agreed upon, the bell rings with each other answer, and the statement answers who asks, up to `most`
 * times: m[] are events, nr of them to be put.
 */
#define EVENTS(name, stop, most, ...) \
	HOOK(name, stop, { \
		static unsigned int nr_asked; \
		struct fsva_event_msg m[EVENTS_MAX] = { { 0 } }; \
		struct fsva_event_rsp *a = (void *)rsp->body; \
		uint32_t nr = 0; \
		if (req->op == FSVA_OP_SESSION) \
			((struct fsva_session_rsp *)(void *)rsp->body)->features |= FSVA_FEATURE_EVENT; \
		if (req->op != FSVA_OP_EVENT) { \
			if (req->op != FSVA_OP_SESSION && req->op != FSVA_OP_MOUNT) \
				xenevtchn_notify(s->evtchn, s->port); \
			return true; \
		} \
		if (nr_asked++ >= (most)) \
			return true; \
		s->done = true; \
		(void)a; \
		__VA_ARGS__ \
		if (nr) \
			events_put(s, req, rsp, m, nr); \
	})

/* Of whom the front knows nothing, in what is no directory, of what is still there. */
EVENTS(events_unknown, false, 2000, {
	event_fill(&m[nr++], 0xdeadbeef, 0, FSVA_EVENT_ATTRIB, "");
	event_fill(&m[nr++], 0xdeadbeef, 0xdeadbee0, FSVA_EVENT_SELF, "x");
	event_fill(&m[nr++], 0, 0xdeadbeef, FSVA_EVENT_CREATE, "x");
	event_fill(&m[nr++], 0, INO_FILE, FSVA_EVENT_CREATE, "x");
	event_fill(&m[nr++], INO_ROOT, INO_LINK, FSVA_EVENT_DELETE | FSVA_EVENT_DIR, "x");
	event_fill(&m[nr++], INO_ROOT, INO_ROOT, FSVA_EVENT_MOVED_TO | FSVA_EVENT_DIR, "root");
	event_fill(&m[nr++], INO_FILE, INO_ROOT, FSVA_EVENT_DELETE, "file");
	event_fill(&m[nr++], INO_DIR, INO_ROOT, FSVA_EVENT_MOVED_FROM | FSVA_EVENT_DIR, "dir");
	event_fill(&m[nr++], UINT64_MAX, UINT64_MAX, FSVA_EVENT_MOVED_TO, "y");
})

/* As many as there is room for, and there is always more. */
EVENTS(events_flood, false, UINT32_MAX, {
	static const uint64_t ino[] = { INO_ROOT, INO_FILE, INO_LINK, INO_DIR, INO_INNER };
	static const char *const name[] = { "file", "link", "dir", "inner", "none" };
	static const uint32_t what[] = { FSVA_EVENT_MODIFY, FSVA_EVENT_SELF, FSVA_EVENT_ATTRIB, FSVA_EVENT_CREATE,
					 FSVA_EVENT_DELETE, FSVA_EVENT_MOVED_FROM, FSVA_EVENT_MOVED_TO };

	while (nr < EVENTS_MAX) {
		event_fill(&m[nr++], ino[rnd() % NR(ino)], ino[rnd() % NR(ino)], what[rnd() % NR(what)],
			   name[rnd() % NR(name)]);
	}
})

EVENTS(events_lost_flood, false, UINT32_MAX, {
	while (nr < EVENTS_MAX)
		event_fill(&m[nr++], 0, 0, FSVA_EVENT_LOST, "");
})

EVENTS(events_none, false, UINT32_MAX, { a->nr = 0; })
EVENTS(events_error, false, UINT32_MAX, {
	memset(rsp->body, 0, sizeof(rsp->body));
	rsp->error = FSVA_EINVAL;
})
EVENTS(events_name_dots, true, UINT32_MAX, { event_fill(&m[nr++], 0, INO_ROOT, FSVA_EVENT_CREATE, ".."); })
EVENTS(events_name_slash, true, UINT32_MAX, { event_fill(&m[nr++], 0, INO_ROOT, FSVA_EVENT_CREATE, "a/b"); })
EVENTS(events_name_long, true, UINT32_MAX, {
	event_fill(&m[nr], 0, INO_ROOT, FSVA_EVENT_CREATE, "a");
	memset(m[nr].name, 'a', sizeof(m[nr].name));
	m[nr++].name_len = 256;
})
EVENTS(events_what, true, UINT32_MAX, { event_fill(&m[nr++], INO_ROOT, 0, 0xffffffff, ""); })
EVENTS(events_number, true, UINT32_MAX, { a->seq += 2; if (a->seq == 3) a->seq = 0; })
EVENTS(events_count, true, UINT32_MAX, { a->nr = 1; })
EVENTS(events_end, true, UINT32_MAX, {
	event_fill(&m[nr++], INO_ROOT, 0, FSVA_EVENT_ATTRIB, "");
	a->seq = UINT64_MAX;
})

/* ---- Memory that we share ---- */

HOOK(event_storm, false, {
	ON(MOUNT)
	serve_put(s, rsp);
	serve_push(s);
	for (int i = 0; i < 100000; i++)
		xenevtchn_notify(s->evtchn, s->port);
	return false;
})

static void *flip_slots(void *arg)
{
	struct serve *s = arg;

	while (!s->writer_stop) {
		uint8_t *slot = s->slots + (rnd() % s->nr_slots) * FSVA_SLOT_SIZE;

		SHARED(slot[rnd() % 32]) ^= 1u << rnd() % 8;            /* the head */
		SHARED(slot[32 + rnd() % 200]) ^= 1u << rnd() % 8;      /* the answer */
	}
	return NULL;
}

static void *flip_staging(void *arg)
{
	struct serve *s = arg;

	while (!s->writer_stop)
		SHARED(s->staging[rnd() % (s->nr_slots * FSVA_PAGE_SIZE)]) ^= '/' ^ rnd() % 2;
	return NULL;
}

static void *flip_ctl(void *arg)
{
	struct serve *s = arg;

	while (!s->writer_stop) {
		SHARED(s->ctl->magic) = rnd();
		SHARED(s->ctl->nr_slots) = rnd();
		SHARED(s->ctl->slot_ref[rnd() % 16]) = rnd();
		SHARED(s->ctl->staging_ref[rnd() % 128]) = rnd();
		SHARED(s->ctl->req_event) = rnd();
	}
	return NULL;
}

static void *flip_rsp_prod(void *arg)
{
	struct serve *s = arg;

	while (!s->writer_stop) {
		sleep_ms(5);
		SHARED(s->ctl->rsp_prod) = rnd();
		SHARED(s->ctl->rsp_prod) = s->rsp_prod;
	}
	return NULL;
}

static void run_writer(void *(*writer)(void *))
{
	static struct serve s;

	serve_open(&s);
	s.writer = writer;
	s.scribbles = writer == flip_slots;
	s.idle = idle_end;
	s.done = true;
	run_turn(&s, false);
}

static void slots_rewritten(void) { run_writer(flip_slots); }
static void staging_rewritten(void) { run_writer(flip_staging); }
static void control_page_rewritten(void) { run_writer(flip_ctl); }
static void rsp_prod_flickers(void) { run_writer(flip_rsp_prod); }

/*
 * The pages stay mapped when the connection is closed, and are written for a while: whatever the front does
 * with its memory afterwards, it may not give those pages to anybody.
 */
static void grants_kept(void)
{
	static struct serve s;
	int fd[2];
	char c = 0;

	if (pipe(fd))
		attack_fail("pipe: %s", strerror(errno));
	if (!fork()) {
		close(fd[0]);
		serve_open(&s);
		s.keep_maps = true;
		s.done = true;
		run_turn(&s, false);
		if (write(fd[1], "k", 1) != 1)
			_exit(1);
		close(fd[1]);
		for (uint64_t end = now_ms() + 30000; now_ms() < end; sleep_ms(5)) {
			memset(s.staging, 0xee, s.nr_slots * FSVA_PAGE_SIZE);
			memset(s.slots, 0xee, FSVA_PAGE_SIZE << s.order);
			memset(s.ctl, 0xee, FSVA_PAGE_SIZE);
		}
		_exit(0);
	}
	close(fd[1]);
	if (read(fd[0], &c, 1) != 1)
		_exit(1);               /* the child has said why */
}

/* ---- Chance ---- */

HOOK(fuzz_body, false, {
	if (req->op <= FSVA_OP_MOUNT)
		return true;
	s->done = true;
	for (int i = rnd() % 4; i >= 0; i--)
		rsp->body[rnd() % 200] = rnd();
})
HOOK(fuzz_all, false, {
	if (req->op < FSVA_OP_MOUNT || rnd() % 4)
		return true;
	s->done = true;
	for (size_t i = 0; i < sizeof(rsp->body); i++)
		rsp->body[i] = rnd();
	rsp->error = rnd() % 3 ? 0 : rnd();
})
HOOK(fuzz_mount, false, {
	ON(MOUNT)
	for (int i = 0; i < 20; i++)
		rsp->body[rnd() % sizeof(struct fsva_mount_rsp)] = rnd();
})

/* ---- Handshake ---- */

static const char *const (*bad_offer)[3];

static bool offer_bad(struct serve *s)
{
	static const char *const node[3] = { "versions", "max-ring-page-order", "max-queues" };

	s->done = true;
	for (int i = 0; i < 3; i++)
		if ((*bad_offer)[i])
			xsdev_write(&s->dev, node[i], "%s", (*bad_offer)[i]);
		else
			xsdev_rm(&s->dev, node[i]);
	xsdev_set_state(&s->dev, XB_INIT_WAIT);
	return false;
}

static void run_offer(const char *versions, const char *order, const char *queues)
{
	static struct serve s;
	const char *const offer[3] = { versions, order, queues };

	bad_offer = &offer;
	serve_open(&s);
	s.offer = offer_bad;
	s.idle = idle_end;
	run_turn(&s, false);
}

static void offer_version_x(void) { run_offer("x", "1", "1"); }
static void offer_version_none(void) { run_offer(NULL, NULL, NULL); }
static void offer_version_2(void) { run_offer("2,3,4294967297", "1", "1"); }
static void offer_order_99(void) { run_offer("1", "99", "1"); }
static void offer_order_minus(void) { run_offer("1", "-1", "-1"); }
static void offer_order_x(void) { run_offer("1", "4294967296", "x"); }
static void offer_queues_none(void) { run_offer("1", "1", "0"); }
static void offer_queues_wild(void) { run_offer("1", "1", "4294967295"); }

static bool offer_connected(struct serve *s)
{
	/* Connected before anything was published. */
	s->done = true;
	serve_offer(s);
	xsdev_set_state(&s->dev, XB_CONNECTED);
	return false;
}

static bool offer_storm(struct serve *s)
{
	s->done = true;
	serve_offer(s);
	for (int i = 0; i < 300; i++)
		xsdev_set_state(&s->dev, rnd() % 9);
	xsdev_set_state(&s->dev, XB_INIT_WAIT);
	return false;
}

static void run_offer_fn(bool (*offer)(struct serve *))
{
	static struct serve s;

	serve_open(&s);
	s.offer = offer;
	s.idle = idle_end;
	run_turn(&s, false);
}

static void connected_at_once(void) { run_offer_fn(offer_connected); }
static void state_storm(void) { run_offer_fn(offer_storm); }

/* Closed and offered again under a mounted file system, time and again. */
static void flap_idle(struct serve *s)
{
	static uint64_t next;
	static unsigned int n;

	if (n > 50 || now_ms() < next)
		return;
	next = now_ms() + 150;
	if (s->connected && s->nr_requests > 8) {
		s->done = true;
		n++;
		serve_close(s);
		xsdev_set_state(&s->dev, XB_INIT_WAIT);
	} else if (s->done && !s->connected && xsdev_state(&s->dev) == XB_CLOSED) {
		n++;
		xsdev_set_state(&s->dev, XB_INIT_WAIT);
	}
}

static void state_flapping(void)
{
	static struct serve s;

	serve_open(&s);
	s.idle = flap_idle;
	run_turn(&s, false);
}

HOOK(state_garbage, false, {
	static unsigned int n;
	static const char *const bad[] = { "0", "7", "9", "-1", "4294967300", "x", "" };
	ON(LOOKUP)
	xsdev_write(&s->dev, "state", "%s", bad[n++ % NR(bad)]);
})
HOOK(state_gone, false, { ON(LOOKUP) xsdev_rm(&s->dev, "state"); })
HOOK(state_back, false, { ON(LOOKUP) xsdev_set_state(&s->dev, XB_INIT_WAIT); })
HOOK(closed_in_call, false, {
	ON(READ)
	serve_close(s);
	return false;
})
HOOK(closed_in_mount, false, {
	ON(MOUNT)
	serve_close(s);
	return false;
})
HOOK(closed_in_unmount, false, {
	ON(UNMOUNT)
	serve_close(s);
	return false;
})

/* ---- */

static void honest(void)
{
	static struct serve s;
	const char *bad;

	serve_open(&s);
	bad = serve_turn(&s, "honest");
	if (bad)
		attack_fail("%s", bad);
	if (s.connected)
		serve_close(&s);
}

#define SURVIVE(f) { #f, f, "no harm", TURN_S + 30 },
#define STOP(f) { #f, f, "the connection ends", TURN_S + 30 },

static struct attack rows[] = {
	STOP(double_answer) STOP(double_answer_all) STOP(unasked_answer) STOP(wrong_id) STOP(wrong_id_zero)
	STOP(wrong_op) STOP(wrong_tag) STOP(tag_range) STOP(rsp_prod_jump) STOP(rsp_prod_ring) STOP(rsp_prod_back)
	STOP(unknown_rsp_flags) STOP(rsp_padding) STOP(rsp_body_padding) STOP(rsp_piggy)
	SURVIVE(error_range) SURVIVE(error_all) SURVIVE(error_with_body)
	STOP(data_len_large) STOP(data_len_huge) STOP(data_len_unasked) SURVIVE(data_not_written)
	STOP(write_took_more) SURVIVE(write_took_nothing) SURVIVE(write_elsewhere) SURVIVE(read_size_wild)
	SURVIVE(readdir_slash) SURVIVE(readdir_nul) SURVIVE(readdir_empty) SURVIVE(readdir_long)
	SURVIVE(readdir_past_end) SURVIVE(readdir_65535) SURVIVE(readdir_type) SURVIVE(readdir_dots)
	SURVIVE(readdir_cookie_wild) SURVIVE(readdir_count) SURVIVE(readdir_eof_wild) SURVIVE(readdir_nothing)
	SURVIVE(readdir_half) SURVIVE(readdir_endless) SURVIVE(readdir_circle)
	SURVIVE(handle_zero) SURVIVE(handle_same) SURVIVE(handle_of_root) SURVIVE(handle_new_each_time) SURVIVE(fh_zero)
	SURVIVE(impl_all) SURVIVE(impl_unknown) SURVIVE(type_changes) SURVIVE(inode_changes) SURVIVE(mode_type_15)
	SURVIVE(mode_none) SURVIVE(mode_wide) SURVIVE(size_negative) SURVIVE(size_huge) SURVIVE(blocks_huge)
	SURVIVE(time_nsec) STOP(time_padding) SURVIVE(time_wild) SURVIVE(nlink_zero) SURVIVE(nlink_huge)
	SURVIVE(ino_zero) SURVIVE(blksize_wild) SURVIVE(owner_none) SURVIVE(device) SURVIVE(device_wild)
	SURVIVE(flags_unknown)
	SURVIVE(symlink_nul) SURVIVE(symlink_full) SURVIVE(symlink_empty) SURVIVE(symlink_loop) STOP(symlink_too_long)
	SURVIVE(session_other) SURVIVE(session_creds_none) SURVIVE(session_creds_wild) SURVIVE(session_data_none)
	SURVIVE(session_data_wild) SURVIVE(session_features)
	SURVIVE(mount_root_zero) SURVIVE(mount_root_file) SURVIVE(mount_root_link) SURVIVE(mount_root_size)
	SURVIVE(mount_type) SURVIVE(mount_blksize) SURVIVE(mount_limits) SURVIVE(mount_limits_none) SURVIVE(mount_times)
	SURVIVE(mount_time_gran) SURVIVE(mount_flags) SURVIVE(statfs_wild) SURVIVE(statfs_zero) SURVIVE(options_wild)
	SURVIVE(never_mounted) SURVIVE(never_answering) SURVIVE(never_again) SURVIVE(never_unmounted)
	SURVIVE(late_answers) SURVIVE(channel_closed) SURVIVE(gone_in_call)
	SURVIVE(events_unknown) SURVIVE(events_flood) SURVIVE(events_lost_flood) SURVIVE(events_none)
	SURVIVE(events_error) STOP(events_name_dots) STOP(events_name_slash) STOP(events_name_long) STOP(events_what)
	STOP(events_number) STOP(events_count) STOP(events_end)
	SURVIVE(event_storm) SURVIVE(slots_rewritten) SURVIVE(staging_rewritten) SURVIVE(control_page_rewritten)
	SURVIVE(rsp_prod_flickers) SURVIVE(grants_kept)
	SURVIVE(fuzz_body) SURVIVE(fuzz_all) SURVIVE(fuzz_mount)
	SURVIVE(offer_version_x) SURVIVE(offer_version_none) SURVIVE(offer_version_2) SURVIVE(offer_order_99)
	SURVIVE(offer_order_minus) SURVIVE(offer_order_x) SURVIVE(offer_queues_none) SURVIVE(offer_queues_wild)
	SURVIVE(connected_at_once) SURVIVE(state_storm) SURVIVE(state_flapping) SURVIVE(state_garbage)
	SURVIVE(state_gone) SURVIVE(state_back) SURVIVE(closed_in_call) SURVIVE(closed_in_mount)
	SURVIVE(closed_in_unmount)
};

static const struct attack honest_row[] = {
	{ "honest", honest, "a well-behaved back is used", TURN_S + 30 },
};

/* Tell hostile-poke that this was all. */
static void end_turns(void)
{
	struct serve s;

	serve_open(&s);
	xsdev_write(&s.dev, TURN_NODE, "%u end", (unsigned int)(now_ms() & 0x3fffffff) + 1);
}

static int usage(const char *me)
{
	fprintf(stderr, "usage: %s [--device backend/fsva/FRONT/DEV] --list | --all | --honest | --attack NAME\n", me);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' }, { "list", no_argument, NULL, 'l' },
		{ "all", no_argument, NULL, 'a' },          { "honest", no_argument, NULL, 'h' },
		{ "attack", required_argument, NULL, 'n' }, { 0 },
	};
	static const struct attack_ops ops = { .heal = serve_heal, .honest = honest };
	static const struct attack_ops alone = { .heal = serve_heal };
	const char *only = NULL;
	int c, mode = 0, failed;

	for (size_t i = 0; i < NR(rows); i++) {
		char *name = strdup(rows[i].name);

		for (char *p = name; *p; p++)
			if (*p == '_')
				*p = '-';
		rows[i].name = name;
	}
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd': serve_device = optarg; break;
		case 'n': only = optarg; /* fall through */
		case 'l': case 'a': case 'h': mode = c; break;
		default: return usage(argv[0]);
		}
	}
	if (!mode || optind != argc)
		return usage(argv[0]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mode == 'l') {
		attack_list(rows, NR(rows));
		return 0;
	}
	failed = mode == 'h' ? attack_run(honest_row, 1, NULL, &alone) : attack_run(rows, NR(rows), only, &ops);
	end_turns();
	return failed != 0;
}
