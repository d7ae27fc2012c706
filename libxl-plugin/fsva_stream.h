/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The bytes in which a pair travels, to another host or into a file: the
 * images of several domains side by side, and a few words about them.  No
 * libxl inside, no I/O either.
 *
 *   preamble   "FSVApair", version, zero                         16 bytes
 *   frame      check, type, member, length, number, payload     24 + length
 *   frame      ...
 *
 * All numbers are little-endian.  check is XXH64 with seed 0 of the rest of
 * the frame, and number counts the frames of one direction from 0: so a
 * frame that is damaged, lost, repeated or out of place is found.  A file
 * without an END frame was cut off.
 *
 * Memory goes into a file by DATA, and to another host by BULK, from pipe to
 * pipe past the coordinators, which do not see it: what checks and protects
 * it on its way is the transport, as it is for the image of a lone domain.
 *
 * What is sent, in this order; "<" is what the target answers, and what a file
 * has not:
 *
 *   HELLO      how many members, how much memory
 *   MEMBER     one each: the user domain is member 0, its appliances follow
 *   < ACCEPT   it has room, and no domains of these names
 *   DATA       of any member: the image that `xl save' would write
 *   BULK       the same: so many bytes of it follow the frame, and are none
 *   LAST       one each: its image is complete
 *   END        all are
 *   < READY    all are restored, and connected to each other
 *   GO         the commit: from here on they live there
 *   < DONE     they run
 *   PING, FAIL at any time: still here; no more, and why
 */

#ifndef FSVA_STREAM_H
#define FSVA_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FSVA_STREAM_VERSION     1
#define FSVA_STREAM_PREAMBLE    16
#define FSVA_FRAME_HEADER       24
#define FSVA_FRAME_MAX          65536   /* of the payload */
#define FSVA_BULK_MAX           (1 << 20)
#define FSVA_MEMBERS_MAX        16
#define FSVA_STREAM_ERROR_SIZE  128

enum fsva_frame_type {
    FSVA_FRAME_HELLO = 1,
    FSVA_FRAME_MEMBER,
    FSVA_FRAME_ACCEPT,
    FSVA_FRAME_DATA,
    FSVA_FRAME_LAST,
    FSVA_FRAME_END,
    FSVA_FRAME_READY,
    FSVA_FRAME_GO,
    FSVA_FRAME_DONE,
    FSVA_FRAME_PING,
    FSVA_FRAME_FAIL,
    FSVA_FRAME_BULK,
    FSVA_FRAME_TYPES,
};

uint64_t fsva_xxh64(const void *data, size_t len);

/*----- writing -----*/

struct fsva_frame_writer {
    uint64_t number;
    /* Header and payload; the caller puts the latter at + HEADER. */
    uint8_t buf[FSVA_FRAME_HEADER + FSVA_FRAME_MAX];
};

void fsva_stream_preamble(uint8_t buf[FSVA_STREAM_PREAMBLE]);

/* Completes the frame in w->buf; returns how many bytes of it to write. */
size_t fsva_frame_seal(struct fsva_frame_writer *w,
                       enum fsva_frame_type type, unsigned member,
                       size_t len);

/*----- reading -----*/

/*
 * fsva_frame_want() says how many bytes to add to the have ones in buf.  Once
 * they are there, fsva_frame_take() returns 1 when they make a frame, which
 * is valid until the next call; 0 when there is more to want, and -1 with
 * the reason in error when this is no stream of ours.
 */
struct fsva_frame_reader {
    bool started;               /* the preamble has been seen */
    bool failed;
    uint64_t number;
    size_t have;
    enum fsva_frame_type type;
    unsigned member;
    size_t len;
    const uint8_t *payload;
    char error[FSVA_STREAM_ERROR_SIZE];
    uint8_t buf[FSVA_FRAME_HEADER + FSVA_FRAME_MAX];
};

size_t fsva_frame_want(const struct fsva_frame_reader *r);
int fsva_frame_take(struct fsva_frame_reader *r);

/* Is this the beginning of such a stream, of whatever version? */
bool fsva_stream_is_ours(const uint8_t *buf, size_t len);

/*----- payloads -----*/

struct fsva_hello {
    unsigned nr_members;        /* 2..FSVA_MEMBERS_MAX */
    uint64_t memory_kb;         /* of all of them */
};

#define FSVA_MEMBER_NAME_MAX    255
#define FSVA_MEMBER_UUID_LEN    36
#define FSVA_MEMBER_DEVICE_MAX  32767

struct fsva_member_info {
    char name[FSVA_MEMBER_NAME_MAX + 1];
    char uuid[FSVA_MEMBER_UUID_LEN + 1];
    /* Of an appliance: it was created for the pair. */
    bool owned;
    /* Of an appliance: its device, in libxl's JSON; else "". */
    char device[FSVA_MEMBER_DEVICE_MAX + 1];
};

/* Return the length; what they are given is within the limits above. */
size_t fsva_hello_pack(uint8_t *payload, const struct fsva_hello *hello);
size_t fsva_member_pack(uint8_t *payload,
                        const struct fsva_member_info *info);
size_t fsva_bulk_pack(uint8_t *payload, uint32_t nr);

/* Return 0, or -1 if the payload is not what it should be. */
int fsva_hello_unpack(const uint8_t *payload, size_t len,
                      struct fsva_hello *hello);
int fsva_member_unpack(const uint8_t *payload, size_t len,
                       struct fsva_member_info *info);
/* 1..FSVA_BULK_MAX. */
int fsva_bulk_unpack(const uint8_t *payload, size_t len, uint32_t *nr);

#endif /* FSVA_STREAM_H */
