/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The plugin as xl sees it.  Each entry leads to the file that does the work
 * and closes, on its way out, the connection to xenstore.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxl_fsva_move.h"
#include "fsva_spec.h"
#include "fsva_text.h"

const struct xl_plugin_host *fsva_host;

void fsva_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("fsva: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static int plugin_init(const struct xl_plugin_host *host)
{
    fsva_host = host;
    return 0;
}

static char *dup_or_null(const char *s)
{
    return s[0] ? strdup(s) : NULL;
}

/*
 * The appliance's configuration is found now, from xl's working directory:
 * the monitor, which reads it when the domain reboots, is in another one.
 */
static int find_config(const struct fsva_spec *spec, char **path_r)
{
    char *path = realpath(spec->appliance, NULL);

    if (!path || access(path, R_OK)) {
        char shown[128];

        fsva_text_clean(shown, sizeof(shown), spec->appliance);
        fsva_say("'%s': the appliance's configuration %s: %s", spec->tag,
                 shown, strerror(errno));
        free(path);
        return ERROR_FAIL;
    }

    *path_r = path;
    return 0;
}

static int plugin_parse(const char *text, libxl_device_fsva *fsva)
{
    static struct fsva_spec spec;
    char error[FSVA_SPEC_ERROR_SIZE];

    if (fsva_spec_parse(text, &spec, error)) {
        char shown[128];

        fsva_text_clean(shown, sizeof(shown), text);
        fsva_say("%s, in \"%s\"", error, shown);
        return ERROR_INVAL;
    }

    if (spec.appliance[0] && find_config(&spec, &fsva->appliance))
        return ERROR_FAIL;

    fsva->backend_domname = dup_or_null(spec.backend);
    fsva->tag = dup_or_null(spec.tag);
    fsva->fs = dup_or_null(spec.fs);
    fsva->dev = dup_or_null(spec.dev);
    fsva->options = dup_or_null(spec.options);
    fsva->queues = spec.queues;
    fsva->ring_order = spec.ring_order;
    switch (spec.signal) {
    case FSVA_SPEC_SIGNAL_UNSET:
        fsva->signal = LIBXL_FSVA_SIGNAL_UNKNOWN;
        break;
    case FSVA_SPEC_SIGNAL_AUTO:
        fsva->signal = LIBXL_FSVA_SIGNAL_AUTO;
        break;
    case FSVA_SPEC_SIGNAL_EVENT:
        fsva->signal = LIBXL_FSVA_SIGNAL_EVENT;
        break;
    case FSVA_SPEC_SIGNAL_POLL:
        fsva->signal = LIBXL_FSVA_SIGNAL_POLL;
        break;
    case FSVA_SPEC_SIGNAL_MWAIT:
        fsva->signal = LIBXL_FSVA_SIGNAL_MWAIT;
        break;
    }
    libxl_defbool_set(&fsva->ubc, spec.ubc);
    fsva->timeout = spec.timeout;

    return 0;
}

static int plugin_prepare(libxl_domain_config *d_config, uint32_t domid)
{
    int rc = fsva_pair_prepare(d_config, domid);

    fsva_xs_close();
    return rc;
}

static int plugin_commit(libxl_domain_config *d_config, uint32_t domid)
{
    int rc = fsva_pair_commit(d_config, domid);

    fsva_xs_close();
    return rc;
}

static void plugin_abort(void)
{
    fsva_pair_abort();
    fsva_xs_close();
}

static int plugin_detach(uint32_t domid, libxl_device_fsva *fsva, bool force)
{
    int rc = fsva_pair_detach(domid, fsva, force);

    fsva_xs_close();
    return rc;
}

static int plugin_permit(uint32_t domid, const char *verb, bool quiet)
{
    int rc = fsva_pair_permit(domid, verb, quiet);

    fsva_xs_close();
    return rc;
}

static int plugin_save(uint32_t domid, const char *filename,
                       unsigned int flags)
{
    int rc = fsva_move_save(domid, filename, flags);

    fsva_xs_close();
    return rc;
}

static int plugin_restore(const char *filename, unsigned int flags)
{
    int rc = fsva_move_restore(filename, flags);

    fsva_xs_close();
    return rc;
}

static int plugin_migrate(uint32_t domid, const char *rune,
                          unsigned int flags)
{
    int rc = fsva_move_migrate(domid, rune, flags);

    fsva_xs_close();
    return rc;
}

static int plugin_receive(int recv_fd, int send_fd, unsigned int flags)
{
    int rc = fsva_move_receive(recv_fd, send_fd, flags);

    fsva_xs_close();
    return rc;
}

static void plugin_ended(uint32_t domid, enum xl_plugin_end end)
{
    fsva_pair_ended(domid, end);
    fsva_xs_close();
}

/* What xl looks up: XL_PLUGIN_SYMBOL. */
extern const struct xl_plugin xl_plugin;
const struct xl_plugin xl_plugin = {
    .version = XL_PLUGIN_VERSION,
    .init = plugin_init,
    .parse = plugin_parse,
    .prepare = plugin_prepare,
    .commit = plugin_commit,
    .abort = plugin_abort,
    .detach = plugin_detach,
    .permit = plugin_permit,
    .save = plugin_save,
    .restore = plugin_restore,
    .migrate = plugin_migrate,
    .receive = plugin_receive,
    .ended = plugin_ended,
};

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
