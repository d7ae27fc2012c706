/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_xenbus.c: a device: the toolstack's keys, the handshake, the close.
 *
 * xenbus tells us in its one thread of all devices that the front's state has
 * changed; nothing waits there.  Each device has a thread of its own, which
 * looks at both states and does what comes next:
 *
 *	front Initialising		InitWait, from any state
 *	front Initialised, Connected	connect, then Connected
 *	front Closing, Closed		end the link, unmount; the same state
 *
 * A device stays for the front's next life as long as the toolstack keeps it
 * online.  NetBSD's xenbus probes a directory once, when it appears.
 */
#include "fsva_kern.h"

static LIST_HEAD(, fsva_back) fsva_backs;
static kmutex_t fsva_backs_lock;

/* ---- Keys ---- */

/* A string of at most size - 1 octets; ENOENT when there is none. */
static int
fsva_xs_read(const char *dir, const char *node, char *buf, size_t size)
{
	unsigned int len;
	char *val;
	int error;

	error = xenbus_read(NULL, dir, node, &len, &val);
	if (error)
		return error;
	if (strlen(val) >= size)
		error = E2BIG;
	else
		strlcpy(buf, val, size);
	free(val, M_DEVBUF);
	return error;
}

/* A whole decimal number up to max. */
static int
fsva_xs_number(const char *dir, const char *node, uint32_t max, uint32_t *np)
{
	char buf[12];
	uint64_t n = 0;
	u_int i;
	int error;

	error = fsva_xs_read(dir, node, buf, sizeof(buf));
	if (error)
		return error;
	for (i = 0; buf[i] >= '0' && buf[i] <= '9'; i++)
		n = n * 10 + (buf[i] - '0');
	if (i == 0 || buf[i] != '\0' || n > max)
		return EINVAL;
	*np = (uint32_t)n;
	return 0;
}

/* A string of the toolstack's, without control characters. */
static int
fsva_xs_own(struct fsva_back *fb, const char *node, bool needed, char *buf,
    size_t size)
{
	u_int i;
	int error;

	buf[0] = '\0';
	error = fsva_xs_read(fb->fb_xbusd->xbusd_path, node, buf, size);
	if (error == ENOENT && !needed)
		return 0;
	for (i = 0; !error && buf[i] != '\0'; i++)
		if ((uint8_t)buf[i] <= ' ' || buf[i] == 0x7f)
			error = EINVAL;
	if (!error && needed && buf[0] == '\0')
		error = EINVAL;
	if (error)
		xenbus_dev_fatal(fb->fb_xbusd, error, "%s is not usable", node);
	return error;
}

static void
fsva_back_state(struct fsva_back *fb, XenbusState state)
{

	fb->fb_state = state;
	(void)xenbus_switch_state(fb->fb_xbusd, NULL, state);
}

static int
fsva_offer(struct fsva_back *fb)
{
	static const struct {
		const char *node;
		u_int value;
	} offers[] = {
		{ "versions", FSVA_VERSION },
		{ "max-queues", FSVA_NR_QUEUES },
		{ "max-ring-page-order", FSVA_MAX_RING_ORDER },
		{ "feature-event", 0 },
		{ "feature-mwait", 0 },
		{ "feature-ubc", 0 },
		{ "feature-restore-grants", 0 },
	};
	u_int i;
	int error = 0;

	for (i = 0; i < __arraycount(offers) && !error; i++)
		error = xenbus_printf(NULL, fb->fb_xbusd->xbusd_path,
		    offers[i].node, "%u", offers[i].value);
	return error;
}

/* ---- Connecting ---- */

static int
fsva_connect(struct fsva_back *fb)
{
	struct xenbus_device *xbusd = fb->fb_xbusd;
	const char *dir = xbusd->xbusd_otherend;
	uint32_t version, nqueues, order, ref[FSVA_NR_QUEUES];
	uint32_t port[FSVA_NR_QUEUES];
	char node[32];
	u_int i;
	int error;

	error = fsva_xs_number(dir, "version", UINT32_MAX, &version);
	if (!error && version != FSVA_VERSION)
		error = EINVAL;
	if (error) {
		xenbus_dev_fatal(xbusd, error, "reading version");
		return error;
	}
	error = fsva_xs_number(dir, "num-queues", FSVA_NR_QUEUES, &nqueues);
	if (!error && nqueues == 0)
		error = EINVAL;
	if (error) {
		xenbus_dev_fatal(xbusd, error, "reading num-queues");
		return error;
	}
	error = fsva_xs_number(dir, "ring-page-order", FSVA_MAX_RING_ORDER,
	    &order);
	if (error) {
		xenbus_dev_fatal(xbusd, error, "reading ring-page-order");
		return error;
	}
	for (i = 0; i < nqueues; i++) {
		snprintf(node, sizeof(node), "queue-%u/ring-ref", i);
		error = fsva_xs_number(dir, node, UINT32_MAX, &ref[i]);
		if (!error) {
			snprintf(node, sizeof(node), "queue-%u/event-channel",
			    i);
			error = fsva_xs_number(dir, node, UINT32_MAX,
			    &port[i]);
		}
		if (error) {
			xenbus_dev_fatal(xbusd, error, "reading %s", node);
			return error;
		}
	}
	error = fsva_link_create(fb, nqueues, order, ref, port, &fb->fb_link);
	if (error) {
		xenbus_dev_fatal(xbusd, error, "connecting to the front");
		return error;
	}
	printf("%s: connected, %u slots\n", fb->fb_name,
	    FSVA_SLOTS_PER_PAGE << order);
	return 0;
}

static void
fsva_disconnect(struct fsva_back *fb)
{

	if (fb->fb_link == NULL)
		return;
	fsva_link_destroy(fb->fb_link);
	fb->fb_link = NULL;
	mutex_enter(&fb->fb_lock);
	fb->fb_broken = false;
	mutex_exit(&fb->fb_lock);
}

/* Look at both states and do what comes next.  In the device's thread. */
static void
fsva_back_work(struct fsva_back *fb, bool broken)
{
	XenbusState front;

	if (broken) {
		fsva_disconnect(fb);
		fsva_back_state(fb, XenbusStateClosing);
	}
	front = xenbus_read_driver_state(fb->fb_xbusd->xbusd_otherend);
	switch (front) {
	case XenbusStateInitialising:
		if (fb->fb_state == XenbusStateInitWait)
			break;
		fsva_disconnect(fb);
		fsva_back_state(fb, XenbusStateInitWait);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
		if (fb->fb_state != XenbusStateInitWait)
			break;
		if (fsva_connect(fb) == 0)
			fsva_back_state(fb, XenbusStateConnected);
		else
			fb->fb_state = XenbusStateClosing;
		break;
	case XenbusStateClosing:
		fsva_disconnect(fb);
		fsva_back_state(fb, XenbusStateClosing);
		break;
	case XenbusStateClosed:
		fsva_disconnect(fb);
		fsva_back_state(fb, XenbusStateClosed);
		break;
	default:
		break;
	}
}

static void
fsva_back_thread(void *arg)
{
	struct fsva_back *fb = arg;
	bool broken;

	mutex_enter(&fb->fb_lock);
	while (!fb->fb_dying) {
		if (!fb->fb_kick) {
			cv_wait(&fb->fb_cv, &fb->fb_lock);
			continue;
		}
		fb->fb_kick = false;
		broken = fb->fb_broken;
		mutex_exit(&fb->fb_lock);
		fsva_back_work(fb, broken);
		mutex_enter(&fb->fb_lock);
	}
	mutex_exit(&fb->fb_lock);
	fsva_disconnect(fb);
	mutex_enter(&fb->fb_lock);
	fb->fb_gone = true;
	cv_broadcast(&fb->fb_cv);
	mutex_exit(&fb->fb_lock);
	kthread_exit(0);
}

static void
fsva_back_kick(struct fsva_back *fb)
{

	mutex_enter(&fb->fb_lock);
	fb->fb_kick = true;
	cv_broadcast(&fb->fb_cv);
	mutex_exit(&fb->fb_lock);
}

/* The front broke the rules: from a worker. */
void
fsva_back_broken(struct fsva_back *fb, const char *why, u_int queue)
{

	printf("%s: %s on queue %u: connection stopped\n", fb->fb_name, why,
	    queue);
	mutex_enter(&fb->fb_lock);
	fb->fb_broken = true;
	fb->fb_kick = true;
	cv_broadcast(&fb->fb_cv);
	mutex_exit(&fb->fb_lock);
}

/* ---- From xenbus ---- */

static void
fsva_frontend_changed(void *arg, XenbusState state)
{

	fsva_back_kick(arg);
}

static void
fsva_back_free(struct fsva_back *fb)
{

	mutex_enter(&fsva_backs_lock);
	LIST_REMOVE(fb, fb_entry);
	mutex_exit(&fsva_backs_lock);
	cv_destroy(&fb->fb_cv);
	mutex_destroy(&fb->fb_lock);
	kmem_free(fb, sizeof(*fb));
}

/*
 * The front has closed, or is no more.  EBUSY keeps the device, for the
 * front's next life or until a call that is stuck has ended.
 */
static int
fsva_detach(void *arg)
{
	struct fsva_back *fb = arg;
	uint32_t online;
	bool gone;

	if (fsva_xs_number(fb->fb_xbusd->xbusd_path, "online", 1, &online) == 0
	    && online != 0) {
		fsva_back_kick(fb);
		return EBUSY;
	}
	mutex_enter(&fb->fb_lock);
	fb->fb_dying = true;
	cv_broadcast(&fb->fb_cv);
	if (!fb->fb_gone)
		(void)cv_timedwait(&fb->fb_cv, &fb->fb_lock, 30 * hz);
	gone = fb->fb_gone;
	mutex_exit(&fb->fb_lock);
	if (!gone) {
		printf("%s: a call is stuck in the file system\n",
		    fb->fb_name);
		return EBUSY;
	}
	fsva_back_free(fb);
	return 0;
}

/* One appliance, one user. */
static int
fsva_back_list(struct fsva_back *fb)
{
	struct fsva_back *other;
	int error = 0;

	mutex_enter(&fsva_backs_lock);
	LIST_FOREACH(other, &fsva_backs, fb_entry)
		if (other->fb_domid != fb->fb_domid)
			error = EBUSY;
	if (!error)
		LIST_INSERT_HEAD(&fsva_backs, fb, fb_entry);
	mutex_exit(&fsva_backs_lock);
	return error;
}

static int
fsva_back_keys(struct fsva_back *fb)
{
	const char *slash = strrchr(fb->fb_xbusd->xbusd_path, '/');
	uint64_t devid = 0;
	const char *p;
	int error;

	for (p = slash + 1; *p >= '0' && *p <= '9' && devid < 65536; p++)
		devid = devid * 10 + (*p - '0');
	if (*p != '\0' || p == slash + 1) {
		xenbus_dev_fatal(fb->fb_xbusd, EINVAL, "%s names no device",
		    fb->fb_xbusd->xbusd_path);
		return EINVAL;
	}
	fb->fb_devid = (u_int)devid;
	error = fsva_xs_own(fb, "tag", true, fb->fb_tag, sizeof(fb->fb_tag));
	if (!error)
		error = fsva_xs_own(fb, "fs", true, fb->fb_fs,
		    sizeof(fb->fb_fs));
	if (!error)
		error = fsva_xs_own(fb, "dev", true, fb->fb_dev,
		    sizeof(fb->fb_dev));
	if (!error)
		error = fsva_xs_own(fb, "options", false, fb->fb_options,
		    sizeof(fb->fb_options));
	snprintf(fb->fb_name, sizeof(fb->fb_name), "fsva%u-%u (%s)",
	    fb->fb_domid, fb->fb_devid, fb->fb_tag);
	snprintf(fb->fb_dir, sizeof(fb->fb_dir), "/fsva/%u", fb->fb_devid);
	fb->fb_src.src_name = fb->fb_name;
	fb->fb_src.src_fs = fb->fb_fs;
	fb->fb_src.src_dev = fb->fb_dev;
	fb->fb_src.src_options = fb->fb_options;
	fb->fb_src.src_dir = fb->fb_dir;
	return error;
}

static int
fsva_create(struct xenbus_device *xbusd)
{
	struct fsva_back *fb;
	int error;

	fb = kmem_zalloc(sizeof(*fb), KM_SLEEP);
	fb->fb_xbusd = xbusd;
	fb->fb_domid = xbusd->xbusd_otherend_id;
	fb->fb_state = XenbusStateInitialising;
	error = fsva_back_keys(fb);
	if (error)
		goto err_free;
	error = fsva_back_list(fb);
	if (error) {
		xenbus_dev_fatal(xbusd, error,
		    "this appliance serves another domain");
		(void)xenbus_switch_state(xbusd, NULL, XenbusStateClosed);
		goto err_free;
	}
	mutex_init(&fb->fb_lock, MUTEX_DEFAULT, IPL_NONE);
	cv_init(&fb->fb_cv, "fsvadev");
	error = fsva_offer(fb);
	if (error) {
		xenbus_dev_fatal(xbusd, error, "writing what is offered");
		goto err_list;
	}
	xbusd->xbusd_u.b.b_cookie = fb;
	xbusd->xbusd_u.b.b_detach = fsva_detach;
	xbusd->xbusd_otherend_changed = fsva_frontend_changed;
	error = kthread_create(PRI_NONE, KTHREAD_MPSAFE, NULL,
	    fsva_back_thread, fb, NULL, "fsva%u.%u", fb->fb_domid,
	    fb->fb_devid);
	if (error) {
		xenbus_dev_fatal(xbusd, error, "starting a thread");
		goto err_list;
	}
	/* A front that is there already waits in Initialising. */
	fsva_back_kick(fb);
	printf("%s: %s on %s\n", fb->fb_name, fb->fb_fs, fb->fb_dev);
	return 0;

err_list:
	fsva_back_free(fb);
	return error;
err_free:
	kmem_free(fb, sizeof(*fb));
	return error;
}

static struct xenbus_backend_driver fsva_driver = {
	.xbakd_create = fsva_create,
	.xbakd_type = "fsva"
};

void fsvaattach(int);

void
fsvaattach(int n)
{

	mutex_init(&fsva_backs_lock, MUTEX_DEFAULT, IPL_NONE);
	LIST_INIT(&fsva_backs);
	fsva_kauth_init();
	fsva_ctl_init();
	xenbus_backend_register(&fsva_driver);
}
