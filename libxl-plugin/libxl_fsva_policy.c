/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Does the hypervisor let two guests share memory?  If not, a pair connects
 * to nothing and the reason is in no log, so it is better told beforehand.
 *
 * SILO forbids all of it.  It is chosen on Xen's command line or is what Xen
 * was built with.  Flask asks its policy, and can be asked the same.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <xenctrl.h>
#include <xenhypfs.h>

#include "libxl_fsva.h"
#include "fsva_text.h"
#include "fsva_xsm.h"

/*
 * Position of class grant in xen/xsm/flask/policy/security_classes, and of
 * its permissions in access_vectors.  Part of the ABI of policies.
 */
#define SECCLASS_GRANT      10
#define GRANT__MAP_READ     (1U << 0)
#define GRANT__MAP_WRITE    (1U << 1)
#define GRANT__UNMAP        (1U << 2)
#define GRANT__COPY         (1U << 5)

/* The initial SID domU, for domains without a label. */
#define LABEL_DOMU          "system_u:system_r:domU_t"

/* Xen's own configuration, if it has been compiled in, else NULL. */
static char *read_xen_config(void)
{
    xenhypfs_handle *hypfs = xenhypfs_open(NULL, 0);
    char *config;

    if (!hypfs)
        return NULL;

    config = xenhypfs_read(hypfs, "/buildinfo/config");
    xenhypfs_close(hypfs);

    return config;
}

static bool is_silo(void)
{
    const libxl_version_info *info = libxl_get_version_info(CTX);
    char *config = read_xen_config();
    bool silo;

    silo = fsva_xsm_is_silo(info && info->commandline ? info->commandline : "",
                            config);
    free(config);
    return silo;
}

/* May a domain with this label map and copy what one with that grants? */
static bool flask_permits(xc_interface *xch, const char *mapper,
                          const char *granter)
{
    uint32_t allowed = 0;
    const uint32_t need = GRANT__MAP_READ | GRANT__MAP_WRITE | GRANT__UNMAP |
                          GRANT__COPY;
    int r = xc_flask_access(xch, mapper, granter, SECCLASS_GRANT, need,
                            &allowed, NULL, NULL, NULL, NULL);

    /*
     * If it cannot be asked - the label is none, say - then libxl will say
     * so when it creates the domain.
     */
    return (allowed & need) == need || (r && r != -EPERM);
}

int fsva_policy_check_silo(void)
{
    if (!is_silo())
        return 0;

    fsva_say("Xen's policy SILO (xsm=silo) forbids guests to share memory,"
             " so no appliance can serve: boot Xen with xsm=dummy, or with a"
             " Flask policy that allows it");
    return ERROR_FAIL;
}

int fsva_policy_check_flask(const char *user_label,
                            const char *appliance_label)
{
    xc_interface *xch;
    int rc = 0;

    if (libxl_flask_getenforce(CTX) != 1)
        return 0;

    if (!user_label)
        user_label = LABEL_DOMU;
    if (!appliance_label)
        appliance_label = LABEL_DOMU;

    xch = xc_interface_open(NULL, NULL, 0);
    if (!xch)
        return 0;
    if (!flask_permits(xch, appliance_label, user_label) ||
        !flask_permits(xch, user_label, appliance_label)) {
        char user[64], appliance[64];

        fsva_text_clean(user, sizeof(user), user_label);
        fsva_text_clean(appliance, sizeof(appliance), appliance_label);
        fsva_say("the Flask policy in force forbids domains labelled %s and"
                 " %s to map each other's grants: no appliance can serve",
                 user, appliance);
        rc = ERROR_FAIL;
    }
    xc_interface_close(xch);

    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
