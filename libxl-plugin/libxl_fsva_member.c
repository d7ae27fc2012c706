/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One domain of a pair on the move, and the process that has it in hand.
 * libxl_fsva_move.h says who talks to whom, and what becomes of the domain
 * when somebody dies.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxl_fsva_move.h"
#include "fsva_text.h"

#include <xen/io/xenbus.h>

#define LOCK_FILE       XEN_LOCK_DIR "/xl-fsva-moves"
/* A domain that libxl has given up on may suspend yet. */
#define LATE_MS         2000

struct fsva_move *fsva_move_new(void)
{
    struct fsva_move *move = calloc(1, sizeof(*move));
    unsigned i;

    if (!move)
        abort();
    move->fds[0] = move->fds[1] = move->lock = -1;
    for (i = 0; i < FSVA_MEMBERS_MAX; i++) {
        move->members[i].domid = INVALID_DOMID;
        move->members[i].ctl = move->members[i].data = -1;
    }

    return move;
}

void fsva_move_cut(struct fsva_move *move)
{
    unsigned i;

    for_each_user_first(move, i) {
        struct fsva_member *m = &move->members[i];

        if (m->data >= 0)
            close(m->data);
        m->data = -1;
    }
}

/*----- who they are -----*/

static int fill_member(struct fsva_move *move, struct fsva_member *m,
                       uint32_t domid, const char *verb)
{
    libxl_dominfo info;
    char *name;
    int rc;

    libxl_dominfo_init(&info);
    rc = libxl_domain_info(CTX, &info, domid);
    if (rc) goto out;

    if (info.paused || info.shutdown || info.dying) {
        fsva_say("%s is %s, so %s is refused: it has to run",
                 fsva_domain_str(domid),
                 info.paused ? "paused" : "shut down", verb);
        rc = ERROR_INVAL;
        goto out;
    }

    m->domid = domid;
    snprintf(m->info.uuid, sizeof(m->info.uuid), LIBXL_UUID_FMT,
             LIBXL_UUID_BYTES(info.uuid));
    name = libxl_domid_to_name(CTX, domid);
    snprintf(m->info.name, sizeof(m->info.name), "%s", name ?: "");
    free(name);
    move->memory_kb += info.current_memkb;

out:
    libxl_dominfo_dispose(&info);
    return rc;
}

static bool says_yes(const char *dir, const char *node)
{
    char *value = fsva_xs_read("%s/%s", dir, node);
    bool yes = value && !strcmp(value, "1");

    free(value);
    return yes;
}

/*
 * A driver that does not know how to go on after a suspend would lose what is
 * shared, and say nothing.
 */
static int check_drivers(uint32_t user_domid, const libxl_device_fsva *fsva,
                         const libxl_fsvainfo *info, const char *verb)
{
    bool back = info->backend_state < XenbusStateInitWait ||
                says_yes(info->backend, "feature-restore-grants");
    bool front = info->state != XenbusStateConnected ||
                 says_yes(info->frontend, "feature-migrate");

    if (back && front)
        return 0;

    fsva_say("the driver of '%s' in %s cannot be suspended, so %s is"
             " refused: give it a newer one, or detach '%s'", fsva->tag,
             fsva_domain_str(back ? user_domid : info->backend_id), verb,
             fsva->tag);
    return ERROR_INVAL;
}

static int fill_appliance(struct fsva_move *move, uint32_t user_domid,
                          const libxl_device_fsva *fsva, const char *verb)
{
    struct fsva_member *m = &move->members[move->nr];
    libxl_fsvainfo info;
    char *json = NULL;
    int rc;

    rc = libxl_device_fsva_getinfo(CTX, user_domid, fsva, &info);
    if (rc) return rc;

    if (info.backend_state < 0) {
        fsva_say("%s has lost its file system '%s', so %s is refused: xl"
                 " fsva-detach %u %s first", fsva_domain_str(user_domid),
                 fsva->tag, verb, user_domid, fsva->tag);
        rc = ERROR_INVAL;
        goto out;
    }

    rc = check_drivers(user_domid, fsva, &info, verb);
    if (rc) goto out;
    rc = fill_member(move, m, info.backend_id, verb);
    if (rc) goto out;

    m->info.owned = fsva->appliance;
    json = libxl_device_fsva_to_json(CTX, (libxl_device_fsva *)fsva);
    if (!json || strlen(json) > FSVA_MEMBER_DEVICE_MAX) {
        fsva_say("the description of '%s' is too long", fsva->tag);
        rc = ERROR_FAIL;
        goto out;
    }
    snprintf(m->info.device, sizeof(m->info.device), "%s", json);
    move->nr++;

out:
    free(json);
    libxl_fsvainfo_dispose(&info);
    return rc;
}

/*
 * Nobody else moves it until the last of our processes has ended: children
 * share the lock, and may yet be taking their domains back when we have died.
 */
static int lock_pair(struct fsva_move *move, uint32_t domid,
                     const char *verb)
{
    /* One file for all pairs; each has the octet of its user domain's id. */
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
                          .l_start = domid, .l_len = 1 };

    move->lock = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (move->lock < 0) {
        fsva_say("%s cannot be opened: %s", LOCK_FILE, strerror(errno));
        return ERROR_FAIL;
    }
    if (!fcntl(move->lock, F_OFD_SETLK, &lock))
        return 0;

    if (errno == EAGAIN || errno == EACCES)
        fsva_say("another process is saving or migrating %s, so %s is"
                 " refused", fsva_domain_str(domid), verb);
    else
        fsva_say("%s cannot be locked: %s", LOCK_FILE, strerror(errno));
    return ERROR_LOCK_FAIL;
}

int fsva_move_collect(struct fsva_move *move, uint32_t domid,
                      const char *verb)
{
    libxl_domain_config d_config;
    struct fsva_record record;
    unsigned nr;
    int i, rc;

    fsva_record_read(domid, &record);
    if (record.exists && record.user_alive)
        return fsva_pair_permit(domid, verb, false);

    free(fsva_xs_list(&nr, "/libxl/%u/device/fsva", domid));
    if (!nr)
        return XL_PLUGIN_NOT_MINE;

    rc = lock_pair(move, domid, verb);
    if (rc) return rc;

    libxl_domain_config_init(&d_config);
    rc = libxl_retrieve_domain_configuration(CTX, domid, &d_config, NULL);
    if (rc) goto out;

    if (d_config.num_fsvas != nr || nr >= FSVA_MEMBERS_MAX) {
        fsva_say("%s has %u fsva devices, of which its configuration has %d",
                 fsva_domain_str(domid), nr, d_config.num_fsvas);
        rc = ERROR_FAIL;
        goto out;
    }

    rc = fill_member(move, &move->members[0], domid, verb);
    if (rc) goto out;
    move->nr = 1;
    for (i = 0; i < d_config.num_fsvas; i++) {
        rc = fill_appliance(move, domid, &d_config.fsvas[i], verb);
        if (rc) goto out;
    }

out:
    libxl_domain_config_dispose(&d_config);
    return rc;
}

/*----- notes -----*/

static bool note_send(int fd, const struct fsva_note *note)
{
    ssize_t r;

    do {
        r = send(fd, note, sizeof(*note), MSG_NOSIGNAL);
    } while (r < 0 && errno == EINTR);

    return r == sizeof(*note);
}

static bool note_recv(int fd, struct fsva_note *note)
{
    ssize_t r;

    do {
        r = recv(fd, note, sizeof(*note), 0);
    } while (r < 0 && errno == EINTR);

    return r == sizeof(*note);
}

bool fsva_member_tell(struct fsva_member *m, enum fsva_note_what what,
                      uint32_t flag)
{
    struct fsva_note note = { .what = what, .flag = flag };

    return m->ctl >= 0 && note_send(m->ctl, &note);
}

int fsva_member_hear(struct fsva_member *m, struct fsva_note *note,
                     int timeout_ms)
{
    struct pollfd pfd = { .fd = m->ctl, .events = POLLIN };
    int64_t end = fsva_now_ms() + timeout_ms, left;
    int r;

    if (m->ctl < 0)
        return ERROR_FAIL;

    do {
        left = end - fsva_now_ms();
        r = poll(&pfd, 1, left > 0 ? left : 0);
    } while (r < 0 && errno == EINTR && left > 0);
    if (r <= 0)
        return ERROR_TIMEDOUT;

    if (note_recv(m->ctl, note))
        return 0;
    close(m->ctl);
    m->ctl = -1;
    return ERROR_FAIL;
}

/* Whatever else it had to say first is of no interest now. */
static int wait_did(struct fsva_member *m, int timeout_ms)
{
    int64_t end = fsva_now_ms() + timeout_ms, left;
    struct fsva_note note;
    int rc;

    do {
        left = end - fsva_now_ms();
        rc = fsva_member_hear(m, &note, left > 0 ? left : 0);
        if (rc) return rc;
    } while (note.what != FSVA_NOTE_DID);

    return note.rc;
}

int fsva_member_do(struct fsva_member *m, enum fsva_note_what what,
                   uint32_t flag, int timeout_ms)
{
    if (!fsva_member_tell(m, what, flag))
        return ERROR_FAIL;

    return wait_did(m, timeout_ms);
}

int fsva_member_connect(struct fsva_member *user, unsigned nr,
                        uint32_t domid, int timeout_ms)
{
    struct fsva_note note = { .what = FSVA_NOTE_CONNECT, .member = nr,
                              .domid = domid };

    if (user->ctl < 0 || !note_send(user->ctl, &note))
        return ERROR_FAIL;

    return wait_did(user, timeout_ms);
}

void fsva_member_close(struct fsva_member *m)
{
    int status;

    if (m->data >= 0)
        close(m->data);
    if (m->ctl >= 0)
        close(m->ctl);
    m->data = m->ctl = -1;
    if (m->pid)
        while (waitpid(m->pid, &status, 0) < 0 && errno == EINTR)
            ;
    m->pid = 0;
}

/*----- the child, whatever it does -----*/

/*
 * Returns 0 in the child.  out: the image leaves the child; else it comes in.
 */
static int start_child(struct fsva_move *move, unsigned nr, bool out,
                       int *ctl_r, int *data_r)
{
    struct fsva_member *m = &move->members[nr];
    int pipes[2], sock[2], nullfd;
    unsigned i;

    if (pipe2(pipes, O_CLOEXEC))
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock)) {
        close(pipes[0]);
        close(pipes[1]);
        return -1;
    }
    fcntl(pipes[0], F_SETPIPE_SZ, FSVA_PIPE_SIZE);

    fsva_xs_close();
    m->pid = fsva_host->fork();
    if (m->pid < 0) {
        m->pid = 0;
        close(pipes[0]);
        close(pipes[1]);
        close(sock[0]);
        close(sock[1]);
        return -1;
    }
    if (m->pid) {
        m->ctl = sock[0];
        m->data = pipes[out ? 0 : 1];
        close(sock[1]);
        close(pipes[out ? 1 : 0]);
        fcntl(m->data, F_SETFL, fcntl(m->data, F_GETFL) | O_NONBLOCK);
        return m->pid;
    }

    /* What the others hold open would hide from them that somebody died. */
    for (i = 0; i < FSVA_MEMBERS_MAX; i++) {
        if (move->members[i].ctl >= 0)
            close(move->members[i].ctl);
        if (move->members[i].data >= 0)
            close(move->members[i].data);
    }
    for (i = 0; i < 2; i++)
        if (move->fds[i] > 2)
            close(move->fds[i]);
    close(sock[0]);
    close(pipes[out ? 0 : 1]);
    nullfd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nullfd, 0);
    dup2(2, 1);
    close(nullfd);
    signal(SIGPIPE, SIG_IGN);

    *ctl_r = sock[1];
    *data_r = pipes[out ? 1 : 0];
    return 0;
}

static void did(int ctl, int rc)
{
    struct fsva_note note = { .what = FSVA_NOTE_DID, .rc = rc };

    note_send(ctl, &note);
}

/*----- a child that saves -----*/

struct saver {
    int ctl;
    uint32_t domid;
    bool held;              /* see FSVA_NOTE_HOLD */
    bool gone;              /* the coordinator is */
    bool stop;              /* told to RESUME, or gone */
    bool told;              /* the domain has been told to suspend */
    uint32_t paused;
};

/* Wait for the answer to a question; false: give up. */
static bool answer(struct saver *s, struct fsva_note *note)
{
    if (!s->stop && !note_recv(s->ctl, note))
        s->stop = s->gone = true;
    if (!s->stop && note->what == FSVA_NOTE_RESUME) {
        s->stop = true;
        s->paused = note->flag;
    }
    return !s->stop;
}

static int hook_precopy(uint32_t domid, unsigned int iteration,
                        unsigned long total_written, long dirty_count,
                        void *data)
{
    struct saver *s = data;
    struct fsva_note note = {
        .what = FSVA_NOTE_PRECOPY, .iteration = iteration,
        .written = total_written, .dirty = dirty_count,
    };

    /* In the middle of a round there is nothing to decide. */
    if (dirty_count < 0)
        return LIBXL_PRECOPY_CONTINUE;

    note_send(s->ctl, &note);
    if (!answer(s, &note))
        return LIBXL_PRECOPY_ABORT;
    return note.what == FSVA_NOTE_STOP ? LIBXL_PRECOPY_STOP
                                       : LIBXL_PRECOPY_CONTINUE;
}

static int hook_suspending(uint32_t domid, void *data)
{
    struct saver *s = data;
    struct fsva_note note = { .what = FSVA_NOTE_SUSPENDING };

    note_send(s->ctl, &note);
    if (!answer(s, &note))
        return ERROR_ABORTED;
    s->told = true;
    return 0;
}

static void hook_suspended(uint32_t domid, void *data)
{
    struct saver *s = data;
    struct fsva_note note = { .what = FSVA_NOTE_SUSPENDED };

    note_send(s->ctl, &note);
}

static int resume(struct saver *s, bool saved)
{
    int64_t end = fsva_now_ms() + LATE_MS;
    enum fsva_domain_state state;

    for (;;) {
        state = fsva_domain_state(s->domid, NULL);
        if (state != FSVA_DOMAIN_RUNS || saved || !s->told ||
            fsva_now_ms() > end)
            break;
        poll(NULL, 0, 50);
    }
    if (state == FSVA_DOMAIN_NONE)
        return ERROR_DOMAIN_NOTFOUND;
    if (s->paused)
        libxl_domain_pause(CTX, s->domid, NULL);
    if (state == FSVA_DOMAIN_RUNS)
        return 0;

    return libxl_domain_resume(CTX, s->domid, 1, NULL);
}

static void save_child(const struct fsva_member *m, int ctl, int data,
                       int flags)
{
    struct saver s = { .ctl = ctl, .domid = m->domid };
    const libxl_domain_suspend_hooks hooks = {
        .precopy = hook_precopy,
        .suspending = hook_suspending,
        .suspended = hook_suspended,
        .for_hooks = &s,
    };
    struct fsva_note note = { .what = FSVA_NOTE_SAVED };
    int rc;

    fsva_host->save_config(m->domid, data);
    note.rc = libxl_domain_suspend_hooked(CTX, m->domid, data, flags, &hooks,
                                          NULL);
    close(data);
    rc = note.rc;
    note_send(ctl, &note);

    for (;;) {
        if (s.stop) {
            rc = s.held ? 0 : resume(&s, !rc);
            did(ctl, rc);
            exit(rc ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        if (!answer(&s, &note))
            continue;
        switch (note.what) {
        case FSVA_NOTE_HOLD:
            s.held = note.flag;
            did(ctl, 0);
            break;
        case FSVA_NOTE_DESTROY:
            rc = libxl_domain_destroy(CTX, m->domid, NULL);
            did(ctl, rc);
            exit(rc ? EXIT_FAILURE : EXIT_SUCCESS);
        }
    }
}

int fsva_member_save(struct fsva_move *move, unsigned nr, int flags)
{
    int ctl, data, r;

    r = start_child(move, nr, true, &ctl, &data);
    if (r < 0)
        return ERROR_FAIL;
    if (!r)
        save_child(&move->members[nr], ctl, data, flags);

    return 0;
}

/*----- a child that restores -----*/

struct adjust_data {
    const struct fsva_member_info *info;
    bool user;
    int ctl;
};

/*
 * In the process that makes the domain, and then becomes its monitor: this
 * one must not keep our notes open.  The devices are added when all domains
 * exist, with the ids that these have here; that is also when they come into
 * the configuration which the domain reboots with.
 */
static int adjust(libxl_domain_config *d_config, void *data_)
{
    struct adjust_data *data = data_;
    char uuid[LIBXL_UUID_FMTLEN + 1];
    int i;

    close(data->ctl);

    snprintf(uuid, sizeof(uuid), LIBXL_UUID_FMT,
             LIBXL_UUID_BYTES(d_config->c_info.uuid));
    if (!d_config->c_info.name ||
        strcmp(d_config->c_info.name, data->info->name) ||
        strcmp(uuid, data->info->uuid)) {
        fsva_say("the image of '%s' is that of another domain",
                 data->info->name);
        return ERROR_INVAL;
    }
    if (!data->user && d_config->num_fsvas) {
        fsva_say("'%s' is an appliance and has fsva devices",
                 data->info->name);
        return ERROR_INVAL;
    }

    for (i = 0; i < d_config->num_fsvas; i++)
        libxl_device_fsva_dispose(&d_config->fsvas[i]);
    free(d_config->fsvas);
    d_config->fsvas = NULL;
    d_config->num_fsvas = 0;
    return 0;
}

/* libxl writes the nodes of both ends, with permissions, in one transaction. */
static int connect_device(uint32_t domid, const struct fsva_member *appliance,
                          uint32_t backend_domid)
{
    libxl_device_fsva fsva;
    int rc;

    libxl_device_fsva_init(&fsva);
    rc = libxl_device_fsva_from_json(CTX, &fsva, appliance->info.device);
    if (rc) goto out;

    /* Its name is another one until it starts. */
    free(fsva.backend_domname);
    fsva.backend_domname = NULL;
    if (!fsva.appliance &&
        asprintf(&fsva.backend_domname, "%u", backend_domid) < 0)
        abort();
    fsva.backend_domid = backend_domid;
    rc = libxl_device_fsva_add(CTX, domid, &fsva, NULL);

out:
    libxl_device_fsva_dispose(&fsva);
    return rc;
}

static void start_domain(const struct fsva_member *m, int ctl, bool paused)
{
    char incoming[FSVA_MEMBER_NAME_MAX + 16];
    int rc;

    rc = paused ? 0 : libxl_domain_unpause(CTX, m->domid, NULL);
    did(ctl, rc);
    if (rc)
        return;

    snprintf(incoming, sizeof(incoming), "%s--incoming", m->info.name);
    rc = libxl_domain_rename(CTX, m->domid, incoming, m->info.name);
    if (rc)
        fsva_say("'%s' runs, but keeps the name '%s'", m->info.name,
                 incoming);
    exit(rc ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void restore_child(struct fsva_move *move, unsigned nr, int ctl,
                          int data)
{
    struct fsva_member *m = &move->members[nr];
    struct adjust_data adjust_data = { .info = &m->info, .user = !nr,
                                       .ctl = ctl };
    struct fsva_note note = { .what = FSVA_NOTE_RESTORED };

    note.rc = fsva_host->restore(data, m->info.name, adjust, &adjust_data,
                                 &m->domid);
    close(data);
    note.domid = m->domid;
    note_send(ctl, &note);

    for (;;) {
        if (!note_recv(ctl, &note))
            note.what = FSVA_NOTE_DESTROY;
        switch (note.what) {
        case FSVA_NOTE_CONNECT:
            did(ctl, note.member < move->nr
                ? connect_device(m->domid, &move->members[note.member],
                                 note.domid)
                : ERROR_INVAL);
            break;
        case FSVA_NOTE_START:
            start_domain(m, ctl, note.flag);
            break;
        case FSVA_NOTE_DESTROY:
            note.rc = 0;
            if (m->domid != INVALID_DOMID)
                note.rc = libxl_domain_destroy(CTX, m->domid, NULL);
            did(ctl, note.rc);
            exit(note.rc ? EXIT_FAILURE : EXIT_SUCCESS);
        }
    }
}

int fsva_member_restore(struct fsva_move *move, unsigned nr)
{
    int ctl, data, r;

    r = start_child(move, nr, false, &ctl, &data);
    if (r < 0)
        return ERROR_FAIL;
    if (!r)
        restore_child(move, nr, ctl, data);

    return 0;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
