/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Frames over two file descriptors: a transport, or a file in one direction.
 *
 * A transport that is cut without a word, as when a host or a wire dies, says
 * nothing.  So each end sends a PING when it has had nothing to say for a
 * while, and gives up on an end that has been silent for much longer.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxl_fsva_move.h"
#include "fsva_text.h"

#define PING_MS     5000
#define SILENT_MS   60000

/*
 * A pipe as large as may be: with the 64 KiB that it has by default, which is
 * no more than a frame, both its ends wake each other page by page.
 */
static void prepare_fd(int fd)
{
    if (fd < 0)
        return;

    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETPIPE_SZ, FSVA_PIPE_SIZE);
}

struct fsva_channel *fsva_channel_new(int in, int out, bool pings)
{
    struct fsva_channel *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    c->in = in;
    c->out = out;
    c->pings = pings;
    c->sent_ms = c->heard_ms = fsva_now_ms();
    prepare_fd(in);
    prepare_fd(out);

    return c;
}

void fsva_channel_free(struct fsva_channel *c)
{
    free(c);
}

uint8_t *fsva_channel_payload(struct fsva_channel *c)
{
    return c->w.buf + FSVA_FRAME_HEADER;
}

static int refuse(struct fsva_channel *c, const char *why)
{
    snprintf(c->error, sizeof(c->error), "%s", why);
    return -1;
}

/*
 * The other end may have told why it is gone, before it went.  Its reason is
 * better than that the pipe is broken.
 */
static int lost(struct fsva_channel *c)
{
    struct pollfd pfd = { .fd = c->in, .events = POLLIN };
    int i;

    refuse(c, c->pings ? "the connection to the other host was lost"
                       : strerror(errno));
    for (i = 0; c->in >= 0 && c->pings && i < 100; i++) {
        if (poll(&pfd, 1, 2000) <= 0)
            break;
        if (fsva_channel_read(c))
            break;
    }
    return -1;
}

/* Nothing went since then, as errno says: until something may.  Or -1. */
static int wait_out(struct fsva_channel *c, int64_t since)
{
    struct pollfd pfd = { .fd = c->out, .events = POLLOUT };

    if (errno != EINTR && errno != EAGAIN)
        return lost(c);
    if (fsva_interrupted())
        return refuse(c, "interrupted");
    if (fsva_now_ms() - since > SILENT_MS)
        return refuse(c, "the other host takes no more data");
    poll(&pfd, 1, 1000);
    return 0;
}

static int write_all(struct fsva_channel *c, const uint8_t *buf, size_t len)
{
    int64_t since = fsva_now_ms();
    ssize_t r;

    while (len) {
        r = write(c->out, buf, len);
        if (r > 0) {
            buf += r;
            len -= r;
            since = fsva_now_ms();
            continue;
        }
        if (!r)
            errno = EAGAIN;     /* as it says nothing */
        if (wait_out(c, since))
            return -1;
    }

    c->sent_ms = fsva_now_ms();
    return 0;
}

int fsva_channel_preamble(struct fsva_channel *c)
{
    uint8_t buf[FSVA_STREAM_PREAMBLE];

    fsva_stream_preamble(buf);
    return write_all(c, buf, sizeof(buf));
}

int fsva_channel_send(struct fsva_channel *c, enum fsva_frame_type type,
                      unsigned member, size_t len)
{
    size_t total = fsva_frame_seal(&c->w, type, member, len);

    return write_all(c, c->w.buf, total);
}

int fsva_channel_bulk(struct fsva_channel *c, unsigned member, int from,
                      uint32_t nr)
{
    int64_t since = fsva_now_ms();
    ssize_t r;

    if (fsva_channel_send(c, FSVA_FRAME_BULK, member,
                          fsva_bulk_pack(fsva_channel_payload(c), nr)))
        return -1;

    while (nr) {
        r = splice(from, NULL, c->out, NULL, nr,
                   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (r > 0) {
            nr -= r;
            since = fsva_now_ms();
            continue;
        }
        if (!r)
            return refuse(c, "an image ends too early");
        if (wait_out(c, since))
            return -1;
    }

    c->sent_ms = fsva_now_ms();
    return 0;
}

ssize_t fsva_channel_take_bulk(struct fsva_channel *c, int to, uint32_t nr)
{
    ssize_t r;

    r = splice(c->in, NULL, to, NULL, nr, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (r > 0)
        c->heard_ms = fsva_now_ms();
    if (!r)
        return refuse(c, "the connection to the other host was lost");
    if (r < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (r < 0 && errno == EPIPE)
        c->error[0] = '\0';
    else if (r < 0)
        refuse(c, strerror(errno));
    return r;
}

int fsva_channel_tick(struct fsva_channel *c)
{
    int64_t now = fsva_now_ms();

    if (!c->pings)
        return 0;
    if (now - c->heard_ms > SILENT_MS)
        return refuse(c, "the other host has been silent for a minute");
    if (now - c->sent_ms > PING_MS)
        return fsva_channel_send(c, FSVA_FRAME_PING, 0, 0);

    return 0;
}

/* 1: a frame is complete; 0: there is nothing more now. */
static int read_frame(struct fsva_channel *c)
{
    ssize_t r;

    do {
        r = read(c->in, c->r.buf + c->r.have, fsva_frame_want(&c->r));
        if (r < 0)
            return errno == EINTR || errno == EAGAIN
                   ? 0 : refuse(c, strerror(errno));
        if (!r)
            return refuse(c, c->pings ? "the connection to the other host was"
                                        " lost"
                                      : "the image is cut off");

        c->heard_ms = fsva_now_ms();
        c->r.have += r;
        r = fsva_frame_take(&c->r);
        if (r < 0)
            return refuse(c, c->r.error);
    } while (!r);

    return 1;
}

int fsva_channel_read(struct fsva_channel *c)
{
    int r = read_frame(c);

    if (r <= 0)
        return r;
    if (c->r.type == FSVA_FRAME_PING)
        return 0;

    if (c->r.type == FSVA_FRAME_FAIL) {
        char text[256];
        size_t len = c->r.len < sizeof(text) ? c->r.len : sizeof(text) - 1;

        memcpy(text, c->r.payload, len);
        text[len] = '\0';
        fsva_text_clean(c->error, sizeof(c->error), text);
        return -1;
    }

    return 1;
}

int fsva_channel_wait(struct fsva_channel *c, enum fsva_frame_type type,
                      int timeout_s)
{
    struct pollfd pfd = { .fd = c->in, .events = POLLIN };
    int64_t end = fsva_now_ms() + timeout_s * 1000LL;
    int r;

    for (;;) {
        if (fsva_channel_tick(c))
            return -1;
        if (fsva_now_ms() > end)
            return refuse(c, "the other host did not answer in time");
        if (fsva_interrupted())
            return refuse(c, "interrupted");
        if (poll(&pfd, 1, 1000) <= 0)
            continue;

        r = fsva_channel_read(c);
        if (r < 0)
            return -1;
        if (r)
            return c->r.type == type ? 0
                : refuse(c, "the other host says something unexpected");
    }
}

void fsva_channel_fail(struct fsva_channel *c, const char *why)
{
    size_t len = strnlen(why, 255);

    memcpy(fsva_channel_payload(c), why, len);
    fsva_channel_send(c, FSVA_FRAME_FAIL, 0, len);
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
