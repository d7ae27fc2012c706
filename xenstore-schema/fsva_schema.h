/* SPDX-License-Identifier: MIT */
/*
 * fsva_schema.h: checks a snapshot of xenstore against schema.yaml.
 *
 * Whoever has the snapshot adds its nodes one by one, in any order, then calls fsva_schema_check(), which
 * reports each fault once.  No xenstore library in here: fsva_xenstore_check.c reads a live store or a dump.
 */
#ifndef FSVA_SCHEMA_H
#define FSVA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FSVA_SCHEMA_PERMS_MAX   16
#define FSVA_SCHEMA_VALUE_MAX   4096
#define FSVA_SCHEMA_PATH_MAX    1024

/* As xenstore-ls prints them: the first names the owner and what all others may do. */
struct fsva_schema_perm {
	char may;               /* n, r, w, b */
	uint32_t domid;
};

struct fsva_schema_node {
	char *path;
	char *value;            /* terminated; value_len octets, which may hold NUL */
	size_t value_len;
	struct fsva_schema_perm perm[FSVA_SCHEMA_PERMS_MAX];
	unsigned int nr_perms;  /* 0: not known, and not checked */
};

struct fsva_schema_store {
	struct fsva_schema_node *node;
	size_t nr, room;
	uint32_t toolstack;     /* its domain, usually 0 */
};

typedef void fsva_schema_report(void *arg, const char *path, const char *fault);

/* false: out of memory.  The store copies what it is given. */
bool fsva_schema_add(struct fsva_schema_store *store, const struct fsva_schema_node *node);

/* Does the path lie where the schema has something to say? */
bool fsva_schema_ours(const char *path);

/* The number of faults.  *nr_keys and *nr_dirs count what was checked. */
unsigned int fsva_schema_check(struct fsva_schema_store *store, fsva_schema_report *report, void *arg,
			       unsigned int *nr_keys, unsigned int *nr_dirs);

void fsva_schema_free(struct fsva_schema_store *store);

/*
 * Take one line of `xenstore-ls -f -p` apart; *node's strings go to the buffers.  0: a node; 1: nothing in it;
 * -1: not such a line.
 */
int fsva_schema_line(char *line, struct fsva_schema_node *node, char path[FSVA_SCHEMA_PATH_MAX],
		     char value[FSVA_SCHEMA_VALUE_MAX + 1]);

#endif /* FSVA_SCHEMA_H */
