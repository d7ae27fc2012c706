/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Pairs: a user domain and the appliances that serve it.
 *
 * Start:  each appliance is created as <user>.<tag>; when all of them serve,
 *         xl creates the user domain with its devices; then the records are
 *         completed, then it runs.
 * Stop:   the user domain first, whose devices libxl removes: the appliances
 *         unmount.  Then these are told to shut down.  `xl destroy' does not
 *         ask them.
 * Reboot: both of the above.
 * Loss:   an appliance that dies leaves its user domain running.  The backend
 *         directory goes, so that the frontend notices and ends its calls with
 *         EIO; the device stays, marked as lost, so that it can be listed,
 *         detached or attached again, and so that a reboot of the user domain
 *         makes a new appliance for it.
 *
 * Several processes act on one pair: the monitors of all its domains and the
 * xl command that caused it all.  So each step may find its work done.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenctrl.h>

#include "libxl_fsva.h"
#include "fsva_text.h"

#include <xen/io/xenbus.h>

/*
 * Each page in flight or shared takes a grant of its owner and a maptrack
 * entry of the other, and both domains do both.  Xen's defaults are 64 and
 * 1024.  It allocates only what is used.
 */
#define GRANT_FRAMES    256
#define MAPTRACK_FRAMES 4096

/* What prepare has made, for abort. */
static struct made {
    uint32_t domid;
    char *name;
} *made;
static unsigned nr_made;

static void forget_made(void)
{
    unsigned i;

    for (i = 0; i < nr_made; i++)
        free(made[i].name);
    free(made);
    made = NULL;
    nr_made = 0;
}

static void set_uuid_str(char str[LIBXL_UUID_FMTLEN + 1],
                         const libxl_uuid *uuid)
{
    snprintf(str, LIBXL_UUID_FMTLEN + 1, LIBXL_UUID_FMT,
             LIBXL_UUID_BYTES(*uuid));
}

static void raise_limits(libxl_domain_build_info *b_info)
{
    if (b_info->max_grant_frames == (uint32_t)LIBXL_MAX_GRANT_DEFAULT)
        b_info->max_grant_frames = GRANT_FRAMES;
    if (b_info->max_maptrack_frames == (uint32_t)LIBXL_MAX_GRANT_DEFAULT)
        b_info->max_maptrack_frames = MAPTRACK_FRAMES;
}

/*----- prepare: what can be refused without creating anything -----*/

/* The name becomes part of others, of paths and of a line of configuration. */
static int check_name(const char *name)
{
    char shown[128];

    if (name && name[0] && strlen(name) < 200 && !strpbrk(name, "/\"'\\\n"))
        return 0;

    fsva_text_clean(shown, sizeof(shown), name ?: "");
    fsva_say("a domain with fsva devices cannot have the name '%s'", shown);
    return ERROR_INVAL;
}

/* Also removes the device that has the tag, if that is lost. */
static int check_tags(libxl_domain_config *d_config, uint32_t domid)
{
    libxl_device_fsva *fsvas, *others;
    int i, j, nr, rc = 0;

    fsvas = d_config->fsvas;
    for (i = 0; i < d_config->num_fsvas; i++) {
        for (j = 0; j < i; j++) {
            if (!strcmp(fsvas[i].tag, fsvas[j].tag)) {
                fsva_say("tag '%s' is given twice", fsvas[i].tag);
                return ERROR_INVAL;
            }
        }
    }

    if (domid == INVALID_DOMID)
        return 0;

    others = libxl_device_fsva_list(CTX, domid, &nr);
    if (!others)
        return 0;

    for (i = 0; i < nr && !rc; i++) {
        libxl_fsvainfo info;

        if (!others[i].tag || strcmp(others[i].tag, fsvas[0].tag))
            continue;

        rc = libxl_device_fsva_getinfo(CTX, domid, &others[i], &info);
        if (rc)
            break;
        if (info.backend_state >= 0) {
            fsva_say("tag '%s' is in use in %s", fsvas[0].tag,
                     fsva_domain_str(domid));
            rc = ERROR_DEVICE_EXISTS;
        } else {
            rc = libxl_device_fsva_destroy(CTX, domid, &others[i], NULL);
        }
        libxl_fsvainfo_dispose(&info);
    }

    libxl_device_fsva_list_free(others, nr);
    return rc;
}

/* How many fsva devices a domain has, which are none if it is an appliance. */
static unsigned count_devices(uint32_t domid)
{
    unsigned nr;

    free(fsva_xs_list(&nr, "/libxl/%u/device/fsva", domid));
    return nr;
}

struct find_user {
    uint32_t except;
    uint32_t found;
};

static int find_user(uint32_t user_domid, uint32_t devid, const char *tag,
                     void *data)
{
    struct find_user *find = data;

    if (user_domid == find->except ||
        fsva_domain_state(user_domid, NULL) == FSVA_DOMAIN_NONE)
        return 0;

    find->found = user_domid;
    return 1;
}

/* A domain that runs already is to be the backend. */
static int check_backend(libxl_domain_config *d_config, uint32_t domid,
                         libxl_device_fsva *fsva, uint32_t *backend_r)
{
    struct find_user find = { .except = domid, .found = INVALID_DOMID };
    struct fsva_record record;
    uint32_t backend;
    char shown[128];

    fsva_text_clean(shown, sizeof(shown), fsva->backend_domname);

    if (libxl_domain_qualifier_to_domid(CTX, fsva->backend_domname,
                                        &backend) ||
        fsva_domain_state(backend, NULL) == FSVA_DOMAIN_NONE) {
        fsva_say("'%s': there is no domain '%s' to be its backend", fsva->tag,
                 shown);
        return ERROR_DOMAIN_NOTFOUND;
    }
    if (!libxl_domid_valid_guest(backend) || backend == 0) {
        fsva_say("'%s': domain '%s' is no guest, so it cannot be an"
                 " appliance", fsva->tag, shown);
        return ERROR_INVAL;
    }
    if (backend == domid) {
        fsva_say("'%s': domain '%s' cannot be its own appliance", fsva->tag,
                 shown);
        return ERROR_INVAL;
    }
    if (fsva_domain_state(backend, NULL) != FSVA_DOMAIN_RUNS) {
        fsva_say("'%s': domain '%s' does not run", fsva->tag, shown);
        return ERROR_INVAL;
    }
    if (count_devices(backend)) {
        fsva_say("'%s': domain '%s' has appliances itself, so it cannot be"
                 " one", fsva->tag, shown);
        return ERROR_INVAL;
    }

    fsva_record_read(backend, &record);
    if (record.exists && record.user_alive && record.user_domid != domid)
        find.found = record.user_domid;
    else
        fsva_device_each(backend, find_user, &find);
    if (find.found != INVALID_DOMID) {
        fsva_say("'%s': domain '%s' already serves %s, and an appliance"
                 " serves one domain only", fsva->tag, shown,
                 fsva_domain_str(find.found));
        return ERROR_DEVICE_EXISTS;
    }
    if (record.exists && record.owned) {
        char user[128];

        fsva_text_clean(user, sizeof(user), record.user_name);
        fsva_say("'%s': domain '%s' was created for domain '%s' and ends"
                 " with it", fsva->tag, shown, user);
        return ERROR_INVAL;
    }

    *backend_r = backend;
    return 0;
}

/* The name of a new appliance may still be that of the one before it. */
static int wait_name_free(const char *tag, const char *name)
{
    struct fsva_record record;
    uint32_t domid;

    if (libxl_name_to_domid(CTX, name, &domid))
        return 0;

    fsva_record_read(domid, &record);
    if (record.exists && record.owned && !record.user_alive) {
        if (!fsva_domain_wait_gone(domid, 1))
            return 0;
        fsva_say("waiting for the earlier '%s' to stop", name);
        if (!fsva_domain_wait_gone(domid, FSVA_STOP_TIMEOUT_S))
            return 0;
    }

    fsva_say("'%s': there is already a domain '%s'", tag, name);
    if (record.exists && record.owned && !record.user_alive)
        fsva_say("unless another xl is just creating it, it is left over from"
                 " an earlier pair: xl destroy %s", name);
    return ERROR_DEVICE_EXISTS;
}

/*----- prepare: create the appliances -----*/

#define LENT_SLACK_KB   4096    /* what a domain has beside its target */

static int timeout_of(const libxl_device_fsva *fsva)
{
    return fsva->timeout > 0 ? fsva->timeout : 60;
}

struct adjust_data {
    const char *user_label;
    uint64_t lent_kb;           /* what the user domain may lend it */
};

/*
 * With coupled page caches an appliance has, beside its own memory, what the
 * user domain lends it.  A guest gets no more memory later than it was booted
 * with, so it is booted with all, before the user domain exists, and gives
 * back at once what is not its own.
 */
static uint64_t lent_kb(const libxl_domain_config *d_config,
                        const libxl_device_fsva *fsva)
{
    const libxl_domain_build_info *b_info = &d_config->b_info;

    if (libxl_defbool_is_default(fsva->ubc) || !libxl_defbool_val(fsva->ubc))
        return 0;
    return b_info->max_memkb != LIBXL_MEMKB_DEFAULT ? b_info->max_memkb
                                                    : b_info->target_memkb;
}

/* The appliance serves: it keeps what is its own. */
static int take_lent(uint32_t domid, const char *name, uint64_t lent,
                     int timeout_s)
{
    int64_t end = fsva_now_ms() + timeout_s * 1000LL;
    libxl_dominfo info;
    uint64_t own;

    if (libxl_get_memory_target(CTX, domid, &own) || own <= lent)
        return ERROR_FAIL;
    own -= lent;
    if (libxl_set_memory_target(CTX, domid, own, 0, 0)) {
        fsva_say("appliance '%s' can't be told how much memory is its own",
                 name);
        return ERROR_FAIL;
    }

    while (!fsva_interrupted()) {
        libxl_dominfo_init(&info);
        if (libxl_domain_info(CTX, &info, domid))
            return ERROR_FAIL;
        libxl_dominfo_dispose(&info);
        if (info.current_memkb <= own + LENT_SLACK_KB)
            return 0;
        if (fsva_now_ms() >= end) {
            fsva_say("appliance '%s' did not give back, within %d seconds,"
                     " the memory that is the user domain's (ubc=on)", name,
                     timeout_s);
            break;
        }
        poll(NULL, 0, 100);
    }
    return ERROR_FAIL;
}

/* Runs in the child that creates the appliance. */
static int adjust(libxl_domain_config *d_config, void *data_)
{
    struct adjust_data *data = data_;
    libxl_action_on_shutdown *actions[] = {
        &d_config->on_poweroff, &d_config->on_reboot, &d_config->on_watchdog,
        &d_config->on_crash, &d_config->on_soft_reset,
    };
    unsigned i;

    if (d_config->num_fsvas) {
        fsva_say("an appliance cannot have fsva devices itself: '%s'",
                 d_config->c_info.name);
        return ERROR_INVAL;
    }

    /*
     * A new instance would not be connected to anything: a new appliance
     * needs a new device, or a reboot of the user domain.
     */
    for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        switch (*actions[i]) {
        case LIBXL_ACTION_ON_SHUTDOWN_RESTART:
        case LIBXL_ACTION_ON_SHUTDOWN_RESTART_RENAME:
        case LIBXL_ACTION_ON_SHUTDOWN_SOFT_RESET:
            *actions[i] = LIBXL_ACTION_ON_SHUTDOWN_DESTROY;
            break;
        case LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_RESTART:
            *actions[i] = LIBXL_ACTION_ON_SHUTDOWN_COREDUMP_DESTROY;
            break;
        default:
            break;
        }
    }

    raise_limits(&d_config->b_info);
    if (data->lent_kb) {
        d_config->b_info.max_memkb += data->lent_kb;
        d_config->b_info.target_memkb = d_config->b_info.max_memkb;
    }

    return fsva_policy_check_flask(data->user_label,
                                   d_config->c_info.ssid_label);
}

static int create_appliance(libxl_domain_config *d_config, uint32_t domid,
                            libxl_device_fsva *fsva)
{
    struct adjust_data data = {
        .user_label = d_config->c_info.ssid_label,
        .lent_kb = lent_kb(d_config, fsva),
    };
    struct fsva_record record = { .owned = true, .user_domid = domid };
    char *name;
    int rc;

    if (asprintf(&name, "%s.%s", d_config->c_info.name, fsva->tag) < 0)
        return ERROR_NOMEM;

    rc = wait_name_free(fsva->tag, name);
    if (rc) goto out;

    /* When the user domain reboots it may have gone. */
    if (access(fsva->appliance, R_OK)) {
        fsva_say("'%s': the appliance's configuration %s: %s", fsva->tag,
                 fsva->appliance, strerror(errno));
        rc = ERROR_FAIL;
        goto out;
    }

    fsva_xs_close();
    rc = fsva_host->create(fsva->appliance, name, adjust, &data,
                           &fsva->backend_domid);
    if (rc) {
        fsva_say("'%s': appliance '%s' was not created from %s", fsva->tag,
                 name, fsva->appliance);
        /* The name was free, so if there is such a domain it is ours. */
        if (!libxl_name_to_domid(CTX, name, &fsva->backend_domid))
            fsva_domain_stop(&fsva->backend_domid, 1, true);
        goto out;
    }

    made = realloc(made, (nr_made + 1) * sizeof(*made));
    if (!made)
        abort();
    made[nr_made].domid = fsva->backend_domid;
    made[nr_made].name = name;
    nr_made++;
    name = NULL;

    free(fsva->backend_domname);
    fsva->backend_domname = NULL;

    set_uuid_str(record.user_uuid, &d_config->c_info.uuid);
    snprintf(record.user_name, sizeof(record.user_name), "%s",
             d_config->c_info.name);
    snprintf(record.tag, sizeof(record.tag), "%s", fsva->tag);
    rc = fsva_record_write(fsva->backend_domid, &record) ? 0 : ERROR_FAIL;

out:
    free(name);
    return rc;
}

int fsva_pair_prepare(libxl_domain_config *d_config, uint32_t domid)
{
    libxl_device_fsva *fsvas = d_config->fsvas;
    unsigned next = 0;
    int i, rc;

    forget_made();
    fsva_interrupt_begin();

    rc = check_name(d_config->c_info.name);
    if (rc) return rc;
    rc = fsva_policy_check_silo();
    if (rc) return rc;
    for (i = 0; i < d_config->num_fsvas; i++) {
        if (!fsvas[i].tag || !fsvas[i].fs ||
            (!fsvas[i].appliance && !fsvas[i].backend_domname)) {
            fsva_say("a device has no tag, no file system or no backend");
            return ERROR_INVAL;
        }
        if (fsvas[i].appliance)
            continue;
        if (lent_kb(d_config, &fsvas[i])) {
            fsva_say("'%s': 'ubc=on' needs an appliance that is created with"
                     " the pair (appliance=)", fsvas[i].tag);
            return ERROR_INVAL;
        }
        rc = check_backend(d_config, domid, &fsvas[i],
                           &fsvas[i].backend_domid);
        if (rc) return rc;
    }
    rc = check_tags(d_config, domid);
    if (rc) return rc;

    if (domid == INVALID_DOMID)
        raise_limits(&d_config->b_info);

    /* They start side by side, so there are two loops. */
    for (i = 0; i < d_config->num_fsvas; i++) {
        if (!fsvas[i].appliance)
            continue;
        rc = create_appliance(d_config, domid, &fsvas[i]);
        if (rc) return rc;
        if (!lent_kb(d_config, &fsvas[i]))
            continue;
        /* One at a time: each has what the user domain is to get. */
        rc = fsva_domain_wait_ready(fsvas[i].backend_domid,
                                    made[nr_made - 1].name,
                                    timeout_of(&fsvas[i]));
        if (rc) return rc;
        rc = take_lent(fsvas[i].backend_domid, made[nr_made - 1].name,
                       lent_kb(d_config, &fsvas[i]), timeout_of(&fsvas[i]));
        if (rc) return rc;
    }
    for (i = 0; i < d_config->num_fsvas; i++) {
        rc = fsva_domain_wait_ready(fsvas[i].backend_domid,
                                    fsvas[i].appliance ? made[next++].name
                                        : fsvas[i].backend_domname,
                                    timeout_of(&fsvas[i]));
        if (rc) return rc;
    }

    return 0;
}

int fsva_pair_commit(libxl_domain_config *d_config, uint32_t domid)
{
    struct fsva_record record = { .user_domid = domid };
    int i;

    set_uuid_str(record.user_uuid, &d_config->c_info.uuid);
    snprintf(record.user_name, sizeof(record.user_name), "%s",
             d_config->c_info.name);

    for (i = 0; i < d_config->num_fsvas; i++) {
        libxl_device_fsva *fsva = &d_config->fsvas[i];

        record.owned = fsva->appliance;
        snprintf(record.tag, sizeof(record.tag), "%s", fsva->tag);
        if (!fsva_record_write(fsva->backend_domid, &record))
            return ERROR_FAIL;
    }

    if (fsva_interrupted()) {
        fsva_say("interrupted");
        return ERROR_FAIL;
    }

    forget_made();
    fsva_interrupt_end();
    return 0;
}

void fsva_pair_abort(void)
{
    uint32_t domid;

    fsva_interrupt_end();

    for (; nr_made; nr_made--) {
        domid = made[nr_made - 1].domid;
        fsva_domain_print_errors(domid, made[nr_made - 1].name);
        fsva_domain_stop(&domid, 1, true);
        free(made[nr_made - 1].name);
    }
    forget_made();
}

/*----- the end of a member -----*/

/* The appliance of this device is no more. */
static int lose_device(uint32_t user_domid, uint32_t devid, const char *tag,
                       void *data)
{
    const uint32_t *backend = data;
    char path[128], *lost;

    snprintf(path, sizeof(path), "/local/domain/%u/backend/fsva/%u/%u",
             *backend, user_domid, devid);
    fsva_xs_prune(path);

    lost = fsva_xs_read("/libxl/%u/device/fsva/%u/lost", user_domid, devid);
    if (!lost && fsva_domain_state(user_domid, NULL) == FSVA_DOMAIN_RUNS) {
        char shown[64];

        fsva_text_clean(shown, sizeof(shown), tag);
        fsva_xs_write("1", "/libxl/%u/device/fsva/%u/lost", user_domid,
                      devid);
        fsva_say("%s has lost its file system '%s', as the appliance, domain"
                 " %u, has died", fsva_domain_str(user_domid), shown,
                 *backend);
    }
    free(lost);

    return 0;
}

struct stop_list {
    uint32_t domids[64];
    unsigned nr;
};

/* The user domain of this appliance is no more. */
static int stop_appliance(uint32_t domid, const struct fsva_record *record,
                          void *data)
{
    struct stop_list *list = data;
    char path[64];

    if (record->user_alive)
        return 0;

    snprintf(path, sizeof(path), "/local/domain/%u/backend/fsva/%u", domid,
             record->user_domid);

    if (!record->owned) {
        fsva_xs_prune(path);
        fsva_record_remove(domid);
        return 0;
    }

    list->domids[list->nr++] = domid;
    return list->nr == sizeof(list->domids) / sizeof(list->domids[0]);
}

void fsva_pair_ended(uint32_t domid, enum xl_plugin_end end)
{
    struct stop_list list;
    unsigned nr;

    fsva_device_each(domid, lose_device, &domid);

    if (end == XL_PLUGIN_DOWN)
        return;

    do {
        list.nr = 0;
        fsva_record_each(domid, stop_appliance, &list);
        nr = list.nr;
        if (nr && fsva_domain_stop(list.domids, nr,
                                   end == XL_PLUGIN_DESTROYED))
            break;
    } while (nr == sizeof(list.domids) / sizeof(list.domids[0]));
}

/*----- what a member may not do alone -----*/

int fsva_pair_permit(uint32_t domid, const char *verb, bool quiet)
{
    bool stops = !strcmp(verb, "shutdown") || !strcmp(verb, "reboot");
    bool moves = !strcmp(verb, "save") || !strcmp(verb, "migrate");
    struct fsva_record record;
    char user[128], tag[64];
    unsigned nr;

    fsva_record_read(domid, &record);
    if (record.exists && record.user_alive) {
        fsva_text_clean(user, sizeof(user), record.user_name);
        fsva_text_clean(tag, sizeof(tag), record.tag);
        if (!quiet && stops)
            fsva_say("%s serves file system '%s' to domain '%s', so %s of it"
                     " alone is refused: xl %s %s, or xl fsva-detach %s %s"
                     " first", fsva_domain_str(domid), tag, user, verb, verb,
                     user, user, tag);
        else if (!quiet && moves)
            fsva_say("%s serves file system '%s' to domain '%s', so %s of it"
                     " alone is refused: xl %s %s takes both",
                     fsva_domain_str(domid), tag, user, verb, verb, user);
        else if (!quiet)
            fsva_say("%s serves file system '%s' to domain '%s', so %s of it"
                     " alone is refused: detach it first (xl fsva-detach %s"
                     " %s)", fsva_domain_str(domid), tag, user, verb, user,
                     tag);
        return ERROR_INVAL;
    }

    if (stops)
        return 0;

    nr = count_devices(domid);
    if (!nr)
        return 0;

    if (!quiet)
        fsva_say("%s has %u file system%s served by appliances, so %s of it"
                 " alone is refused: detach %s first (xl fsva-list, xl"
                 " fsva-detach)", fsva_domain_str(domid), nr,
                 nr == 1 ? "" : "s", verb, nr == 1 ? "it" : "them");
    return ERROR_INVAL;
}

/*----- detach -----*/

/*
 * A frontend says in its directory whether it has the file system mounted.  To
 * ask it to close instead, as for other devices, cannot be undone: a backend
 * that is closing is gone, and the frontend ends all calls.
 */
static int check_mounted(uint32_t domid, const libxl_device_fsva *fsva,
                         const libxl_fsvainfo *info)
{
    char *mounted = fsva_xs_read("%s/mounted", info->frontend);
    int rc = ERROR_INVAL;

    if (mounted && !strcmp(mounted, "0"))
        rc = 0;
    else if (mounted && !strcmp(mounted, "1"))
        fsva_say("%s has '%s' mounted: unmount it, or use fsva-detach"
                 " --force", fsva_domain_str(domid), fsva->tag);
    else
        fsva_say("%s does not say whether it has '%s' mounted: make sure that"
                 " it has not, and use fsva-detach --force",
                 fsva_domain_str(domid), fsva->tag);

    free(mounted);
    return rc;
}

int fsva_pair_detach(uint32_t domid, libxl_device_fsva *fsva, bool force)
{
    uint32_t backend = fsva->backend_domid;
    struct find_user find = { .except = INVALID_DOMID,
                              .found = INVALID_DOMID };
    struct fsva_record record;
    libxl_fsvainfo info;
    int rc;

    rc = libxl_device_fsva_getinfo(CTX, domid, fsva, &info);
    if (rc) return rc;

    /* Only a connected frontend can have it mounted. */
    if (!force && info.backend_state >= 0 &&
        info.state == XenbusStateConnected) {
        rc = check_mounted(domid, fsva, &info);
        if (rc) goto out;
    }

    fsva_record_read(backend, &record);

    rc = libxl_device_fsva_destroy(CTX, domid, fsva, NULL);
    if (rc) {
        fsva_say("'%s' cannot be detached from %s", fsva->tag,
                 fsva_domain_str(domid));
        goto out;
    }

    if (!record.exists || record.user_domid != domid)
        goto out;
    if (record.owned) {
        rc = fsva_domain_stop(&backend, 1, false);
    } else {
        fsva_device_each(backend, find_user, &find);
        if (find.found == INVALID_DOMID)
            fsva_record_remove(backend);
    }

out:
    libxl_fsvainfo_dispose(&info);
    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
