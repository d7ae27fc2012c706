/* SPDX-License-Identifier: MIT */
/*
 * response.c: a response that a hostile back puts on the ring, and the data with it, as the front takes them.
 * The request is a sample of the operation that the response names, or a variant of it.
 */
#include "fuzz.h"

/* The same question, asked so that another answer fits. */
static void variant(struct fsva_req *req)
{
	void *body = req->body;

	switch (req->op) {
	case FSVA_OP_DENTRY_VALIDATE:
		((struct fsva_dentry_validate_req *)body)->handle = 0;
		break;
	case FSVA_OP_CREATE:
		((struct fsva_create_req *)body)->flags = 0;
		((struct fsva_create_req *)body)->open_flags = 0;
		break;
	case FSVA_OP_MKNOD:
		((struct fsva_mknod_req *)body)->mode = 0644;
		((struct fsva_mknod_req *)body)->rdev_major = 0;
		((struct fsva_mknod_req *)body)->rdev_minor = 0;
		break;
	case FSVA_OP_REMAP_RANGE:
		((struct fsva_copy_range_req *)body)->len = 0;
		break;
	case FSVA_OP_FIEMAP:
		((struct fsva_fiemap_req *)body)->max_extents = 0;
		break;
	case FSVA_OP_GETXATTR:
	case FSVA_OP_LISTXATTR:
	case FSVA_OP_READ:
		req->data_len = 0;
		req->data_off = 0;
		req->nr_grefs = 0;
		memset(req->body + fsva_wire_op(req->op)->req_size, 0,
		       FSVA_BODY_SIZE - fsva_wire_op(req->op)->req_size);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	uint8_t select, *data, scratch[SAMPLE_DATA_MAX];
	struct fsva_req req;
	struct fsva_rsp rsp;
	uint32_t len;
	int error;

	fuzz_parts(input, size, &select, &data, &len, &rsp, sizeof(rsp));
	if (!fsva_wire_op(rsp.op)) {
		free(data);
		return 0;
	}
	sample_req(rsp.op, &req, scratch);
	if (select & 1)
		variant(&req);
	FUZZ_CHECK(fsva_wire_check_req(&req, SAMPLE_SLOTS, SAMPLE_CREDS) == FSVA_OK);
	if (!(select & 2)) {    /* a back that at least knows whom it answers */
		rsp.id = req.id;
		rsp.tag = req.tag;
	}

	error = fsva_wire_check_rsp(&rsp, &req);
	FUZZ_CHECK(error == FSVA_OK || error == FSVA_EPROTO);
	if (!error) {
		FUZZ_CHECK(rsp.data_len <= req.data_len);
		FUZZ_CHECK(sample_rsp_rebuilt(&rsp, &req));
		if (rsp.op != FSVA_OP_WRITE) {
			error = fsva_wire_check_rsp_data(&rsp, data, len);
			FUZZ_CHECK(error == FSVA_OK || error == FSVA_EPROTO);
			FUZZ_CHECK(len == rsp.data_len || error);
			if (rsp.op == FSVA_OP_READDIR && !error)
				FUZZ_CHECK(sample_listing_rebuilt(data, len));
		}
	}
	free(data);
	return 0;
}
