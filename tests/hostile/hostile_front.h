/* SPDX-License-Identifier: GPL-2.0-only */
/* hostile_front.h: the tables of attacks on a back, and what they share. */
#ifndef HOSTILE_FRONT_H
#define HOSTILE_FRONT_H

#include "peer.h"

extern const struct attack front_connect_attacks[], front_ring_attacks[], front_data_attacks[], front_call_attacks[];
extern const size_t nr_front_connect, nr_front_ring, nr_front_data, nr_front_call;

/* The call must have been answered with an error, or the connection ended. */
void must_refuse(int r, const char *what);
/* The answer must be this error and the connection live. */
void must_be(int r, int want, const char *what);
/* It must be answered or ended: anything but silence and a broken protocol. */
void must_answer(int r, const char *what);
/* The back must have ended the connection, within some seconds. */
void must_stop(struct peer *p, const char *what);
/* If r says that the connection was ended: a new one, mounted. */
void peer_again(struct peer *p, int r);
/* A handshake with nothing yet published. */
void peer_ready(struct peer *p, unsigned int nr_queues, unsigned int order);
/* Go: the back may not reach Connected. */
void must_not_connect(struct peer *p, const char *what);
/* A file of some size, made by this, and its open file. */
void peer_file(struct peer *p, const char *name, uint32_t size, struct fsva_entry *e, uint64_t *fh);
void peer_unfile(struct peer *p, const char *name, const struct fsva_entry *e, uint64_t fh);

#endif /* HOSTILE_FRONT_H */
