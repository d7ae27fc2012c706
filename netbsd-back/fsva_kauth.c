/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_kauth.c: what the callers of the user's domain may do.
 *
 * Their own kernel has decided about access, with things that we cannot know;
 * the file systems here would check the modes of each directory and file once
 * more on the way and could only refuse what was allowed.  So a listener
 * allows our credentials what is about access, and what is about an object's
 * ownership as their capabilities say.  A file system's decision stays where
 * the listener defers.  Root is root, as everywhere on NetBSD.
 */
#include "fsva_kern.h"

#define FSVA_KAUTH_OURS		(1ULL << 62)
#define FSVA_KAUTH_EXACT	(1ULL << 61)	/* asked about access */

#define FSVA_KAUTH_ACCESS	(KAUTH_VNODE_READ_DATA | \
	KAUTH_VNODE_WRITE_DATA | KAUTH_VNODE_EXECUTE | KAUTH_VNODE_DELETE | \
	KAUTH_VNODE_APPEND_DATA | KAUTH_VNODE_RENAME)
#define FSVA_KAUTH_READ		(KAUTH_VNODE_READ_TIMES | \
	KAUTH_VNODE_READ_FLAGS | KAUTH_VNODE_READ_SYSFLAGS | \
	KAUTH_VNODE_READ_SECURITY | KAUTH_VNODE_READ_ATTRIBUTES)
#define FSVA_KAUTH_OWNER	(KAUTH_VNODE_WRITE_TIMES | \
	KAUTH_VNODE_WRITE_SECURITY | KAUTH_VNODE_WRITE_FLAGS | \
	KAUTH_VNODE_WRITE_ATTRIBUTES)
#define FSVA_KAUTH_HINTS	(KAUTH_VNODE_IS_EXEC | \
	KAUTH_VNODE_HAS_SYSFLAGS | KAUTH_VNODE_ACCESS)

static kauth_key_t fsva_kauth_key;

static uint64_t
fsva_kauth_caps(kauth_cred_t cred)
{

	if (cred == NOCRED || cred == FSCRED)
		return 0;
	return (uintptr_t)kauth_cred_getdata(cred, fsva_kauth_key);
}

static int
fsva_kauth_vnode(kauth_cred_t cred, kauth_action_t action, void *cookie,
    void *arg0, void *arg1, void *arg2, void *arg3)
{
	uint64_t caps = fsva_kauth_caps(cred);
	kauth_action_t may = FSVA_KAUTH_READ | FSVA_KAUTH_HINTS;

	if ((caps & FSVA_KAUTH_OURS) == 0)
		return KAUTH_RESULT_DEFER;
	if ((caps & FSVA_KAUTH_EXACT) == 0 || (caps & FSVA_CAP_DAC_OVERRIDE))
		may |= FSVA_KAUTH_ACCESS;
	if (caps & FSVA_CAP_DAC_READ_SEARCH)
		may |= KAUTH_VNODE_READ_DATA;
	if (caps & FSVA_CAP_FOWNER)
		may |= FSVA_KAUTH_OWNER;
	if (caps & FSVA_CAP_CHOWN)
		may |= KAUTH_VNODE_CHANGE_OWNERSHIP;
	if (caps & FSVA_CAP_FSETID)
		may |= KAUTH_VNODE_RETAIN_SUID | KAUTH_VNODE_RETAIN_SGID;
	if (caps & FSVA_CAP_LINUX_IMMUTABLE)
		may |= KAUTH_VNODE_WRITE_SYSFLAGS;
	return (action & ~may) == 0 ? KAUTH_RESULT_ALLOW : KAUTH_RESULT_DEFER;
}

static int
fsva_kauth_system(kauth_cred_t cred, kauth_action_t action, void *cookie,
    void *arg0, void *arg1, void *arg2, void *arg3)
{
	uint64_t caps = fsva_kauth_caps(cred);

	if ((caps & FSVA_KAUTH_OURS) == 0)
		return KAUTH_RESULT_DEFER;
	switch (action) {
	case KAUTH_SYSTEM_FS_RESERVEDSPACE:
	case KAUTH_SYSTEM_FS_QUOTA:
		return caps & FSVA_CAP_SYS_RESOURCE ? KAUTH_RESULT_ALLOW :
		    KAUTH_RESULT_DEFER;
	default:
		return KAUTH_RESULT_DEFER;
	}
}

void
fsva_kauth_init(void)
{

	if (kauth_register_key(NULL, &fsva_kauth_key) != 0)
		panic("fsva: no key for credentials");
	(void)kauth_listen_scope(KAUTH_SCOPE_VNODE, fsva_kauth_vnode, NULL);
	(void)kauth_listen_scope(KAUTH_SCOPE_SYSTEM, fsva_kauth_system, NULL);
}

void
fsva_kauth_mark(kauth_cred_t cred, uint64_t caps)
{

	kauth_cred_setdata(cred, fsva_kauth_key,
	    (void *)(uintptr_t)(caps | FSVA_KAUTH_OURS));
}

/* vp is locked: may this caller, by what it is and no more? */
int
fsva_kauth_access(struct vnode *vp, int mode, kauth_cred_t cred)
{
	uint64_t caps = fsva_kauth_caps(cred);
	kauth_cred_t exact;
	int error;

	exact = kauth_cred_dup(cred);
	fsva_kauth_mark(exact, caps | FSVA_KAUTH_EXACT);
	error = VOP_ACCESS(vp, mode, exact);
	kauth_cred_free(exact);
	return error;
}
