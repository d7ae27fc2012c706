/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One domain: is it there, does it serve, is it gone.
 *
 * An appliance writes into its own directory in xenstore, when the driver is
 * loaded and before any device exists, that it serves or why it cannot:
 *
 *   /local/domain/B/data/fsva-ready   "1"
 *   /local/domain/B/data/fsva-error   one line of text
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>

#include "libxl_fsva.h"
#include "fsva_text.h"

#define CONSOLE_LOG     XEN_LOG_DIR "/console/guest-%s.log"
#define CONSOLE_LINES   15
#define CONSOLE_SIZE    4096    /* of its end is looked at */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*----- interruption -----*/

static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
static struct sigaction saved[ARRAY_SIZE(signals)];
static volatile sig_atomic_t interrupted;
static bool catching;

static void note_signal(int sig)
{
    interrupted = sig;
}

void fsva_interrupt_begin(void)
{
    struct sigaction sa = { .sa_handler = note_signal };
    unsigned i;

    if (catching)
        return;

    interrupted = 0;
    for (i = 0; i < ARRAY_SIZE(signals); i++) {
        sigaction(signals[i], NULL, &saved[i]);
        if (saved[i].sa_handler != SIG_IGN)
            sigaction(signals[i], &sa, NULL);
    }
    catching = true;
}

void fsva_interrupt_end(void)
{
    unsigned i;

    if (!catching)
        return;

    for (i = 0; i < ARRAY_SIZE(signals); i++)
        sigaction(signals[i], &saved[i], NULL);
    catching = false;
}

bool fsva_interrupted(void)
{
    return catching && interrupted;
}

/*----- time -----*/

int64_t fsva_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void sleep_ms(unsigned ms)
{
    poll(NULL, 0, ms);
}

/*----- state -----*/

/*
 * Not libxl_domain_info(), which logs an error for a domain that does not
 * exist: here that is a good answer.
 */
enum fsva_domain_state fsva_domain_state(uint32_t domid, libxl_uuid *uuid)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);
    enum fsva_domain_state state = FSVA_DOMAIN_NONE;
    xc_domaininfo_t info;

    if (!xch) {
        fsva_say("no connection to the hypervisor: %s", strerror(errno));
        exit(EXIT_FAILURE);
    }

    if (!xc_domain_getinfo_single(xch, domid, &info) &&
        !(info.flags & XEN_DOMINF_dying)) {
        state = info.flags & XEN_DOMINF_shutdown ? FSVA_DOMAIN_DOWN
                                                 : FSVA_DOMAIN_RUNS;
        if (uuid)
            memcpy(libxl_uuid_bytearray(uuid), info.handle,
                   sizeof(info.handle));
    }

    xc_interface_close(xch);
    return state;
}

const char *fsva_domain_str(uint32_t domid)
{
    static char str[4][160];
    static unsigned next;
    char *buf = str[next++ % ARRAY_SIZE(str)], shown[128];
    char *name = libxl_domid_to_name(CTX, domid);

    fsva_text_clean(shown, sizeof(shown), name ?: "");
    free(name);
    if (shown[0])
        snprintf(buf, sizeof(str[0]), "'%s' (domain %u)", shown, domid);
    else
        snprintf(buf, sizeof(str[0]), "domain %u", domid);

    return buf;
}

/*----- what an appliance says -----*/

static void print_console(const char *name)
{
    char path[512], buf[CONSOLE_SIZE], line[160];
    const char *p, *end;
    struct stat st;
    size_t len;
    FILE *f;

    snprintf(path, sizeof(path), CONSOLE_LOG, name);
    f = fopen(path, "re");
    if (!f) {
        fsva_say("no console log %s to show (xenconsoled --log=guest)", path);
        return;
    }

    if (!fstat(fileno(f), &st) && st.st_size > CONSOLE_SIZE)
        fseek(f, -CONSOLE_SIZE, SEEK_END);
    len = fread(buf, 1, sizeof(buf), f);
    fclose(f);

    fsva_say("the end of %s:", path);
    for (p = fsva_text_tail(buf, len, CONSOLE_LINES); p < buf + len;
         p = end + 1) {
        char raw[160];
        size_t raw_len;

        end = memchr(p, '\n', buf + len - p) ?: buf + len;
        raw_len = end - p;
        if (raw_len && p[raw_len - 1] == '\r')
            raw_len--;
        snprintf(raw, sizeof(raw), "%.*s", (int)raw_len, p);
        fsva_text_clean(line, sizeof(line), raw);
        fprintf(stderr, "    | %s\n", line);
    }
}

void fsva_domain_print_errors(uint32_t domid, const char *name)
{
    unsigned i, j, nr_doms, nr_devs;
    char **doms, **devs, *text, shown[FSVA_GUEST_TEXT_SIZE];

    doms = fsva_xs_list(&nr_doms, "/local/domain/%u/error/backend/fsva",
                        domid);
    for (i = 0; i < nr_doms && i < 16; i++) {
        devs = fsva_xs_list(&nr_devs,
                            "/local/domain/%u/error/backend/fsva/%.16s",
                            domid, doms[i]);
        for (j = 0; j < nr_devs && j < 16; j++) {
            text = fsva_xs_read("/local/domain/%u/error/backend/fsva/"
                                "%.16s/%.16s/error", domid, doms[i], devs[j]);
            if (text && text[0]) {
                fsva_text_clean(shown, sizeof(shown), text);
                fsva_say("appliance '%s' reports: %s", name, shown);
            }
            free(text);
        }
        free(devs);
    }
    free(doms);
}

/* 1: it serves, 0: not yet, < 0: it never will, which has been printed. */
static int check_ready(uint32_t domid, const char *name)
{
    char *ready = fsva_xs_read("/local/domain/%u/data/fsva-ready", domid);
    char *error = fsva_xs_read("/local/domain/%u/data/fsva-error", domid);
    int rc = 0;

    if (ready && !strcmp(ready, "1")) {
        rc = 1;
    } else if (error && error[0]) {
        char shown[FSVA_GUEST_TEXT_SIZE];

        fsva_text_clean(shown, sizeof(shown), error);
        fsva_say("appliance '%s' cannot serve: %s", name, shown);
        rc = ERROR_FAIL;
    } else if (fsva_domain_state(domid, NULL) != FSVA_DOMAIN_RUNS) {
        fsva_say("appliance '%s' stopped before it served", name);
        rc = ERROR_FAIL;
    } else if (fsva_interrupted()) {
        fsva_say("interrupted while waiting for appliance '%s'", name);
        return ERROR_FAIL;
    }

    if (rc < 0)
        print_console(name);

    free(ready);
    free(error);
    return rc;
}

int fsva_domain_wait_ready(uint32_t domid, const char *name, int timeout_s)
{
    int64_t left, end = fsva_now_ms() + timeout_s * 1000LL;
    struct xs_handle *xs = fsva_xs();
    struct pollfd pfd = { .events = POLLIN };
    char path[64], **event;
    int rc;

    /* Each watch fires once at the beginning, so nothing is missed. */
    snprintf(path, sizeof(path), "/local/domain/%u/data", domid);
    if (!xs_watch(xs, path, "data") ||
        !xs_watch(xs, "@releaseDomain", "release")) {
        fsva_say("cannot watch %s: %s", path, strerror(errno));
        return ERROR_FAIL;
    }

    for (;;) {
        while ((event = xs_check_watch(xs)))
            free(event);

        rc = check_ready(domid, name);
        if (rc)
            break;

        left = end - fsva_now_ms();
        if (left <= 0) {
            fsva_say("appliance '%s' did not serve within %d seconds", name,
                     timeout_s);
            print_console(name);
            rc = ERROR_TIMEDOUT;
            break;
        }

        pfd.fd = xs_fileno(xs);
        poll(&pfd, 1, left < 1000 ? left : 1000);
    }

    /* The watches go with the connection. */
    fsva_xs_close();
    return rc < 0 ? rc : 0;
}

/*----- the end of a domain -----*/

int fsva_domain_wait_gone(uint32_t domid, int timeout_s)
{
    int64_t end = fsva_now_ms() + timeout_s * 1000LL;

    while (fsva_domain_state(domid, NULL) != FSVA_DOMAIN_NONE) {
        if (fsva_now_ms() >= end || fsva_interrupted())
            return ERROR_TIMEDOUT;
        sleep_ms(100);
    }

    return 0;
}

/* Until it does not run any more. */
static void wait_down(uint32_t domid, int64_t end)
{
    while (fsva_domain_state(domid, NULL) == FSVA_DOMAIN_RUNS &&
           fsva_now_ms() < end && !fsva_interrupted())
        sleep_ms(100);
}

int fsva_domain_stop(const uint32_t *domids, unsigned nr, bool destroy)
{
    int64_t end = fsva_now_ms() + FSVA_STOP_TIMEOUT_S * 1000LL;
    int rc = 0, r;
    unsigned i;

    for (i = 0; i < nr && !destroy; i++) {
        if (fsva_domain_state(domids[i], NULL) != FSVA_DOMAIN_RUNS)
            continue;
        /* It may be on its way already. */
        if (libxl_domain_shutdown(CTX, domids[i], NULL) &&
            fsva_domain_state(domids[i], NULL) == FSVA_DOMAIN_RUNS) {
            fsva_say("appliance %s cannot be told to shut down",
                     fsva_domain_str(domids[i]));
            libxl_domain_destroy(CTX, domids[i], NULL);
        }
    }

    for (i = 0; i < nr; i++) {
        const char *str = fsva_domain_str(domids[i]);

        if (!destroy) {
            wait_down(domids[i], end);
            if (fsva_domain_state(domids[i], NULL) == FSVA_DOMAIN_RUNS)
                fsva_say("appliance %s did not shut down within %d seconds:"
                         " it is destroyed", str, FSVA_STOP_TIMEOUT_S);
            /* It is its monitor which destroys a domain that is down. */
            else if (!fsva_domain_wait_gone(domids[i],
                                            FSVA_MONITOR_TIMEOUT_S))
                continue;
        }

        if (fsva_domain_state(domids[i], NULL) == FSVA_DOMAIN_NONE)
            continue;
        r = libxl_domain_destroy(CTX, domids[i], NULL);
        /* Somebody else may have been faster. */
        if (r && fsva_domain_wait_gone(domids[i], 1)) {
            fsva_say("appliance %s cannot be destroyed", str);
            rc = r;
        }
    }

    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
