/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_handle.c: the names that the front has for our vnodes and open files.
 *
 * A name is an index and a generation; a generation is never used twice for
 * an index, so that no name ever means another thing than it once did.
 *
 * The newest hs_maxpinned handles keep a reference of their vnode.  Older
 * ones are parked: the reference is given up, so that the vnode can be
 * recycled, and the file system's own id of the inode kept instead, by which
 * VFS_FHTOVP finds it when the front names it again.  An inode without a name
 * left is never parked: giving up its reference would free it.
 *
 * No vnode lock is held by who calls in here.
 */
#include "fsvavar.h"

#define FSVA_CHUNK	512u

/* ---- Tables ---- */

int
fsva_tab_init(struct fsva_tab *t, u_int max)
{

	t->tb_max = max;
	t->tb_nchunks = (max + FSVA_CHUNK - 1) / FSVA_CHUNK;
	t->tb_chunk = kmem_zalloc(t->tb_nchunks * sizeof(*t->tb_chunk),
	    KM_SLEEP);
	t->tb_used = t->tb_nr = 0;
	t->tb_free = FSVA_TAB_END;
	return t->tb_chunk == NULL ? ENOMEM : 0;
}

void
fsva_tab_fini(struct fsva_tab *t)
{
	u_int i;

	if (t->tb_chunk == NULL)
		return;
	for (i = 0; i < t->tb_nchunks; i++)
		if (t->tb_chunk[i] != NULL)
			kmem_free(t->tb_chunk[i],
			    FSVA_CHUNK * sizeof(struct fsva_tent));
	kmem_free(t->tb_chunk, t->tb_nchunks * sizeof(*t->tb_chunk));
	t->tb_chunk = NULL;
}

static struct fsva_tent *
fsva_tab_entry(const struct fsva_tab *t, uint32_t index)
{

	return &t->tb_chunk[index / FSVA_CHUNK][index % FSVA_CHUNK];
}

int
fsva_tab_add(struct fsva_tab *t, void *obj, uint64_t *name)
{
	struct fsva_tent *te;
	uint32_t index;

	if (t->tb_free != FSVA_TAB_END) {
		index = t->tb_free;
		te = fsva_tab_entry(t, index);
		t->tb_free = te->te_next;
	} else {
		if (t->tb_used == t->tb_max)
			return ENFILE;
		index = t->tb_used;
		if (t->tb_chunk[index / FSVA_CHUNK] == NULL) {
			te = kmem_zalloc(FSVA_CHUNK * sizeof(*te), KM_SLEEP);
			if (te == NULL)
				return ENOMEM;
			t->tb_chunk[index / FSVA_CHUNK] = te;
		}
		t->tb_used++;
		te = fsva_tab_entry(t, index);
	}
	te->te_obj = obj;
	te->te_gen++;
	t->tb_nr++;
	*name = (uint64_t)te->te_gen << 32 | (index + 1);
	return 0;
}

static struct fsva_tent *
fsva_tab_lookup(const struct fsva_tab *t, uint64_t name)
{
	uint32_t index = (uint32_t)name - 1;
	struct fsva_tent *te;

	if (t->tb_chunk == NULL || index >= t->tb_used)
		return NULL;
	te = fsva_tab_entry(t, index);
	if (te->te_obj == NULL || te->te_gen != (uint32_t)(name >> 32))
		return NULL;
	return te;
}

void *
fsva_tab_find(const struct fsva_tab *t, uint64_t name)
{
	struct fsva_tent *te = fsva_tab_lookup(t, name);

	return te == NULL ? NULL : te->te_obj;
}

void
fsva_tab_remove(struct fsva_tab *t, uint64_t name)
{
	struct fsva_tent *te = fsva_tab_lookup(t, name);

	if (te == NULL)
		return;
	te->te_obj = NULL;
	t->tb_nr--;
	/* One that has used up its generations is never used again. */
	if (te->te_gen == UINT32_MAX)
		return;
	te->te_next = t->tb_free;
	t->tb_free = (uint32_t)name - 1;
}

/* Some object that is there, to take them out one by one. */
void *
fsva_tab_any(const struct fsva_tab *t)
{
	uint32_t i;

	if (t->tb_chunk == NULL || t->tb_nr == 0)
		return NULL;
	for (i = 0; i < t->tb_used; i++)
		if (fsva_tab_entry(t, i)->te_obj != NULL)
			return fsva_tab_entry(t, i)->te_obj;
	return NULL;
}

/* ---- Handles ---- */

int
fsva_handles_init(struct fsva_handles *hs, u_int max, u_int maxpinned)
{
	u_int i;

	mutex_init(&hs->hs_lock, MUTEX_DEFAULT, IPL_NONE);
	for (i = 0; i < FSVA_HASH_SIZE; i++)
		LIST_INIT(&hs->hs_hash[i]);
	TAILQ_INIT(&hs->hs_lru);
	hs->hs_npinned = 0;
	hs->hs_maxpinned = maxpinned;
	hs->hs_mp = NULL;
	return fsva_tab_init(&hs->hs_tab, max);
}

static struct fsva_handle_list *
fsva_handle_bucket(struct fsva_handles *hs, uint64_t fileid)
{

	return &hs->hs_hash[(fileid ^ fileid >> 10) % FSVA_HASH_SIZE];
}

static void
fsva_handle_pinned(struct fsva_handles *hs, struct fsva_handle *h,
    struct vnode *vp)
{

	vref(vp);
	h->h_vp = vp;
	TAILQ_INSERT_TAIL(&hs->hs_lru, h, h_lru);
	hs->hs_npinned++;
}

/* Take its vnode out of a pinned handle; the reference is the caller's. */
static struct vnode *
fsva_handle_unpinned(struct fsva_handles *hs, struct fsva_handle *h)
{
	struct vnode *vp = h->h_vp;

	TAILQ_REMOVE(&hs->hs_lru, h, h_lru);
	hs->hs_npinned--;
	h->h_vp = NULL;
	return vp;
}

static void
fsva_handle_free(struct fsva_handles *hs, struct fsva_handle *h)
{

	LIST_REMOVE(h, h_hash);
	fsva_tab_remove(&hs->hs_tab, h->h_name);
	kmem_free(h, sizeof(*h));
}

/* Could its vnode be found again without our reference? */
static bool
fsva_handle_can_park(struct fsva_handle *h)
{
	struct vattr va;
	size_t size = sizeof(h->h_fid);
	int error;

	vattr_null(&va);
	vn_lock(h->h_vp, LK_SHARED | LK_RETRY);
	error = VOP_GETATTR(h->h_vp, &va, NOCRED);
	VOP_UNLOCK(h->h_vp);
	if (error || va.va_nlink == 0)
		return false;
	memset(&h->h_fid, 0, sizeof(h->h_fid));
	if (VFS_VPTOFH(h->h_vp, &h->h_fid.fid, &size) != 0)
		return false;
	h->h_fidlen = size;
	return true;
}

/* Park the oldest ones as long as too many are pinned.  Takes hs_lock. */
static void
fsva_handles_trim(struct fsva_handles *hs)
{
	struct fsva_handle *h;
	struct vnode *vp;
	int tries = 8;

	mutex_enter(&hs->hs_lock);
	while (hs->hs_npinned > hs->hs_maxpinned && tries-- > 0) {
		h = TAILQ_FIRST(&hs->hs_lru);
		if (!fsva_handle_can_park(h)) {
			TAILQ_REMOVE(&hs->hs_lru, h, h_lru);
			TAILQ_INSERT_TAIL(&hs->hs_lru, h, h_lru);
			continue;
		}
		vp = fsva_handle_unpinned(hs, h);
		mutex_exit(&hs->hs_lock);
		vrele(vp);		/* may wait for the disk */
		mutex_enter(&hs->hs_lock);
	}
	mutex_exit(&hs->hs_lock);
}

/* The handle of vp, if there is one.  hs_lock is held. */
static struct fsva_handle *
fsva_handle_of(struct fsva_handles *hs, struct vnode *vp, uint64_t fileid)
{
	struct fsva_handle *h;
	union {
		struct fid fid;
		uint8_t space[FSVA_FID_MAX];
	} fid;
	size_t size;

	LIST_FOREACH(h, fsva_handle_bucket(hs, fileid), h_hash) {
		if (h->h_fileid != fileid)
			continue;
		if (h->h_vp != NULL) {
			if (h->h_vp == vp)
				return h;
			continue;
		}
		memset(&fid, 0, sizeof(fid));
		size = sizeof(fid);
		if (VFS_VPTOFH(vp, &fid.fid, &size) == 0 &&
		    size == h->h_fidlen && memcmp(&fid, &h->h_fid, size) == 0)
			return h;
	}
	return NULL;
}

/*
 * Count one lookup of vp's handle, made if there is none.  vp: referenced,
 * unlocked; the caller keeps its reference.
 */
int
fsva_handle_add(struct fsva_handles *hs, struct vnode *vp, uint64_t fileid,
    uint64_t *name)
{
	struct fsva_handle *h;
	int error = 0;

	mutex_enter(&hs->hs_lock);
	h = fsva_handle_of(hs, vp, fileid);
	if (h == NULL) {
		h = kmem_zalloc(sizeof(*h), KM_SLEEP);
		error = fsva_tab_add(&hs->hs_tab, h, &h->h_name);
		if (error) {
			kmem_free(h, sizeof(*h));
			goto out;
		}
		h->h_fileid = fileid;
		LIST_INSERT_HEAD(fsva_handle_bucket(hs, fileid), h, h_hash);
	}
	if (h->h_vp == NULL)
		fsva_handle_pinned(hs, h, vp);
	h->h_nlookups++;
	*name = h->h_name;
out:
	mutex_exit(&hs->hs_lock);
	if (!error)
		fsva_handles_trim(hs);
	return error;
}

/*
 * The vnode of a handle, referenced for the caller, unlocked.  ESTALE: there
 * is no such handle, or its inode is gone.
 */
int
fsva_handle_get(struct fsva_handles *hs, uint64_t name, struct vnode **vpp)
{
	struct fsva_handle *h;
	struct vnode *vp;
	union {
		struct fid fid;
		uint8_t space[FSVA_FID_MAX];
	} fid;
	int error;

	mutex_enter(&hs->hs_lock);
	h = fsva_tab_find(&hs->hs_tab, name);
	if (h == NULL) {
		mutex_exit(&hs->hs_lock);
		return ESTALE;
	}
	if (h->h_vp != NULL) {
		vref(h->h_vp);
		*vpp = h->h_vp;
		TAILQ_REMOVE(&hs->hs_lru, h, h_lru);
		TAILQ_INSERT_TAIL(&hs->hs_lru, h, h_lru);
		mutex_exit(&hs->hs_lock);
		return 0;
	}
	memcpy(&fid, &h->h_fid, sizeof(fid));
	mutex_exit(&hs->hs_lock);

	error = FSVA_FHTOVP(hs->hs_mp, &fid.fid, &vp);
	if (error)
		return error == EINVAL ? ESTALE : error;
	VOP_UNLOCK(vp);
	fsva_handle_pin(hs, name, vp);
	fsva_handles_trim(hs);
	*vpp = vp;
	return 0;
}

/* The same, and ENOTDIR when it is no directory. */
int
fsva_handle_getdir(struct fsva_handles *hs, uint64_t name, struct vnode **vpp)
{
	int error;

	error = fsva_handle_get(hs, name, vpp);
	if (!error && (*vpp)->v_type != VDIR) {
		vrele(*vpp);
		error = ENOTDIR;
	}
	return error;
}

/*
 * vp may have lost its last name: its handle must not be parked, nor stay so.
 */
void
fsva_handle_pin(struct fsva_handles *hs, uint64_t name, struct vnode *vp)
{
	struct fsva_handle *h;

	mutex_enter(&hs->hs_lock);
	h = fsva_tab_find(&hs->hs_tab, name);
	if (h != NULL && h->h_vp == NULL)
		fsva_handle_pinned(hs, h, vp);
	mutex_exit(&hs->hs_lock);
}

int
fsva_handle_release(struct fsva_handles *hs, uint64_t name, uint64_t nlookups)
{
	struct fsva_handle *h;
	struct vnode *vp = NULL;
	int error = 0;

	mutex_enter(&hs->hs_lock);
	h = fsva_tab_find(&hs->hs_tab, name);
	if (h == NULL)
		error = ESTALE;
	else if (nlookups > h->h_nlookups)
		error = EINVAL;
	else {
		h->h_nlookups -= nlookups;
		if (h->h_nlookups == 0) {
			if (h->h_vp != NULL)
				vp = fsva_handle_unpinned(hs, h);
			fsva_handle_free(hs, h);
		}
	}
	mutex_exit(&hs->hs_lock);
	if (vp != NULL)
		vrele(vp);
	return error;
}

/* End all of them.  No call uses one any more. */
void
fsva_handles_drop(struct fsva_handles *hs)
{
	struct fsva_handle *h;
	struct vnode *vp;
	u_int i;

	mutex_enter(&hs->hs_lock);
	for (i = 0; i < FSVA_HASH_SIZE; i++) {
		while ((h = LIST_FIRST(&hs->hs_hash[i])) != NULL) {
			vp = h->h_vp != NULL ? fsva_handle_unpinned(hs, h) :
			    NULL;
			fsva_handle_free(hs, h);
			if (vp == NULL)
				continue;
			mutex_exit(&hs->hs_lock);
			vrele(vp);
			mutex_enter(&hs->hs_lock);
		}
	}
	hs->hs_mp = NULL;
	mutex_exit(&hs->hs_lock);
}

void
fsva_handles_fini(struct fsva_handles *hs)
{

	fsva_handles_drop(hs);
	fsva_tab_fini(&hs->hs_tab);
	mutex_destroy(&hs->hs_lock);
}

/* ---- Open files ---- */

int
fsva_files_init(struct fsva_files *fs, u_int max)
{

	mutex_init(&fs->fs_lock, MUTEX_DEFAULT, IPL_NONE);
	fs->fs_nwriters = 0;
	return fsva_tab_init(&fs->fs_tab, max);
}

/*
 * A name for vp, opened with flags.  The reference of vp and the open become
 * the file's; on an error they stay the caller's.
 */
int
fsva_file_add(struct fsva_files *fs, struct vnode *vp, int flags,
    uint64_t *name)
{
	struct fsva_file *f;
	int error;

	f = kmem_zalloc(sizeof(*f), KM_SLEEP);
	f->f_vp = vp;
	f->f_flags = flags;
	f->f_refs = 1;
	mutex_enter(&fs->fs_lock);
	error = fsva_tab_add(&fs->fs_tab, f, &f->f_name);
	if (!error) {
		*name = f->f_name;
		if (flags & FWRITE)
			fs->fs_nwriters++;
	}
	mutex_exit(&fs->fs_lock);
	if (error)
		kmem_free(f, sizeof(*f));
	return error;
}

int
fsva_file_get(struct fsva_files *fs, uint64_t name, struct fsva_file **fp)
{

	mutex_enter(&fs->fs_lock);
	*fp = fsva_tab_find(&fs->fs_tab, name);
	if (*fp != NULL)
		(*fp)->f_refs++;
	mutex_exit(&fs->fs_lock);
	return *fp == NULL ? EBADF : 0;
}

/* With the last reference the file is closed, with the flags it was opened. */
void
fsva_file_put(struct fsva_files *fs, struct fsva_file *f)
{
	bool last;

	mutex_enter(&fs->fs_lock);
	last = --f->f_refs == 0;
	if (last && (f->f_flags & FWRITE))
		fs->fs_nwriters--;
	mutex_exit(&fs->fs_lock);
	if (!last)
		return;
	(void)vn_close(f->f_vp, f->f_flags, NOCRED);
	kmem_free(f, sizeof(*f));
}

int
fsva_file_release(struct fsva_files *fs, uint64_t name)
{
	struct fsva_file *f;

	mutex_enter(&fs->fs_lock);
	f = fsva_tab_find(&fs->fs_tab, name);
	if (f != NULL)
		fsva_tab_remove(&fs->fs_tab, name);
	mutex_exit(&fs->fs_lock);
	if (f == NULL)
		return EBADF;
	fsva_file_put(fs, f);
	return 0;
}

void
fsva_files_drop(struct fsva_files *fs)
{
	struct fsva_file *f;

	for (;;) {
		mutex_enter(&fs->fs_lock);
		f = fsva_tab_any(&fs->fs_tab);
		if (f != NULL)
			fsva_tab_remove(&fs->fs_tab, f->f_name);
		mutex_exit(&fs->fs_lock);
		if (f == NULL)
			return;
		fsva_file_put(fs, f);
	}
}

void
fsva_files_fini(struct fsva_files *fs)
{

	fsva_files_drop(fs);
	fsva_tab_fini(&fs->fs_tab);
	mutex_destroy(&fs->fs_lock);
}
