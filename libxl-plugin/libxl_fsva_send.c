/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The images of all members into one channel.
 *
 * Each member's child saves its domain as if it were alone; here its image is
 * cut into frames, and here it is decided when it stops:
 *
 * - One that has converged waits for the others.  When all have, those which
 *   have waited long enough to be dirty again make one more round.
 * - When no more rounds are to come, the user domain is suspended.
 * - When it has suspended, and so makes no more calls, its appliances are.
 */

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libxl_fsva_move.h"

/* As libxenguest has it for a lone domain. */
#define CONVERGED_PAGES     50
#define CONVERGED_ROUNDS    5
/* One that has waited for longer than this makes another round. */
#define STALE_MS            300
/* libxl gives a domain 60 s to hear, and 60 s to suspend. */
#define TAKE_BACK_MS        150000
#define DESTROY_MS          60000

#define PAGE_OCTETS         4096

void fsva_send_failed(struct fsva_send *s, const char *fmt, ...)
{
    va_list ap;

    if (s->why[0])
        return;

    va_start(ap, fmt);
    vsnprintf(s->why, sizeof(s->why), fmt, ap);
    va_end(ap);
}

static int channel_failed(struct fsva_send *s)
{
    fsva_send_failed(s, "%s", s->c->error);
    return ERROR_FAIL;
}

/*----- what the terminal shows -----*/

/* libxenguest counts pages that do not exist; what is sent is known here. */
static void print_round(struct fsva_member *m, const struct fsva_note *note)
{
    int64_t now = fsva_now_ms(), ms = now - m->round_ms;
    uint64_t octets = m->sent - m->round_sent;

    if (note->iteration)
        fsva_say("'%s' pass %u: %llu pages sent, %.1f MiB/s, %lld dirty",
                 m->info.name, note->iteration,
                 (unsigned long long)octets / PAGE_OCTETS,
                 octets * 1000.0 / (1 << 20) / (ms > 0 ? ms : 1),
                 (long long)note->dirty);
    m->round_ms = now;
    m->round_sent = m->sent;
}

static void print_estimate(struct fsva_send *s, int64_t since_ms)
{
    uint64_t sent = 0, dirty = 0;
    int64_t ms = fsva_now_ms() - since_ms;
    unsigned i;

    for_each_user_first(s->move, i) {
        sent += s->move->members[i].sent;
        dirty += s->move->members[i].dirty;
    }
    if (!sent)
        return;

    fsva_say("all have converged: %llu pages are left, about %.2f s to send",
             (unsigned long long)dirty,
             (double)dirty * PAGE_OCTETS * ms / sent / 1000);
}

/*----- decisions -----*/

static void decide_round(struct fsva_send *s, int64_t since_ms)
{
    int64_t now = fsva_now_ms();
    bool all = true;
    unsigned i;

    for_each_user_first(s->move, i) {
        struct fsva_member *m = &s->move->members[i];

        if (!m->suspending && !(m->asking && m->converged))
            all = false;
    }
    if (all && !s->final) {
        s->final = true;
        print_estimate(s, since_ms);
    }

    for_each_user_first(s->move, i) {
        struct fsva_member *m = &s->move->members[i];

        if (!m->asking)
            continue;
        if (s->final) {
            bool stop = m->last_round || now - m->asked_ms < STALE_MS;

            m->last_round = true;
            m->asking = false;
            fsva_member_tell(m, stop ? FSVA_NOTE_STOP : FSVA_NOTE_CONTINUE,
                             0);
        } else if (!m->converged) {
            m->asking = false;
            fsva_member_tell(m, FSVA_NOTE_CONTINUE, 0);
        }
    }
}

static void suspend(struct fsva_send *s, struct fsva_member *m)
{
    m->suspending = false;
    s->waits = m;
    s->step = "suspending";
    fsva_member_tell(m, FSVA_NOTE_SUSPEND, 0);
}

static void decide_suspend(struct fsva_send *s)
{
    unsigned i;

    for_each_user_first(s->move, i)
        if (!s->move->members[i].suspending)
            return;

    suspend(s, &s->move->members[0]);
}

static int member_failed(struct fsva_send *s, struct fsva_member *m, int rc)
{
    if (fsva_domain_state(m->domid, NULL) == FSVA_DOMAIN_NONE)
        fsva_send_failed(s, "'%s' was destroyed", m->info.name);
    else if (rc == ERROR_GUEST_TIMEDOUT || rc == ERROR_TIMEDOUT)
        fsva_send_failed(s, "'%s' did not suspend: see its console",
                         m->info.name);
    else
        fsva_send_failed(s, "'%s' could not be saved (error %d)",
                         m->info.name, rc);
    return rc ?: ERROR_FAIL;
}

static int take_note(struct fsva_send *s, struct fsva_member *m,
                     int64_t since_ms)
{
    struct fsva_note note;
    unsigned i;
    int rc;

    rc = fsva_member_hear(m, &note, 0);
    if (rc == ERROR_TIMEDOUT)
        return 0;
    if (rc) {
        fsva_send_failed(s, "the process that saves '%s' has died",
                         m->info.name);
        return rc;
    }

    switch (note.what) {
    case FSVA_NOTE_PRECOPY:
        print_round(m, &note);
        m->asking = true;
        m->asked_ms = fsva_now_ms();
        m->dirty = note.dirty;
        m->converged = note.dirty < CONVERGED_PAGES ||
                       note.iteration >= CONVERGED_ROUNDS;
        decide_round(s, since_ms);
        break;
    case FSVA_NOTE_SUSPENDING:
        m->suspending = true;
        decide_suspend(s);
        break;
    case FSVA_NOTE_SUSPENDED:
        if (m != &s->move->members[0])
            break;
        s->suspended_ms = fsva_now_ms();
        for (i = 1; i < s->move->nr; i++)
            suspend(s, &s->move->members[i]);
        break;
    case FSVA_NOTE_SAVED:
        if (note.rc)
            return member_failed(s, m, note.rc);
        m->saved = true;
        break;
    }

    return 0;
}

/* Returns ERROR_NOT_READY at the end of the image. */
static int take_data(struct fsva_send *s, unsigned nr)
{
    struct fsva_member *m = &s->move->members[nr];
    ssize_t r;
    int have;

    /* To another host: from pipe to pipe. */
    if (s->c->in >= 0 && !ioctl(m->data, FIONREAD, &have) && have > 0) {
        have = have < FSVA_BULK_MAX ? have : FSVA_BULK_MAX;
        m->sent += have;
        return fsva_channel_bulk(s->c, nr, m->data, have)
               ? channel_failed(s) : 0;
    }

    r = read(m->data, fsva_channel_payload(s->c), FSVA_FRAME_MAX);
    if (r < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : ERROR_FAIL;

    m->sent += r;
    if (!r) {
        close(m->data);
        m->data = -1;
    }
    if (fsva_channel_send(s->c, r ? FSVA_FRAME_DATA : FSVA_FRAME_LAST, nr,
                          r))
        return channel_failed(s);

    return 0;
}

/* readable: it has said something, or is gone. */
static int check_peer(struct fsva_send *s, bool readable)
{
    int r;

    if (s->c->in < 0)
        return 0;
    if (fsva_channel_tick(s->c))
        return channel_failed(s);
    if (!readable)
        return 0;

    r = fsva_channel_read(s->c);
    if (r > 0) {
        fsva_send_failed(s, "the other host says something unexpected");
        return ERROR_FAIL;
    }
    return r ? channel_failed(s) : 0;
}

/* Until all is saved and sent. */
static int run(struct fsva_send *s)
{
    struct pollfd pfds[2 * FSVA_MEMBERS_MAX + 1];
    int64_t since_ms = fsva_now_ms();
    unsigned i, nr;
    int rc;

    for (;;) {
        bool done = true;

        nr = 0;
        for_each_user_first(s->move, i) {
            struct fsva_member *m = &s->move->members[i];

            if (m->data >= 0 || !m->saved)
                done = false;
            pfds[nr++] = (struct pollfd){ .fd = m->ctl, .events = POLLIN };
            pfds[nr++] = (struct pollfd){ .fd = m->data, .events = POLLIN };
        }
        if (done)
            return 0;
        pfds[nr++] = (struct pollfd){ .fd = s->c->in, .events = POLLIN };

        poll(pfds, nr, 1000);
        if (fsva_interrupted()) {
            fsva_send_failed(s, "interrupted");
            return ERROR_FAIL;
        }
        rc = check_peer(s, pfds[nr - 1].revents);
        if (rc) return rc;

        for_each_user_first(s->move, i) {
            struct fsva_member *m = &s->move->members[i];

            if (pfds[2 * i].revents) {
                rc = take_note(s, m, since_ms);
                if (rc) return rc;
            }
            if (pfds[2 * i + 1].revents) {
                rc = take_data(s, i);
                if (rc) return rc;
            }
        }
    }
}

static int send_head(struct fsva_send *s)
{
    struct fsva_hello hello = {
        .nr_members = s->move->nr,
        .memory_kb = s->move->memory_kb,
    };
    struct fsva_channel *c = s->c;
    unsigned i;

    if (fsva_channel_preamble(c) ||
        fsva_channel_send(c, FSVA_FRAME_HELLO, 0,
                          fsva_hello_pack(fsva_channel_payload(c), &hello)))
        return channel_failed(s);

    for_each_user_first(s->move, i)
        if (fsva_channel_send(c, FSVA_FRAME_MEMBER, i,
                              fsva_member_pack(fsva_channel_payload(c),
                                               &s->move->members[i].info)))
            return channel_failed(s);

    return 0;
}

int fsva_send_images(struct fsva_send *s)
{
    unsigned i;
    int rc;

    s->step = "greeting";
    rc = send_head(s);
    if (rc) return rc;
    if (s->c->in >= 0 && fsva_channel_wait(s->c, FSVA_FRAME_ACCEPT, 120))
        return channel_failed(s);

    s->step = "copying memory";
    for_each_user_first(s->move, i) {
        s->move->members[i].round_ms = fsva_now_ms();
        rc = fsva_member_save(s->move, i, s->flags);
        if (rc) {
            fsva_send_failed(s, "no process for '%s': %s",
                             s->move->members[i].info.name, strerror(errno));
            return rc;
        }
    }

    rc = run(s);
    if (rc) return rc;

    if (fsva_channel_send(s->c, FSVA_FRAME_END, 0, 0))
        return channel_failed(s);
    return 0;
}

int fsva_send_destroy(struct fsva_send *s, const char *suffix)
{
    char path[64];
    unsigned i;
    int rc = 0;

    for (i = 1; i < s->move->nr; i++) {
        uint32_t backend = s->move->members[i].domid;

        fsva_record_remove(backend);
        /* libxl would wait for a backend that is suspended. */
        snprintf(path, sizeof(path), "/local/domain/%u/backend/fsva/%u",
                 backend, s->move->members[0].domid);
        fsva_xs_prune(path);
    }
    for_each_user_first(s->move, i) {
        struct fsva_member *m = &s->move->members[i];

        if (fsva_member_do(m, FSVA_NOTE_DESTROY, 0, DESTROY_MS) &&
            fsva_domain_wait_gone(m->domid, 10)) {
            fsva_say("what is left of '%s' could not be removed: xl destroy"
                     " %s%s", m->info.name, m->info.name, suffix);
            rc = ERROR_FAIL;
        }
        fsva_member_close(m);
    }

    return rc;
}

void fsva_send_take_back(struct fsva_send *s, const char *verb)
{
    char stuck[FSVA_MEMBER_NAME_MAX + 1] = "";
    unsigned i;
    int rc;

    fsva_move_cut(s->move);

    for_each_appliance_first(s->move, i) {
        struct fsva_member *m = &s->move->members[i];

        if (m->pid) {
            rc = fsva_member_do(m, FSVA_NOTE_RESUME, 0, TAKE_BACK_MS);
            fsva_member_close(m);
            /* Its child may have been killed. */
            if (rc && fsva_domain_state(m->domid, NULL) == FSVA_DOMAIN_DOWN)
                libxl_domain_resume(CTX, m->domid, 1, NULL);
            if (fsva_domain_state(m->domid, NULL) != FSVA_DOMAIN_RUNS)
                snprintf(stuck, sizeof(stuck), "%s", m->info.name);
        }
    }

    if (stuck[0])
        fsva_say("%s of '%s' failed, %s: %s; and '%s' could not be resumed:"
                 " xl resume %s", verb, s->move->members[0].info.name,
                 s->step, s->why, stuck, stuck);
    else
        fsva_say("%s of '%s' failed, %s: %s; it and its appliances run on"
                 " here", verb, s->move->members[0].info.name, s->step,
                 s->why);
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
