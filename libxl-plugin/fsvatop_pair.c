/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Which devices there are is what libxl says.  Of what a frontend wrote only
 * two things are used: its state, and the reference of its page of
 * statistics, which is mapped for as long as a copy takes.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <libxl_utils.h>
#include <xengnttab.h>
#include <xenstore.h>
#include <xentoollog.h>

#include "fsva_text.h"
#include "fsvatop.h"

/*
 * A frontend with calls writes its page every two seconds.  One that has not
 * been written for so long is that of a frontend without.
 */
#define IDLE_S 5

struct fsvatop_source {
    xentoollog_logger *log;
    libxl_ctx *ctx;
    struct xs_handle *xs;
    xengnttab_handle *gnttab;
};

void fsvatop_close(struct fsvatop_source *source)
{
    if (source->gnttab)
        xengnttab_close(source->gnttab);
    if (source->xs)
        xs_close(source->xs);
    if (source->ctx)
        libxl_ctx_free(source->ctx);
    if (source->log)
        xtl_logger_destroy(source->log);
    free(source);
}

struct fsvatop_source *fsvatop_open(void)
{
    struct fsvatop_source *source = calloc(1, sizeof(*source));
    const char *what = "memory";

    if (!source)
        goto fail;
    /* A domain that goes while it is looked at is no error. */
    source->log = (xentoollog_logger *)
        xtl_createlogger_stdiostream(stderr, XTL_CRITICAL, 0);
    what = "libxl";
    if (!source->log ||
        libxl_ctx_alloc(&source->ctx, LIBXL_VERSION, 0, source->log))
        goto fail;
    what = "xenstore";
    source->xs = xs_open(0);
    if (!source->xs)
        goto fail;
    what = "/dev/xen/gntdev";
    source->gnttab = xengnttab_open(source->log, 0);
    if (!source->gnttab)
        goto fail;

    return source;

 fail:
    fprintf(stderr, "fsvatop: cannot open %s: %s\n", what, strerror(errno));
    if (source)
        fsvatop_close(source);
    return NULL;
}

bool fsvatop_domain(struct fsvatop_source *source, const char *name,
                    uint32_t *domid)
{
    return !libxl_domain_qualifier_to_domid(source->ctx, name, domid);
}

/* A number that a guest wrote: decimal, and nothing else. */
static bool guest_number(struct fsvatop_source *source,
                         const struct fsvatop_pair *pair, const char *key,
                         uint32_t *number)
{
    char path[96], *text, *end;
    unsigned long long value;
    bool ok;

    snprintf(path, sizeof(path), "/local/domain/%u/device/fsva/%d/%s",
             pair->domid, pair->devid, key);
    text = xs_read(source->xs, XBT_NULL, path, NULL);
    if (!text)
        return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    ok = text[0] >= '0' && text[0] <= '9' && !*end && !errno &&
         value <= UINT32_MAX;
    *number = value;
    free(text);

    return ok;
}

static void read_stat(struct fsvatop_source *source, struct fsvatop_pair *pair)
{
    uint32_t ref;
    void *shared;

    if (!guest_number(source, pair, "stats-ref", &ref))
        return;
    shared = xengnttab_map_grant_ref(source->gnttab, pair->domid, ref,
                                     PROT_READ);
    if (!shared) {
        pair->why = "its page of statistics cannot be mapped";
        return;
    }
    pair->why = fsva_stat_read(shared, &pair->stat);
    pair->has_stat = !pair->why;
    xengnttab_unmap(source->gnttab, shared, 1);
}

static void domain_name(struct fsvatop_source *source, uint32_t domid,
                        char *name)
{
    char *text = libxl_domid_to_name(source->ctx, domid);

    if (text)
        fsva_text_clean(name, FSVATOP_NAME_SIZE, text);
    else
        snprintf(name, FSVATOP_NAME_SIZE, "(%u)", domid);
    free(text);
}

static uint64_t domain_kb(const libxl_dominfo *infos, int nr, uint32_t domid)
{
    int i;

    for (i = 0; i < nr; i++)
        if (infos[i].domid == domid)
            return infos[i].current_memkb;

    return 0;
}

static const struct fsvatop_pair *
find_pair(const struct fsvatop_sample *sample, const struct fsvatop_pair *pair)
{
    int i;

    for (i = 0; sample && i < sample->nr; i++)
        if (sample->pairs[i].domid == pair->domid &&
            sample->pairs[i].devid == pair->devid && sample->pairs[i].has_stat)
            return &sample->pairs[i];

    return NULL;
}

static bool wanted(const uint32_t *domids, int nr, uint32_t domid)
{
    int i;

    for (i = 0; i < nr; i++)
        if (domids[i] == domid)
            return true;

    return !nr;
}

/* A page that was not written since the last look says nothing new. */
static void make_rate(const struct fsvatop_pair *old, double when,
                      struct fsvatop_pair *pair)
{
    pair->fresh = when;
    if (!old) {
        fsva_stat_rate(NULL, &pair->stat, &pair->rate);
    } else if (old->stat.page.time_ns == pair->stat.page.time_ns &&
               old->stat.page.session == pair->stat.page.session) {
        pair->fresh = old->fresh;
        if (when - old->fresh < IDLE_S)
            pair->rate = old->rate;
    } else {
        fsva_stat_rate(&old->stat, &pair->stat, &pair->rate);
    }
}

static void fill_pair(struct fsvatop_source *source, uint32_t domid,
                      const libxl_device_fsva *fsva, const libxl_dominfo *infos,
                      int nr_infos, const struct fsvatop_sample *before,
                      double when, struct fsvatop_pair *pair)
{
    uint32_t state = 0;

    pair->domid = domid;
    pair->devid = fsva->devid;
    pair->backend_domid = fsva->backend_domid;
    fsva_text_clean(pair->tag, sizeof(pair->tag), fsva->tag ? fsva->tag : "");
    fsva_text_clean(pair->fs, sizeof(pair->fs), fsva->fs ? fsva->fs : "");
    domain_name(source, domid, pair->user);
    domain_name(source, fsva->backend_domid, pair->backend);
    pair->user_kb = domain_kb(infos, nr_infos, domid);
    pair->backend_kb = domain_kb(infos, nr_infos, fsva->backend_domid);
    guest_number(source, pair, "state", &state);
    pair->state = state <= 8 ? state : 0;
    read_stat(source, pair);
    if (pair->has_stat)
        make_rate(find_pair(before, pair), when, pair);
}

int fsvatop_sample(struct fsvatop_source *source, const uint32_t *domids,
                   int nr_domids, const struct fsvatop_sample *before,
                   struct fsvatop_sample *sample)
{
    struct fsvatop_pair *pairs;
    libxl_device_fsva *fsvas;
    libxl_dominfo *infos;
    int i, j, n, nr, rc = 0;
    struct timespec now;

    memset(sample, 0, sizeof(*sample));
    clock_gettime(CLOCK_MONOTONIC, &now);
    sample->when = now.tv_sec + now.tv_nsec / 1e9;
    infos = libxl_list_domain(source->ctx, &nr);
    for (i = 0; infos && i < nr && !rc; i++) {
        if (!wanted(domids, nr_domids, infos[i].domid))
            continue;
        fsvas = libxl_device_fsva_list(source->ctx, infos[i].domid, &n);
        if (!fsvas)
            continue;
        pairs = realloc(sample->pairs, (sample->nr + n) * sizeof(*pairs));
        if (!pairs)
            rc = -1;
        else
            sample->pairs = pairs;
        for (j = 0; j < n && !rc; j++) {
            memset(&pairs[sample->nr], 0, sizeof(*pairs));
            fill_pair(source, infos[i].domid, &fsvas[j], infos, nr, before,
                      sample->when, &pairs[sample->nr]);
            sample->nr++;
        }
        libxl_device_fsva_list_free(fsvas, n);
    }
    if (infos)
        libxl_dominfo_list_free(infos, nr);
    if (rc)
        fsvatop_sample_free(sample);

    return rc;
}

void fsvatop_sample_free(struct fsvatop_sample *sample)
{
    free(sample->pairs);
    memset(sample, 0, sizeof(*sample));
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
