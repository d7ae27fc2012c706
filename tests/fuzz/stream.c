// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes in as the image of a pair.  The first byte says whether the checksums and numbers of the frames in the
 * rest are to be made right first, so that what is behind them is reached.  Whatever it is, the reader ends, wants
 * no more than it has room for, and what it takes out of a payload is within its limits and packs to the same again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsva_stream.h"
#include "fuzz.h"

static void check_frame(const struct fsva_frame_reader *r)
{
	static struct fsva_member_info member;
	static uint8_t again[FSVA_FRAME_MAX];
	struct fsva_hello hello;
	uint32_t nr;

	FUZZ_CHECK(r->type > 0 && r->type < FSVA_FRAME_TYPES);
	FUZZ_CHECK(r->member < FSVA_MEMBERS_MAX);
	FUZZ_CHECK(r->len <= FSVA_FRAME_MAX);
	if (!fsva_hello_unpack(r->payload, r->len, &hello)) {
		FUZZ_CHECK(hello.nr_members >= 2 && hello.nr_members <= FSVA_MEMBERS_MAX);
		FUZZ_CHECK(fsva_hello_pack(again, &hello) == r->len);
		FUZZ_CHECK(!memcmp(again, r->payload, r->len));
	}
	if (!fsva_bulk_unpack(r->payload, r->len, &nr))
		FUZZ_CHECK(nr > 0 && nr <= FSVA_BULK_MAX);
	if (!fsva_member_unpack(r->payload, r->len, &member)) {
		FUZZ_CHECK(member.name[0] && strlen(member.name) <= FSVA_MEMBER_NAME_MAX);
		FUZZ_CHECK(!strchr(member.name, '/') && !strchr(member.name, '"'));
		FUZZ_CHECK(strlen(member.uuid) == FSVA_MEMBER_UUID_LEN);
		FUZZ_CHECK(strlen(member.device) <= FSVA_MEMBER_DEVICE_MAX);
		FUZZ_CHECK(fsva_member_pack(again, &member) == r->len);
		FUZZ_CHECK(!memcmp(again, r->payload, r->len));
	}
}

/* Makes each frame's number and checksum right, as far as there are whole frames. */
static void mend(uint8_t *p, uint8_t *end)
{
	uint64_t number = 0, sum;
	size_t len;
	int i;

	if (end - p < FSVA_STREAM_PREAMBLE)
		return;
	fsva_stream_preamble(p);
	for (p += FSVA_STREAM_PREAMBLE; end - p >= FSVA_FRAME_HEADER; p += len, number++) {
		len = FSVA_FRAME_HEADER + (p[12] | p[13] << 8);
		p[14] = p[15] = 0;
		if (len > (size_t)(end - p))
			return;
		for (i = 0; i < 8; i++)
			p[16 + i] = number >> 8 * i;
		sum = fsva_xxh64(p + 8, len - 8);
		for (i = 0; i < 8; i++)
			p[i] = sum >> 8 * i;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fsva_frame_reader r;
	uint8_t *copy;
	size_t at = 0, want;
	int got;

	if (!size)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		mend(copy, copy + size - 1);

	memset(&r, 0, sizeof(r));
	for (;;) {
		want = fsva_frame_want(&r);
		FUZZ_CHECK(r.have + want <= sizeof(r.buf));
		if (!want || want > size - 1 - at)
			break;
		memcpy(r.buf + r.have, copy + at, want);
		r.have += want;
		at += want;
		got = fsva_frame_take(&r);
		if (got < 0) {
			FUZZ_CHECK(r.error[0] && strlen(r.error) < sizeof(r.error));
			break;
		}
		if (got)
			check_frame(&r);
	}

	free(copy);
	return 0;
}
