// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch.c: what inotify or fanotify says of some paths, an event a line, until it is killed:
 *
 *	watch [-f | -F] PATH...
 *
 *	PATH WHAT[+WHAT...] NAME [#N]	NAME is - where there is none; #N: the N-th rename that was seen
 *	- OVERFLOW -			events were lost
 *
 * -f: by fanotify, marks on the paths themselves; -F: marks on their file systems.  A first line "ready" says that
 * all are watched.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <unistd.h>

#define COOKIES_MAX	4096u
#define PATHS_MAX	64

static char *paths[PATHS_MAX];
static int wds[PATHS_MAX];
static int nr_paths;

static void die(const char *what)
{
	fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const struct {
	uint32_t bit;
	const char *name;
} bits[] = {
	{ IN_ACCESS, "ACCESS" },	{ IN_MODIFY, "MODIFY" },	{ IN_ATTRIB, "ATTRIB" },
	{ IN_CLOSE_WRITE, "CLOSE_WRITE" }, { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" }, { IN_OPEN, "OPEN" },
	{ IN_MOVED_FROM, "MOVED_FROM" }, { IN_MOVED_TO, "MOVED_TO" },	{ IN_CREATE, "CREATE" },
	{ IN_DELETE, "DELETE" },	{ IN_DELETE_SELF, "DELETE_SELF" }, { IN_MOVE_SELF, "MOVE_SELF" },
	{ IN_UNMOUNT, "UNMOUNT" },	{ IN_Q_OVERFLOW, "OVERFLOW" },	{ IN_IGNORED, "IGNORED" },
	{ IN_ISDIR, "DIR" },
};

static void print_mask(uint32_t mask)
{
	const char *sep = "";

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		if (!(mask & bits[i].bit))
			continue;
		printf("%s%s", sep, bits[i].name);
		sep = "+";
		mask &= ~bits[i].bit;
	}
	if (mask)
		printf("%s%#x", sep, mask);
}

/* Renames are numbered as they come. */
static unsigned int rename_number(uint32_t cookie)
{
	static uint32_t seen[COOKIES_MAX];
	static unsigned int nr;

	for (unsigned int i = 0; i < nr && i < COOKIES_MAX; i++)
		if (seen[i] == cookie)
			return i + 1;
	seen[nr % COOKIES_MAX] = cookie;
	return ++nr;
}

static const char *path_of(int wd)
{
	for (int i = 0; i < nr_paths; i++)
		if (wds[i] == wd)
			return paths[i];
	return "-";
}

static void by_inotify(void)
{
	static char buf[65536] __attribute__((aligned(8)));
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0)
		die("inotify");
	for (int i = 0; i < nr_paths; i++) {
		wds[i] = inotify_add_watch(fd, paths[i], IN_ALL_EVENTS);
		if (wds[i] < 0)
			die(paths[i]);
	}
	printf("ready\n");
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n <= 0)
			die("read");
		for (char *at = buf; at < buf + n;) {
			const struct inotify_event *e = (void *)at;

			printf("%s ", path_of(e->wd));
			print_mask(e->mask);
			printf(" %s", e->len ? e->name : "-");
			if (e->cookie)
				printf(" #%u", rename_number(e->cookie));
			printf("\n");
			at += sizeof(*e) + e->len;
		}
	}
}

/* The name in an event's record of directory, handle and name. */
static const char *fan_name(const struct fanotify_event_metadata *e)
{
	const char *at = (const char *)e + e->metadata_len, *end = (const char *)e + e->event_len;

	while (at + sizeof(struct fanotify_event_info_header) <= end) {
		const struct fanotify_event_info_fid *fid = (const void *)at;

		if (fid->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME) {
			const struct file_handle *h = (const void *)fid->handle;

			return (const char *)h->f_handle + h->handle_bytes;
		}
		if (!fid->hdr.len)
			break;
		at += fid->hdr.len;
	}
	return "-";
}

static void by_fanotify(unsigned int flags)
{
	static char buf[65536] __attribute__((aligned(8)));
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC, O_RDONLY);
	uint64_t mask = FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM |
			FAN_MOVED_TO | FAN_EVENT_ON_CHILD | FAN_ONDIR;

	if (fd < 0)
		die("fanotify");
	for (int i = 0; i < nr_paths; i++)
		if (fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD, paths[i]))
			die(paths[i]);
	printf("ready\n");
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));
		const struct fanotify_event_metadata *e = (void *)buf;

		if (n <= 0)
			die("read");
		for (; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
			printf("- ");
			print_mask(e->mask);
			printf(" %s\n", fan_name(e));
		}
	}
}

int main(int argc, char **argv)
{
	unsigned int flags = 0;
	int fan = 0, c;

	while ((c = getopt(argc, argv, "fF")) != -1) {
		if (c == '?')
			return 2;
		fan = 1;
		if (c == 'F')
			flags = FAN_MARK_FILESYSTEM;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; optind < argc && nr_paths < PATHS_MAX; optind++)
		paths[nr_paths++] = argv[optind];
	if (!nr_paths)
		return 2;
	if (fan)
		by_fanotify(flags);
	by_inotify();
	return 1;
}
