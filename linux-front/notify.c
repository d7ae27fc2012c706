// SPDX-License-Identifier: GPL-2.0
/*
 * notify.c: how a queue's two ends wake each other when one has blocked, behind
 * one table of functions: event channels.  What watches in place of blocking is
 * in signal.c and ring.c, and needs nothing of the other end.
 */
#include <linux/interrupt.h>
#include <xen/events.h>
#include <xen/interface/event_channel.h>
#include <asm/xen/hypercall.h>

#include "front.h"

static irqreturn_t fsva_notify_event_irq(int irq, void *dev)
{
	struct fsva_ring *ring = dev;
	bool any = fsva_ring_event(ring);

	/*
	 * Events without an answer count against the back (the kernel then
	 * delays them), and a stopped back gets no further event through.
	 */
	if (!fsva_front_dead(ring->ff))
		xen_irq_lateeoi(irq, any ? 0 : XEN_EOI_FLAG_SPURIOUS);
	return IRQ_HANDLED;
}

static int fsva_notify_event_connect(struct fsva_ring *ring)
{
	struct xenbus_device *dev = ring->ff->xbdev;
	int err;

	err = xenbus_alloc_evtchn(dev, &ring->evtchn);
	if (err) {
		ring->evtchn = 0;
		return err;
	}
	err = bind_evtchn_to_irqhandler_lateeoi(ring->evtchn,
						fsva_notify_event_irq, 0,
						ring->name, ring);
	if (err < 0) {
		xenbus_free_evtchn(dev, ring->evtchn);
		ring->evtchn = 0;
		return err;
	}
	ring->irq = err;
	return 0;
}

static void fsva_notify_event_disconnect(struct fsva_ring *ring)
{
	if (ring->irq >= 0)
		unbind_from_irqhandler(ring->irq, ring);	/* and closes it */
	ring->irq = -1;
	ring->evtchn = 0;
}

static void fsva_notify_event_kick(struct fsva_ring *ring)
{
	notify_remote_via_irq(ring->irq);
}

/*
 * Is the other end still bound?  Xen unbinds it when the back's domain dies,
 * whether or not anybody has tidied up xenstore.
 */
static bool fsva_notify_event_alive(struct fsva_ring *ring)
{
	struct evtchn_status status = {
		.dom = DOMID_SELF,
		.port = ring->evtchn,
	};

	if (HYPERVISOR_event_channel_op(EVTCHNOP_status, &status))
		return false;
	return status.status == EVTCHNSTAT_interdomain;
}

const struct fsva_notify_ops fsva_notify_event = {
	.connect	= fsva_notify_event_connect,
	.disconnect	= fsva_notify_event_disconnect,
	.kick		= fsva_notify_event_kick,
	.alive		= fsva_notify_event_alive,
};
