// SPDX-License-Identifier: GPL-2.0-only
/* ops_map.c: files in memory, mixed with all that is done to them otherwise. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parity.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static sigjmp_buf caught;
static volatile sig_atomic_t which;

static void on_signal(int sig)
{
	which = sig;
	siglongjmp(caught, 1);
}

static void forget(struct mapping *m)
{
	munmap(m->at, m->len);
	close(m->fd);
	m->at = NULL;
}

static struct mapping *some_mapping(void)
{
	unsigned int at = pick(NR_MAPS);

	for (unsigned int i = 0; i < NR_MAPS; i++) {
		struct mapping *m = &me.maps[(at + i) % NR_MAPS];

		if (m->at) {
			say(" map%u", (at + i) % NR_MAPS);
			return m;
		}
	}
	say(" none");
	return NULL;
}

static void op_mmap(void)
{
	struct mapping *m = &me.maps[pick(NR_MAPS)];
	int prot = ONE_OF(PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
			  PROT_READ | PROT_EXEC, PROT_NONE), fd;
	int flags = ONE_OF(MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE) |
		    ONE_OF(0, 0, 0, MAP_POPULATE, MAP_LOCKED);
	off_t off = PAGE * pick(one_in(4) ? 64 : 4);
	size_t len = one_in(3) ? 1 + pick(60000) : 1 + pick(9000);
	void *p;

	if (one_in(40))
		flags = MAP_SHARED_VALIDATE | 0x80000;	/* MAP_SYNC */
	if (m->at)
		forget(m);
	some_fd(&fd);
	look_fd(fd);
	say(" %d %#x %lld+%zu", prot, flags, (long long)off, len);
	p = mmap(NULL, len, prot, flags, fd, off);
	say_result(p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	m->at = p;
	m->len = (len + PAGE - 1) & ~(PAGE - 1ul);
	m->off = off;
	m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	m->shared = (flags & 3) != MAP_PRIVATE;
	say(" map%d", (int)(m - me.maps));
}

static void op_load(void)
{
	struct mapping *m = some_mapping();
	volatile uint64_t all = 0;
	volatile size_t from, to;

	if (!m)
		return;
	signal(SIGBUS, on_signal);
	signal(SIGSEGV, on_signal);
	from = pick(m->len / PAGE);
	to = from + 1 + pick(4);
	if (to * PAGE > m->len)
		to = m->len / PAGE;
	say(" pages %zu-%zu", (size_t)from, (size_t)to);
	for (volatile size_t i = from; i < to; i++) {
		if (!sigsetjmp(caught, 1)) {
			memcpy(buf, m->at + i * PAGE, PAGE);
			all = all * 31 + hash(buf, PAGE);
		} else {
			say(" %s %zu", which == SIGBUS ? "BUS" : "SEGV", (size_t)i);
		}
	}
	say(" %010llx", (unsigned long long)(all & 0xffffffffffull));
}

/*
 * XFS and bcachefs give a whole folio room on the disk where a page of it is stored to, and how large that is depends
 * on what was read ahead: so nothing is stored through mappings of files with holes there.
 */
static bool makes_holes_data(const struct mapping *m)
{
	struct stat st;
	off_t at, hole;

	if (!me.large_folios || fstat(m->fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return false;
	at = lseek(m->fd, 0, SEEK_CUR);
	hole = lseek(m->fd, 0, SEEK_HOLE);
	lseek(m->fd, at, SEEK_SET);
	return hole < st.st_size;
}

/* Within the file, or where there is no page: what is stored behind the end in the last one is nobody's promise. */
static void op_store(void)
{
	struct mapping *m = some_mapping();
	volatile size_t from, len;
	struct stat st;

	if (!m)
		return;
	signal(SIGBUS, on_signal);
	signal(SIGSEGV, on_signal);
	from = pick(m->len);
	len = 1 + (one_in(3) ? pick(9000) : pick(300));
	if (from + len > m->len)
		len = m->len - from;
	if (fstat(m->fd, &st))
		return;
	if (makes_holes_data(m)) {
		say(" holes");
		return;
	}
	if (m->off + (off_t)(from + len) > st.st_size && S_ISREG(st.st_mode)) {
		off_t last = (st.st_size + PAGE - 1) & ~(PAGE - 1ll);

		if (m->off + (off_t)from < st.st_size)
			len = st.st_size - m->off - from;
		else if (m->off + (off_t)from < last)
			len = 0;
		else if (from / PAGE != (from + len - 1) / PAGE)
			len = PAGE - from % PAGE;
	}
	say(" %zu+%zu", (size_t)from, (size_t)len);
	fill(len);
	if (!sigsetjmp(caught, 1))
		memcpy(m->at + from, buf, len);
	else
		say(" %s", which == SIGBUS ? "BUS" : "SEGV");
}

static void op_msync(void)
{
	struct mapping *m = some_mapping();
	int flags = ONE_OF(MS_SYNC, MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE, MS_SYNC | MS_ASYNC);

	if (!m)
		return;
	say(" %d", flags);
	say_result(msync(m->at, m->len, flags));
}

static void op_munmap(void)
{
	struct mapping *m = some_mapping();

	if (m)
		forget(m);
}

static void op_mprotect(void)
{
	struct mapping *m = some_mapping();
	int prot = ONE_OF(PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE, PROT_READ | PROT_WRITE);

	if (!m)
		return;
	say(" %d", prot);
	say_result(mprotect(m->at, m->len, prot));
}

static void op_madvise(void)
{
	struct mapping *m = some_mapping();
	int what = ONE_OF(MADV_DONTNEED, MADV_WILLNEED, MADV_SEQUENTIAL, MADV_REMOVE, MADV_POPULATE_READ,
			  MADV_POPULATE_WRITE, MADV_DONTFORK, 99);
	size_t from, len;
	struct stat st;

	if (!m)
		return;
	from = PAGE * pick(m->len / PAGE);
	len = m->len - from;
	if (what == MADV_POPULATE_WRITE &&
	    (makes_holes_data(m) || fstat(m->fd, &st) || m->off + (off_t)(from + len) > st.st_size))
		what = MADV_POPULATE_READ;
	say(" %d %zu", what, from);
	say_result(madvise(m->at + from, len, what));
}

static void op_mlock(void)
{
	struct mapping *m = some_mapping();

	if (!m)
		return;
	say_result(mlock(m->at, m->len));
	say_result(munlock(m->at, m->len));
}

static void op_mremap(void)
{
	struct mapping *m = some_mapping();
	size_t len = PAGE * (1 + pick(20));
	void *p;

	if (!m)
		return;
	p = mremap(m->at, m->len, len, MREMAP_MAYMOVE);
	say(" %zu", len);
	say_result(p == MAP_FAILED ? -1 : 0);
	if (p == MAP_FAILED)
		return;
	m->at = p;
	m->len = len;
}

const struct op ops_map[] = {
	{ "mmap", 40, ALL, op_mmap },
	{ "load", 40, ALL, op_load },
	{ "store", 45, ALL, op_store },
	{ "msync", 10, ALL, op_msync },
	{ "munmap", 8, ALL, op_munmap },
	{ "mprotect", 6, ALL, op_mprotect },
	{ "madvise", 10, ALL, op_madvise },
	{ "mlock", 3, ALL, op_mlock },
	{ "mremap", 4, ALL, op_mremap },
	{ 0 },
};
