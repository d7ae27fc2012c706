// SPDX-License-Identifier: GPL-2.0-only
/*
 * mwait-test: SCHEDOP_mwait (xen-patches/) as a guest's user space sees it.
 *
 * Root can make hypercalls through /dev/xen/privcmd, and Xen takes the linear addresses of a process, so
 * that no kernel module is needed.  The driver must be loaded with unrestricted=1 in a domU.
 *
 *   mwait-test call [NS]              one wait of NS (default 0) for a word of ours; prints the result
 *   mwait-test args                   each argument that Xen refuses or takes; TAP
 *   mwait-test wake                   woken by a write, an event, the deadline, the host's limit; TAP
 *   mwait-test fuzz SECONDS THREADS [SEED]
 *   mwait-test abuse SECONDS          ask to wait for ever, all the time
 *   mwait-test spin SECONDS           use the vCPU and do nothing
 *   mwait-test grant DOMID PAGES      grant PAGES to DOMID, print the references, answer its calls until killed
 *   mwait-test map DOMID REF... CALLS wait in pages of a granting domain, unmap one meanwhile; TAP
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Xen's interface, and the three drivers': neither is in a plain Debian's headers. */
#define HYPERVISOR_sched_op 29
#define SCHEDOP_mwait 8
#define MWAIT_RELATIVE 1u

struct sched_mwait {
	uint64_t addr;
	uint64_t deadline;
	uint32_t expected;
	uint32_t flags;
};

struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

struct alloc_gref {
	uint16_t domid;
	uint16_t flags;
	uint32_t count;
	uint64_t index;
	uint32_t gref[64];
};
#define IOCTL_GNTALLOC_ALLOC_GREF _IOC(_IOC_NONE, 'G', 5, 24)

struct map_gref {
	uint32_t count;
	uint32_t pad;
	uint64_t index;
	uint32_t domid;
	uint32_t ref;
};
#define IOCTL_GNTDEV_MAP_GRANT_REF _IOC(_IOC_NONE, 'G', 0, 24)

#define PAGE 4096
#define MS 1000000ull
#define FOREVER (~0ull)

static int privcmd = -1;
static int failed, number;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "mwait-test: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int hypercall(uint64_t cmd, const void *arg)
{
	struct privcmd_hypercall call = {HYPERVISOR_sched_op, {cmd, (uintptr_t)arg}};

	return ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call) < 0 ? -errno : 0;
}

static int mwait(volatile void *addr, uint32_t expected, uint64_t ns, uint32_t flags)
{
	struct sched_mwait op = {(uintptr_t)addr, ns, expected, flags};

	return hypercall(SCHEDOP_mwait, &op);
}

/* A wait that an event, another vCPU or the scheduler ended is not what most tests ask about. */
static int mwait_again(volatile void *addr, uint32_t expected, uint64_t ns, uint32_t flags, int want)
{
	int r = 0;

	for (int i = 0; i < 1000; i++) {
		r = mwait(addr, expected, ns, flags);
		if (r == want || (r != -EINTR && r != -EBUSY && r != -EAGAIN))
			break;
	}
	return r;
}

static const char *name_of(int r)
{
	static __thread char text[16];

	switch (r) {
	case 0: return "0";
	case -ETIME: return "-ETIME";
	case -EINTR: return "-EINTR";
	case -EAGAIN: return "-EAGAIN";
	case -EBUSY: return "-EBUSY";
	case -EFAULT: return "-EFAULT";
	case -EPERM: return "-EPERM";
	case -EINVAL: return "-EINVAL";
	case -EOPNOTSUPP: return "-EOPNOTSUPP";
	case -ENOSYS: return "-ENOSYS";
	}
	snprintf(text, sizeof(text), "%d", r);
	return text;
}

static void ok(bool good, const char *what, const char *got)
{
	printf("%sok %d - %s%s%s\n", good ? "" : "not ", ++number, what, got ? ": " : "", got ? got : "");
	fflush(stdout);
	failed += !good;
}

static void *pages(size_t n, int prot)
{
	void *p = mmap(NULL, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED || mlock(p, n * PAGE))
		die("mmap");
	return p;
}

static void on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static int args(void)
{
	char *area = pages(4, PROT_READ | PROT_WRITE);
	volatile uint32_t *word = (void *)area;
	const struct {
		const char *what;
		uint64_t addr, deadline;
		uint32_t expected, flags;
		int want;
	} cases[] = {
		{"a word that differs", (uintptr_t)word, FOREVER, 7, 0, 0},
		{"the last word of a page", (uintptr_t)area + PAGE - 4, FOREVER, 7, 0, 0},
		{"a read-only page", (uintptr_t)area + PAGE, FOREVER, 7, 0, 0},
		{"a deadline that has passed", (uintptr_t)word, 1, 0, 0, -ETIME},
		{"a deadline of 0", (uintptr_t)word, 0, 0, 0, -ETIME},
		{"no time from now", (uintptr_t)word, 0, 0, MWAIT_RELATIVE, -ETIME},
		{"20 us from now", (uintptr_t)word, 20000, 0, MWAIT_RELATIVE, -ETIME},
		{"the end of time", (uintptr_t)word, FOREVER, 0, 0, -EAGAIN},
		{"a deadline with the sign bit", (uintptr_t)word, 1ull << 63, 0, 0, -EAGAIN},
		{"the end of time from now", (uintptr_t)word, FOREVER, 0, MWAIT_RELATIVE, -EAGAIN},
		{"an overflow from now", (uintptr_t)word, FOREVER >> 1, 0, MWAIT_RELATIVE, -EAGAIN},
		{"an unknown flag", (uintptr_t)word, 0, 0, 2, -EINVAL},
		{"all flags", (uintptr_t)word, 0, 0, ~0u, -EINVAL},
		{"one octet off", (uintptr_t)word + 1, 0, 0, 0, -EINVAL},
		{"two octets off", (uintptr_t)word + 2, 0, 0, 0, -EINVAL},
		{"across a page's end", (uintptr_t)area + PAGE - 2, 0, 0, 0, -EINVAL},
		{"the first address that isn't canonical", 1ull << 47, 0, 0, 0, -EINVAL},
		{"another that isn't", 0xdeadull << 48, 0, 0, 0, -EINVAL},
		{"NULL", 0, 0, 0, 0, -EFAULT},
		{"the last word of all", -4ull, 0, 0, 0, -EFAULT},
		{"the last user address", (1ull << 47) - 4, 0, 0, 0, -EFAULT},
		{"nothing mapped", (uintptr_t)area + 2 * PAGE, 0, 0, 0, -EFAULT},
		{"a page without access", (uintptr_t)area + 3 * PAGE, 0, 0, 0, -EFAULT},
		{"Xen's machine-to-phys table", 0xffff800000000000ull, 0, 0, 0, -EFAULT},
		{"Xen's linear page table", 0xffff810000000000ull, 0, 0, 0, -EFAULT},
		{"Xen's text", 0xffff82d040200000ull, 0, 0, 0, -EFAULT},
		{"Xen's per-domain area", 0xffff820000000000ull, 0, 0, 0, -EFAULT},
		{"Xen's direct map", 0xffff830000000000ull, 0, 0, 0, -EFAULT},
	};

	mprotect(area + PAGE, PAGE, PROT_READ);
	munmap(area + 2 * PAGE, PAGE);
	mprotect(area + 3 * PAGE, PAGE, PROT_NONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = mwait_again((void *)(uintptr_t)cases[i].addr, cases[i].expected, cases[i].deadline,
				    cases[i].flags, cases[i].want);

		ok(r == cases[i].want, cases[i].what, name_of(r));
	}
	int r = hypercall(SCHEDOP_mwait, NULL);
	ok(r == -EFAULT, "no argument structure", name_of(r));
	r = hypercall(SCHEDOP_mwait, (void *)0xffff82d040200000ul);
	ok(r == -EFAULT, "an argument structure of Xen's", name_of(r));
	r = hypercall(SCHEDOP_mwait, area + 2 * PAGE - 8);
	ok(r == -EFAULT, "half an argument structure", name_of(r));
	return failed != 0;
}

/* What the other thread of `wake` does, a while after the first began to wait. */
static _Atomic int go;
static volatile uint32_t *shared;
static bool by_event;
static _Atomic uint64_t done_at;

static void *other(void *arg)
{
	(void)arg;
	on_cpu(0);
	while (!atomic_load(&go))
		sched_yield();
	uint64_t start = now_ns();
	while (now_ns() - start < 20 * MS)
		;
	atomic_store(&done_at, now_ns());
	if (by_event)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	else
		*shared = 1;
	return NULL;
}

/*
 * Wait on vCPU 1 while vCPU 0 does something.  With a limit of some milliseconds or more, returns the time
 * from what it does to the end of that call, in *took_ns, and the call's result.
 */
static int woken(bool event, uint64_t *took_ns)
{
	pthread_t thread;
	uint64_t start;
	int r;

	by_event = event;
	*shared = 0;
	atomic_store(&go, 0);
	if (pthread_create(&thread, NULL, other, NULL))
		die("pthread_create");
	on_cpu(1);
	usleep(1000);
	atomic_store(&done_at, 0);
	start = now_ns();
	atomic_store(&go, 1);
	/* Events before that, and any when a write is to wake us, are none of ours. */
	do {
		r = mwait(shared, 0, FOREVER, MWAIT_RELATIVE);
		*took_ns = now_ns();
	} while (*took_ns - start < 10000 * MS &&
		 (r == -EAGAIN || r == -EBUSY || (r == -EINTR && (!event || !atomic_load(&done_at)))));
	pthread_join(thread, NULL);
	*took_ns -= done_at;
	return r;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int wake(void)
{
	uint64_t took, best, start;
	char text[120];
	int r = 0, tries;

	shared = pages(1, PROT_READ | PROT_WRITE);
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);

	/* The machine is emulated and busy: the best of some is the measure. */
	for (int event = 0; event < 2; event++) {
		best = FOREVER;
		for (tries = 0; tries < 5; tries++) {
			int want = event ? -EINTR : 0;

			r = woken(event, &took);
			if (r != want)
				break;
			if (took < best)
				best = took;
		}
		snprintf(text, sizeof(text), "%s, best %.1f us", name_of(r), best / 1e3);
		ok(tries == 5 && best < 5 * MS, event ? "woken by an event" : "woken by a write", text);
	}

	/* Our clock is set by Xen's now and then, forward and, in an emulated machine, by quite a bit. */
	uint64_t times[200];
	int ended = 0;

	for (tries = 0; tries < 200; tries++) {
		start = now_ns();
		r = mwait(shared, *shared, 100000, MWAIT_RELATIVE);
		took = now_ns() - start;
		if (r == -ETIME)
			times[ended++] = took;
		else if (r != -EINTR && r != -EBUSY && r != -EAGAIN)
			break;
	}
	qsort(times, ended, sizeof(times[0]), compare);
	snprintf(text, sizeof(text), "%s, %d at the deadline, after %.1f (5 %%), %.1f (median) us", name_of(r), ended,
		 ended ? times[ended / 20] / 1e3 : 0, ended ? times[ended / 2] / 1e3 : 0);
	ok(tries == 200 && ended > 20 && times[ended / 20] > 95000 && times[ended / 2] < 5 * MS,
	   "a deadline of 100 us, not before and soon after", text);

	/* Most calls end at the limit, and none long after it. */
	int limited = 0;

	best = FOREVER;
	for (tries = 0; tries < 100; tries++) {
		start = now_ns();
		r = mwait(shared, *shared, FOREVER, 0);
		took = now_ns() - start;
		if (r == -EAGAIN) {
			limited++;
			if (took < best)
				best = took;
		} else if (r != -EINTR && r != -EBUSY) {
			break;
		}
	}
	snprintf(text, sizeof(text), "%s, %d of 100 by the limit or the scheduler, best %.1f us", name_of(r), limited,
		 best / 1e3);
	ok(tries == 100 && limited, "no deadline at all", text);
	return failed != 0;
}

struct fuzzer {
	pthread_t thread;
	uint64_t seed, calls, longest;
	uint64_t results[128];
	int bad;
};

static char *fuzz_area;
static uint64_t fuzz_end;
#define FUZZ_PAGES 64

static uint64_t rnd(struct fuzzer *f)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return f->seed;
}

/* Where a guest kernel without KASLR, and Xen under a PV guest, keep things that may be of interest. */
static uint64_t fuzz_address(struct fuzzer *f)
{
	static const uint64_t bases[] = {
		0, 0x400000, 0x7fff00000000, 0xffff800000000000, 0xffff820000000000, 0xffff82d040000000,
		0xffff830000000000, 0xffff888000000000, 0xffff888000000000, 0xffff888000000000,
		0xffffc90000000000, 0xffffea0000000000, 0xffffffff80000000, 0xffffffff81000000,
		0xffffffffff000000, 0xffffffffff5fc000, 0xffffffffff600000,
	};

	switch (rnd(f) % 8) {
	case 0: return rnd(f);
	case 1: return rnd(f) & 0x7fffffffffff;
	case 2:
	case 3: return (uintptr_t)fuzz_area + rnd(f) % (FUZZ_PAGES * PAGE);
	case 4: return (uintptr_t)fuzz_area + (rnd(f) % (FUZZ_PAGES * PAGE) & ~3ull);
	/* the direct map with its holes: ballooned-out frames, ROM, I/O */
	case 5: return 0xffff888000000000 + (rnd(f) % (1ull << 32) & ~3ull);
	default: return bases[rnd(f) % (sizeof(bases) / 8)] + (rnd(f) % (1ull << (rnd(f) % 40)) & ~3ull);
	}
}

static void *fuzz_thread(void *arg)
{
	struct fuzzer *f = arg;

	while (now_ns() < fuzz_end) {
		struct sched_mwait *op = (void *)(fuzz_area + (f->seed % FUZZ_PAGES) * PAGE + 64), copy;
		uint64_t start, took;
		int r;

		copy.addr = fuzz_address(f);
		copy.deadline = rnd(f) >> rnd(f) % 64;
		copy.expected = rnd(f) % 4 ? 0 : rnd(f);
		copy.flags = rnd(f) % 8 ? rnd(f) % 2 : rnd(f);
		start = now_ns();
		if (rnd(f) % 16) {
			r = hypercall(SCHEDOP_mwait, &copy);
		} else {
			/* in a page that others wait for, write to and unmap */
			if (rnd(f) % 2)
				r = hypercall(SCHEDOP_mwait, op);
			else
				r = hypercall(SCHEDOP_mwait, (void *)(uintptr_t)copy.addr);
		}
		took = now_ns() - start;
		f->calls++;
		if (took > f->longest)
			f->longest = took;
		switch (r) {
		case 0: case -ETIME: case -EINTR: case -EAGAIN: case -EBUSY:
		case -EFAULT: case -EPERM: case -EINVAL: case -EOPNOTSUPP:
			f->results[-r]++;
			break;
		default:
			f->bad = r;
		}
		/* The memory under the others changes. */
		char *page = fuzz_area + rnd(f) % FUZZ_PAGES * PAGE;

		switch (rnd(f) % 64) {
		case 0: mprotect(page, PAGE, PROT_NONE); break;
		case 1: madvise(page, PAGE, MADV_DONTNEED); break;
		case 2: mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
		case 3 ... 6: mprotect(page, PAGE, PROT_READ | PROT_WRITE); break;
		}
	}
	return NULL;
}

static int fuzz(int seconds, int threads, uint64_t seed)
{
	struct fuzzer *f = calloc(threads, sizeof(*f));
	uint64_t calls = 0, longest = 0, results[128] = {0};
	int bad = 0;

	/* Not locked: what is not there any more is part of the test. */
	fuzz_area = mmap(NULL, FUZZ_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("# seed %llu\n", (unsigned long long)seed);
	fuzz_end = now_ns() + seconds * 1000 * MS;
	for (int i = 0; i < threads; i++) {
		f[i].seed = seed * 0x9e3779b97f4a7c15 + i + 1;
		if (pthread_create(&f[i].thread, NULL, fuzz_thread, &f[i]))
			die("pthread_create");
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(f[i].thread, NULL);
		calls += f[i].calls;
		bad = f[i].bad ? f[i].bad : bad;
		if (f[i].longest > longest)
			longest = f[i].longest;
		for (int j = 0; j < 128; j++)
			results[j] += f[i].results[j];
	}
	printf("# %llu calls, longest %.1f ms:", (unsigned long long)calls, longest / 1e6);
	for (int j = 0; j < 128; j++)
		if (results[j])
			printf(" %s %llu", name_of(-j), (unsigned long long)results[j]);
	printf("\n");
	ok(!bad, "only documented results", name_of(bad));
	ok(calls > 100 && results[0] && results[EFAULT] && results[EINVAL], "of most kinds", NULL);
	return failed != 0;
}

static int abuse(int seconds, bool wait)
{
	volatile uint32_t *word = pages(1, PROT_READ | PROT_WRITE);
	uint64_t end = now_ns() + seconds * 1000 * MS, calls = 0, busy = 0;

	while (now_ns() < end) {
		calls++;
		if (wait)
			busy += mwait(word, 0, FOREVER, 0) == -EBUSY;
	}
	printf("%llu calls, %llu busy\n", (unsigned long long)calls, (unsigned long long)busy);
	return 0;
}

/* The granting end: word 0 of each page is the call's number, word 16 (the next line but one) the answer's. */
static int grant(int domid, int n)
{
	struct alloc_gref g = {.domid = domid, .flags = 1 /* writable */, .count = n};
	int fd = open("/dev/xen/gntalloc", O_RDWR);
	volatile uint32_t *p;

	if (fd < 0 || n < 1 || n > 64 || ioctl(fd, IOCTL_GNTALLOC_ALLOC_GREF, &g))
		die("gntalloc");
	p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, g.index);
	if (p == MAP_FAILED)
		die("mmap of grants");
	for (int i = 0; i < n; i++)
		printf("%u%c", g.gref[i], i == n - 1 ? '\n' : ' ');
	fflush(stdout);
	for (;;) {
		uint32_t call = p[16];
		int r = mwait(p, call, 100 * MS, MWAIT_RELATIVE);

		if (r != 0 && r != -ETIME && r != -EINTR && r != -EAGAIN && r != -EBUSY)
			return 1;
		if (p[0] != call)
			p[16] = p[0];
	}
}

static volatile uint32_t *map_one(int domid, uint32_t ref, int *fd)
{
	struct map_gref m = {.count = 1, .domid = domid, .ref = ref};
	void *p;

	*fd = open("/dev/xen/gntdev", O_RDWR);
	if (*fd < 0 || ioctl(*fd, IOCTL_GNTDEV_MAP_GRANT_REF, &m))
		die("gntdev");
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, m.index);
	if (p == MAP_FAILED)
		die("mmap of a grant");
	return p;
}

static volatile uint32_t *victim;

static void *unmapper(void *arg)
{
	usleep(20000);
	munmap((void *)victim, PAGE);
	close(*(int *)arg);
	return NULL;
}

static int map(int domid, int n, char **refs, int calls)
{
	uint64_t *took = calloc(calls, sizeof(*took)), bad = 0;
	volatile uint32_t *p;
	pthread_t thread;
	char text[80];
	int fd, r = 0;

	p = map_one(domid, strtoul(refs[0], NULL, 0), &fd);
	for (int i = 0; i < calls; i++) {
		uint32_t call = p[16] + 1;
		uint64_t start = now_ns();

		p[0] = call;
		while (p[16] != call) {
			r = mwait(p + 16, call - 1, 100 * MS, MWAIT_RELATIVE);
			bad += r != 0 && r != -ETIME && r != -EINTR && r != -EAGAIN && r != -EBUSY;
			if (bad || now_ns() - start > 5000 * MS)
				break;
		}
		took[i] = now_ns() - start;
		if (p[16] != call) {
			bad++;
			break;
		}
	}
	qsort(took, calls, sizeof(*took), compare);
	snprintf(text, sizeof(text), "median %.1f us, 99th percentile %.1f us%s%s", took[calls / 2] / 1e3,
		 took[calls * 99 / 100] / 1e3, bad ? ", " : "", bad ? name_of(r) : "");
	ok(!bad, "calls through a granted page", text);

	/* A grant that goes away under the waiter: the wait ends, and the next one is refused. */
	for (int i = 1; i < n; i++) {
		int other_fd;

		victim = map_one(domid, strtoul(refs[i], NULL, 0), &other_fd);
		if (pthread_create(&thread, NULL, unmapper, &other_fd))
			die("pthread_create");
		do {
			r = mwait(victim, 0, FOREVER, MWAIT_RELATIVE);
		} while (r == -EAGAIN || r == -EINTR || r == -EBUSY);
		pthread_join(thread, NULL);
		if (r != -EFAULT && r != -EPERM)
			break;
	}
	ok(r == -EFAULT || r == -EPERM, "a grant unmapped during the wait", name_of(r));
	return failed != 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;

	privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (privcmd < 0)
		die("/dev/xen/privcmd");
	if (!strcmp(verb, "call")) {
		volatile uint32_t *word = pages(1, PROT_READ | PROT_WRITE);

		puts(name_of(mwait_again(word, 0, a, MWAIT_RELATIVE, -ETIME)));
		return 0;
	}
	if (!strcmp(verb, "args"))
		return args();
	if (!strcmp(verb, "wake"))
		return wake();
	if (!strcmp(verb, "fuzz") && argc > 3)
		return fuzz(a, b, argc > 4 ? strtoull(argv[4], NULL, 0) : now_ns());
	if (!strcmp(verb, "abuse") && argc > 2)
		return abuse(a, true);
	if (!strcmp(verb, "spin") && argc > 2)
		return abuse(a, false);
	if (!strcmp(verb, "grant") && argc > 3)
		return grant(a, b);
	if (!strcmp(verb, "map") && argc > 5)
		return map(a, argc - 4, argv + 3, atoi(argv[argc - 1]));
	fprintf(stderr, "usage: mwait-test call|args|wake|fuzz|abuse|spin|grant|map ...\n");
	return 2;
}
