// SPDX-License-Identifier: GPL-2.0
/*
 * session.c: what belongs to a front beyond its rings.
 */
#include <linux/slab.h>

#include "back.h"

/* The domain is another.  No queue takes a request or answers one. */
void fsva_session_moved(struct fsva_session *ses)
{
	unsigned int i, tag;

	fsva_pages_moved(ses);
	for (i = 0; i < ses->nr_queues; i++)
		for (tag = 0; tag < ses->nr_slots; tag++)
			fsva_replay_moved(&ses->replay[i][tag]);
}

struct fsva_session *fsva_session_create(struct fsva_back *fb, unsigned int nr_queues, unsigned int nr_slots)
{
	struct fsva_session *ses;
	unsigned int i;
	int err = -ENOMEM;

	ses = kvzalloc(sizeof(*ses), GFP_KERNEL);
	if (!ses)
		return ERR_PTR(-ENOMEM);
	ses->fb = fb;
	ses->nr_queues = nr_queues;
	ses->nr_slots = nr_slots;
	mutex_init(&ses->cred_lock);
	mutex_init(&ses->remount_lock);
	spin_lock_init(&ses->cred_spin);
	spin_lock_init(&ses->lock);
	init_waitqueue_head(&ses->wait);
	fsva_handles_start(&ses->handles);
	fsva_files_init(&ses->files);
	fsva_pages_init(&ses->pages);
	fsva_ubc_create(ses);
	fsva_push_create(ses);

	ses->replay = kcalloc(nr_queues, sizeof(*ses->replay), GFP_KERNEL);
	if (!ses->replay)
		goto err_free;
	for (i = 0; i < nr_queues; i++) {
		ses->replay[i] = kvcalloc(nr_slots, sizeof(**ses->replay), GFP_KERNEL);
		if (!ses->replay[i])
			goto err_free_replay;
	}
	err = fsva_creds_init(ses);
	if (err)
		goto err_free_replay;

	mutex_lock(&fb->stats_lock);
	fb->ses = ses;
	mutex_unlock(&fb->stats_lock);
	return ses;

err_free_replay:
	for (i = 0; i < nr_queues; i++)
		kvfree(ses->replay[i]);
	kfree(ses->replay);
err_free:
	kvfree(ses);
	return ERR_PTR(err);
}

/* No call runs any more.  Closes the files, unmounts, and waits for both. */
void fsva_session_free(struct fsva_session *ses)
{
	struct fsva_back *fb = ses->fb;
	unsigned int i;

	fsva_session_close(ses);
	fsva_unmount(ses, true);

	mutex_lock(&fb->stats_lock);
	if (fb->ses == ses)
		fb->ses = NULL;
	mutex_unlock(&fb->stats_lock);

	fsva_creds_free(ses);
	for (i = 0; i < ses->nr_queues; i++)
		kvfree(ses->replay[i]);
	kfree(ses->replay);
	kvfree(ses);
}
