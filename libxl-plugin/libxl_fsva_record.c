/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Who belongs to whom, in xenstore:
 *
 *   /libxl/B/fsva/user        domid of the user domain; "" until it exists
 *   /libxl/B/fsva/user-uuid   its uuid
 *   /libxl/B/fsva/user-name   its name when the record was written
 *   /libxl/B/fsva/tag         the tag by which it knows the appliance B
 *   /libxl/B/fsva/owned       "1": B was created for this pair, ends with it
 *   /libxl/U/device/fsva/N/lost   "1": the backend of this device has died
 *
 * The other direction, from a user domain to its appliances, is what libxl
 * itself keeps: /libxl/U/device/fsva/N/backend.  Guests cannot write to
 * /libxl, and libxl removes /libxl/D with the domain D.  So the record of a
 * pair is where the appliance is: it outlives the user domain, which is when
 * it is needed, and cannot outlive the appliance.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxl_fsva.h"

static struct xs_handle *handle;

struct xs_handle *fsva_xs(void)
{
    if (!handle) {
        handle = xs_open(0);
        if (!handle) {
            fsva_say("no connection to xenstore: %s", strerror(errno));
            exit(EXIT_FAILURE);
        }
    }

    return handle;
}

void fsva_xs_close(void)
{
    if (handle)
        xs_close(handle);
    handle = NULL;
}

/* XENSTORE_ABS_PATH_MAX is 3072. */
#define PATH_FMT(path, fmt)                         \
    char path[1024];                                \
    va_list ap;                                     \
                                                    \
    va_start(ap, fmt);                              \
    vsnprintf(path, sizeof(path), fmt, ap);         \
    va_end(ap)

char *fsva_xs_read(const char *fmt, ...)
{
    PATH_FMT(path, fmt);
    unsigned len;

    /* libxenstore terminates what it returns. */
    return xs_read(fsva_xs(), XBT_NULL, path, &len);
}

bool fsva_xs_write(const char *value, const char *fmt, ...)
{
    PATH_FMT(path, fmt);

    if (xs_write(fsva_xs(), XBT_NULL, path, value, strlen(value)))
        return true;

    fsva_say("cannot write %s: %s", path, strerror(errno));
    return false;
}

void fsva_xs_rm(const char *fmt, ...)
{
    PATH_FMT(path, fmt);

    if (!xs_rm(fsva_xs(), XBT_NULL, path) && errno != ENOENT)
        fsva_say("cannot remove %s: %s", path, strerror(errno));
}

char **fsva_xs_list(unsigned *nr, const char *fmt, ...)
{
    PATH_FMT(path, fmt);
    char **list = xs_directory(fsva_xs(), XBT_NULL, path, nr);

    if (!list)
        *nr = 0;
    return list;
}

void fsva_xs_prune(const char *path)
{
    char parent[1024], *slash;
    unsigned nr;

    fsva_xs_rm("%s", path);

    snprintf(parent, sizeof(parent), "%s", path);
    while ((slash = strrchr(parent, '/')) && slash != parent) {
        char **list;

        *slash = '\0';
        list = fsva_xs_list(&nr, "%s", parent);
        free(list);
        if (!list || nr)
            break;
        fsva_xs_rm("%s", parent);
    }
}

/* Only decimal digits, as all domain and device ids in paths are. */
static bool parse_id(const char *s, uint32_t *id)
{
    if (!s[0] || strlen(s) > 9 || strspn(s, "0123456789") != strlen(s))
        return false;

    *id = strtoul(s, NULL, 10);
    return true;
}

static void read_text(char *dst, size_t size, uint32_t domid,
                      const char *node)
{
    char *value = fsva_xs_read("/libxl/%u/fsva/%s", domid, node);

    snprintf(dst, size, "%s", value ?: "");
    free(value);
}

void fsva_record_read(uint32_t domid, struct fsva_record *record)
{
    char owned[2], user[16], uuid_str[LIBXL_UUID_FMTLEN + 1];
    libxl_uuid uuid;

    memset(record, 0, sizeof(*record));
    read_text(owned, sizeof(owned), domid, "owned");
    record->exists = owned[0];
    if (!record->exists)
        return;

    record->owned = owned[0] == '1';
    read_text(record->user_uuid, sizeof(record->user_uuid), domid,
              "user-uuid");
    read_text(record->user_name, sizeof(record->user_name), domid,
              "user-name");
    read_text(record->tag, sizeof(record->tag), domid, "tag");
    read_text(user, sizeof(user), domid, "user");
    if (!parse_id(user, &record->user_domid)) {
        record->user_domid = INVALID_DOMID;
        return;
    }

    if (fsva_domain_state(record->user_domid, &uuid) == FSVA_DOMAIN_NONE)
        return;
    snprintf(uuid_str, sizeof(uuid_str), LIBXL_UUID_FMT,
             LIBXL_UUID_BYTES(uuid));
    record->user_alive = !strcmp(uuid_str, record->user_uuid);
}

bool fsva_record_write(uint32_t domid, const struct fsva_record *record)
{
    char user[16] = "";

    if (record->user_domid != INVALID_DOMID)
        snprintf(user, sizeof(user), "%u", record->user_domid);

    /* "owned" makes the record exist, so it is the last one. */
    return fsva_xs_write(user, "/libxl/%u/fsva/user", domid) &&
           fsva_xs_write(record->user_uuid, "/libxl/%u/fsva/user-uuid",
                         domid) &&
           fsva_xs_write(record->user_name, "/libxl/%u/fsva/user-name",
                         domid) &&
           fsva_xs_write(record->tag, "/libxl/%u/fsva/tag", domid) &&
           fsva_xs_write(record->owned ? "1" : "0", "/libxl/%u/fsva/owned",
                         domid);
}

void fsva_record_remove(uint32_t domid)
{
    fsva_xs_rm("/libxl/%u/fsva", domid);
}

int fsva_record_each(uint32_t user_domid,
                     int (*fn)(uint32_t domid,
                               const struct fsva_record *record, void *data),
                     void *data)
{
    struct fsva_record record;
    uint32_t domid;
    unsigned i, nr;
    char **list;
    int rc = 0;

    list = fsva_xs_list(&nr, "/libxl");
    for (i = 0; i < nr && !rc; i++) {
        if (!parse_id(list[i], &domid))
            continue;
        fsva_record_read(domid, &record);
        if (record.exists && record.user_domid == user_domid)
            rc = fn(domid, &record, data);
    }

    free(list);
    return rc;
}

int fsva_device_each(uint32_t backend_domid,
                     int (*fn)(uint32_t user_domid, uint32_t devid,
                               const char *tag, void *data),
                     void *data)
{
    char **doms, **devs, *backend, *tag, prefix[64];
    unsigned i, j, nr_doms, nr_devs;
    uint32_t domid, devid;
    int rc = 0;

    snprintf(prefix, sizeof(prefix), "/local/domain/%u/", backend_domid);

    doms = fsva_xs_list(&nr_doms, "/libxl");
    for (i = 0; i < nr_doms && !rc; i++) {
        if (!parse_id(doms[i], &domid))
            continue;
        devs = fsva_xs_list(&nr_devs, "/libxl/%u/device/fsva", domid);
        for (j = 0; j < nr_devs && !rc; j++) {
            if (!parse_id(devs[j], &devid))
                continue;
            backend = fsva_xs_read("/libxl/%u/device/fsva/%u/backend", domid,
                                   devid);
            if (backend && !strncmp(backend, prefix, strlen(prefix))) {
                tag = fsva_xs_read("/libxl/%u/device/fsva/%u/tag", domid,
                                   devid);
                rc = fn(domid, devid, tag ?: "?", data);
                free(tag);
            }
            free(backend);
        }
        free(devs);
    }

    free(doms);
    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-basic-offset: 4
 * indent-tabs-mode: nil
 * End:
 */
