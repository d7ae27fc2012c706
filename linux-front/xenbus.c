// SPDX-License-Identifier: GPL-2.0
/*
 * xenbus.c: a device's life: handshake, state changes, close.
 *
 *	NEW	  the back is to offer (InitWait)
 *	OFFERED	  rings granted, our keys written, we are Initialised
 *	LIVE	  the back is Connected and has agreed on a session; so are we
 *	DEAD	  fsva_front_stop(): the back closed, vanished or broke a rule;
 *		  all calls, made and to come, end in -EIO
 *	CLOSED	  all that belonged to the connection has been freed
 *
 * In a domain that was restored a LIVE device stays so, and migrate.c makes the
 * handshake again while its calls wait.
 *
 * Only fsva_front_work() goes forward, only fsva_front_stop() makes a device
 * dead, only fsva_front_teardown() frees; each may be asked for any number of
 * times.  A mounted file system holds a reference: it outlives the device, and
 * gives errors until it is unmounted.  From CLOSED a new session may start once
 * nothing is mounted any more: when the back offers itself, or at a mount.
 */
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "front.h"
#include "trace.h"

#define FSVA_CONNECT_TIMEOUT	(10 * HZ)
#define FSVA_WATCH_PERIOD	(2 * HZ)
#define FSVA_DEFAULT_ORDER	2u
#define FSVA_DEFAULT_QUEUES	4u

LIST_HEAD(fsva_fronts);
DEFINE_MUTEX(fsva_fronts_mutex);	/* fsva_fronts; before a device's own */
struct workqueue_struct *fsva_wq;
/* For what has to run on one processor, and is waited for by works of fsva_wq. */
struct workqueue_struct *fsva_cpu_wq;
static struct workqueue_struct *fsva_free_wq;

#define FSVA_PROBE_JIFFIES	(10 * HZ)	/* until a device is probed */

/*
 * Has the back gone?  What is no state of section 2.2, or can't be read, is no
 * sign of life.
 */
static bool fsva_front_back_gone(enum xenbus_state back)
{
	switch (back) {
	case XenbusStateInitialising:
	case XenbusStateInitWait:
	case XenbusStateInitialised:
	case XenbusStateConnected:
		return false;
	default:
		return true;
	}
}

/* ---- References ---- */

static void fsva_front_teardown(struct fsva_front *ff);

static void fsva_front_free_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(work, struct fsva_front,
					     free_work);

	cancel_delayed_work_sync(&ff->watch);
	cancel_delayed_work_sync(&ff->move_late);
	cancel_work_sync(&ff->work);
	cancel_work_sync(&ff->forget_work);
	cancel_work_sync(&ff->orphan_work);
	cancel_work_sync(&ff->unmount_work);
	/* Nobody is left who could wait; the work may not have come to it. */
	if (ff->state != FSVA_FRONT_CLOSED)
		fsva_front_teardown(ff);
	cancel_work_sync(&ff->shares.gone_work);
	cancel_delayed_work_sync(&ff->shares.stuck_work);
	fsva_statpage_remove(ff);
	kfree(ff);
}

static void fsva_front_release(struct kref *kref)
{
	struct fsva_front *ff = container_of(kref, struct fsva_front, kref);

	/* The last reference may be that of one of its works. */
	queue_work(fsva_free_wq, &ff->free_work);
}

void fsva_front_put(struct fsva_front *ff)
{
	kref_put(&ff->kref, fsva_front_release);
}

/* The device of this tag, with a reference, or NULL. */
static struct fsva_front *fsva_front_find(const char *tag)
{
	struct fsva_front *ff, *found = NULL;

	mutex_lock(&fsva_fronts_mutex);
	list_for_each_entry(ff, &fsva_fronts, link) {
		if (!strcmp(ff->tag, tag)) {
			found = fsva_front_get(ff);
			break;
		}
	}
	mutex_unlock(&fsva_fronts_mutex);
	return found;
}

/* Does xenstore have a device of this tag that the driver has not got to yet? */
static bool fsva_front_announced(const char *tag)
{
	unsigned int nr, i;
	bool found = false;
	char **devs;

	devs = xenbus_directory(XBT_NIL, "device", "fsva", &nr);
	if (IS_ERR(devs))
		return false;
	for (i = 0; i < nr && !found; i++) {
		char *dir = kasprintf(GFP_KERNEL, "device/fsva/%s", devs[i]);
		char *value;

		if (!dir)
			break;
		value = xenbus_read(XBT_NIL, dir, "tag", NULL);
		if (!IS_ERR(value)) {
			found = !strcmp(value, tag) &&
				xenbus_read_unsigned(dir, "state", 0) ==
				XenbusStateInitialising;
			kfree(value);
		}
		kfree(dir);
	}
	kfree(devs);
	return found;
}

/*
 * The same for who may come too early: mount(2) has just had this module loaded,
 * or a device was just attached.  Bounded and killable.
 */
struct fsva_front *fsva_front_find_soon(const char *tag)
{
	unsigned long end = jiffies + FSVA_PROBE_JIFFIES;
	struct fsva_front *ff = fsva_front_find(tag);
	bool announced;

	while (!ff) {
		announced = fsva_front_announced(tag);
		/* If it is not any more, the driver may have got to it just now. */
		ff = fsva_front_find(tag);
		if (ff || !announced || time_after(jiffies, end) ||
		    schedule_timeout_killable(HZ / 20))
			break;
	}
	return ff;
}

/* Killable and bounded.  0: calls may be made.  A dead device tries anew. */
int fsva_front_wait_live(struct fsva_front *ff)
{
	long left;

	if (fsva_front_dead(ff)) {
		WRITE_ONCE(ff->retry, true);
		queue_work(fsva_wq, &ff->work);
	}
	left = wait_event_killable_timeout(ff->state_wq,
					   READ_ONCE(ff->state) ==
						FSVA_FRONT_LIVE ||
					   (fsva_front_dead(ff) &&
					    !READ_ONCE(ff->retry)),
					   FSVA_CONNECT_TIMEOUT);
	if (left < 0)
		return -EINTR;
	if (READ_ONCE(ff->state) == FSVA_FRONT_LIVE)
		return 0;
	return left ? -EIO : -ETIMEDOUT;
}

/* ---- States ---- */

static bool fsva_front_advance(struct fsva_front *ff,
			       enum fsva_front_state from,
			       enum fsva_front_state to)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&ff->lock, flags);
	ok = ff->state == from;
	if (ok) {
		WRITE_ONCE(ff->state, to);
		trace_fsva_front_state(ff, to);
	}
	spin_unlock_irqrestore(&ff->lock, flags);
	if (ok)
		wake_up_all(&ff->state_wq);
	return ok;
}

static void fsva_front_end(struct fsva_front *ff, const char *why, bool breach)
{
	unsigned long flags;
	bool first, busy;
	unsigned int i;

	spin_lock_irqsave(&ff->lock, flags);
	first = ff->state == FSVA_FRONT_OFFERED ||
		ff->state == FSVA_FRONT_LIVE;
	busy = atomic_read(&ff->nr_busy) != 0;
	if (first) {
		/* Keeps the rings for us; then dead, then look at calls. */
		atomic_inc(&ff->nr_busy);
		WRITE_ONCE(ff->state, FSVA_FRONT_DEAD);
		trace_fsva_front_state(ff, FSVA_FRONT_DEAD);
	}
	spin_unlock_irqrestore(&ff->lock, flags);
	if (!first)
		return;
	smp_mb();	/* with the one in fsva_ring_enter() */

	if (breach)
		pr_err("fsva: %s: stopped: %s\n", ff->tag, why);
	else
		pr_info("fsva: %s: %s%s\n", ff->tag, why,
			busy ? "; calls under way fail" : "");
	for (i = 0; i < ff->nr_queues; i++)
		fsva_ring_fail(&ff->rings[i]);
	wake_up_all(&ff->state_wq);
	wake_up_all(&ff->grants.wq);
	wake_up_all(&ff->creds.wq);
	fsva_ring_leave(ff);
	queue_work(fsva_wq, &ff->work);
}

/*
 * The back has broken a rule.  Fails what is under way and what comes; the work
 * tears it down.  Any context, any number of times: the first one says why.
 */
void fsva_front_stop(struct fsva_front *ff, const char *why)
{
	fsva_front_end(ff, why, true);
}

/* The same where nobody is to blame. */
void fsva_front_close(struct fsva_front *ff, const char *why)
{
	fsva_front_end(ff, why, false);
}

/* umount -f: calls under way fail now, the connection stays. */
void fsva_front_abort(struct fsva_front *ff)
{
	unsigned int i;

	if (fsva_ring_enter(ff, false))
		return;
	atomic_inc(&ff->nr_aborts);
	for (i = 0; i < ff->nr_queues; i++)
		fsva_ring_abort(&ff->rings[i]);
	wake_up_all(&ff->grants.wq);
	wake_up_all(&ff->creds.wq);
	fsva_ring_leave(ff);
}

/*
 * The answer to a request that changes attributes, perhaps names, will be seen by
 * nobody (its caller was killed), or has just come to nobody: what was asked
 * before this moment is not to be relied upon.  Both moments count: after the
 * first somebody may ask before the request is done.  Rare, so for all inodes.
 */
void fsva_front_doubt(struct fsva_front *ff, bool names)
{
	unsigned long flags;
	u64 now;

	spin_lock_irqsave(&ff->lock, flags);
	now = atomic64_inc_return(&ff->version);
	atomic64_set(&ff->attrs_doubt, now);
	if (names)
		atomic64_set(&ff->names_doubt, now);
	spin_unlock_irqrestore(&ff->lock, flags);
}

bool fsva_front_take(struct fsva_front *ff)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&ff->lock, flags);
	ok = !ff->taken;
	if (ok)
		WRITE_ONCE(ff->taken, true);
	spin_unlock_irqrestore(&ff->lock, flags);
	return ok;
}

void fsva_front_untake(struct fsva_front *ff)
{
	unsigned long flags;

	spin_lock_irqsave(&ff->lock, flags);
	WRITE_ONCE(ff->nr_unmounts, ff->nr_unmounts + 1);
	WRITE_ONCE(ff->taken, false);
	spin_unlock_irqrestore(&ff->lock, flags);
	wake_up_all(&ff->state_wq);
	/* Tells xenstore; and a back that came again may connect now. */
	queue_work(fsva_wq, &ff->work);
}

/*
 * While calls are under way, look every two seconds whether the back is still
 * there: its end of the event channel, which Xen unbinds when its domain dies,
 * and its state in xenstore, which the toolstack removes.
 */
static void fsva_front_watch_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(to_delayed_work(work),
					     struct fsva_front, watch);
	struct fsva_ring *ring;
	unsigned int i;
	bool alive;

	clear_bit(FSVA_WATCH_ARMED, &ff->watch_flags);
	/* On the move it has no other end yet; fsva_front_move_late() looks. */
	if (READ_ONCE(ff->frozen) || READ_ONCE(ff->move))
		return;
	if (fsva_ring_enter(ff, true))
		return;
	/* Answers that nobody waits for, when nobody else came. */
	for (i = 0; i < ff->nr_queues; i++)
		fsva_ring_poll(&ff->rings[i]);
	ring = &ff->rings[0];
	fsva_statpage_update(ff);
	alive = ring->notify->alive(ring);
	fsva_ring_leave(ff);
	/* Removal makes it dead, then waits for us, then takes the device. */
	if (alive)
		alive = !fsva_front_back_gone(fsva_xenbus_read_state(ff->xbdev));
	if (!alive)
		fsva_front_close(ff, "the appliance is gone");
	else if (atomic_read(&ff->nr_busy))
		fsva_front_watch(ff);
}

void fsva_front_watch(struct fsva_front *ff)
{
	if (!test_and_set_bit(FSVA_WATCH_ARMED, &ff->watch_flags))
		queue_delayed_work(fsva_wq, &ff->watch, FSVA_WATCH_PERIOD);
}

/*
 * ff->mutex held; the device is dead, or was never live.  Waiters have been
 * woken and leave at once; then nobody is in the rings any more.
 */
static void fsva_front_teardown(struct fsva_front *ff)
{
	unsigned int i;

	wait_event_idle(ff->idle_wq, !atomic_read(&ff->nr_busy));
	cancel_delayed_work_sync(&ff->watch);
	clear_bit(FSVA_WATCH_ARMED, &ff->watch_flags);
	ff->move = FSVA_MOVE_NONE;
	fsva_ubc_lost(ff);
	fsva_shares_stop(ff);
	for (i = 0; ff->rings && i < ff->nr_queues; i++)
		fsva_ring_teardown(&ff->rings[i]);
	kfree(ff->rings);
	ff->rings = NULL;
	fsva_grants_teardown(ff);
	fsva_creds_teardown(ff);
	WRITE_ONCE(ff->stalled, false);
	WRITE_ONCE(ff->mounted, false);
	WRITE_ONCE(ff->state, FSVA_FRONT_CLOSED);
	trace_fsva_front_state(ff, FSVA_FRONT_CLOSED);
	wake_up_all(&ff->state_wq);
}

/* ---- Handshake ---- */

/* Is `version` among the numbers, separated by commas, that the back offers? */
bool fsva_front_version_offered(struct fsva_front *ff)
{
	char *list, *at, *word;
	unsigned int version;
	bool found = false;

	list = xenbus_read(XBT_NIL, ff->xbdev->otherend, "versions", NULL);
	if (IS_ERR(list))
		return false;
	at = list;
	while ((word = strsep(&at, ",")) != NULL)
		if (!kstrtouint(word, 10, &version) && version == FSVA_VERSION)
			found = true;
	kfree(list);
	return found;
}

int fsva_front_publish(struct fsva_front *ff)
{
	struct xenbus_device *dev = ff->xbdev;
	grant_ref_t stats = fsva_statpage_ref(ff);
	struct xenbus_transaction xbt;
	unsigned int i;
	char key[32];
	int err;

again:
	err = xenbus_transaction_start(&xbt);
	if (err)
		return err;
	err = xenbus_printf(xbt, dev->nodename, "version", "%u", FSVA_VERSION);
	if (!err)
		err = xenbus_printf(xbt, dev->nodename, "num-queues", "%u",
				    ff->nr_queues);
	if (!err)
		err = xenbus_printf(xbt, dev->nodename, "ring-page-order",
				    "%u", ff->ring_order);
	if (!err)
		err = xenbus_printf(xbt, dev->nodename, "session", "%016llx",
				    ff->session);
	if (!err)
		err = xenbus_printf(xbt, dev->nodename, "feature-migrate", "1");
	ff->taken_told = READ_ONCE(ff->taken);
	if (!err)
		err = xenbus_printf(xbt, dev->nodename, "mounted", "%u",
				    ff->taken_told);
	if (!err && stats)
		err = xenbus_printf(xbt, dev->nodename, "stats-ref", "%u",
				    stats);
	for (i = 0; i < ff->nr_queues && !err; i++) {
		snprintf(key, sizeof(key), "queue-%u/ring-ref", i);
		err = xenbus_printf(xbt, dev->nodename, key, "%u",
				    ff->rings[i].ctl_ref);
		if (err)
			break;
		snprintf(key, sizeof(key), "queue-%u/event-channel", i);
		err = xenbus_printf(xbt, dev->nodename, key, "%u",
				    ff->rings[i].evtchn);
	}
	if (err) {
		xenbus_transaction_end(xbt, 1);
		return err;
	}
	err = xenbus_transaction_end(xbt, 0);
	if (err == -EAGAIN)
		goto again;
	return err;
}

/* What the administrator says of signalling; the schema has the default. */
static enum fsva_signal_mode fsva_front_signal(struct fsva_front *ff)
{
	char *text = xenbus_read(XBT_NIL, ff->xbdev->nodename, "signal", NULL);
	int mode;

	if (IS_ERR(text))
		return fsva_signal_default();
	mode = fsva_signal_parse(text);
	if (mode < 0) {
		pr_warn("fsva: %s: signal=%.16s is not known\n", ff->tag, text);
		mode = fsva_signal_default();
	}
	kfree(text);
	return mode;
}

/* ff->mutex held: the back is in InitWait.  Set all aside, and say where it is. */
static int fsva_front_offer(struct fsva_front *ff)
{
	struct xenbus_device *dev = ff->xbdev;
	unsigned int i, most, own;
	int err;

	if (!fsva_front_version_offered(ff)) {
		xenbus_dev_fatal(dev, -EPROTO,
				 "%s: the appliance does not speak protocol version %u",
				 ff->tag, FSVA_VERSION);
		fsva_front_teardown(ff);
		return -EPROTO;
	}
	ff->otherend = dev->otherend_id;

	most = xenbus_read_unsigned(dev->otherend, "max-queues", 1);
	own = xenbus_read_unsigned(dev->nodename, "max-queues",
				   min(num_online_cpus(),
				       FSVA_DEFAULT_QUEUES));
	ff->nr_queues = clamp(min(most, own), 1u, FSVA_MAX_QUEUES);
	most = xenbus_read_unsigned(dev->otherend, "max-ring-page-order", 0);
	own = xenbus_read_unsigned(dev->nodename, "max-ring-page-order",
				   FSVA_DEFAULT_ORDER);
	ff->ring_order = min3(most, own, FSVA_MAX_RING_ORDER);

	do {
		ff->session = get_random_u64();
	} while (!ff->session);
	atomic64_set(&ff->next_id, 1);
	ff->max_data = FSVA_PAGE_SIZE;
	ff->signal = fsva_front_signal(ff);
	fsva_ubc_want(ff, xenbus_read_unsigned(dev->nodename, "ubc", 2),
		      xenbus_read_unsigned(dev->otherend, "feature-ubc", 0));

	err = fsva_grants_setup(ff, ff->nr_queues *
				(FSVA_SLOTS_PER_PAGE << ff->ring_order));
	if (err)
		goto err_teardown;
	err = -ENOMEM;
	ff->rings = kcalloc(ff->nr_queues, sizeof(*ff->rings), GFP_KERNEL);
	if (!ff->rings)
		goto err_teardown;
	for (i = 0; i < ff->nr_queues; i++) {
		err = fsva_ring_setup(ff, &ff->rings[i], i, ff->ring_order);
		if (err)
			goto err_teardown;
	}
	err = fsva_front_publish(ff);
	if (err)
		goto err_teardown;
	if (fsva_front_advance(ff, FSVA_FRONT_NEW, FSVA_FRONT_OFFERED))
		xenbus_switch_state(dev, XenbusStateInitialised);
	return 0;

err_teardown:
	xenbus_dev_fatal(dev, err, "%s: preparing the ring", ff->tag);
	fsva_front_teardown(ff);
	return err;
}

/* ff->mutex held: the back has mapped the ring. */
static void fsva_front_connect(struct fsva_front *ff)
{
	struct fsva_session_rsp rsp;
	int err;

	err = fsva_call_session(ff, &rsp);
	if (err) {
		fsva_front_stop(ff, "the appliance refuses the session");
		return;
	}
	ff->features = rsp.features;
	ff->max_data = rsp.max_data;
	fsva_shares_start(ff);
	err = fsva_creds_setup(ff, rsp.nr_creds);
	if (err) {
		fsva_front_stop(ff, "no memory for credentials");
		return;
	}
	fsva_statpage_update(ff);
	if (!fsva_front_advance(ff, FSVA_FRONT_OFFERED, FSVA_FRONT_LIVE))
		return;
	xenbus_switch_state(ff->xbdev, XenbusStateConnected);
	pr_info("fsva: %s: connected to domain %u: %u queues of %u slots\n",
		ff->tag, ff->otherend, ff->nr_queues,
		FSVA_SLOTS_PER_PAGE << ff->ring_order);
}

/*
 * ff->mutex held.  The toolstack detaches nothing that is mounted; by the
 * back's state it could not ask, for a back that closes is gone.
 */
static void fsva_front_tell_mounted(struct fsva_front *ff)
{
	bool taken = READ_ONCE(ff->taken);

	if (ff->taken_told == taken)
		return;
	if (!xenbus_printf(XBT_NIL, ff->xbdev->nodename, "mounted", "%u",
			   taken))
		ff->taken_told = taken;
}

/* Look at both states and do what comes next. */
static void fsva_front_work(struct work_struct *work)
{
	struct fsva_front *ff = container_of(work, struct fsva_front, work);
	struct xenbus_device *dev;
	enum xenbus_state back;

	/*
	 * A frozen task may be in the rings for long: wait without the mutex,
	 * for which the removal of the device waits, in xenbus's one thread.
	 */
again:
	wait_event_idle(ff->idle_wq, READ_ONCE(ff->state) != FSVA_FRONT_DEAD ||
			!atomic_read(&ff->nr_busy));
	mutex_lock(&ff->mutex);
	dev = ff->xbdev;
	/* Xenstore is not to be asked now, and there is nobody to be told. */
	if (dev && READ_ONCE(ff->frozen)) {
		mutex_unlock(&ff->mutex);
		return;
	}
	if (!dev) {
		if (ff->state == FSVA_FRONT_DEAD &&
		    atomic_read(&ff->nr_busy)) {
			mutex_unlock(&ff->mutex);
			goto again;
		}
		if (ff->state != FSVA_FRONT_CLOSED)
			fsva_front_teardown(ff);
		goto out;
	}
	/* On the move to where there is no other end. */
	if (!dev->otherend) {
		mutex_unlock(&ff->mutex);
		return;
	}
	fsva_front_tell_mounted(ff);
	back = fsva_xenbus_read_state(dev);
	if (ff->state == FSVA_FRONT_LIVE && ff->move) {
		fsva_front_move(ff, back);
		goto out;
	}
	if (fsva_front_back_gone(back))
		fsva_front_close(ff, "the appliance closed the device");
	else if (ff->state == FSVA_FRONT_LIVE && back < XenbusStateInitialised)
		fsva_front_close(ff, "the appliance has started anew");
	if (ff->state == FSVA_FRONT_DEAD && atomic_read(&ff->nr_busy)) {
		mutex_unlock(&ff->mutex);
		goto again;
	}
	if (ff->state == FSVA_FRONT_DEAD) {
		fsva_front_teardown(ff);
		/* A back that waits for a new session hears nothing of the old. */
		if (back != XenbusStateInitWait || READ_ONCE(ff->taken))
			xenbus_switch_state(dev, XenbusStateClosing);
	}

	/*
	 * Start anew when the back offers itself, or for somebody who wants to
	 * mount, if the back is there at all: it answers with InitWait.
	 */
	if (ff->state == FSVA_FRONT_CLOSED && !READ_ONCE(ff->taken) &&
	    (back == XenbusStateInitWait ||
	     (ff->retry && back > XenbusStateUnknown &&
	      back <= XenbusStateClosed))) {
		xenbus_switch_state(dev, XenbusStateInitialising);
		fsva_front_advance(ff, FSVA_FRONT_CLOSED, FSVA_FRONT_NEW);
	}
	switch (back) {
	case XenbusStateInitWait:
		if (ff->state == FSVA_FRONT_NEW)
			fsva_front_offer(ff);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		if (ff->state == FSVA_FRONT_OFFERED)
			fsva_front_connect(ff);
		break;
	case XenbusStateInitialising:
		break;
	default:
		/* A new front waits in Initialising for a back to come. */
		if (dev->state != XenbusStateClosed &&
		    ff->state != FSVA_FRONT_NEW)
			xenbus_frontend_closed(dev);
		break;
	}
out:
	if (ff->retry) {
		WRITE_ONCE(ff->retry, false);
		wake_up_all(&ff->state_wq);
	}
	mutex_unlock(&ff->mutex);
}

/* In xenbus's one thread for all devices: nothing here may wait for the back. */
static void fsva_front_otherend_changed(struct xenbus_device *dev,
					enum xenbus_state back)
{
	struct fsva_front *ff = dev_get_drvdata(&dev->dev);

	if (!ff)
		return;
	/* On the move, the work looks what it means. */
	if (fsva_front_back_gone(back) && !READ_ONCE(ff->move))
		fsva_front_close(ff, "the appliance closed the device");
	queue_work(fsva_wq, &ff->work);
}

/*
 * This is another domain: grants and event channels of the old connection are
 * gone.  xenbus has read who the other end is.  Tasks may be frozen yet: nothing
 * waits for them here.
 */
static int fsva_front_resume(struct xenbus_device *dev)
{
	struct fsva_front *ff = dev_get_drvdata(&dev->dev);

	if (ff)
		fsva_front_restored(ff);
	return 0;
}

/* ---- Devices come and go ---- */

static int fsva_front_read_tag(struct xenbus_device *dev, char *tag)
{
	char *value = xenbus_read(XBT_NIL, dev->nodename, "tag", NULL);
	size_t len;

	if (IS_ERR(value))
		value = xenbus_read(XBT_NIL, dev->otherend, "tag", NULL);
	if (IS_ERR(value))
		return PTR_ERR(value);
	/* It goes to the log and to debugfs, and may be the back's. */
	for (len = 0; isascii(value[len]) && isgraph(value[len]); len++)
		if (value[len] == '/')
			break;
	if (len == 0 || len > FSVA_TAG_MAX || value[len]) {
		kfree(value);
		return -EINVAL;
	}
	memcpy(tag, value, len + 1);
	kfree(value);
	return 0;
}

static int fsva_front_probe(struct xenbus_device *dev,
			    const struct xenbus_device_id *id)
{
	struct fsva_front *ff, *other;
	int err;

	ff = kzalloc(sizeof(*ff), GFP_KERNEL);
	if (!ff)
		return -ENOMEM;
	kref_init(&ff->kref);
	INIT_LIST_HEAD(&ff->link);
	mutex_init(&ff->mutex);
	mutex_init(&ff->null_mutex);
	spin_lock_init(&ff->lock);
	spin_lock_init(&ff->forget_lock);
	init_waitqueue_head(&ff->state_wq);
	init_waitqueue_head(&ff->idle_wq);
	init_waitqueue_head(&ff->forget_wq);
	INIT_LIST_HEAD(&ff->forgets);
	INIT_LIST_HEAD(&ff->orphans);
	INIT_WORK(&ff->work, fsva_front_work);
	INIT_WORK(&ff->free_work, fsva_front_free_work);
	INIT_WORK(&ff->forget_work, fsva_forget_work);
	INIT_WORK(&ff->orphan_work, fsva_orphan_work);
	INIT_WORK(&ff->unmount_work, fsva_call_unmount_work);
	INIT_DELAYED_WORK(&ff->watch, fsva_front_watch_work);
	INIT_DELAYED_WORK(&ff->move_late, fsva_front_move_late);
	fsva_grants_init(ff);
	fsva_creds_init(ff);
	fsva_shares_init(ff);
	fsva_ubc_init(ff);
	fsva_push_init(ff);
	ff->state = FSVA_FRONT_NEW;
	ff->xbdev = dev;

	err = fsva_front_read_tag(dev, ff->tag);
	if (err) {
		xenbus_dev_fatal(dev, err, "no usable tag");
		goto err_free;
	}
	mutex_lock(&fsva_fronts_mutex);
	list_for_each_entry(other, &fsva_fronts, link)
		if (!strcmp(other->tag, ff->tag))
			err = -EEXIST;
	if (!err)
		list_add_tail(&ff->link, &fsva_fronts);
	mutex_unlock(&fsva_fronts_mutex);
	if (err) {
		xenbus_dev_fatal(dev, err, "tag %s is in use", ff->tag);
		goto err_free;
	}
	fsva_stats_add(ff);
	fsva_statpage_add(ff);
	dev_set_drvdata(&dev->dev, ff);
	/* After an earlier driver had closed it, the back waits for this. */
	xenbus_switch_state(dev, XenbusStateInitialising);
	queue_work(fsva_wq, &ff->work);
	/*
	 * xenbus has taken a reference for the bound device, which would keep
	 * us loaded for ever.  What must keep us is a mount, and it does;
	 * unregistering the driver removes its devices.
	 */
	module_put(THIS_MODULE);
	return 0;

err_free:
	kfree(ff);
	return err;
}

static void fsva_front_remove(struct xenbus_device *dev)
{
	struct fsva_front *ff = dev_get_drvdata(&dev->dev);

	if (!ff)
		return;
	__module_get(THIS_MODULE);	/* for xenbus to put: see probe */
	mutex_lock(&fsva_fronts_mutex);
	list_del_init(&ff->link);
	mutex_unlock(&fsva_fronts_mutex);

	fsva_front_close(ff, "the device was removed");
	mutex_lock(&ff->mutex);
	/* The work may have gone one step further meanwhile. */
	fsva_front_close(ff, "the device was removed");
	cancel_delayed_work_sync(&ff->watch);	/* it reads the back's state */
	clear_bit(FSVA_WATCH_ARMED, &ff->watch_flags);
	ff->xbdev = NULL;
	mutex_unlock(&ff->mutex);
	/* Tears down, unless the last reference does. */
	queue_work(fsva_wq, &ff->work);
	fsva_stats_remove(ff);
	dev_set_drvdata(&dev->dev, NULL);
	fsva_front_put(ff);
}

static const struct xenbus_device_id fsva_front_ids[] = {
	{ "fsva" },
	{ "" }
};

static struct xenbus_driver fsva_front_driver = {
	.ids			= fsva_front_ids,
	.probe			= fsva_front_probe,
	.remove			= fsva_front_remove,
	.otherend_changed	= fsva_front_otherend_changed,
	.resume			= fsva_front_resume,
	.not_essential		= true,
};

int fsva_xenbus_init(void)
{
	int err = -ENOMEM;

	if (!xen_domain())
		return -ENODEV;
	/*
	 * Not freezable: these works wait for the appliance, and nobody freezes
	 * while a work of a freezable queue waits.
	 */
	fsva_wq = alloc_workqueue("fsva", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!fsva_wq)
		return err;
	fsva_cpu_wq = alloc_workqueue("fsva-cpu", FSVA_WQ_PERCPU |
				      WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (!fsva_cpu_wq)
		goto err_wq;
	fsva_free_wq = alloc_workqueue("fsva-free", WQ_UNBOUND, 0);
	if (!fsva_free_wq)
		goto err_cpu_wq;
	err = fsva_ubc_module_init();
	if (err)
		goto err_free_wq;
	err = fsva_push_module_init();
	if (err)
		goto err_ubc;
	err = fsva_migrate_init();
	if (err)
		goto err_push;
	err = xenbus_register_frontend(&fsva_front_driver);
	if (err)
		goto err_migrate;
	return 0;

err_migrate:
	fsva_migrate_exit();
err_push:
	fsva_push_module_exit();
err_ubc:
	fsva_ubc_module_exit();
err_free_wq:
	destroy_workqueue(fsva_free_wq);
err_cpu_wq:
	destroy_workqueue(fsva_cpu_wq);
err_wq:
	destroy_workqueue(fsva_wq);
	return err;
}

/* Nothing is mounted: the devices hold the only references. */
void fsva_xenbus_exit(void)
{
	xenbus_unregister_driver(&fsva_front_driver);
	fsva_migrate_exit();
	/* An unmount may still have held one; RCU and its work put it. */
	rcu_barrier();
	flush_workqueue(fsva_wq);
	fsva_shares_exit();
	fsva_push_module_exit();
	fsva_ubc_module_exit();
	destroy_workqueue(fsva_free_wq);
	destroy_workqueue(fsva_cpu_wq);
	destroy_workqueue(fsva_wq);
}

MODULE_ALIAS("xen:fsva");
