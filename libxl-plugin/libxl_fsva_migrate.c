/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl migrate' of a pair: the transport, and the two phases.
 *
 * Until GO is written everything can be taken back: the domains are here,
 * suspended or running, and the target destroys what it has when it hears
 * FAIL, or nothing more.  GO is shorter than what a pipe takes at once, so
 * either all of it is on its way or none.  From then on the domains here are
 * kept, suspended and under another name, until the target says DONE, or
 * FAIL, which it says when it has destroyed its own.  If the connection is
 * lost just then, only a person who looks at both hosts can tell.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxl_fsva_move.h"

#define READY_S     300
#define DONE_S      180
#define STEP_MS     60000
#define AWAY        "--migratedaway"

/*----- the transport -----*/

static pid_t start_transport(const char *rune, int *in_r, int *out_r)
{
    int in[2], out[2];
    pid_t pid;

    if (pipe2(in, O_CLOEXEC))
        return -1;
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]);
        close(in[1]);
        return -1;
    }

    fflush(NULL);
    pid = fork();
    if (!pid) {
        dup2(out[0], 0);
        dup2(in[1], 1);
        execlp("sh", "sh", "-c", rune, (char *)NULL);
        perror("sh");
        _exit(127);
    }

    close(out[0]);
    close(in[1]);
    if (pid < 0) {
        close(out[1]);
        close(in[0]);
        return -1;
    }
    *in_r = in[0];
    *out_r = out[1];
    return pid;
}

/* It ends when its pipes do; if it hangs, it is not waited for. */
static void end_transport(pid_t pid, int in, int out)
{
    int status, i;

    close(out);
    for (i = 0; i < 100; i++) {
        if (waitpid(pid, &status, WNOHANG))
            break;
        usleep(20000);
    }
    close(in);
}

/*----- the commit -----*/

static int rename_one(const struct fsva_member *m, bool away)
{
    char other[FSVA_MEMBER_NAME_MAX + 16];

    snprintf(other, sizeof(other), "%s" AWAY, m->info.name);
    return away ? libxl_domain_rename(CTX, m->domid, m->info.name, other)
                : libxl_domain_rename(CTX, m->domid, other, m->info.name);
}

static void unhold(struct fsva_send *s, unsigned nr_renamed)
{
    unsigned i;

    for_each_user_first(s->move, i) {
        if (i < nr_renamed)
            rename_one(&s->move->members[i], false);
        fsva_member_do(&s->move->members[i], FSVA_NOTE_HOLD, false, STEP_MS);
    }
}

/* Nothing may resume them by itself from here on. */
static int hold(struct fsva_send *s)
{
    unsigned i;

    s->step = "handing over";
    for_each_user_first(s->move, i) {
        struct fsva_member *m = &s->move->members[i];

        if (fsva_member_do(m, FSVA_NOTE_HOLD, true, STEP_MS) ||
            rename_one(m, true)) {
            fsva_send_failed(s, "'%s' could not be renamed to '%s" AWAY "'",
                             m->info.name, m->info.name);
            unhold(s, i);
            return ERROR_FAIL;
        }
    }

    return 0;
}

/* 0: moved; > 0: nobody knows; < 0: not moved. */
static int commit(struct fsva_send *s)
{
    unsigned i;
    int rc;

    if (fsva_interrupted()) {
        fsva_send_failed(s, "interrupted");
        return ERROR_FAIL;
    }
    rc = hold(s);
    if (rc) return rc;

    /* Ctrl-C has to wait now. */
    fsva_interrupt_end();
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);

    if (fsva_channel_send(s->c, FSVA_FRAME_GO, 0, 0)) {
        fsva_send_failed(s, "%s", s->c->error);
        unhold(s, s->move->nr);
        return ERROR_FAIL;
    }

    s->step = "starting at the target";
    if (!fsva_channel_wait(s->c, FSVA_FRAME_DONE, DONE_S))
        return 0;

    fsva_send_failed(s, "%s", s->c->error);
    if (s->c->r.type == FSVA_FRAME_FAIL) {
        unhold(s, s->move->nr);
        return ERROR_FAIL;
    }

    for_each_user_first(s->move, i)
        fsva_member_close(&s->move->members[i]);
    return 1;
}

/*----- xl migrate -----*/

static void print_unknown(const struct fsva_send *s)
{
    const char *user = s->move->members[0].info.name;
    unsigned i;

    fsva_say("migration of '%s' was cut off after the commit, %s: %s. Look at"
             " the other host: if '%s' is there, it has moved, so xl destroy"
             " %s" AWAY " here; if it is not, resume it here:", user, s->step,
             s->why, user, user);
    for_each_appliance_first(s->move, i)
        fsva_say("  xl resume %s" AWAY "; xl rename %s" AWAY " %s",
                 s->move->members[i].info.name, s->move->members[i].info.name,
                 s->move->members[i].info.name);
}

int fsva_move_migrate(uint32_t domid, const char *rune, unsigned flags)
{
    struct fsva_move *move = fsva_move_new();
    struct fsva_send s = { .move = move, .step = "starting" };
    int64_t start_ms, sent_ms, ready_ms, done_ms;
    int in, out, rc;
    pid_t pid;

    rc = fsva_move_collect(move, domid, "migrate");
    if (rc) goto out_free;
    if (flags & XL_PLUGIN_OTHER) {
        fsva_say("a domain with appliances is migrated with its own"
                 " configuration, new ids and a monitor: -C, -D, -e and -F"
                 " are refused");
        rc = ERROR_INVAL;
        goto out_free;
    }

    signal(SIGPIPE, SIG_IGN);
    fsva_interrupt_begin();
    start_ms = fsva_now_ms();
    pid = start_transport(rune, &in, &out);
    if (pid < 0) {
        fsva_say("no process for the transport: %s", strerror(errno));
        rc = ERROR_FAIL;
        goto out_interrupt;
    }
    move->fds[0] = in;
    move->fds[1] = out;
    s.c = fsva_channel_new(in, out, true);
    s.flags = LIBXL_SUSPEND_LIVE |
              (flags & XL_PLUGIN_DEBUG ? LIBXL_SUSPEND_DEBUG : 0);

    rc = fsva_send_images(&s);
    sent_ms = fsva_now_ms();
    if (!rc) {
        s.step = "waiting for the target to be ready";
        if (fsva_channel_wait(s.c, FSVA_FRAME_READY, READY_S)) {
            fsva_send_failed(&s, "%s", s.c->error);
            rc = ERROR_FAIL;
        }
    }
    ready_ms = fsva_now_ms();
    if (!rc)
        rc = commit(&s);
    done_ms = fsva_now_ms();

    if (rc < 0) {
        /* Its end of file tells the target; then there is nothing left. */
        end_transport(pid, in, out);
        fsva_send_take_back(&s, "migration");
    } else if (rc > 0) {
        end_transport(pid, in, out);
        print_unknown(&s);
        rc = ERROR_FAIL;
    } else {
        fsva_say("they were away for %.2f s of last pages, %.2f s until the"
                 " target was ready, and %.2f s to start there",
                 (sent_ms - s.suspended_ms) / 1000.0,
                 (ready_ms - sent_ms) / 1000.0,
                 (done_ms - ready_ms) / 1000.0);
        fsva_say("'%s' has moved with %u appliance%s: downtime %.2f s, %.1f s"
                 " in all", move->members[0].info.name, move->nr - 1,
                 move->nr == 2 ? "" : "s",
                 (done_ms - s.suspended_ms) / 1000.0,
                 (done_ms - start_ms) / 1000.0);
        fsva_send_destroy(&s, AWAY);
        end_transport(pid, in, out);
    }
    fsva_channel_free(s.c);

out_interrupt:
    fsva_interrupt_end();
out_free:
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
