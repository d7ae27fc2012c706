/* SPDX-License-Identifier: MIT */
/*
 * fsva_schema.c: see fsva_schema.h.
 *
 * Each node is matched with the directories of the schema: one that lies in a directory and is none of its
 * keys is a fault, except in a directory that others share, where only names that begin like ours count.
 * Then each directory that exists is looked at as a whole: required keys, permissions, and what must agree
 * between the two ends of a device.
 */
#include "fsva_schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fsva_schema_type {
	FSVA_SCHEMA_BOOL, FSVA_SCHEMA_UINT, FSVA_SCHEMA_HEX64, FSVA_SCHEMA_STATE, FSVA_SCHEMA_ENUM,
	FSVA_SCHEMA_VERSIONS, FSVA_SCHEMA_TAG, FSVA_SCHEMA_WORD, FSVA_SCHEMA_TEXT, FSVA_SCHEMA_DOMID,
	FSVA_SCHEMA_UUID, FSVA_SCHEMA_PATH,
};

enum fsva_schema_domain {
	FSVA_SCHEMA_USER, FSVA_SCHEMA_APPLIANCE, FSVA_SCHEMA_TOOLSTACK, FSVA_SCHEMA_NOBODY,
};

/* `required`: a state of the directory, or one of these. */
#define FSVA_SCHEMA_ALWAYS      0
#define FSVA_SCHEMA_NEVER       255

struct fsva_schema_key {
	const char *name;
	enum fsva_schema_type type;
	uint8_t required;
	uint8_t states;         /* FSVA_SCHEMA_STATE: bits */
	bool empty;             /* may be empty */
	uint8_t of;             /* FSVA_SCHEMA_PATH: which directory */
	uint64_t min, max;
	const char *values;     /* FSVA_SCHEMA_ENUM: separated by spaces */
};

struct fsva_schema_dir {
	const char *name, *path;
	enum fsva_schema_domain owner, reader;
	bool has_state, shared;
	const struct fsva_schema_key *keys;
	unsigned int nr_keys;
};

#include "fsva_schema_table.h"

#define NR(a)                   (sizeof(a) / sizeof((a)[0]))
#define FSVA_SCHEMA_DOMID_MAX   32751u          /* one below DOMID_FIRST_RESERVED */
#define FSVA_SCHEMA_ABSENT      UINT32_MAX

enum { STATE_INIT_WAIT = 2, STATE_INITIALISED = 3, STATE_CONNECTED = 4 };

/* The numbers in a path. */
struct fsva_schema_at {
	uint32_t user, appliance, device, queue;
};

struct fsva_schema_run {
	struct fsva_schema_store *store;
	fsva_schema_report *report;
	void *arg;
	unsigned int nr_faults, nr_keys, nr_dirs;
};

/* ---- The snapshot ------------------------------------------------------------------------------------- */

bool fsva_schema_add(struct fsva_schema_store *store, const struct fsva_schema_node *node)
{
	struct fsva_schema_node *to;

	if (store->nr == store->room) {
		size_t room = store->room ? store->room * 2 : 64;
		struct fsva_schema_node *more = realloc(store->node, room * sizeof(*more));

		if (!more)
			return false;
		store->node = more;
		store->room = room;
	}
	to = &store->node[store->nr];
	*to = *node;
	to->path = strdup(node->path);
	to->value = malloc(node->value_len + 1);
	if (!to->path || !to->value) {
		free(to->path);
		free(to->value);
		return false;
	}
	memcpy(to->value, node->value, node->value_len);
	to->value[node->value_len] = 0;
	store->nr++;
	return true;
}

void fsva_schema_free(struct fsva_schema_store *store)
{
	size_t i;

	for (i = 0; i < store->nr; i++) {
		free(store->node[i].path);
		free(store->node[i].value);
	}
	free(store->node);
	memset(store, 0, sizeof(*store));
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct fsva_schema_node *)a)->path, ((const struct fsva_schema_node *)b)->path);
}

static const struct fsva_schema_node *find(const struct fsva_schema_run *run, const char *path)
{
	struct fsva_schema_node key = { .path = (char *)(uintptr_t)path };

	if (!run->store->nr)
		return NULL;
	return bsearch(&key, run->store->node, run->store->nr, sizeof(key), by_path);
}

static void __attribute__((format(printf, 3, 4)))
fault(struct fsva_schema_run *run, const char *path, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	run->nr_faults++;
	if (run->report)
		run->report(run->arg, path, text);
}

/* ---- Values ------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Decimal, nothing before or after it, no leading zero, at most max.  Returns what follows, or NULL. */
static const char *number(const char *s, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
		return NULL;
	for (; is_digit(*s); s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > max)
			return NULL;
	}
	*value = n;
	return s;
}

static bool whole_number(const char *s, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end = number(s, max, value);

	return end && *end == 0 && *value >= min;
}

static bool is_word(const char *s, size_t max)
{
	size_t i, len = strlen(s);

	if (len == 0 || len > max || !is_alnum(s[0]))
		return false;
	for (i = 1; i < len; i++)
		if (!is_alnum(s[i]) && s[i] != '.' && s[i] != '_' && s[i] != '-')
			return false;
	return true;
}

static bool is_text(const char *s, size_t len, uint64_t min, uint64_t max)
{
	size_t i;

	if (len < min || len > max)
		return false;
	for (i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return true;
}

static bool is_enum(const char *s, const char *values)
{
	size_t len = strlen(s);

	while (*values) {
		size_t n = strcspn(values, " ");

		if (n == len && !memcmp(values, s, n))
			return true;
		values += n + (values[n] == ' ');
	}
	return false;
}

static bool is_hex64(const char *s)
{
	size_t i;

	if (strlen(s) != 16 || !strcmp(s, "0000000000000000"))
		return false;
	for (i = 0; i < 16; i++)
		if (!is_hex(s[i]))
			return false;
	return true;
}

static bool is_uuid(const char *s)
{
	size_t i;

	if (strlen(s) != 36)
		return false;
	for (i = 0; i < 36; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !is_hex(s[i]))
			return false;
	return true;
}

static bool is_versions(const char *s)
{
	uint64_t last = 0, v;

	for (;;) {
		s = number(s, 65535, &v);
		if (!s || v <= last)
			return false;
		if (*s == 0)
			return true;
		if (*s++ != ',')
			return false;
		last = v;
	}
}

/*
 * Match a path with a pattern: {U}, {B}, {N}, {Q} take a number.  Returns what follows the pattern in the path
 * ("" or "/..."), or NULL.  On a path that ends before the pattern does, *partly says so.
 */
static const char *match(const char *pattern, const char *path, struct fsva_schema_at *at, bool *partly)
{
	*partly = false;
	while (*pattern) {
		if (*pattern == '{') {
			char which = pattern[1];
			uint64_t v;

			path = number(path, which == 'U' || which == 'B' ? FSVA_SCHEMA_DOMID_MAX : UINT32_MAX - 1, &v);
			if (!path)
				return NULL;
			switch (which) {
			case 'U': at->user = (uint32_t)v; break;
			case 'B': at->appliance = (uint32_t)v; break;
			case 'N': at->device = (uint32_t)v; break;
			case 'Q': at->queue = (uint32_t)v; break;
			}
			pattern += 3;
			if (*path && *path != '/')
				return NULL;
		} else if (*pattern == *path) {
			pattern++;
			path++;
		} else {
			*partly = *path == 0 && *pattern == '/';
			return NULL;
		}
	}
	return *path == 0 || *path == '/' ? path : NULL;
}

static bool is_path(const char *s, unsigned int of, struct fsva_schema_at *at)
{
	const char *rest;
	bool partly;

	rest = match(fsva_schema_dirs[of].path, s, at, &partly);
	return rest && *rest == 0;
}

/* Is the value one that the key can have?  Says in *why what it ought to be. */
static bool value_ok(const struct fsva_schema_key *key, const struct fsva_schema_node *node, char *why, size_t size)
{
	const char *s = node->value;
	struct fsva_schema_at at;
	uint64_t v;

	if (strlen(s) != node->value_len) {
		snprintf(why, size, "has a NUL in it");
		return false;
	}
	if (key->empty && *s == 0)
		return true;
	switch (key->type) {
	case FSVA_SCHEMA_BOOL:
		snprintf(why, size, "is neither 0 nor 1");
		return !strcmp(s, "0") || !strcmp(s, "1");
	case FSVA_SCHEMA_UINT:
		snprintf(why, size, "is not a number from %llu to %llu", (unsigned long long)key->min,
			 (unsigned long long)key->max);
		return whole_number(s, key->min, key->max, &v);
	case FSVA_SCHEMA_HEX64:
		snprintf(why, size, "is not 16 hexadecimal digits other than all 0");
		return is_hex64(s);
	case FSVA_SCHEMA_STATE:
		snprintf(why, size, "is not a state that this end uses");
		return whole_number(s, 0, 6, &v) && key->states & 1u << v;
	case FSVA_SCHEMA_ENUM:
		snprintf(why, size, "is none of: %s", key->values);
		return is_enum(s, key->values);
	case FSVA_SCHEMA_VERSIONS:
		snprintf(why, size, "is not a list of versions, ascending, comma-separated");
		return is_versions(s);
	case FSVA_SCHEMA_TAG:
		snprintf(why, size, "is not a tag");
		return is_word(s, 31);
	case FSVA_SCHEMA_WORD:
		snprintf(why, size, "is not a word of at most %llu octets", (unsigned long long)key->max);
		return is_word(s, (size_t)key->max);
	case FSVA_SCHEMA_TEXT:
		snprintf(why, size, "is not text of %llu to %llu octets", (unsigned long long)key->min,
			 (unsigned long long)key->max);
		return is_text(s, node->value_len, key->min, key->max);
	case FSVA_SCHEMA_DOMID:
		snprintf(why, size, "is not a domain id");
		return whole_number(s, 0, FSVA_SCHEMA_DOMID_MAX, &v);
	case FSVA_SCHEMA_UUID:
		snprintf(why, size, "is not a UUID");
		return is_uuid(s);
	case FSVA_SCHEMA_PATH:
		snprintf(why, size, "is not the path of a %s directory", fsva_schema_dirs[key->of].name);
		return is_path(s, key->of, &at);
	}
	return false;
}

/* ---- Paths -------------------------------------------------------------------------------------------- */

/* The directory of the schema that a path lies in; *rest is what follows its own. */
static const struct fsva_schema_dir *dir_of(const char *path, struct fsva_schema_at *at, const char **rest)
{
	bool partly;
	size_t i;

	for (i = 0; i < NR(fsva_schema_dirs); i++) {
		*at = (struct fsva_schema_at){ FSVA_SCHEMA_ABSENT, FSVA_SCHEMA_ABSENT, FSVA_SCHEMA_ABSENT,
					       FSVA_SCHEMA_ABSENT };
		*rest = match(fsva_schema_dirs[i].path, path, at, &partly);
		if (*rest)
			return &fsva_schema_dirs[i];
	}
	return NULL;
}

/* Is there "/fsva/" in it, or is it one of ours in a shared directory?  Then it must be in the schema. */
bool fsva_schema_ours(const char *path)
{
	const struct fsva_schema_dir *dir;
	struct fsva_schema_at at;
	const char *rest, *name;

	dir = dir_of(path, &at, &rest);
	if (dir)
		return !dir->shared || (*rest == '/' && !strncmp(rest + 1, "fsva-", 5));
	name = strstr(path, "/fsva/");
	return name != NULL;
}

static const struct fsva_schema_key *key_of(const struct fsva_schema_dir *dir, const char *name,
					    struct fsva_schema_at *at, bool *inner)
{
	unsigned int i;
	const char *rest;
	bool partly;

	*inner = false;
	for (i = 0; i < dir->nr_keys; i++) {
		rest = match(dir->keys[i].name, name, at, &partly);
		if (rest && *rest == 0)
			return &dir->keys[i];
		*inner |= partly;
	}
	return NULL;
}

static void check_node(struct fsva_schema_run *run, const struct fsva_schema_node *node)
{
	const struct fsva_schema_dir *dir;
	const struct fsva_schema_key *key;
	struct fsva_schema_at at;
	const char *rest;
	char why[256];
	bool inner;
	size_t i;

	if (!fsva_schema_ours(node->path))
		return;
	dir = dir_of(node->path, &at, &rest);
	if (!dir) {
		/* On the way to one of ours, like /local/domain/1/backend/fsva/2? */
		for (i = 0; i < NR(fsva_schema_dirs); i++) {
			match(fsva_schema_dirs[i].path, node->path, &at, &inner);
			if (inner)
				return;
		}
		fault(run, node->path, "no such key in the schema");
		return;
	}
	if (*rest == 0)
		return;
	key = key_of(dir, rest + 1, &at, &inner);
	if (!key) {
		if (!inner)
			fault(run, node->path, "no such key in the schema");
		else if (node->value_len)
			fault(run, node->path, "is a directory, and has a value");
		return;
	}
	run->nr_keys++;
	if (!value_ok(key, node, why, sizeof(why)))
		fault(run, node->path, "\"%.80s\" %s", node->value, why);
}

/* ---- Directories -------------------------------------------------------------------------------------- */

static const char *value_in(const struct fsva_schema_run *run, const char *dir, const char *name)
{
	char path[FSVA_SCHEMA_PATH_MAX * 2];
	const struct fsva_schema_node *node;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	node = find(run, path);
	return node ? node->value : NULL;
}

/* The number that is the key's value; `absent` when there is none, or none that can be read. */
static uint32_t number_in(const struct fsva_schema_run *run, const char *dir, const char *name, uint32_t absent)
{
	const char *s = value_in(run, dir, name);
	uint64_t v;

	return s && whole_number(s, 0, UINT32_MAX, &v) ? (uint32_t)v : absent;
}

static void expand(const char *pattern, const struct fsva_schema_at *at, char *out, size_t size)
{
	size_t n = 0;

	while (*pattern && n + 12 < size) {
		if (*pattern == '{') {
			uint32_t v = pattern[1] == 'U' ? at->user : pattern[1] == 'B' ? at->appliance :
				     pattern[1] == 'N' ? at->device : at->queue;

			n += (size_t)snprintf(out + n, size - n, "%u", v);
			pattern += 3;
		} else {
			out[n++] = *pattern++;
		}
	}
	out[n] = 0;
}

static uint32_t domain_of(const struct fsva_schema_run *run, enum fsva_schema_domain who,
			  const struct fsva_schema_at *at)
{
	switch (who) {
	case FSVA_SCHEMA_USER: return at->user;
	case FSVA_SCHEMA_APPLIANCE: return at->appliance;
	case FSVA_SCHEMA_TOOLSTACK: return run->store->toolstack;
	case FSVA_SCHEMA_NOBODY: break;
	}
	return FSVA_SCHEMA_ABSENT;
}

/* Of the directory and of every node in it that is ours. */
static void check_perms(struct fsva_schema_run *run, const struct fsva_schema_dir *dir,
			const struct fsva_schema_at *at, const struct fsva_schema_node *node)
{
	uint32_t owner = domain_of(run, dir->owner, at), reader = domain_of(run, dir->reader, at);
	bool readable = reader == FSVA_SCHEMA_ABSENT || reader == run->store->toolstack;
	unsigned int i;

	if (node->nr_perms == 0)
		return;
	if (owner != FSVA_SCHEMA_ABSENT && node->perm[0].domid != owner)
		fault(run, node->path, "belongs to domain %u, not %u", node->perm[0].domid, owner);
	if (node->perm[0].may != 'n')
		fault(run, node->path, "every domain may %s it", node->perm[0].may == 'r' ? "read" : "write");
	for (i = 1; i < node->nr_perms; i++) {
		uint32_t id = node->perm[i].domid;

		if (id == run->store->toolstack || id == owner)
			continue;
		if (node->perm[i].may == 'w' || node->perm[i].may == 'b')
			fault(run, node->path, "domain %u may write it", id);
		else if (node->perm[i].may == 'r' && id != reader)
			fault(run, node->path, "domain %u may read it", id);
		readable |= node->perm[i].may != 'n' && id == reader;
	}
	if (!readable)
		fault(run, node->path, "domain %u may not read it", reader);
}

static void check_required(struct fsva_schema_run *run, const struct fsva_schema_dir *dir, const char *path,
			   struct fsva_schema_at *at, uint32_t state)
{
	uint32_t queues = number_in(run, path, "num-queues", 1);
	char name[64];
	unsigned int i;

	for (i = 0; i < dir->nr_keys; i++) {
		const struct fsva_schema_key *key = &dir->keys[i];
		bool each = strstr(key->name, "{Q}") != NULL;
		bool need = key->required == FSVA_SCHEMA_ALWAYS ||
			    (key->required != FSVA_SCHEMA_NEVER && state >= key->required && state <= STATE_CONNECTED);

		if (!need)
			continue;
		for (at->queue = 0; at->queue < (each && queues <= 8 ? queues : 1); at->queue++) {
			expand(key->name, at, name, sizeof(name));
			if (!value_in(run, path, name))
				fault(run, path, key->required == FSVA_SCHEMA_ALWAYS ? "has no %s" :
				      "has no %s in state %u", name, state);
		}
	}
}

/* Two ends of one device, as the frontend sees them. */
static void check_device(struct fsva_schema_run *run, const char *front, const struct fsva_schema_at *at)
{
	const char *back = value_in(run, front, "backend"), *tag, *versions;
	char libxl[FSVA_SCHEMA_PATH_MAX], path[FSVA_SCHEMA_PATH_MAX * 2], name[64], other[64];
	struct fsva_schema_at there = *at;
	uint32_t f, b, queues, n, i;
	uint64_t v;

	if (!back || !is_path(back, FSVA_SCHEMA_DIR_BACK, &there))
		return;
	if (there.user != at->user || there.device != at->device)
		fault(run, front, "its backend %s is that of another device", back);
	if (number_in(run, front, "backend-id", there.appliance) != there.appliance)
		fault(run, front, "backend-id differs from the domain in backend");
	expand(fsva_schema_dirs[FSVA_SCHEMA_DIR_LIBXL].path, at, libxl, sizeof(libxl));
	if (!find(run, back) && !value_in(run, back, "state")) {
		if (!value_in(run, libxl, "lost"))
			fault(run, front, "has no backend directory %s, and is not marked lost", back);
		return;
	}

	f = number_in(run, front, "state", 0);
	b = number_in(run, back, "state", 0);
	if (f < 7 && b < 7 && fsva_schema_states[f] && b && !(fsva_schema_states[f] & 1u << b))
		fault(run, front, "state %u does not go with the backend's state %u", f, b);
	tag = value_in(run, front, "tag");
	if (tag && value_in(run, back, "tag") && strcmp(tag, value_in(run, back, "tag")))
		fault(run, front, "its tag differs from its backend's");
	if (f != STATE_INITIALISED && f != STATE_CONNECTED)
		return;

	versions = value_in(run, back, "versions");
	n = number_in(run, front, "version", 0);
	if (versions && n) {
		bool found = false;

		while (versions && (versions = number(versions, UINT32_MAX, &v)) != NULL) {
			found |= v == n;
			versions = *versions == ',' ? versions + 1 : NULL;
		}
		if (!found)
			fault(run, front, "version %u is none of its backend's", n);
	}
	queues = number_in(run, front, "num-queues", 0);
	if (queues > number_in(run, back, "max-queues", 1) || queues > number_in(run, front, "max-queues", queues))
		fault(run, front, "num-queues is over max-queues");
	n = number_in(run, front, "ring-page-order", 0);
	if (n > number_in(run, back, "max-ring-page-order", 0) || n > number_in(run, front, "max-ring-page-order", n))
		fault(run, front, "ring-page-order is over max-ring-page-order");
	for (n = 0; n < 8 && queues; n++) {
		static const char *const own[2] = { "ring-ref", "event-channel" };
		size_t k;

		for (k = 0; k < 2; k++) {
			snprintf(name, sizeof(name), "queue-%u/%s", n, own[k]);
			if (!value_in(run, front, name))
				continue;
			snprintf(path, sizeof(path), "%s/%s", front, name);
			if (n >= queues)
				fault(run, path, "there are only %u queues", queues);
			for (i = 0; i < n; i++) {
				snprintf(other, sizeof(other), "queue-%u/%s", i, own[k]);
				if (value_in(run, front, other) &&
				    !strcmp(value_in(run, front, other), value_in(run, front, name)))
					fault(run, path, "queue %u has the same", i);
			}
		}
	}
}

static void check_back(struct fsva_schema_run *run, const char *back, const struct fsva_schema_at *at)
{
	const char *front = value_in(run, back, "frontend");
	struct fsva_schema_at there = *at;

	if (!front || !is_path(front, FSVA_SCHEMA_DIR_FRONT, &there))
		return;
	if (there.user != at->user || there.device != at->device)
		fault(run, back, "its frontend %s is that of another device", front);
	if (number_in(run, back, "frontend-id", at->user) != at->user)
		fault(run, back, "frontend-id differs from the domain in frontend");
	if (!find(run, front) && !value_in(run, front, "state"))
		fault(run, back, "has no frontend directory %s", front);
}

/* An appliance serves one user domain.  `last` is the backend directory before this one. */
static void check_one_user(struct fsva_schema_run *run, const char *path, const struct fsva_schema_at *at,
			   const struct fsva_schema_at *last)
{
	if (last->appliance == at->appliance && last->user != at->user)
		fault(run, path, "domain %u serves domain %u already", at->appliance, last->user);
}

static void check_libxl(struct fsva_schema_run *run, const char *path, const struct fsva_schema_at *at)
{
	static const char *const of[2] = { "frontend", "backend" };
	static const unsigned int kind[2] = { FSVA_SCHEMA_DIR_FRONT, FSVA_SCHEMA_DIR_BACK };
	struct fsva_schema_at there;
	const char *s;
	size_t i;

	for (i = 0; i < 2; i++) {
		there = *at;
		s = value_in(run, path, of[i]);
		if (s && is_path(s, kind[i], &there) && (there.user != at->user || there.device != at->device))
			fault(run, path, "its %s %s is that of another device", of[i], s);
	}
}

unsigned int fsva_schema_check(struct fsva_schema_store *store, fsva_schema_report *report, void *arg,
			       unsigned int *nr_keys, unsigned int *nr_dirs)
{
	struct fsva_schema_run run = { .store = store, .report = report, .arg = arg };
	struct fsva_schema_at at, there, last_back = { .appliance = FSVA_SCHEMA_ABSENT };
	char path[FSVA_SCHEMA_PATH_MAX], last[FSVA_SCHEMA_PATH_MAX] = "";
	const struct fsva_schema_dir *dir;
	const char *rest;
	size_t i;

	if (store->nr)
		qsort(store->node, store->nr, sizeof(store->node[0]), by_path);
	for (i = 0; i < store->nr; i++) {
		struct fsva_schema_node *node = &store->node[i];

		if (i && !strcmp(node->path, store->node[i - 1].path)) {
			fault(&run, node->path, "is there twice");
			continue;
		}
		check_node(&run, node);
		dir = dir_of(node->path, &at, &rest);
		if (!dir || (dir->shared && !fsva_schema_ours(node->path)))
			continue;
		/* Who may read a frontend's directory is in it, not in its path. */
		if (dir == &fsva_schema_dirs[FSVA_SCHEMA_DIR_FRONT]) {
			const char *back;

			expand(dir->path, &at, path, sizeof(path));
			back = value_in(&run, path, "backend");
			there = at;
			at.appliance = back && is_path(back, FSVA_SCHEMA_DIR_BACK, &there) ? there.appliance :
				       number_in(&run, path, "backend-id", FSVA_SCHEMA_ABSENT);
		}
		check_perms(&run, dir, &at, node);

		/* The directory as a whole, at the first of its nodes. */
		expand(dir->path, &at, path, sizeof(path));
		if (!strcmp(path, last))
			continue;
		memcpy(last, path, sizeof(last));
		run.nr_dirs++;
		check_required(&run, dir, path, &at, dir->has_state ? number_in(&run, path, "state", 0) : 0);
		switch (dir - fsva_schema_dirs) {
		case FSVA_SCHEMA_DIR_FRONT:
			check_device(&run, path, &at);
			break;
		case FSVA_SCHEMA_DIR_BACK:
			check_back(&run, path, &at);
			check_one_user(&run, path, &at, &last_back);
			last_back = at;
			break;
		case FSVA_SCHEMA_DIR_LIBXL:
			check_libxl(&run, path, &at);
			break;
		}
	}
	*nr_keys = run.nr_keys;
	*nr_dirs = run.nr_dirs;
	return run.nr_faults;
}

/* ---- Dumps -------------------------------------------------------------------------------------------- */

static int hex_value(char c)
{
	return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The inverse of what xenstore-ls does to a value.  Returns its length, or -1. */
static int unescape(const char *s, size_t len, char value[FSVA_SCHEMA_VALUE_MAX + 1])
{
	size_t i = 0, n = 0;

	while (i < len) {
		char c = s[i++];

		if (n == FSVA_SCHEMA_VALUE_MAX)
			return -1;
		if (c == '\\') {
			if (i == len)
				return -1;
			c = s[i++];
			switch (c) {
			case 't': c = '\t'; break;
			case 'n': c = '\n'; break;
			case 'r': c = '\r'; break;
			case '\\': break;
			case 'x':
				if (len - i < 2 || hex_value(s[i]) < 0 || hex_value(s[i + 1]) < 0)
					return -1;
				c = (char)(hex_value(s[i]) << 4 | hex_value(s[i + 1]));
				i += 2;
				break;
			case '0':
				if (len - i < 2 || s[i] != '0' || s[i + 1] < '0' || s[i + 1] > '7')
					return -1;
				c = (char)(s[i + 1] - '0');
				i += 2;
				break;
			default:
				return -1;
			}
		}
		value[n++] = c;
	}
	value[n] = 0;
	return (int)n;
}

int fsva_schema_line(char *line, struct fsva_schema_node *node, char path[FSVA_SCHEMA_PATH_MAX],
		     char value[FSVA_SCHEMA_VALUE_MAX + 1])
{
	char *start, *end, *perms;
	uint64_t domid;
	size_t len = strcspn(line, "\r\n");
	int n;

	memset(node, 0, sizeof(*node));
	line[len] = 0;
	if (len == 0)
		return 1;
	start = strstr(line, " = \"");
	if (line[0] != '/' || !start || (size_t)(start - line) >= FSVA_SCHEMA_PATH_MAX)
		return -1;
	memcpy(path, line, (size_t)(start - line));
	path[start - line] = 0;
	start += 4;
	end = strrchr(start, '"');
	if (!end)
		return -1;
	perms = strrchr(end, '(');
	if (perms) {
		const char *p = perms + 1;

		while (*p != ')') {
			if (node->nr_perms == FSVA_SCHEMA_PERMS_MAX || !*p || !strchr("nrwb", *p))
				return -1;
			node->perm[node->nr_perms].may = *p;
			p = number(p + 1, UINT32_MAX - 1, &domid);
			if (!p || (*p != ',' && *p != ')'))
				return -1;
			node->perm[node->nr_perms++].domid = (uint32_t)domid;
			p += *p == ',';
		}
		if (p[1])
			return -1;
	}
	n = unescape(start, (size_t)(end - start), value);
	if (n < 0)
		return -1;
	node->path = path;
	node->value = value;
	node->value_len = (size_t)n;
	return 0;
}
