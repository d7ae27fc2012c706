// SPDX-License-Identifier: GPL-2.0-only
/* ops_handle.c: files by their handles, as NFS servers have them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "parity.h"

static struct {
	struct file_handle head;
	uint8_t room[MAX_HANDLE_SZ];
} handles[NR_HANDLES];

static void op_to_handle(void)
{
	const char *path = likely_path();
	unsigned int i = pick(NR_HANDLES);
	int mount, flags = one_in(3) ? AT_SYMLINK_FOLLOW : 0;

	handles[i].head.handle_bytes = one_in(10) ? 0 : MAX_HANDLE_SZ;
	say(" ");
	say_name(path, strlen(path));
	say(" %x handle%u", flags, i);
	say_result(name_to_handle_at(AT_FDCWD, path, &handles[i].head, &mount, flags));
	say(" type %d, %u octets", handles[i].head.handle_type, handles[i].head.handle_bytes);
	if (handles[i].head.handle_bytes > MAX_HANDLE_SZ)
		handles[i].head.handle_bytes = 0;
}

static void op_by_handle(void)
{
	unsigned int i = pick(NR_HANDLES);
	int flags = ONE_OF(O_RDWR, O_RDONLY, O_PATH, O_RDONLY | O_DIRECTORY, O_WRONLY | O_APPEND) | O_NONBLOCK, fd;

	say(" handle%u %#x", i, flags);
	if (!handles[i].head.handle_bytes) {
		say(" none");
		return;
	}
	fd = open_by_handle_at(me.top, &handles[i].head, flags | O_CLOEXEC);
	if (got_fd(fd))
		look_fd(fd);
}

const struct op ops_handle[] = {
	{ "to_handle", 8, ALL, op_to_handle },
	{ "by_handle", 10, ALL, op_by_handle },
	{ 0 },
};
