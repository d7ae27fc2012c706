/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Inside the plugin.  Whoever reads for the first time starts with
 * tools/xl/xl_plugin.h in the patched Xen tree, which says when xl calls in,
 * then libxl_fsva.c, where it does.
 *
 *   libxl_fsva.c         what xl looks up; strings to libxl_device_fsva
 *   libxl_fsva_pair.c    start order, stop order, what is refused
 *   libxl_fsva_record.c  who belongs to whom, in xenstore
 *   libxl_fsva_domain.c  wait for one domain: until it serves, until it is gone
 *   libxl_fsva_policy.c  does the hypervisor let two guests share memory?
 */

#ifndef LIBXL_FSVA_H
#define LIBXL_FSVA_H

#include <stdbool.h>
#include <stdint.h>

#include <libxl.h>
#include <libxl_utils.h>
#include <xenstore.h>

#include "xl_plugin.h"

/* A domain that has been told to shut down is destroyed after this time. */
#define FSVA_STOP_TIMEOUT_S     120
/* Its own monitor gets this time to do so. */
#define FSVA_MONITOR_TIMEOUT_S  10
/* So much of a guest's text is printed at most. */
#define FSVA_GUEST_TEXT_SIZE    256

extern const struct xl_plugin_host *fsva_host;
#define CTX (*fsva_host->ctx)

/* One line to stderr, that is to the terminal or to the monitor's log. */
void fsva_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*----- libxl_fsva_record.c -----*/

/*
 * /libxl/B/fsva of a domain B that is an appliance, written by this plugin
 * and by nothing else.
 */
struct fsva_record {
    bool exists;
    bool owned;         /* B was created for this pair */
    bool user_alive;    /* user_domid exists, and with user_uuid */
    uint32_t user_domid; /* INVALID_DOMID: not created yet */
    char user_uuid[LIBXL_UUID_FMTLEN + 1];
    char user_name[256];
    char tag[64];
};

/*
 * The connection to xenstore.  Opened when first used; to be closed before a
 * fork and at the end of each call from xl, because a monitor lives long.
 */
struct xs_handle *fsva_xs(void);
void fsva_xs_close(void);

/* The value of a node, from malloc and terminated, or NULL. */
char *fsva_xs_read(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
bool fsva_xs_write(const char *value, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void fsva_xs_rm(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The names in a directory, one block from malloc, or NULL. */
char **fsva_xs_list(unsigned *nr, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Remove a directory, and those above it that are then empty. */
void fsva_xs_prune(const char *path);

void fsva_record_read(uint32_t domid, struct fsva_record *record);
bool fsva_record_write(uint32_t domid, const struct fsva_record *record);
void fsva_record_remove(uint32_t domid);

/* Calls fn for each appliance of the user domain, stops if it fails. */
int fsva_record_each(uint32_t user_domid,
                     int (*fn)(uint32_t domid,
                               const struct fsva_record *record, void *data),
                     void *data);

/* The devices which have this backend, of all domains.  Same rules. */
int fsva_device_each(uint32_t backend_domid,
                     int (*fn)(uint32_t user_domid, uint32_t devid,
                               const char *tag, void *data),
                     void *data);

/*----- libxl_fsva_domain.c -----*/

enum fsva_domain_state {
    FSVA_DOMAIN_NONE,   /* no such domain, or one that is only dying */
    FSVA_DOMAIN_DOWN,   /* it has shut down or crashed */
    FSVA_DOMAIN_RUNS,
};

/* uuid may be NULL. */
enum fsva_domain_state fsva_domain_state(uint32_t domid, libxl_uuid *uuid);

/* For messages: "'name' (domain 7)".  From a ring of static buffers. */
const char *fsva_domain_str(uint32_t domid);

/*
 * Until the appliance says that it serves.  If it says something else, dies,
 * or does not in time, the reason and the end of its console are printed.
 */
int fsva_domain_wait_ready(uint32_t domid, const char *name, int timeout_s);

/* Print what the backend driver has to say about its devices, if anything. */
void fsva_domain_print_errors(uint32_t domid, const char *name);

/* Shut down, or destroy, all these domains, and wait until they are gone. */
int fsva_domain_stop(const uint32_t *domids, unsigned nr, bool destroy);

/* Until the domain is gone.  ERROR_TIMEDOUT, silently, if it is not. */
int fsva_domain_wait_gone(uint32_t domid, int timeout_s);

/*
 * Between _begin and _end SIGINT, SIGTERM and SIGHUP do not kill us but are
 * remembered, and the waits above fail, so that we clean up.
 */
void fsva_interrupt_begin(void);
void fsva_interrupt_end(void);
bool fsva_interrupted(void);

/* Milliseconds of a clock that only goes on. */
int64_t fsva_now_ms(void);

/*----- libxl_fsva_policy.c -----*/

/* Both print which policy is in the way.  A label NULL is the default. */
int fsva_policy_check_silo(void);
int fsva_policy_check_flask(const char *user_label,
                            const char *appliance_label);

/*----- libxl_fsva_pair.c -----*/

int fsva_pair_prepare(libxl_domain_config *d_config, uint32_t domid);
int fsva_pair_commit(libxl_domain_config *d_config, uint32_t domid);
void fsva_pair_abort(void);
int fsva_pair_detach(uint32_t domid, libxl_device_fsva *fsva, bool force);
int fsva_pair_permit(uint32_t domid, const char *verb, bool quiet);
void fsva_pair_ended(uint32_t domid, enum xl_plugin_end end);

#endif /* LIBXL_FSVA_H */

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
