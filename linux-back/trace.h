/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h: tracepoints of fsva-back, /sys/kernel/tracing/events/fsva_back:
 *	fsva_back_call		the file system is about to be asked
 *	fsva_back_answer	what it said
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fsva_back

#if !defined(FSVA_BACK_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FSVA_BACK_TRACE_H

#include <linux/tracepoint.h>

#include "back.h"
#include "../linux-front/trace_op.h"

TRACE_EVENT(fsva_back_call,
	TP_PROTO(const struct fsva_call *c),
	TP_ARGS(c),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, len)
		__field(u16, domain)
		__field(u16, device)
		__field(u16, queue)
		__field(u16, op)
	),
	TP_fast_assign(
		__entry->id = c->req.id;
		__entry->len = c->req.data_len;
		__entry->domain = c->ses->fb->domid;
		__entry->device = c->ses->fb->devid;
		__entry->queue = c->q->index;
		__entry->op = c->req.op;
	),
	TP_printk("%u-%u queue=%u id=%llu %s data=%u", __entry->domain, __entry->device, __entry->queue, __entry->id,
		  FSVA_TRACE_OP(__entry->op), __entry->len)
);

TRACE_EVENT(fsva_back_answer,
	TP_PROTO(const struct fsva_call *c),
	TP_ARGS(c),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, error)
		__field(u32, len)
		__field(u16, domain)
		__field(u16, device)
		__field(u16, queue)
		__field(u16, op)
	),
	TP_fast_assign(
		__entry->id = c->req.id;
		__entry->error = c->rsp.error;
		__entry->len = c->rsp.data_len;
		__entry->domain = c->ses->fb->domid;
		__entry->device = c->ses->fb->devid;
		__entry->queue = c->q->index;
		__entry->op = c->req.op;
	),
	TP_printk("%u-%u queue=%u id=%llu %s error=%u data=%u", __entry->domain, __entry->device, __entry->queue,
		  __entry->id, FSVA_TRACE_OP(__entry->op), __entry->error, __entry->len)
);

#endif /* FSVA_BACK_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
