/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h: what the targets share.
 *
 * An input for a slot is short: a selector, the length of the data (16 bits), the data, then the slot, whose
 * missing end is zero.  So seeds are small, and damage hits what matters.
 */
#ifndef FSVA_TESTS_FUZZ_H
#define FSVA_TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* A broken promise: print it and let libFuzzer keep the input. */
#define FUZZ_CHECK(cond) do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			abort(); \
		} \
	} while (0)

/*
 * Take an input apart.  *data is a copy of its own length, so that the sanitizer sees a read beyond it; the
 * caller frees it.
 */
static inline void fuzz_parts(const uint8_t *input, size_t size, uint8_t *select, uint8_t **data, uint32_t *len,
			      void *slot, size_t slot_size)
{
	uint32_t want = 0;

	*select = size ? *input++ : 0;
	size -= size ? 1 : 0;
	if (size >= 2) {
		want = (uint32_t)(input[0] | input[1] << 8);
		input += 2;
		size -= 2;
	}
	*len = want < size ? want : (uint32_t)size;
	*data = malloc(*len ? *len : 1);
	memcpy(*data, input, *len);
	input += *len;
	size -= *len;
	memset(slot, 0, slot_size);
	memcpy(slot, input, size < slot_size ? size : slot_size);
}

#endif /* FSVA_TESTS_FUZZ_H */
