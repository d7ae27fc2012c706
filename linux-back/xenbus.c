// SPDX-License-Identifier: GPL-2.0
/*
 * xenbus.c: the device: what the toolstack says of it, the handshake with the front, and the close.
 *
 * In order: fsva_probe() checks the toolstack's keys, offers what we can and goes to InitWait.  The front
 * publishes its rings and goes to Initialised; fsva_frontend_changed() reads what it published, connects and goes
 * to Connected.  Closing, Closed, a front that breaks the rules or dies: the link is stopped, the file system
 * unmounted.  A device that stays online goes back to InitWait when its front starts anew.  In a domain that was
 * restored (migrate.c) it is InitWait again with a link that is parked; a front that names that link's session gets it.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <xen/xen.h>

#include "back.h"

#define FSVA_CLOSE_JIFFIES	(30 * HZ)	/* that we wait for handlers when a front goes */

LIST_HEAD(fsva_backs);				/* under fsva_backs_lock, as is the user */
DEFINE_MUTEX(fsva_backs_lock);
domid_t fsva_user;				/* whom all devices of the list serve */

static void fsva_back_free(struct kref *ref)
{
	struct fsva_back *fb = container_of(ref, struct fsva_back, ref);

	kfree(fb->tag);
	kfree(fb->fs);
	kfree(fb->source);
	kfree(fb->options);
	kfree(fb);
}

void fsva_back_put(struct fsva_back *fb)
{
	kref_put(&fb->ref, fsva_back_free);
}

/* ---- Links -------------------------------------------------------------------------------------------- */

/* fb->lock is held. */
void fsva_back_link_new(struct fsva_back *fb, struct fsva_link *link)
{
	__module_get(THIS_MODULE);
	kref_get(&fb->ref);
	spin_lock(&fb->idle.lock);
	fb->nr_links++;
	spin_unlock(&fb->idle.lock);
	fb->link = link;
}

/* A link that was stopped is freed. */
void fsva_back_link_gone(struct fsva_back *fb)
{
	spin_lock(&fb->idle.lock);
	fb->nr_links--;
	wake_up_all_locked(&fb->idle);
	spin_unlock(&fb->idle.lock);
	fsva_back_put(fb);
	module_put(THIS_MODULE);
}

/* Stop the link, if there is one, and wait until the file system is unmounted.  fb->lock is held. */
void fsva_disconnect(struct fsva_back *fb)
{
	fb->parked = false;
	if (fb->link) {
		fsva_link_stop(fb->link);
		fb->link = NULL;
	}
	if (!wait_event_timeout(fb->idle, !READ_ONCE(fb->nr_links), FSVA_CLOSE_JIFFIES))
		pr_err("%s: a call is stuck in the file system; it is left to itself\n", fb->name);
}

/*
 * The front broke the rules on link.  Whoever holds the lock may be waiting for the link to be freed, and that waits
 * for us: so never wait for the lock when the link is being ended anyway.
 */
void fsva_back_broken(struct fsva_back *fb, struct fsva_link *link)
{
	while (!mutex_trylock(&fb->lock)) {
		if (fsva_link_stopping(link))
			return;
		msleep(20);
	}
	if (fb->link == link) {
		fsva_link_stop(link);
		fb->link = NULL;
		if (fb->dev)
			xenbus_switch_state(fb->dev, XenbusStateClosing);
	}
	mutex_unlock(&fb->lock);
}

/* ---- What the front published -------------------------------------------------------------------------- */

/* A whole decimal number that fits: sscanf() would take "1x", and 2^32 + 1 for 1. */
static int fsva_read_front(struct xenbus_device *dev, const char *node, unsigned int *val)
{
	char *s = xenbus_read(XBT_NIL, dev->otherend, node, NULL);
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	err = kstrtouint(s, 10, val);
	kfree(s);
	return err;
}

/* How our end waits.  What the front may have made of the toolstack's wish costs the pair, and nobody else. */
static enum fsva_signal_mode fsva_read_signal(struct xenbus_device *dev)
{
	char *s = xenbus_read(XBT_NIL, dev->otherend, "signal", NULL);
	int mode;

	if (IS_ERR(s))
		return fsva_signal_default();
	mode = fsva_signal_parse(s);
	kfree(s);
	return mode < 0 ? fsva_signal_default() : mode;
}

static unsigned int fsva_max_queues(void)
{
	return clamp_t(unsigned int, num_online_cpus(), 1, FSVA_MAX_QUEUES);
}

/* Does the front name this session? */
static bool fsva_is_session(struct xenbus_device *dev, const struct fsva_session *ses)
{
	char *s = xenbus_read(XBT_NIL, dev->otherend, "session", NULL);
	bool same;
	u64 id;

	if (IS_ERR(s))
		return false;
	same = !kstrtou64(s, 16, &id) && id && id == READ_ONCE(ses->id);
	kfree(s);
	return same;
}

static int fsva_connect(struct fsva_back *fb)
{
	struct xenbus_device *dev = fb->dev;
	unsigned int version, nr_queues, order, i;
	evtchn_port_t port[FSVA_MAX_QUEUES];
	u32 ref[FSVA_MAX_QUEUES];
	char node[32];
	bool resume;
	int err;

	if (fb->link && !fb->parked)
		return 0;
	if (fb->going_down)
		return -ESHUTDOWN;
	if (fb->parked && !fsva_is_session(dev, fb->link->ses)) {
		pr_info("%s: the user's domain came back with another session; the old one ends\n", fb->name);
		fsva_disconnect(fb);
	}
	if (!fb->parked && READ_ONCE(fb->nr_links)) {
		xenbus_dev_fatal(dev, -EBUSY, "an earlier connection is not gone yet");
		return -EBUSY;
	}

	err = fsva_read_front(dev, "version", &version);
	if (!err && version != FSVA_VERSION)
		err = -EPROTONOSUPPORT;
	if (err) {
		xenbus_dev_fatal(dev, err, "reading version");
		return err;
	}
	err = fsva_read_front(dev, "num-queues", &nr_queues);
	if (!err && (nr_queues < 1 || nr_queues > fsva_max_queues()))
		err = -ERANGE;
	if (err) {
		xenbus_dev_fatal(dev, err, "reading num-queues");
		return err;
	}
	err = fsva_read_front(dev, "ring-page-order", &order);
	if (!err && order > FSVA_MAX_RING_ORDER)
		err = -ERANGE;
	if (err) {
		xenbus_dev_fatal(dev, err, "reading ring-page-order");
		return err;
	}
	for (i = 0; i < nr_queues; i++) {
		snprintf(node, sizeof(node), "queue-%u/ring-ref", i);
		err = fsva_read_front(dev, node, &ref[i]);
		if (!err) {
			snprintf(node, sizeof(node), "queue-%u/event-channel", i);
			err = fsva_read_front(dev, node, &port[i]);
		}
		if (err) {
			xenbus_dev_fatal(dev, err, "reading %s", node);
			return err;
		}
	}

	resume = fb->parked;
	if (!resume)
		err = fsva_link_create(fb, nr_queues, order, ref, port, fsva_read_signal(dev));
	else if (nr_queues != fb->link->nr_queues || order != fb->link->ring_order)
		err = -EPROTO;
	else
		err = fsva_link_renew(fb->link, ref, port);
	fb->parked = false;
	if (err) {
		fsva_disconnect(fb);
		xenbus_dev_fatal(dev, err, "connecting to the front");
		return err;
	}
	pr_info_ratelimited("%s: %s, %u queues of %u slots\n", fb->name, resume ? "connected again" : "connected",
			    nr_queues, FSVA_SLOTS_PER_PAGE << order);
	xenbus_switch_state(dev, XenbusStateConnected);
	return 0;
}

static void fsva_frontend_changed(struct xenbus_device *dev, enum xenbus_state state)
{
	struct fsva_back *fb = dev_get_drvdata(&dev->dev);

	if (!fb)
		return;
	mutex_lock(&fb->lock);
	/* What there is to see of a front that has not come yet means nothing; fsva_park_work() sets a limit. */
	if (fb->homeless || (fb->parked && state == XenbusStateUnknown)) {
		mutex_unlock(&fb->lock);
		return;
	}
	switch (state) {
	case XenbusStateInitialising:
		/* Also from Connected: a front that was started anew says nothing of its last life. */
		if (dev->state == XenbusStateInitialising || dev->state == XenbusStateInitWait || fb->going_down)
			break;
		fsva_disconnect(fb);
		xenbus_switch_state(dev, XenbusStateInitWait);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		if (dev->state == XenbusStateInitWait)
			fsva_connect(fb);
		break;
	case XenbusStateClosing:
		fsva_disconnect(fb);
		xenbus_switch_state(dev, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		fsva_disconnect(fb);
		xenbus_switch_state(dev, XenbusStateClosed);
		if (xenbus_dev_is_online(dev))
			break;
		fallthrough;
	case XenbusStateUnknown:
		fsva_disconnect(fb);
		/* Garbage in place of a state: it has closed, and may begin anew.  Nothing there: it is gone. */
		if (state == XenbusStateUnknown && xenbus_exists(XBT_NIL, dev->otherend, "state")) {
			xenbus_switch_state(dev, XenbusStateClosed);
			break;
		}
		mutex_unlock(&fb->lock);
		device_unregister(&dev->dev);
		return;
	default:
		break;
	}
	mutex_unlock(&fb->lock);
}

/* ---- What the toolstack says --------------------------------------------------------------------------- */

/* A string of the toolstack's, 1..max octets without control characters; *val is NULL when it may be absent and is. */
static int fsva_read_own(struct xenbus_device *dev, const char *node, size_t max, bool needed, char **val)
{
	unsigned int len;
	char *s;
	size_t i;

	s = xenbus_read(XBT_NIL, dev->nodename, node, &len);
	if (IS_ERR(s) && !needed && PTR_ERR(s) == -ENOENT)
		return 0;
	if (IS_ERR(s)) {
		xenbus_dev_fatal(dev, PTR_ERR(s), "reading %s", node);
		return PTR_ERR(s);
	}
	if (!needed && !*s) {
		kfree(s);
		return 0;
	}
	for (i = 0; s[i]; i++)
		if ((u8)s[i] < ' ' || (u8)s[i] == 0x7f)
			break;
	if (i == 0 || i > max || s[i] || i != len) {
		kfree(s);
		xenbus_dev_fatal(dev, -EINVAL, "%s is not a valid value", node);
		return -EINVAL;
	}
	*val = s;
	return 0;
}

int fsva_offer(struct xenbus_device *dev)
{
	const struct {
		const char *node;
		unsigned int value;
	} features[] = {
		{ "max-ring-page-order",	FSVA_MAX_RING_ORDER },
		{ "feature-event",		0 },
		{ "feature-mwait",		fsva_signal_have_mwait() },
		{ "feature-ubc",		fsva_ubc_can() },
		{ "feature-restore-grants",	1 },
	};
	unsigned int i;
	int err;

	err = xenbus_printf(XBT_NIL, dev->nodename, "versions", "%u", FSVA_VERSION);
	if (!err)
		err = xenbus_printf(XBT_NIL, dev->nodename, "max-queues", "%u", fsva_max_queues());
	for (i = 0; !err && i < ARRAY_SIZE(features); i++)
		err = xenbus_printf(XBT_NIL, dev->nodename, features[i].node, "%u", features[i].value);
	if (err)
		xenbus_dev_fatal(dev, err, "writing what is offered");
	return err;
}

/* One appliance, one user: add fb unless the devices there are serve another domain. */
static int fsva_back_list(struct fsva_back *fb)
{
	int err = 0;

	mutex_lock(&fsva_backs_lock);
	if (!list_empty(&fsva_backs) && fsva_user != fb->domid) {
		err = -EBUSY;
	} else {
		fsva_user = fb->domid;
		list_add_tail(&fb->node, &fsva_backs);
	}
	mutex_unlock(&fsva_backs_lock);
	return err;
}

static void fsva_back_unlist(struct fsva_back *fb)
{
	mutex_lock(&fsva_backs_lock);
	list_del_init(&fb->node);
	mutex_unlock(&fsva_backs_lock);
}

/* Its files in debugfs, under the user's number. */
void fsva_back_show(struct fsva_back *fb)
{
	fsva_stats_add(fb);
	debugfs_create_file("signal", 0644, fb->debugfs, fb, &fsva_sig_fops);
}

static int fsva_probe(struct xenbus_device *dev, const struct xenbus_device_id *id)
{
	struct fsva_back *fb;
	const char *slash;
	int err;

	fb = kzalloc(sizeof(*fb), GFP_KERNEL);
	if (!fb) {
		xenbus_dev_fatal(dev, -ENOMEM, "allocating the device");
		return -ENOMEM;
	}
	kref_init(&fb->ref);
	INIT_LIST_HEAD(&fb->node);
	mutex_init(&fb->lock);
	mutex_init(&fb->stats_lock);
	init_waitqueue_head(&fb->idle);
	INIT_DELAYED_WORK(&fb->park_work, fsva_park_work);
	fb->dev = dev;
	fb->domid = dev->otherend_id;
	slash = strrchr(dev->nodename, '/');
	err = slash ? kstrtouint(slash + 1, 10, &fb->devid) : -EINVAL;
	if (err) {
		xenbus_dev_fatal(dev, err, "%s names no device", dev->nodename);
		goto err_put;
	}

	err = fsva_read_own(dev, "tag", FSVA_TAG_MAX, true, &fb->tag);
	if (!err)
		err = fsva_read_own(dev, "fs", 31, true, &fb->fs);
	if (!err)
		err = fsva_read_own(dev, "dev", FSVA_PATH_MAX - 1, true, &fb->source);
	if (!err)
		err = fsva_read_own(dev, "options", FSVA_OPTIONS_MAX, false, &fb->options);
	if (err)
		goto err_put;
	snprintf(fb->name, sizeof(fb->name), "%u-%u (%s)", fb->domid, fb->devid, fb->tag);

	err = fsva_back_list(fb);
	if (err) {
		xenbus_dev_fatal(dev, err, "this appliance serves domain %u, and one only", fsva_user);
		xenbus_switch_state(dev, XenbusStateClosed);
		goto err_put;
	}
	fsva_back_show(fb);
	dev_set_drvdata(&dev->dev, fb);

	err = fsva_offer(dev);
	if (!err)
		err = xenbus_switch_state(dev, XenbusStateInitWait);
	if (err)
		goto err_unlist;
	return 0;

err_unlist:
	dev_set_drvdata(&dev->dev, NULL);
	fsva_stats_remove(fb);
	fsva_back_unlist(fb);
err_put:
	fsva_back_put(fb);
	return err;
}

static void fsva_remove(struct xenbus_device *dev)
{
	struct fsva_back *fb = dev_get_drvdata(&dev->dev);

	if (!fb)
		return;
	/* Not while a suspend looks at it. */
	fsva_back_unlist(fb);
	mutex_lock(&fb->lock);
	fsva_disconnect(fb);
	fb->dev = NULL;
	mutex_unlock(&fb->lock);
	cancel_delayed_work_sync(&fb->park_work);

	dev_set_drvdata(&dev->dev, NULL);
	fsva_stats_remove(fb);
	fsva_back_forget_node(fb);
	fsva_back_put(fb);
}

/* The appliance goes down: leave clean file systems behind. */
static int fsva_reboot(struct notifier_block *nb, unsigned long event, void *unused)
{
	struct fsva_back *fb;

	mutex_lock(&fsva_backs_lock);
	list_for_each_entry(fb, &fsva_backs, node) {
		mutex_lock(&fb->lock);
		fb->going_down = true;
		fsva_disconnect(fb);
		if (fb->dev)
			xenbus_switch_state(fb->dev, XenbusStateClosing);
		mutex_unlock(&fb->lock);
	}
	mutex_unlock(&fsva_backs_lock);
	return NOTIFY_DONE;
}

static struct notifier_block fsva_reboot_nb = {
	.notifier_call = fsva_reboot,
};

static const struct xenbus_device_id fsva_ids[] = {
	{ "fsva" },
	{ "" }
};

static struct xenbus_driver fsva_driver = {
	.ids = fsva_ids,
	.probe = fsva_probe,
	.remove = fsva_remove,
	.otherend_changed = fsva_frontend_changed,
};

int fsva_xenbus_init(void)
{
	int err;

	err = register_reboot_notifier(&fsva_reboot_nb);
	if (err)
		return err;
	err = fsva_migrate_init();
	if (err)
		goto err_notifier;
	err = xenbus_register_backend(&fsva_driver);
	if (err)
		goto err_migrate;
	return 0;

err_migrate:
	fsva_migrate_exit();
err_notifier:
	unregister_reboot_notifier(&fsva_reboot_nb);
	return err;
}

void fsva_xenbus_exit(void)
{
	xenbus_unregister_driver(&fsva_driver);
	fsva_migrate_exit();
	unregister_reboot_notifier(&fsva_reboot_nb);
}
