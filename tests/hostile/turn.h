/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * turn.h: how hostile-back and hostile-poke keep step.
 *
 *	back    TURN_NODE in its directory: "N MODE"; MODE is honest, an attack's name, or end
 *	poke    unbinds the driver, then READY_NODE in the front's directory: "N"
 *	back    offers (state InitWait)
 *	poke    binds the driver, mounts, works, unmounts, then RESULT_NODE: "N ok", "N bad: what", "N note: what"
 *
 * `bad` is a breach of what every user may expect whatever the back does: a call that can't be killed, a name
 * with '/', memory written that was not asked for.  In mode honest it is also any call that fails.
 */
#ifndef HOSTILE_TURN_H
#define HOSTILE_TURN_H

#define TURN_NODE "hostile-turn"
#define READY_NODE "hostile-ready"
#define RESULT_NODE "hostile-result"
#define TURN_S 300                      /* the longest turn */

#endif /* HOSTILE_TURN_H */
