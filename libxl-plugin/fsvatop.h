/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Inside fsvatop.
 *
 *   fsvatop.c        options, and the loop
 *   fsvatop_pair.c   which devices there are, and what their pages say
 *   fsvatop_show.c   as text, as JSON, on a screen
 *   fsva_stat.c      from counters to rates
 */

#ifndef FSVATOP_H
#define FSVATOP_H

#include <libxl.h>

#include "fsva_stat.h"

#define FSVATOP_NAME_SIZE 64

/* One device: a user domain, and one of its appliances. */
struct fsvatop_pair {
    uint32_t domid, backend_domid;
    int devid;
    char user[FSVATOP_NAME_SIZE], backend[FSVATOP_NAME_SIZE];
    char tag[FSVA_TAG_MAX + 1], fs[32];
    uint64_t user_kb, backend_kb;   /* what Xen has given each of them */
    int state;                      /* of the frontend, of XenBus */
    bool has_stat;
    const char *why;                /* if not; NULL: it is not connected */
    struct fsva_stat stat;
    struct fsva_stat_rate rate;     /* between this page and the one before */
    double fresh;                   /* when the page was first seen like this */
};

/* A sample of all devices of this host, or of those of some domains. */
struct fsvatop_sample {
    struct fsvatop_pair *pairs;     /* from malloc */
    int nr;
    double when;                    /* seconds, of a clock that only goes on */
};

struct fsvatop_source;

/* NULL: it said why to stderr. */
struct fsvatop_source *fsvatop_open(void);
void fsvatop_close(struct fsvatop_source *source);

/*
 * Look at all devices; domids, if nr_domids is not 0, are the user domains
 * that count.  before is what rates are made from, and may be NULL.  0, or -1
 * and errno: no memory.  The caller frees it.
 */
int fsvatop_sample(struct fsvatop_source *source, const uint32_t *domids,
                   int nr_domids, const struct fsvatop_sample *before,
                   struct fsvatop_sample *sample);
void fsvatop_sample_free(struct fsvatop_sample *sample);

/* The domid of a name or a number, or false. */
bool fsvatop_domain(struct fsvatop_source *source, const char *name,
                    uint32_t *domid);

void fsvatop_text(const struct fsvatop_sample *sample);
/* 0, or -1: no memory, or stdout is full. */
int fsvatop_json(const struct fsvatop_sample *sample);

/* The screen.  wait: until a key, or so long; false: the user wants to leave. */
void fsvatop_screen_begin(void);
void fsvatop_screen_show(const struct fsvatop_sample *sample, double delay);
bool fsvatop_screen_wait(const struct fsvatop_sample *sample, double delay);
void fsvatop_screen_end(void);

#endif /* FSVATOP_H */

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
