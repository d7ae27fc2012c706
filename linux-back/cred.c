// SPDX-License-Identifier: GPL-2.0
/*
 * cred.c: the callers of the user domain, as credentials of this kernel.
 *
 * Each entry that the front defines becomes two sets of credentials with the caller's fsuid, fsgid and groups:
 *
 * exact: the caller's capabilities and no others.  PERMISSION runs under it, where the file system is asked
 *        what this caller may do.
 * named: the same and CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.  Everything else runs under it.  The user's
 *        kernel has decided already, with things that we can't know (user namespaces, idmapped mounts, its
 *        security modules, an ACL asked for a moment ago); our own VFS would check the permission bits of each
 *        directory a second time on the way to the file system and could only refuse what was allowed.  File
 *        systems don't test these two; they test the ones that decide about an object rather than about a
 *        name, such as CHOWN, FOWNER, FSETID, MKNOD, SYS_RESOURCE (reserved blocks, quotas), LINUX_IMMUTABLE,
 *        and those are exactly the caller's in both sets.
 *
 * uid and gid follow fsuid and fsgid, since some file systems ask for them.  Requests that no caller stands
 * behind (FSVA_F_NOCRED), and mounting, run under the appliance's own identity.
 */
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "back.h"

#define FSVA_MANY_GROUPS	1024u

static const struct {
	u64 wire;
	int cap;
} fsva_caps[] = {
	{ FSVA_CAP_CHOWN,		CAP_CHOWN },
	{ FSVA_CAP_DAC_OVERRIDE,	CAP_DAC_OVERRIDE },
	{ FSVA_CAP_DAC_READ_SEARCH,	CAP_DAC_READ_SEARCH },
	{ FSVA_CAP_FOWNER,		CAP_FOWNER },
	{ FSVA_CAP_FSETID,		CAP_FSETID },
	{ FSVA_CAP_LINUX_IMMUTABLE,	CAP_LINUX_IMMUTABLE },
	{ FSVA_CAP_SYS_ADMIN,		CAP_SYS_ADMIN },
	{ FSVA_CAP_SYS_RESOURCE,	CAP_SYS_RESOURCE },
	{ FSVA_CAP_MKNOD,		CAP_MKNOD },
	{ FSVA_CAP_LEASE,		CAP_LEASE },
	{ FSVA_CAP_SETFCAP,		CAP_SETFCAP },
	{ FSVA_CAP_MAC_ADMIN,		CAP_MAC_ADMIN },
	{ FSVA_CAP_MAC_OVERRIDE,	CAP_MAC_OVERRIDE },
	{ FSVA_CAP_SYS_RAWIO,		CAP_SYS_RAWIO },
};

static struct cred *fsva_cred_make(const struct fsva_cred_set_req *r, struct group_info *groups, bool named)
{
	kernel_cap_t caps = CAP_EMPTY_SET;
	struct cred *cred;
	unsigned int i;

	cred = prepare_kernel_cred(&init_task);
	if (!cred)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(fsva_caps); i++)
		if (r->caps & fsva_caps[i].wire)
			cap_raise(caps, fsva_caps[i].cap);
	if (named) {
		cap_raise(caps, CAP_DAC_OVERRIDE);
		cap_raise(caps, CAP_DAC_READ_SEARCH);
	}
	cred->uid = make_kuid(&init_user_ns, r->fsuid);
	cred->euid = cred->uid;
	cred->suid = cred->uid;
	cred->fsuid = cred->uid;
	cred->gid = make_kgid(&init_user_ns, r->fsgid);
	cred->egid = cred->gid;
	cred->sgid = cred->gid;
	cred->fsgid = cred->gid;
	cred->cap_effective = caps;
	cred->cap_permitted = caps;
	cred->cap_inheritable = CAP_EMPTY_SET;
	cred->cap_ambient = CAP_EMPTY_SET;
	set_groups(cred, groups);
	return cred;
}

void fsva_cred_put(struct fsva_cred *cred)
{
	if (cred->exact)
		put_cred(cred->exact);
	if (cred->named)
		put_cred(cred->named);
	cred->exact = NULL;
	cred->named = NULL;
}

/* Define an entry.  Calls that run under the old one keep it. */
int fsva_cred_set(struct fsva_session *ses, const struct fsva_cred_set_req *r, const u32 *gids)
{
	struct fsva_cred *slot, new = {}, old;
	struct group_info *groups;
	unsigned int i;
	int err = 0;

	if (r->index == 0 || r->index >= FSVA_BACK_NR_CREDS)
		return -EINVAL;
	slot = &ses->creds[array_index_nospec(r->index, FSVA_BACK_NR_CREDS)];

	/* One at a time: the groups of each are memory that no limit counts yet. */
	mutex_lock(&ses->cred_lock);
	groups = groups_alloc(r->nr_groups);
	if (!groups) {
		err = -ENOMEM;
		goto out_unlock;
	}
	for (i = 0; i < r->nr_groups; i++)
		groups->gid[i] = make_kgid(&init_user_ns, gids[i]);
	groups_sort(groups);
	new.exact = fsva_cred_make(r, groups, false);
	new.named = fsva_cred_make(r, groups, true);
	put_group_info(groups);
	new.nr_groups = r->nr_groups;
	if (!new.exact || !new.named) {
		fsva_cred_put(&new);
		err = -ENOMEM;
		goto out_unlock;
	}

	if (ses->nr_groups - slot->nr_groups + new.nr_groups > FSVA_BACK_MAX_GROUPS) {
		err = -ENOBUFS;
		old = new;
	} else {
		ses->nr_groups += new.nr_groups - slot->nr_groups;
		spin_lock(&ses->cred_spin);
		old = *slot;
		*slot = new;
		spin_unlock(&ses->cred_spin);
	}
	fsva_cred_put(&old);
	/* Nor does it count those that wait for an RCU grace period to be freed. */
	if (old.nr_groups > FSVA_MANY_GROUPS)
		synchronize_rcu();
out_unlock:
	mutex_unlock(&ses->cred_lock);
	return err;
}

/* A reference to what entry index says now; -EINVAL when nothing does. */
int fsva_cred_get(struct fsva_session *ses, u16 index, struct fsva_cred *cred)
{
	struct fsva_cred *slot;
	int err = -EINVAL;

	if (index >= FSVA_BACK_NR_CREDS)
		return -EINVAL;
	slot = &ses->creds[array_index_nospec(index, FSVA_BACK_NR_CREDS)];
	spin_lock(&ses->cred_spin);
	if (slot->exact) {
		cred->exact = get_cred(slot->exact);
		cred->named = get_cred(slot->named);
		err = 0;
	}
	spin_unlock(&ses->cred_spin);
	return err;
}

/* Entry 0, which no front can set, is ourselves. */
int fsva_creds_init(struct fsva_session *ses)
{
	struct cred *cred = prepare_kernel_cred(&init_task);

	if (!cred)
		return -ENOMEM;
	ses->service = cred;
	ses->creds[0].exact = get_cred(cred);
	ses->creds[0].named = get_cred(cred);
	return 0;
}

void fsva_creds_free(struct fsva_session *ses)
{
	unsigned int i;

	for (i = 0; i < FSVA_BACK_NR_CREDS; i++)
		fsva_cred_put(&ses->creds[i]);
	put_cred(ses->service);
}
