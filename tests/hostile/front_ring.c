// SPDX-License-Identifier: GPL-2.0-only
/* front_ring.c: attacks through the ring's indices, the heads of requests, and pages rewritten meanwhile. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile_front.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* ---- Indices ---- */

static void req_prod_jump(void)
{
	static const uint32_t jump[] = { 1000, 0x7fffffff, 0x80000000, 0xfffffff0 };

	for (size_t i = 0; i <= NR(jump); i++) {
		struct peer p;

		peer_up(&p);
		p.q[0].req_prod += i < NR(jump) ? jump[i] : p.nr_slots + 1;
		peer_push(&p, 0);
		must_stop(&p, "a request index that ran past the ring");
		peer_close(&p);
	}
}

static void req_prod_back(void)
{
	struct peer p;

	peer_up(&p);
	p.q[0].req_prod--;
	peer_push(&p, 0);
	must_stop(&p, "a request index that went back");
	peer_close(&p);
}

static void req_prod_no_answers_taken(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;
	int r = 0;

	/* The full ring again and again; answers are only counted. */
	peer_up(&p);
	for (int round = 0; round < 20 && !r; round++) {
		for (unsigned int i = 0; i < p.nr_slots; i++) {
			peer_req(&req, FSVA_OP_NULL_CALL);
			req.id = p.id++;
			req.tag = i;
			peer_put(&p, 0, &req);
		}
		peer_push(&p, 0);
		for (unsigned int i = 0; i < p.nr_slots && !r; i++)
			r = peer_answer(&p, 0, &rsp, PEER_ANSWER_MS);
	}
	must_be(r, 0, "full rings");
	peer_down(&p);
}

static void back_indices_rewritten(void)
{
	struct peer p;
	int r = 0;

	/* The words that the back writes: what it believes of them must be its own. */
	peer_up(&p);
	for (int i = 0; i < 50 && r >= 0; i++) {
		SHARED(p.q[0].ctl->req_event) = rnd();
		r = do_getattr(&p, p.root.handle, NULL);
	}
	must_be(r, 0, "calls with req_event rewritten");
	for (int i = 0; i < 50 && r >= 0; i++) {
		SHARED(p.q[0].ctl->rsp_event) = rnd();
		SHARED(p.q[0].ctl->rsp_prod) = rnd();
		xenevtchn_notify(p.evtchn, p.q[0].port);
		sleep_ms(2);
	}
	peer_close(&p);
}

/* ---- Heads of requests ---- */

static void tag_out_of_range(void)
{
	static const uint16_t tag[] = { 16, 128, 0x7fff, 0xffff };

	for (size_t i = 0; i < NR(tag); i++) {
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct peer p;

		peer_up(&p);
		peer_req(&req, FSVA_OP_NULL_CALL);
		req.id = p.id++;
		req.tag = tag[i];
		must_refuse(peer_call_raw(&p, &req, &rsp), "a tag out of range");
		peer_close(&p);
	}
}

static void tag_twice(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;
	int answers = 0;

	peer_up(&p);
	for (unsigned int i = 0; i < p.nr_slots; i++) {
		struct fsva_statfs_req *body = peer_req(&req, FSVA_OP_STATFS);

		body->handle = p.root.handle;
		req.id = p.id++;
		req.tag = 3;
		peer_put(&p, 0, &req);
	}
	peer_push(&p, 0);
	while (!peer_answer(&p, 0, &rsp, 3000))
		answers++;
	if (answers > (int)p.nr_slots)
		attack_fail("%d answers to %u requests", answers, p.nr_slots);
	peer_close(&p);
}

static void id_zero(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;

	peer_up(&p);
	peer_req(&req, FSVA_OP_NULL_CALL);
	must_refuse(peer_call_raw(&p, &req, &rsp), "id 0");
	peer_close(&p);
}

static void id_again(void)
{
	static const uint16_t op[] = { FSVA_OP_GETATTR, FSVA_OP_MKDIR };

	for (size_t i = 0; i < NR(op); i++) {
		struct fsva_req req;
		struct fsva_rsp rsp, first;
		struct fsva_entry e;
		struct peer p;
		int r;

		peer_up(&p);
		if (op[i] == FSVA_OP_GETATTR) {
			struct fsva_getattr_req *body = peer_req(&req, op[i]);

			body->handle = p.root.handle;
		} else {
			struct fsva_mkdir_req *body = peer_req(&req, op[i]);

			fsva_wire_name(&body->name, p.root.handle, "hostile-again", 13);
			body->mode = 0755;
		}
		must_be(peer_call(&p, &req, &first), 0, "the first time");
		r = peer_call_raw(&p, &req, &rsp);
		must_answer(r, "the second time");
		if (!r && op[i] == FSVA_OP_MKDIR && memcmp(&rsp.body, &first.body, sizeof(rsp.body)))
			attack_fail("an id used twice made two directories, or another answer");
		peer_again(&p, r);
		if (op[i] == FSVA_OP_MKDIR) {
			must_be(do_lookup(&p, p.root.handle, "hostile-again", &e), 0, "lookup");
			must_be(do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-again", e.handle), 0, "rmdir");
		}
		peer_close(&p);
	}
}

static void id_extreme(void)
{
	static const uint64_t id[] = { UINT64_MAX, 1ull << 63, UINT64_MAX - 1, 5 };

	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(id); i++) {
		int r;

		peer_req(&req, FSVA_OP_NULL_CALL);
		req.id = id[i];
		r = peer_call_raw(&p, &req, &rsp);
		must_answer(r, "an extreme id");
		peer_again(&p, r);
	}
	peer_close(&p);
}

static void resent_never_seen(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_mkdir_req *body = peer_req(&req, FSVA_OP_MKDIR);
	struct fsva_entry e;
	struct peer p;
	int r;

	/* "It may have been done", says the front, of what it never sent. */
	peer_up(&p);
	fsva_wire_name(&body->name, p.root.handle, "hostile-resent", 14);
	body->mode = 0755;
	req.flags = FSVA_REQ_RESENT;
	r = peer_call(&p, &req, &rsp);
	must_answer(r, "a resent request that was never sent");
	peer_again(&p, r);
	if (!do_lookup(&p, p.root.handle, "hostile-resent", &e))
		must_be(do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-resent", e.handle), 0, "rmdir");
	/* and resent with another operation under an id that was used */
	peer_req(&req, FSVA_OP_NULL_CALL);
	r = peer_call(&p, &req, &rsp);
	must_answer(r, "a null call");
	req.op = FSVA_OP_UNMOUNT;
	req.cred = PEER_CRED;
	req.flags = FSVA_REQ_RESENT;
	must_be(peer_call_raw(&p, &req, &rsp), PEER_STOPPED, "an id resent as another operation");
	peer_close(&p);
}

/* Asked again and again: one answer, kept; and, under its id, for something else: the end. */
static void resent_again(void)
{
	struct fsva_req req;
	struct fsva_rsp first, rsp;
	struct fsva_mkdir_req *body = peer_req(&req, FSVA_OP_MKDIR);
	const struct fsva_create_rsp *made = (const void *)first.body;
	struct fsva_entry e;
	struct peer p;

	peer_up(&p);
	fsva_wire_name(&body->name, p.root.handle, "hostile-again", 13);
	body->mode = 0755;
	must_be(peer_call(&p, &req, &first), 0, "mkdir");
	req.flags = FSVA_REQ_RESENT;
	for (int i = 0; i < 500; i++) {
		must_be(peer_call_raw(&p, &req, &rsp), 0, "the same once more");
		if (!(rsp.flags & FSVA_RSP_REPLAYED) || memcmp(rsp.body, first.body, sizeof(rsp.body)))
			attack_fail("the answer is not the one that was given");
	}
	must_be(do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-again", made->entry.handle), 0, "rmdir");
	/* rmdir has another tag: mkdir's answer is there yet, and is no mkdir */
	must_be(peer_call_raw(&p, &req, &rsp), 0, "the same after rmdir");
	body->name.name[0] = 'H';
	must_be(peer_call_raw(&p, &req, &rsp), PEER_STOPPED, "another name under an id that was used");
	peer_close(&p);
	peer_up(&p);
	must_be(do_lookup(&p, p.root.handle, "Hostile-again", &e), FSVA_ENOENT, "what was never asked for");
	must_be(do_lookup(&p, p.root.handle, "hostile-again", &e), FSVA_ENOENT, "what was done once");
	peer_close(&p);
}

static void op_unknown(void)
{
	static const uint16_t op[] = { 0, 7, 15, 35, 57, 72, 88, 95, 96, 97, 255, 256, 0x7fff, 0x8000, 0xffff };
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;

	peer_up(&p);
	p.no_check = true;
	for (size_t i = 0; i < NR(op); i++) {
		int r;

		peer_req(&req, FSVA_OP_NULL_CALL);
		req.op = op[i];
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, "an unknown operation");
		if (r > 0 && (rsp.op != op[i] || rsp.id != req.id))
			attack_fail("the answer is not to the question");
		peer_again(&p, r);
		p.no_check = true;
	}
	peer_close(&p);
}

/* Every operation with nothing in its body, then with all bits set: whatever comes, but no crash. */
static void op_all_blank(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;

	peer_up(&p);
	p.no_check = true;
	for (int fill = 0; fill < 3; fill++)
		for (uint16_t op = 0; op < FSVA_OP_MAX; op++) {
			int r;

			peer_req(&req, op);
			if (!req.cred && fill == 1)
				req.cred = PEER_CRED;
			req.op = op;
			if (fill)
				memset(req.body, fill == 1 ? 0xff : 0x01, sizeof(req.body));
			r = peer_call(&p, &req, &rsp);
			if (r == PEER_TIMEOUT)
				attack_fail("operation %u with a body of %#x: no answer", op, fill);
			peer_again(&p, r);
			if (op == FSVA_OP_UNMOUNT && !r) {
				peer_close(&p);
				peer_up(&p);
			}
			p.no_check = true;
		}
	peer_close(&p);
}

static void event_then_gone(void)
{
	struct fsva_req req;
	struct peer p;

	/* Events asked for under all tags but one, and no answer taken; then the end. */
	peer_up(&p);
	for (unsigned int i = 0; i + 1 < p.nr_slots; i++) {
		peer_req(&req, FSVA_OP_EVENT);
		req.id = p.id++;
		req.tag = i;
		fsva_wire_req_data(&req, 0, 4096, NULL, 0);
		peer_put(&p, 0, &req);
	}
	peer_push(&p, 0);
	sleep_ms(300);
	peer_close(&p);
}

static void cred_bad(void)
{
	static const struct { uint16_t cred; const char *what; } row[] = {
		{ 0, "no credentials" }, { 2, "credentials never defined" }, { 1023, "the last entry, never defined" },
		{ 1024, "credentials out of the table" }, { 0xffff, "credentials 65535" },
	};
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(row); i++) {
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct fsva_getattr_req *body = peer_req(&req, FSVA_OP_GETATTR);
		int r;

		body->handle = p.root.handle;
		req.cred = row[i].cred;
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, row[i].what);
		peer_again(&p, r);
	}
	peer_close(&p);
}

static void padding(void)
{
	static const struct { size_t off; const char *what; } row[] = {
		{ offsetof(struct fsva_req, pad), "padding of the head" },
		{ offsetof(struct fsva_req, pad) + 5, "the last octet of the head" },
		{ offsetof(struct fsva_req, body) + offsetof(struct fsva_name, pad), "padding of a name" },
		{ offsetof(struct fsva_req, body) + offsetof(struct fsva_name, name) + 200, "octets after a name" },
		{ offsetof(struct fsva_req, body) + 400, "octets after the structure" },
		{ offsetof(struct fsva_req, body) + FSVA_BODY_SIZE - 1, "the last octet of the body" },
		{ offsetof(struct fsva_req, piggy) + 8, "a message count without UBC" },
		{ offsetof(struct fsva_req, piggy) + 15, "padding of the messages" },
		{ offsetof(struct fsva_req, piggy) + 63, "the last octet of the slot" },
		{ offsetof(struct fsva_req, flags) + 1, "an unknown flag" },
	};
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(row); i++) {
		struct fsva_req req;
		struct fsva_rsp rsp;
		struct fsva_lookup_req *body = peer_req(&req, FSVA_OP_LOOKUP);
		int r;

		fsva_wire_name(&body->name, p.root.handle, "lost+found", 10);
		((uint8_t *)&req)[row[i].off] = 0x80;
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, row[i].what);
		peer_again(&p, r);
	}
	peer_close(&p);
}

/* ---- Storms and rewriting ---- */

static void event_storm(void)
{
	struct peer p;
	uint64_t t0;

	peer_up(&p);
	t0 = now_ms();
	for (int i = 0; i < 100000 && now_ms() - t0 < 60000; i++)
		xenevtchn_notify(p.evtchn, p.q[0].port);
	attack_note("100000 events in %llu ms", (unsigned long long)(now_ms() - t0));
	must_be(do_getattr(&p, p.root.handle, NULL), 0, "a call after the storm");
	peer_down(&p);
}

struct writer {
	struct peer *p;
	void (*step)(struct peer *p);
	volatile bool stop;
	pthread_t thread;
};

static void *writer_run(void *arg)
{
	struct writer *w = arg;

	while (!w->stop)
		w->step(w->p);
	return NULL;
}

static void writer_start(struct writer *w, struct peer *p, void (*step)(struct peer *))
{
	w->p = p;
	w->step = step;
	w->stop = false;
	if (pthread_create(&w->thread, NULL, writer_run, w))
		attack_fail("no second thread");
}

static void writer_end(struct writer *w)
{
	w->stop = true;
	pthread_join(w->thread, NULL);
}

static unsigned int turn;

static void flip_slots(struct peer *p)
{
	struct fsva_req *slot = (void *)p->q[0].slots;
	unsigned int i = turn++ % p->nr_slots;

	SHARED(slot[i].op) ^= FSVA_OP_LOOKUP ^ FSVA_OP_RMDIR;
	SHARED(slot[i].tag) ^= 0x8000;
	SHARED(slot[i].nr_grefs) ^= 0x7f;
	SHARED(slot[i].data_len) ^= 0xffff0000;
	SHARED(slot[i].cred) ^= 0x0fff;
	SHARED(slot[i].body[8]) ^= 0xff;        /* the length of a name */
	SHARED(slot[i].body[9]) ^= 0xff;
	SHARED(slot[i].body[16]) ^= '/' ^ 'h';
}

static void flip_staging(struct peer *p)
{
	unsigned int i = turn++ % p->nr_slots;

	SHARED(p->q[0].staging[i * FSVA_PAGE_SIZE + 3]) ^= '/' ^ 't';
	SHARED(p->q[0].staging[i * FSVA_PAGE_SIZE + 4]) ^= 'i';
}

static void flip_ctl(struct peer *p)
{
	struct fsva_ring_ctl *ctl = p->q[0].ctl;

	SHARED(ctl->magic) = rnd();
	SHARED(ctl->nr_slots) = rnd();
	SHARED(ctl->slot_ref[rnd() % FSVA_MAX_RING_PAGES]) = rnd();
	SHARED(ctl->staging_ref[rnd() % FSVA_MAX_SLOTS]) = rnd();
	SHARED(ctl->req_event) = rnd();
}

static void slots_rewritten(void)
{
	struct fsva_rsp rsp;
	struct fsva_req req;
	struct writer w;
	struct peer p;
	int stops = 0;

	peer_up(&p);
	for (int round = 0; round < 60; round++) {
		int r = 0;

		for (unsigned int i = 0; i < p.nr_slots; i++) {
			struct fsva_lookup_req *body = peer_req(&req, FSVA_OP_LOOKUP);

			fsva_wire_name(&body->name, p.root.handle, "hostile-none", 12);
			req.id = p.id++;
			req.tag = i;
			peer_put(&p, 0, &req);
		}
		writer_start(&w, &p, flip_slots);
		peer_push(&p, 0);
		for (unsigned int i = 0; i < p.nr_slots && !r; i++)
			r = peer_answer(&p, 0, &rsp, 5000);
		writer_end(&w);
		if (r == PEER_TIMEOUT) {        /* we may have spoilt the answers, never the victim */
			peer_close(&p);
			peer_up(&p);
		}
		stops += r == PEER_STOPPED;
		peer_again(&p, r);
		if (stops > 10)
			break;
	}
	attack_note("stopped %d times", stops);
	peer_close(&p);
}

static void staging_rewritten(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_entry e, old;
	struct writer w;
	struct peer p;
	int done = 0;

	/* The new name of rename, and the target of a symlink, turn to '/' and back while they are looked at. */
	peer_up(&p);
	for (int i = 0; i < 300; i++) {
		struct fsva_rename_req *body;
		uint8_t *staging;
		int r;

		r = do_lookup(&p, p.root.handle, "hostile-r", &old);
		if (r) {
			r = do_mkdir(&p, p.root.handle, "hostile-r", &old);
			must_be(r, 0, "mkdir");
		}
		body = peer_req(&req, FSVA_OP_RENAME);
		fsva_wire_name(&body->name, p.root.handle, "hostile-r", 9);
		body->new_dir = p.root.handle;
		body->handle = old.handle;
		staging = p.q[0].staging + (p.q[0].req_prod & (p.nr_slots - 1)) * FSVA_PAGE_SIZE;
		memcpy(staging, "hostile-s", 9);
		fsva_wire_req_data(&req, 0, 9, NULL, 0);
		writer_start(&w, &p, flip_staging);
		r = peer_call(&p, &req, &rsp);
		writer_end(&w);
		must_answer(r, "rename");
		peer_again(&p, r);
		if (r)
			continue;
		done++;
		/* the one name among all that was ever in the page without a '/' or a NUL */
		must_be(do_lookup(&p, p.root.handle, "hostile-s", &e), 0, "the name that rename gave");
		do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-s", e.handle);
		do_forget(&p, e.handle, 1);
	}
	attack_note("%d renames went through", done);
	if (!do_lookup(&p, p.root.handle, "hostile-r", &old))
		do_unlink(&p, FSVA_OP_RMDIR, p.root.handle, "hostile-r", old.handle);
	peer_down(&p);
}

static void control_page_rewritten(void)
{
	struct writer w;
	struct peer p;

	peer_up(&p);
	writer_start(&w, &p, flip_ctl);
	for (int i = 0; i < 100; i++) {
		int r = do_getattr(&p, p.root.handle, NULL);

		must_be(r, 0, "a call while the control page is rewritten");
	}
	writer_end(&w);
	peer_down(&p);
}

/* ---- Chance ---- */

static void fuzz_slots(void)
{
	struct fsva_rsp rsp;
	struct fsva_req req;
	struct peer p;
	int stops = 0;
	uint64_t t0 = now_ms();

	peer_up(&p);
	p.no_check = true;
	for (int i = 0; i < 3000 && stops < 25 && now_ms() - t0 < 60000; i++) {
		int r;

		for (size_t j = 0; j < sizeof(req) / 8; j++)
			((uint64_t *)&req)[j] = rnd();
		if (i % 4) {            /* some that get further */
			req.op %= FSVA_OP_MAX;
			req.cred = PEER_CRED;
			req.flags = 0;
			req.nr_grefs = 0;
			req.data_off = 0;
			req.data_len %= 4097;
			req.umask &= 0777;
			memset(req.pad, 0, sizeof(req.pad));
			memset(&req.piggy, 0, sizeof(req.piggy));
		}
		r = peer_call(&p, &req, &rsp);
		if (r == PEER_TIMEOUT)
			attack_fail("random request %d (operation %u): no answer", i, req.op);
		stops += r < 0;
		peer_again(&p, r < 0 ? PEER_STOPPED : r);
		p.no_check = true;
	}
	attack_note("stopped %d times", stops);
	peer_close(&p);
}

/* Well-formed requests with one or two octets wrong. */
static void fuzz_mutate(void)
{
	struct fsva_rsp rsp;
	struct fsva_req req;
	struct peer p;
	int stops = 0;
	uint64_t t0 = now_ms();

	peer_up(&p);
	p.no_check = true;
	for (int i = 0; i < 4000 && stops < 40 && now_ms() - t0 < 90000; i++) {
		uint16_t op = 16 + rnd() % 60;
		const struct fsva_wire_op *row = fsva_wire_op(op);
		int r;

		if (!row)
			continue;
		peer_req(&req, op);
		((uint64_t *)req.body)[0] = p.root.handle;
		req.body[8] = 4;
		memcpy(req.body + 16, "name", 4);
		if (row->flags & (FSVA_F_DATA_IN | FSVA_F_DATA_OUT))
			fsva_wire_req_data(&req, 0, 64, NULL, 0);
		for (int j = rnd() % 3; j >= 0; j--)
			req.body[rnd() % row->req_size] = rnd() % 3 ? rnd() % 16 : rnd();
		r = peer_call(&p, &req, &rsp);
		if (r == PEER_TIMEOUT)
			attack_fail("changed request %d (operation %u): no answer", i, req.op);
		stops += r < 0;
		peer_again(&p, r < 0 ? PEER_STOPPED : r);
		p.no_check = true;
	}
	attack_note("stopped %d times", stops);
	peer_close(&p);
}

const struct attack front_ring_attacks[] = {
	{ "req-prod-jump", req_prod_jump, "the connection ends", 120 },
	{ "req-prod-back", req_prod_back, "the connection ends", 0 },
	{ "ring-full", req_prod_no_answers_taken, "each is answered once", 0 },
	{ "back-indices-rewritten", back_indices_rewritten, "served on", 0 },
	{ "tag-out-of-range", tag_out_of_range, "refused", 0 },
	{ "tag-twice", tag_twice, "at most one answer each", 0 },
	{ "id-zero", id_zero, "refused", 0 },
	{ "id-again", id_again, "done once", 0 },
	{ "id-extreme", id_extreme, "survive", 0 },
	{ "resent-never-seen", resent_never_seen, "survive", 0 },
	{ "resent-again", resent_again, "done once", 0 },
	{ "op-unknown", op_unknown, "refused", 120 },
	{ "op-all-blank", op_all_blank, "answered or ended", 240 },
	{ "event-then-gone", event_then_gone, "all is given back", 0 },
	{ "cred-bad", cred_bad, "refused", 0 },
	{ "padding", padding, "refused", 120 },
	{ "event-storm", event_storm, "served on", 120 },
	{ "slots-rewritten", slots_rewritten, "survive", 180 },
	{ "staging-rewritten", staging_rewritten, "no name with a '/'", 180 },
	{ "control-page-rewritten", control_page_rewritten, "served on", 120 },
	{ "fuzz-slots", fuzz_slots, "answered or ended", 240 },
	{ "fuzz-mutate", fuzz_mutate, "answered or ended", 240 },
};
const size_t nr_front_ring = NR(front_ring_attacks);
