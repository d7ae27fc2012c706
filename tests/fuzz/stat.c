// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes in as two pages of statistics of a frontend.  Whatever is in them, they are read or refused, and what
 * comes out of the two can be printed: no rate is negative or no number, and no mode or operation lacks its name.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsva_stat.h"
#include "fuzz.h"

/* The first octet says whether the head of a page is made right, so that what is behind it is reached. */
static const char *page(const uint8_t *data, size_t size, bool right, struct fsva_stat *stat)
{
	static struct fsva_stat_page shared;

	memset(&shared, 0, sizeof(shared));
	memcpy(&shared, data, size < sizeof(shared) ? size : sizeof(shared));
	if (right) {
		shared.magic = FSVA_STAT_MAGIC;
		shared.version = FSVA_STAT_VERSION;
		shared.nr_queues %= FSVA_MAX_QUEUES + 1;
		shared.seq &= ~1u;
		shared.session = 1;
	}
	return fsva_stat_read(&shared, stat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fsva_stat a, b;
	struct fsva_stat_rate rate;
	size_t half;
	unsigned int i;

	if (!size)
		return 0;
	half = (size - 1) / 2;
	if (page(data + 1, half, data[0] & 1, &a) || page(data + 1 + half, half, data[0] & 1, &b))
		return 0;
	fsva_stat_rate(&a, &b, &rate);
	FUZZ_CHECK(rate.seconds >= 0 && isfinite(rate.calls) && rate.calls >= 0);
	FUZZ_CHECK(isfinite(rate.busy) && rate.busy >= 0 && isfinite(rate.watched) && rate.watched >= 0);
	for (i = 0; i < FSVA_OP_MAX; i++)
		FUZZ_CHECK(isfinite(rate.ops[i]) && rate.ops[i] >= 0);
	for (i = 0; i < 3; i++)
		FUZZ_CHECK(rate.latency_us[i] <= UINT64_C(1) << (FSVA_STAT_BUCKETS - 2));
	FUZZ_CHECK(rate.latency_us[0] <= rate.latency_us[1] && rate.latency_us[1] <= rate.latency_us[2]);
	FUZZ_CHECK(fsva_stat_mode(&b));
	FUZZ_CHECK(a.page.nr_queues <= FSVA_MAX_QUEUES && b.page.nr_queues <= FSVA_MAX_QUEUES);
	return 0;
}
