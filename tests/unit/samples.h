/* SPDX-License-Identifier: MIT */
/*
 * samples.h: a valid request and a valid response of every operation, for tests that spoil one octet of
 * them and for the fuzzers' seeds.
 */
#ifndef FSVA_TESTS_SAMPLES_H
#define FSVA_TESTS_SAMPLES_H

#include "fsva_wire.h"

#define SAMPLE_SLOTS    64u
#define SAMPLE_CREDS    16u
#define SAMPLE_DATA_MAX 8192u

/* The number after op of an operation that exists, 0 after the last; start with 0. */
uint16_t sample_next_op(uint16_t op);

/* A valid request; its data, if it sends any, goes to data, and its length is returned. */
uint32_t sample_req(uint16_t op, struct fsva_req *req, void *data);

/* A valid answer to that request; its data, if it has any, goes to data, and its length is returned. */
uint32_t sample_rsp(const struct fsva_req *req, struct fsva_rsp *rsp, void *data);

/* A valid attribute of that type (S_IF*). */
void sample_attr(struct fsva_attr *a, uint32_t type);

/*
 * Build again, through the codec's own builders and nothing but the fields that the protocol names, what a
 * check let pass.  The same octets must come out: else something that nobody looks at got through.
 */
bool sample_req_rebuilt(const struct fsva_req *req);
bool sample_rsp_rebuilt(const struct fsva_rsp *rsp, const struct fsva_req *req);
bool sample_listing_rebuilt(const void *data, uint32_t len);

#endif /* FSVA_TESTS_SAMPLES_H */
