/* SPDX-License-Identifier: MIT */
/*
 * request.c: a request that a hostile front puts on the ring, and the data with it, as the back takes them.
 * What passes must be what the builders build, and its references must lie in the body.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct fsva_req req;
	const uint32_t *gref;
	uint8_t select, *data;
	uint32_t len, in;
	int error;

	fuzz_parts(input, size, &select, &data, &len, &req, sizeof(req));
	error = fsva_wire_check_req(&req, select & 1 ? 8 : FSVA_MAX_SLOTS, select & 2 ? 2 : FSVA_MAX_CREDS);
	FUZZ_CHECK(error >= 0 && error <= (int)FSVA_ERROR_MAX);
	if (error) {
		free(data);
		return 0;
	}

	FUZZ_CHECK(fsva_wire_op(req.op));
	FUZZ_CHECK(req.tag < FSVA_MAX_SLOTS && req.cred < FSVA_MAX_CREDS);
	FUZZ_CHECK(req.nr_grefs <= FSVA_MAX_GREFS);
	gref = fsva_wire_grefs(&req);
	FUZZ_CHECK((const uint8_t *)gref >= req.body + fsva_wire_op(req.op)->req_size);
	FUZZ_CHECK((const uint8_t *)(gref + req.nr_grefs) == (const uint8_t *)&req.piggy);
	FUZZ_CHECK(req.data_len <= FSVA_MAX_GREFS * FSVA_PAGE_SIZE);
	FUZZ_CHECK(req.nr_grefs || req.data_off + req.data_len <= FSVA_PAGE_SIZE);
	FUZZ_CHECK(sample_req_rebuilt(&req));

	in = fsva_wire_req_data_in(&req);
	FUZZ_CHECK(in <= req.data_len);
	error = fsva_wire_check_req_data(&req, data, len);
	FUZZ_CHECK(len == in || error == FSVA_EPROTO);
	free(data);
	return 0;
}
