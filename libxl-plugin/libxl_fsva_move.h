/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A pair on the move: into a file and out of it, or to another host.
 *
 *   libxl_fsva_member.c   one domain: a process that saves or restores it
 *   libxl_fsva_channel.c  frames over a pair of file descriptors
 *   libxl_fsva_send.c     the members' images, side by side, into a channel
 *   libxl_fsva_receive.c  and out of one; the end of `xl migrate-receive'
 *   libxl_fsva_migrate.c  `xl migrate': the transport and the commit
 *   libxl_fsva_save.c     `xl save' and `xl restore'
 *
 * libxl does one thing at a time in one process, so each domain gets one: a
 * child, which belongs to the coordinator that forked it.  They talk by
 * notes.  When the coordinator dies its children hear the end of file, and
 * each takes its domain back to where it was: at the source it is resumed,
 * unless the target may have been told to go on; at the target it is
 * destroyed.  So nothing that kills a coordinator leaves half a pair.
 */

#ifndef LIBXL_FSVA_MOVE_H
#define LIBXL_FSVA_MOVE_H

#include <sys/types.h>

#include "libxl_fsva.h"
#include "fsva_stream.h"

/*----- libxl_fsva_member.c -----*/

enum fsva_note_what {
    /* A child that saves asks, and then is told. */
    FSVA_NOTE_PRECOPY,      /* iteration, written, dirty */
    FSVA_NOTE_CONTINUE,     /* one more round */
    FSVA_NOTE_STOP,         /* no more rounds */
    FSVA_NOTE_SUSPENDING,   /* may I? */
    FSVA_NOTE_SUSPEND,      /* you may */
    /* It tells. */
    FSVA_NOTE_SUSPENDED,
    FSVA_NOTE_SAVED,        /* rc */
    FSVA_NOTE_RESTORED,     /* rc, domid */
    /* It is told, and answers DID with rc.  It ends after those marked *. */
    FSVA_NOTE_HOLD,         /* flag: leave the domain alone if I die */
    FSVA_NOTE_RESUME,       /* * flag: but paused */
    FSVA_NOTE_CONNECT,      /* to appliance number `member', which is domid */
    FSVA_NOTE_START,        /* * flag: but paused */
    FSVA_NOTE_DESTROY,      /* * */
    FSVA_NOTE_DID,
};

struct fsva_note {
    uint32_t what;
    int32_t rc;
    uint32_t flag;
    uint32_t member;
    uint32_t domid;
    uint32_t iteration;
    uint64_t written;
    int64_t dirty;
};

struct fsva_member {
    struct fsva_member_info info;
    uint32_t domid;         /* here */
    pid_t pid;              /* 0: no child */
    int ctl;                /* notes; -1: closed */
    int data;               /* the image; -1: closed */

    /* For libxl_fsva_send.c. */
    bool asking;            /* waits for an answer to PRECOPY */
    bool converged;
    bool last_round;
    bool suspending;        /* waits for an answer to SUSPENDING */
    bool saved;
    int64_t asked_ms;
    int64_t round_ms;       /* the round began */
    uint64_t round_sent;
    uint64_t sent;          /* octets of the image */
    int64_t dirty;          /* pages */

    /* For libxl_fsva_receive.c. */
    bool last_seen;
    bool restored;
};

/* The user domain is member 0. */
struct fsva_move {
    unsigned nr;
    struct fsva_member members[FSVA_MEMBERS_MAX];
    /* Of the transport: closed in the children.  Or -1. */
    int fds[2];
    /* No other move of this pair while it is open; or -1. */
    int lock;
    uint64_t memory_kb;
};

struct fsva_move *fsva_move_new(void);

/* No image goes on: who still writes or reads one finds out. */
void fsva_move_cut(struct fsva_move *move);

/*
 * The user domain's appliances.  XL_PLUGIN_NOT_MINE: it has none.  If the pair
 * cannot be moved, or is on the move already, the reason is told.
 */
int fsva_move_collect(struct fsva_move *move, uint32_t domid,
                      const char *verb);

/* flags: LIBXL_SUSPEND_*. */
int fsva_member_save(struct fsva_move *move, unsigned nr, int flags);
int fsva_member_restore(struct fsva_move *move, unsigned nr);

bool fsva_member_tell(struct fsva_member *m, enum fsva_note_what what,
                      uint32_t flag);
/* 0; ERROR_TIMEDOUT; ERROR_FAIL: the child is gone. */
int fsva_member_hear(struct fsva_member *m, struct fsva_note *note,
                     int timeout_ms);
/* Tell, and wait for DID; returns its rc. */
int fsva_member_do(struct fsva_member *m, enum fsva_note_what what,
                   uint32_t flag, int timeout_ms);
int fsva_member_connect(struct fsva_member *user, unsigned nr,
                        uint32_t domid, int timeout_ms);
/* Ends the child, if there is one. */
void fsva_member_close(struct fsva_member *m);

/* All members, the appliances first; and the user domain first. */
#define for_each_appliance_first(move, i) \
    for ((i) = (move)->nr; (i)-- > 0; )
#define for_each_user_first(move, i) \
    for ((i) = 0; (i) < (move)->nr; (i)++)

/*----- libxl_fsva_channel.c -----*/

/* What an unprivileged user may ask for, by default. */
#define FSVA_PIPE_SIZE  (1 << 20)

struct fsva_channel {
    int in, out;            /* either may be -1 */
    int64_t sent_ms, heard_ms;
    bool pings;             /* there is somebody at the other end */
    char error[256];        /* why a call has failed */
    struct fsva_frame_reader r;
    struct fsva_frame_writer w;
};

struct fsva_channel *fsva_channel_new(int in, int out, bool pings);
void fsva_channel_free(struct fsva_channel *c);
/* Where to put the payload of the next frame. */
uint8_t *fsva_channel_payload(struct fsva_channel *c);
/* These return 0, or -1 with the reason in c->error. */
int fsva_channel_preamble(struct fsva_channel *c);
int fsva_channel_send(struct fsva_channel *c, enum fsva_frame_type type,
                      unsigned member, size_t len);
/*
 * BULK, and nr bytes (which are there) out of a pipe.  The transport is a pipe
 * or a socket, as xl and sshd make it: what can be spliced to and from.
 */
int fsva_channel_bulk(struct fsva_channel *c, unsigned member, int from,
                      uint32_t nr);
/*
 * Into a pipe what follows a BULK, up to nr bytes of it: how many, 0: there
 * are none, or there is no room, or -1.  Then c->error is "" if it is the
 * pipe that is broken.
 */
ssize_t fsva_channel_take_bulk(struct fsva_channel *c, int to, uint32_t nr);
/* PING if it is time; notes when the other end has been silent too long. */
int fsva_channel_tick(struct fsva_channel *c);
/* Something can be read: 1 when a frame other than PING is complete. */
int fsva_channel_read(struct fsva_channel *c);
/* Until there is this frame; any other is an error. */
int fsva_channel_wait(struct fsva_channel *c, enum fsva_frame_type type,
                      int timeout_s);
void fsva_channel_fail(struct fsva_channel *c, const char *why);

/*----- libxl_fsva_send.c -----*/

struct fsva_send {
    struct fsva_move *move;
    struct fsva_channel *c;
    int flags;                  /* LIBXL_SUSPEND_* */
    const char *step;           /* what is being done, for messages */
    char why[384];              /* why it has failed */
    bool final;                 /* all have converged */
    int64_t suspended_ms;       /* the user domain's */
    struct fsva_member *waits;  /* the last which was told to suspend */
};

/* Up to and including END.  Fails with the reason in s->why. */
int fsva_send_images(struct fsva_send *s);
void fsva_send_failed(struct fsva_send *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * The images live elsewhere now: destroy the domains, which have this after
 * their names, the user domain first: it maps memory of the others.
 */
int fsva_send_destroy(struct fsva_send *s, const char *suffix);
/* Resume all; prints what could not be.  verb: for the message. */
void fsva_send_take_back(struct fsva_send *s, const char *verb);

/*----- libxl_fsva_receive.c -----*/

/*
 * All members are made of what comes from the channel, connected, and wait
 * for the commit.  Fails with the reason in why.
 */
int fsva_receive_images(struct fsva_move *move, struct fsva_channel *c,
                        char *why, size_t why_size);
/* Start them.  Fails like the above, and then they are still there. */
int fsva_receive_start(struct fsva_move *move, bool paused, char *why,
                       size_t why_size);
/* After either. */
void fsva_receive_destroy(struct fsva_move *move);
void fsva_receive_end(struct fsva_move *move);

/*----- what xl calls -----*/

int fsva_move_save(uint32_t domid, const char *filename, unsigned flags);
int fsva_move_restore(const char *filename, unsigned flags);
int fsva_move_migrate(uint32_t domid, const char *rune, unsigned flags);
int fsva_move_receive(int recv_fd, int send_fd, unsigned flags);

#endif /* LIBXL_FSVA_MOVE_H */
