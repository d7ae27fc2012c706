/* SPDX-License-Identifier: GPL-2.0 */
/* trace_op.h: the name of an operation in the text of a tracepoint, of either module */
#ifndef FSVA_TRACE_OP_H
#define FSVA_TRACE_OP_H

#include "fsvaif.h"

#define FSVA_TRACE_OP_ROW(nr, NAME, name, flags) { nr, #name },
#define FSVA_TRACE_OP(op) \
	__print_symbolic(op, FSVA_OPS(FSVA_TRACE_OP_ROW) { FSVA_OP_MAX, "?" })

#endif /* FSVA_TRACE_OP_H */
