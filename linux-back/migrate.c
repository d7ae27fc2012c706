// SPDX-License-Identifier: GPL-2.0
/*
 * migrate.c: this domain is suspended, and goes on here or somewhere else.
 *
 * Xen's suspend (drivers/xen/manage.c) freezes processes, then calls ->freeze of every device, and, in the domain
 * that goes on, ->thaw when it was cancelled (xl save -c, a migration that failed) or ->restore when it is another.
 * xenbus tells backend drivers nothing of it, so there is a platform device of ours.
 *
 *	freeze	every link is paused: no page of the user's stays mapped (fsva_link_pause()).  Calls that run go on.
 *	thaw	the links go on, with the same pages and event channels; the front has noticed nothing.
 *	restore	grants and event channels are gone, the domains have other numbers, and the kernel still knows
 *		our devices by their old nodes, of which there are none here.  The links are parked with all that
 *		their sessions have.  Each device takes up the node of its tag in the new backend directory, which
 *		the toolstack has made before it let us run: fsva_back_move().  Then it offers, as ever, and the
 *		front comes with its session.  A front that does not come in time is gone.
 *
 * The suspend runs in xenbus's thread for watches, so that no watch fires meanwhile.
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "back.h"

#define FSVA_LINKS_JIFFIES	(10 * HZ)	/* that a suspend waits for links that are being ended */
#define FSVA_NODE_JIFFIES	(HZ / 2)	/* between looks for a node */

static unsigned int park_seconds = 60;
module_param(park_seconds, uint, 0644);
MODULE_PARM_DESC(park_seconds, "how long a session waits for its front after this domain was restored");

/* ---- The node in the new domain ----------------------------------------------------------------------- */

/* Is it the node of a device that has found its own? */
static bool fsva_node_taken(const char *node)
{
	struct fsva_back *fb;

	list_for_each_entry(fb, &fsva_backs, node)
		if (fb->dev && !fb->homeless && !strcmp(fb->dev->nodename, node))
			return true;
	return false;
}

static bool fsva_node_has_tag(const char *node, const char *tag)
{
	char *s = xenbus_read(XBT_NIL, node, "tag", NULL);
	bool same;

	if (IS_ERR(s))
		return false;
	same = !strcmp(s, tag);
	kfree(s);
	return same;
}

/* The node of fb's tag among those of one user; the caller frees it. */
static char *fsva_node_find_of(struct fsva_back *fb, const char *user)
{
	char **devs, *dir, *node = NULL;
	unsigned int nr, i;

	dir = kasprintf(GFP_KERNEL, "backend/fsva/%s", user);
	if (!dir)
		return NULL;
	devs = xenbus_directory(XBT_NIL, dir, "", &nr);
	if (IS_ERR(devs))
		goto out;
	for (i = 0; i < nr && !node; i++) {
		node = kasprintf(GFP_KERNEL, "%s/%s", dir, devs[i]);
		if (node && (fsva_node_taken(node) || !fsva_node_has_tag(node, fb->tag))) {
			kfree(node);
			node = NULL;
		}
	}
	kfree(devs);
out:
	kfree(dir);
	return node;
}

static char *fsva_node_find(struct fsva_back *fb)
{
	char **users, *node = NULL;
	unsigned int nr, i;

	users = xenbus_directory(XBT_NIL, "backend/fsva", "", &nr);
	if (IS_ERR(users))
		return NULL;
	for (i = 0; i < nr && !node; i++)
		node = fsva_node_find_of(fb, users[i]);
	kfree(users);
	return node;
}

/* ---- A device moves ------------------------------------------------------------------------------------ */

/* The device gets the name back that the kernel has made it by.  fb is no longer in the list. */
void fsva_back_forget_node(struct fsva_back *fb)
{
	struct xenbus_device *dev = fb->moved;

	if (!dev)
		return;
	if (!fb->homeless)
		xenbus_switch_state(dev, XenbusStateClosed);
	if (dev->nodename != fb->born_as)
		kfree(dev->nodename);
	dev->nodename = fb->born_as;
	fb->moved = NULL;
}

/* What the kernel's own talk_to_otherend() would do of a frontend's device, were this one. */
static int fsva_back_move_to(struct fsva_back *fb, const char *node)
{
	struct xenbus_device *dev = fb->dev;
	char *front, *state;
	int id, err;

	err = xenbus_gather(XBT_NIL, node, "frontend-id", "%i", &id, "frontend", NULL, &front, NULL);
	if (err)
		return err;
	state = kasprintf(GFP_KERNEL, "%s/state", front);
	if (!state || id < 0 || id >= DOMID_FIRST_RESERVED) {
		kfree(state);
		kfree(front);
		return state ? -EINVAL : -ENOMEM;
	}

	if (fb->moved && dev->nodename != fb->born_as)
		kfree(dev->nodename);
	if (!fb->moved)
		fb->born_as = dev->nodename;
	fb->moved = dev;
	dev->nodename = node;
	kfree(dev->otherend);
	dev->otherend = front;
	dev->otherend_id = id;
	/* xenbus_switch_state() believes it. */
	dev->state = XenbusStateInitialising;
	fb->homeless = false;

	fb->domid = id;
	fsva_user = id;
	snprintf(fb->name, sizeof(fb->name), "%u-%u (%s)", fb->domid, fb->devid, fb->tag);

	err = fsva_offer(dev);
	if (!err)
		err = xenbus_switch_state(dev, XenbusStateInitWait);
	/* It has a watch of its own for each device, which said nothing since restore. */
	if (!err)
		err = xenbus_watch_path(dev, state, &dev->otherend_watch, dev->otherend_watch.will_handle,
					dev->otherend_watch.callback);
	if (err) {
		kfree(state);
		dev->otherend_watch.node = NULL;
	}
	return 0;
}

/* fsva_backs_lock and fb->lock are held.  False: there is no node yet. */
static bool fsva_back_move(struct fsva_back *fb)
{
	char *node = fsva_node_find(fb);
	int err;

	if (!node)
		return false;
	err = fsva_back_move_to(fb, node);
	if (err) {
		kfree(node);
		return false;
	}
	pr_info("%s: moved to domain %u\n", fb->name, fb->domid);
	return true;
}

/* Without fb->lock, which readers of these files take. */
static void fsva_back_show_again(struct fsva_back *fb)
{
	fsva_stats_remove(fb);
	fsva_back_show(fb);
}

/* The session is parked.  Look for our node, if need be, and for the end of our patience. */
void fsva_park_work(struct work_struct *work)
{
	struct fsva_back *fb = container_of(to_delayed_work(work), struct fsva_back, park_work);
	bool moved = false;

	mutex_lock(&fsva_backs_lock);
	mutex_lock(&fb->lock);
	if (fb->homeless && fb->dev && !list_empty(&fb->node))
		moved = fsva_back_move(fb);
	mutex_unlock(&fsva_backs_lock);
	if (fb->parked && time_after_eq(jiffies, fb->parked_until)) {
		pr_err("%s: the user's domain did not come back; its session ends\n", fb->name);
		fsva_disconnect(fb);
	}
	if (fb->parked || (fb->homeless && time_before(jiffies, fb->parked_until)))
		queue_delayed_work(fsva_wq, &fb->park_work, FSVA_NODE_JIFFIES);
	mutex_unlock(&fb->lock);
	if (moved)
		fsva_back_show_again(fb);
}

/* ---- The suspend --------------------------------------------------------------------------------------- */

/* fb->lock is held. */
static int fsva_back_pause(struct fsva_back *fb)
{
	int err = 0;

	/* Links that end may have something mapped yet. */
	if (!wait_event_timeout(fb->idle, READ_ONCE(fb->nr_links) <= !!fb->link, FSVA_LINKS_JIFFIES))
		err = -EBUSY;
	else if (fb->link && !fb->parked)
		err = fsva_link_pause(fb->link);
	if (err)
		pr_err("%s: a call holds the user's memory; this domain cannot be suspended now\n", fb->name);
	return err;
}

/* fb->lock is held.  It was paused. */
static void fsva_back_go_on(struct fsva_back *fb)
{
	int err;

	if (!fb->link || fb->parked)
		return;
	err = fsva_link_unpause(fb->link);
	if (!err)
		return;
	pr_err("%s: the user's memory can't be mapped any more: error %d\n", fb->name, err);
	fsva_disconnect(fb);
	if (fb->dev)
		xenbus_switch_state(fb->dev, XenbusStateClosing);
}

static int fsva_freeze(struct device *unused)
{
	struct fsva_back *fb;
	int err = 0;

	mutex_lock(&fsva_backs_lock);
	list_for_each_entry(fb, &fsva_backs, node) {
		mutex_lock(&fb->lock);
		err = fsva_back_pause(fb);
		mutex_unlock(&fb->lock);
		if (err)
			break;
		atomic64_inc(&fb->stats.suspends);
	}
	/* Who fails to freeze is not thawed. */
	if (err) {
		list_for_each_entry_continue_reverse(fb, &fsva_backs, node) {
			mutex_lock(&fb->lock);
			fsva_back_go_on(fb);
			mutex_unlock(&fb->lock);
		}
	}
	mutex_unlock(&fsva_backs_lock);
	return err;
}

static int fsva_thaw(struct device *unused)
{
	struct fsva_back *fb;

	mutex_lock(&fsva_backs_lock);
	list_for_each_entry(fb, &fsva_backs, node) {
		mutex_lock(&fb->lock);
		fsva_back_go_on(fb);
		mutex_unlock(&fb->lock);
	}
	mutex_unlock(&fsva_backs_lock);
	return 0;
}

static int fsva_restore(struct device *unused)
{
	struct fsva_back *fb;
	bool moved;

	mutex_lock(&fsva_backs_lock);
	list_for_each_entry(fb, &fsva_backs, node) {
		mutex_lock(&fb->lock);
		fb->homeless = true;
		fb->parked_until = jiffies + park_seconds * HZ;
		/* Its old node's; a watch that fired in between would find nobody there. */
		if (fb->dev->otherend_watch.node) {
			unregister_xenbus_watch(&fb->dev->otherend_watch);
			kfree(fb->dev->otherend_watch.node);
			fb->dev->otherend_watch.node = NULL;
		}
		if (fb->link) {
			fsva_link_park(fb->link);
			fb->parked = true;
		}
		mutex_unlock(&fb->lock);
	}
	list_for_each_entry(fb, &fsva_backs, node) {
		mutex_lock(&fb->lock);
		moved = fsva_back_move(fb);
		mutex_unlock(&fb->lock);
		if (moved)
			fsva_back_show_again(fb);
		else
			pr_info("%s: no device of this tag in the new domain yet\n", fb->name);
		queue_delayed_work(fsva_wq, &fb->park_work, FSVA_NODE_JIFFIES);
	}
	mutex_unlock(&fsva_backs_lock);
	return 0;
}

static const struct dev_pm_ops fsva_pm_ops = {
	.freeze = fsva_freeze,
	.thaw = fsva_thaw,
	.restore = fsva_restore,
};

static struct platform_driver fsva_platform_driver = {
	.driver = {
		.name = "fsva-back",
		.pm = &fsva_pm_ops,
	},
};

static struct platform_device *fsva_platform_device;

int fsva_migrate_init(void)
{
	int err = platform_driver_register(&fsva_platform_driver);

	if (err)
		return err;
	fsva_platform_device = platform_device_register_simple("fsva-back", PLATFORM_DEVID_NONE, NULL, 0);
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
