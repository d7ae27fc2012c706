/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_mount.c: handlers of the session and of the mount as a whole.
 *
 * Mounting is fsvad(8)'s work, as mounting is mount(8)'s on NetBSD: some file
 * systems need more than the system call (LFS its cleaner).  Unmounting is
 * ours, for it has to happen whatever becomes of the front.
 */
#include "fsvavar.h"

/* A file system that is asked about access only what its modes say. */
static const struct fsva_fstype {
	const char *ft_name;
	uint32_t ft_magic;		/* what statfs(2) of Linux says of it */
	bool ft_plain;
} fsva_fstypes[] = {
	{ "ffs",	0x00011954,	true },
	{ "lfs",	0x00070162,	true },
	{ "ext2fs",	0x0000ef53,	true },
	{ "tmpfs",	0x01021994,	true },
	{ "msdos",	0x00004d44,	false },
	{ "cd9660",	0x00009660,	false },
	{ "ntfs",	0x5346544e,	false },
};

static uint32_t
fsva_magic(const char *name, bool *plain)
{
	uint32_t hash = 5381;
	u_int i;

	for (i = 0; i < __arraycount(fsva_fstypes); i++) {
		if (strcmp(name, fsva_fstypes[i].ft_name) == 0) {
			*plain = fsva_fstypes[i].ft_plain;
			return fsva_fstypes[i].ft_magic;
		}
	}
	*plain = false;
	for (; *name != '\0'; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

FSVA_HANDLER(null_call)
{

	return 0;
}

FSVA_HANDLER(session)
{
	const struct fsva_session_req *r = in;
	struct fsva_session_rsp *rsp = out;
	struct fsva_session *ses = c->c_ses;
	int error = 0;

	if (c->c_queue != 0)
		return EPROTO;
	mutex_enter(&ses->s_lock);
	if (ses->s_id == 0)
		ses->s_id = r->session;
	else if (ses->s_id != r->session)
		error = EPROTO;
	mutex_exit(&ses->s_lock);
	if (error)
		return error;
	rsp->session = r->session;
	rsp->features = 0;
	rsp->minor = MIN(r->minor, FSVA_MINOR);
	rsp->nr_creds = FSVA_NR_CREDS;
	rsp->max_data = FSVA_MAX_DATA;
	return 0;
}

FSVA_HANDLER(cred_set)
{
	const uint8_t *gids;
	int error;

	error = fsva_data_in(c, &gids);
	if (error)
		return error;
	return fsva_cred_set(&c->c_ses->s_creds, in, (const void *)gids);
}

/* No call here waits for anybody but the disk: there is nobody to wake. */
FSVA_HANDLER(interrupt)
{

	return 0;
}

/* ---- Mount and unmount ---- */

/*
 * Is it one word for mount -o?  It reaches a shell, as one quoted argument;
 * and what is no printable ASCII is no option of any file system.
 */
static bool
fsva_options_ok(const uint8_t *s)
{

	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '"' || *s == '\'' ||
		    *s == '\\' || *s == '$' || *s == '`')
			return false;
	return true;
}

/* The administrator's options, the front's, and the front's flags. */
static char *
fsva_options_join(const struct fsva_source *src, const char *front,
    uint32_t flags, size_t *sizep)
{
	const char *own = src->src_options != NULL ? src->src_options : "";
	size_t size = strlen(own) + strlen(front) + 32;
	char *s = kmem_zalloc(size, KM_SLEEP);

	snprintf(s, size, "%s%s%s%s%s",
	    flags & FSVA_MOUNT_RDONLY ? "ro" : "rw",
	    own[0] != '\0' ? "," : "", own,
	    front[0] != '\0' ? "," : "", front);
	if (flags & FSVA_MOUNT_SYNC)
		strlcat(s, ",sync", size);
	*sizep = size;
	return s;
}

static int
fsva_describe(struct fsva_call *c, struct vnode *root,
    struct fsva_mount_rsp *rsp)
{
	struct fsva_session *ses = c->c_ses;
	struct statvfs *sv;
	int error;

	sv = kmem_zalloc(sizeof(*sv), KM_SLEEP);
	error = fsva_vfs_statvfs(ses->s_mp, sv);
	if (error)
		goto out;
	rsp->fsid[0] = sv->f_fsid;
	rsp->max_size = INT64_MAX;
	rsp->time_min.sec = INT32_MIN;
	rsp->time_max.sec = INT32_MAX;
	rsp->time_gran = 1;
	rsp->magic = fsva_magic(sv->f_fstypename, &ses->s_plain);
	rsp->blksize = 4096;
	if (powerof2(sv->f_bsize) && sv->f_bsize >= 512 &&
	    sv->f_bsize <= FSVA_BLKSIZE_MAX)
		rsp->blksize = (uint32_t)sv->f_bsize;
	rsp->name_max = MIN(MAX(sv->f_namemax, 1), FSVA_NAME_MAX);
	rsp->flags = ses->s_mflags;
	rsp->max_links = 32767;
	strlcpy((char *)rsp->type, sv->f_fstypename, sizeof(rsp->type));
	error = fsva_entry_fill(c, root, &rsp->root);
out:
	kmem_free(sv, sizeof(*sv));
	return error;
}

/* The state goes to MOUNTING, or an error says why not. */
static int
fsva_mount_begin(struct fsva_session *ses)
{
	int error = 0;

	mutex_enter(&ses->s_lock);
	if (ses->s_closing)
		error = ESHUTDOWN;
	else if (ses->s_state != FSVA_UNMOUNTED)
		error = EBUSY;
	else
		ses->s_state = FSVA_MOUNTING;
	mutex_exit(&ses->s_lock);
	return error;
}

static void
fsva_mount_state(struct fsva_session *ses, enum fsva_mstate state)
{

	mutex_enter(&ses->s_lock);
	ses->s_state = state;
	cv_broadcast(&ses->s_cv);
	mutex_exit(&ses->s_lock);
}

/*
 * On success the session owns a reference of the mount, and the root of it
 * has a handle; the vnode is left unlocked, and our reference given back.
 */
FSVA_HANDLER(mount)
{
	const struct fsva_mount_req *r = in;
	struct fsva_session *ses = c->c_ses;
	const uint8_t *front;
	struct vnode *root;
	size_t size;
	char *options;
	int error;

	error = fsva_data_in(c, &front);
	if (error)
		return error;
	if (!fsva_options_ok(front))
		return EINVAL;
	error = fsva_mount_begin(ses);
	if (error)
		return error;

	options = fsva_options_join(ses->s_src, (const char *)front, r->flags,
	    &size);
	error = fsva_helper_mount(ses->s_src, false, options);
	kmem_free(options, size);
	if (!error)
		error = fsva_vfs_find(ses->s_src->src_dir, &ses->s_mp, &root);
	if (error) {
		fsva_mount_state(ses, FSVA_UNMOUNTED);
		return error;
	}
	ses->s_handles.hs_mp = ses->s_mp;
	ses->s_mflags = r->flags & FSVA_MOUNT_SYNC;
	if (fsva_vfs_rdonly(ses->s_mp))
		ses->s_mflags |= FSVA_MOUNT_RDONLY;
	error = fsva_describe(c, root, out);
	vrele(root);
	fsva_mount_state(ses, FSVA_MOUNTED);
	if (error)
		(void)fsva_session_unmount(ses);
	return error;
}

/*
 * Wait for the calls that use the mount, close what is open, drop all handles
 * and unmount.  ENODEV: it was not mounted.
 */
int
fsva_session_unmount(struct fsva_session *ses)
{
	struct mount *mp;
	int error;

	mutex_enter(&ses->s_lock);
	while (ses->s_state == FSVA_MOUNTING ||
	    ses->s_state == FSVA_UNMOUNTING)
		cv_wait(&ses->s_cv, &ses->s_lock);
	if (ses->s_state != FSVA_MOUNTED) {
		mutex_exit(&ses->s_lock);
		return ENODEV;
	}
	ses->s_state = FSVA_UNMOUNTING;
	while (ses->s_users != 0)
		cv_wait(&ses->s_cv, &ses->s_lock);
	mp = ses->s_mp;
	ses->s_mp = NULL;
	mutex_exit(&ses->s_lock);

	fsva_files_drop(&ses->s_files);
	fsva_handles_drop(&ses->s_handles);
	error = fsva_vfs_unmount(mp);
	fsva_mount_state(ses, FSVA_UNMOUNTED);
	return error;
}

FSVA_HANDLER(unmount)
{

	return fsva_session_unmount(c->c_ses);
}

FSVA_HANDLER(remount)
{
	const struct fsva_remount_req *r = in;
	struct fsva_remount_rsp *rsp = out;
	struct fsva_session *ses = c->c_ses;
	const uint8_t *front;
	uint32_t flags;
	size_t size;
	char *options;
	int error;

	error = fsva_data_in(c, &front);
	if (error)
		return error;
	if (!fsva_options_ok(front))
		return EINVAL;
	flags = (ses->s_mflags & ~r->mask) | (r->flags & r->mask);
	if ((flags & FSVA_MOUNT_RDONLY) != 0 &&
	    (ses->s_mflags & FSVA_MOUNT_RDONLY) == 0 &&
	    ses->s_files.fs_nwriters != 0)
		return EBUSY;
	options = fsva_options_join(ses->s_src, (const char *)front, flags,
	    &size);
	error = fsva_helper_mount(ses->s_src, true, options);
	kmem_free(options, size);
	if (error)
		return error;
	ses->s_mflags = flags & FSVA_MOUNT_SYNC;
	if (fsva_vfs_rdonly(ses->s_mp))
		ses->s_mflags |= FSVA_MOUNT_RDONLY;
	rsp->flags = ses->s_mflags;
	return 0;
}

FSVA_HANDLER(statfs)
{
	const struct fsva_statfs_req *r = in;
	struct fsva_statfs_rsp *rsp = out;
	struct statvfs *sv;
	struct vnode *vp;
	bool plain;
	int error;

	error = fsva_handle_get(&c->c_ses->s_handles, r->handle, &vp);
	if (error)
		return error;
	vrele(vp);
	sv = kmem_zalloc(sizeof(*sv), KM_SLEEP);
	error = fsva_vfs_statvfs(c->c_ses->s_mp, sv);
	if (!error) {
		rsp->blocks = sv->f_blocks;
		rsp->bfree = sv->f_bfree;
		rsp->bavail = sv->f_bavail;
		rsp->files = sv->f_files;
		rsp->ffree = sv->f_ffree;
		rsp->fsid = sv->f_fsid;
		rsp->type = fsva_magic(sv->f_fstypename, &plain);
		rsp->bsize = (uint32_t)sv->f_bsize;
		rsp->frsize = (uint32_t)(sv->f_frsize ? sv->f_frsize :
		    sv->f_bsize);
		rsp->namelen = (uint32_t)sv->f_namemax;
	}
	kmem_free(sv, sizeof(*sv));
	return error;
}

FSVA_HANDLER(syncfs)
{
	const struct fsva_syncfs_req *r = in;

	return fsva_vfs_sync(c->c_ses->s_mp, r->wait != 0, c->c_cred);
}

FSVA_HANDLER(show_options)
{

	return fsva_data_out(c, "", 0);
}
