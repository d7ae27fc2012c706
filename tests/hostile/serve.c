// SPDX-License-Identifier: GPL-2.0-only
/* serve.c: a backend in user space; see serve.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "serve.h"

const char *serve_device;

uint8_t serve_pattern(uint64_t ino, uint64_t off)
{
	return ino * 31 + off * 7 + (off >> 8);
}

/* Find the device: backend/fsva/FRONT/DEV. */
static int serve_find(struct xsdev *d)
{
	unsigned int n, m;
	char **fronts, **devs, path[300];

	if (serve_device) {
		snprintf(d->me, sizeof(d->me), "%s", serve_device);
	} else {
		fronts = xs_directory(d->xs, XBT_NULL, "backend/fsva", &n);
		if (!fronts || !n)
			return -1;
		snprintf(path, sizeof(path), "backend/fsva/%s", fronts[0]);
		devs = xs_directory(d->xs, XBT_NULL, path, &m);
		if (!devs || !m)
			return -1;
		snprintf(d->me, sizeof(d->me), "%.200s/%s", path, devs[0]);
		free(devs);
		free(fronts);
	}
	if (xsdev_read(d, d->me, "frontend", d->peer, sizeof(d->peer)))
		return -1;
	d->peer_id = xsdev_read_num(d, d->me, "frontend-id", 0);
	return 0;
}

void serve_open(struct serve *s)
{
	memset(s, 0, sizeof(*s));
	s->port = -1;
	for (uint64_t i = 0; i < SERVE_FILE_SIZE; i++)
		s->file[i] = serve_pattern(INO_FILE, i);
	if (xsdev_open(&s->dev) || serve_find(&s->dev))
		attack_fail("no device below backend/fsva");
	s->gnt = xengnttab_open(NULL, 0);
	if (!s->gnt)
		attack_fail("/dev/xen/gntdev: %s", strerror(errno));
	s->evtchn = xenevtchn_open(NULL, 0);
	if (!s->evtchn)
		attack_fail("/dev/xen/evtchn: %s", strerror(errno));
}

void serve_heal(void)
{
	struct xsdev d;

	if (xsdev_open(&d))
		return;
	if (!serve_find(&d)) {
		xsdev_set_state(&d, XB_CLOSING);
		xsdev_wait(&d, XB_SET_ENDED | XB_SET(XB_INITIALISING), 3000);
		xsdev_set_state(&d, XB_CLOSED);
	}
	xsdev_close(&d);
}

void serve_offer(struct serve *s)
{
	xsdev_write(&s->dev, "versions", "%u", FSVA_VERSION);
	xsdev_write(&s->dev, "max-ring-page-order", "1");
	xsdev_write(&s->dev, "max-queues", "1");
}

int serve_connect(struct serve *s)
{
	const char *dir = s->dev.peer;
	long ref, port, order;
	uint32_t r;

	order = xsdev_read_num(&s->dev, dir, "ring-page-order", 0);
	ref = xsdev_read_num(&s->dev, dir, "queue-0/ring-ref", -1);
	port = xsdev_read_num(&s->dev, dir, "queue-0/event-channel", -1);
	if (order < 0 || order > 4 || ref < 0 || port < 0)
		return -1;
	r = ref;
	s->ctl = xengnttab_map_domain_grant_refs(s->gnt, 1, s->dev.peer_id, &r, PROT_READ | PROT_WRITE);
	if (!s->ctl)
		return -1;
	s->order = order;
	s->nr_slots = FSVA_SLOTS_PER_PAGE << order;
	if (s->ctl->magic != FSVA_RING_MAGIC || s->ctl->nr_slots != s->nr_slots)
		return -1;
	s->slots = xengnttab_map_domain_grant_refs(s->gnt, 1u << order, s->dev.peer_id, s->ctl->slot_ref,
						   PROT_READ | PROT_WRITE);
	s->staging = xengnttab_map_domain_grant_refs(s->gnt, s->nr_slots, s->dev.peer_id, s->ctl->staging_ref,
						     PROT_READ | PROT_WRITE);
	s->port = xenevtchn_bind_interdomain(s->evtchn, s->dev.peer_id, port);
	if (!s->slots || !s->staging || s->port < 0)
		return -1;
	SHARED(s->ctl->req_event) = 1;
	s->req_cons = s->rsp_prod = 0;
	s->connected = true;
	s->last_ms = now_ms();
	s->writer_stop = false;
	if (s->writer && pthread_create(&s->thread, NULL, s->writer, s))
		attack_fail("no second thread");
	xsdev_set_state(&s->dev, XB_CONNECTED);
	return 0;
}

static void serve_unmap(struct serve *s)
{
	bool was = s->connected;

	s->connected = false;
	if (was && s->writer) {
		s->writer_stop = true;
		pthread_join(s->thread, NULL);
	}
	if (s->keep_maps)
		return;
	if (s->port >= 0)
		xenevtchn_unbind(s->evtchn, s->port);
	if (s->staging)
		xengnttab_unmap(s->gnt, s->staging, s->nr_slots);
	if (s->slots)
		xengnttab_unmap(s->gnt, s->slots, 1u << s->order);
	if (s->ctl)
		xengnttab_unmap(s->gnt, s->ctl, 1);
	s->port = -1;
	s->staging = s->slots = NULL;
	s->ctl = NULL;
}

void serve_close(struct serve *s)
{
	xsdev_set_state(&s->dev, XB_CLOSING);
	xsdev_wait(&s->dev, XB_SET_ENDED | XB_SET(XB_INITIALISING), 5000);
	serve_unmap(s);
	xsdev_set_state(&s->dev, XB_CLOSED);
}

/* ---- Data ---- */

static bool serve_copy(struct serve *s, const struct fsva_req *req, uint8_t *buf, uint32_t len, bool out)
{
	uint32_t off = req->data_off, done = 0;
	const uint32_t *gref = fsva_wire_grefs(req);
	static uint8_t bounce[FSVA_PAGE_SIZE] __attribute__((aligned(FSVA_PAGE_SIZE)));

	if (!req->nr_grefs) {
		uint8_t *at = s->staging + req->tag * FSVA_PAGE_SIZE + off;

		if (off + len > FSVA_PAGE_SIZE)
			return false;
		memcpy(out ? at : buf, out ? buf : at, len);
		return true;
	}
	for (unsigned int i = 0; done < len && i < req->nr_grefs; i++) {
		uint32_t n = FSVA_PAGE_SIZE - off;
		xengnttab_grant_copy_segment_t seg = { .status = 0 };

		if (n > len - done)
			n = len - done;
		seg.len = n;
		if (out) {
			memcpy(bounce, buf + done, n);
			seg.source.virt = bounce;
			seg.dest.foreign.ref = gref[i];
			seg.dest.foreign.offset = off;
			seg.dest.foreign.domid = s->dev.peer_id;
			seg.flags = 2;          /* GNTCOPY_dest_gref */
		} else {
			seg.dest.virt = bounce;
			seg.source.foreign.ref = gref[i];
			seg.source.foreign.offset = off;
			seg.source.foreign.domid = s->dev.peer_id;
			seg.flags = 1;          /* GNTCOPY_source_gref */
		}
		if (xengnttab_grant_copy(s->gnt, 1, &seg) || seg.status)
			return false;
		if (!out)
			memcpy(buf + done, bounce, n);
		done += n;
		off = 0;
	}
	return done == len;
}

bool serve_data(struct serve *s, const struct fsva_req *req, const void *data, uint32_t len)
{
	return serve_copy(s, req, (uint8_t *)data, len, true);
}

/* ---- The tree ---- */

void serve_attr(uint64_t ino, struct fsva_attr *a)
{
	memset(a, 0, sizeof(*a));
	a->ino = ino;
	a->nlink = 1;
	a->blksize = 4096;
	a->atime.sec = a->mtime.sec = a->ctime.sec = 1700000000;
	switch (ino) {
	case INO_ROOT:
	case INO_DIR:
		a->mode = 0040755;
		a->nlink = ino == INO_ROOT ? 3 : 2;
		a->size = 4096;
		break;
	case INO_FILE:
		a->mode = 0100666;
		a->size = SERVE_FILE_SIZE;
		break;
	case INO_INNER:
		a->mode = 0100644;
		a->size = SERVE_INNER_SIZE;
		break;
	case INO_LINK:
		a->mode = 0120777;
		a->size = 4;
		break;
	}
	a->blocks = (a->size + 511) / 512;
}

void serve_entry(uint64_t ino, struct fsva_entry *e)
{
	memset(e, 0, sizeof(*e));
	e->handle = ino;
	serve_attr(ino, &e->attr);
}

static bool serve_is(uint64_t ino)
{
	return ino == INO_ROOT || (ino >= INO_FILE && ino <= INO_INNER);
}

static const struct serve_dirent {
	uint64_t dir, ino;
	uint8_t type;
	const char *name;
} dirents[] = {
	{ INO_ROOT, INO_ROOT, 4, "." },  { INO_ROOT, INO_ROOT, 4, ".." },   { INO_ROOT, INO_FILE, 8, "file" },
	{ INO_ROOT, INO_LINK, 10, "link" }, { INO_ROOT, INO_DIR, 4, "dir" }, { INO_DIR, INO_DIR, 4, "." },
	{ INO_DIR, INO_ROOT, 4, ".." },  { INO_DIR, INO_INNER, 8, "inner" },
};

#define NR_DIRENTS (sizeof(dirents) / sizeof(dirents[0]))

static uint64_t serve_lookup(uint64_t dir, const uint8_t *name, unsigned int len)
{
	for (size_t i = 0; i < NR_DIRENTS; i++)
		if (dirents[i].dir == dir && dirents[i].name[0] != '.' && strlen(dirents[i].name) == len &&
		    !memcmp(dirents[i].name, name, len))
			return dirents[i].ino;
	return 0;
}

/* An open file is named after its inode, a little higher. */
#define FH(ino) ((ino) + 1000)

static uint32_t serve_readdir(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp)
{
	const struct fsva_readdir_req *body = (const void *)req->body;
	struct fsva_readdir_rsp *answer = (void *)rsp->body;
	uint64_t dir = body->fh - 1000, at = 0;
	static uint8_t buf[FSVA_MAX_GREFS * FSVA_PAGE_SIZE] __attribute__((aligned(8)));
	uint32_t pos = 0, size = req->data_len < sizeof(buf) ? req->data_len : sizeof(buf);

	if (dir != INO_ROOT && dir != INO_DIR)
		return FSVA_EBADF;
	memset(buf, 0, size);
	answer->next = body->cookie;
	answer->eof = 1;
	for (size_t i = 0; i < NR_DIRENTS; i++) {
		const struct serve_dirent *d = &dirents[i];

		if (d->dir != dir || ++at <= body->cookie)
			continue;
		if (!fsva_wire_dirent_put(buf, size, &pos, d->ino, at, d->type, d->name, strlen(d->name))) {
			answer->eof = 0;
			break;
		}
		answer->next = at;
		answer->nr++;
	}
	rsp->data_len = pos;
	return serve_data(s, req, buf, pos) ? 0 : FSVA_EFAULT;
}

static uint32_t serve_read(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp)
{
	const struct fsva_read_req *body = (const void *)req->body;
	struct fsva_read_rsp *answer = (void *)rsp->body;
	uint64_t ino = body->fh - 1000;
	static uint8_t buf[FSVA_MAX_GREFS * FSVA_PAGE_SIZE];
	uint64_t size = ino == INO_FILE ? SERVE_FILE_SIZE : SERVE_INNER_SIZE;
	uint32_t len = 0;

	if (ino != INO_FILE && ino != INO_INNER)
		return FSVA_EBADF;
	if (body->offset < size)
		len = size - body->offset < req->data_len ? size - body->offset : req->data_len;
	for (uint32_t i = 0; i < len; i++)
		buf[i] = ino == INO_FILE ? s->file[body->offset + i] : serve_pattern(ino, body->offset + i);
	answer->size = size;
	rsp->data_len = len;
	return serve_data(s, req, buf, len) ? 0 : FSVA_EFAULT;
}

static uint32_t serve_write(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp)
{
	const struct fsva_write_req *body = (const void *)req->body;
	struct fsva_write_rsp *answer = (void *)rsp->body;

	if (body->fh != FH(INO_FILE))
		return FSVA_EBADF;
	if (body->flags & FSVA_RW_APPEND || body->offset > SERVE_FILE_SIZE ||
	    req->data_len > SERVE_FILE_SIZE - body->offset)
		return FSVA_ENOSPC;
	if (!serve_copy(s, req, s->file + body->offset, req->data_len, false))
		return FSVA_EFAULT;
	answer->offset = body->offset;
	serve_attr(INO_FILE, &answer->attr);
	rsp->data_len = req->data_len;
	return 0;
}

/* The honest answer to a checked request. */
static void serve_answer(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp)
{
	uint64_t first;         /* what most structures start with: a handle, a directory, an open file */
	void *body = fsva_wire_rsp_init(rsp, req);

	memcpy(&first, req->body, sizeof(first));
	switch (req->op) {
	case FSVA_OP_EVENT:
		((struct fsva_event_rsp *)body)->seq = first ? first : 1;
		break;
	case FSVA_OP_SESSION: {
		const struct fsva_session_req *q = (const void *)req->body;
		struct fsva_session_rsp *a = body;

		s->session = a->session = q->session;
		a->nr_creds = FSVA_MAX_CREDS;
		a->max_data = 64 * FSVA_PAGE_SIZE;
		break;
	}
	case FSVA_OP_MOUNT: {
		struct fsva_mount_rsp *a = body;

		serve_entry(INO_ROOT, &a->root);
		a->fsid[0] = 0x1234;
		a->max_size = INT64_MAX;
		a->time_min.sec = -2147483648ll;
		a->time_max.sec = 2147483647ll;
		a->time_gran = 1;
		a->magic = 0x1234;
		a->blksize = 4096;
		a->name_max = 255;
		a->max_links = 100;
		strcpy((char *)a->type, "hostile");
		break;
	}
	case FSVA_OP_STATFS: {
		struct fsva_statfs_rsp *a = body;

		a->blocks = 1000;
		a->bfree = a->bavail = 500;
		a->files = 10;
		a->bsize = a->frsize = 4096;
		a->namelen = 255;
		break;
	}
	case FSVA_OP_REMOUNT:
		break;
	case FSVA_OP_LOOKUP: {
		const struct fsva_lookup_req *q = (const void *)req->body;
		uint64_t ino = serve_lookup(q->name.dir, q->name.name, q->name.len);

		if (!ino)
			rsp->error = FSVA_ENOENT;
		else
			serve_entry(ino, &((struct fsva_lookup_rsp *)body)->entry);
		break;
	}
	case FSVA_OP_DENTRY_VALIDATE: {
		const struct fsva_dentry_validate_req *q = (const void *)req->body;
		uint64_t ino = serve_lookup(q->name.dir, q->name.name, q->name.len);

		if (ino != q->handle)
			rsp->error = FSVA_ESTALE;
		else if (ino)
			serve_attr(ino, &((struct fsva_dentry_validate_rsp *)body)->attr);
		break;
	}
	case FSVA_OP_GETATTR:
	case FSVA_OP_SETATTR:
		if (!serve_is(first))
			rsp->error = FSVA_ESTALE;
		else
			serve_attr(first, &((struct fsva_getattr_rsp *)body)->attr);
		break;
	case FSVA_OP_OPEN: {
		struct fsva_open_rsp *a = body;

		if (!serve_is(first)) {
			rsp->error = FSVA_ESTALE;
			break;
		}
		a->fh = FH(first);
		a->impl = FSVA_IMPL_FSYNC;
		serve_attr(first, &a->attr);
		break;
	}
	case FSVA_OP_READLINK:
		if (first != INO_LINK) {
			rsp->error = FSVA_EINVAL;
			break;
		}
		rsp->data_len = 4;
		if (!serve_data(s, req, "file", 4))
			rsp->error = FSVA_EFAULT;
		break;
	case FSVA_OP_READDIR:
		rsp->error = serve_readdir(s, req, rsp);
		break;
	case FSVA_OP_READ:
		rsp->error = serve_read(s, req, rsp);
		break;
	case FSVA_OP_WRITE:
		rsp->error = serve_write(s, req, rsp);
		break;
	case FSVA_OP_SEEK: {
		const struct fsva_seek_req *q = (const void *)req->body;

		((struct fsva_seek_rsp *)body)->offset =
			q->whence == FSVA_SEEK_END ? (int64_t)SERVE_FILE_SIZE + q->offset : q->offset;
		break;
	}
	case FSVA_OP_NULL_CALL:
	case FSVA_OP_CRED_SET:
	case FSVA_OP_INTERRUPT:
	case FSVA_OP_UNMOUNT:
	case FSVA_OP_SYNCFS:
	case FSVA_OP_SHOW_OPTIONS: case FSVA_OP_PERMISSION: case FSVA_OP_DIRTY_INODE: case FSVA_OP_WRITE_INODE:
	case FSVA_OP_DENTRY_RELEASE: case FSVA_OP_RELEASE: case FSVA_OP_FLUSH: case FSVA_OP_FSYNC: case FSVA_OP_FADVISE:
		break;
	case FSVA_OP_CREATE: case FSVA_OP_MKNOD: case FSVA_OP_MKDIR: case FSVA_OP_RMDIR: case FSVA_OP_LINK:
	case FSVA_OP_UNLINK: case FSVA_OP_SYMLINK: case FSVA_OP_RENAME: case FSVA_OP_TRUNCATE:
		rsp->error = FSVA_EROFS;
		break;
	default:
		rsp->error = FSVA_EOPNOTSUPP;
	}
	if (rsp->error) {
		memset(rsp->body, 0, sizeof(rsp->body));
		rsp->data_len = 0;
	}
}

/* ---- The ring ---- */

void serve_put(struct serve *s, const struct fsva_rsp *rsp)
{
	memcpy(s->slots + (s->rsp_prod & (s->nr_slots - 1)) * FSVA_SLOT_SIZE, rsp, sizeof(*rsp));
	s->rsp_prod++;
}

void serve_push(struct serve *s)
{
	mb();                           /* the slots before the index */
	SHARED(s->ctl->rsp_prod) = s->rsp_prod;
	mb();                           /* the index before the event */
	xenevtchn_notify(s->evtchn, s->port);
}

void serve_ring(struct serve *s)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	uint32_t prod;

	for (;;) {
		SHARED(s->ctl->req_event) = s->req_cons + 1;
		mb();                   /* ask for the event before looking */
		prod = SHARED(s->ctl->req_prod);
		if (prod == s->req_cons)
			return;
		if (prod - s->req_cons > s->nr_slots)
			attack_fail("the front's request index ran past the ring");
		mb();                   /* the index before the slot */
		memcpy(&req, s->slots + (s->req_cons & (s->nr_slots - 1)) * FSVA_SLOT_SIZE, sizeof(req));
		s->req_cons++;
		s->nr_requests++;
		s->last_ms = now_ms();
		s->unmounted |= req.op == FSVA_OP_UNMOUNT;
		if (fsva_wire_check_req(&req, s->nr_slots, FSVA_MAX_CREDS)) {
			if (s->scribbles)
				continue;       /* it is our own doing */
			attack_fail("the front sent a bad request: operation %u, error %d", req.op,
				    fsva_wire_check_req(&req, s->nr_slots, FSVA_MAX_CREDS));
		}
		serve_answer(s, &req, &rsp);
		if (s->hook && !s->hook(s, &req, &rsp)) {
			if (!s->connected)
				return;         /* it has closed: there is no ring any more */
			continue;
		}
		serve_put(s, &rsp);
		serve_push(s);
		if (!s->connected)
			return;
	}
}

/* ---- Turns ---- */

const char *serve_turn(struct serve *s, const char *mode)
{
	static char result[512];
	uint64_t end = now_ms() + TURN_S * 1000ull, t0;
	bool offered = false;

	/* the number only has to differ from the last one */
	s->turn = (unsigned int)(now_ms() & 0x3fffffff) + 1;
	if (!mode[0])
		attack_fail("no mode");
	xsdev_set_state(&s->dev, XB_CLOSED);
	xsdev_write(&s->dev, TURN_NODE, "%u %s", s->turn, mode);
	t0 = now_ms();
	while (now_ms() < end) {
		struct pollfd pfd = { .fd = xenevtchn_fd(s->evtchn), .events = POLLIN };
		int front;

		if (!offered) {
			if (xsdev_read_num(&s->dev, s->dev.peer, READY_NODE, 0) != (long)s->turn) {
				if (now_ms() - t0 > 200000)
					return "hostile-poke does not follow";
				sleep_ms(100);
				continue;
			}
			if (!s->offer || s->offer(s)) {
				serve_offer(s);
				xsdev_set_state(&s->dev, XB_INIT_WAIT);
			}
			offered = true;
		}
		if (s->connected)
			serve_ring(s);
		if (s->idle)
			s->idle(s);
		if (poll(&pfd, 1, s->connected ? 100 : 30) > 0) {
			xenevtchn_port_or_error_t port = xenevtchn_pending(s->evtchn);

			if (port >= 0)
				xenevtchn_unmask(s->evtchn, port);
			continue;
		}
		front = xsdev_peer_state(&s->dev);
		if (!s->connected && front == XB_INITIALISED && xsdev_state(&s->dev) == XB_INIT_WAIT) {
			if (serve_connect(s))
				attack_fail("what the front published cannot be used");
		} else if (s->connected && front != XB_CONNECTED && front != XB_INITIALISED) {
			s->front_ended = !s->unmounted;
			serve_close(s);
		}
		if (!xsdev_read(&s->dev, s->dev.peer, RESULT_NODE, result, sizeof(result)) &&
		    (unsigned int)strtoul(result, NULL, 10) == s->turn) {
			char *text = strchr(result, ' ');

			if (text && !strncmp(text + 1, "bad: ", 5))
				return text + 6;
			if (text && !strncmp(text + 1, "note: ", 6))
				attack_note("the user saw: %.200s", text + 7);
			return NULL;
		}
	}
	return "hostile-poke did not end";
}
