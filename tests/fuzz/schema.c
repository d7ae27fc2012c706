/* SPDX-License-Identifier: MIT */
/*
 * schema.c: a dump of xenstore, as guests could have filled it.  The checker must end, stay in its buffers, and
 * find the same faults again when it is asked again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsva_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void count(void *arg, const char *path, const char *text)
{
	if (!path[0] || !text[0])
		abort();
	++*(unsigned int *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static char path[FSVA_SCHEMA_PATH_MAX], value[FSVA_SCHEMA_VALUE_MAX + 1];
	unsigned int nr_keys, nr_dirs, faults, again, reported = 0;
	struct fsva_schema_store store = { 0 };
	struct fsva_schema_node node;
	char *text, *line, *end;

	text = malloc(size + 1);
	memcpy(text, input, size);
	text[size] = 0;
	for (line = text; line < text + size; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + size - line));
		if (!end)
			end = text + size;
		*end = 0;
		if (fsva_schema_line(line, &node, path, value) != 0)
			continue;
		if (strlen(path) >= FSVA_SCHEMA_PATH_MAX || node.value_len > FSVA_SCHEMA_VALUE_MAX ||
		    node.nr_perms > FSVA_SCHEMA_PERMS_MAX)
			abort();
		fsva_schema_add(&store, &node);
	}
	free(text);
	faults = fsva_schema_check(&store, count, &reported, &nr_keys, &nr_dirs);
	if (faults != reported || nr_keys > store.nr || nr_dirs > store.nr)
		abort();
	again = fsva_schema_check(&store, NULL, NULL, &nr_keys, &nr_dirs);
	if (again != faults)
		abort();
	fsva_schema_free(&store);
	return 0;
}
