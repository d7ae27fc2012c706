// SPDX-License-Identifier: GPL-2.0
/*
 * ops_name.c: handlers that find, make and unmake names.
 *
 * Each locks as the system call of its name does.  Directories come in as handles, resolved before anything is
 * locked.  What the front believes a name to be is compared under the directory's lock; no leases or
 * delegations exist here, since nobody but the front uses the file system.
 */
#include <linux/file.h>
#include <linux/namei.h>

#include "back.h"

static struct qstr fsva_qstr(const struct fsva_name *name)
{
	struct qstr q = QSTR_INIT(name->name, name->len);

	return q;
}

FSVA_HANDLER(lookup)
{
	const struct fsva_lookup_req *r = in;
	struct fsva_lookup_rsp *rsp = out;
	struct qstr name = fsva_qstr(&r->name);
	struct dentry *dir, *dentry;
	int err;

	dir = fsva_handle_get_dir(c, r->name.dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	dentry = lookup_one_unlocked(&nop_mnt_idmap, &name, dir);
	err = PTR_ERR_OR_ZERO(dentry);
	if (!err) {
		err = d_is_negative(dentry) ? -ENOENT : fsva_entry_fill(c, dentry, &rsp->entry);
		dput(dentry);
	}
	dput(dir);
	return err;
}

FSVA_HANDLER(dentry_validate)
{
	const struct fsva_dentry_validate_req *r = in;
	struct fsva_dentry_validate_rsp *rsp = out;
	struct qstr name = fsva_qstr(&r->name);
	struct dentry *dir, *dentry, *believed = NULL;
	int err;

	dir = fsva_handle_get_dir(c, r->name.dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	if (r->handle) {
		believed = fsva_handle_get(c, r->handle);
		err = PTR_ERR_OR_ZERO(believed);
		if (err)
			goto out_put_dir;
	}
	dentry = lookup_one_unlocked(&nop_mnt_idmap, &name, dir);
	err = PTR_ERR_OR_ZERO(dentry);
	if (err)
		goto out_put;
	if (!believed)
		err = d_is_negative(dentry) ? 0 : -ESTALE;
	else if (d_is_negative(dentry) || d_inode(dentry) != d_inode(believed))
		err = -ESTALE;
	else
		err = fsva_attr_get(c, dentry, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT, &rsp->attr);
	dput(dentry);
out_put:
	dput(believed);
out_put_dir:
	dput(dir);
	return err;
}

/* ---- Making names ------------------------------------------------------------------------------------- */

/* A directory held and locked, and the dentry of the name to be made in it. */
struct fsva_making {
	struct dentry *dir;
	struct dentry *dentry;
};

static int fsva_making_begin(struct fsva_call *c, const struct fsva_name *n, struct fsva_making *m)
{
	struct qstr name = fsva_qstr(n);
	int err;

	m->dir = fsva_handle_get_dir(c, n->dir);
	if (IS_ERR(m->dir))
		return PTR_ERR(m->dir);
	err = mnt_want_write(c->ses->mnt);
	if (err)
		goto err_put;
	m->dentry = start_creating(&nop_mnt_idmap, m->dir, &name);
	err = PTR_ERR_OR_ZERO(m->dentry);
	if (err)
		goto err_drop;
	return 0;

err_drop:
	mnt_drop_write(c->ses->mnt);
err_put:
	dput(m->dir);
	return err;
}

/* Unlocks the directory and keeps the dentry when err is 0; then the answer is filled in. */
static int fsva_making_end(struct fsva_call *c, struct fsva_making *m, int err, struct fsva_create_rsp *rsp)
{
	struct dentry *made = NULL;

	if (!err)
		made = dget(m->dentry);
	end_creating(m->dentry);
	mnt_drop_write(c->ses->mnt);
	if (!err) {
		err = d_is_negative(made) ? -ESTALE : fsva_entry_fill(c, made, &rsp->entry);
		if (!err)
			fsva_attr_get_or_guess(c, m->dir, &rsp->dir);
		dput(made);
	}
	dput(m->dir);
	return err;
}

/* Open what was just made; the entry is in rsp already, and taken back if this fails. */
static int fsva_create_open(struct fsva_call *c, struct dentry *dentry, u32 flags, struct fsva_create_rsp *rsp)
{
	struct file *file = fsva_file_open(c, dentry, flags);
	int err = PTR_ERR_OR_ZERO(file);

	/* Some file systems say it only of an open file. */
	if (!err && file->f_mode & FMODE_CAN_ODIRECT)
		rsp->entry.impl |= FSVA_IMPL_DIRECT_IO;
	if (!err)
		err = fsva_file_add(c, file, &rsp->fh);
	if (err)
		fsva_handle_release(c, rsp->entry.handle, 1);
	return err;
}

FSVA_HANDLER(create)
{
	const struct fsva_create_req *r = in;
	struct fsva_create_rsp *rsp = out;
	struct dentry *made = NULL;
	struct fsva_making m;
	int err;

	err = fsva_making_begin(c, &r->name, &m);
	if (err)
		return err;
	if (d_is_negative(m.dentry))
		err = vfs_create(&nop_mnt_idmap, m.dentry, r->mode & S_IALLUGO, NULL);
	else if (r->flags & FSVA_CREATE_EXCL)
		err = -EEXIST;
	if (!err && (r->flags & FSVA_CREATE_OPEN))
		made = dget(m.dentry);
	err = fsva_making_end(c, &m, err, rsp);
	if (!err && made)
		err = fsva_create_open(c, made, r->open_flags, rsp);
	dput(made);
	return err;
}

FSVA_HANDLER(mknod)
{
	const struct fsva_mknod_req *r = in;
	struct fsva_making m;
	int err;

	err = fsva_making_begin(c, &r->name, &m);
	if (err)
		return err;
	if (d_is_positive(m.dentry))
		err = -EEXIST;
	else if ((r->mode & S_IFMT) == 0 || S_ISREG(r->mode))
		err = vfs_create(&nop_mnt_idmap, m.dentry, r->mode & S_IALLUGO, NULL);
	else
		err = vfs_mknod(&nop_mnt_idmap, d_inode(m.dir), m.dentry, r->mode,
				MKDEV(r->rdev_major, r->rdev_minor), NULL);
	return fsva_making_end(c, &m, err, out);
}

FSVA_HANDLER(mkdir)
{
	const struct fsva_mkdir_req *r = in;
	struct fsva_making m;
	int err;

	err = fsva_making_begin(c, &r->name, &m);
	if (err)
		return err;
	if (d_is_positive(m.dentry))
		return fsva_making_end(c, &m, -EEXIST, out);
	/* May put another dentry in its place; on error it has let go of this one. */
	m.dentry = vfs_mkdir(&nop_mnt_idmap, d_inode(m.dir), m.dentry, r->mode & 07777, NULL);
	return fsva_making_end(c, &m, PTR_ERR_OR_ZERO(m.dentry), out);
}

FSVA_HANDLER(symlink)
{
	const struct fsva_symlink_req *r = in;
	const char *target = fsva_data_in(c);
	struct fsva_making m;
	int err;

	if (IS_ERR(target))
		return PTR_ERR(target);
	err = fsva_making_begin(c, &r->name, &m);
	if (err)
		return err;
	err = d_is_positive(m.dentry) ? -EEXIST :
		vfs_symlink(&nop_mnt_idmap, d_inode(m.dir), m.dentry, target, NULL);
	return fsva_making_end(c, &m, err, out);
}

FSVA_HANDLER(link)
{
	const struct fsva_link_req *r = in;
	struct dentry *old;
	struct fsva_making m;
	int err;

	old = fsva_handle_get(c, r->handle);
	if (IS_ERR(old))
		return PTR_ERR(old);
	err = fsva_making_begin(c, &r->name, &m);
	if (!err) {
		err = d_is_positive(m.dentry) ? -EEXIST :
			vfs_link(old, &nop_mnt_idmap, d_inode(m.dir), m.dentry, NULL);
		err = fsva_making_end(c, &m, err, out);
	}
	dput(old);
	return err;
}

FSVA_HANDLER(tmpfile)
{
	const struct fsva_tmpfile_req *r = in;
	struct fsva_create_rsp *rsp = out;
	struct dentry *dir;
	struct file *file;
	struct path path;
	int err;

	dir = fsva_handle_get_dir(c, r->dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	err = mnt_want_write(c->ses->mnt);
	if (err)
		goto out_put;
	path = fsva_path(c, dir);
	file = kernel_tmpfile_open(&nop_mnt_idmap, &path, (r->mode & S_IALLUGO) | S_IFREG,
				   fsva_open_flags(r->open_flags), c->cred.named);
	mnt_drop_write(c->ses->mnt);
	err = PTR_ERR_OR_ZERO(file);
	if (err)
		goto out_put;
	fsva_file_indirect(file);
	err = fsva_entry_fill(c, file_dentry(file), &rsp->entry);
	if (err) {
		__fput_sync(file);
		goto out_put;
	}
	if (file->f_mode & FMODE_CAN_ODIRECT)
		rsp->entry.impl |= FSVA_IMPL_DIRECT_IO;
	fsva_attr_get_or_guess(c, dir, &rsp->dir);
	err = fsva_file_add(c, file, &rsp->fh);
	if (err)
		fsva_handle_release(c, rsp->entry.handle, 1);
out_put:
	dput(dir);
	return err;
}

/* ---- Unmaking names ----------------------------------------------------------------------------------- */

static int fsva_remove(struct fsva_call *c, const struct fsva_unlink_req *r, struct fsva_unlink_rsp *rsp, bool is_dir)
{
	struct qstr name = fsva_qstr(&r->name);
	struct dentry *dir, *victim, *dentry;
	int err;

	dir = fsva_handle_get_dir(c, r->name.dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	victim = fsva_handle_get(c, r->handle);
	err = PTR_ERR_OR_ZERO(victim);
	if (err)
		goto out_put_dir;
	err = mnt_want_write(c->ses->mnt);
	if (err)
		goto out_put_victim;

	dentry = start_removing(&nop_mnt_idmap, dir, &name);
	err = PTR_ERR_OR_ZERO(dentry);
	if (!err) {
		if (d_inode(dentry) != d_inode(victim)) {
			err = -ESTALE;
		} else if (is_dir) {
			err = vfs_rmdir(&nop_mnt_idmap, d_inode(dir), dentry, NULL);
		} else {
			fsva_handle_set_aside(c, r->handle, dentry, &victim);
			err = vfs_unlink(&nop_mnt_idmap, d_inode(dir), dentry, NULL);
			if (err)
				fsva_handle_put_back(c, r->handle, dentry, victim);
		}
		end_removing(dentry);
	}
	mnt_drop_write(c->ses->mnt);

	/* The last link may be gone: what the front holds must not be. */
	fsva_handle_pin(c, r->handle, victim);
	if (!err) {
		fsva_attr_get_or_guess(c, dir, &rsp->dir);
		fsva_attr_get_or_guess(c, victim, &rsp->victim);
	}
out_put_victim:
	dput(victim);
out_put_dir:
	dput(dir);
	return err;
}

FSVA_HANDLER(unlink)
{
	return fsva_remove(c, in, out, false);
}

FSVA_HANDLER(rmdir)
{
	return fsva_remove(c, in, out, true);
}

static u32 fsva_rename_flags(u32 wire)
{
	u32 flags = 0;

	if (wire & FSVA_RENAME_NOREPLACE)
		flags |= RENAME_NOREPLACE;
	if (wire & FSVA_RENAME_EXCHANGE)
		flags |= RENAME_EXCHANGE;
	if (wire & FSVA_RENAME_WHITEOUT)
		flags |= RENAME_WHITEOUT;
	return flags;
}

/* Is dentry what the front believes?  NULL: that there is no such name. */
static bool fsva_is_believed(struct dentry *dentry, struct dentry *believed)
{
	return believed ? d_is_positive(dentry) && d_inode(dentry) == d_inode(believed) : d_is_negative(dentry);
}

FSVA_HANDLER(rename)
{
	const struct fsva_rename_req *r = in;
	struct fsva_rename_rsp *rsp = out;
	struct dentry *old_dir, *new_dir, *old, *new = NULL;
	struct qstr old_name = fsva_qstr(&r->name), new_name;
	struct renamedata rd = {};
	const char *target = fsva_data_in(c);
	int err;

	if (IS_ERR(target))
		return PTR_ERR(target);
	new_name = (struct qstr)QSTR_INIT(target, c->data.in_len);

	old_dir = fsva_handle_get_dir(c, r->name.dir);
	if (IS_ERR(old_dir))
		return PTR_ERR(old_dir);
	new_dir = fsva_handle_get_dir(c, r->new_dir);
	err = PTR_ERR_OR_ZERO(new_dir);
	if (err)
		goto out_put_old_dir;
	old = fsva_handle_get(c, r->handle);
	err = PTR_ERR_OR_ZERO(old);
	if (err)
		goto out_put_new_dir;
	if (r->new_handle) {
		new = fsva_handle_get(c, r->new_handle);
		err = PTR_ERR_OR_ZERO(new);
		if (err)
			goto out_put_old;
	}
	err = mnt_want_write(c->ses->mnt);
	if (err)
		goto out_put_new;

	rd.mnt_idmap = &nop_mnt_idmap;
	rd.old_parent = old_dir;
	rd.new_parent = new_dir;
	rd.flags = fsva_rename_flags(r->flags);
	err = start_renaming(&rd, 0, &old_name, &new_name);
	if (!err) {
		if (!fsva_is_believed(rd.old_dentry, old) || !fsva_is_believed(rd.new_dentry, new)) {
			err = -ESTALE;
		} else if (new && !(rd.flags & RENAME_EXCHANGE)) {
			fsva_handle_set_aside(c, r->new_handle, rd.new_dentry, &new);
			err = vfs_rename(&rd);
			if (err)
				fsva_handle_put_back(c, r->new_handle, rd.new_dentry, new);
		} else {
			err = vfs_rename(&rd);
		}
		end_renaming(&rd);
	}
	mnt_drop_write(c->ses->mnt);

	if (new)
		fsva_handle_pin(c, r->new_handle, new);
	if (!err) {
		fsva_attr_get_or_guess(c, old_dir, &rsp->old_dir);
		fsva_attr_get_or_guess(c, new_dir, &rsp->new_dir);
	}
out_put_new:
	dput(new);
out_put_old:
	dput(old);
out_put_new_dir:
	dput(new_dir);
out_put_old_dir:
	dput(old_dir);
	return err;
}

FSVA_HANDLER(dentry_release)
{
	const struct fsva_dentry_release_req *r = in;

	return fsva_handle_release(c, r->handle, r->nr_lookups);
}
