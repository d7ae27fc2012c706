// SPDX-License-Identifier: GPL-2.0-only
/* front_data.c: attacks through data descriptors and grant references. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile_front.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* A read or write of an open file with a descriptor as given. */
static int rw(struct peer *p, uint16_t op, uint64_t fh, uint16_t off, uint32_t len, const uint32_t *ref, uint16_t nr)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct fsva_read_req *body = peer_req(&req, op);
	uint16_t fit = nr > FSVA_MAX_GREFS ? FSVA_MAX_GREFS : nr;
	int r;

	body->fh = fh;
	req.data_off = off;
	req.data_len = len;
	req.nr_grefs = nr;
	if (ref)
		memcpy(req.body + FSVA_BODY_SIZE - 4 * fit, ref, 4 * fit);
	r = peer_call(p, &req, &rsp);
	if (!r && rsp.data_len > len)
		attack_fail("more data than was asked for");
	return r;
}

static void descriptor(void)
{
	static const struct { uint16_t off; uint32_t len; uint16_t nr; const char *what; } row[] = {
		{ 0, 4097, 0, "data past the staging page" },
		{ 4095, 2, 0, "data past the end of the staging page" },
		{ 4096, 1, 0, "data that starts behind the staging page" },
		{ 0xffff, 1, 0, "data_off 65535 in the staging page" },
		{ 0, 0xffffffff, 0, "4 GiB in the staging page" },
		{ 1, 0xffffffff, 0, "a length that wraps" },
		{ 0, 4096, 2, "more references than pages" },
		{ 0, 8192, 1, "fewer references than pages" },
		{ 1, 8192, 2, "one reference too few for an odd start" },
		{ 4096, 4096, 1, "data_off 4096 in granted pages" },
		{ 0xffff, 4096, 1, "data_off 65535 in granted pages" },
		{ 0, 0, 1, "references without data" },
		{ 0, 97 * 4096, 97, "97 references" },
		{ 0, 104 * 4096, 104, "references over the structure" },
		{ 0, 0xffffffff, 0xffff, "65535 references" },
		{ 0, 0xfffff000, 0xffff, "65535 references, a page less" },
		{ 0, 0x80000000, 96, "2 GiB in 96 pages" },
	};
	struct fsva_entry e;
	struct ppages g;
	struct peer p;
	uint64_t fh;

	peer_up(&p);
	peer_file(&p, "hostile-data", 16384, &e, &fh);
	if (!ppages_share(&p, &g, FSVA_MAX_GREFS, p.dev.peer_id, true))
		attack_fail("cannot grant: %s", strerror(errno));
	for (size_t i = 0; i < NR(row); i++)
		for (int op = FSVA_OP_READ; op <= FSVA_OP_WRITE; op++) {
			int r = rw(&p, op, fh, row[i].off, row[i].len, row[i].nr ? g.ref : NULL, row[i].nr);

			must_refuse(r, row[i].what);
			if (r != PEER_STOPPED)
				continue;
			peer_again(&p, r);
			must_be(do_lookup(&p, p.root.handle, "hostile-data", &e), 0, "lookup");
			must_be(do_open(&p, e.handle, 2, &fh), 0, "open");
			if (!ppages_share(&p, &g, FSVA_MAX_GREFS, p.dev.peer_id, true))
				attack_fail("cannot grant: %s", strerror(errno));
		}
	peer_close(&p);
}

static void overlap(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct ppages g;
	struct peer p;
	struct fsva_rename_req *body = peer_req(&req, FSVA_OP_RENAME);

	/* rename's structure leaves room for 28 references; take 29 and more */
	peer_up(&p);
	if (!ppages_share(&p, &g, 64, p.dev.peer_id, true))
		attack_fail("cannot grant: %s", strerror(errno));
	for (unsigned int nr = 29; nr <= 64; nr += 7) {
		int r;

		fsva_wire_name(&body->name, p.root.handle, "lost+found", 10);
		body->new_dir = p.root.handle;
		req.data_len = nr * 4096;
		req.nr_grefs = nr;
		memcpy(req.body + FSVA_BODY_SIZE - 4 * nr, g.ref, 4 * nr);
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, "references over the structure of rename");
		peer_again(&p, r);
		body = peer_req(&req, FSVA_OP_RENAME);
	}
	peer_close(&p);
}

static void data_unasked(void)
{
	static const uint16_t op[] = { FSVA_OP_GETATTR, FSVA_OP_LOOKUP, FSVA_OP_STATFS, FSVA_OP_NULL_CALL };
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct ppages g;
	struct peer p;

	peer_up(&p);
	for (size_t i = 0; i < NR(op); i++) {
		int r;

		if (!ppages_share(&p, &g, 1, p.dev.peer_id, true))
			attack_fail("cannot grant: %s", strerror(errno));
		peer_req(&req, op[i]);
		((uint64_t *)req.body)[0] = p.root.handle;
		req.data_len = 4096;
		req.nr_grefs = 1;
		memcpy(req.body + FSVA_BODY_SIZE - 4, g.ref, 4);
		r = peer_call(&p, &req, &rsp);
		must_refuse(r, "data with an operation that has none");
		peer_again(&p, r);
	}
	peer_close(&p);
}

static void gref_case(const char *what, bool need_refusal, int which)
{
	struct fsva_entry e;
	uint32_t ref[4];
	struct ppages g, other;
	struct peer p;
	uint64_t fh;

	for (int op = FSVA_OP_READ; op <= FSVA_OP_WRITE; op++) {
		int r;

		peer_up(&p);
		peer_file(&p, "hostile-gref", 16384, &e, &fh);
		if (!ppages_share(&p, &g, 4, p.dev.peer_id, true))
			attack_fail("cannot grant: %s", strerror(errno));
		memcpy(ref, g.ref, sizeof(ref));
		switch (which) {
		case 0: ref[2] = 0xffffffff; break;
		case 1: ref[0] = 0x00fffff0; break;
		case 2: ref[3] = 0; break;
		case 3:
			if (!ppages_share(&p, &other, 4, 0, true))
				attack_skip("cannot grant to domain 0: %s", strerror(errno));
			ref[1] = other.ref[1];
			break;
		case 4:
			if (!ppages_share(&p, &other, 4, p.dev.peer_id, false))
				attack_fail("cannot grant: %s", strerror(errno));
			memcpy(ref, other.ref, sizeof(ref));
			break;
		case 5: ppages_unshare(&p, &g); break;
		case 6: ref[1] = ref[2] = ref[3] = ref[0]; break;
		case 7: ref[0] = p.q[0].ctl_ref; ref[1] = p.q[0].slot_ref[0]; ref[2] = p.q[0].staging_ref[0]; break;
		case 8: ref[0] = ref[1] = ref[2] = ref[3] = 1; break;   /* xenstore's or the console's ring */
		}
		r = rw(&p, op, fh, 0, 16384, ref, 4);
		if (need_refusal && !(which == 4 && op == FSVA_OP_WRITE))
			must_refuse(r, what);
		else
			must_answer(r, what);
		if (which == 4 && op == FSVA_OP_WRITE)
			must_be(r, 0, "read-only pages are enough for a write");
		peer_close(&p);
	}
}

static void gref_invalid(void)
{
	gref_case("a reference far out of the table", true, 0);
	gref_case("a reference never used", true, 1);
	gref_case("reference 0", true, 2);
	gref_case("a reference of the console or xenstore", true, 8);
}

static void gref_foreign(void)
{
	gref_case("a page granted to another domain", true, 3);
}

static void gref_readonly(void)
{
	gref_case("a read-only page for data to the front", true, 4);
}

static void gref_gone(void)
{
	gref_case("pages that are not granted any more", true, 5);
}

static void gref_twice(void)
{
	gref_case("one page four times", false, 6);
	gref_case("pages of the ring as data", false, 7);
}

struct revoker {
	struct peer *p;
	volatile bool stop;
	uint32_t refs[4];
	volatile unsigned int turn;
};

/* Grants and revokes four pages all the time; libxengntshr gives the same references again and again. */
static void *revoker_run(void *arg)
{
	struct revoker *w = arg;
	xengntshr_handle *shr = xengntshr_open(NULL, 0);

	while (shr && !w->stop) {
		void *mem = xengntshr_share_pages(shr, w->p->dev.peer_id, 4, w->refs, w->turn & 1);

		if (!mem)
			continue;
		w->turn++;
		if (w->turn % 3)
			sched_yield();
		xengntshr_unshare(shr, mem, 4);
	}
	return NULL;
}

static void gref_revoked(void)
{
	struct fsva_entry e;
	struct revoker w;
	struct peer p;
	pthread_t thread;
	uint64_t fh;
	int good = 0, bad = 0;

	peer_up(&p);
	peer_file(&p, "hostile-revoke", 16384, &e, &fh);
	memset(&w, 0, sizeof(w));
	w.p = &p;
	if (pthread_create(&thread, NULL, revoker_run, &w))
		attack_fail("no second thread");
	while (!w.turn)
		sleep_ms(1);
	for (int i = 0; i < 400; i++) {
		uint32_t refs[4];
		int r;

		memcpy(refs, w.refs, sizeof(refs));
		r = rw(&p, i & 1 ? FSVA_OP_READ : FSVA_OP_WRITE, fh, 0, 16384, refs, 4);
		must_answer(r, "pages revoked meanwhile");
		if (r)
			bad++;
		else
			good++;
		if (r == PEER_STOPPED) {
			peer_again(&p, r);
			must_be(do_lookup(&p, p.root.handle, "hostile-revoke", &e), 0, "lookup");
			must_be(do_open(&p, e.handle, 2, &fh), 0, "open");
		}
		if (bad > 60)
			break;
	}
	w.stop = true;
	pthread_join(thread, NULL);
	attack_note("%d calls met the pages, %d did not", good, bad);
	peer_close(&p);
}

static void data_in_rewritten_options(void)
{
	struct fsva_req req;
	struct fsva_rsp rsp;
	struct peer p;
	uint8_t junk[FSVA_PAGE_SIZE];

	/* Options: 4 KiB of anything. */
	for (int i = 0; i < 6; i++) {
		int r;

		peer_connect(&p, 1, 0);
		peer_start(&p);
		for (size_t j = 0; j < sizeof(junk); j++)
			switch (i) {
			case 0: junk[j] = rnd(); break;
			case 1: junk[j] = ','; break;
			case 2: junk[j] = 'a'; break;
			case 3: junk[j] = "errors=,"[j % 8]; break;
			case 4: junk[j] = "data=%s%n,"[j % 10]; break;
			default: junk[j] = 0; break;
			}
		r = do_mount(&p, junk, sizeof(junk));
		if (i == 1)
			must_answer(r, "4 KiB of commas as options");
		else
			must_refuse(r, "4 KiB of garbage as options");
		peer_close(&p);
	}
	/* longer than a page, by references */
	peer_connect(&p, 1, 0);
	peer_start(&p);
	struct ppages g;

	if (!ppages_share(&p, &g, 64, p.dev.peer_id, true))
		attack_fail("cannot grant: %s", strerror(errno));
	memset(g.mem, 'b', 64 * FSVA_PAGE_SIZE);
	peer_req(&req, FSVA_OP_MOUNT);
	fsva_wire_req_data(&req, 0, 64 * FSVA_PAGE_SIZE, g.ref, 64);
	must_refuse(peer_call(&p, &req, &rsp), "256 KiB of options");
	peer_close(&p);
}

const struct attack front_data_attacks[] = {
	{ "data-descriptor", descriptor, "refused", 240 },
	{ "data-over-structure", overlap, "refused", 0 },
	{ "data-unasked", data_unasked, "refused", 0 },
	{ "gref-invalid", gref_invalid, "refused", 180 },
	{ "gref-foreign", gref_foreign, "refused", 0 },
	{ "gref-readonly", gref_readonly, "refused where the back has to write", 0 },
	{ "gref-gone", gref_gone, "refused", 0 },
	{ "gref-twice", gref_twice, "survive", 90 },
	{ "gref-revoked", gref_revoked, "answered or ended", 240 },
	{ "mount-options-garbage", data_in_rewritten_options, "refused", 120 },
};
const size_t nr_front_data = NR(front_data_attacks);
