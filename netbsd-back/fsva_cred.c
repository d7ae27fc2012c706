/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_cred.c: the callers of the user's domain as credentials of ours.
 *
 * Entry 0, which no front can set, is the appliance itself.  A caller has its
 * fsuid, fsgid and as many of its groups as this kernel has room for; what
 * its capabilities allow, and that its own kernel has decided about access
 * already, fsva_kauth.c tells the file systems.
 */
#include "fsvavar.h"

void
fsva_creds_init(struct fsva_creds *cs)
{

	mutex_init(&cs->cs_lock, MUTEX_DEFAULT, IPL_NONE);
	memset(cs->cs_cred, 0, sizeof(cs->cs_cred));
	cs->cs_cred[0] = kauth_cred_alloc();
	fsva_kauth_mark(cs->cs_cred[0], FSVA_CAP_ALL);
}

void
fsva_creds_fini(struct fsva_creds *cs)
{
	u_int i;

	for (i = 0; i < FSVA_NR_CREDS; i++)
		if (cs->cs_cred[i] != NULL)
			kauth_cred_free(cs->cs_cred[i]);
	mutex_destroy(&cs->cs_lock);
}

/* Define an entry; calls that run under the old one keep it. */
int
fsva_cred_set(struct fsva_creds *cs, const struct fsva_cred_set_req *r,
    const uint32_t *gids)
{
	kauth_cred_t cred, old;
	gid_t groups[NGROUPS];
	u_int i, n;

	if (r->index == 0 || r->index >= FSVA_NR_CREDS)
		return EINVAL;
	n = MIN(r->nr_groups, NGROUPS);
	for (i = 0; i < n; i++)
		groups[i] = gids[i];

	cred = kauth_cred_alloc();
	kauth_cred_setuid(cred, r->fsuid);
	kauth_cred_seteuid(cred, r->fsuid);
	kauth_cred_setsvuid(cred, r->fsuid);
	kauth_cred_setgid(cred, r->fsgid);
	kauth_cred_setegid(cred, r->fsgid);
	kauth_cred_setsvgid(cred, r->fsgid);
	(void)kauth_cred_setgroups(cred, groups, n, -1, UIO_SYSSPACE);
	fsva_kauth_mark(cred, r->caps);

	mutex_enter(&cs->cs_lock);
	old = cs->cs_cred[r->index];
	cs->cs_cred[r->index] = cred;
	mutex_exit(&cs->cs_lock);
	if (old != NULL)
		kauth_cred_free(old);
	return 0;
}

/* A reference to what entry index says now; EINVAL when nothing does. */
int
fsva_cred_get(struct fsva_creds *cs, u_int index, kauth_cred_t *credp)
{
	int error = EINVAL;

	if (index >= FSVA_NR_CREDS)
		return EINVAL;
	mutex_enter(&cs->cs_lock);
	if (cs->cs_cred[index] != NULL) {
		*credp = cs->cs_cred[index];
		kauth_cred_hold(*credp);
		error = 0;
	}
	mutex_exit(&cs->cs_lock);
	return error;
}
