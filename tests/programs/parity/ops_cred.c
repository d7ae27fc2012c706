// SPDX-License-Identifier: GPL-2.0-only
/* ops_cred.c: one process takes others' identities, as servers do; and all that is found is said now and then. */
#define _GNU_SOURCE
#include <grp.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "parity.h"

static void op_identity(void)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		size_t nr;
		gid_t groups[2];
	} who[] = { { 0, 0, 0, { 0 } }, { 1000, 1000, 1, { 2000 } }, { 1001, 1001, 0, { 0 } },
		    { 1003, 3000, 2, { 2000, 1000 } }, { 70000, 70000, 0, { 0 } }, { 1000, 0, 0, { 0 } } };
	unsigned int i = pick(sizeof(who) / sizeof(who[0]));

	say(" %u:%u", who[i].uid, who[i].gid);
	say_result(setgroups(who[i].nr, who[i].groups));
	setfsuid(0);
	setfsgid(who[i].gid);
	setfsuid(who[i].uid);
}

static void nothing(void)
{
}

const struct op ops_cred[] = {
	{ "identity", 5, 1 << 5, op_identity },
	{ 0 },
};

/* actor.c runs it: it has many lines */
const struct op ops_audit[] = {
	{ "audit", 3, 1 << 0, nothing },
	{ 0 },
};
