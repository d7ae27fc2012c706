/* SPDX-License-Identifier: LGPL-2.1-only */
#include <string.h>

#include "fsva_stat.h"

/* So often a page may be found half written before its owner is to blame. */
#define TRIES 100

static void add_queue(struct fsva_stat_queue *all,
                      const struct fsva_stat_queue *queue)
{
    unsigned i;

    all->calls += queue->calls;
    all->sent += queue->sent;
    all->suppressed += queue->suppressed;
    all->events += queue->events;
    all->spurious += queue->spurious;
    all->blocked += queue->blocked;
    all->polled += queue->polled;
    all->woken += queue->woken;
    all->missed += queue->missed;
    all->busy += queue->busy;
    all->yielded += queue->yielded;
    all->watched_ns += queue->watched_ns;
    all->waited_ns += queue->waited_ns;
    for (i = 0; i < FSVA_STAT_BUCKETS; i++)
        all->latency[i] += queue->latency[i];
}

/* A reader that sees an even number before and after has a whole copy. */
static bool copy_page(const volatile void *shared, struct fsva_stat_page *page)
{
    const volatile struct fsva_stat_page *from = shared;
    uint32_t seq;
    int i;

    for (i = 0; i < TRIES; i++) {
        seq = from->seq;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        memcpy(page, (const void *)shared, sizeof(*page));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (!(seq & 1) && page->seq == seq && from->seq == seq)
            return true;
    }

    return false;
}

const char *fsva_stat_read(const volatile void *shared, struct fsva_stat *stat)
{
    struct fsva_stat_page *page = &stat->page;
    unsigned i;

    memset(stat, 0, sizeof(*stat));
    if (!copy_page(shared, page))
        return "its page of statistics is never finished";
    if (page->magic != FSVA_STAT_MAGIC)
        return "its page of statistics is something else";
    if (page->version != FSVA_STAT_VERSION)
        return "its page of statistics has an unknown version";
    if (page->nr_queues > FSVA_MAX_QUEUES)
        return "its page of statistics has too many queues";

    for (i = 0; i < page->nr_queues; i++) {
        add_queue(&stat->all, &page->queue[i]);
        if (i == 0)
            stat->all.mode = page->queue[i].mode;
        else if (page->queue[i].mode != stat->all.mode)
            stat->mixed = true;
    }

    return NULL;
}

/* A counter that ran backwards says nothing. */
static uint64_t grown(uint64_t before, uint64_t now)
{
    return now >= before ? now - before : 0;
}

/* The upper end of the bucket in which the part `permille` of all calls lies. */
static void percentile(const uint64_t *buckets, unsigned permille,
                       uint64_t *us, bool *open)
{
    double all = 0, sum = 0;
    unsigned i;

    *us = 0;
    *open = false;
    for (i = 0; i < FSVA_STAT_BUCKETS; i++)
        all += buckets[i];
    if (all == 0)
        return;
    for (i = 0; i < FSVA_STAT_BUCKETS - 1; i++) {
        sum += buckets[i];
        if (sum * 1000 >= all * permille) {
            *us = UINT64_C(1) << i;
            return;
        }
    }
    *us = UINT64_C(1) << (FSVA_STAT_BUCKETS - 2);
    *open = true;
}

void fsva_stat_rate(const struct fsva_stat *before, const struct fsva_stat *now,
                    struct fsva_stat_rate *rate)
{
    static const unsigned permille[3] = { 500, 950, 990 };
    uint64_t latency[FSVA_STAT_BUCKETS];
    unsigned i;
    double s;

    memset(rate, 0, sizeof(*rate));
    if (!before || before->page.session != now->page.session)
        return;
    s = grown(before->page.time_ns, now->page.time_ns) / 1e9;
    if (s <= 0)
        return;

    rate->seconds = s;
#define RATE(to, from) rate->to = grown(before->from, now->from) / s
    RATE(octets_out, page.octets_out);
    RATE(octets_in, page.octets_in);
    RATE(calls, all.calls);
    RATE(sent, all.sent);
    RATE(suppressed, all.suppressed);
    RATE(events, all.events);
    RATE(blocked, all.blocked);
    RATE(polled, all.polled);
    RATE(woken, all.woken);
    for (i = 0; i < FSVA_OP_MAX; i++)
        RATE(ops[i], page.ops[i]);
    RATE(busy, all.waited_ns);
    RATE(watched, all.watched_ns);
#undef RATE
    rate->busy /= 1e9;
    rate->watched /= 1e9;
    for (i = 0; i < FSVA_STAT_BUCKETS; i++)
        latency[i] = grown(before->all.latency[i], now->all.latency[i]);
    for (i = 0; i < 3; i++)
        percentile(latency, permille[i], &rate->latency_us[i],
                   &rate->latency_open[i]);
}

const char *fsva_stat_op_name(unsigned op)
{
#define ROW(nr, NAME, name, flags) [nr] = #name,
    static const char *const names[FSVA_OP_MAX] = { FSVA_OPS(ROW) };
#undef ROW

    return op < FSVA_OP_MAX ? names[op] : NULL;
}

const char *fsva_stat_mode(const struct fsva_stat *stat)
{
    static const char *const modes[] = {
        [FSVA_STAT_MODE_AUTO] = "auto",
        [FSVA_STAT_MODE_EVENT] = "event",
        [FSVA_STAT_MODE_POLL] = "poll",
        [FSVA_STAT_MODE_MWAIT] = "mwait",
    };

    if (!stat->page.nr_queues)
        return "-";
    if (stat->mixed)
        return "mixed";
    if (stat->all.mode >= sizeof(modes) / sizeof(modes[0]))
        return "?";
    return modes[stat->all.mode];
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
