/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames between labd and its clients; labd.c says what is in them.
 */
#ifndef LAB_FRAME_H
#define LAB_FRAME_H

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define LABD_PORT	22
#define FRAME_MAX	(256 * 1024)

static inline int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, -1);
			continue;
		}
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static inline int read_all(int fd, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static inline int send_frame(int fd, char type, const void *data, uint32_t len)
{
	char head[5] = { type };
	uint32_t be = htonl(len);
	struct iovec iov[2] = { { head, 5 }, { (void *)data, len } };
	ssize_t n;

	memcpy(head + 1, &be, 4);
	/* in one piece: a packet of five octets costs as much as a full one */
	do {
		n = writev(fd, iov, 2);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if (n < 5) {
		if (write_all(fd, head + n, 5 - n))
			return -1;
		n = 5;
	}
	return write_all(fd, (const char *)data + (n - 5), len - (n - 5));
}

#endif
