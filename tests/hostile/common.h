/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common.h: what both hostile programs share: the runner of attacks, and xenstore as a device sees it.
 *
 * An attack is a function that runs in a process of its own, under a deadline.  It returns when the victim
 * did what it must, and calls attack_fail() when it did not.  Whatever it leaves behind (grants, event
 * channels, watches, threads) ends with its process, which is part of many attacks.
 */
#ifndef HOSTILE_COMMON_H
#define HOSTILE_COMMON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <xenstore.h>

struct attack {
	const char *name;
	void (*run)(void);
	const char *must;               /* what the victim must do, for --list */
	unsigned int timeout_s;         /* 0: ATTACK_TIMEOUT_S */
};

#define ATTACK_TIMEOUT_S 60
#define ATTACK_PATIENCE 5               /* times a timeout, for a machine that does other things as well */

/* Called in an attack's process: end it as failed, as skipped, or leave a remark in its TAP line. */
void attack_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void attack_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void attack_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

extern const char *attack_name;          /* of the attack that runs */

/* How the runner deals with one side: set by each program, called in the runner's process. */
struct attack_ops {
	void (*heal)(void);             /* bring the device back to a state in which a peer can connect */
	void (*honest)(void);           /* run as an attack: a well-behaved peer is served; NULL: not here */
};

/* Run attacks [first, last] of a table; print TAP; return the number that failed. */
unsigned int attack_run(const struct attack *table, size_t nr, const char *only, const struct attack_ops *ops);
void attack_list(const struct attack *table, size_t nr);

/* ---- Time and chance ---- */

uint64_t now_ms(void);
void sleep_ms(unsigned int ms);
uint64_t rnd(void);                     /* repeatable: seeded by rnd_seed, 1 at start */
void rnd_seed(uint64_t seed);

/* ---- Xenstore ---- */

/* xenbus states (xen/io/xenbus.h) */
enum {
	XB_GONE = -1, XB_UNKNOWN, XB_INITIALISING, XB_INIT_WAIT, XB_INITIALISED, XB_CONNECTED, XB_CLOSING, XB_CLOSED,
};

/* One device, seen from our end. */
struct xsdev {
	struct xs_handle *xs;
	char me[256];                   /* our directory */
	char peer[256];                 /* the other end's */
	unsigned int peer_id;           /* its domain */
};

int xsdev_open(struct xsdev *d);        /* 0, or -1 */
void xsdev_close(struct xsdev *d);
/* Read a node below dir into buf; -1 when there is none. */
int xsdev_read(struct xsdev *d, const char *dir, const char *node, char *buf, size_t size);
long xsdev_read_num(struct xsdev *d, const char *dir, const char *node, long none);
/* Write, remove a node of ours. */
bool xsdev_write(struct xsdev *d, const char *node, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool xsdev_write_raw(struct xsdev *d, const char *node, const void *data, unsigned int len);
void xsdev_rm(struct xsdev *d, const char *node);
void xsdev_set_state(struct xsdev *d, int state);
int xsdev_state(struct xsdev *d);       /* ours */
int xsdev_peer_state(struct xsdev *d);  /* XB_* */
/* Wait until the peer's state is in the set (bit 1 << state; 1 << 7 for XB_GONE); the state, or -2 in time. */
int xsdev_wait(struct xsdev *d, unsigned int set, unsigned int ms);

#define XB_SET(s) (1u << (s))
#define XB_SET_GONE (1u << 7)
#define XB_SET_ENDED (XB_SET(XB_CLOSING) | XB_SET(XB_CLOSED) | XB_SET_GONE)

/* ---- Memory that the other domain writes ---- */

#define SHARED(x) (*(volatile __typeof__(x) *)&(x))
#define mb() __sync_synchronize()

#endif /* HOSTILE_COMMON_H */
