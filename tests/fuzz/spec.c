// SPDX-License-Identifier: GPL-2.0-only
/*
 * One string of fsva = [...].  Whatever it is, the parser ends, stays inside its buffers, and either fills a spec
 * in which each value is within its limits, or says why not in one printable line.  What it took, it takes again
 * when the spec is written out.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fsva_spec.h"
#include "fuzz.h"

static char *put(char *p, const char *key, const char *value)
{
	if (!value[0])
		return p;

	p += sprintf(p, "%s=\"", key);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			*p++ = '\\';
		*p++ = *value;
	}
	return p + sprintf(p, "\",");
}

static void check_again(const struct fsva_spec *spec)
{
	static const char *const signals[] = {
		[FSVA_SPEC_SIGNAL_AUTO] = "auto",
		[FSVA_SPEC_SIGNAL_EVENT] = "event",
		[FSVA_SPEC_SIGNAL_POLL] = "poll",
		[FSVA_SPEC_SIGNAL_MWAIT] = "mwait",
	};
	static char text[2 * sizeof(*spec) + 256];
	char error[FSVA_SPEC_ERROR_SIZE], *p = text;
	struct fsva_spec again;

	p = put(p, "tag", spec->tag);
	p = put(p, "appliance", spec->appliance);
	p = put(p, "backend", spec->backend);
	p = put(p, "fs", spec->fs);
	p = put(p, "dev", spec->dev);
	p = put(p, "options", spec->options);
	if (spec->queues)
		p += sprintf(p, "queues=%d,", spec->queues);
	if (spec->ring_order >= 0)
		p += sprintf(p, "ring-order=%d,", spec->ring_order);
	if (spec->signal)
		p += sprintf(p, "signal=%s,", signals[spec->signal]);
	sprintf(p, "timeout=%d", spec->timeout);

	FUZZ_CHECK(!fsva_spec_parse(text, &again, error));
	FUZZ_CHECK(!memcmp(spec, &again, sizeof(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[FSVA_SPEC_ERROR_SIZE], *text = malloc(size + 1);
	static struct fsva_spec spec;
	size_t i;

	memcpy(text, data, size);
	text[size] = '\0';

	if (fsva_spec_parse(text, &spec, error)) {
		FUZZ_CHECK(error[0] && strlen(error) < sizeof(error));
		for (i = 0; error[i]; i++)
			FUZZ_CHECK(error[i] >= ' ' && error[i] <= '~');
	} else {
		FUZZ_CHECK(spec.tag[0] && strlen(spec.tag) <= FSVA_SPEC_TAG_MAX);
		FUZZ_CHECK(spec.fs[0] && strlen(spec.fs) <= FSVA_SPEC_FS_MAX);
		FUZZ_CHECK(!spec.appliance[0] != !spec.backend[0]);
		FUZZ_CHECK(spec.dev[0]);
		FUZZ_CHECK(spec.queues >= 0 && spec.queues <= FSVA_SPEC_QUEUES_MAX);
		FUZZ_CHECK(spec.ring_order >= -1 && spec.ring_order <= FSVA_SPEC_ORDER_MAX);
		FUZZ_CHECK(spec.timeout >= 1 && spec.timeout <= FSVA_SPEC_TIMEOUT_MAX);
		check_again(&spec);
	}

	free(text);
	return 0;
}
