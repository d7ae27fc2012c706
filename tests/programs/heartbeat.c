// SPDX-License-Identifier: GPL-2.0-only
/*
 * heartbeat.c: how long is a domain away, seen from outside?  After the method of the paper on file system virtual
 * appliances: each datagram that the domain sends carries an octet of a mapped file.  The page may well be in this
 * domain's own cache, so the file system is asked for the file's attributes before each: so that one is sent only when
 * both the domain and its file system are there.
 *
 *	heartbeat make FILE PAGES
 *	heartbeat send ADDRESS PORT TICK_MS FILE	until it is killed
 *	heartbeat listen PORT				until SIGTERM
 *
 * The listener says then, in a line: how many datagrams came, the median and the longest time between two of them in
 * milliseconds, and how many had another octet than was in the file.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096u
#define MAX_BEATS	(1u << 20)

struct beat {
	uint32_t page;		/* network order */
	uint8_t octet;		/* the first of that page */
	uint8_t pad[3];
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint8_t octet_of(uint32_t page)
{
	return page * 37 + 11;
}

static int make(const char *path, uint32_t pages)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	uint8_t buf[PAGE];
	uint32_t i;

	if (fd < 0)
		die(path);
	for (i = 0; i < pages; i++) {
		memset(buf, octet_of(i), sizeof(buf));
		if (write(fd, buf, sizeof(buf)) != sizeof(buf))
			die(path);
	}
	if (fsync(fd))
		die(path);
	return 0;
}

static int send_to(const char *address, unsigned int port, unsigned int tick_ms, const char *path)
{
	struct timespec tick = { .tv_sec = tick_ms / 1000, .tv_nsec = tick_ms % 1000 * 1000000l };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int s = socket(AF_INET, SOCK_DGRAM, 0), fd = open(path, O_RDONLY);
	const volatile uint8_t *map;
	uint32_t pages, i;
	struct stat st;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
		fprintf(stderr, "%s: not an address\n", address);
		return 2;
	}
	if (s < 0)
		die("socket");
	if (fd < 0 || fstat(fd, &st) || !(pages = st.st_size / PAGE))
		die(path);
	map = mmap(NULL, (size_t)pages * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		die(path);
	for (i = 0;; i = (i + 1) % pages) {
		struct beat b = { .page = htonl(i) };

		if (fstat(fd, &st))
			die(path);
		b.octet = map[(size_t)i * PAGE];
		/* A network that is not there yet after a move: it is what is measured. */
		sendto(s, &b, sizeof(b), 0, (struct sockaddr *)&to, sizeof(to));
		nanosleep(&tick, NULL);
	}
}

static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int listen_at(unsigned int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sigaction sa = { .sa_handler = end };	/* no SA_RESTART */
	double *gaps = malloc(MAX_BEATS * sizeof(*gaps)), now, last = 0;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long nr = 0, wrong = 0;
	struct timespec ts;
	struct beat b;

	if (!gaps || s < 0 || bind(s, (struct sockaddr *)&at, sizeof(at)))
		die("bind");
	sigaction(SIGTERM, &sa, NULL);
	while (!ended && nr < MAX_BEATS) {
		if (recv(s, &b, sizeof(b), 0) != sizeof(b))
			continue;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		now = ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
		if (b.octet != octet_of(ntohl(b.page)))
			wrong++;
		if (last)
			gaps[nr++] = now - last;
		last = now;
	}
	if (!nr) {
		printf("no heartbeat\n");
		return 1;
	}
	qsort(gaps, nr, sizeof(*gaps), compare);
	printf("beats %lu median_ms %.1f longest_ms %.1f wrong %lu\n", nr + 1, gaps[nr / 2], gaps[nr - 1], wrong);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "make"))
		return make(argv[2], atoi(argv[3]));
	if (argc == 6 && !strcmp(argv[1], "send"))
		return send_to(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5]);
	if (argc == 3 && !strcmp(argv[1], "listen"))
		return listen_at(atoi(argv[2]));
	fprintf(stderr, "usage: heartbeat make FILE PAGES | send ADDRESS PORT TICK_MS FILE | listen PORT\n");
	return 2;
}
