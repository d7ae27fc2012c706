/* SPDX-License-Identifier: MIT */
/*
 * errno.c: the wire's errors, and the translation that each driver makes of fsva_errno.h.
 *
 * The two functions below are what linux-front, linux-back and netbsd-back build from the same list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>

#include "fsva_wire.h"

#include <cmocka.h>

/* NetBSD's names, where Linux has others. */
#ifndef EUCLEAN
#define EUCLEAN EIO
#endif
#ifndef EBADE
#define EBADE EIO
#endif

static uint32_t to_wire(int host)
{
#define FSVA_ERRNO(name, value) if (host == name) return FSVA_##name;
#include "fsva_errno.h"
#undef FSVA_ERRNO
	return host ? FSVA_EIO : FSVA_OK;
}

static int to_host(uint32_t wire)
{
	switch (wire) {
	case FSVA_OK:
		return 0;
#define FSVA_ERRNO(name, value) case FSVA_##name: return name;
#include "fsva_errno.h"
#undef FSVA_ERRNO
	}
	return EIO;
}

static const struct {
	const char *name;
	uint32_t wire;
} list[] = {
#define FSVA_ERRNO(name, value) { #name, value },
#include "fsva_errno.h"
#undef FSVA_ERRNO
};

static void distinct_and_ascending(void **state)
{
	uint32_t last = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (list[i].wire <= last || list[i].wire > FSVA_ERROR_MAX)
			fail_msg("%s is out of order or range", list[i].name);
		last = list[i].wire;
	}
}

static void there_and_back(void **state)
{
	int host;

	(void)state;
	for (host = 0; host < 4096; host++) {
		int back = to_host(to_wire(host));

		assert_true(back == host || (back == EIO && host != 0));
	}
}

static void unknown_is_eio(void **state)
{
	(void)state;
	assert_int_equal(to_host(3), EIO);              /* ESRCH: on no wire */
	assert_int_equal(to_host(4095), EIO);
	assert_int_equal(to_host(0xffffffff), EIO);
	assert_int_equal(to_wire(-1), FSVA_EIO);
	assert_int_equal(to_wire(4095), FSVA_EIO);
	assert_int_equal(to_wire(0), FSVA_OK);
}

/* What file systems return most, by number: these values are in every file that was ever recorded. */
static void numbers(void **state)
{
	(void)state;
	assert_int_equal(FSVA_ENOENT, 2);
	assert_int_equal(FSVA_EIO, 5);
	assert_int_equal(FSVA_ENOSPC, 28);
	assert_int_equal(FSVA_EPROTO, 71);
	assert_int_equal(FSVA_EOPNOTSUPP, 95);
	assert_int_equal(FSVA_ESTALE, 116);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distinct_and_ascending),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(unknown_is_eio),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests_name("errno", tests, NULL, NULL);
}
