/* SPDX-License-Identifier: LGPL-2.1-only */
/* See fsva_xsm.h.  No libxl in here, so tests link it alone. */

#include <stddef.h>
#include <string.h>

#include "fsva_xsm.h"

/* The value of the last xsm= on the command line, and its length, or NULL. */
static const char *find_xsm(const char *cmdline, size_t *len)
{
    const char *p, *value = NULL;

    for (p = cmdline; (p = strstr(p, "xsm=")); p += 4)
        if (p == cmdline || p[-1] == ' ')
            value = p + 4;
    if (value)
        *len = strcspn(value, " ");

    return value;
}

static bool config_has(const char *config, const char *option)
{
    size_t len = strlen(option);
    const char *p;

    for (p = config; (p = strstr(p, option)); p += len)
        if ((p == config || p[-1] == '\n') && !strncmp(p + len, "=y", 2))
            return true;

    return false;
}

bool fsva_xsm_is_silo(const char *cmdline, const char *config)
{
    size_t len;
    const char *xsm = find_xsm(cmdline, &len);
    bool asked = xsm && len == 4 && !memcmp(xsm, "silo", 4);

    if (!config)
        return asked;
    /* Without it in Xen, "xsm=silo" means nothing. */
    if (!config_has(config, "CONFIG_XSM_SILO"))
        return false;

    return xsm ? asked : config_has(config, "CONFIG_XSM_SILO_DEFAULT");
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
