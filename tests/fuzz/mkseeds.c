/* SPDX-License-Identifier: MIT */
/* mkseeds.c: write the samples as seeds: `make seeds` after an operation was added, and commit what it made. */
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static const char *root;

static void put(const char *target, const char *name, const uint8_t *octets, size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, target);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", root, target, name);
	f = fopen(path, "wb");
	if (!f || fwrite(octets, 1, len, f) != len || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void put_slot(const char *target, const char *name, const uint8_t *data, uint32_t len, const void *slot)
{
	uint8_t out[3 + SAMPLE_DATA_MAX + FSVA_SLOT_SIZE] = { 0, (uint8_t)len, (uint8_t)(len >> 8) };
	size_t size = 3 + len + FSVA_SLOT_SIZE;

	memcpy(out + 3, data, len);
	memcpy(out + 3 + len, slot, FSVA_SLOT_SIZE);
	while (size > 3 + len && out[size - 1] == 0)
		size--;
	put(target, name, out, size);
}

int main(int argc, char **argv)
{
	uint8_t data[SAMPLE_DATA_MAX + 1];
	struct fsva_req req;
	struct fsva_rsp rsp;
	uint16_t op = 0;
	uint32_t len;

	if (argc != 2)
		return 2;
	root = argv[1];
	while ((op = sample_next_op(op))) {
		const char *name = fsva_wire_op(op)->name;

		len = sample_req(op, &req, data + 1);
		put_slot("request", name, data + 1, len, &req);
		if (fsva_wire_op(op)->flags & FSVA_F_DATA_IN) {
			data[0] = (uint8_t)op;
			put("request_data", name, data, len + 1);
		}
		len = sample_rsp(&req, &rsp, data);
		put_slot("response", name, data, len, &rsp);
		if (op == FSVA_OP_READDIR)
			put("dirents", name, data, len);
	}
	return 0;
}
