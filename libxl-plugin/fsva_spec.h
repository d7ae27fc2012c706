/* SPDX-License-Identifier: LGPL-2.1-only */
/* One string of fsva = [...], parsed.  xl-fsva(5) describes the syntax. */

#ifndef FSVA_SPEC_H
#define FSVA_SPEC_H

#include <stdbool.h>

#define FSVA_SPEC_TAG_MAX       31
#define FSVA_SPEC_FS_MAX        31
#define FSVA_SPEC_BACKEND_MAX   255
#define FSVA_SPEC_TEXT_MAX      1023    /* dev and options each fit a node */
#define FSVA_SPEC_PATH_MAX      4095
#define FSVA_SPEC_QUEUES_MAX    8
#define FSVA_SPEC_ORDER_MAX     4
#define FSVA_SPEC_TIMEOUT       60
#define FSVA_SPEC_TIMEOUT_MAX   3600

#define FSVA_SPEC_ERROR_SIZE    160

enum fsva_spec_signal {
    FSVA_SPEC_SIGNAL_UNSET,
    FSVA_SPEC_SIGNAL_AUTO,
    FSVA_SPEC_SIGNAL_EVENT,
    FSVA_SPEC_SIGNAL_POLL,
    FSVA_SPEC_SIGNAL_MWAIT,
};

struct fsva_spec {
    char tag[FSVA_SPEC_TAG_MAX + 1];
    char appliance[FSVA_SPEC_PATH_MAX + 1];     /* this or backend is "" */
    char backend[FSVA_SPEC_BACKEND_MAX + 1];
    char fs[FSVA_SPEC_FS_MAX + 1];
    char dev[FSVA_SPEC_TEXT_MAX + 1];           /* "none" if not given */
    char options[FSVA_SPEC_TEXT_MAX + 1];       /* "" if not given */
    int queues;                                 /* 0 if not given */
    int ring_order;                             /* -1 if not given */
    enum fsva_spec_signal signal;
    bool ubc;                                   /* coupled page caches */
    int timeout;                                /* seconds */
};

/*
 * Returns 0, or -1 with one line in error that names what is wrong; it is
 * printable whatever the text was.  Spec is then unspecified.
 */
int fsva_spec_parse(const char *text, struct fsva_spec *spec,
                    char error[FSVA_SPEC_ERROR_SIZE]);

#endif /* FSVA_SPEC_H */
