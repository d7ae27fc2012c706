// SPDX-License-Identifier: GPL-2.0-only
/* front_connect.c: attacks on the back's handshake. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile_front.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* ---- The control page ---- */

static void ctl_magic(void)
{
	static const uint32_t bad[] = { 0, 0xffffffff, 0x46535641 };

	for (size_t i = 0; i < NR(bad); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		p.q[0].ctl->magic = bad[i];
		must_not_connect(&p, "a wrong magic");
	}
}

static void ctl_version(void)
{
	static const uint16_t bad[] = { 0, FSVA_VERSION + 1, 0xffff };

	for (size_t i = 0; i < NR(bad); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		p.q[0].ctl->version = bad[i];
		must_not_connect(&p, "a wrong version in the control page");
	}
}

static void ctl_nr_slots(void)
{
	static const uint16_t bad[] = { 0, 7, 16, 9, FSVA_MAX_SLOTS, 0xffff };

	for (size_t i = 0; i < NR(bad); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		p.q[0].ctl->nr_slots = bad[i];
		must_not_connect(&p, "a wrong nr_slots");
	}
}

static void ctl_indices(void)
{
	static const uint32_t bad[] = { 9, 0x80000000, 0xffffffff };

	/* Not zero before the first request: at most the ring's rules are broken. */
	for (size_t i = 0; i < NR(bad); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		SHARED(p.q[0].ctl->req_prod) = bad[i];
		SHARED(p.q[0].ctl->rsp_prod) = bad[i];
		if (peer_go(&p, 15000) == 0) {
			xenevtchn_notify(p.evtchn, p.q[0].port);
			must_stop(&p, "a request index past the ring at connect");
		}
		peer_close(&p);
	}
}

/* ---- References ---- */

static void slot_ref_invalid(void)
{
	static const uint32_t bad[] = { 0, 1, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < NR(bad); i++) {
		struct peer p;

		peer_ready(&p, 1, 1);
		p.q[0].ctl->slot_ref[1] = bad[i];
		must_not_connect(&p, "a slot page that was never granted");
	}
}

static void slot_ref_foreign(void)
{
	struct peer p;
	struct ppages g;

	peer_ready(&p, 1, 0);
	if (!ppages_share(&p, &g, 1, 0, true))
		attack_skip("cannot grant to domain 0: %s", strerror(errno));
	p.q[0].ctl->slot_ref[0] = g.ref[0];
	must_not_connect(&p, "a slot page granted to another domain");
}

static void slot_ref_readonly(void)
{
	struct peer p;
	struct ppages g;

	peer_ready(&p, 1, 0);
	if (!ppages_share(&p, &g, 1, p.dev.peer_id, false))
		attack_fail("cannot grant: %s", strerror(errno));
	p.q[0].ctl->slot_ref[0] = g.ref[0];
	must_not_connect(&p, "a read-only slot page");
}

/* Pages that are the front's own, but named twice: harmless to anybody else, so either answer will do. */
static void slot_ref_twice(void)
{
	for (int which = 0; which < 3; which++) {
		struct peer p;

		peer_ready(&p, 1, 1);
		switch (which) {
		case 0: p.q[0].ctl->slot_ref[1] = p.q[0].slot_ref[0]; break;
		case 1: p.q[0].ctl->slot_ref[1] = p.q[0].ctl_ref; break;
		case 2: p.q[0].ctl->slot_ref[1] = p.q[0].staging_ref[0]; break;
		}
		if (peer_go(&p, 15000) == 0)
			for (int i = 0; i < 40; i++) {
				int r = do_session(&p, 0, 0);

				if (r < 0)
					break;
			}
		peer_close(&p);
	}
}

static void staging_call(struct peer *p, const char *what)
{
	if (peer_go(p, 15000) == 0) {
		int r = do_session(p, 0, 0);

		if (!r)
			r = do_cred(p, PEER_CRED, 0, 0, FSVA_CAP_ALL);
		if (!r)
			r = do_mount(p, "noatime", 7);
		if (what)
			must_refuse(r, what);
		else
			must_answer(r, "staging pages named twice");
		if (!r)
			do_unmount(p);
	}
	peer_close(p);
}

static void staging_ref_invalid(void)
{
	static const uint32_t bad[] = { 0, 0x7fffffff, 0xffffffff };

	for (size_t i = 0; i < NR(bad); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		for (int j = 0; j < 8; j++)
			p.q[0].ctl->staging_ref[j] = bad[i];
		staging_call(&p, "data in a staging page that was never granted");
	}
}

static void staging_ref_foreign(void)
{
	struct peer p;
	struct ppages g;

	peer_ready(&p, 1, 0);
	if (!ppages_share(&p, &g, 8, 0, true))
		attack_skip("cannot grant to domain 0: %s", strerror(errno));
	for (int j = 0; j < 8; j++)
		p.q[0].ctl->staging_ref[j] = g.ref[j];
	staging_call(&p, "data in a staging page granted to another domain");
}

static void staging_ref_twice(void)
{
	for (int which = 0; which < 3; which++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		for (int j = 0; j < 8; j++)
			switch (which) {
			case 0: p.q[0].ctl->staging_ref[j] = p.q[0].staging_ref[0]; break;
			case 1: p.q[0].ctl->staging_ref[j] = p.q[0].ctl_ref; break;
			case 2: p.q[0].ctl->staging_ref[j] = p.q[0].slot_ref[0]; break;
			}
		staging_call(&p, NULL);
	}
}

static void ring_ref_bad(void)
{
	static const char *const bad[] = { "0", "-1", "4294967295", "99999999999999999999", "x", "", "1 2", "0x10" };

	for (size_t i = 0; i < NR(bad); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		xsdev_write(&p.dev, peer_queue_key(0, "ring-ref"), "%s", bad[i]);
		must_not_connect(&p, "a wrong ring-ref");
	}
}

static void ring_ref_readonly(void)
{
	struct peer p;
	struct ppages g;

	peer_ready(&p, 1, 0);
	if (!ppages_share(&p, &g, 1, p.dev.peer_id, false))
		attack_fail("cannot grant: %s", strerror(errno));
	memcpy(g.mem, p.q[0].ctl, FSVA_PAGE_SIZE);
	xsdev_write(&p.dev, peer_queue_key(0, "ring-ref"), "%u", g.ref[0]);
	must_not_connect(&p, "a read-only control page");
}

static void ring_ref_revoked(void)
{
	/* Granted while the keys are written, gone when the back looks, and once in the middle of it. */
	for (int i = 0; i < 10; i++) {
		struct peer p;
		struct ppages g;

		peer_ready(&p, 1, 0);
		if (!ppages_share(&p, &g, 1, p.dev.peer_id, true))
			attack_fail("cannot grant: %s", strerror(errno));
		memcpy(g.mem, p.q[0].ctl, FSVA_PAGE_SIZE);
		xsdev_write(&p.dev, peer_queue_key(0, "ring-ref"), "%u", g.ref[0]);
		if (i & 1)
			xsdev_set_state(&p.dev, XB_INITIALISED);
		ppages_unshare(&p, &g);
		peer_go(&p, 15000);      /* mapped before it went away: the page lives on, and so may the connection */
		peer_close(&p);
	}
}

static void queues_share_a_ring(void)
{
	struct peer p;
	long max;

	peer_open(&p);
	peer_begin(&p);
	max = xsdev_read_num(&p.dev, p.dev.peer, "max-queues", 1);
	if (max < 2)
		attack_skip("the back has one queue");
	peer_alloc(&p, 2, 0);
	peer_publish(&p);
	xsdev_write(&p.dev, peer_queue_key(1, "ring-ref"), "%u", p.q[0].ctl_ref);
	if (peer_go(&p, 15000) == 0) {
		must_answer(do_session(&p, 0, 0), "two queues on one ring");
		xenevtchn_notify(p.evtchn, p.q[1].port);
		do_session(&p, 0, 0);
	}
	peer_close(&p);
	/* and on one event channel */
	peer_ready(&p, 2, 0);
	xsdev_write(&p.dev, peer_queue_key(1, "event-channel"), "%u", (unsigned int)p.q[0].port);
	must_not_connect(&p, "two queues on one event channel");
}

/* ---- Keys ---- */

static void key_bad(const char *key, const char *const *bad, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		struct peer p;
		char what[128];

		peer_ready(&p, 1, 0);
		xsdev_write(&p.dev, key, "%s", bad[i]);
		snprintf(what, sizeof(what), "%s '%s'", key, bad[i]);
		must_not_connect(&p, what);
	}
}

static void num_queues_bad(void)
{
	static const char *const bad[] = { "0", "9", "-1", "256", "65537", "4294967296", "4294967297", "x", "1x" };

	key_bad("num-queues", bad, NR(bad));
}

static void ring_page_order_bad(void)
{
	static const char *const bad[] = { "5", "9", "-1", "31", "64", "4294967295", "4294967296", "x", "1;" };

	key_bad("ring-page-order", bad, NR(bad));
}

static void version_bad(void)
{
	static const char *const bad[] = { "0", "2", "-1", "4294967297", "x", "1,2" };

	key_bad("version", bad, NR(bad));
}

static void keys_huge(void)
{
	static const char *const key[] = { "version", "num-queues", "ring-page-order", "queue-0/ring-ref",
					   "queue-0/event-channel" };
	char junk[1800];	/* a node may have 2048 octets, its permissions among them */

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = "0123456789/%sn\377"[rnd() % 15];
	for (size_t i = 0; i < NR(key); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		xsdev_write_raw(&p.dev, key[i], junk, sizeof(junk));
		must_not_connect(&p, key[i]);
		peer_open(&p);
		xsdev_rm(&p.dev, key[i]);
		peer_close(&p);
	}
}

static void keys_missing(void)
{
	/* version and the numbers may have defaults; a ring and a channel may not */
	static const char *const may[] = { "num-queues", "ring-page-order", "version" };
	static const char *const must[] = { "queue-0/ring-ref", "queue-0/event-channel" };

	for (size_t i = 0; i < NR(must); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		xsdev_rm(&p.dev, must[i]);
		must_not_connect(&p, must[i]);
	}
	for (size_t i = 0; i < NR(may); i++) {
		struct peer p;

		peer_ready(&p, 1, 0);
		xsdev_rm(&p.dev, may[i]);
		if (peer_go(&p, 15000) == 0)
			must_answer(do_session(&p, 0, 0), may[i]);
		peer_close(&p);
	}
}

static void keys_not_a_value(void)
{
	/* directories where values should be */
	struct peer p;

	peer_ready(&p, 1, 0);
	xsdev_rm(&p.dev, "queue-0/ring-ref");
	xsdev_write(&p.dev, "queue-0/ring-ref/ring-ref", "1");
	must_not_connect(&p, "a directory for a ring-ref");
	peer_open(&p);
	xsdev_rm(&p.dev, "queue-0");
	xsdev_rm(&p.dev, "num-queues");
	xsdev_write(&p.dev, "num-queues/x", "1");
	peer_close(&p);
	peer_ready(&p, 1, 0);
	xsdev_rm(&p.dev, "queue-0");
	xsdev_write(&p.dev, "queue-0", "8");
	must_not_connect(&p, "a value for a queue");
}

static void event_channel_bad(void)
{
	static const char *const bad[] = { "0", "-1", "1", "99999", "4294967295", "4294967296", "x", "" };

	key_bad("queue-0/event-channel", bad, NR(bad));
}

static void event_channel_foreign(void)
{
	struct peer p;
	int port;

	peer_ready(&p, 1, 0);
	port = xenevtchn_bind_unbound_port(p.evtchn, 0);
	if (port < 0)
		attack_skip("cannot allocate a channel for domain 0");
	xsdev_write(&p.dev, peer_queue_key(0, "event-channel"), "%d", port);
	must_not_connect(&p, "an event channel of another pair");
	/* one that was closed */
	peer_ready(&p, 1, 0);
	port = xenevtchn_bind_unbound_port(p.evtchn, p.dev.peer_id);
	xenevtchn_unbind(p.evtchn, port);
	xsdev_write(&p.dev, peer_queue_key(0, "event-channel"), "%d", port);
	must_not_connect(&p, "a closed event channel");
}

/* ---- States ---- */

static void state_garbage(void)
{
	static const char *const bad[] = { "0", "7", "8", "9", "255", "-1", "4294967299", "x", "" };
	struct peer p;

	for (size_t i = 0; i < NR(bad); i++) {
		peer_up(&p);
		xsdev_write(&p.dev, "state", "%s", bad[i]);
		must_answer(do_getattr(&p, p.root.handle, NULL), "a call in a garbage state");
		peer_close(&p);
	}
}

static void state_order(void)
{
	static const int walk[][6] = {
		{ XB_CONNECTED, 0 },
		{ XB_CLOSED, XB_CONNECTED, 0 },
		{ XB_INITIALISED, XB_INITIALISING, XB_INITIALISED, XB_CLOSED, XB_INITIALISED, 0 },
		{ XB_INITIALISED, XB_INITIALISED, XB_CONNECTED, XB_INITIALISED, XB_INITIALISING, 0 },
		{ XB_INIT_WAIT, XB_CONNECTED, XB_CLOSING, XB_CONNECTED, XB_CLOSED, 0 },
		{ XB_CLOSING, XB_INITIALISED, 0 },
	};

	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < NR(walk); i++) {
			struct peer p;

			peer_ready(&p, 1, 0);
			for (int j = 0; j < 6 && walk[i][j]; j++) {
				xsdev_set_state(&p.dev, walk[i][j]);
				sleep_ms(again ? 100 : 0);
			}
			peer_close(&p);
		}
}

static void state_flapping(void)
{
	struct peer p;

	for (int i = 0; i < 50; i++) {
		peer_connect(&p, 1, i % 3);
		if (i % 5 == 0)
			must_be(do_session(&p, 0, 0), 0, "session");
		peer_close(&p);
	}
}

static void state_storm(void)
{
	struct peer p;

	peer_ready(&p, 1, 0);
	for (int i = 0; i < 400; i++)
		xsdev_set_state(&p.dev, rnd() % 9);
	peer_close(&p);
}

static void device_removed(void)
{
	struct peer p;
	char buf[8];

	/* Our nodes vanish under a live connection; we put back what the toolstack needs to tear down. */
	peer_up(&p);
	xsdev_rm(&p.dev, "queue-0");
	xsdev_rm(&p.dev, "version");
	xsdev_rm(&p.dev, "ring-page-order");
	xsdev_rm(&p.dev, "num-queues");
	must_answer(do_getattr(&p, p.root.handle, NULL), "a call after the keys went away");
	xsdev_rm(&p.dev, "state");
	must_answer(do_getattr(&p, p.root.handle, NULL), "a call after the state went away");
	xsdev_set_state(&p.dev, XB_CLOSING);
	if (xsdev_read(&p.dev, p.dev.me, "backend", buf, sizeof(buf)))
		attack_fail("the test lost its device");
	peer_close(&p);
}

static void second_connection(void)
{
	struct peer a, b;
	int r;

	/* The same device again with other rings, while it is connected. */
	peer_up(&a);
	peer_open(&b);
	peer_alloc(&b, 1, 0);
	peer_publish(&b);
	xsdev_set_state(&b.dev, XB_INITIALISED);
	sleep_ms(500);
	r = do_session(&b, 0, 0);
	if (r == 0)
		attack_note("served on the second ring");
	if (r == PEER_BAD)
		attack_fail("the second ring was answered wrongly");
	must_answer(do_getattr(&a, a.root.handle, NULL), "a call on the first ring");
	peer_close(&b);
	peer_close(&a);
}

static void vanish(void)
{
	struct fsva_req req;
	struct peer p;

	/* Calls in flight, then the event channel closes and the process is gone, with its grants. */
	peer_up(&p);
	for (unsigned int i = 0; i < p.nr_slots; i++) {
		struct fsva_getattr_req *body = peer_req(&req, FSVA_OP_GETATTR);

		body->handle = p.root.handle;
		req.id = p.id++;
		req.tag = i;
		peer_put(&p, 0, &req);
	}
	peer_push(&p, 0);
	xenevtchn_unbind(p.evtchn, p.q[0].port);
	_exit(0);
}

static void vanish_mounted(void)
{
	struct fsva_entry e;
	struct peer p;
	uint64_t fh;

	peer_up(&p);
	peer_file(&p, "hostile-vanish", 8192, &e, &fh);
	_exit(0);
}

const struct attack front_connect_attacks[] = {
	{ "ctl-magic", ctl_magic, "no connection", 0 },
	{ "ctl-version", ctl_version, "no connection", 0 },
	{ "ctl-nr-slots", ctl_nr_slots, "no connection", 0 },
	{ "ctl-indices", ctl_indices, "no connection, or it ends", 0 },
	{ "slot-ref-invalid", slot_ref_invalid, "no connection", 0 },
	{ "slot-ref-foreign", slot_ref_foreign, "no connection", 0 },
	{ "slot-ref-readonly", slot_ref_readonly, "no connection", 0 },
	{ "slot-ref-twice", slot_ref_twice, "survive", 0 },
	{ "staging-ref-invalid", staging_ref_invalid, "no connection, or no data", 0 },
	{ "staging-ref-foreign", staging_ref_foreign, "no connection, or no data", 0 },
	{ "staging-ref-twice", staging_ref_twice, "survive", 0 },
	{ "ring-ref-bad", ring_ref_bad, "no connection", 0 },
	{ "ring-ref-readonly", ring_ref_readonly, "no connection", 0 },
	{ "ring-ref-revoked", ring_ref_revoked, "survive", 90 },
	{ "queues-share-a-ring", queues_share_a_ring, "survive; no connection on one channel", 0 },
	{ "num-queues-bad", num_queues_bad, "no connection", 90 },
	{ "ring-page-order-bad", ring_page_order_bad, "no connection", 90 },
	{ "version-bad", version_bad, "no connection", 0 },
	{ "keys-huge", keys_huge, "no connection", 0 },
	{ "keys-missing", keys_missing, "no connection without ring and channel", 0 },
	{ "keys-not-a-value", keys_not_a_value, "no connection", 0 },
	{ "event-channel-bad", event_channel_bad, "no connection", 90 },
	{ "event-channel-foreign", event_channel_foreign, "no connection", 0 },
	{ "state-garbage", state_garbage, "survive", 90 },
	{ "state-order", state_order, "survive", 120 },
	{ "state-flapping", state_flapping, "50 connections, one after another", 180 },
	{ "state-storm", state_storm, "survive", 0 },
	{ "device-removed", device_removed, "survive", 0 },
	{ "second-connection", second_connection, "survive", 0 },
	{ "vanish", vanish, "all is given back", 0 },
	{ "vanish-mounted", vanish_mounted, "unmounted, all is given back", 0 },
};
const size_t nr_front_connect = NR(front_connect_attacks);
