/* SPDX-License-Identifier: LGPL-2.1-only */
/* The frames of a pair's image: fsva_stream.h says what they are. */

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "fsva_stream.h"

static const char magic[8] = { 'F', 'S', 'V', 'A', 'p', 'a', 'i', 'r' };

/*----- numbers -----*/

static void put_le(uint8_t *p, uint64_t v, unsigned nr)
{
    for (; nr; nr--, v >>= 8)
        *p++ = v;
}

static uint64_t get_le(const uint8_t *p, unsigned nr)
{
    uint64_t v = 0;

    while (nr--)
        v = v << 8 | p[nr];
    return v;
}

/* The same for eight and four octets, as one load: all memory goes by here. */
static uint64_t load64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

static uint32_t load32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

/*----- XXH64, as its specification has it, with seed 0 -----*/

#define P1 0x9e3779b185ebca87ULL
#define P2 0xc2b2ae3d27d4eb4fULL
#define P3 0x165667b19e3779f9ULL
#define P4 0x85ebca77c2b2ae63ULL
#define P5 0x27d4eb2f165667c5ULL

static uint64_t rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static uint64_t xxh_round(uint64_t acc, uint64_t v)
{
    return rotl(acc + v * P2, 31) * P1;
}

static uint64_t xxh_merge(uint64_t h, uint64_t acc)
{
    return (h ^ xxh_round(0, acc)) * P1 + P4;
}

uint64_t fsva_xxh64(const void *data, size_t len)
{
    const uint8_t *p = data, *end = p + len;
    uint64_t h = P5;
    unsigned i;

    if (len >= 32) {
        uint64_t acc[4] = { P1 + P2, P2, 0, -P1 };

        for (; end - p >= 32; p += 32)
            for (i = 0; i < 4; i++)
                acc[i] = xxh_round(acc[i], load64(p + 8 * i));

        h = rotl(acc[0], 1) + rotl(acc[1], 7) + rotl(acc[2], 12) +
            rotl(acc[3], 18);
        for (i = 0; i < 4; i++)
            h = xxh_merge(h, acc[i]);
    }

    h += len;
    for (; end - p >= 8; p += 8)
        h = rotl(h ^ xxh_round(0, load64(p)), 27) * P1 + P4;
    if (end - p >= 4) {
        h = rotl(h ^ load32(p) * P1, 23) * P2 + P3;
        p += 4;
    }
    for (; p < end; p++)
        h = rotl(h ^ *p * P5, 11) * P1;

    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

/*----- frames -----*/

/* Offsets in a header. */
#define H_CHECK     0
#define H_TYPE      8
#define H_MEMBER    10
#define H_LEN       12
#define H_NUMBER    16

void fsva_stream_preamble(uint8_t buf[FSVA_STREAM_PREAMBLE])
{
    memcpy(buf, magic, sizeof(magic));
    put_le(buf + 8, FSVA_STREAM_VERSION, 4);
    put_le(buf + 12, 0, 4);
}

bool fsva_stream_is_ours(const uint8_t *buf, size_t len)
{
    return len >= sizeof(magic) && !memcmp(buf, magic, sizeof(magic));
}

size_t fsva_frame_seal(struct fsva_frame_writer *w,
                       enum fsva_frame_type type, unsigned member,
                       size_t len)
{
    size_t total = FSVA_FRAME_HEADER + len;

    put_le(w->buf + H_TYPE, type, 2);
    put_le(w->buf + H_MEMBER, member, 2);
    put_le(w->buf + H_LEN, len, 4);
    put_le(w->buf + H_NUMBER, w->number++, 8);
    put_le(w->buf + H_CHECK, fsva_xxh64(w->buf + H_TYPE, total - H_TYPE), 8);

    return total;
}

/* Of the frame whose header is in the buffer. */
static size_t frame_total(const struct fsva_frame_reader *r)
{
    return FSVA_FRAME_HEADER + get_le(r->buf + H_LEN, 4);
}

size_t fsva_frame_want(const struct fsva_frame_reader *r)
{
    size_t total;

    if (r->failed)
        return 0;
    if (!r->started)
        total = FSVA_STREAM_PREAMBLE;
    else if (r->have < FSVA_FRAME_HEADER)
        total = FSVA_FRAME_HEADER;
    else
        total = frame_total(r);

    return total - r->have;
}

static int refuse(struct fsva_frame_reader *r, const char *why)
{
    snprintf(r->error, sizeof(r->error), "%s", why);
    r->failed = true;
    return -1;
}

static int take_preamble(struct fsva_frame_reader *r)
{
    uint32_t version = get_le(r->buf + 8, 4);

    if (!fsva_stream_is_ours(r->buf, r->have))
        return refuse(r, "this is no image of a pair");
    if (version != FSVA_STREAM_VERSION) {
        snprintf(r->error, sizeof(r->error), "the image has version %u, and"
                 " this xl knows version %d only", (unsigned)version,
                 FSVA_STREAM_VERSION);
        r->failed = true;
        return -1;
    }
    if (get_le(r->buf + 12, 4))
        return refuse(r, "the image is damaged in its first bytes");

    r->started = true;
    r->have = 0;
    return 0;
}

int fsva_frame_take(struct fsva_frame_reader *r)
{
    uint64_t type, member, len;

    if (r->failed)
        return -1;
    if (!r->started)
        return fsva_frame_want(r) ? 0 : take_preamble(r);
    if (r->have < FSVA_FRAME_HEADER)
        return 0;

    type = get_le(r->buf + H_TYPE, 2);
    member = get_le(r->buf + H_MEMBER, 2);
    len = get_le(r->buf + H_LEN, 4);
    /* Before anybody waits for so many bytes. */
    if (len > FSVA_FRAME_MAX || !type || type >= FSVA_FRAME_TYPES ||
        member >= FSVA_MEMBERS_MAX)
        return refuse(r, "the image is damaged: the head of a frame");
    if (fsva_frame_want(r))
        return 0;

    if (get_le(r->buf + H_CHECK, 8) !=
        fsva_xxh64(r->buf + H_TYPE, r->have - H_TYPE))
        return refuse(r, "the image is damaged: a checksum is wrong");
    if (get_le(r->buf + H_NUMBER, 8) != r->number)
        return refuse(r, "the image is damaged: frames are missing");

    r->number++;
    r->type = type;
    r->member = member;
    r->len = len;
    r->payload = r->buf + FSVA_FRAME_HEADER;
    r->have = 0;
    return 1;
}

/*----- payloads -----*/

size_t fsva_hello_pack(uint8_t *payload, const struct fsva_hello *hello)
{
    put_le(payload, hello->nr_members, 4);
    put_le(payload + 4, 0, 4);
    put_le(payload + 8, hello->memory_kb, 8);
    return 16;
}

int fsva_hello_unpack(const uint8_t *payload, size_t len,
                      struct fsva_hello *hello)
{
    if (len != 16 || get_le(payload + 4, 4))
        return -1;

    hello->nr_members = get_le(payload, 4);
    hello->memory_kb = get_le(payload + 8, 8);
    /* Nobody has 2^50 bytes; sums of these don't overflow. */
    if (hello->nr_members < 2 || hello->nr_members > FSVA_MEMBERS_MAX ||
        hello->memory_kb >> 40)
        return -1;

    return 0;
}

static uint8_t *put_text(uint8_t *p, const char *text)
{
    size_t len = strlen(text);

    put_le(p, len, 2);
    memcpy(p + 2, text, len);
    return p + 2 + len;
}

/* size is that of dst.  Text has no NUL in it. */
static int get_text(const uint8_t **p, const uint8_t *end, char *dst,
                    size_t size)
{
    size_t len;

    if (end - *p < 2)
        return -1;
    len = get_le(*p, 2);
    *p += 2;
    if (len >= size || (size_t)(end - *p) < len || memchr(*p, '\0', len))
        return -1;

    memcpy(dst, *p, len);
    dst[len] = '\0';
    *p += len;
    return 0;
}

size_t fsva_member_pack(uint8_t *payload,
                        const struct fsva_member_info *info)
{
    uint8_t *p = payload;

    *p++ = info->owned;
    p = put_text(p, info->name);
    p = put_text(p, info->uuid);
    p = put_text(p, info->device);
    return p - payload;
}

/* The name becomes part of others, of paths and of messages. */
static bool name_is_good(const char *name)
{
    const char *p;

    for (p = name; *p; p++)
        if (*p <= ' ' || *p > '~' || strchr("/\"'\\", *p))
            return false;
    return p > name;
}

static bool uuid_is_good(const char *uuid)
{
    unsigned i;

    for (i = 0; i < FSVA_MEMBER_UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (!uuid[i] ||
            !strchr(dash ? "-" : "0123456789abcdefABCDEF", uuid[i]))
            return false;
    }
    return !uuid[i];
}

int fsva_member_unpack(const uint8_t *payload, size_t len,
                       struct fsva_member_info *info)
{
    const uint8_t *p = payload, *end = p + len;

    if (len < 1 || *p > 1)
        return -1;
    info->owned = *p++;
    if (get_text(&p, end, info->name, sizeof(info->name)) ||
        get_text(&p, end, info->uuid, sizeof(info->uuid)) ||
        get_text(&p, end, info->device, sizeof(info->device)) || p != end)
        return -1;

    return name_is_good(info->name) && uuid_is_good(info->uuid) ? 0 : -1;
}

size_t fsva_bulk_pack(uint8_t *payload, uint32_t nr)
{
    put_le(payload, nr, 4);
    return 4;
}

int fsva_bulk_unpack(const uint8_t *payload, size_t len, uint32_t *nr)
{
    if (len != 4)
        return -1;

    *nr = get_le(payload, 4);
    return *nr && *nr <= FSVA_BULK_MAX ? 0 : -1;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
