// SPDX-License-Identifier: GPL-2.0-only
/*
 * fsx.c: random operations on one file through several descriptors, each checked against a model in memory.
 * After the idea of Apple's and SGI's fsx; written anew.
 *
 *	fsx [--ops N] [--seed S] [--size MAX] [--direct] [--mapwrite] [--verbose] FILE
 *
 * Prints one line, "ok fsx ..." or "FAIL fsx: ...", after the operations that led there.  What was wrong can be
 * had again with the same arguments: the seed is in the line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NR_FDS 5
#define LOG 400
#define DIO 4096u

static uint64_t state, seed;
static unsigned long nr_ops = 200000, op;
static size_t max_size = 4 << 20;
static bool direct, mapwrite, verbose;
static const char *file;

static uint8_t *model, *buf;
static size_t size;

static struct {
	int fd;
	int flags;
} fds[NR_FDS];

static char history[LOG][120];

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dull;
}

static void say(const char *fmt, ...)
{
	char *line = history[op % LOG];
	va_list ap;
	int n = snprintf(line, sizeof(history[0]), "%lu ", op);

	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(history[0]) - n, fmt, ap);
	va_end(ap);
	if (verbose)
		fprintf(stderr, "%s\n", line);
}

static void fail(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		for (unsigned long i = op > LOG ? op - LOG + 1 : 0; i <= op; i++)
			if (history[i % LOG][0])
				fprintf(stderr, "%s\n", history[i % LOG]);
	printf("FAIL fsx: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (operation %lu of --seed %llu --size %zu%s%s)\n", op, (unsigned long long)seed, max_size,
	       direct ? " --direct" : "", mapwrite ? " --mapwrite" : "");
	exit(1);
}

static void compare(const uint8_t *got, size_t off, size_t len, const char *what)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t want = off + i < size ? model[off + i] : 0;

		if (got[i] != want) {
			size_t bad = 0;

			for (size_t j = i; j < len; j++)
				bad += got[j] != (off + j < size ? model[off + j] : 0);
			fail("%s: octet %zu (%#zx) is %#x, should be %#x; %zu octets of %zu differ; the size is %zu",
			     what, off + i, off + i, got[i], want, bad, len, size);
		}
	}
}

static size_t some_len(size_t max)
{
	size_t len;

	switch (rnd() % 50) {
	case 0: len = rnd() % (max / 8 + 1); break;
	case 1: case 2: case 3: len = rnd() % 65536; break;
	case 4 ... 8: len = 4096 * (rnd() % 8); break;
	case 9 ... 25: len = rnd() % 8192; break;
	default: len = rnd() % 512; break;
	}
	return len > max ? max : len;
}

static size_t some_off(void)
{
	size_t off;

	switch (rnd() % 8) {
	case 0: off = rnd() % max_size; break;
	case 1: off = size; break;
	case 2: off = size ? rnd() % size & ~4095ul : 0; break;
	case 3: off = size > 100 ? size - rnd() % 100 : 0; break;
	case 4: off = rnd() % 70000; break;
	default: off = size ? rnd() % size : 0; break;
	}
	return off < max_size ? off : max_size - 1;
}

static void open_one(int i)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDWR | O_APPEND, O_RDONLY, O_WRONLY };

	fds[i].flags = i < 3 ? flags[i] : flags[rnd() % 5];
	if (i == 4 && rnd() % 16 == 0)
		fds[i].flags = O_RDWR | (rnd() % 2 ? O_SYNC : O_DSYNC);
	if (direct && i == 1)
		fds[i].flags |= O_DIRECT;
	fds[i].fd = open(file, fds[i].flags | (i == 0 ? O_CREAT : 0), 0644);
	if (fds[i].fd < 0 && direct && i == 1 && errno == EINVAL) {
		fds[i].flags &= ~O_DIRECT;
		fds[i].fd = open(file, fds[i].flags, 0644);
	}
	if (fds[i].fd < 0)
		fail("open with flags %#x: %s", fds[i].flags, strerror(errno));
}

static int pick(bool to_write)
{
	for (;;) {
		int i = rnd() % NR_FDS, acc = fds[i].flags & O_ACCMODE;

		if (acc == O_RDWR || acc == (to_write ? O_WRONLY : O_RDONLY))
			return i;
	}
}

static void fill(size_t len)
{
	uint64_t r = rnd();

	for (size_t i = 0; i < len; i++)
		buf[i] = (r >> (i % 8 * 8)) + i * 13 + op;
}

static void extend(size_t off, size_t len)
{
	if (off > size)
		memset(model + size, 0, off - size);
	if (off + len > size)
		size = off + len;
}

static void do_read(void)
{
	int i = pick(false);
	size_t off = some_off(), len = some_len(max_size), want;
	ssize_t n;

	if (fds[i].flags & O_DIRECT) {
		off &= ~(size_t)(DIO - 1);
		len = (len + DIO - 1) & ~(size_t)(DIO - 1);
	}
	say("read fd %d off %zu len %zu", i, off, len);
	want = off >= size ? 0 : size - off < len ? size - off : len;
	memset(buf, 0xee, len);
	if (rnd() % 4 || fds[i].flags & O_DIRECT) {
		n = pread(fds[i].fd, buf, len, off);
	} else {
		struct iovec v[3];
		size_t a = len / 3, b = len / 2 - a;

		v[0] = (struct iovec){ buf, a };
		v[1] = (struct iovec){ buf + a, b };
		v[2] = (struct iovec){ buf + a + b, len - a - b };
		n = preadv(fds[i].fd, v, 3, off);
	}
	if (n < 0)
		fail("read: %s", strerror(errno));
	if ((size_t)n != want)
		fail("read gave %zd octets, not %zu", n, want);
	compare(buf, off, n, "read");
	for (size_t j = n; j < len; j++)
		if (buf[j] != 0xee && !(fds[i].flags & O_DIRECT))
			fail("read wrote past the %zd octets that it gave", n);
}

static void do_write(void)
{
	int i = pick(true);
	size_t off = some_off(), len = some_len(max_size);
	ssize_t n;

	if (fds[i].flags & O_APPEND)
		off = size;
	if (fds[i].flags & O_DIRECT) {
		off &= ~(size_t)(DIO - 1);
		len &= ~(size_t)(DIO - 1);
	}
	if (off + len > max_size)
		len = (max_size - off) & (fds[i].flags & O_DIRECT ? ~(size_t)(DIO - 1) : ~0ul);
	say("write fd %d%s off %zu len %zu (size %zu)", i, fds[i].flags & O_APPEND ? " append" : "", off, len, size);
	if (!len)
		return;
	fill(len);
	if (fds[i].flags & O_APPEND && rnd() % 2) {
		n = write(fds[i].fd, buf, len);
	} else if (rnd() % 4 || fds[i].flags & O_DIRECT) {
		n = pwrite(fds[i].fd, buf, len, off);
	} else {
		struct iovec v[2] = { { buf, len / 2 }, { buf + len / 2, len - len / 2 } };

		n = pwritev(fds[i].fd, v, 2, off);
	}
	if (n < 0)
		fail("write: %s", strerror(errno));
	if ((size_t)n != len)
		fail("write took %zd octets, not %zu", n, len);
	extend(off, len);
	memcpy(model + off, buf, len);
}

static void do_truncate(void)
{
	size_t to = rnd() % 3 ? some_off() : rnd() % (size + 1);
	bool by_name = rnd() % 2;

	say("%struncate %zu (size %zu)", by_name ? "" : "f", to, size);
	if (by_name ? truncate(file, to) : ftruncate(fds[0].fd, to))
		fail("truncate: %s", strerror(errno));
	if (to > size)
		memset(model + size, 0, to - size);
	size = to;
}

static void do_map(bool shared)
{
	size_t page = sysconf(_SC_PAGESIZE), off, len, end;
	uint8_t *mem;

	if (!size)
		return;
	off = some_off();
	if (off >= size)
		off = size - 1;
	off &= ~(page - 1);
	len = 1 + some_len(max_size);
	if (off + len > size)
		len = size - off;
	say("map %s off %zu len %zu (size %zu)", shared ? "shared" : "private", off, len, size);
	mem = mmap(NULL, len, PROT_READ, shared ? MAP_SHARED : MAP_PRIVATE, fds[0].fd, off);
	if (mem == MAP_FAILED)
		fail("mmap: %s", strerror(errno));
	/* to the end of the last page: behind the file there are zeros */
	end = (len + page - 1) & ~(page - 1);
	compare(mem, off, off + len == size ? end : len, "map");
	munmap(mem, len);
}

static void do_mapwrite(void)
{
	size_t page = sysconf(_SC_PAGESIZE), off, len, skip;
	uint8_t *mem;

	if (!size)
		return;
	off = (rnd() % size) & ~(page - 1);
	len = 1 + some_len(65536);
	if (off + len > size)
		len = size - off;
	skip = rnd() % len;
	say("mapwrite off %zu len %zu", off + skip, len - skip);
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0].fd, off);
	if (mem == MAP_FAILED) {
		fail("mmap: %s", strerror(errno));
	}
	fill(len);
	memcpy(mem + skip, buf + skip, len - skip);
	memcpy(model + off + skip, buf + skip, len - skip);
	if (rnd() % 2 && msync(mem, len, MS_SYNC))
		fail("msync: %s", strerror(errno));
	munmap(mem, len);
}

/* A mapping that lives through other operations: the file may shrink under it. */
static struct {
	uint8_t *mem;
	size_t off, len;
} kept;

static void do_kept(void)
{
	size_t page = sysconf(_SC_PAGESIZE), from, len;

	if (kept.mem && rnd() % 8 == 0) {
		say("kept: unmap off %zu len %zu", kept.off, kept.len);
		munmap(kept.mem, kept.len);
		kept.mem = NULL;
	}
	if (!kept.mem) {
		if (!size)
			return;
		kept.off = (rnd() % size) & ~(page - 1);
		kept.len = (1 + rnd() % 64) * page;
		say("kept: map off %zu len %zu", kept.off, kept.len);
		kept.mem = mmap(NULL, kept.len, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0].fd, kept.off);
		if (kept.mem == MAP_FAILED)
			fail("mmap: %s", strerror(errno));
	}
	if (size <= kept.off)
		return;
	len = size - kept.off < kept.len ? size - kept.off : kept.len;
	from = rnd() % len;
	len = 1 + some_len(len - from - 1);
	if (rnd() % 3) {
		say("kept: store off %zu len %zu", kept.off + from, len);
		fill(len);
		memcpy(kept.mem + from, buf, len);
		memcpy(model + kept.off + from, buf, len);
	} else {
		say("kept: look off %zu len %zu", kept.off + from, len);
		compare(kept.mem + from, kept.off + from, len, "kept map");
	}
	if (rnd() % 16 == 0 && msync(kept.mem, kept.len, rnd() % 2 ? MS_SYNC : MS_ASYNC) && errno != ENOMEM)
		fail("msync: %s", strerror(errno));
}

static void do_punch(void)
{
	size_t off = some_off(), len = 1 + some_len(max_size / 4);

	say("punch off %zu len %zu (size %zu)", off, len, size);
	if (fallocate(fds[0].fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len)) {
		if (errno != EOPNOTSUPP)
			fail("fallocate: %s", strerror(errno));
		return;
	}
	if (off < size)
		memset(model + off, 0, off + len > size ? size - off : len);
}

static void do_reopen(void)
{
	int i = rnd() % NR_FDS;

	say("reopen fd %d", i);
	if (close(fds[i].fd))
		fail("close: %s", strerror(errno));
	open_one(i);
}

static void do_sync(void)
{
	int i = pick(true);

	say("sync fd %d", i);
	if (rnd() % 2 ? fsync(fds[i].fd) : fdatasync(fds[i].fd))
		fail("fsync: %s", strerror(errno));
}

static void do_stat(void)
{
	struct stat a, b;
	off_t end;

	say("stat");
	if (fstat(fds[rnd() % NR_FDS].fd, &a) || stat(file, &b))
		fail("stat: %s", strerror(errno));
	if ((size_t)a.st_size != size || (size_t)b.st_size != size)
		fail("fstat says %lld, stat %lld, but the size is %zu", (long long)a.st_size, (long long)b.st_size,
		     size);
	end = lseek(fds[0].fd, 0, SEEK_END);
	if ((size_t)end != size)
		fail("lseek to the end gives %lld, but the size is %zu", (long long)end, size);
}

static void verify(void)
{
	for (size_t off = 0; off < size || !off; off += 1 << 20) {
		ssize_t n = pread(fds[0].fd, buf, 1 << 20, off);
		size_t want = size - off < 1 << 20 ? size - off : 1 << 20;

		if (n < 0)
			fail("read: %s", strerror(errno));
		if ((size_t)n != want)
			fail("the file ends at %zu, not %zu", off + n, size);
		compare(buf, off, n, "the whole file");
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ops", required_argument, NULL, 'o' },  { "seed", required_argument, NULL, 's' },
		{ "size", required_argument, NULL, 'l' }, { "direct", no_argument, NULL, 'd' },
		{ "mapwrite", no_argument, NULL, 'w' },   { "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	time_t start = time(NULL);
	int c;

	seed = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o': nr_ops = strtoul(optarg, NULL, 0); break;
		case 's': seed = strtoull(optarg, NULL, 0); break;
		case 'l': max_size = strtoul(optarg, NULL, 0); break;
		case 'd': direct = true; break;
		case 'w': mapwrite = true; break;
		case 'v': verbose = true; break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || max_size < 65536) {
		fprintf(stderr,
			"usage: fsx [--ops N] [--seed S] [--size MAX] [--direct] [--mapwrite] [--verbose] FILE\n");
		return 2;
	}
	file = argv[optind];
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	model = calloc(1, max_size + (1 << 20));
	if (!model || posix_memalign((void **)&buf, DIO, max_size + (2 << 20))) {
		fprintf(stderr, "fsx: no memory\n");
		return 2;
	}
	unlink(file);
	for (int i = 0; i < NR_FDS; i++)
		open_one(i);
	for (op = 1; op <= nr_ops; op++) {
		switch (rnd() % 40) {
		case 0 ... 13: do_read(); break;
		case 14 ... 26: do_write(); break;
		case 27: case 28: do_truncate(); break;
		case 29 ... 31: do_map(false); break;
		case 32 ... 34: do_map(true); break;
		case 35: do_reopen(); break;
		case 36: if (rnd() % 4 == 0) do_sync(); else do_stat(); break;
		case 37: if (mapwrite) do_mapwrite(); else do_stat(); break;
		case 38: if (mapwrite) for (int i = 0; i < 3; i++) do_kept(); else do_stat(); break;
		default: if (mapwrite && rnd() % 2) do_punch(); else do_stat(); break;
		}
		if (op % 5000 == 0)
			verify();
	}
	op = nr_ops;
	verify();
	for (int i = 0; i < NR_FDS; i++)
		if (close(fds[i].fd))
			fail("close: %s", strerror(errno));
	open_one(0);
	verify();
	if (unlink(file))
		fail("unlink: %s", strerror(errno));
	verify();       /* an unlinked file is still there for who has it open */
	printf("ok fsx: %lu operations, seed %llu, size up to %zu, %ld s\n", nr_ops, (unsigned long long)seed, max_size,
	       (long)(time(NULL) - start));
	return 0;
}
