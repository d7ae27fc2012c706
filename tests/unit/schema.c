/* SPDX-License-Identifier: MIT */
/*
 * schema.c: the xenstore checker, on dumps as `xenstore-ls -f -p` prints them: a host on which all is well,
 * and the same host with one thing wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsva_schema.h"

#include <cmocka.h>

#define F       "/local/domain/3/device/fsva/0"
#define B       "/local/domain/2/backend/fsva/3/0"
#define L       "/libxl/3/device/fsva/0"
#define P       "/libxl/2/fsva"

/* User domain 3, appliance 2, all connected; and keys of others that are none of our business. */
static const char *const host[] = {
	"/tool = \"\" . .  (n0)",
	"/local/domain/0/name = \"Domain-0\" . .  (n0)",
	"/local/domain/3/device/vbd/51712/state = \"4\"  (n3,r0)",
	"/local/domain/2/data = \"\"  (n2)",
	"/local/domain/2/data/fsva-ready = \"1\"  (n2)",
	"/local/domain/2/data/updated = \"whatever \\\\ it is\"  (n2)",
	"/local/domain/3/device/fsva = \"\"  (n0,r3)",
	F " = \"\" . . . . .  (n3,r2)",
	F "/backend = \"" B "\" . .  (n3,r2)",
	F "/backend-id = \"2\"  (n3,r2)",
	F "/state = \"4\"  (n3,r2)",
	F "/tag = \"data\"  (n3,r2)",
	F "/max-queues = \"4\"  (n3,r2)",
	F "/max-ring-page-order = \"3\"  (n3,r2)",
	F "/signal = \"auto\"  (n3,r2)",
	F "/version = \"1\"  (n3,r2)",
	F "/num-queues = \"2\"  (n3,r2)",
	F "/ring-page-order = \"2\"  (n3,r2)",
	F "/session = \"00c0ffee12345678\"  (n3,r2)",
	F "/queue-0 = \"\"  (n3,r2)",
	F "/queue-0/ring-ref = \"40\"  (n3,r2)",
	F "/queue-0/event-channel = \"11\"  (n3,r2)",
	F "/queue-1 = \"\"  (n3,r2)",
	F "/queue-1/ring-ref = \"41\"  (n3,r2)",
	F "/queue-1/event-channel = \"12\"  (n3,r2)",
	"/local/domain/2/backend/fsva = \"\"  (n0,r2)",
	"/local/domain/2/backend/fsva/3 = \"\"  (n0,r2)",
	B " = \"\"  (n2,r3)",
	B "/frontend = \"" F "\"  (n2,r3)",
	B "/frontend-id = \"3\"  (n2,r3)",
	B "/online = \"1\"  (n2,r3)",
	B "/state = \"4\"  (n2,r3)",
	B "/tag = \"data\"  (n2,r3)",
	B "/fs = \"ext4\"  (n2,r3)",
	B "/dev = \"/dev/xvda\"  (n2,r3)",
	B "/options = \"noatime\"  (n2,r3)",
	B "/versions = \"1\"  (n2,r3)",
	B "/max-queues = \"8\"  (n2,r3)",
	B "/max-ring-page-order = \"4\"  (n2,r3)",
	B "/feature-ubc = \"0\"  (n2,r3)",
	L " = \"\"  (n0)",
	L "/frontend = \"" F "\"  (n0)",
	L "/backend = \"" B "\"  (n0)",
	L "/frontend-id = \"3\"  (n0)",
	L "/online = \"1\"  (n0)",
	L "/state = \"1\"  (n0)",
	L "/tag = \"data\"  (n0)",
	L "/fs = \"ext4\"  (n0)",
	L "/dev = \"/dev/xvda\"  (n0)",
	L "/options = \"noatime\"  (n0)",
	P " = \"\"  (n0)",
	P "/owned = \"1\"  (n0)",
	P "/user = \"3\"  (n0)",
	P "/user-uuid = \"01234567-89ab-cdef-0123-456789abcdef\"  (n0)",
	P "/user-name = \"apps\"  (n0)",
	P "/tag = \"data\"  (n0)",
};
#define NR_HOST (sizeof(host) / sizeof(host[0]))

/* One edit of the host: a line that replaces that of its path, or is added; or a path to remove. */
struct edit {
	const char *line;
	unsigned int faults;    /* expected */
	const char *fault;      /* part of what is reported */
};

#define REMOVE(path)    "-" path
#define FR(key, value)  F "/" key " = \"" value "\"  (n3,r2)"
#define BK(key, value)  B "/" key " = \"" value "\"  (n2,r3)"
#define LX(key, value)  L "/" key " = \"" value "\"  (n0)"
#define PR(key, value)  P "/" key " = \"" value "\"  (n0)"

static const struct edit edits[] = {
	/* nothing wrong with these */
	{ FR("signal", "event"), 0, NULL },
	{ FR("max-queues", "2"), 0, NULL },
	{ REMOVE(F "/max-queues"), 0, NULL },
	{ REMOVE(F "/signal"), 0, NULL },
	{ REMOVE(B "/options"), 0, NULL },
	{ REMOVE(B "/feature-ubc"), 0, NULL },
	{ BK("versions", "1,2,10"), 0, NULL },
	{ BK("options", ""), 0, NULL },
	{ BK("state", "5"), 0, NULL },
	{ BK("online", "0"), 0, NULL },
	{ PR("user", ""), 0, NULL },
	{ PR("user-uuid", ""), 0, NULL },
	{ LX("lost", "1"), 0, NULL },
	{ "/local/domain/3/error/device/fsva/0/error = \"22 reading the ring\"  (n3)", 0, NULL },
	{ "/local/domain/2/error/backend/fsva/3/0/error = \"22 mapping\"  (n2)", 0, NULL },
	/* keys that are not in the schema */
	{ FR("protocol", "x"), 1, "no such key" },
	{ FR("queue-0/ring-ref1", "7"), 1, "no such key" },
	{ FR("queue-x/ring-ref", "7"), 1, "no such key" },
	{ FR("queue-00/ring-ref", "7"), 1, "no such key" },
	{ FR("queue-0", "7"), 1, "is a directory" },
	{ BK("feature-flush", "1"), 1, "no such key" },
	{ LX("pid", "7"), 1, "no such key" },
	{ PR("more", "1"), 1, "no such key" },
	{ "/local/domain/2/data/fsva-state = \"1\"  (n2)", 1, "no such key" },
	{ "/local/domain/2/backend/fsva/x = \"\"  (n0,r2)", 1, "no such key" },
	/* values */
	{ FR("backend", ""), 1, "is not the path of a back directory" },
	{ FR("backend", "/local/domain/2/backend/fsva/03/0"), 1, "is not the path" },
	{ FR("backend", "/local/domain/2/backend/fsva/3/0/"), 1, "is not the path" },
	{ FR("backend", "/local/domain/2/backend/fsva/3/1"), 2, "is that of another device" },
	{ FR("backend-id", "7"), 1, "backend-id differs from the domain in backend" },
	{ FR("backend-id", ""), 1, "is not a domain id" },
	{ FR("backend", "/local/domain/7/backend/fsva/3/0"), 38, "domain 7 may not read it" },
	{ FR("state", "0"), 1, "is not a state" },
	{ FR("state", "2"), 1, "is not a state" },
	{ FR("state", "04"), 1, "is not a state" },
	{ BK("state", "3"), 2, "is not a state" },
	{ FR("tag", ""), 2, "is not a tag" },
	{ FR("tag", "-data"), 2, "is not a tag" },
	{ FR("tag", "da/ta"), 2, "is not a tag" },
	{ FR("tag", "abcdefghijabcdefghijabcdefghij12"), 2, "is not a tag" },
	{ FR("tag", "other"), 1, "tag differs" },
	{ FR("max-queues", "0"), 2, "is not a number from 1 to 8" },
	{ FR("max-queues", "9"), 1, "is not a number" },
	{ FR("max-queues", "1"), 1, "num-queues is over" },
	{ FR("num-queues", "3"), 2, "has no queue-2/ring-ref" },
	{ FR("num-queues", "1"), 2, "there are only 1 queues" },
	{ FR("num-queues", " 2"), 1, "is not a number" },
	{ FR("ring-page-order", "5"), 2, "is not a number from 0 to 4" },
	{ FR("ring-page-order", "4"), 1, "ring-page-order is over" },
	{ FR("signal", "aut"), 1, "is none of: auto event poll mwait" },
	{ FR("signal", "auto event"), 1, "is none of" },
	{ FR("version", "2"), 1, "is none of its backend's" },
	{ FR("session", "00C0FFEE12345678"), 0, NULL },
	{ FR("session", "c0ffee"), 1, "16 hexadecimal digits" },
	{ FR("session", "0000000000000000"), 1, "16 hexadecimal digits" },
	{ FR("queue-0/ring-ref", "4294967296"), 1, "is not a number" },
	{ FR("queue-0/ring-ref", "-1"), 1, "is not a number" },
	{ FR("queue-0/ring-ref", "41"), 1, "queue 0 has the same" },
	{ FR("queue-1/event-channel", "11"), 1, "queue 0 has the same" },
	{ FR("queue-1/event-channel", "0"), 1, "is not a number" },
	{ BK("versions", ""), 2, "is not a list of versions" },
	{ BK("versions", "1 2"), 1, "is not a list of versions" },
	{ BK("versions", "2,1"), 1, "is not a list of versions" },
	{ BK("versions", "1,"), 1, "is not a list of versions" },
	{ BK("versions", "01"), 2, "is not a list of versions" },
	{ PR("user-uuid", "01234567"), 1, "is not a UUID" },
	{ BK("versions", "2"), 1, "is none of its backend's" },
	{ BK("online", "yes"), 1, "is neither 0 nor 1" },
	{ BK("feature-ubc", "2"), 1, "is neither 0 nor 1" },
	{ BK("fs", "ext 4"), 1, "is not a word" },
	{ BK("dev", ""), 1, "is not text of 1 to 1024" },
	{ BK("dev", "/dev/\\x7f"), 1, "is not text" },
	{ BK("dev", "/dev\\000"), 1, "has a NUL" },
	{ BK("frontend-id", "32752"), 2, "is not a domain id" },
	{ BK("frontend-id", "4"), 1, "frontend-id differs" },
	{ BK("frontend", "/local/domain/4/device/fsva/0"), 2, "is that of another device" },
	{ LX("lost", "0"), 1, "is none of" },
	{ LX("backend", "/local/domain/2/backend/fsva/3/7"), 1, "is that of another device" },
	{ PR("user-uuid", "0123456789ab-cdef-0123-456789abcdef01"), 1, "is not a UUID" },
	{ PR("owned", ""), 1, "is neither 0 nor 1" },
	{ "/local/domain/2/data/fsva-ready = \"0\"  (n2)", 1, "is none of: 1" },
	{ "/local/domain/2/data/fsva-error = \"\"  (n2)", 1, "is not text of 1 to 256" },
	/* what must be there */
	{ REMOVE(F "/backend"), 1, "has no backend" },
	{ REMOVE(F "/state"), 1, "has no state" },
	{ REMOVE(F "/tag"), 1, "has no tag" },
	{ REMOVE(F "/version"), 1, "has no version in state 4" },
	{ REMOVE(F "/session"), 1, "has no session in state 4" },
	{ REMOVE(F "/queue-1/event-channel"), 1, "has no queue-1/event-channel" },
	{ REMOVE(B "/frontend"), 1, "has no frontend" },
	{ REMOVE(B "/online"), 1, "has no online" },
	{ REMOVE(B "/versions"), 1, "has no versions in state 4" },
	{ REMOVE(B "/max-queues"), 1, "num-queues is over" },
	{ REMOVE(B "/max-ring-page-order"), 1, "ring-page-order is over" },
	{ REMOVE(L "/backend"), 1, "has no backend" },
	{ REMOVE(P "/user"), 1, "has no user" },
	/* states that do not go together */
	{ BK("state", "2"), 1, "state 4 does not go with the backend's state 2" },
	{ BK("state", "1"), 1, "does not go with" },
	{ FR("state", "1"), 1, "state 1 does not go with the backend's state 4" },
	{ FR("state", "3"), 0, NULL },
	{ FR("state", "6"), 0, NULL },
	/* permissions */
	{ F "/tag = \"data\"  (n3)", 1, "domain 2 may not read it" },
	{ F "/tag = \"data\"  (r3,r2)", 1, "every domain may read it" },
	{ F "/tag = \"data\"  (b3,r2)", 1, "every domain may write it" },
	{ F "/tag = \"data\"  (n3,w2)", 1, "domain 2 may write it" },
	{ F "/tag = \"data\"  (n3,b2)", 1, "domain 2 may write it" },
	{ F "/tag = \"data\"  (n3,r2,r7)", 1, "domain 7 may read it" },
	{ F "/tag = \"data\"  (n3,r2,n7)", 0, NULL },
	{ F "/tag = \"data\"  (n2,r3)", 2, "belongs to domain 2, not 3" },
	{ F "/tag = \"data\"  (n3,r2,b0)", 0, NULL },
	{ B "/tag = \"data\"  (n2)", 1, "domain 3 may not read it" },
	{ B "/tag = \"data\"  (n3,r2)", 2, "belongs to domain 3, not 2" },
	{ L "/tag = \"data\"  (n3)", 1, "belongs to domain 3, not 0" },
	{ L "/tag = \"data\"  (n0,b3)", 1, "domain 3 may write it" },
	{ P "/tag = \"data\"  (n0,r2)", 1, "domain 2 may read it" },
	{ "/local/domain/2/data/fsva-ready = \"1\"  (n3)", 1, "belongs to domain 3, not 2" },
	/* a dump without -p says nothing of permissions */
	{ F "/tag = \"data\"", 0, NULL },
};

struct findings {
	unsigned int nr;
	size_t len;
	char text[4096];        /* a line for each */
};

static void note(void *arg, const char *path, const char *text)
{
	struct findings *f = arg;

	f->nr++;
	if (f->len < sizeof(f->text))
		f->len += (size_t)snprintf(f->text + f->len, sizeof(f->text) - f->len, "\n    %s: %s", path, text);
}

static void add(struct fsva_schema_store *store, const char *text)
{
	static char line[8192], path[FSVA_SCHEMA_PATH_MAX], value[FSVA_SCHEMA_VALUE_MAX + 1];
	struct fsva_schema_node node;

	snprintf(line, sizeof(line), "%s\n", text);
	if (fsva_schema_line(line, &node, path, value))
		fail_msg("not taken for a line: %s", text);
	assert_true(fsva_schema_add(store, &node));
}

static size_t path_len(const char *line)
{
	return strcspn(line, " ");
}

static unsigned int check(struct fsva_schema_store *store, struct findings *f)
{
	unsigned int nr_keys, nr_dirs, nr;

	memset(f, 0, sizeof(*f));
	nr = fsva_schema_check(store, note, f, &nr_keys, &nr_dirs);
	assert_int_equal(nr, f->nr);
	fsva_schema_free(store);
	return nr;
}

static void all_is_well(void **state)
{
	struct fsva_schema_store store = { 0 };
	unsigned int nr_keys, nr_dirs;
	struct findings f = { 0 };
	size_t i;

	(void)state;
	for (i = NR_HOST; i--; )        /* in any order */
		add(&store, host[i]);
	if (fsva_schema_check(&store, note, &f, &nr_keys, &nr_dirs))
		fail_msg("%s", f.text);
	assert_int_equal(nr_dirs, 5);
	assert_int_equal(nr_keys, 42);
	fsva_schema_free(&store);
	/* Nothing at all is well, too. */
	assert_int_equal(check(&store, &f), 0);
}

static void one_thing_wrong(void **state)
{
	struct fsva_schema_store store = { 0 };
	size_t i, j, right = 0;
	struct findings f;

	(void)state;
	for (i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		const char *line = edits[i].line;
		bool gone = line[0] == '-';

		line += gone;
		for (j = 0; j < NR_HOST; j++)
			if (path_len(host[j]) != path_len(line) || memcmp(host[j], line, path_len(line)))
				add(&store, host[j]);
		if (!gone)
			add(&store, line);
		check(&store, &f);
		if (f.nr != edits[i].faults || (f.nr && !strstr(f.text, edits[i].fault)))
			print_error("%s: %u faults, expected %u with \"%s\":%s\n", edits[i].line, f.nr,
				    edits[i].faults, edits[i].fault ? edits[i].fault : "", f.text);
		else
			right++;
	}
	assert_int_equal(right, i);
}

static void frontend_alone(void **state)
{
	struct fsva_schema_store store = { 0 };
	struct findings f;
	size_t i;

	(void)state;
	/* The appliance died: an error, until the toolstack has said so. */
	for (i = 0; i < NR_HOST; i++)
		if (strncmp(host[i], "/local/domain/2/", 16))
			add(&store, host[i]);
	assert_int_equal(check(&store, &f), 1);
	assert_non_null(strstr(f.text, "is not marked lost"));
	for (i = 0; i < NR_HOST; i++)
		if (strncmp(host[i], "/local/domain/2/", 16))
			add(&store, host[i]);
	add(&store, LX("lost", "1"));
	assert_int_equal(check(&store, &f), 0);
	/* And the other way round. */
	for (i = 0; i < NR_HOST; i++)
		if (strncmp(host[i], F, strlen(F)))
			add(&store, host[i]);
	assert_int_equal(check(&store, &f), 1);
	assert_non_null(strstr(f.text, "has no frontend directory"));
}

/* An appliance with two users: the second is a fault, whatever else it has. */
static void two_users(void **state)
{
	struct fsva_schema_store store = { 0 };
	struct findings f;
	size_t i;

	(void)state;
	for (i = 0; i < NR_HOST; i++)
		add(&store, host[i]);
	add(&store, "/local/domain/2/backend/fsva/4/0/frontend = \"/local/domain/4/device/fsva/0\"  (n2,r4)");
	check(&store, &f);
	assert_true(f.nr > 1);
	for (i = 0; i < NR_HOST; i++)
		add(&store, host[i]);
	add(&store, host[8]);
	assert_int_equal(check(&store, &f), 1);
	assert_non_null(strstr(f.text, "is there twice"));
}

static void lines(void **state)
{
	static const char *const bad[] = {
		"local/domain", "/a", "/a = ", "/a = \"", "/a = \"b\" (x0)", "/a = \"b\" (n)", "/a = \"b\" (n0",
		"/a = \"b\" (n0,)x", "/a = \"b\" (n0;r1)", "/a = \"\\\"", "/a = \"\\q\"", "/a = \"\\x4\"",
		"/a = \"\\08\"", "/a = \"b\" (n01)", "/a = \"b\" (n4294967296)",
	};
	static const struct {
		const char *line, *value;
		size_t len;
		unsigned int perms;
	} good[] = {
		{ "/a = \"\"", "", 0, 0 },
		{ "/a = \"b\" . . .  (n0,r12,w3,b4)", "b", 1, 4 },
		{ "/a = \"say \"b\"\"  (n0)", "say \"b\"", 7, 1 },
		{ "/a = \"(n1)\"  (n0)", "(n1)", 4, 1 },
		{ "/a = \"\\t\\n\\r\\\\\\x1b\\001\"", "\t\n\r\\\x1b\001", 6, 0 },
		{ "/a = \"\\000\"", "\0", 1, 0 },
	};
	char line[256], path[FSVA_SCHEMA_PATH_MAX], value[FSVA_SCHEMA_VALUE_MAX + 1];
	struct fsva_schema_node node;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "%s\n", bad[i]);
		if (fsva_schema_line(line, &node, path, value) != -1)
			fail_msg("taken: %s", bad[i]);
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(line, sizeof(line), "%s", good[i].line);
		if (fsva_schema_line(line, &node, path, value))
			fail_msg("refused: %s", good[i].line);
		assert_string_equal(node.path, "/a");
		assert_int_equal(node.value_len, good[i].len);
		assert_memory_equal(node.value, good[i].value, good[i].len);
		assert_int_equal(node.nr_perms, good[i].perms);
	}
	snprintf(line, sizeof(line), "\n");
	assert_int_equal(fsva_schema_line(line, &node, path, value), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(one_thing_wrong),
		cmocka_unit_test(frontend_alone),
		cmocka_unit_test(two_users),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
