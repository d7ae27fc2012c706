// SPDX-License-Identifier: GPL-2.0-only
/* ops_copy.c: from one file into another without the program's memory: copies, shared extents, pipes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "parity.h"

static long long aligned_mostly(long long off)
{
	return one_in(6) ? off : off & ~(PAGE - 1ll);
}

static void op_copy_range(void)
{
	off_t from = some_off(), to = some_off();
	size_t len = some_len();
	int in, out, flags = one_in(25);

	some_fd(&in);
	some_fd(&out);
	look_fd(out);
	if (one_in(5)) {
		say(" here %zu", len);
		say_result(copy_file_range(in, NULL, out, NULL, len, flags));
		return;
	}
	say(" %lld to %lld+%zu %d", (long long)from, (long long)to, len, flags);
	say_result(copy_file_range(in, &from, out, &to, len, flags));
	say(" %lld %lld", (long long)from, (long long)to);
}

static void op_clone(void)
{
	struct file_clone_range range;
	int in, out;

	range.src_offset = aligned_mostly(some_off());
	range.src_length = one_in(4) ? 0 : aligned_mostly(some_len() + PAGE);
	range.dest_offset = aligned_mostly(some_off());
	some_fd(&in);
	some_fd(&out);
	look_fd(out);
	range.src_fd = in;
	if (one_in(3)) {
		say(" all");
		say_result(ioctl(out, FICLONE, in));
		return;
	}
	say(" %lld to %lld+%lld", (long long)range.src_offset, (long long)range.dest_offset,
	    (long long)range.src_length);
	say_result(ioctl(out, FICLONERANGE, &range));
}

/* Two ranges that are the same now and then: both are written first. */
static void op_dedupe(void)
{
	struct file_dedupe_range *range = calloc(1, sizeof(*range) + sizeof(range->info[0]));
	bool same = !one_in(3);
	int in, out;

	range->src_offset = aligned_mostly(some_off());
	range->src_length = PAGE * (1 + pick(4));
	range->dest_count = 1;
	range->info[0].dest_offset = aligned_mostly(some_off());
	some_fd(&in);
	some_fd(&out);
	range->info[0].dest_fd = out;
	if (same) {
		fill(range->src_length);
		if (pwrite(in, buf, range->src_length, range->src_offset) < 0 ||
		    pwrite(out, buf, range->src_length, range->info[0].dest_offset) < 0)
			say(" unwritten");
	}
	say(" %lld to %lld+%lld", (long long)range->src_offset, (long long)range->info[0].dest_offset,
	    (long long)range->src_length);
	if (!say_result(ioctl(in, FIDEDUPERANGE, range)))
		say(" status %d %lld", range->info[0].status, (long long)range->info[0].bytes_deduped);
	free(range);
}

/* Pages on their way from a file to a later place in it may be seen before or after they are written. */
static bool within(int in, int out)
{
	struct stat a, b;

	return !fstat(in, &a) && !fstat(out, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void op_sendfile(void)
{
	off_t from = some_off();
	size_t len = some_len();
	int in, out;

	some_fd(&in);
	some_fd(&out);
	if (within(in, out)) {
		say(" within");
		return;
	}
	look_fd(out);
	say(" %lld+%zu", (long long)from, len);
	say_result(sendfile(out, in, one_in(4) ? NULL : &from, len));
	say(" at %lld", (long long)lseek(out, 0, SEEK_CUR));
}

static void op_splice(void)
{
	loff_t from = some_off(), to = some_off();
	int in, out, p[2], how = pick(3);
	size_t len = 1 + pick(60000);
	ssize_t n;

	some_fd(&in);
	some_fd(&out);
	if (within(in, out))
		how = 0;
	if (pipe2(p, O_CLOEXEC | O_NONBLOCK))
		return;
	say(" %lld to %lld+%zu in", (long long)from, (long long)to, len);
	n = say_result(splice(in, &from, p[1], NULL, len, SPLICE_F_NONBLOCK | (how == 2 ? SPLICE_F_MOVE : 0)));
	if (n > 0) {
		look_fd(out);
		say(" out");
		if (how)
			say_result(splice(p[0], NULL, out, &to, n, SPLICE_F_NONBLOCK));
		else if (say_result(read(p[0], buf, n)) > 0)
			say(" %010llx", (unsigned long long)hash(buf, n));
	}
	close(p[0]);
	close(p[1]);
}

const struct op ops_copy[] = {
	{ "copy_range", 20, ALL, op_copy_range },
	{ "clone", 14, ALL, op_clone },
	{ "dedupe", 6, ALL, op_dedupe },
	{ "sendfile", 8, ALL, op_sendfile },
	{ "splice", 8, ALL, op_splice },
	{ 0 },
};
