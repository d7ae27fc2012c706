// SPDX-License-Identifier: GPL-2.0-only
/*
 * hostile_front.c: a frontend that attacks the back.  It runs in a user domain whose fsva device is bound to
 * no driver, and for each attack it makes a connection, does its worst, and must find that the back answered
 * with an error or ended the connection; afterwards a well-behaved peer must be served.  What the back's
 * kernel log and counters say is for the caller (tests/system/hostile.sh).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile_front.h"

void must_refuse(int r, const char *what)
{
	if (r == 0)
		attack_fail("%s was accepted", what);
	if (r == PEER_TIMEOUT || r == PEER_BAD)
		attack_fail("%s: %s", what, peer_result(r));
}

void must_be(int r, int want, const char *what)
{
	if (r != want) {
		char got[32];

		snprintf(got, sizeof(got), "%s", peer_result(r));
		attack_fail("%s: %s, expected %s", what, got, peer_result(want));
	}
}

void must_answer(int r, const char *what)
{
	if (r == PEER_TIMEOUT || r == PEER_BAD)
		attack_fail("%s: %s", what, peer_result(r));
}

void must_stop(struct peer *p, const char *what)
{
	if (xsdev_wait(&p->dev, XB_SET_ENDED, PEER_ANSWER_MS) == -2)
		attack_fail("%s: the connection goes on", what);
}

void peer_again(struct peer *p, int r)
{
	if (r != PEER_STOPPED)
		return;
	peer_close(p);
	peer_up(p);
}

void peer_ready(struct peer *p, unsigned int nr_queues, unsigned int order)
{
	peer_open(p);
	peer_begin(p);
	peer_alloc(p, nr_queues, order);
	peer_publish(p);
}

void must_not_connect(struct peer *p, const char *what)
{
	if (peer_go(p, 15000) == 0)
		attack_fail("%s: the back connects", what);
	peer_close(p);
}

void peer_file(struct peer *p, const char *name, uint32_t size, struct fsva_entry *e, uint64_t *fh)
{
	uint8_t buf[FSVA_PAGE_SIZE];
	struct fsva_entry old;
	int r;

	r = do_lookup(p, p->root.handle, name, &old);
	if (!r) {
		do_unlink(p, FSVA_OP_UNLINK, p->root.handle, name, old.handle);
		do_forget(p, old.handle, 1);
	}
	r = do_create(p, p->root.handle, name, e, fh);
	if (r)
		attack_fail("creating %s: %s", name, peer_result(r));
	for (uint32_t off = 0; off < size; off += sizeof(buf)) {
		for (unsigned int i = 0; i < sizeof(buf); i++)
			buf[i] = off / FSVA_PAGE_SIZE * 7 + i % 251;
		r = do_write(p, *fh, off, buf, sizeof(buf), NULL);
		if (r)
			attack_fail("writing %s: %s", name, peer_result(r));
	}
}

void peer_unfile(struct peer *p, const char *name, const struct fsva_entry *e, uint64_t fh)
{
	int r = do_release(p, fh);

	if (!r)
		r = do_unlink(p, FSVA_OP_UNLINK, p->root.handle, name, e->handle);
	if (!r)
		r = do_forget(p, e->handle, 1);
	if (r)
		attack_fail("removing %s: %s", name, peer_result(r));
}

/* What a well-behaved peer gets, in full. */
static void honest(void)
{
	static const char name[] = "hostile-honest";
	uint8_t small[100], large[3 * FSVA_PAGE_SIZE], back[3 * FSVA_PAGE_SIZE];
	struct fsva_entry e, again;
	struct ppages g;
	struct peer p;
	uint64_t fh;

	peer_up(&p);
	must_be(do_getattr(&p, p.root.handle, NULL), 0, "getattr of the root");
	peer_file(&p, name, FSVA_PAGE_SIZE, &e, &fh);
	for (unsigned int i = 0; i < sizeof(small); i++)
		small[i] = i * 3 + 1;
	for (unsigned int i = 0; i < sizeof(large); i++)
		large[i] = rnd();
	must_be(do_write(&p, fh, 1, small, sizeof(small), NULL), 0, "a small write");
	must_be(do_read(&p, fh, 1, back, sizeof(small), NULL), 0, "a small read");
	if (memcmp(small, back, sizeof(small)))
		attack_fail("a small read gives other data");
	if (!ppages_share(&p, &g, 3, p.dev.peer_id, true))
		attack_fail("cannot grant 3 pages: %s", strerror(errno));
	must_be(do_write(&p, fh, 8192, large, sizeof(large), &g), 0, "a large write");
	memset(g.mem, 0, sizeof(large));
	must_be(do_read(&p, fh, 8192, back, sizeof(large), &g), 0, "a large read");
	if (memcmp(large, back, sizeof(large)))
		attack_fail("a large read gives other data");
	ppages_unshare(&p, &g);
	must_be(do_lookup(&p, p.root.handle, name, &again), 0, "a lookup");
	if (again.handle != e.handle)
		attack_fail("a lookup gives another handle for the same inode");
	must_be(do_forget(&p, e.handle, 1), 0, "dentry_release");
	peer_unfile(&p, name, &e, fh);
	must_be(do_lookup(&p, p.root.handle, name, &again), FSVA_ENOENT, "a lookup of what is gone");
	peer_down(&p);
}

static const struct attack honest_row[] = {
	{ "honest", honest, "a well-behaved peer is served", 0 },
};

static void heal_slowly(void)
{
	peer_heal();
}

static const struct attack_ops ops = { .heal = heal_slowly, .honest = honest };

static int usage(const char *me)
{
	fprintf(stderr, "usage: %s [--device device/fsva/0] --list | --all | --honest | --attack NAME |\n"
		"       --group connect|ring|data|call\n", me);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' }, { "list", no_argument, NULL, 'l' },
		{ "all", no_argument, NULL, 'a' },          { "honest", no_argument, NULL, 'h' },
		{ "attack", required_argument, NULL, 'n' }, { "group", required_argument, NULL, 'g' },
		{ 0 },
	};
	static const struct attack_ops alone = { .heal = heal_slowly };
	struct { const char *group; const struct attack *rows; size_t nr; } tables[] = {
		{ "connect", front_connect_attacks, nr_front_connect },
		{ "ring", front_ring_attacks, nr_front_ring },
		{ "data", front_data_attacks, nr_front_data },
		{ "call", front_call_attacks, nr_front_call },
	};
	const char *only = NULL, *group = NULL;
	struct attack all[256];
	size_t nr = 0;
	int c, mode = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd': peer_device = optarg; break;
		case 'g': group = optarg; mode = 'a'; break;
		case 'n': only = optarg; /* fall through */
		case 'l': case 'a': case 'h': mode = c; break;
		default: return usage(argv[0]);
		}
	}
	if (!mode || optind != argc)
		return usage(argv[0]);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (size_t j = 0; j < tables[i].nr && (!group || !strcmp(group, tables[i].group)); j++)
			all[nr++] = tables[i].rows[j];
	if (!nr)
		return usage(argv[0]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (mode == 'l') {
		attack_list(all, nr);
		return 0;
	}
	if (mode == 'h')
		return attack_run(honest_row, 1, NULL, &alone) != 0;
	return attack_run(all, nr, only, &ops) != 0;
}
