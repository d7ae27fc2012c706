/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h: tracepoints of fsva-front, /sys/kernel/tracing/events/fsva_front:
 *	fsva_front_request	a request is made
 *	fsva_front_put		it is on the ring; event: the back is told
 *	fsva_front_watch	a watch of the ring is over, and how
 *	fsva_front_answer	a call is done: answered, or with its connection
 *	fsva_front_orphan	who waited was killed, or told to go
 *	fsva_front_state	the connection
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fsva_front

#if !defined(FSVA_FRONT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FSVA_FRONT_TRACE_H

#include <linux/tracepoint.h>

#include "front.h"
#include "trace_op.h"

DECLARE_EVENT_CLASS(fsva_front_call,
	TP_PROTO(const struct fsva_call *call),
	TP_ARGS(call),
	TP_STRUCT__entry(
		__array(char, device, FSVA_TAG_MAX + 1)
		__field(u64, id)
		__field(u32, len)
		__field(u16, op)
		__field(u16, queue)
	),
	TP_fast_assign(
		memcpy(__entry->device, call->ring->ff->tag, FSVA_TAG_MAX + 1);
		__entry->id = call->req.id;
		__entry->len = call->req.data_len;
		__entry->op = call->req.op;
		__entry->queue = call->ring->index;
	),
	TP_printk("%s queue=%u id=%llu %s data=%u", __entry->device,
		  __entry->queue, __entry->id, FSVA_TRACE_OP(__entry->op),
		  __entry->len)
);

DEFINE_EVENT(fsva_front_call, fsva_front_request,
	TP_PROTO(const struct fsva_call *call),
	TP_ARGS(call)
);

DEFINE_EVENT(fsva_front_call, fsva_front_orphan,
	TP_PROTO(const struct fsva_call *call),
	TP_ARGS(call)
);

TRACE_EVENT(fsva_front_put,
	TP_PROTO(const struct fsva_call *call, bool event),
	TP_ARGS(call, event),
	TP_STRUCT__entry(
		__array(char, device, FSVA_TAG_MAX + 1)
		__field(u64, id)
		__field(u16, queue)
		__field(bool, event)
	),
	TP_fast_assign(
		memcpy(__entry->device, call->ring->ff->tag, FSVA_TAG_MAX + 1);
		__entry->id = call->req.id;
		__entry->queue = call->ring->index;
		__entry->event = event;
	),
	TP_printk("%s queue=%u id=%llu event=%d", __entry->device,
		  __entry->queue, __entry->id, __entry->event)
);

TRACE_EVENT(fsva_front_watch,
	TP_PROTO(const struct fsva_ring *ring, enum fsva_watch_end end,
		 u64 took_ns),
	TP_ARGS(ring, end, took_ns),
	TP_STRUCT__entry(
		__array(char, device, FSVA_TAG_MAX + 1)
		__field(u64, took_ns)
		__field(u16, queue)
		__field(u16, end)
	),
	TP_fast_assign(
		memcpy(__entry->device, ring->ff->tag, FSVA_TAG_MAX + 1);
		__entry->took_ns = took_ns;
		__entry->queue = ring->index;
		__entry->end = end;
	),
	TP_printk("%s queue=%u %s ns=%llu", __entry->device, __entry->queue,
		  __print_symbolic(__entry->end,
				   { FSVA_WATCH_POLLED, "polled" },
				   { FSVA_WATCH_WOKEN, "woken" },
				   { FSVA_WATCH_MISSED, "missed" },
				   { FSVA_WATCH_BUSY, "busy" },
				   { FSVA_WATCH_YIELDED, "yielded" }),
		  __entry->took_ns)
);

TRACE_EVENT(fsva_front_answer,
	TP_PROTO(const struct fsva_call *call, int err, u64 took_ns),
	TP_ARGS(call, err, took_ns),
	TP_STRUCT__entry(
		__array(char, device, FSVA_TAG_MAX + 1)
		__field(u64, id)
		__field(u64, took_ns)
		__field(int, err)
		__field(u32, error)
		__field(u32, len)
		__field(u16, op)
		__field(u16, queue)
	),
	TP_fast_assign(
		memcpy(__entry->device, call->ring->ff->tag, FSVA_TAG_MAX + 1);
		__entry->id = call->req.id;
		__entry->took_ns = took_ns;
		__entry->err = err;
		__entry->error = err ? 0 : call->rsp.error;
		__entry->len = err ? 0 : call->rsp.data_len;
		__entry->op = call->req.op;
		__entry->queue = call->ring->index;
	),
	TP_printk("%s queue=%u id=%llu %s connection=%d error=%u data=%u ns=%llu",
		  __entry->device, __entry->queue, __entry->id,
		  FSVA_TRACE_OP(__entry->op), __entry->err, __entry->error,
		  __entry->len, __entry->took_ns)
);

TRACE_EVENT(fsva_front_state,
	TP_PROTO(const struct fsva_front *ff, enum fsva_front_state state),
	TP_ARGS(ff, state),
	TP_STRUCT__entry(
		__array(char, device, FSVA_TAG_MAX + 1)
		__field(u16, domain)
		__field(u16, state)
	),
	TP_fast_assign(
		memcpy(__entry->device, ff->tag, FSVA_TAG_MAX + 1);
		__entry->domain = ff->otherend;
		__entry->state = state;
	),
	TP_printk("%s domain=%u %s", __entry->device, __entry->domain,
		  __print_symbolic(__entry->state,
				   { FSVA_FRONT_NEW, "new" },
				   { FSVA_FRONT_OFFERED, "offered" },
				   { FSVA_FRONT_LIVE, "live" },
				   { FSVA_FRONT_DEAD, "dead" },
				   { FSVA_FRONT_CLOSED, "closed" }))
);

#endif /* FSVA_FRONT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
