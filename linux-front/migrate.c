// SPDX-License-Identifier: GPL-2.0
/*
 * migrate.c: this domain is suspended, and goes on here or somewhere else.
 *
 *	freeze	 (a platform device's: xenbus tells a frontend nothing of a suspend
 *		 that is cancelled)  Requests are kept from now on and answers not
 *		 taken.  Before that, calls that have pages of ours mapped at the
 *		 appliance get a moment to end.  Shared frames are given up.
 *	thaw	 it was cancelled, all is as it was: go on.
 *	resume	 (xenbus's) this is another domain, and so, most likely, is the
 *		 appliance.  The device stays live, its calls wait, and the handshake
 *		 is made again: fsva_front_move().  The session's id is the old one,
 *		 and a back that still has it gets every request that has no answer
 *		 once more.  One that has not, or that does not come: EIO, as ever.
 *
 * What a task had begun when it was frozen it goes on with afterwards: it waits
 * for its call, or it has not submitted it yet.  Grants are made when a request
 * is put on a ring, so none is made to a back of yesterday.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include "front.h"

#define FSVA_DATA_JIFFIES	(2 * HZ)	/* calls with data get before a suspend */
#define FSVA_MUTEX_JIFFIES	(10 * HZ)

static unsigned int move_seconds = 60;
module_param(move_seconds, uint, 0644);
MODULE_PARM_DESC(move_seconds, "how long calls wait for the appliance after this domain was restored");

/* ff->mutex held, which keeps the rings: what they are to do follows from the device's state. */
static void fsva_front_holds(struct fsva_front *ff)
{
	bool hold = ff->frozen || ff->move != FSVA_MOVE_NONE;
	bool deaf = ff->frozen || ff->move == FSVA_MOVE_WANTED;
	unsigned int i;

	for (i = 0; ff->rings && i < ff->nr_queues; i++)
		fsva_ring_hold(&ff->rings[i], hold, deaf);
}

/* ---- Another domain ---- */

/* Has the domain moved on since the caller looked, or is it about to? */
static bool fsva_front_moved_on(struct fsva_front *ff, unsigned int nr_moves)
{
	return READ_ONCE(ff->frozen) || READ_ONCE(ff->nr_moves) != nr_moves;
}

/* ff->mutex held: the back offers.  Say where the rings are now. */
static void fsva_front_move_offer(struct fsva_front *ff)
{
	struct xenbus_device *dev = ff->xbdev;
	unsigned int nr_moves = ff->nr_moves, i;
	int err = 0;

	if (!fsva_front_version_offered(ff) ||
	    !xenbus_read_unsigned(dev->otherend, "feature-restore-grants", 0)) {
		fsva_front_close(ff, "the appliance cannot go on with a session");
		return;
	}
	ff->otherend = dev->otherend_id;
	fsva_grants_renew(ff);
	for (i = 0; i < ff->nr_queues && !err; i++)
		err = fsva_ring_renew(&ff->rings[i]);
	if (!err)
		err = fsva_front_publish(ff);
	if (fsva_front_moved_on(ff, nr_moves))
		return;
	if (err) {
		xenbus_dev_error(dev, err, "%s: preparing the ring again", ff->tag);
		fsva_front_close(ff, "the ring can't be made again");
		return;
	}
	ff->move = FSVA_MOVE_OFFERED;
	fsva_front_holds(ff);
	xenbus_switch_state(dev, XenbusStateInitialised);
}

/* ff->mutex held: the back has mapped the rings.  Go on where we were. */
static void fsva_front_move_connect(struct fsva_front *ff)
{
	unsigned int nr_moves = ff->nr_moves, i, nr = 0;
	struct fsva_session_rsp rsp;
	int err;

	err = fsva_call_session(ff, &rsp);
	if (fsva_front_moved_on(ff, nr_moves))
		return;
	if (err || !(rsp.flags & FSVA_SESSION_RESUMED)) {
		fsva_front_close(ff, "the appliance has forgotten the session");
		return;
	}
	if ((rsp.features & ff->features) != ff->features ||
	    rsp.max_data < ff->max_data) {
		fsva_front_stop(ff, "it takes back what the session had");
		return;
	}
	ff->move = FSVA_MOVE_NONE;
	for (i = 0; i < ff->nr_queues; i++)
		nr += fsva_ring_resend(&ff->rings[i], true);
	atomic64_add(nr, &ff->nr_resent);
	ff->moved_ns = ktime_get_ns() - ff->move_start_ns;
	cancel_delayed_work(&ff->move_late);
	xenbus_switch_state(ff->xbdev, XenbusStateConnected);
	fsva_front_watch(ff);
	fsva_shares_thaw(ff);
	fsva_ubc_thaw(ff);
	fsva_push_thaw(ff);
	pr_info("fsva: %s: the session goes on with domain %u, %u requests sent again\n",
		ff->tag, ff->otherend, nr);
}

/* ff->mutex held; live, and on the move.  The back's state is what it is. */
void fsva_front_move(struct fsva_front *ff, enum xenbus_state back)
{
	switch (back) {
	case XenbusStateInitWait:
		if (ff->move == FSVA_MOVE_WANTED)
			fsva_front_move_offer(ff);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		if (ff->move == FSVA_MOVE_OFFERED)
			fsva_front_move_connect(ff);
		break;
	case XenbusStateClosing:
	case XenbusStateClosed:
		fsva_front_close(ff, "the appliance closed the device");
		break;
	default:
		break;		/* not there yet; or too late, some day */
	}
}

void fsva_front_move_late(struct work_struct *work)
{
	struct fsva_front *ff = container_of(to_delayed_work(work),
					     struct fsva_front, move_late);

	mutex_lock(&ff->mutex);
	if (ff->move || ff->frozen) {
		/* Still frozen: xenbus could not read who the other end is. */
		ff->frozen = false;
		fsva_front_close(ff, "the appliance did not come along");
		fsva_front_holds(ff);
	}
	mutex_unlock(&ff->mutex);
}

/* Xenbus's resume, in its one thread: this is another domain. */
void fsva_front_restored(struct fsva_front *ff)
{
	/* Nobody has the mutex: fsva_front_freeze() saw to that. */
	mutex_lock(&ff->mutex);
	ff->nr_moves++;
	ff->move_start_ns = ktime_get_ns();
	ff->frozen = false;
	if (ff->state == FSVA_FRONT_LIVE &&
	    ff->features & FSVA_FEATURE_RESTORE) {
		ff->move = FSVA_MOVE_WANTED;
		mod_delayed_work(fsva_wq, &ff->move_late, move_seconds * HZ);
	} else {
		fsva_front_close(ff, "this domain was restored");
	}
	fsva_front_holds(ff);
	mutex_unlock(&ff->mutex);
	queue_work(fsva_wq, &ff->work);
}

/* ---- The suspend ---- */

static bool fsva_front_has_data(struct fsva_front *ff)
{
	bool has = false;
	unsigned int i;

	for (i = 0; ff->rings && i < ff->nr_queues; i++)
		has |= fsva_ring_has_data(&ff->rings[i]);
	return has;
}

/* Its works wait for the back with the mutex held, so not for ever. */
static bool fsva_front_lock(struct fsva_front *ff)
{
	unsigned long end = jiffies + FSVA_MUTEX_JIFFIES;

	while (!mutex_trylock(&ff->mutex)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

static int fsva_front_freeze(struct fsva_front *ff)
{
	unsigned long end = jiffies + FSVA_DATA_JIFFIES;
	unsigned int i;
	int err;

	cancel_delayed_work_sync(&ff->move_late);
	if (!fsva_front_lock(ff)) {
		pr_err("fsva: %s: the connection is being made; this domain cannot be suspended now\n",
		       ff->tag);
		return -EBUSY;
	}
	if (ff->state == FSVA_FRONT_LIVE && ff->move == FSVA_MOVE_NONE) {
		err = fsva_shares_freeze(ff);
		if (err) {
			pr_err("fsva: %s: a page of the appliance's is in use; this domain cannot be suspended now\n",
			       ff->tag);
			mutex_unlock(&ff->mutex);
			return err;
		}
		fsva_ubc_freeze(ff);
		/* No more requests; answers yet. */
		for (i = 0; i < ff->nr_queues; i++)
			fsva_ring_hold(&ff->rings[i], true, ff->rings[i].deaf);
		while (fsva_front_has_data(ff) && time_before(jiffies, end) &&
		       !fsva_front_dead(ff))
			msleep(20);
	}
	ff->frozen = true;
	fsva_front_holds(ff);
	atomic64_inc(&ff->nr_suspends);
	/* It may look at the other end, which xenbus is about to replace. */
	cancel_delayed_work_sync(&ff->watch);
	clear_bit(FSVA_WATCH_ARMED, &ff->watch_flags);
	mutex_unlock(&ff->mutex);
	return 0;
}

static void fsva_front_thaw(struct fsva_front *ff)
{
	unsigned int i;

	mutex_lock(&ff->mutex);
	ff->frozen = false;
	fsva_front_holds(ff);
	if (ff->state == FSVA_FRONT_LIVE && ff->move == FSVA_MOVE_NONE) {
		/* What was kept meanwhile, and answers that came. */
		for (i = 0; i < ff->nr_queues; i++)
			fsva_ring_resend(&ff->rings[i], false);
		fsva_shares_thaw(ff);
		fsva_ubc_thaw(ff);
		fsva_push_thaw(ff);
		fsva_front_watch(ff);
	}
	if (ff->move)
		mod_delayed_work(fsva_wq, &ff->move_late, move_seconds * HZ);
	mutex_unlock(&ff->mutex);
	queue_work(fsva_wq, &ff->work);
}

/* For tests: answers get lost from now on, as those do that come at the very end, until the next suspend is over. */
int fsva_front_deafen(struct fsva_front *ff, bool deaf)
{
	int err = -EBUSY;
	unsigned int i;

	mutex_lock(&ff->mutex);
	if (ff->state == FSVA_FRONT_LIVE && !ff->move && !ff->frozen) {
		for (i = 0; i < ff->nr_queues; i++) {
			fsva_ring_hold(&ff->rings[i], false, deaf);
			fsva_ring_poll(&ff->rings[i]);
		}
		err = 0;
	}
	mutex_unlock(&ff->mutex);
	return err;
}

static int fsva_freeze(struct device *unused)
{
	struct fsva_front *ff;
	int err = 0;

	mutex_lock(&fsva_fronts_mutex);
	list_for_each_entry(ff, &fsva_fronts, link) {
		err = fsva_front_freeze(ff);
		if (err)
			break;
	}
	/* Who fails to freeze is not thawed. */
	if (err)
		list_for_each_entry_continue_reverse(ff, &fsva_fronts, link)
			fsva_front_thaw(ff);
	mutex_unlock(&fsva_fronts_mutex);
	return err;
}

static int fsva_thaw(struct device *unused)
{
	struct fsva_front *ff;

	mutex_lock(&fsva_fronts_mutex);
	list_for_each_entry(ff, &fsva_fronts, link)
		fsva_front_thaw(ff);
	mutex_unlock(&fsva_fronts_mutex);
	return 0;
}

/*
 * Xenbus resumes each device before or after this; not one whose other end it
 * can't read, and of that device nothing will come.
 */
static int fsva_restore(struct device *unused)
{
	struct fsva_front *ff;

	mutex_lock(&fsva_fronts_mutex);
	list_for_each_entry(ff, &fsva_fronts, link)
		mod_delayed_work(fsva_wq, &ff->move_late, move_seconds * HZ);
	mutex_unlock(&fsva_fronts_mutex);
	return 0;
}

static const struct dev_pm_ops fsva_pm_ops = {
	.freeze = fsva_freeze,
	.thaw = fsva_thaw,
	.restore = fsva_restore,
};

static struct platform_driver fsva_platform_driver = {
	.driver = {
		.name = "fsva-front",
		.pm = &fsva_pm_ops,
	},
};

static struct platform_device *fsva_platform_device;

int fsva_migrate_init(void)
{
	int err = platform_driver_register(&fsva_platform_driver);

	if (err)
		return err;
	fsva_platform_device =
		platform_device_register_simple("fsva-front",
						PLATFORM_DEVID_NONE, NULL, 0);
	err = PTR_ERR_OR_ZERO(fsva_platform_device);
	if (err)
		platform_driver_unregister(&fsva_platform_driver);
	return err;
}

void fsva_migrate_exit(void)
{
	platform_device_unregister(fsva_platform_device);
	platform_driver_unregister(&fsva_platform_driver);
}
