/* SPDX-License-Identifier: MIT */
/*
 * fsvaif.h: all that the two domains of a pair must agree on.
 *
 * A file system virtual appliance (FSVA) serves one unmodified file system to one user domain.  The front
 * (user domain) puts 512-octet requests on a ring of granted pages; the back (FSVA) answers each one exactly
 * once.  fsva.pandoc describes the same in octets and wins over this file.
 *
 * This file includes nothing: the includer has uint8_t ... uint64_t and int64_t ready (fsva_port.h does it).
 * Everything is little-endian, naturally aligned, without compiler padding; 32- and 64-bit domains see one
 * layout.  Every octet named `pad` is zero; a receiver refuses anything else.  Sizes are stated with
 * FSVA_WIRE_SIZE and compared for i386, x86_64 and arm64 by tests/unit/layout.
 */
#ifndef FSVAIF_H
#define FSVAIF_H

#ifdef __cplusplus
#define FSVA_WIRE_SIZE(type, size) static_assert(sizeof(type) == (size), #type)
#else
#define FSVA_WIRE_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#endif

/* ---- Numbers of the protocol ------------------------------------------------------------------------- */

#define FSVA_VERSION            1       /* `versions` offered and `version` chosen in xenstore */
#define FSVA_MINOR              0       /* highest minor version of this header (FSVA_OP_SESSION) */
#define FSVA_PAGE_SIZE          4096u   /* unit of every grant */
#define FSVA_SLOT_SIZE          512u
#define FSVA_SLOTS_PER_PAGE     8u
#define FSVA_MAX_RING_ORDER     4u
#define FSVA_MAX_RING_PAGES     16u     /* 1 << FSVA_MAX_RING_ORDER */
#define FSVA_MAX_SLOTS          128u    /* FSVA_SLOTS_PER_PAGE << FSVA_MAX_RING_ORDER */
#define FSVA_MAX_QUEUES         8u
#define FSVA_MAX_CREDS          1024u   /* size of the credential table; index 0 is never valid */
#define FSVA_MAX_GROUPS         65536u
#define FSVA_NAME_MAX           255u
#define FSVA_PATH_MAX           4096u   /* symlink target and its like, terminator counted in */
#define FSVA_OPTIONS_MAX        4096u   /* mount options */
#define FSVA_XATTR_MAX          65536u  /* value of an extended attribute, and the list of their names */
#define FSVA_TAG_MAX            31u
#define FSVA_BODY_SIZE          416u
#define FSVA_MAX_GREFS          96u     /* in any request; fewer where the operation's structure is over 32 octets */
#define FSVA_PIGGY_MAX          3u
#define FSVA_ERROR_MAX          4095u   /* highest error code that a version may ever use */
#define FSVA_RDEV_MAJOR_MAX     0xfffu
#define FSVA_RDEV_MINOR_MAX     0xfffffu
#define FSVA_BLKSIZE_MAX        0x40000000u

/* ---- The ring ---------------------------------------------------------------------------------------- */

/*
 * The control page of a queue, granted by the front as `queue-N/ring-ref`.  The four indices each have a
 * cache line of their own: each is written by one side, and can be the word that the other side waits on.
 * Indices run freely; index & (nr_slots - 1) is the slot.  A slot belongs to the front, is the back's from
 * req_prod until the back has put a response there, and is the front's again.  As in Xen's io/ring.h, a
 * response takes the oldest slot whose request was consumed, and *_event says from which index on the
 * other side wants an event.
 *
 * All but the indices is written once, before the front goes to Initialised; the back copies it once.
 */
struct fsva_ring_ctl {
	uint32_t magic;                                 /* FSVA_RING_MAGIC */
	uint16_t version;                               /* FSVA_VERSION */
	uint16_t nr_slots;                              /* FSVA_SLOTS_PER_PAGE << ring-page-order */
	uint32_t slot_ref[FSVA_MAX_RING_PAGES];         /* grants of the pages of slots; unused ones 0 */
	uint8_t  pad0[56];
	uint32_t req_prod;                              /* written by the front */
	uint8_t  pad1[60];
	uint32_t req_event;                             /* written by the back */
	uint8_t  pad2[60];
	uint32_t rsp_prod;                              /* written by the back */
	uint8_t  pad3[60];
	uint32_t rsp_event;                             /* written by the front */
	uint8_t  pad4[60];
	uint32_t staging_ref[FSVA_MAX_SLOTS];           /* one page for each tag; unused ones 0 */
	uint8_t  pad5[3200];
};
FSVA_WIRE_SIZE(struct fsva_ring_ctl, 4096);

#define FSVA_RING_MAGIC         0x41565346u             /* "FSVA" */

/* ---- Operations --------------------------------------------------------------------------------------- */

/*
 * Flags of a row of FSVA_OPS.
 * FSVA_F_IDEM:     doing it twice is doing it once; the back needs no response cache for it
 * FSVA_F_DATA_IN:  data travels to the back      FSVA_F_DATA_OUT: data travels to the front
 * FSVA_F_NOMOUNT:  allowed before FSVA_OP_MOUNT  FSVA_F_NOCRED:   runs under the appliance's own identity
 * FSVA_F_SLOW:     may wait for somebody else than the disk: must not hold up other requests
 */
#define FSVA_F_IDEM             0x01u
#define FSVA_F_DATA_IN          0x02u
#define FSVA_F_DATA_OUT         0x04u
#define FSVA_F_NOMOUNT          0x08u
#define FSVA_F_NOCRED           0x10u
#define FSVA_F_SLOW             0x20u

/*
 * Every operation: X(number, NAME, name, flags).  NAME makes FSVA_OP_NAME; name makes struct fsva_name_req
 * and struct fsva_name_rsp and is what statistics print.  A number without a row, and a row without a
 * handler, is answered FSVA_EOPNOTSUPP.  Numbers are never used again.
 */
#define FSVA_OPS(X) \
	/* the session */ \
	X(1,  NULL_CALL,        null_call,        FSVA_F_IDEM | FSVA_F_NOMOUNT | FSVA_F_NOCRED) \
	X(2,  SESSION,          session,          FSVA_F_IDEM | FSVA_F_NOMOUNT | FSVA_F_NOCRED) \
	X(3,  CRED_SET,         cred_set,         FSVA_F_IDEM | FSVA_F_DATA_IN | FSVA_F_NOMOUNT | FSVA_F_NOCRED) \
	X(4,  EVENT,            event,            FSVA_F_IDEM | FSVA_F_DATA_OUT | FSVA_F_NOCRED) \
	X(5,  INTERRUPT,        interrupt,        FSVA_F_IDEM | FSVA_F_NOMOUNT | FSVA_F_NOCRED) \
	X(6,  RESTORE_GRANTS,   restore_grants,   FSVA_F_IDEM | FSVA_F_DATA_OUT | FSVA_F_NOCRED) \
	/* the mount */ \
	X(8,  MOUNT,            mount,            FSVA_F_DATA_IN | FSVA_F_NOMOUNT) \
	X(9,  UNMOUNT,          unmount,          FSVA_F_NOMOUNT) \
	X(10, REMOUNT,          remount,          FSVA_F_DATA_IN) \
	X(11, STATFS,           statfs,           FSVA_F_IDEM) \
	X(12, SYNCFS,           syncfs,           FSVA_F_IDEM) \
	X(13, FREEZE,           freeze,           0) \
	X(14, THAW,             thaw,             0) \
	X(15, SHOW_OPTIONS,     show_options,     FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	/* names and inodes */ \
	X(16, LOOKUP,           lookup,           0) \
	X(17, GETATTR,          getattr,          FSVA_F_IDEM) \
	X(18, SETATTR,          setattr,          0) \
	X(19, CREATE,           create,           0) \
	X(20, MKNOD,            mknod,            0) \
	X(21, MKDIR,            mkdir,            0) \
	X(22, RMDIR,            rmdir,            0) \
	X(23, LINK,             link,             0) \
	X(24, UNLINK,           unlink,           0) \
	X(25, SYMLINK,          symlink,          FSVA_F_DATA_IN) \
	X(26, READLINK,         readlink,         FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(27, RENAME,           rename,           FSVA_F_DATA_IN) \
	X(28, TMPFILE,          tmpfile,          0) \
	X(29, PERMISSION,       permission,       FSVA_F_IDEM) \
	X(30, DIRTY_INODE,      dirty_inode,      FSVA_F_IDEM) \
	X(31, WRITE_INODE,      write_inode,      FSVA_F_IDEM) \
	X(32, DENTRY_VALIDATE,  dentry_validate,  FSVA_F_IDEM) \
	X(33, DENTRY_RELEASE,   dentry_release,   FSVA_F_NOCRED) \
	X(34, TRUNCATE,         truncate,         0) \
	/* open files */ \
	X(40, OPEN,             open,             0) \
	X(41, RELEASE,          release,          FSVA_F_NOCRED) \
	X(42, FLUSH,            flush,            FSVA_F_IDEM) \
	X(43, FSYNC,            fsync,            FSVA_F_IDEM) \
	X(44, SEEK,             seek,             FSVA_F_IDEM) \
	X(45, READDIR,          readdir,          FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(46, READ,             read,             FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(47, WRITE,            write,            FSVA_F_DATA_IN) \
	X(48, FALLOCATE,        fallocate,        0) \
	X(49, COPY_RANGE,       copy_range,       0) \
	X(50, REMAP_RANGE,      remap_range,      0) \
	X(51, FADVISE,          fadvise,          FSVA_F_IDEM) \
	X(52, FIEMAP,           fiemap,           FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(53, IOCTL,            ioctl,            FSVA_F_DATA_IN | FSVA_F_DATA_OUT) \
	X(54, LOCK,             lock,             FSVA_F_SLOW) \
	X(55, LOCK_TEST,        lock_test,        FSVA_F_IDEM) \
	X(56, FLOCK,            flock,            FSVA_F_SLOW) \
	/* attributes by name, and by structure */ \
	X(64, GETXATTR,         getxattr,         FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(65, SETXATTR,         setxattr,         FSVA_F_DATA_IN) \
	X(66, LISTXATTR,        listxattr,        FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(67, REMOVEXATTR,      removexattr,      0) \
	X(68, GET_ACL,          get_acl,          FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(69, SET_ACL,          set_acl,          FSVA_F_DATA_IN) \
	X(70, FILEATTR_GET,     fileattr_get,     FSVA_F_IDEM) \
	X(71, FILEATTR_SET,     fileattr_set,     0) \
	/* export handles */ \
	X(76, ENCODE_FH,        encode_fh,        FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	X(77, DECODE_FH,        decode_fh,        FSVA_F_DATA_IN) \
	X(78, GET_PARENT,       get_parent,       0) \
	X(79, GET_NAME,         get_name,         FSVA_F_IDEM | FSVA_F_DATA_OUT) \
	/* shared frames and the coupled caches */ \
	X(84, MAP_PAGE,         map_page,         0) \
	X(85, UNMAP_PAGE,       unmap_page,       FSVA_F_NOCRED) \
	X(86, EVICT_PAGE,       evict_page,       FSVA_F_IDEM | FSVA_F_DATA_IN | FSVA_F_DATA_OUT | FSVA_F_NOCRED) \
	X(87, INVALIDATE_PAGE,  invalidate_page,  FSVA_F_IDEM | FSVA_F_NOCRED)

#define FSVA_OP_MAX             96u             /* one more than any number that this version may use */

#define FSVA_OP_ENUM(nr, NAME, name, flags) FSVA_OP_##NAME = nr,
enum fsva_op { FSVA_OPS(FSVA_OP_ENUM) };
#undef FSVA_OP_ENUM

#define FSVA_ERRNO(name, value) FSVA_##name = value,
enum fsva_errno {
	FSVA_OK = 0,
#include "fsva_errno.h"
};
#undef FSVA_ERRNO

/* ---- Requests and responses --------------------------------------------------------------------------- */

/*
 * UBC news, in the free octets at the end of each slot (DESIGN 6).  Until FSVA_FEATURE_UBC is agreed nr is 0
 * and all of it is zero.
 */
struct fsva_piggy_msg {
	uint64_t handle;
	uint32_t index;         /* of the first page */
	uint16_t nr_pages;
	uint8_t  kind;          /* FSVA_PIGGY_* */
	uint8_t  pad;
};
FSVA_WIRE_SIZE(struct fsva_piggy_msg, 16);

#define FSVA_PIGGY_INSERT       1u              /* back: these pages entered my page cache */
#define FSVA_PIGGY_REMOVE       2u              /* back: these pages left it */
#define FSVA_PIGGY_SLAB         3u              /* back: nr_pages of metadata in all; handle, index 0 */
#define FSVA_PIGGY_EVICT        4u              /* front: drop these */

struct fsva_piggy {
	uint64_t seq;           /* number of the first message, so that none counts twice */
	uint8_t  nr;            /* messages used, 0..FSVA_PIGGY_MAX */
	uint8_t  pad[7];
	struct fsva_piggy_msg msg[FSVA_PIGGY_MAX];
};
FSVA_WIRE_SIZE(struct fsva_piggy, 64);

/*
 * A request.  Its data, if the operation has any, is data_len octets that start at data_off:
 *   nr_grefs == 0:  in the staging page of this tag (granted at connect); data_off + data_len <= 4096
 *   nr_grefs > 0:   in nr_grefs pages granted for this call, data_off within the first, all others used from
 *                   their start; nr_grefs == pages that [data_off, data_off + data_len) touches.  The grant
 *                   references are the last nr_grefs words of the body; they may not overlap the
 *                   operation's own structure, which starts at the first octet.
 * For FSVA_F_DATA_OUT data_len is the most that the back may put there.
 */
struct fsva_req {
	uint64_t id;            /* 1, 2, ...: never used twice in a session, on any queue */
	uint16_t op;            /* enum fsva_op */
	uint16_t tag;           /* the front's index of this request, < nr_slots, unused by any other in flight */
	uint16_t cred;          /* index of the caller's credentials; 0 only with FSVA_F_NOCRED */
	uint16_t flags;         /* FSVA_REQ_* */
	uint32_t data_len;
	uint16_t data_off;
	uint16_t nr_grefs;
	uint16_t umask;         /* of the caller, for operations that create */
	uint8_t  pad[6];
	uint8_t  body[FSVA_BODY_SIZE];
	struct fsva_piggy piggy;
};
FSVA_WIRE_SIZE(struct fsva_req, 512);

#define FSVA_REQ_RESENT         0x0001u         /* sent again after a reconnect: it may have been done */
#define FSVA_REQ_FLAGS          0x0001u

struct fsva_rsp {
	uint64_t id;            /* of the request */
	uint16_t op;            /* of the request */
	uint16_t tag;           /* of the request */
	uint32_t error;         /* enum fsva_errno; when not 0, body and data_len are 0 unless an operation says */
	uint32_t data_len;      /* octets put, at most the request's (for FSVA_OP_WRITE: octets taken) */
	uint32_t flags;         /* FSVA_RSP_* */
	uint8_t  pad[8];
	uint8_t  body[FSVA_BODY_SIZE];
	struct fsva_piggy piggy;
};
FSVA_WIRE_SIZE(struct fsva_rsp, 512);

#define FSVA_RSP_REPLAYED       0x0001u         /* out of the response cache */
#define FSVA_RSP_FLAGS          0x0001u

/* ---- Parts that several operations share -------------------------------------------------------------- */

struct fsva_time {
	int64_t  sec;
	uint32_t nsec;          /* < 1,000,000,000 */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_time, 16);

/* What is known of an inode: struct statx and what the VFS keeps beside it. */
struct fsva_attr {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;                /* of 512 octets */
	uint64_t change;                /* change cookie (i_version); 0: none */
	struct fsva_time atime, mtime, ctime, btime;
	uint64_t attributes;            /* FSVA_ATTR_*: as statx's, wire values */
	uint64_t attributes_mask;
	uint32_t mode;                  /* S_IFMT and permission bits, POSIX's octal values */
	uint32_t nlink;
	uint32_t uid, gid;              /* of the initial user namespace; any value that a disk can hold */
	uint32_t rdev_major, rdev_minor;
	uint32_t blksize;
	uint32_t generation;
	uint32_t flags;                 /* FSVA_INODE_* */
	uint32_t valid;                 /* FSVA_ATTR_HAS_* */
	uint32_t dio_mem_align, dio_offset_align;
};
FSVA_WIRE_SIZE(struct fsva_attr, 160);

#define FSVA_ATTR_HAS_BTIME     0x01u
#define FSVA_ATTR_HAS_CHANGE    0x02u
#define FSVA_ATTR_HAS_DIO       0x04u
#define FSVA_ATTR_HAS_ALL       0x07u

/* fsva_attr.attributes: as linux/stat.h STATX_ATTR_* */
#define FSVA_ATTR_COMPRESSED    0x00000004ull
#define FSVA_ATTR_IMMUTABLE     0x00000010ull
#define FSVA_ATTR_APPEND        0x00000020ull
#define FSVA_ATTR_NODUMP        0x00000040ull
#define FSVA_ATTR_ENCRYPTED     0x00000800ull
#define FSVA_ATTR_AUTOMOUNT     0x00001000ull
#define FSVA_ATTR_VERITY        0x00100000ull
#define FSVA_ATTR_DAX           0x00200000ull
#define FSVA_ATTR_ALL           0x00301874ull

/* fsva_attr.flags: the S_* flags that the user's VFS acts on */
#define FSVA_INODE_SYNC         0x01u
#define FSVA_INODE_NOATIME      0x02u
#define FSVA_INODE_APPEND       0x04u
#define FSVA_INODE_IMMUTABLE    0x08u
#define FSVA_INODE_DIRSYNC      0x10u
#define FSVA_INODE_NOCMTIME     0x20u
#define FSVA_INODE_NOSEC        0x40u           /* no suid bits and no security xattr to strip on write */
#define FSVA_INODE_FLAGS        0x7fu

/*
 * What the file system implements for an inode: DESIGN rule 2.  A call whose bit is clear need not cross; the
 * front's VFS does then what the appliance's VFS would have done.
 */
#define FSVA_IMPL_PERMISSION    0x00000001u     /* ->permission */
#define FSVA_IMPL_REVALIDATE    0x00000002u     /* its dentries have ->d_revalidate */
#define FSVA_IMPL_NAMECMP       0x00000004u     /* a directory with ->d_hash or ->d_compare: cache no negative */
#define FSVA_IMPL_FLUSH         0x00000008u
#define FSVA_IMPL_FSYNC         0x00000010u
#define FSVA_IMPL_LOCK          0x00000020u     /* ->lock */
#define FSVA_IMPL_FLOCK         0x00000040u
#define FSVA_IMPL_XATTR         0x00000080u
#define FSVA_IMPL_ACL           0x00000100u
#define FSVA_IMPL_FIEMAP        0x00000200u
#define FSVA_IMPL_FILEATTR      0x00000400u
#define FSVA_IMPL_FALLOCATE     0x00000800u
#define FSVA_IMPL_COPY_RANGE    0x00001000u
#define FSVA_IMPL_REMAP_RANGE   0x00002000u
#define FSVA_IMPL_SEEK_DATA     0x00004000u
#define FSVA_IMPL_IOCTL         0x00008000u
#define FSVA_IMPL_DIRECT_IO     0x00010000u
#define FSVA_IMPL_TMPFILE       0x00020000u
#define FSVA_IMPL_RENAME2       0x00040000u     /* rename with flags */
#define FSVA_IMPL_GETATTR       0x00080000u     /* ->getattr does more than read the inode */
#define FSVA_IMPL_DIRTY_INODE   0x00100000u     /* ->update_time or ->dirty_inode */
#define FSVA_IMPL_ALL           0x001fffffu

/*
 * A name found or made.  Each response that carries one counts as one lookup of the handle, to be given back
 * by FSVA_OP_DENTRY_RELEASE.
 */
struct fsva_entry {
	uint64_t handle;
	uint32_t impl;                  /* FSVA_IMPL_* */
	uint32_t pad;
	struct fsva_attr attr;
};
FSVA_WIRE_SIZE(struct fsva_entry, 176);

/* A name in a directory. */
struct fsva_name {
	uint64_t dir;                           /* handle of the directory */
	uint16_t len;                           /* octets used, 1..FSVA_NAME_MAX */
	uint8_t  pad[6];
	uint8_t  name[FSVA_NAME_MAX + 1];       /* not terminated, rest zero; no '/', no NUL, not . or .. */
};
FSVA_WIRE_SIZE(struct fsva_name, 272);

/* An operation that says nothing more than that it is done. */
struct fsva_void {
	uint8_t none[8];                        /* zero */
};
FSVA_WIRE_SIZE(struct fsva_void, 8);

/* ---- The session -------------------------------------------------------------------------------------- */

#define fsva_null_call_req fsva_void
#define fsva_null_call_rsp fsva_void

/*
 * FSVA_OP_SESSION: the first request, on queue 0; nothing else is answered before it.  The front names the
 * session (random, not 0), asks for features, and on a reconnect gives the id of the session it had.
 */
struct fsva_session_req {
	uint64_t session;
	uint64_t features;              /* FSVA_FEATURE_* that the front wants */
	uint64_t next_id;               /* the lowest request id that the front has not used yet */
	uint16_t minor;                 /* highest that the front speaks */
	uint8_t  pad[6];
};
FSVA_WIRE_SIZE(struct fsva_session_req, 32);

struct fsva_session_rsp {
	uint64_t session;
	uint64_t features;              /* the ones both have */
	uint16_t minor;                 /* the lower of both */
	uint16_t nr_creds;              /* size of the credential table, 2..FSVA_MAX_CREDS */
	uint32_t flags;                 /* FSVA_SESSION_* */
	uint32_t max_data;              /* the most data_len of one request, a multiple of 4096 */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_session_rsp, 32);

#define FSVA_SESSION_RESUMED    0x1u            /* the back still had this session */
#define FSVA_SESSION_FLAGS      0x1u

#define FSVA_FEATURE_EVENT      0x0001ull       /* FSVA_OP_EVENT: the back has things to say unasked */
#define FSVA_FEATURE_RESTORE    0x0002ull       /* reconnect: response cache and restore_grants */
#define FSVA_FEATURE_MAP_PAGE   0x0004ull       /* shared frames */
#define FSVA_FEATURE_UBC        0x0008ull       /* coupled caches */
#define FSVA_FEATURE_XATTR      0x0010ull
#define FSVA_FEATURE_ACL        0x0020ull
#define FSVA_FEATURE_LOCKS      0x0040ull
#define FSVA_FEATURE_EXPORT     0x0080ull       /* export handles */
#define FSVA_FEATURE_INTERRUPT  0x0100ull
#define FSVA_FEATURE_ALL        0x01ffull

/*
 * FSVA_OP_CRED_SET: define entry `index` of the credential table.  Data: nr_groups group ids of 32 bits,
 * ascending.  A front changes no entry that a request in flight uses.
 */
struct fsva_cred_set_req {
	uint32_t index;                 /* 1..nr_creds - 1 */
	uint32_t fsuid, fsgid;
	uint32_t nr_groups;             /* 0..FSVA_MAX_GROUPS; data_len == 4 * nr_groups */
	uint64_t caps;                  /* FSVA_CAP_* */
};
FSVA_WIRE_SIZE(struct fsva_cred_set_req, 24);
#define fsva_cred_set_rsp fsva_void

/* Capabilities that file systems and the VFS test, as bits. */
#define FSVA_CAP_CHOWN                  0x0001ull
#define FSVA_CAP_DAC_OVERRIDE           0x0002ull
#define FSVA_CAP_DAC_READ_SEARCH        0x0004ull
#define FSVA_CAP_FOWNER                 0x0008ull
#define FSVA_CAP_FSETID                 0x0010ull
#define FSVA_CAP_LINUX_IMMUTABLE        0x0020ull
#define FSVA_CAP_SYS_ADMIN              0x0040ull
#define FSVA_CAP_SYS_RESOURCE           0x0080ull
#define FSVA_CAP_MKNOD                  0x0100ull
#define FSVA_CAP_LEASE                  0x0200ull
#define FSVA_CAP_SETFCAP                0x0400ull
#define FSVA_CAP_MAC_ADMIN              0x0800ull
#define FSVA_CAP_MAC_OVERRIDE           0x1000ull
#define FSVA_CAP_SYS_RAWIO              0x2000ull
#define FSVA_CAP_ALL                    0x3fffull

/*
 * FSVA_OP_EVENT: what happened to the file system that the front did not do.  Data: struct fsva_event_msg, one
 * after another.  Never waits: a back that has something to say rings, and the front asks.
 */
struct fsva_event_req {
	uint64_t seq;                   /* number of the first that is wanted; 0: the oldest there is */
};
FSVA_WIRE_SIZE(struct fsva_event_req, 8);
struct fsva_event_rsp {
	uint64_t seq;                   /* number of the first in the data; that asked for, unless it was 0 */
	uint32_t nr;                    /* messages in the data */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_event_rsp, 16);

struct fsva_event_msg {
	uint64_t handle;                /* whom it happened to; 0: the front has no handle of it */
	uint64_t dir;                   /* the directory that name is in; 0: there is no name */
	uint32_t what;                  /* FSVA_EVENT_* */
	uint32_t cookie;                /* the same in both halves of a rename, not 0; else 0 */
	uint16_t name_len;
	uint8_t  pad[6];
	uint8_t  name[FSVA_NAME_MAX + 1];
};
FSVA_WIRE_SIZE(struct fsva_event_msg, 288);

/* Any of these three together, or one of the others. */
#define FSVA_EVENT_MODIFY       0x00000002u     /* contents, size */
#define FSVA_EVENT_ATTRIB       0x00000004u     /* other attributes, ACLs, links */
#define FSVA_EVENT_CLOSE_WRITE  0x00000008u     /* a file that was open for writing was closed */
#define FSVA_EVENT_SELF         0x0000000eu
#define FSVA_EVENT_MOVED_FROM   0x00000040u     /* MOVED_TO is the next event */
#define FSVA_EVENT_MOVED_TO     0x00000080u
#define FSVA_EVENT_MOVED        0x000000c0u
#define FSVA_EVENT_CREATE       0x00000100u
#define FSVA_EVENT_DELETE       0x00000200u
#define FSVA_EVENT_GONE         0x00000400u     /* with ATTRIB, DELETE, and a handle: it has no name any more */
#define FSVA_EVENT_LOST         0x00004000u     /* others were lost here; all else is 0 */
#define FSVA_EVENT_DIR          0x40000000u     /* with all but LOST: it happened to a directory */

/* FSVA_OP_INTERRUPT: the caller of request `target` was killed or interrupted. */
struct fsva_interrupt_req {
	uint64_t target;                /* id of a request in flight */
	uint16_t queue;                 /* on which it is */
	uint8_t  pad[6];
};
FSVA_WIRE_SIZE(struct fsva_interrupt_req, 16);
#define fsva_interrupt_rsp fsva_void

/* FSVA_OP_RESTORE_GRANTS: data: struct fsva_shared_page, one after another, from cursor on. */
struct fsva_restore_grants_req {
	uint64_t cursor;                /* 0, then what the last answer gave */
};
FSVA_WIRE_SIZE(struct fsva_restore_grants_req, 8);
struct fsva_restore_grants_rsp {
	uint64_t cursor;                /* 0: that was all */
	uint32_t nr;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_restore_grants_rsp, 16);
struct fsva_shared_page {
	uint64_t handle;
	uint64_t index;
	uint32_t gref;
	uint32_t flags;                 /* FSVA_MAP_* */
};
FSVA_WIRE_SIZE(struct fsva_shared_page, 24);

/* ---- The mount ---------------------------------------------------------------------------------------- */

/* FSVA_OP_MOUNT: data: the options for the file system, comma-separated, not terminated (may be empty). */
struct fsva_mount_req {
	uint32_t flags;                 /* FSVA_MOUNT_* */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_mount_req, 8);

#define FSVA_MOUNT_RDONLY       0x01u
#define FSVA_MOUNT_SYNC         0x02u
#define FSVA_MOUNT_DIRSYNC      0x04u
#define FSVA_MOUNT_MANDLOCK     0x08u
#define FSVA_MOUNT_LAZYTIME     0x10u
#define FSVA_MOUNT_POSIXACL     0x20u           /* in answers: the file system uses POSIX ACLs */
#define FSVA_MOUNT_SILENT       0x40u
#define FSVA_MOUNT_FLAGS        0x7fu

struct fsva_mount_rsp {
	struct fsva_entry root;
	uint64_t fsid[2];               /* uuid, or what stands for it */
	uint64_t max_size;              /* s_maxbytes */
	struct fsva_time time_min, time_max;
	uint32_t time_gran;             /* nanoseconds */
	uint32_t magic;                 /* statfs f_type */
	uint32_t blksize;
	uint32_t name_max;              /* longest name */
	uint32_t flags;                 /* FSVA_MOUNT_* in force */
	uint32_t max_links;
	uint8_t  type[32];              /* name of the file system type, zero-filled, terminated */
};
FSVA_WIRE_SIZE(struct fsva_mount_rsp, 288);

#define fsva_unmount_req fsva_void
#define fsva_unmount_rsp fsva_void

/* FSVA_OP_REMOUNT: data: options as in mount. */
struct fsva_remount_req {
	uint32_t flags;                 /* FSVA_MOUNT_* */
	uint32_t mask;                  /* which of them are asked for */
};
FSVA_WIRE_SIZE(struct fsva_remount_req, 8);
struct fsva_remount_rsp {
	uint32_t flags;                 /* in force */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_remount_rsp, 8);

struct fsva_statfs_req {
	uint64_t handle;
};
FSVA_WIRE_SIZE(struct fsva_statfs_req, 8);
struct fsva_statfs_rsp {
	uint64_t blocks, bfree, bavail; /* of frsize octets */
	uint64_t files, ffree;
	uint64_t fsid;
	uint32_t type, bsize, frsize, namelen;
};
FSVA_WIRE_SIZE(struct fsva_statfs_rsp, 64);

struct fsva_syncfs_req {
	uint32_t wait;                  /* 0 or 1 */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_syncfs_req, 8);
#define fsva_syncfs_rsp fsva_void
#define fsva_freeze_req fsva_void
#define fsva_freeze_rsp fsva_void
#define fsva_thaw_req fsva_void
#define fsva_thaw_rsp fsva_void

/* FSVA_OP_SHOW_OPTIONS: data: what ->show_options of the file system prints, leading comma included. */
#define fsva_show_options_req fsva_void
#define fsva_show_options_rsp fsva_void

/* ---- Names and inodes --------------------------------------------------------------------------------- */

struct fsva_lookup_req {
	struct fsva_name name;
};
FSVA_WIRE_SIZE(struct fsva_lookup_req, 272);
/* Not found is FSVA_ENOENT. */
struct fsva_lookup_rsp {
	struct fsva_entry entry;
};
FSVA_WIRE_SIZE(struct fsva_lookup_rsp, 176);

struct fsva_getattr_req {
	uint64_t handle;
	uint64_t fh;                    /* open file, or 0 */
	uint32_t mask;                  /* statx's, wire values as Linux */
	uint32_t flags;                 /* FSVA_GETATTR_* */
};
FSVA_WIRE_SIZE(struct fsva_getattr_req, 24);
#define FSVA_GETATTR_FORCE_SYNC 0x1u
#define FSVA_GETATTR_DONT_SYNC  0x2u
#define FSVA_GETATTR_FLAGS      0x3u
struct fsva_getattr_rsp {
	struct fsva_attr attr;
	uint32_t impl;                  /* FSVA_IMPL_*: may change (an ACL was set) */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_getattr_rsp, 168);

struct fsva_setattr_req {
	uint64_t handle;
	uint64_t fh;                    /* open file, or 0 (ftruncate, fchmod) */
	uint64_t size;
	struct fsva_time atime, mtime, ctime;
	uint32_t valid;                 /* FSVA_SET_* */
	uint32_t mode, uid, gid;
};
FSVA_WIRE_SIZE(struct fsva_setattr_req, 88);
#define FSVA_SET_MODE           0x0001u
#define FSVA_SET_UID            0x0002u
#define FSVA_SET_GID            0x0004u
#define FSVA_SET_SIZE           0x0008u
#define FSVA_SET_ATIME          0x0010u         /* to .atime, or to now without FSVA_SET_ATIME_VALUE */
#define FSVA_SET_MTIME          0x0020u
#define FSVA_SET_CTIME          0x0040u
#define FSVA_SET_ATIME_VALUE    0x0080u
#define FSVA_SET_MTIME_VALUE    0x0100u
#define FSVA_SET_KILL_SUID      0x0200u
#define FSVA_SET_KILL_SGID      0x0400u
#define FSVA_SET_KILL_PRIV      0x0800u
#define FSVA_SET_OPEN           0x1000u         /* truncation by open(O_TRUNC) */
#define FSVA_SET_TOUCH          0x2000u         /* utimes with no times: needs write permission only */
#define FSVA_SET_FORCE          0x4000u         /* kill bits whoever asks: ATTR_FORCE */
#define FSVA_SET_ALL            0x7fffu
#define fsva_setattr_rsp fsva_getattr_rsp

/* FSVA_OP_DIRTY_INODE: ->update_time.  Only times whose bit is set. */
struct fsva_dirty_inode_req {
	uint64_t handle;
	struct fsva_time atime, mtime, ctime;
	uint32_t valid;                 /* FSVA_SET_ATIME | FSVA_SET_MTIME | FSVA_SET_CTIME */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_dirty_inode_req, 64);
#define fsva_dirty_inode_rsp fsva_void

struct fsva_write_inode_req {
	uint64_t handle;
	uint32_t wait;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_write_inode_req, 16);
#define fsva_write_inode_rsp fsva_void

struct fsva_create_req {
	struct fsva_name name;
	uint32_t mode;                  /* permission bits, umask not applied where the answer to mount had POSIXACL */
	uint32_t flags;                 /* FSVA_CREATE_* */
	uint32_t open_flags;            /* FSVA_O_*, with FSVA_CREATE_OPEN */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_create_req, 288);
#define FSVA_CREATE_EXCL        0x1u
#define FSVA_CREATE_OPEN        0x2u            /* and open it: fh in the answer */
#define FSVA_CREATE_FLAGS       0x3u

/* Answer of all that make a name: the entry, and the directory as it is now. */
struct fsva_create_rsp {
	struct fsva_entry entry;
	struct fsva_attr  dir;
	uint64_t fh;                    /* 0 but for FSVA_CREATE_OPEN and FSVA_OP_TMPFILE */
};
FSVA_WIRE_SIZE(struct fsva_create_rsp, 344);

struct fsva_mknod_req {
	struct fsva_name name;
	uint32_t mode;                  /* with S_IFMT */
	uint32_t rdev_major, rdev_minor;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_mknod_req, 288);
#define fsva_mknod_rsp fsva_create_rsp

struct fsva_mkdir_req {
	struct fsva_name name;
	uint32_t mode;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_mkdir_req, 280);
#define fsva_mkdir_rsp fsva_create_rsp

/* FSVA_OP_SYMLINK: data: the target, 1..FSVA_PATH_MAX - 1 octets, no NUL. */
struct fsva_symlink_req {
	struct fsva_name name;
};
FSVA_WIRE_SIZE(struct fsva_symlink_req, 272);
#define fsva_symlink_rsp fsva_create_rsp

struct fsva_link_req {
	struct fsva_name name;          /* the new one */
	uint64_t handle;                /* of the inode */
};
FSVA_WIRE_SIZE(struct fsva_link_req, 280);
#define fsva_link_rsp fsva_create_rsp

/* FSVA_OP_UNLINK, FSVA_OP_RMDIR.  `handle` is what the front believes the name to be; another is FSVA_ESTALE. */
struct fsva_unlink_req {
	struct fsva_name name;
	uint64_t handle;
};
FSVA_WIRE_SIZE(struct fsva_unlink_req, 280);
struct fsva_unlink_rsp {
	struct fsva_attr dir;
	struct fsva_attr victim;
};
FSVA_WIRE_SIZE(struct fsva_unlink_rsp, 320);
#define fsva_rmdir_req fsva_unlink_req
#define fsva_rmdir_rsp fsva_unlink_rsp

struct fsva_readlink_req {
	uint64_t handle;
};
FSVA_WIRE_SIZE(struct fsva_readlink_req, 8);
#define fsva_readlink_rsp fsva_void

/* FSVA_OP_RENAME: data: the new name, 1..FSVA_NAME_MAX octets under the rules of struct fsva_name. */
struct fsva_rename_req {
	struct fsva_name name;          /* the old one */
	uint64_t new_dir;
	uint64_t handle;                /* what the front believes the old name to be */
	uint64_t new_handle;            /* and the new one; 0: nothing */
	uint32_t flags;                 /* FSVA_RENAME_* */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_rename_req, 304);
#define FSVA_RENAME_NOREPLACE   0x1u
#define FSVA_RENAME_EXCHANGE    0x2u
#define FSVA_RENAME_WHITEOUT    0x4u
#define FSVA_RENAME_FLAGS       0x7u
/* The front asks for attributes of the inodes that moved when it needs them. */
struct fsva_rename_rsp {
	struct fsva_attr old_dir;
	struct fsva_attr new_dir;
};
FSVA_WIRE_SIZE(struct fsva_rename_rsp, 320);

struct fsva_tmpfile_req {
	uint64_t dir;
	uint32_t mode;
	uint32_t open_flags;            /* FSVA_O_* */
};
FSVA_WIRE_SIZE(struct fsva_tmpfile_req, 16);
#define fsva_tmpfile_rsp fsva_create_rsp

struct fsva_permission_req {
	uint64_t handle;
	uint32_t mask;                  /* FSVA_MAY_* */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_permission_req, 16);
#define FSVA_MAY_EXEC           0x01u
#define FSVA_MAY_WRITE          0x02u
#define FSVA_MAY_READ           0x04u
#define FSVA_MAY_APPEND         0x08u
#define FSVA_MAY_ACCESS         0x10u
#define FSVA_MAY_OPEN           0x20u
#define FSVA_MAY_CHDIR          0x40u
#define FSVA_MAY_ALL            0x7fu
#define fsva_permission_rsp fsva_void

/* FSVA_OP_DENTRY_VALIDATE: is the name still what the front believes?  0, or FSVA_ESTALE. */
struct fsva_dentry_validate_req {
	struct fsva_name name;
	uint64_t handle;                /* 0: the front believes that there is no such name */
	uint32_t flags;                 /* FSVA_LOOKUP_* */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_dentry_validate_req, 288);
#define FSVA_LOOKUP_CREATE      0x1u
#define FSVA_LOOKUP_EXCL        0x2u
#define FSVA_LOOKUP_RENAME      0x4u
#define FSVA_LOOKUP_OPEN        0x8u
#define FSVA_LOOKUP_FLAGS       0xfu
struct fsva_dentry_validate_rsp {
	struct fsva_attr attr;          /* zero when handle was 0 */
};
FSVA_WIRE_SIZE(struct fsva_dentry_validate_rsp, 160);

/* FSVA_OP_DENTRY_RELEASE: the front forgets an inode that it had looked up `nr_lookups` times. */
struct fsva_dentry_release_req {
	uint64_t handle;
	uint64_t nr_lookups;            /* 1.. */
};
FSVA_WIRE_SIZE(struct fsva_dentry_release_req, 16);
#define fsva_dentry_release_rsp fsva_void

struct fsva_truncate_req {
	uint64_t handle;
	uint64_t size;
};
FSVA_WIRE_SIZE(struct fsva_truncate_req, 16);
#define fsva_truncate_rsp fsva_getattr_rsp

/* ---- Open files --------------------------------------------------------------------------------------- */

/* Wire values are Linux's generic ones (asm-generic/fcntl.h). */
#define FSVA_O_ACCMODE          0x00000003u     /* 0 read, 1 write, 2 both */
#define FSVA_O_EXCL             0x00000080u
#define FSVA_O_TRUNC            0x00000200u
#define FSVA_O_APPEND           0x00000400u
#define FSVA_O_NONBLOCK         0x00000800u
#define FSVA_O_DSYNC            0x00001000u
#define FSVA_O_DIRECT           0x00004000u
#define FSVA_O_LARGEFILE        0x00008000u
#define FSVA_O_DIRECTORY        0x00010000u
#define FSVA_O_NOFOLLOW         0x00020000u
#define FSVA_O_NOATIME          0x00040000u
#define FSVA_O_SYNC             0x00101000u
#define FSVA_O_EXEC             0x80000000u     /* opened to be executed: deny writers */
#define FSVA_O_ALL              0x8017de83u

struct fsva_open_req {
	uint64_t handle;
	uint32_t flags;                 /* FSVA_O_* */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_open_req, 16);
struct fsva_open_rsp {
	uint64_t fh;
	uint32_t impl;                  /* FSVA_IMPL_* of this file */
	uint32_t flags;                 /* FSVA_OPEN_* */
	struct fsva_attr attr;
};
FSVA_WIRE_SIZE(struct fsva_open_rsp, 176);
#define FSVA_OPEN_NONSEEKABLE   0x1u
#define FSVA_OPEN_STREAM        0x2u
#define FSVA_OPEN_FLAGS         0x3u

struct fsva_release_req {
	uint64_t fh;
	uint64_t lock_owner;
};
FSVA_WIRE_SIZE(struct fsva_release_req, 16);
#define fsva_release_rsp fsva_void
#define fsva_flush_req fsva_release_req
#define fsva_flush_rsp fsva_void

struct fsva_fsync_req {
	uint64_t fh;
	uint64_t start, end;            /* octets, end included; all: 0, INT64_MAX */
	uint32_t datasync;              /* 0 or 1 */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_fsync_req, 32);
#define fsva_fsync_rsp fsva_void

struct fsva_seek_req {
	uint64_t fh;
	int64_t  offset;
	uint32_t whence;                /* FSVA_SEEK_* */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_seek_req, 24);
#define FSVA_SEEK_SET           0u
#define FSVA_SEEK_CUR           1u
#define FSVA_SEEK_END           2u
#define FSVA_SEEK_DATA          3u
#define FSVA_SEEK_HOLE          4u
struct fsva_seek_rsp {
	int64_t offset;
};
FSVA_WIRE_SIZE(struct fsva_seek_rsp, 8);

/* FSVA_OP_READDIR: data: struct fsva_dirent, one after another, each followed by its name and zeros up to 8. */
struct fsva_readdir_req {
	uint64_t fh;
	uint64_t cookie;                /* 0, or `next` of the last entry that the front gave out */
};
FSVA_WIRE_SIZE(struct fsva_readdir_req, 16);
struct fsva_readdir_rsp {
	uint64_t next;                  /* where to go on */
	uint32_t nr;                    /* entries in the data */
	uint32_t eof;                   /* 0 or 1 */
};
FSVA_WIRE_SIZE(struct fsva_readdir_rsp, 16);

struct fsva_dirent {
	uint64_t ino;
	uint64_t next;                  /* cookie of what follows this entry: its d_off */
	uint16_t name_len;              /* 1..FSVA_NAME_MAX; `.` and `..` are in the listing */
	uint8_t  type;                  /* DT_*: 0 unknown 1 fifo 2 chr 4 dir 6 blk 8 reg 10 lnk 12 sock 14 wht */
	uint8_t  pad[5];
};
FSVA_WIRE_SIZE(struct fsva_dirent, 24);
#define FSVA_DIRENT_MIN         32u             /* the shortest entry, its name and padding with it */

/* FSVA_OP_READ, FSVA_OP_WRITE.  The body takes 32 octets, so that 96 pages can be named. */
struct fsva_read_req {
	uint64_t fh;
	uint64_t offset;                /* <= INT64_MAX - data_len; not used with FSVA_RW_APPEND */
	uint32_t flags;                 /* FSVA_RW_* */
	uint8_t  pad[12];
};
FSVA_WIRE_SIZE(struct fsva_read_req, 32);
#define fsva_write_req fsva_read_req
#define FSVA_RW_APPEND          0x01u           /* at the end of the file, wherever that is */
#define FSVA_RW_DSYNC           0x02u
#define FSVA_RW_SYNC            0x04u
#define FSVA_RW_DIRECT          0x08u
#define FSVA_RW_NOWAIT          0x10u
#define FSVA_RW_HIPRI           0x20u
#define FSVA_RW_PAGE            0x40u           /* the front fills its page cache: no atime, no holes reported */
#define FSVA_RW_ATIME           0x80u           /* READ: the file system is to set the time of access, as it does it */
#define FSVA_RW_FLAGS           0xffu

struct fsva_read_rsp {
	uint64_t size;                  /* of the file, after the read */
};
FSVA_WIRE_SIZE(struct fsva_read_rsp, 8);

/* With an error after some data went in, data_len says how much and error is 0: the next call meets the error. */
struct fsva_write_rsp {
	uint64_t offset;                /* where the first octet went */
	struct fsva_attr attr;          /* afterwards */
};
FSVA_WIRE_SIZE(struct fsva_write_rsp, 168);

struct fsva_fallocate_req {
	uint64_t fh;
	uint64_t offset, len;
	uint32_t mode;                  /* FSVA_FALLOC_*: as linux/falloc.h */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_fallocate_req, 32);
#define FSVA_FALLOC_ALL         0x7fu
#define fsva_fallocate_rsp fsva_getattr_rsp

struct fsva_copy_range_req {
	uint64_t fh_in, fh_out;
	uint64_t offset_in, offset_out, len;
	uint32_t flags;                 /* for remap: FSVA_REMAP_*; for copy: 0 */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_copy_range_req, 48);
#define FSVA_REMAP_DEDUP        0x1u
#define FSVA_REMAP_CAN_SHORTEN  0x2u
struct fsva_copy_range_rsp {
	uint64_t copied;
	struct fsva_attr attr;          /* of fh_out */
};
FSVA_WIRE_SIZE(struct fsva_copy_range_rsp, 168);
#define fsva_remap_range_req fsva_copy_range_req
#define fsva_remap_range_rsp fsva_copy_range_rsp

struct fsva_fadvise_req {
	uint64_t fh;
	uint64_t offset, len;
	uint32_t advice;                /* POSIX_FADV_*, Linux's generic values, 0..FSVA_FADV_MAX */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_fadvise_req, 32);
#define FSVA_FADV_MAX           5u
#define fsva_fadvise_rsp fsva_void

/* FSVA_OP_FIEMAP: data: struct fsva_extent, one after another. */
struct fsva_fiemap_req {
	uint64_t handle;
	uint64_t start, len;
	uint32_t flags;                 /* as linux/fiemap.h */
	uint32_t max_extents;           /* 0: count only */
};
FSVA_WIRE_SIZE(struct fsva_fiemap_req, 32);
struct fsva_fiemap_rsp {
	uint32_t nr;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_fiemap_rsp, 8);
struct fsva_extent {
	uint64_t logical, physical, len;
	uint32_t flags;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_extent, 32);

/* FSVA_OP_IOCTL: only the commands that fsva.pandoc lists; argument in and out in the data. */
struct fsva_ioctl_req {
	uint64_t fh;
	uint32_t cmd;
	uint32_t in_len;                /* octets of the data that go to the back */
};
FSVA_WIRE_SIZE(struct fsva_ioctl_req, 16);
struct fsva_ioctl_rsp {
	int64_t value;                  /* what the call returned, >= 0 */
};
FSVA_WIRE_SIZE(struct fsva_ioctl_rsp, 8);

struct fsva_lock_req {
	uint64_t fh;
	uint64_t owner;                 /* random per lock owner, never an address */
	uint64_t start, end;            /* end included */
	uint32_t pid;
	uint16_t type;                  /* FSVA_LOCK_* */
	uint16_t flags;                 /* FSVA_LOCKF_* */
};
FSVA_WIRE_SIZE(struct fsva_lock_req, 40);
#define FSVA_LOCK_READ          0u
#define FSVA_LOCK_WRITE         1u
#define FSVA_LOCK_UNLOCK        2u
#define FSVA_LOCKF_WAIT         0x1u
#define FSVA_LOCKF_OFD          0x2u
#define FSVA_LOCKF_FLAGS        0x3u
#define fsva_lock_rsp fsva_void
#define fsva_flock_req fsva_lock_req
#define fsva_flock_rsp fsva_void
#define fsva_lock_test_req fsva_lock_req
struct fsva_lock_test_rsp {
	uint64_t start, end;
	uint32_t pid;
	uint16_t type;                  /* FSVA_LOCK_UNLOCK: nobody holds it */
	uint16_t pad;
};
FSVA_WIRE_SIZE(struct fsva_lock_test_rsp, 24);

/* ---- Extended attributes, ACLs, file attributes ------------------------------------------------------- */

/*
 * The name of the attribute in a fsva_name whose dir is the inode: any octets but NUL.  Data: the value.
 * data_len 0 asks for the size; a value that does not fit is FSVA_ERANGE.
 */
struct fsva_getxattr_req {
	struct fsva_name name;
};
FSVA_WIRE_SIZE(struct fsva_getxattr_req, 272);
struct fsva_getxattr_rsp {
	uint64_t size;                  /* of the whole value */
};
FSVA_WIRE_SIZE(struct fsva_getxattr_rsp, 8);
struct fsva_setxattr_req {
	struct fsva_name name;
	uint32_t flags;                 /* 1 create, 2 replace */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_setxattr_req, 280);
#define fsva_setxattr_rsp fsva_getattr_rsp
struct fsva_listxattr_req {
	uint64_t handle;
};
FSVA_WIRE_SIZE(struct fsva_listxattr_req, 8);
#define fsva_listxattr_rsp fsva_getxattr_rsp
#define fsva_removexattr_req fsva_getxattr_req
#define fsva_removexattr_rsp fsva_getattr_rsp

/* Data of ACLs: struct fsva_ace, one after another; none: no ACL. */
struct fsva_ace {
	uint16_t tag;                   /* as linux/posix_acl.h */
	uint16_t perm;
	uint32_t id;
};
FSVA_WIRE_SIZE(struct fsva_ace, 8);
struct fsva_get_acl_req {
	uint64_t handle;
	uint32_t type;                  /* 0 access, 1 default */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_get_acl_req, 16);
struct fsva_get_acl_rsp {
	uint32_t nr;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_get_acl_rsp, 8);
#define fsva_set_acl_req fsva_get_acl_req
#define fsva_set_acl_rsp fsva_getattr_rsp

struct fsva_fileattr {
	uint32_t flags;                 /* FS_*_FL */
	uint32_t xflags;                /* FS_XFLAG_* */
	uint32_t extsize, nextents, projid, cowextsize;
};
FSVA_WIRE_SIZE(struct fsva_fileattr, 24);
struct fsva_fileattr_get_req {
	uint64_t handle;
};
FSVA_WIRE_SIZE(struct fsva_fileattr_get_req, 8);
#define fsva_fileattr_get_rsp fsva_fileattr
struct fsva_fileattr_set_req {
	uint64_t handle;
	struct fsva_fileattr attr;
	uint32_t which;                 /* 1: flags are given, 2: xflags are given */
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_fileattr_set_req, 40);
#define fsva_fileattr_set_rsp fsva_getattr_rsp

/* ---- Export handles ----------------------------------------------------------------------------------- */

#define FSVA_EXPORT_FH_MAX      128u
struct fsva_encode_fh_req {
	uint64_t handle;
	uint64_t parent;                /* 0: not connectable */
};
FSVA_WIRE_SIZE(struct fsva_encode_fh_req, 16);
struct fsva_encode_fh_rsp {
	uint32_t type;
	uint32_t pad;
};
FSVA_WIRE_SIZE(struct fsva_encode_fh_rsp, 8);
struct fsva_decode_fh_req {
	uint32_t type;
	uint32_t parent;                /* 1: of the parent that it names */
};
FSVA_WIRE_SIZE(struct fsva_decode_fh_req, 8);
#define fsva_decode_fh_rsp fsva_lookup_rsp
struct fsva_get_parent_req {
	uint64_t handle;
};
FSVA_WIRE_SIZE(struct fsva_get_parent_req, 8);
#define fsva_get_parent_rsp fsva_lookup_rsp
struct fsva_get_name_req {
	uint64_t dir;
	uint64_t handle;
};
FSVA_WIRE_SIZE(struct fsva_get_name_req, 16);
#define fsva_get_name_rsp fsva_void

/* ---- Shared frames and the coupled caches ------------------------------------------------------------- */

#define FSVA_MAP_WRITE          0x1u            /* about to be stored to, or was: dirty */
#define FSVA_MAP_AGAIN          0x2u            /* the front has them mapped: not counted once more */
#define FSVA_MAP_FLAGS          0x3u
struct fsva_map_page_req {
	uint64_t handle;
	uint64_t index;
	uint32_t nr_pages;              /* 1..64 */
	uint32_t flags;                 /* FSVA_MAP_* */
};
FSVA_WIRE_SIZE(struct fsva_map_page_req, 24);
#define FSVA_MAP_MAX            64u
struct fsva_map_page_rsp {
	uint64_t size;                  /* of the file */
	uint32_t nr_pages;              /* granted, from index on */
	uint32_t flags;                 /* FSVA_MAP_WRITE: they are granted for writing */
	uint32_t gref[FSVA_MAP_MAX];
};
FSVA_WIRE_SIZE(struct fsva_map_page_rsp, 272);
struct fsva_unmap_page_req {
	uint32_t nr;                    /* 1..64 */
	uint32_t pad;
	uint32_t gref[FSVA_MAP_MAX];    /* each counts once */
};
FSVA_WIRE_SIZE(struct fsva_unmap_page_req, 264);
#define fsva_unmap_page_rsp fsva_void

/*
 * FSVA_OP_EVICT_PAGE: the front's half of the coupled caches.  Data, both ways: struct fsva_piggy_msg, one after
 * another; data_len is room for the answer, too.
 */
struct fsva_evict_page_req {
	uint32_t nr;                    /* messages of kind FSVA_PIGGY_EVICT in the data: drop these */
	uint32_t flags;                 /* FSVA_EVICT_* */
	uint64_t frames;                /* that the back may have beyond its own from now on; <= FSVA_FRAMES_MAX */
};
FSVA_WIRE_SIZE(struct fsva_evict_page_req, 16);
#define FSVA_EVICT_START        0x1u            /* report from now on, numbers from 1 */
#define FSVA_EVICT_STOP         0x2u            /* report no more */
#define FSVA_EVICT_FLAGS        0x3u
#define FSVA_FRAMES_MAX         0x10000000000ull
struct fsva_evict_page_rsp {
	uint32_t nr_dropped;            /* pages that left the back's page cache */
	uint32_t nr_kept;               /* messages in the data that say what did not: kind FSVA_PIGGY_EVICT */
	uint32_t nr_news;               /* messages behind them: reports, as piggybacked ones are */
	uint32_t pad;
	uint64_t seq;                   /* number of the first report; 0 if there is none */
	uint64_t held;                  /* frames that the back has beyond its own */
};
FSVA_WIRE_SIZE(struct fsva_evict_page_rsp, 32);
struct fsva_invalidate_page_req {
	uint64_t handle;
	uint64_t start, end;            /* octets, end included */
};
FSVA_WIRE_SIZE(struct fsva_invalidate_page_req, 24);
#define fsva_invalidate_page_rsp fsva_void

#endif /* FSVAIF_H */
