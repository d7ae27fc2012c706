/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serve.h: a backend in user space that serves a tiny tree out of its memory, well-behaved until a hook says
 * otherwise:
 *
 *	/file    8,192 octets, serve_pattern()
 *	/link    a symbolic link to "file"
 *	/dir     a directory with "inner", 100 octets, serve_pattern()
 *
 * The user domain's part is played by hostile-poke, with which it keeps step through xenstore: see turn.h.
 */
#ifndef HOSTILE_SERVE_H
#define HOSTILE_SERVE_H

#include <pthread.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#include "common.h"
#include "turn.h"
#include "../../protocol/fsva_wire.h"

enum serve_ino { INO_ROOT = 2, INO_FILE = 11, INO_LINK, INO_DIR, INO_INNER };

#define SERVE_FILE_SIZE 8192u
#define SERVE_INNER_SIZE 100u

struct serve {
	struct xsdev dev;
	xengnttab_handle *gnt;
	xenevtchn_handle *evtchn;
	struct fsva_ring_ctl *ctl;
	uint8_t *slots, *staging;
	unsigned int order, nr_slots;
	int port;
	uint32_t req_cons, rsp_prod;
	uint64_t session;
	unsigned int turn;
	uint64_t nr_requests;
	uint64_t last_ms;               /* when the last request came */
	uint8_t file[SERVE_FILE_SIZE];

	/*
	 * Sees each request and the honest answer to it, and may change the answer; false: do not send it.
	 * May call serve_put() itself.
	 */
	bool (*hook)(struct serve *s, const struct fsva_req *req, struct fsva_rsp *rsp);
	void (*idle)(struct serve *s);  /* called now and then */
	bool (*offer)(struct serve *s); /* in place of the honest offer */
	void *(*writer)(void *);        /* a thread that runs while pages are mapped, until writer_stop */
	volatile bool writer_stop;
	pthread_t thread;
	bool scribbles;                 /* the writer changes requests, too: a bad one is not the front's */
	bool keep_maps;                 /* closing leaves the pages mapped */
	bool connected;
	bool unmounted;                 /* the front said so */
	bool front_ended;               /* the front left Connected of its own accord */
	bool done;                      /* the hook has done what it wanted to */
};

extern const char *serve_device;        /* backend/fsva/FRONT/DEV, or NULL: the first there is */

uint8_t serve_pattern(uint64_t ino, uint64_t off);
void serve_open(struct serve *s);
void serve_offer(struct serve *s);
/* Map what the front published; 0 or -1. */
int serve_connect(struct serve *s);
/* Answer what there is. */
void serve_ring(struct serve *s);
void serve_put(struct serve *s, const struct fsva_rsp *rsp);
void serve_push(struct serve *s);
/* Close the connection in good order and unmap all. */
void serve_close(struct serve *s);
/* Put data where the request wants it. */
bool serve_data(struct serve *s, const struct fsva_req *req, const void *data, uint32_t len);
void serve_attr(uint64_t ino, struct fsva_attr *attr);
void serve_entry(uint64_t ino, struct fsva_entry *e);

/*
 * One turn with hostile-poke: it mounts, tries all it can, unmounts.  Returns what it says: NULL when all was
 * well with it, or the complaint.
 */
const char *serve_turn(struct serve *s, const char *mode);
void serve_heal(void);

#endif /* HOSTILE_SERVE_H */
