/* SPDX-License-Identifier: MIT */
/*
 * request_data.c: the data of a request alone: the operation is the selector, and its structure is right.
 * What passes must have what the protocol promises of it.
 */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	uint8_t scratch[SAMPLE_DATA_MAX], *data;
	struct fsva_req req;
	uint16_t op;

	if (size == 0 || size > FSVA_PAGE_SIZE)
		return 0;
	op = input[0];
	if (!fsva_wire_op(op) || !(fsva_wire_op(op)->flags & FSVA_F_DATA_IN))
		return 0;
	size--;
	data = malloc(size ? size : 1);
	memcpy(data, input + 1, size);

	sample_req(op, &req, scratch);
	req.data_len = (uint32_t)size;
	if (op == FSVA_OP_IOCTL)
		((struct fsva_ioctl_req *)(void *)req.body)->in_len = (uint32_t)size;
	if (fsva_wire_check_req_data(&req, data, (uint32_t)size) == FSVA_OK) {
		switch (op) {
		case FSVA_OP_MOUNT:
		case FSVA_OP_REMOUNT:
		case FSVA_OP_SYMLINK:
			FUZZ_CHECK(!memchr(data, 0, size));
			FUZZ_CHECK(op != FSVA_OP_SYMLINK || (size && size < FSVA_PATH_MAX));
			break;
		case FSVA_OP_RENAME:
			FUZZ_CHECK(size && size <= FSVA_NAME_MAX && !memchr(data, 0, size) && !memchr(data, '/', size));
			break;
		case FSVA_OP_CRED_SET:
			FUZZ_CHECK(size % 4 == 0);
			break;
		case FSVA_OP_SET_ACL:
			FUZZ_CHECK(size % sizeof(struct fsva_ace) == 0);
			break;
		case FSVA_OP_EVICT_PAGE:
			FUZZ_CHECK(size % sizeof(struct fsva_piggy_msg) == 0);
			break;
		}
	}
	free(data);
	return 0;
}
