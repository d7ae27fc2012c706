/* SPDX-License-Identifier: MIT */
/*
 * fsva_wire.h: the codec.  Pure functions on private memory: no allocation, no lock, no OS header, callable
 * in any context.  A driver builds it through a one-line wire.c that includes fsva_wire.c.
 *
 * Nothing here may be handed shared memory: copy a slot (and data in a staging page) first, then check the
 * copy, then use the copy.  All checks return FSVA_OK or the FSVA_E* that the request deserves.
 */
#ifndef FSVA_WIRE_H
#define FSVA_WIRE_H

#include "fsva_port.h"
#include "fsvaif.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A row of the operation table: constant, shared. */
struct fsva_wire_op {
	const char *name;               /* "lookup" */
	uint16_t flags;                 /* FSVA_F_* */
	uint16_t req_size, rsp_size;    /* octets of the structure at the start of the body */
};

/* The row of an operation, or NULL when this version has none of that number. */
const struct fsva_wire_op *fsva_wire_op(uint16_t op);

/* Pages that [off, off + len) touches when off lies in the first; 0 for len 0. */
uint32_t fsva_wire_pages(uint16_t off, uint32_t len);

/* ---- Requests: built by the front, checked by the back ---- */

/*
 * Zero a request and fill in op and cred; the caller fills the structure that is returned (it is req->body),
 * and before it sends the request its id and tag.
 */
void *fsva_wire_req_init(struct fsva_req *req, uint16_t op, uint16_t cred);

/*
 * Say where the data is.  nr_grefs 0: in the staging page.  Otherwise gref[] is copied to the end of the
 * body.  Returns FSVA_OK; FSVA_E2BIG when that many references do not fit beside the operation's structure, or
 * the octets not into the staging page; FSVA_EINVAL when they are not the pages that the octets touch.
 */
int fsva_wire_req_data(struct fsva_req *req, uint16_t off, uint32_t len, const uint32_t *gref, uint16_t nr_grefs);

/* The most grant references that fit beside the structure of op. */
uint16_t fsva_wire_max_grefs(uint16_t op);

/* The grant references of a checked request: req->nr_grefs of them. */
const uint32_t *fsva_wire_grefs(const struct fsva_req *req);

/*
 * Check a request, whole: operation, tag, credential index, data descriptor, padding, every field of the
 * operation's structure whose range the protocol states.  nr_slots and nr_creds are the receiver's own.
 * FSVA_EOPNOTSUPP: no such operation.  FSVA_EPROTO: the ring's rules are broken (tag, descriptor, padding).
 * FSVA_EINVAL, FSVA_ENAMETOOLONG: a field of the operation is out of its range.  Handles, and whether the id
 * is new, only the receiver can judge.
 */
int fsva_wire_check_req(const struct fsva_req *req, uint32_t nr_slots, uint32_t nr_creds);

/* Octets of data that a checked request sends to the back; the rest of data_len is room for the answer. */
uint32_t fsva_wire_req_data_in(const struct fsva_req *req);

/* Check the private copy of data that came with a checked request (names, targets, groups, options). */
int fsva_wire_check_req_data(const struct fsva_req *req, const void *data, uint32_t len);

/* ---- Responses: built by the back, checked by the front ---- */

/* Zero a response and take id, op and tag from the request; returns rsp->body. */
void *fsva_wire_rsp_init(struct fsva_rsp *rsp, const struct fsva_req *req);

/*
 * Check a response against the front's own copy of the request: id, op, tag, error code, data_len, padding
 * and the ranges of the operation's answer.  FSVA_OK, or FSVA_EPROTO.
 */
int fsva_wire_check_rsp(const struct fsva_rsp *rsp, const struct fsva_req *req);

/* Check the private copy of data that came with a checked response, where the protocol says what it looks like. */
int fsva_wire_check_rsp_data(const struct fsva_rsp *rsp, const void *data, uint32_t len);

/* ---- Names ---- */

/* Fill a name; FSVA_ENAMETOOLONG, FSVA_EINVAL as fsva_wire_check_name. */
int fsva_wire_name(struct fsva_name *n, uint64_t dir, const char *name, size_t len);

/* 1..FSVA_NAME_MAX octets (or FSVA_ENAMETOOLONG / FSVA_EINVAL), no '/' and no NUL in them, not "." or "..". */
int fsva_wire_check_name(const char *name, size_t len);

/* As fsva_wire_check_name, but "." and ".." pass: for entries of a directory listing. */
int fsva_wire_check_component(const char *name, size_t len);

/* Fill the name of an extended attribute: any octets but NUL. */
int fsva_wire_xattr_name(struct fsva_name *n, uint64_t handle, const char *name, size_t len);

/* ---- Directory listings (data of FSVA_OP_READDIR) ---- */

/*
 * Append an entry at *pos of a buffer of size octets; false, and nothing changed, when it does not fit.  The
 * caller has checked the name (fsva_wire_check_component); one of a length that cannot be never fits.
 */
bool fsva_wire_dirent_put(void *buf, uint32_t size, uint32_t *pos, uint64_t ino, uint64_t next, uint8_t type,
			  const char *name, uint16_t name_len);

/*
 * Take the entry at *pos of a private buffer of size octets.  FSVA_OK: *d and *name (into buf, not terminated)
 * are filled and *pos moved on; FSVA_ENODATA: the end; FSVA_EPROTO: not a listing.
 */
int fsva_wire_dirent_get(const void *buf, uint32_t size, uint32_t *pos, struct fsva_dirent *d, const char **name);

#ifdef __cplusplus
}
#endif

#endif /* FSVA_WIRE_H */
