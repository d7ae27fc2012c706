// SPDX-License-Identifier: GPL-2.0
/*
 * cred.c: the table of credentials that the back keeps for us.
 *
 * A request carries an index.  Before the first request under some fsuid,
 * fsgid, groups and capabilities, FSVA_OP_CRED_SET defines an entry; entries
 * that no request in flight uses are taken again, the least used first.  A
 * request pins its entry until its answer, also when its caller was killed, and
 * so does the CRED_SET itself: an entry never changes under a request.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "front.h"

/* The capabilities that file systems and the VFS test, in the wire's bits. */
static const struct {
	int cap;
	u64 bit;
} fsva_cred_caps[] = {
	{ CAP_CHOWN,		FSVA_CAP_CHOWN },
	{ CAP_DAC_OVERRIDE,	FSVA_CAP_DAC_OVERRIDE },
	{ CAP_DAC_READ_SEARCH,	FSVA_CAP_DAC_READ_SEARCH },
	{ CAP_FOWNER,		FSVA_CAP_FOWNER },
	{ CAP_FSETID,		FSVA_CAP_FSETID },
	{ CAP_LINUX_IMMUTABLE,	FSVA_CAP_LINUX_IMMUTABLE },
	{ CAP_SYS_ADMIN,	FSVA_CAP_SYS_ADMIN },
	{ CAP_SYS_RESOURCE,	FSVA_CAP_SYS_RESOURCE },
	{ CAP_MKNOD,		FSVA_CAP_MKNOD },
	{ CAP_LEASE,		FSVA_CAP_LEASE },
	{ CAP_SETFCAP,		FSVA_CAP_SETFCAP },
	{ CAP_MAC_ADMIN,	FSVA_CAP_MAC_ADMIN },
	{ CAP_MAC_OVERRIDE,	FSVA_CAP_MAC_OVERRIDE },
	{ CAP_SYS_RAWIO,	FSVA_CAP_SYS_RAWIO },
};

/* Those of them that the VFS tests with respect to an inode. */
#define FSVA_CRED_INODE_CAPS						\
	(FSVA_CAP_CHOWN | FSVA_CAP_DAC_OVERRIDE |			\
	 FSVA_CAP_DAC_READ_SEARCH | FSVA_CAP_FOWNER | FSVA_CAP_FSETID)

/*
 * The initial user namespace owns the superblock: its capabilities count.  Those
 * of another one count where our VFS has let them count (see
 * capable_wrt_inode_uidgid()): for an inode whose owner and group exist there.
 */
static u64 fsva_cred_caps_of(const struct cred *cred,
			     const struct inode *inode)
{
	u64 caps = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fsva_cred_caps); i++)
		if (cap_raised(cred->cap_effective, fsva_cred_caps[i].cap))
			caps |= fsva_cred_caps[i].bit;
	if (cred->user_ns == &init_user_ns)
		return caps;
	if (!inode || !kuid_has_mapping(cred->user_ns, inode->i_uid) ||
	    !kgid_has_mapping(cred->user_ns, inode->i_gid))
		return 0;
	return caps & FSVA_CRED_INODE_CAPS;
}

static bool fsva_cred_same_groups(const struct group_info *a,
				  const struct group_info *b)
{
	if (a == b)
		return true;
	return a->ngroups == b->ngroups &&
	       !memcmp(a->gid, b->gid, a->ngroups * sizeof(a->gid[0]));
}

static struct hlist_head *fsva_cred_head(struct fsva_creds *t, u32 fsuid,
					 u32 fsgid, u64 caps, int ngroups)
{
	u64 key = ((u64)fsuid << 32 | fsgid) ^ caps * 0x9e3779b97f4a7c15ull ^
		  (u64)ngroups << 17;

	return &t->hash[hash_64(key, FSVA_CRED_HASH_BITS)];
}

/* t->lock held.  An entry that may be filled anew, or NULL. */
static struct fsva_cred *fsva_cred_victim(struct fsva_creds *t)
{
	unsigned int i;

	for (i = 0; i < 2 * t->nr; i++) {
		struct fsva_cred *fc;

		if (++t->hand >= t->nr)
			t->hand = 1;
		fc = &t->tab[t->hand];
		if (fc->state == FSVA_CRED_EMPTY)
			return fc;
		if (fc->state != FSVA_CRED_READY || fc->refs)
			continue;
		if (!fc->used)
			return fc;
		fc->used = false;
	}
	return NULL;
}

/* Is there an entry that nobody uses? */
static bool fsva_cred_some_free(struct fsva_creds *t)
{
	unsigned long flags;
	bool some = false;
	unsigned int i;

	spin_lock_irqsave(&t->lock, flags);
	for (i = 1; i < t->nr && !some; i++)
		some = !t->tab[i].refs;
	spin_unlock_irqrestore(&t->lock, flags);
	return some;
}

static void fsva_cred_unhash(struct fsva_cred *fc)
{
	if (!hlist_unhashed(&fc->node))
		hlist_del_init(&fc->node);
}

void fsva_cred_pin(struct fsva_front *ff, struct fsva_cred *fc)
{
	unsigned long flags;

	spin_lock_irqsave(&ff->creds.lock, flags);
	fc->refs++;
	spin_unlock_irqrestore(&ff->creds.lock, flags);
}

/* Any context. */
void fsva_cred_put(struct fsva_front *ff, struct fsva_cred *fc)
{
	struct fsva_creds *t = &ff->creds;
	unsigned long flags;
	bool last;

	if (!fc)
		return;
	spin_lock_irqsave(&t->lock, flags);
	last = --fc->refs == 0;
	if (last && fc->state == FSVA_CRED_BROKEN)
		fc->state = FSVA_CRED_EMPTY;
	spin_unlock_irqrestore(&t->lock, flags);
	if (last)
		wake_up_all(&t->wq);
}

/* t->lock held: find the entry, or claim one for it (*set), or NULL. */
static struct fsva_cred *fsva_cred_find(struct fsva_creds *t,
					const struct cred *cred,
					const struct inode *inode, bool *set,
					struct group_info **old)
{
	u32 fsuid = from_kuid(&init_user_ns, cred->fsuid);
	u32 fsgid = from_kgid(&init_user_ns, cred->fsgid);
	u64 caps = fsva_cred_caps_of(cred, inode);
	struct hlist_head *head;
	struct fsva_cred *fc;

	head = fsva_cred_head(t, fsuid, fsgid, caps,
			      cred->group_info->ngroups);
	*set = false;
	*old = NULL;
	hlist_for_each_entry(fc, head, node) {
		if (fc->fsuid == fsuid && fc->fsgid == fsgid &&
		    fc->caps == caps &&
		    fsva_cred_same_groups(fc->groups, cred->group_info)) {
			fc->refs++;
			fc->used = true;
			return fc;
		}
	}
	fc = fsva_cred_victim(t);
	if (!fc)
		return NULL;
	fsva_cred_unhash(fc);
	*old = fc->groups;
	*set = true;
	fc->state = FSVA_CRED_SETTING;
	fc->refs = 1;
	fc->used = true;
	fc->fsuid = fsuid;
	fc->fsgid = fsgid;
	fc->caps = caps;
	fc->groups = get_group_info(cred->group_info);
	hlist_add_head(&fc->node, head);
	return fc;
}

/*
 * Pin the entry of these credentials, defined at the back, as they count for
 * inode (or NULL).  Killable; the caller holds no call, since CRED_SET takes one.
 */
struct fsva_cred *fsva_cred_get(struct fsva_front *ff, const struct cred *cred,
				const struct inode *inode)
{
	struct fsva_creds *t = &ff->creds;
	struct group_info *old;
	struct fsva_cred *fc;
	unsigned long flags;
	bool set;
	int err;

again:
	spin_lock_irqsave(&t->lock, flags);
	fc = fsva_cred_find(t, cred, inode, &set, &old);
	spin_unlock_irqrestore(&t->lock, flags);
	if (!fc) {
		/* All are pinned by requests in flight: one will end. */
		err = fsva_wait(ff, t->wq, 0, fsva_front_dead(ff) ||
				fsva_cred_some_free(t));
		if (err || fsva_front_dead(ff))
			return ERR_PTR(err ? err : -EIO);
		goto again;
	}
	if (old)
		put_group_info(old);
	if (set) {
		err = fsva_call_cred_set(ff, fc);
		spin_lock_irqsave(&t->lock, flags);
		if (err) {
			fsva_cred_unhash(fc);
			fc->state = FSVA_CRED_BROKEN;
		} else {
			fc->state = FSVA_CRED_READY;
		}
		spin_unlock_irqrestore(&t->lock, flags);
		wake_up_all(&t->wq);
		if (err) {
			fsva_cred_put(ff, fc);
			return ERR_PTR(err);
		}
		return fc;
	}
	if (READ_ONCE(fc->state) == FSVA_CRED_READY)
		return fc;
	err = fsva_wait(ff, t->wq, 0,
			READ_ONCE(fc->state) != FSVA_CRED_SETTING);
	if (!err && READ_ONCE(fc->state) == FSVA_CRED_READY)
		return fc;
	fsva_cred_put(ff, fc);
	if (err)
		return ERR_PTR(err);
	if (fsva_front_dead(ff))
		return ERR_PTR(-EIO);
	goto again;
}

void fsva_creds_init(struct fsva_front *ff)
{
	spin_lock_init(&ff->creds.lock);
	init_waitqueue_head(&ff->creds.wq);
}

int fsva_creds_setup(struct fsva_front *ff, unsigned int nr)
{
	struct fsva_creds *t = &ff->creds;
	unsigned int i;

	nr = min(nr, FSVA_CREDS_MAX);
	t->tab = kvcalloc(nr, sizeof(*t->tab), GFP_KERNEL);
	if (!t->tab)
		return -ENOMEM;
	t->nr = nr;
	t->hand = 0;
	for (i = 0; i < ARRAY_SIZE(t->hash); i++)
		INIT_HLIST_HEAD(&t->hash[i]);
	for (i = 0; i < nr; i++)
		t->tab[i].index = i;
	return 0;
}

void fsva_creds_teardown(struct fsva_front *ff)
{
	struct fsva_creds *t = &ff->creds;
	unsigned int i;

	for (i = 0; t->tab && i < t->nr; i++)
		if (t->tab[i].groups)
			put_group_info(t->tab[i].groups);
	kvfree(t->tab);
	t->tab = NULL;
	t->nr = 0;
}
