/* SPDX-License-Identifier: MIT */
/*
 * fsva-xenstore-check: check a host's xenstore, or a dump of one, against schema.yaml.
 *
 * Exit status: 0, nothing wrong; 1, faults, one a line; 2, it could not be read.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsva_schema.h"

#ifdef HAVE_XENSTORE
#include <xenstore.h>
#endif

static bool quiet;

static void usage(FILE *to)
{
	fputs("usage: fsva-xenstore-check [-q] [--file DUMP]\n"
	      "  --file DUMP   read what `xenstore-ls -f -p` printed (-: standard input), not the running host\n"
	      "  -q            print faults only\n", to);
}

static void print_fault(void *arg, const char *path, const char *text)
{
	(void)arg;
	printf("%s: %s\n", path, text);
}

static int read_dump(struct fsva_schema_store *store, const char *name)
{
	static char path[FSVA_SCHEMA_PATH_MAX], value[FSVA_SCHEMA_VALUE_MAX + 1];
	FILE *f = strcmp(name, "-") ? fopen(name, "r") : stdin;
	struct fsva_schema_node node;
	unsigned int number = 0;
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!f) {
		fprintf(stderr, "fsva-xenstore-check: %s: %s\n", name, strerror(errno));
		return 2;
	}
	while (rc == 0 && getline(&line, &room, f) >= 0) {
		number++;
		switch (fsva_schema_line(line, &node, path, value)) {
		case -1:
			fprintf(stderr, "fsva-xenstore-check: %s:%u: not a line of `xenstore-ls -f -p`\n", name,
				number);
			rc = 2;
			break;
		case 0:
			if (fsva_schema_ours(node.path) && !fsva_schema_add(store, &node))
				rc = 2;
			break;
		}
	}
	if (ferror(f)) {
		fprintf(stderr, "fsva-xenstore-check: %s: %s\n", name, strerror(errno));
		rc = 2;
	}
	free(line);
	if (f != stdin)
		fclose(f);
	return rc;
}

#ifdef HAVE_XENSTORE

/* The node and all below it.  What is gone meanwhile is not an error: nothing is held still but by the transaction. */
static bool take(struct xs_handle *xs, xs_transaction_t t, struct fsva_schema_store *store, const char *path)
{
	struct fsva_schema_node node = { 0 };
	struct xs_permissions *perms;
	unsigned int len, nr, i;
	char below[FSVA_SCHEMA_PATH_MAX];
	char **list;
	bool ok;

	node.value = xs_read(xs, t, path, &len);
	if (!node.value)
		return errno == ENOENT;
	node.path = (char *)(uintptr_t)path;
	node.value_len = len;
	perms = xs_get_permissions(xs, t, path, &nr);
	for (i = 0; perms && i < nr && i < FSVA_SCHEMA_PERMS_MAX; i++) {
		static const char may[4] = { 'n', 'r', 'w', 'b' };

		node.perm[i].domid = perms[i].id;
		node.perm[i].may = may[perms[i].perms & (XS_PERM_READ | XS_PERM_WRITE)];
		node.nr_perms++;
	}
	free(perms);
	ok = !fsva_schema_ours(path) || fsva_schema_add(store, &node);
	free(node.value);
	if (!ok)
		return false;

	list = xs_directory(xs, t, path, &nr);
	if (!list)
		return errno == ENOENT;
	for (i = 0; ok && i < nr; i++) {
		if ((size_t)snprintf(below, sizeof(below), "%s/%s", path, list[i]) < sizeof(below))
			ok = take(xs, t, store, below);
	}
	free(list);
	return ok;
}

static int read_live(struct fsva_schema_store *store)
{
	/* Below each domain's directory: no need to read what a host has besides. */
	static const char *const local[] = {
		"device/fsva", "backend/fsva", "error/device/fsva", "error/backend/fsva", "data",
	};
	static const char *const libxl[] = { "device/fsva", "fsva" };
	static const struct {
		const char *root, *const *part;
		size_t nr;
	} trees[] = { { "/local/domain", local, 5 }, { "/libxl", libxl, 2 } };
	struct xs_handle *xs = xs_open(0);
	xs_transaction_t t;
	unsigned int nr, i;
	char path[256];
	bool ok = true;
	size_t k, j;

	if (!xs) {
		fprintf(stderr, "fsva-xenstore-check: no xenstore: %s\n", strerror(errno));
		return 2;
	}
	/* One transaction, so that both ends of a device are seen at one moment. */
	t = xs_transaction_start(xs);
	for (k = 0; ok && t && k < 2; k++) {
		char **list = xs_directory(xs, t, trees[k].root, &nr);

		for (i = 0; ok && list && i < nr; i++)
			for (j = 0; ok && j < trees[k].nr; j++) {
				snprintf(path, sizeof(path), "%s/%s/%s", trees[k].root, list[i], trees[k].part[j]);
				ok = take(xs, t, store, path);
			}
		free(list);
	}
	ok = ok && t;
	if (!ok)
		fprintf(stderr, "fsva-xenstore-check: reading xenstore: %s\n", strerror(errno));
	if (t)
		xs_transaction_end(xs, t, true);
	xs_close(xs);
	return ok ? 0 : 2;
}

#else

static int read_live(struct fsva_schema_store *store)
{
	(void)store;
	fputs("fsva-xenstore-check: built without libxenstore: give --file DUMP\n", stderr);
	return 2;
}

#endif

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct fsva_schema_store store = { 0 };
	unsigned int faults, nr_keys, nr_dirs;
	const char *file = NULL;
	int c, rc;

	while ((c = getopt_long(argc, argv, "f:qh", options, NULL)) != -1) {
		switch (c) {
		case 'f': file = optarg; break;
		case 'q': quiet = true; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return 2;
	}
	rc = file ? read_dump(&store, file) : read_live(&store);
	if (!rc) {
		faults = fsva_schema_check(&store, print_fault, NULL, &nr_keys, &nr_dirs);
		rc = faults ? 1 : 0;
		if (!quiet || faults)
			printf("xenstore: %u keys in %u directories of the schema, %u faults\n", nr_keys, nr_dirs,
			       faults);
	}
	fsva_schema_free(&store);
	return rc;
}
