/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * `xl save' and `xl restore' of a pair: the frames of a migration in a file.
 *
 * The file is complete, and on the disk, before anything is destroyed.  One
 * that could not be completed is removed.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxl_fsva_move.h"
#include "fsva_text.h"

#define STEP_MS     60000

/*----- xl save -----*/

static int resume_all(struct fsva_send *s, bool paused)
{
    unsigned i;
    int rc = 0;

    for_each_appliance_first(s->move, i) {
        struct fsva_member *m = &s->move->members[i];

        if (fsva_member_do(m, FSVA_NOTE_RESUME, paused, STEP_MS)) {
            fsva_say("'%s' could not be resumed: xl resume %s",
                     m->info.name, m->info.name);
            rc = ERROR_FAIL;
        }
        fsva_member_close(m);
    }

    return rc;
}

int fsva_move_save(uint32_t domid, const char *filename, unsigned flags)
{
    struct fsva_move *move = fsva_move_new();
    struct fsva_send s = { .move = move, .step = "starting" };
    char shown[128];
    struct stat st;
    int fd, rc;

    fsva_text_clean(shown, sizeof(shown), filename);
    rc = fsva_move_collect(move, domid, "save");
    if (rc) goto out_free;
    if (flags & XL_PLUGIN_OTHER) {
        fsva_say("a domain with appliances is saved with its own"
                 " configuration: another one, and -D, are refused");
        rc = ERROR_INVAL;
        goto out_free;
    }

    fd = open(filename, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        fsva_say("%s cannot be written: %s", shown, strerror(errno));
        rc = ERROR_FAIL;
        goto out_free;
    }

    signal(SIGPIPE, SIG_IGN);
    fsva_interrupt_begin();
    move->fds[1] = fd;
    s.c = fsva_channel_new(-1, fd, false);

    rc = fsva_send_images(&s);
    if (!rc && fsync(fd) && errno != EINVAL) {
        fsva_send_failed(&s, "%s: %s", shown, strerror(errno));
        rc = ERROR_FAIL;
    }

    if (rc) {
        if (!fstat(fd, &st) && S_ISREG(st.st_mode))
            unlink(filename);
        fsva_send_take_back(&s, "save");
    } else if (flags & (XL_PLUGIN_CHECKPOINT | XL_PLUGIN_PAUSED)) {
        rc = resume_all(&s, flags & XL_PLUGIN_PAUSED);
    } else {
        rc = fsva_send_destroy(&s, "");
    }

    fsva_interrupt_end();
    fsva_channel_free(s.c);
    close(fd);
out_free:
    free(move);
    return rc;
}

/*----- xl restore -----*/

int fsva_move_restore(const char *filename, unsigned flags)
{
    char why[256] = "", shown[128];
    struct fsva_move *move;
    struct fsva_channel *c;
    uint8_t head[8];
    int fd, rc;

    /* If it cannot be read, xl tells so. */
    fd = open(filename, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return XL_PLUGIN_NOT_MINE;
    if (pread(fd, head, sizeof(head), 0) != sizeof(head) ||
        !fsva_stream_is_ours(head, sizeof(head))) {
        close(fd);
        return XL_PLUGIN_NOT_MINE;
    }

    fsva_text_clean(shown, sizeof(shown), filename);
    if (flags & XL_PLUGIN_OTHER) {
        fsva_say("%s has several domains, which are restored with their own"
                 " configurations and monitors: only -p can be given",
                 shown);
        close(fd);
        return ERROR_INVAL;
    }

    signal(SIGPIPE, SIG_IGN);
    fsva_interrupt_begin();
    move = fsva_move_new();
    move->fds[0] = fd;
    c = fsva_channel_new(fd, -1, false);

    rc = fsva_receive_images(move, c, why, sizeof(why));
    if (!rc)
        rc = fsva_receive_start(move, flags & XL_PLUGIN_PAUSED, why,
                                sizeof(why));
    if (rc) {
        fsva_receive_destroy(move);
        fsva_say("restore from %s failed: %s; no domain is left of it",
                 shown, why);
    } else {
        fsva_say("'%s' is restored with %u appliance%s",
                 move->members[0].info.name, move->nr - 1,
                 move->nr == 2 ? "" : "s");
    }

    fsva_receive_end(move);
    fsva_interrupt_end();
    fsva_channel_free(c);
    free(move);
    close(fd);
    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
