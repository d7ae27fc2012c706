/* SPDX-License-Identifier: MIT */
/*
 * dirents.c: a directory listing, as the front takes it from a hostile back.  The reader must end, stay in the
 * buffer, give out names that the user's VFS can bear, and read nothing that the writer would not write.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	uint32_t pos = 0, last = 0, len = (uint32_t)size;
	struct fsva_dirent d;
	const char *name;
	uint8_t *data;
	int error;

	data = malloc(size ? size : 1);
	memcpy(data, input, size);
	while ((error = fsva_wire_dirent_get(data, len, &pos, &d, &name)) == FSVA_OK) {
		FUZZ_CHECK(pos >= last + FSVA_DIRENT_MIN && pos <= len && pos % 8 == 0);
		FUZZ_CHECK((const uint8_t *)name >= data + last && (const uint8_t *)name + d.name_len <= data + pos);
		FUZZ_CHECK(d.name_len >= 1 && d.name_len <= FSVA_NAME_MAX);
		FUZZ_CHECK(!memchr(name, '/', d.name_len) && !memchr(name, 0, d.name_len));
		last = pos;
	}
	FUZZ_CHECK(pos == last);
	FUZZ_CHECK(error == FSVA_EPROTO || (error == FSVA_ENODATA && pos == len));
	FUZZ_CHECK(sample_listing_rebuilt(data, len));
	free(data);
	return 0;
}
