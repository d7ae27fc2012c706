/* SPDX-License-Identifier: LGPL-2.1-only */
/* fsvatop: what the pairs of this host are doing.  See fsvatop(8). */

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fsvatop.h"

#define DELAY_MIN 0.1
#define DELAY_MAX 3600
#define DOMAINS_MAX 64

struct options {
    double delay;
    unsigned long count;            /* 0: until told to stop */
    bool json, batch;
    const char *domains[DOMAINS_MAX];
    int nr_domains;
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
    stopped = sig;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    char *end;

    switch (key) {
    case 'd':
        o->delay = strtod(arg, &end);
        if (end == arg || *end || !(o->delay >= DELAY_MIN) ||
            !(o->delay <= DELAY_MAX))
            argp_error(state, "delay '%s' is no number of seconds from %g to %d",
                       arg, DELAY_MIN, DELAY_MAX);
        return 0;
    case 'n':
        errno = 0;
        o->count = strtoul(arg, &end, 10);
        if (*arg < '0' || *arg > '9' || *end || errno || !o->count)
            argp_error(state, "count '%s' is no number over 0", arg);
        return 0;
    case '1':
        o->count = 1;
        return 0;
    case 'b':
        o->batch = true;
        return 0;
    case 'j':
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->nr_domains == DOMAINS_MAX)
            argp_error(state, "more than %d domains", DOMAINS_MAX);
        o->domains[o->nr_domains++] = arg;
        return 0;
    }

    return ARGP_ERR_UNKNOWN;
}

static const struct argp_option argp_options[] = {
    { "batch", 'b', NULL, 0, "Print text, one report after the other", 0 },
    { "count", 'n', "N", 0, "Stop after N reports", 0 },
    { "delay", 'd', "SECONDS", 0, "Between two reports (3)", 0 },
    { "json", 'j', NULL, 0, "Print a JSON object a report", 0 },
    { "once", '1', NULL, 0, "Print one report, as --count=1", 0 },
    { NULL, 0, NULL, 0, NULL, 0 },
};

static const struct argp argp = {
    argp_options, parse, "[DOMAIN...]",
    "What the pairs of user domains and file system appliances of this host "
    "are doing: calls by operation, latency, data, signalling, memory.", NULL,
    NULL, NULL,
};

/* Sleep; a signal ends it. */
static void pause_for(double seconds)
{
    struct timespec t = {
        .tv_sec = floor(seconds),
        .tv_nsec = (seconds - floor(seconds)) * 1e9,
    };

    nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
    struct options o = { .delay = 3 };
    struct fsvatop_sample now = {}, before = {};
    struct fsvatop_source *source;
    struct sigaction sa = { .sa_handler = stop };
    uint32_t domids[DOMAINS_MAX];
    unsigned long i;
    bool screen;
    int rc = EXIT_FAILURE, d;

    argp_parse(&argp, argc, argv, 0, NULL, &o);
    screen = !o.json && !o.batch && !o.count && isatty(STDOUT_FILENO);
    source = fsvatop_open();
    if (!source)
        return EXIT_FAILURE;
    for (d = 0; d < o.nr_domains; d++) {
        if (!fsvatop_domain(source, o.domains[d], &domids[d])) {
            fprintf(stderr, "fsvatop: no domain '%s'\n", o.domains[d]);
            goto out;
        }
    }

    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    if (screen)
        fsvatop_screen_begin();
    /* The first sample is what the first report's rates are made from. */
    for (i = 0; !stopped && (!o.count || i <= o.count); i++) {
        fsvatop_sample_free(&before);
        before = now;
        if (fsvatop_sample(source, domids, o.nr_domains, &before, &now)) {
            if (screen)
                fsvatop_screen_end();
            fprintf(stderr, "fsvatop: %s\n", strerror(errno));
            goto out;
        }
        if (screen) {
            fsvatop_screen_show(&now, o.delay);
            if (!fsvatop_screen_wait(&now, o.delay))
                break;
            continue;
        }
        if (i && o.json && fsvatop_json(&now))
            goto out;
        if (i && !o.json)
            fsvatop_text(&now);
        if (i != o.count || !o.count)
            pause_for(o.delay);
    }
    if (screen)
        fsvatop_screen_end();
    rc = EXIT_SUCCESS;

 out:
    fsvatop_sample_free(&before);
    fsvatop_sample_free(&now);
    fsvatop_close(source);
    if (fflush(stdout) && rc == EXIT_SUCCESS)
        rc = EXIT_FAILURE;
    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
