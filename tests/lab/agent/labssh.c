// SPDX-License-Identifier: GPL-2.0-only
/*
 * labssh HOST CMD...: run CMD behind the labd of HOST (an address, or dom0.N of
 * this lab), with our input, output and its exit status.  In the place of ssh
 * for `xl migrate -s labssh`.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "frame.h"

static char buf[FRAME_MAX];

static void die(const char *what)
{
	fprintf(stderr, "labssh: %s: %s\n", what, strerror(errno));
	exit(255);
}

/* One frame from labd; returns at the end of the command. */
static void take(int sock)
{
	unsigned char head[5];
	uint32_t len;

	if (read_all(sock, head, sizeof(head)))
		die("connection lost");
	memcpy(&len, head + 1, 4);
	len = ntohl(len);
	if (len > sizeof(buf) || read_all(sock, buf, len))
		die("connection lost");
	switch (head[0]) {
	case 'O':
	case 'W':
		/* whoever started us may have gone; the command may not care */
		write_all(head[0] == 'O' ? 1 : 2, buf, len);
		break;
	case 'S':
		memcpy(&len, buf, 4);
		exit(ntohl(len));
	case 'F':
		fprintf(stderr, "labssh: %.*s\n", (int)len, buf);
		exit(255);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(LABD_PORT) };
	int sock, one = 1, i, in = 0;
	unsigned int host;

	if (argc < 3 || (inet_pton(AF_INET, argv[1], &sin.sin_addr) != 1 &&
			 sscanf(argv[1], "dom0.%u", &host) != 1)) {
		fprintf(stderr, "usage: labssh ADDRESS|dom0.N CMD...\n");
		return 255;
	}
	if (!sin.sin_addr.s_addr)
		sin.sin_addr.s_addr = htonl(0x0a4e0000 | (host & 255));
	signal(SIGPIPE, SIG_IGN);
	sock = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(sock, (struct sockaddr *)&sin, sizeof(sin)))
		die(argv[1]);
	/* xl gives the command as ssh takes it: words for a shell */
	send_frame(sock, 'A', "sh", 2);
	send_frame(sock, 'A', "-c", 2);
	buf[0] = 0;
	for (i = 2; i < argc; i++) {
		strncat(buf, argv[i], sizeof(buf) - strlen(buf) - 2);
		strcat(buf, " ");
	}
	send_frame(sock, 'A', buf, strlen(buf));
	if (send_frame(sock, 'X', NULL, 0))
		die("connection lost");
	for (;;) {
		struct pollfd pfd[2] = { { sock, POLLIN, 0 }, { in, POLLIN, 0 } };

		if (poll(pfd, 2, -1) < 0)
			continue;
		if (pfd[1].revents) {
			ssize_t n = read(in, buf, sizeof(buf));

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				n = 0;
			if (send_frame(sock, 'I', buf, n))
				die("connection lost");
			if (n == 0)
				in = -1;
		}
		if (pfd[0].revents)
			take(sock);
	}
}
