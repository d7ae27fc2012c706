/* SPDX-License-Identifier: GPL-2.0 */
/*
 * call.h: what the files that pack calls share: call.c and call_attr.c.
 */
#ifndef FSVA_FRONT_CALL_H
#define FSVA_FRONT_CALL_H

#include "front.h"

#define fsva_call_req(call)	((void *)(call)->req.body)
#define fsva_call_rsp(call)	((const void *)(call)->rsp.body)

int fsva_call_errno(u32 error);
struct fsva_call *fsva_call_begin(struct fsva_front *ff, u16 op,
				  const struct cred *cred);
struct fsva_call *fsva_call_start(struct fsva_front *ff, u16 op);
struct fsva_call *fsva_call_start_on(struct fsva_front *ff, u16 op,
				     const struct inode *inode);
int fsva_call_run(struct fsva_call **callp);
void fsva_call_end(struct fsva_call *call);
void fsva_call_doubt(struct fsva_front *ff, u16 op);
int fsva_call_finish(struct fsva_call *call, void *rsp, size_t size);
int fsva_call_room(struct fsva_call *call, size_t len);
void fsva_call_room_data(struct fsva_call *call, size_t len);

#endif /* FSVA_FRONT_CALL_H */
