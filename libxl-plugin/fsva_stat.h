/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What fsvatop makes of a frontend's page of statistics: no libxl inside, no
 * I/O.  The page is another domain's: whatever is in it, the numbers that
 * come out can be printed.
 */

#ifndef FSVA_STAT_H
#define FSVA_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../protocol/fsva_port.h"
#include "../protocol/fsva_statif.h"

/* A private copy of a page, checked; of its queues, those that are there. */
struct fsva_stat {
    struct fsva_stat_page page;
    struct fsva_stat_queue all;     /* all queues together; mode of the first */
    bool mixed;                     /* not all queues wait in the same way */
};

/* What went on between two of them. */
struct fsva_stat_rate {
    double seconds;                 /* by the frontend's clock; 0: nothing */
    double calls, octets_out, octets_in;
    double sent, suppressed, events, blocked, polled, woken;
    double ops[FSVA_OP_MAX];        /* all of these are a second's */
    double busy;                    /* calls under way, on average */
    double watched;                 /* part of the time that one CPU watched */
    uint64_t latency_us[3];         /* at most so much: p50, p95, p99; 0: no call */
    bool latency_open[3];           /* or more: the last bucket has no end */
};

/*
 * Copy a page that its owner may be writing to, and check the copy.  NULL and
 * *stat filled, or what is wrong with it, for a message.
 */
const char *fsva_stat_read(const volatile void *shared, struct fsva_stat *stat);

/*
 * From before to now; before may be NULL, or of another session: then it is
 * all zero, and so it is where counters ran backwards.
 */
void fsva_stat_rate(const struct fsva_stat *before, const struct fsva_stat *now,
                    struct fsva_stat_rate *rate);

/* The name of an operation, or NULL where the protocol has none. */
const char *fsva_stat_op_name(unsigned op);

/* How the frontend waits: "auto", "mixed", "?". */
const char *fsva_stat_mode(const struct fsva_stat *stat);

#endif /* FSVA_STAT_H */

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
