// SPDX-License-Identifier: GPL-2.0-only
/*
 * libxl-plugin/fsva_stream.c: the checksum's published values; what is packed comes back; each single bit that
 * is turned over, each cut, each frame that is left out, repeated or moved is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsva_stream.h"

static const char *const UUID = "01234567-89ab-cdef-0123-456789abcdef";

static void test_xxh64(void **state)
{
	uint8_t buf[101];
	uint32_t gen = 2654435761u;
	size_t i;

	(void)state;
	assert_true(fsva_xxh64("", 0) == 0xef46db3751d8e999ULL);
	assert_true(fsva_xxh64("a", 1) == 0xd24ec4f1a98c6e5bULL);
	assert_true(fsva_xxh64("abc", 3) == 0x44bc2cf5ad770999ULL);
	/* longer than a stripe */
	assert_true(fsva_xxh64("Nobody inspects the spammish repetition", 39) == 0xfbcea83c8a378bf1ULL);
	/* the reference implementation's own self test */
	for (i = 0; i < sizeof(buf); i++) {
		buf[i] = gen >> 24;
		gen *= gen;
	}
	assert_true(fsva_xxh64(buf, sizeof(buf)) == 0x0eab543384f878adULL);
}

/* A short stream in memory: three frames of 5, 0 and 300 bytes. */
static uint8_t made[4096];
static size_t made_len, frame_at[4];

static void add(const uint8_t *data, size_t len)
{
	memcpy(made + made_len, data, len);
	made_len += len;
}

static void make(void)
{
	static struct fsva_frame_writer w;

	memset(&w, 0, sizeof(w));
	made_len = FSVA_STREAM_PREAMBLE;
	fsva_stream_preamble(made);
	frame_at[0] = made_len;
	memcpy(w.buf + FSVA_FRAME_HEADER, "hello", 5);
	add(w.buf, fsva_frame_seal(&w, FSVA_FRAME_DATA, 1, 5));
	frame_at[1] = made_len;
	add(w.buf, fsva_frame_seal(&w, FSVA_FRAME_LAST, 1, 0));
	frame_at[2] = made_len;
	memset(w.buf + FSVA_FRAME_HEADER, 'x', 300);
	add(w.buf, fsva_frame_seal(&w, FSVA_FRAME_DATA, 15, 300));
	frame_at[3] = made_len;
}

static struct fsva_frame_reader reader;

/* How many frames there are in it; -1: refused, -2: it ends within one. */
static int read_all(const uint8_t *data, size_t len)
{
	size_t at = 0, want;
	int nr = 0, r;

	memset(&reader, 0, sizeof(reader));
	for (;;) {
		want = fsva_frame_want(&reader);
		assert_true(reader.have + want <= sizeof(reader.buf));
		if (want > len - at)
			return at == len && !reader.have ? nr : -2;
		memcpy(reader.buf + reader.have, data + at, want);
		reader.have += want;
		at += want;
		r = fsva_frame_take(&reader);
		if (r < 0) {
			assert_true(reader.error[0]);
			return -1;
		}
		nr += r;
	}
}

static void test_frames(void **state)
{
	size_t at = 0, want;
	int r;

	(void)state;
	make();
	assert_int_equal(read_all(made, made_len), 3);
	assert_int_equal(reader.type, FSVA_FRAME_DATA);
	assert_int_equal(reader.member, 15);
	assert_int_equal(reader.len, 300);

	/* a byte at a time */
	memset(&reader, 0, sizeof(reader));
	while (at < frame_at[1]) {
		want = fsva_frame_want(&reader);
		assert_true(want > 0);
		reader.buf[reader.have++] = made[at++];
		r = fsva_frame_take(&reader);
		assert_int_equal(r, at == frame_at[1]);
	}
	assert_int_equal(reader.len, 5);
	assert_memory_equal(reader.payload, "hello", 5);
}

static void test_each_bit(void **state)
{
	static uint8_t bad[sizeof(made)];
	size_t bit;
	int r;

	(void)state;
	make();
	for (bit = 0; bit < made_len * 8; bit++) {
		memcpy(bad, made, made_len);
		bad[bit / 8] ^= 1 << bit % 8;
		r = read_all(bad, made_len);
		/* a length that grew may end the input first: that is found as a cut */
		assert_true(r == -1 || r == -2);
	}
}

static void test_each_cut(void **state)
{
	size_t len;

	(void)state;
	make();
	for (len = FSVA_STREAM_PREAMBLE; len < made_len; len++)
		if (len != FSVA_STREAM_PREAMBLE && len != frame_at[1] && len != frame_at[2])
			assert_int_equal(read_all(made, len), -2);
}

static void test_order(void **state)
{
	static uint8_t bad[sizeof(made)];
	size_t n;

	(void)state;
	make();
	/* without the second */
	memcpy(bad, made, frame_at[1]);
	memcpy(bad + frame_at[1], made + frame_at[2], frame_at[3] - frame_at[2]);
	assert_int_equal(read_all(bad, frame_at[1] + frame_at[3] - frame_at[2]), -1);
	/* the first twice */
	n = frame_at[1] - frame_at[0];
	memcpy(bad, made, frame_at[1]);
	memcpy(bad + frame_at[1], made + frame_at[0], n);
	assert_int_equal(read_all(bad, frame_at[1] + n), -1);
	assert_non_null(strstr(reader.error, "missing"));
}

static void test_version(void **state)
{
	(void)state;
	make();
	made[8] = 2;
	assert_int_equal(read_all(made, made_len), -1);
	assert_non_null(strstr(reader.error, "version 2"));
	assert_int_equal(read_all((const uint8_t *)"Xen saved domain, xl format\n", 28), -1);
	assert_false(fsva_stream_is_ours((const uint8_t *)"FSVA", 4));
}

static void test_hello(void **state)
{
	struct fsva_hello h = { .nr_members = 3, .memory_kb = 123456789 }, got;
	uint8_t buf[32];
	size_t len = fsva_hello_pack(buf, &h);

	(void)state;
	assert_int_equal(fsva_hello_unpack(buf, len, &got), 0);
	assert_int_equal(got.nr_members, 3);
	assert_int_equal(got.memory_kb, 123456789);
	assert_int_equal(fsva_hello_unpack(buf, len - 1, &got), -1);
	buf[0] = 1;
	assert_int_equal(fsva_hello_unpack(buf, len, &got), -1);
	buf[0] = FSVA_MEMBERS_MAX + 1;
	assert_int_equal(fsva_hello_unpack(buf, len, &got), -1);
}

static void test_member(void **state)
{
	static const char *const bad_names[] = { "", "a/b", "a b", "a\"", "a'", "a\\", "a\n", "\x7f" };
	static struct fsva_member_info m, got;
	static uint8_t buf[FSVA_FRAME_MAX];
	size_t len, cut, i;

	(void)state;
	strcpy(m.name, "web1.data");
	strcpy(m.uuid, UUID);
	strcpy(m.device, "{\"tag\": \"data\"}");
	m.owned = true;
	len = fsva_member_pack(buf, &m);
	assert_int_equal(fsva_member_unpack(buf, len, &got), 0);
	assert_true(got.owned);
	assert_string_equal(got.name, m.name);
	assert_string_equal(got.uuid, m.uuid);
	assert_string_equal(got.device, m.device);
	for (cut = 0; cut < len; cut++)
		assert_int_equal(fsva_member_unpack(buf, cut, &got), -1);
	assert_int_equal(fsva_member_unpack(buf, len + 1, &got), -1);

	for (i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		strcpy(m.name, bad_names[i]);
		len = fsva_member_pack(buf, &m);
		assert_int_equal(fsva_member_unpack(buf, len, &got), -1);
	}
	strcpy(m.name, "x");
	m.uuid[8] = '0';
	len = fsva_member_pack(buf, &m);
	assert_int_equal(fsva_member_unpack(buf, len, &got), -1);

	/* the longest of everything fits a frame */
	memset(m.name, 'n', FSVA_MEMBER_NAME_MAX);
	strcpy(m.uuid, UUID);
	memset(m.device, 'd', FSVA_MEMBER_DEVICE_MAX);
	len = fsva_member_pack(buf, &m);
	assert_true(len <= FSVA_FRAME_MAX);
	assert_int_equal(fsva_member_unpack(buf, len, &got), 0);
}

static void test_bulk(void **state)
{
	static const uint32_t good[] = { 1, 4096, FSVA_BULK_MAX };
	static const uint32_t bad[] = { 0, FSVA_BULK_MAX + 1, UINT32_MAX };
	uint8_t buf[8];
	uint32_t nr;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(fsva_bulk_pack(buf, good[i]), 4);
		assert_int_equal(fsva_bulk_unpack(buf, 4, &nr), 0);
		assert_int_equal(nr, good[i]);
		assert_int_equal(fsva_bulk_unpack(buf, 3, &nr), -1);
		assert_int_equal(fsva_bulk_unpack(buf, 5, &nr), -1);
		fsva_bulk_pack(buf, bad[i]);
		assert_int_equal(fsva_bulk_unpack(buf, 4, &nr), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xxh64),	 cmocka_unit_test(test_frames), cmocka_unit_test(test_each_bit),
		cmocka_unit_test(test_each_cut), cmocka_unit_test(test_order),	cmocka_unit_test(test_version),
		cmocka_unit_test(test_hello),	 cmocka_unit_test(test_member),	cmocka_unit_test(test_bulk),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
