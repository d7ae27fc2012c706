/* SPDX-License-Identifier: LGPL-2.1-only */
/* Which of Xen's security modules is in force. */

#ifndef FSVA_XSM_H
#define FSVA_XSM_H

#include <stdbool.h>

/*
 * SILO?  From Xen's command line, and from its configuration (the text of
 * .config), which is NULL where Xen does not tell it.
 */
bool fsva_xsm_is_silo(const char *cmdline, const char *config);

#endif /* FSVA_XSM_H */
