/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsva_xen.c: the user's pages and event channels, as xbdback maps and binds
 * them: xen_shm(9)'s address space is dom0's only.
 */
#include "fsva_kern.h"

/* ---- Grants ---- */

/* Address space for npages, with nothing in it. */
int
fsva_map_alloc(struct fsva_map *m, u_int npages)
{

	KASSERT(npages <= FSVA_MAX_SLOTS);
	m->m_npages = npages;
	m->m_nmapped = 0;
	m->m_va = uvm_km_alloc(kernel_map, npages * PAGE_SIZE, 0,
	    UVM_KMF_VAONLY);
	return m->m_va == 0 ? ENOMEM : 0;
}

/*
 * End the mappings.  Address space in which one cannot be ended is the user's
 * for good: it is left alone, and new taken for what comes.
 */
void
fsva_map_end(struct fsva_map *m)
{
	gnttab_unmap_grant_ref_t op;
	u_int i, lost = 0;

	for (i = 0; i < m->m_nmapped; i++) {
		op.host_addr = m->m_va + i * PAGE_SIZE;
		op.dev_bus_addr = 0;
		op.handle = m->m_handle[i];
		if (HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, &op,
		    1) != 0 || op.status != GNTST_okay)
			lost++;
	}
	m->m_nmapped = 0;
	if (lost == 0)
		return;
	printf("fsva: %u of the user's pages cannot be unmapped\n", lost);
	(void)fsva_map_alloc(m, m->m_npages);
}

/*
 * Map n grants, all or none.  Every one of a batch is looked at, and those
 * that were mapped are unmapped again.
 */
int
fsva_map_grants(struct fsva_map *m, domid_t domid, const uint32_t *refs,
    u_int n, bool readonly)
{
	gnttab_map_grant_ref_t op[16];
	u_int i, j, k, good = 0;
	bool failed = false;
	vaddr_t va;

	if (m->m_va == 0 || n > m->m_npages)
		return ENOMEM;
	KASSERT(m->m_nmapped == 0);
	for (i = 0; i < n && !failed; i += k) {
		k = MIN(n - i, __arraycount(op));
		for (j = 0; j < k; j++) {
			memset(&op[j], 0, sizeof(op[j]));
			op[j].host_addr = m->m_va + (i + j) * PAGE_SIZE;
			op[j].flags = GNTMAP_host_map |
			    (readonly ? GNTMAP_readonly : 0);
			op[j].ref = refs[i + j];
			op[j].dom = domid;
			op[j].status = GNTST_general_error;
		}
		if (HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, op, k))
			failed = true;
		for (j = 0; j < k; j++) {
			if (op[j].status != GNTST_okay) {
				failed = true;
				continue;
			}
			m->m_handle[i + j] = op[j].handle;
			if (!failed) {
				good++;
				continue;
			}
			/* Behind a failed one: not within [0, good). */
			gnttab_unmap_grant_ref_t un;

			va = m->m_va + (i + j) * PAGE_SIZE;
			un.host_addr = va;
			un.dev_bus_addr = 0;
			un.handle = op[j].handle;
			(void)HYPERVISOR_grant_table_op(
			    GNTTABOP_unmap_grant_ref, &un, 1);
		}
	}
	m->m_nmapped = good;
	if (failed) {
		fsva_map_end(m);
		return EFAULT;
	}
	return 0;
}

void
fsva_map_free(struct fsva_map *m)
{

	if (m->m_va == 0)
		return;
	fsva_map_end(m);
	if (m->m_va != 0)
		uvm_km_free(kernel_map, m->m_va, m->m_npages * PAGE_SIZE,
		    UVM_KMF_VAONLY);
	m->m_va = 0;
}

/* ---- Data of a call ---- */

int
fsva_data_map(struct fsva_call *c)
{
	struct fsva_worker *w = c->c_transport;
	struct fsva_queue *q = w->w_queue;
	const struct fsva_req *req = &c->c_req;
	struct fsva_data *d = &c->c_data;
	uint32_t refs[FSVA_MAX_GREFS];
	uint32_t left = req->data_len, off = req->data_off, n;
	uint8_t *base;
	int error;

	d->d_iovcnt = 0;
	if (left == 0)
		return 0;
	if (req->nr_grefs == 0) {
		d->d_iov[0].iov_base = q->q_staging +
		    (size_t)req->tag * PAGE_SIZE + off;
		d->d_iov[0].iov_len = left;
		d->d_iovcnt = 1;
		return 0;
	}
	memcpy(refs, fsva_wire_grefs(req), req->nr_grefs * sizeof(refs[0]));
	error = fsva_map_grants(&w->w_map, q->q_link->l_domid, refs,
	    req->nr_grefs, (c->c_row->flags & FSVA_F_DATA_OUT) == 0);
	if (error)
		return error;
	/* They are mapped one after another: one piece. */
	base = (uint8_t *)w->w_map.m_va;
	n = left;
	d->d_iov[0].iov_base = base + off;
	d->d_iov[0].iov_len = n;
	d->d_iovcnt = 1;
	return 0;
}

void
fsva_data_unmap(struct fsva_call *c)
{
	struct fsva_worker *w = c->c_transport;

	fsva_map_end(&w->w_map);
	c->c_data.d_iovcnt = 0;
}

/* ---- Event channels ---- */

static int
fsva_evtchn_handler(void *arg)
{

	fsva_queue_event(arg);
	return 1;
}

int
fsva_evtchn_bind(struct fsva_queue *q, uint32_t remote)
{
	evtchn_op_t op;

	memset(&op, 0, sizeof(op));
	op.cmd = EVTCHNOP_bind_interdomain;
	op.u.bind_interdomain.remote_dom = q->q_link->l_domid;
	op.u.bind_interdomain.remote_port = remote;
	if (HYPERVISOR_event_channel_op(&op) != 0)
		return EIO;
	q->q_port = op.u.bind_interdomain.local_port;
	event_set_handler(q->q_port, fsva_evtchn_handler, q, IPL_BIO, "fsva");
	hypervisor_enable_event(q->q_port);
	return 0;
}

void
fsva_evtchn_unbind(struct fsva_queue *q)
{
	evtchn_op_t op;

	if (q->q_port == 0)
		return;
	hypervisor_mask_event(q->q_port);
	event_remove_handler(q->q_port, fsva_evtchn_handler, q);
	memset(&op, 0, sizeof(op));
	op.cmd = EVTCHNOP_close;
	op.u.close.port = q->q_port;
	(void)HYPERVISOR_event_channel_op(&op);
	q->q_port = 0;
}
