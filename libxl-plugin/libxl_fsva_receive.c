/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Domains out of a channel: what `xl migrate-receive --fsva' and `xl restore'
 * have in common, and the former.
 *
 * All members are restored side by side, each by a child, and paused.  Then
 * the pair is put together again: the devices are made anew with the domains'
 * new ids, and the records of who belongs to whom.  Nothing runs before the
 * commit; then the appliances start first.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxl_fsva_move.h"
#include "fsva_text.h"

/* Beside its memory, a domain needs page tables and the like. */
#define OVERHEAD_KB     (8 * 1024)
/* Of one step of one child.  A busy host has slow ones. */
#define STEP_MS         120000

struct receive {
    struct fsva_move *move;
    struct fsva_channel *c;
    char *why;
    size_t why_size;
};

static int failed(struct receive *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int failed(struct receive *v, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(v->why, v->why_size, fmt, ap);
    va_end(ap);
    return ERROR_FAIL;
}

static int channel_failed(struct receive *v)
{
    return failed(v, "%s", v->c->error);
}

static const char *name_of(const struct receive *v, unsigned nr)
{
    return v->move->members[nr].info.name;
}

/*----- may they come in? -----*/

static int take_head(struct receive *v)
{
    struct fsva_channel *c = v->c;
    struct fsva_hello hello;
    unsigned i;

    if (fsva_channel_wait(c, FSVA_FRAME_HELLO, 120))
        return channel_failed(v);
    if (fsva_hello_unpack(c->r.payload, c->r.len, &hello))
        return failed(v, "the image's first frame makes no sense");

    for (i = 0; i < hello.nr_members; i++) {
        if (fsva_channel_wait(c, FSVA_FRAME_MEMBER, 120))
            return channel_failed(v);
        if (c->r.member != i ||
            fsva_member_unpack(c->r.payload, c->r.len,
                               &v->move->members[i].info))
            return failed(v, "the description of member %u makes no sense",
                          i);
    }
    v->move->nr = hello.nr_members;
    v->move->memory_kb = hello.memory_kb;

    return 0;
}

static int check_memory(struct receive *v)
{
    uint64_t need = v->move->memory_kb + v->move->nr * OVERHEAD_KB, have;
    libxl_physinfo info;
    int rc;

    libxl_physinfo_init(&info);
    rc = libxl_get_physinfo(CTX, &info);
    if (rc) goto out;

    have = (info.free_pages + info.scrub_pages) * 4;
    if (have < need)
        rc = failed(v, "not enough memory: the pair needs %llu MiB, and"
                    " %llu MiB are free", (unsigned long long)need / 1024,
                    (unsigned long long)have / 1024);

out:
    libxl_physinfo_dispose(&info);
    return rc;
}

/* A domain that is migrated to its own host still has the name, and the uuid. */
static int check_names(struct receive *v)
{
    char name[FSVA_MEMBER_NAME_MAX + 16], uuid_str[LIBXL_UUID_FMTLEN + 1];
    libxl_uuid uuid;
    uint32_t domid;
    unsigned i;

    for_each_user_first(v->move, i) {
        snprintf(name, sizeof(name), "%s--incoming", name_of(v, i));
        if (!libxl_name_to_domid(CTX, name, &domid))
            return failed(v, "there is already a domain '%s'", name);

        if (libxl_name_to_domid(CTX, name_of(v, i), &domid) ||
            fsva_domain_state(domid, &uuid) == FSVA_DOMAIN_NONE)
            continue;
        snprintf(uuid_str, sizeof(uuid_str), LIBXL_UUID_FMT,
                 LIBXL_UUID_BYTES(uuid));
        if (v->c->out < 0 || strcmp(uuid_str, v->move->members[i].info.uuid))
            return failed(v, "there is already a domain '%s'",
                          name_of(v, i));
    }

    return 0;
}

/*----- the images -----*/

/* A note from a child while images come in: only a failure is expected. */
static int take_note(struct receive *v, unsigned nr)
{
    struct fsva_member *m = &v->move->members[nr];
    struct fsva_note note;
    int rc;

    rc = fsva_member_hear(m, &note, 0);
    if (rc == ERROR_TIMEDOUT)
        return 0;
    if (rc)
        return failed(v, "the process that restores '%s' has died",
                      m->info.name);
    if (note.what != FSVA_NOTE_RESTORED)
        return 0;

    m->domid = note.domid;
    if (note.rc)
        return failed(v, "'%s' could not be restored (error %d)",
                      m->info.name, note.rc);
    m->restored = true;
    return 0;
}

static int check_children(struct receive *v)
{
    unsigned i;
    int rc;

    for_each_user_first(v->move, i) {
        rc = take_note(v, i);
        if (rc) return rc;
    }
    return 0;
}

/* It takes no more of its image.  Its child tells why, as a rule. */
static int not_restored(struct receive *v, struct fsva_member *m)
{
    struct fsva_note note;

    if (!fsva_member_hear(m, &note, STEP_MS))
        m->domid = note.domid;
    return failed(v, "'%s' could not be restored", m->info.name);
}

/* While there is something to wait for: for so long, and for what else? */
static int wait_on(struct receive *v, int fd, short events)
{
    struct pollfd pfd = { .fd = fd, .events = events };
    int rc;

    if (fsva_interrupted())
        return failed(v, "interrupted");
    if (fsva_channel_tick(v->c))
        return channel_failed(v);
    rc = check_children(v);
    if (rc) return rc;
    poll(&pfd, 1, 1000);
    return 0;
}

static int put_data(struct receive *v, unsigned nr, const uint8_t *p,
                    size_t len)
{
    struct fsva_member *m = &v->move->members[nr];
    ssize_t r;
    int rc;

    while (len) {
        r = write(m->data, p, len);
        if (r > 0) {
            p += r;
            len -= r;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return not_restored(v, m);
        rc = wait_on(v, m->data, POLLOUT);
        if (rc) return rc;
    }

    return 0;
}

static int put_bulk(struct receive *v, unsigned nr)
{
    struct fsva_member *m = &v->move->members[nr];
    struct pollfd pfd = { .fd = v->c->in, .events = POLLIN };
    uint32_t left;
    ssize_t r;
    int rc;

    if (fsva_bulk_unpack(v->c->r.payload, v->c->r.len, &left))
        return failed(v, "the image has a frame that makes no sense");

    while (left) {
        r = fsva_channel_take_bulk(v->c, m->data, left);
        if (r < 0)
            return v->c->error[0] ? channel_failed(v) : not_restored(v, m);
        left -= r;
        if (r)
            continue;
        rc = poll(&pfd, 1, 0) > 0 ? wait_on(v, m->data, POLLOUT)
                                  : wait_on(v, v->c->in, POLLIN);
        if (rc) return rc;
    }

    return 0;
}

static int take_frame(struct receive *v)
{
    struct fsva_channel *c = v->c;
    struct fsva_member *m;
    unsigned nr = c->r.member;

    if (nr >= v->move->nr)
        return failed(v, "the image has a frame of nobody");
    m = &v->move->members[nr];

    switch (c->r.type) {
    case FSVA_FRAME_DATA:
        if (m->last_seen)
            break;
        return put_data(v, nr, c->r.payload, c->r.len);
    case FSVA_FRAME_BULK:
        /* Not in a file: it has a checksum of all that is in it. */
        if (m->last_seen || v->c->out < 0)
            break;
        return put_bulk(v, nr);
    case FSVA_FRAME_LAST:
        if (m->last_seen)
            break;
        m->last_seen = true;
        close(m->data);
        m->data = -1;
        return 0;
    default:
        break;
    }

    return failed(v, "the image has a frame out of place");
}

/* Until END. */
static int take_images(struct receive *v)
{
    struct pollfd pfds[FSVA_MEMBERS_MAX + 1];
    unsigned i;
    int r, rc;

    for (;;) {
        for_each_user_first(v->move, i)
            pfds[i] = (struct pollfd){ .fd = v->move->members[i].ctl,
                                       .events = POLLIN };
        pfds[i] = (struct pollfd){ .fd = v->c->in, .events = POLLIN };
        poll(pfds, i + 1, 1000);

        if (fsva_interrupted())
            return failed(v, "interrupted");
        if (fsva_channel_tick(v->c))
            return channel_failed(v);
        for_each_user_first(v->move, i) {
            if (!pfds[i].revents)
                continue;
            rc = take_note(v, i);
            if (rc) return rc;
        }
        if (!pfds[i].revents)
            continue;

        r = fsva_channel_read(v->c);
        if (r < 0)
            return channel_failed(v);
        if (!r)
            continue;
        if (v->c->r.type == FSVA_FRAME_END)
            break;
        rc = take_frame(v);
        if (rc) return rc;
    }

    for_each_user_first(v->move, i)
        if (!v->move->members[i].last_seen)
            return failed(v, "the image of '%s' is not complete",
                          name_of(v, i));
    return 0;
}

static int wait_restored(struct receive *v)
{
    struct pollfd pfd;
    unsigned i;
    int rc;

    for_each_user_first(v->move, i) {
        while (!v->move->members[i].restored) {
            if (fsva_interrupted())
                return failed(v, "interrupted");
            if (fsva_channel_tick(v->c))
                return channel_failed(v);
            pfd = (struct pollfd){ .fd = v->move->members[i].ctl,
                                   .events = POLLIN };
            poll(&pfd, 1, 1000);
            rc = check_children(v);
            if (rc) return rc;
        }
    }

    return 0;
}

/*----- the pair -----*/

static int write_record(struct receive *v, unsigned nr)
{
    struct fsva_member *user = &v->move->members[0];
    struct fsva_member *m = &v->move->members[nr];
    struct fsva_record record = { .owned = m->info.owned,
                                  .user_domid = user->domid };
    libxl_device_fsva fsva;
    int rc;

    libxl_device_fsva_init(&fsva);
    rc = libxl_device_fsva_from_json(CTX, &fsva, m->info.device);
    if (rc || !fsva.tag) {
        rc = failed(v, "the description of the device of '%s' makes no sense",
                    m->info.name);
        goto out;
    }

    if (fsva.appliance && access(fsva.appliance, R_OK)) {
        int err = errno;
        char shown[128];

        fsva_text_clean(shown, sizeof(shown), fsva.appliance);
        fsva_say("%s: %s: '%s' cannot reboot here without it", shown,
                 strerror(err), user->info.name);
    }

    snprintf(record.user_uuid, sizeof(record.user_uuid), "%s",
             user->info.uuid);
    snprintf(record.user_name, sizeof(record.user_name), "%s",
             user->info.name);
    snprintf(record.tag, sizeof(record.tag), "%s", fsva.tag);
    /* It served before; it has no reason to say so again. */
    if (!fsva_record_write(m->domid, &record) ||
        !fsva_xs_write("1", "/local/domain/%u/data/fsva-ready", m->domid))
        rc = failed(v, "xenstore takes no record of '%s'", m->info.name);

out:
    libxl_device_fsva_dispose(&fsva);
    return rc;
}

static int join(struct receive *v)
{
    struct fsva_member *user = &v->move->members[0];
    unsigned i;
    int rc;

    for (i = 1; i < v->move->nr; i++) {
        rc = write_record(v, i);
        if (rc) return rc;
        rc = fsva_member_connect(user, i, v->move->members[i].domid,
                                 STEP_MS);
        if (rc)
            return failed(v, "'%s' could not be connected to '%s' (error"
                          " %d)", user->info.name, name_of(v, i), rc);
    }

    return 0;
}

int fsva_receive_images(struct fsva_move *move, struct fsva_channel *c,
                        char *why, size_t why_size)
{
    struct receive v = { .move = move, .c = c, .why = why,
                         .why_size = why_size };
    unsigned i;
    int rc;

    rc = take_head(&v);
    if (rc) return rc;
    rc = fsva_policy_check_silo();
    if (rc)
        return failed(&v, "XSM keeps domains from sharing memory");
    rc = check_names(&v);
    if (rc) return rc;
    rc = check_memory(&v);
    if (rc) return rc;

    for_each_user_first(move, i) {
        rc = fsva_member_restore(move, i);
        if (rc)
            return failed(&v, "no process for '%s': %s", name_of(&v, i),
                          strerror(errno));
    }
    if (c->out >= 0 && fsva_channel_send(c, FSVA_FRAME_ACCEPT, 0, 0))
        return channel_failed(&v);

    rc = take_images(&v);
    if (rc) return rc;
    rc = wait_restored(&v);
    if (rc) return rc;
    return join(&v);
}

int fsva_receive_start(struct fsva_move *move, bool paused, char *why,
                       size_t why_size)
{
    unsigned i;
    int rc;

    for_each_appliance_first(move, i) {
        rc = fsva_member_do(&move->members[i], FSVA_NOTE_START,
                            paused && !i, STEP_MS);
        if (rc) {
            snprintf(why, why_size, "'%s' could not be started (error %d)",
                     move->members[i].info.name, rc);
            return rc;
        }
    }

    return 0;
}

void fsva_receive_destroy(struct fsva_move *move)
{
    unsigned i;

    fsva_move_cut(move);
    for_each_user_first(move, i) {
        struct fsva_member *m = &move->members[i];

        if (m->pid)
            fsva_member_do(m, FSVA_NOTE_DESTROY, 0, STEP_MS);
        fsva_member_close(m);
        /* Its child ended with its start, or died. */
        if (m->domid != INVALID_DOMID &&
            fsva_domain_state(m->domid, NULL) != FSVA_DOMAIN_NONE)
            libxl_domain_destroy(CTX, m->domid, NULL);
    }
}

void fsva_receive_end(struct fsva_move *move)
{
    unsigned i;

    for_each_user_first(move, i)
        fsva_member_close(&move->members[i]);
}

/*----- xl migrate-receive --fsva -----*/

/* Away from 0 and 1, which children inherit. */
static int move_fd(int fd, int instead)
{
    int got = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    dup2(instead, fd);
    return got;
}

int fsva_move_receive(int recv_fd, int send_fd, unsigned flags)
{
    struct fsva_move *move = fsva_move_new();
    struct fsva_channel *c;
    char why[256] = "";
    int nullfd, rc;

    signal(SIGPIPE, SIG_IGN);
    nullfd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    move->fds[0] = move_fd(recv_fd, nullfd);
    move->fds[1] = move_fd(send_fd, 2);
    close(nullfd);
    c = fsva_channel_new(move->fds[0], move->fds[1], true);

    fsva_interrupt_begin();
    rc = ERROR_FAIL;
    if (fsva_channel_preamble(c)) {
        snprintf(why, sizeof(why), "%s", c->error);
        goto out;
    }
    rc = fsva_receive_images(move, c, why, sizeof(why));
    if (rc) goto out;

    rc = ERROR_FAIL;
    if (fsva_channel_send(c, FSVA_FRAME_READY, 0, 0) ||
        fsva_channel_wait(c, FSVA_FRAME_GO, 600)) {
        snprintf(why, sizeof(why), "%s", c->error);
        goto out;
    }

    rc = fsva_receive_start(move, flags & XL_PLUGIN_PAUSED, why,
                            sizeof(why));
    if (rc) goto out;
    /* If nobody hears this, they run here all the same. */
    fsva_channel_send(c, FSVA_FRAME_DONE, 0, 0);

out:
    if (rc) {
        fsva_say("migration target: %s; nothing is kept here", why);
        fsva_receive_destroy(move);
        /* Not before: the source takes it as leave to resume. */
        fsva_channel_fail(c, why);
    }
    fsva_receive_end(move);
    fsva_interrupt_end();
    fsva_channel_free(c);
    free(move);
    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
