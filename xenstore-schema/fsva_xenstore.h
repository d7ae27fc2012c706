/* SPDX-License-Identifier: MIT */
/*
 * fsva_xenstore.h: names, ranges and defaults of the xenstore keys.  Generated from schema.yaml by
 * ./generate: do not edit.  fsva-xenstore(7) says what each key means, and who writes it when.
 *
 * FSVA_XS_<directory>_<key> is the key's name in its directory.  A name with a number in it is a format
 * for one unsigned int; a directory's is an absolute path, a format for the numbers in it.
 */
#ifndef FSVA_XENSTORE_H
#define FSVA_XENSTORE_H

/*
 * The frontend's end of a device.
 */
#define FSVA_XS_FRONT_DIR                              "/local/domain/%u/device/fsva/%u"  /* U, N */
#define FSVA_XS_FRONT_BACKEND                          "backend"
#define FSVA_XS_FRONT_BACKEND_ID                       "backend-id"
#define FSVA_XS_FRONT_STATE                            "state"
#define FSVA_XS_FRONT_TAG                              "tag"
#define FSVA_XS_FRONT_MAX_QUEUES                       "max-queues"
#define FSVA_XS_FRONT_MAX_QUEUES_MIN                   1u
#define FSVA_XS_FRONT_MAX_QUEUES_MAX                   8u
#define FSVA_XS_FRONT_MAX_RING_PAGE_ORDER              "max-ring-page-order"
#define FSVA_XS_FRONT_MAX_RING_PAGE_ORDER_MAX          4u
#define FSVA_XS_FRONT_MAX_RING_PAGE_ORDER_DEFAULT      2u
#define FSVA_XS_FRONT_SIGNAL                           "signal"
#define FSVA_XS_FRONT_SIGNAL_DEFAULT                   "auto"
#define FSVA_XS_FRONT_UBC                              "ubc"
#define FSVA_XS_FRONT_UBC_DEFAULT                      0u
#define FSVA_XS_FRONT_VERSION                          "version"
#define FSVA_XS_FRONT_VERSION_MIN                      1u
#define FSVA_XS_FRONT_VERSION_MAX                      65535u
#define FSVA_XS_FRONT_NUM_QUEUES                       "num-queues"
#define FSVA_XS_FRONT_NUM_QUEUES_MIN                   1u
#define FSVA_XS_FRONT_NUM_QUEUES_MAX                   8u
#define FSVA_XS_FRONT_RING_PAGE_ORDER                  "ring-page-order"
#define FSVA_XS_FRONT_RING_PAGE_ORDER_MAX              4u
#define FSVA_XS_FRONT_SESSION                          "session"
#define FSVA_XS_FRONT_FEATURE_MIGRATE                  "feature-migrate"
#define FSVA_XS_FRONT_FEATURE_MIGRATE_DEFAULT          0u
#define FSVA_XS_FRONT_MOUNTED                          "mounted"
#define FSVA_XS_FRONT_MOUNTED_DEFAULT                  0u
#define FSVA_XS_FRONT_STATS_REF                        "stats-ref"
#define FSVA_XS_FRONT_QUEUE_RING_REF                   "queue-%u/ring-ref"
#define FSVA_XS_FRONT_QUEUE_EVENT_CHANNEL              "queue-%u/event-channel"
#define FSVA_XS_FRONT_QUEUE_EVENT_CHANNEL_MIN          1u
#define FSVA_XS_FRONT_QUEUE_EVENT_CHANNEL_MAX          131071u

/*
 * The backend's end of a device.
 */
#define FSVA_XS_BACK_DIR                               "/local/domain/%u/backend/fsva/%u/%u"  /* B, U, N */
#define FSVA_XS_BACK_FRONTEND                          "frontend"
#define FSVA_XS_BACK_FRONTEND_ID                       "frontend-id"
#define FSVA_XS_BACK_ONLINE                            "online"
#define FSVA_XS_BACK_STATE                             "state"
#define FSVA_XS_BACK_TAG                               "tag"
#define FSVA_XS_BACK_FS                                "fs"
#define FSVA_XS_BACK_FS_MAX                            31u
#define FSVA_XS_BACK_DEV                               "dev"
#define FSVA_XS_BACK_DEV_MAX                           1024u
#define FSVA_XS_BACK_OPTIONS                           "options"
#define FSVA_XS_BACK_OPTIONS_MAX                       4000u
#define FSVA_XS_BACK_VERSIONS                          "versions"
#define FSVA_XS_BACK_MAX_QUEUES                        "max-queues"
#define FSVA_XS_BACK_MAX_QUEUES_MIN                    1u
#define FSVA_XS_BACK_MAX_QUEUES_MAX                    8u
#define FSVA_XS_BACK_MAX_QUEUES_DEFAULT                1u
#define FSVA_XS_BACK_MAX_RING_PAGE_ORDER               "max-ring-page-order"
#define FSVA_XS_BACK_MAX_RING_PAGE_ORDER_MAX           4u
#define FSVA_XS_BACK_MAX_RING_PAGE_ORDER_DEFAULT       0u
#define FSVA_XS_BACK_FEATURE_EVENT                     "feature-event"
#define FSVA_XS_BACK_FEATURE_EVENT_DEFAULT             0u
#define FSVA_XS_BACK_FEATURE_MWAIT                     "feature-mwait"
#define FSVA_XS_BACK_FEATURE_MWAIT_DEFAULT             0u
#define FSVA_XS_BACK_FEATURE_UBC                       "feature-ubc"
#define FSVA_XS_BACK_FEATURE_UBC_DEFAULT               0u
#define FSVA_XS_BACK_FEATURE_RESTORE_GRANTS            "feature-restore-grants"
#define FSVA_XS_BACK_FEATURE_RESTORE_GRANTS_DEFAULT    0u

/*
 * What the user domain's XenBus says of a device that failed.
 */
#define FSVA_XS_FRONT_ERROR_DIR                        "/local/domain/%u/error/device/fsva/%u"  /* U, N */
#define FSVA_XS_FRONT_ERROR_ERROR                      "error"
#define FSVA_XS_FRONT_ERROR_ERROR_MAX                  4000u

/*
 * What the appliance's XenBus says of a device that failed.
 */
#define FSVA_XS_BACK_ERROR_DIR                         "/local/domain/%u/error/backend/fsva/%u/%u"  /* B, U, N */
#define FSVA_XS_BACK_ERROR_ERROR                       "error"
#define FSVA_XS_BACK_ERROR_ERROR_MAX                   4000u

/*
 * What the appliance tells the toolstack before any device exists.
 */
#define FSVA_XS_APPLIANCE_DIR                          "/local/domain/%u/data"  /* B */
#define FSVA_XS_APPLIANCE_FSVA_READY                   "fsva-ready"
#define FSVA_XS_APPLIANCE_FSVA_ERROR                   "fsva-error"
#define FSVA_XS_APPLIANCE_FSVA_ERROR_MAX               256u

/*
 * What libxl keeps of the device, where no guest can write: where both ends are, and what it wrote for
 * the backend when it made the device.
 */
#define FSVA_XS_LIBXL_DIR                              "/libxl/%u/device/fsva/%u"  /* U, N */
#define FSVA_XS_LIBXL_FRONTEND                         "frontend"
#define FSVA_XS_LIBXL_BACKEND                          "backend"
#define FSVA_XS_LIBXL_FRONTEND_ID                      "frontend-id"
#define FSVA_XS_LIBXL_ONLINE                           "online"
#define FSVA_XS_LIBXL_STATE                            "state"
#define FSVA_XS_LIBXL_STATE_MIN                        1u
#define FSVA_XS_LIBXL_STATE_MAX                        1u
#define FSVA_XS_LIBXL_TAG                              "tag"
#define FSVA_XS_LIBXL_FS                               "fs"
#define FSVA_XS_LIBXL_FS_MAX                           31u
#define FSVA_XS_LIBXL_DEV                              "dev"
#define FSVA_XS_LIBXL_DEV_MAX                          1024u
#define FSVA_XS_LIBXL_OPTIONS                          "options"
#define FSVA_XS_LIBXL_OPTIONS_MAX                      4000u
#define FSVA_XS_LIBXL_LOST                             "lost"

/*
 * Which user domain an appliance belongs to.
 */
#define FSVA_XS_PAIR_DIR                               "/libxl/%u/fsva"  /* B */
#define FSVA_XS_PAIR_OWNED                             "owned"
#define FSVA_XS_PAIR_USER                              "user"
#define FSVA_XS_PAIR_USER_UUID                         "user-uuid"
#define FSVA_XS_PAIR_USER_NAME                         "user-name"
#define FSVA_XS_PAIR_USER_NAME_MAX                     1024u
#define FSVA_XS_PAIR_TAG                               "tag"

#endif /* FSVA_XENSTORE_H */
