// SPDX-License-Identifier: GPL-2.0-only
/*
 * libxl-plugin/fsva_spec.c, fsva_text.c and fsva_xsm.c: every key, every refusal, that what is printed of bad
 * input is one clean line, and when Xen runs with SILO.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fsva_spec.h"
#include "fsva_text.h"
#include "fsva_xsm.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void assert_clean_line(const char *s)
{
	size_t i;

	assert_true(strlen(s) > 0 && strlen(s) < FSVA_SPEC_ERROR_SIZE);
	for (i = 0; s[i]; i++)
		assert_in_range((unsigned char)s[i], ' ', '~');
}

static void parses(const char *text, struct fsva_spec *spec)
{
	char error[FSVA_SPEC_ERROR_SIZE];

	if (fsva_spec_parse(text, spec, error))
		fail_msg("'%s' was refused: %s", text, error);
	assert_string_equal(error, "");
}

static void test_defaults(void **state)
{
	struct fsva_spec s;

	(void)state;
	parses("tag=data,appliance=/etc/xen/a.cfg,fs=ext4", &s);
	assert_string_equal(s.tag, "data");
	assert_string_equal(s.appliance, "/etc/xen/a.cfg");
	assert_string_equal(s.backend, "");
	assert_string_equal(s.fs, "ext4");
	assert_string_equal(s.dev, "none");
	assert_string_equal(s.options, "");
	assert_int_equal(s.queues, 0);
	assert_int_equal(s.ring_order, -1);
	assert_int_equal(s.signal, FSVA_SPEC_SIGNAL_UNSET);
	assert_int_equal(s.timeout, FSVA_SPEC_TIMEOUT);
}

static void test_all_keys(void **state)
{
	struct fsva_spec s;

	(void)state;
	parses("  ubc=off, timeout = 3600 ,signal=event,ring-order=4,queues=8,options=noatime ,\tdev=server:/a b ,"
	       "fs=nfs_4 , backend=store 7,tag=A.b_c-9", &s);
	assert_string_equal(s.tag, "A.b_c-9");
	assert_string_equal(s.appliance, "");
	assert_string_equal(s.backend, "store 7");
	assert_string_equal(s.fs, "nfs_4");
	assert_string_equal(s.dev, "server:/a b");
	assert_string_equal(s.options, "noatime");
	assert_int_equal(s.queues, 8);
	assert_int_equal(s.ring_order, 4);
	assert_int_equal(s.signal, FSVA_SPEC_SIGNAL_EVENT);
	assert_int_equal(s.timeout, 3600);
	assert_false(s.ubc);

	parses("tag=0,backend=7,fs=x,queues=1,ring-order=0,signal=auto,timeout=1,ubc=on", &s);
	assert_true(s.ubc);
	assert_string_equal(s.tag, "0");
	assert_int_equal(s.queues, 1);
	assert_int_equal(s.ring_order, 0);
	assert_int_equal(s.signal, FSVA_SPEC_SIGNAL_AUTO);
	assert_int_equal(s.timeout, 1);

	parses("tag=d,backend=b,fs=ext4,signal=poll", &s);
	assert_int_equal(s.signal, FSVA_SPEC_SIGNAL_POLL);
	parses("tag=d,backend=b,fs=ext4,signal=mwait", &s);
	assert_int_equal(s.signal, FSVA_SPEC_SIGNAL_MWAIT);
}

static void test_quotes(void **state)
{
	struct fsva_spec s;

	(void)state;
	parses("tag=\"d\",backend=b,fs=ext4,options= \"noatime,commit=30\" ,dev=\" a\\\"b\\\\c, \"", &s);
	assert_string_equal(s.tag, "d");
	assert_string_equal(s.options, "noatime,commit=30");
	assert_string_equal(s.dev, " a\"b\\c, ");

	/* Outside quotes a backslash and an equals sign are what they are. */
	parses("tag=d,backend=b,fs=ext4,dev=\\\\host\\share,options=a=b=c", &s);
	assert_string_equal(s.dev, "\\\\host\\share");
	assert_string_equal(s.options, "a=b=c");

	/* What is not ASCII goes through. */
	parses("tag=d,backend=b,fs=ext4,dev=/dev/disk/by-label/\xc3\xa9", &s);
	assert_string_equal(s.dev, "/dev/disk/by-label/\xc3\xa9");
}

#define OK "tag=d,backend=b,fs=ext4"
#define TEXT8 "12345678"
#define TEXT32 TEXT8 TEXT8 TEXT8 TEXT8
#define TEXT256 TEXT32 TEXT32 TEXT32 TEXT32 TEXT32 TEXT32 TEXT32 TEXT32

static const struct bad {
	const char *text;
	const char *says;
} bads[] = {
	{ "", "empty item" },
	{ "   ", "empty item" },
	{ ",", "empty item" },
	{ OK ",", "empty item" },
	{ OK ",,queues=1", "empty item" },
	{ "=x," OK, "value without a key" },
	{ "noatime," OK, "'noatime' is not KEY=VALUE" },
	{ OK ",color=red", "unknown key 'color'" },
	{ OK ",Queues=1", "unknown key 'Queues'" },
	{ OK ",queue=1", "unknown key 'queue'" },
	{ OK ",\x1b[2J=1", "unknown key '?[2J'" },
	{ OK "," TEXT256 "=1", "unknown key '12345678" },
	{ OK ",tag=e", "'tag' is given twice" },
	{ OK ",options=a,options=b", "'options' is given twice" },
	{ OK ",ubc=off,ubc=off", "'ubc' is given twice" },
	{ "backend=b,fs=ext4", "'tag' is missing" },
	{ "tag=d,fs=ext4", "'appliance' or 'backend' is missing" },
	{ OK ",appliance=/a", "'appliance' and 'backend' exclude each other" },
	{ "tag=d,backend=b", "'fs' is missing" },
	{ "tag=,backend=b,fs=ext4", "'tag' has no value" },
	{ "tag= ,backend=b,fs=ext4", "'tag' has no value" },
	{ OK ",options=\"\"", "'options' has no value" },
	{ "tag=.d,backend=b,fs=ext4", "'tag' may have" },
	{ "tag=-d,backend=b,fs=ext4", "'tag' may have" },
	{ "tag=a/b,backend=b,fs=ext4", "'tag' may have" },
	{ "tag=a b,backend=b,fs=ext4", "'tag' may have" },
	{ "tag=\xc3\xa9,backend=b,fs=ext4", "'tag' may have" },
	{ "tag=" TEXT32 ",backend=b,fs=ext4", "'tag' is longer than 31" },
	{ "tag=d,backend=b,fs=Ext4", "'fs' may have" },
	{ "tag=d,backend=b,fs=fuse.x", "'fs' may have" },
	{ "tag=d,backend=b,fs=" TEXT32, "'fs' is longer than 31" },
	{ "tag=d,fs=ext4,backend=" TEXT256, "'backend' is longer than 255" },
	{ OK ",dev=" TEXT256 TEXT256 TEXT256 TEXT256, "'dev' is longer than 1023" },
	{ OK ",options=" TEXT256 TEXT256 TEXT256 TEXT256, "'options' is longer than 1023" },
	{ OK ",queues=0", "'queues' must be a number from 1 to 8, not '0'" },
	{ OK ",queues=9", "'queues' must be a number from 1 to 8, not '9'" },
	{ OK ",queues=-1", "'queues' must be" },
	{ OK ",queues=+1", "'queues' must be" },
	{ OK ",queues=1x", "'queues' must be" },
	{ OK ",queues=0x1", "'queues' must be" },
	{ OK ",queues=1 2", "'queues' must be" },
	{ OK ",queues=4294967297", "'queues' must be" },
	{ OK ",queues=99999999999999999999999999", "'queues' must be" },
	{ OK ",ring-order=5", "'ring-order' must be a number from 0 to 4" },
	{ OK ",timeout=0", "'timeout' must be a number from 1 to 3600" },
	{ OK ",timeout=3601", "'timeout' must be" },
	{ OK ",signal=fast", "'signal' must be auto, event, poll or mwait, not 'fast'" },
	{ OK ",ubc=1", "'ubc' must be on or off, not '1'" },
	{ OK ",target-memory=512", "'target-memory' is not supported yet" },
	{ OK ",dev=a\nb", "'dev' has a control character" },
	{ OK ",dev=\"a\x7f\"", "'dev' has a control character" },
	{ OK ",dev=\"a\\\n\"", "'dev' has a control character" },
	{ OK ",dev=a\"b", "'dev' has a double quote inside" },
	{ OK ",dev=\"ab", "'dev' lacks its closing quote" },
	{ OK ",dev=\"ab\\", "'dev' lacks its closing quote" },
	{ OK ",dev=\"ab\\\"", "'dev' lacks its closing quote" },
	{ OK ",dev=\"a\"b,queues=1", "'dev' goes on behind its quotes" },
};

static void test_refusals(void **state)
{
	char error[FSVA_SPEC_ERROR_SIZE];
	struct fsva_spec s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bads); i++) {
		if (!fsva_spec_parse(bads[i].text, &s, error))
			fail_msg("'%s' was taken", bads[i].text);
		assert_clean_line(error);
		if (!strstr(error, bads[i].says))
			fail_msg("'%s': expected '%s', got '%s'", bads[i].text, bads[i].says, error);
	}
}

/* The longest value of each, and one more, which has no room in the parser either. */
static void test_lengths(void **state)
{
	static const struct {
		const char *key;
		size_t max;
	} keys[] = {
		{ "tag", FSVA_SPEC_TAG_MAX },
		{ "fs", FSVA_SPEC_FS_MAX },
		{ "dev", FSVA_SPEC_TEXT_MAX },
		{ "options", FSVA_SPEC_TEXT_MAX },
		{ "backend", FSVA_SPEC_BACKEND_MAX },
		{ "appliance", FSVA_SPEC_PATH_MAX },
	};
	char error[FSVA_SPEC_ERROR_SIZE], *text, *value;
	struct fsva_spec s;
	size_t i, extra;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		for (extra = 0; extra < 4; extra++) {
			value = calloc(1, keys[i].max + extra + 1);
			memset(value, 'x', keys[i].max + extra);
			text = NULL;
			assert_true(asprintf(&text, "%s=%s%s%s%s", keys[i].key, value,
					     strcmp(keys[i].key, "tag") ? ",tag=d" : "",
					     strcmp(keys[i].key, "fs") ? ",fs=ext4" : "",
					     strcmp(keys[i].key, "backend") && strcmp(keys[i].key, "appliance") ?
						     ",backend=b" : "") > 0);
			assert_int_equal(fsva_spec_parse(text, &s, error), extra ? -1 : 0);
			if (extra)
				assert_clean_line(error);
			free(text);
			free(value);
		}
	}
}

static void test_clean(void **state)
{
	char out[16];

	(void)state;
	fsva_text_clean(out, sizeof(out), "mount: no disk");
	assert_string_equal(out, "mount: no disk");
	fsva_text_clean(out, sizeof(out), "a\nb\033[31mc\x80\xff~");
	assert_string_equal(out, "a?b?[31mc??~");
	fsva_text_clean(out, sizeof(out), "123456789012345");
	assert_string_equal(out, "123456789012345");
	fsva_text_clean(out, sizeof(out), "1234567890123456");
	assert_string_equal(out, "123456789012...");
	fsva_text_clean(out, 3, "12345");
	assert_string_equal(out, "12");
	fsva_text_clean(out, 1, "12345");
	assert_string_equal(out, "");
	fsva_text_clean(out, sizeof(out), "");
	assert_string_equal(out, "");
	memcpy(out, "keep", 5);
	fsva_text_clean(out, 0, "12345");
	assert_string_equal(out, "keep");
}

static void tail_is(const char *text, unsigned nr, const char *want)
{
	const char *tail = fsva_text_tail(text, strlen(text), nr);

	assert_string_equal(tail, want);
}

static void test_tail(void **state)
{
	(void)state;
	tail_is("", 3, "");
	tail_is("\n", 3, "\n");
	tail_is("a", 1, "a");
	tail_is("a\nb", 1, "b");
	tail_is("a\nb\n", 1, "b\n");
	tail_is("a\nb\nc\n", 2, "b\nc\n");
	tail_is("a\nb\nc\n", 3, "a\nb\nc\n");
	tail_is("a\nb\nc\n", 9, "a\nb\nc\n");
	tail_is("a\n\n\n", 2, "\n\n");
}

static void test_silo(void **state)
{
	static const char none[] = "CONFIG_XSM=y\n# CONFIG_XSM_SILO is not set\n";
	static const char there[] = "CONFIG_X86=y\nCONFIG_XSM=y\nCONFIG_XSM_SILO=y\nCONFIG_XSM_DUMMY_DEFAULT=y\n";
	static const char preset[] = "CONFIG_XSM_SILO=y\n# CONFIG_XSM_DUMMY_DEFAULT is not set\n"
				     "CONFIG_XSM_SILO_DEFAULT=y\n";

	(void)state;
	assert_false(fsva_xsm_is_silo("", NULL));
	assert_true(fsva_xsm_is_silo("xsm=silo", NULL));
	assert_true(fsva_xsm_is_silo("console=com1 xsm=silo dom0_mem=1G", NULL));
	assert_false(fsva_xsm_is_silo("xsm=silo xsm=flask", NULL));
	assert_true(fsva_xsm_is_silo("xsm=dummy xsm=silo", NULL));
	assert_false(fsva_xsm_is_silo("noxsm=silo", NULL));
	assert_false(fsva_xsm_is_silo("xsm=siloed", NULL));
	assert_false(fsva_xsm_is_silo("xsm=", NULL));
	assert_false(fsva_xsm_is_silo("xsm=silo", ""));
	assert_false(fsva_xsm_is_silo("xsm=silo", none));
	assert_false(fsva_xsm_is_silo("", there));
	assert_true(fsva_xsm_is_silo("xsm=silo", there));
	assert_true(fsva_xsm_is_silo("", preset));
	assert_true(fsva_xsm_is_silo("xsm=silo", preset));
	assert_false(fsva_xsm_is_silo("xsm=dummy", preset));
	assert_false(fsva_xsm_is_silo("a xsm=flask b", preset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_all_keys), cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_lengths),  cmocka_unit_test(test_clean),
		cmocka_unit_test(test_tail),	 cmocka_unit_test(test_silo),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
