// SPDX-License-Identifier: GPL-2.0
/*
 * usermem.c: memory that a file system takes for a user's.
 *
 * ->fiemap and ->unlocked_ioctl get addresses of user space and reach them by copy_to_user() only.  A worker has no
 * user space, so it borrows one: that of the process that loaded this module, which we keep when the process is
 * gone, emptied.  Nothing runs there; each call maps the pages that it needs and unmaps them.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>

#include "back.h"

static struct mm_struct *fsva_usermem_mm;
static DEFINE_MUTEX(fsva_usermem_mutex);	/* what follows */
static unsigned int fsva_usermem_users;		/* calls that have pages there */
static bool fsva_usermem_trimmed;

/* At load: current is the process that loads us. */
void fsva_usermem_init(void)
{
	if (!current->mm || (current->flags & PF_KTHREAD))
		return;
	mmget(current->mm);
	fsva_usermem_mm = current->mm;
}

void fsva_usermem_exit(void)
{
	if (fsva_usermem_mm)
		mmput(fsva_usermem_mm);
	fsva_usermem_mm = NULL;
}

bool fsva_usermem_ok(void)
{
	return fsva_usermem_mm;
}

/* Enter it.  Once the process is gone, so that we alone hold its memory, let go of what it left there. */
static void fsva_usermem_enter(void)
{
	kthread_use_mm(fsva_usermem_mm);
	mutex_lock(&fsva_usermem_mutex);
	if (!fsva_usermem_trimmed && !fsva_usermem_users && atomic_read(&fsva_usermem_mm->mm_users) == 1) {
		vm_munmap(0, TASK_SIZE);
		fsva_usermem_trimmed = true;
	}
	fsva_usermem_users++;
	mutex_unlock(&fsva_usermem_mutex);
}

static void fsva_usermem_leave(void)
{
	mutex_lock(&fsva_usermem_mutex);
	fsva_usermem_users--;
	mutex_unlock(&fsva_usermem_mutex);
	kthread_unuse_mm(fsva_usermem_mm);
}

/* Map len octets of zeros. */
int fsva_usermem_get(struct fsva_usermem *um, size_t len)
{
	um->borrowed = !current->mm;
	if (um->borrowed) {
		if (!fsva_usermem_mm)
			return -EOPNOTSUPP;
		fsva_usermem_enter();
	}
	um->len = PAGE_ALIGN(len);
	um->addr = vm_mmap(NULL, 0, um->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (!IS_ERR_VALUE(um->addr))
		return 0;
	if (um->borrowed)
		fsva_usermem_leave();
	return um->addr;
}

void fsva_usermem_put(struct fsva_usermem *um)
{
	vm_munmap(um->addr, um->len);
	if (um->borrowed)
		fsva_usermem_leave();
}
