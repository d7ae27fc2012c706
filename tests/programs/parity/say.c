// SPDX-License-Identifier: GPL-2.0-only
/* say.c: an outcome as text that is the same wherever the same happened. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "parity.h"

char said[LINE];
static size_t len;
static time_t began;

void say_begin(void)
{
	len = 0;
	said[0] = 0;
	if (!began)
		began = time(NULL);
}

void say(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(said + len, LINE - len, fmt, ap);
	va_end(ap);
	if (n > 0)
		len = len + n < LINE ? len + n : LINE - 1;
}

/* Octets that are no plain characters as \xNN; a long run of one as c*n. */
void say_name(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t run = 1;

		while (i + run < n && name[i + run] == name[i])
			run++;
		if (name[i] > ' ' && name[i] < 0x7f && name[i] != '\\')
			say("%c", name[i]);
		else
			say("\\x%02x", (unsigned char)name[i]);
		if (run > 8) {
			say("*%zu", run);
			i += run - 1;
		}
	}
}

void say_bits(const char *what, uint64_t value, const struct bit *bits)
{
	const char *sep = "";

	say(" %s", what);
	for (; bits->name; bits++) {
		if ((value & bits->bit) != bits->bit)
			continue;
		say("%s%s", sep, bits->name);
		value &= ~bits->bit;
		sep = "|";
	}
	if (value || !*sep)
		say("%s%#llx", sep, (unsigned long long)value);
}

long say_result(long r)
{
	int err = errno;

	if (r < 0)
		say(" = %s", strerrorname_np(err) ?: "E?");
	else
		say(" = %ld", r);
	errno = err;
	return r;
}

/* The present is not the same twice; what was set to some other time is. */
void say_time(long long sec, long nsec)
{
	if (sec > began - 86400 && sec < began + 86400)
		say("now");
	else
		say("%lld.%09ld", sec, nsec);
}

void say_stat(const struct stat *st)
{
	say(" %o l%lu %u:%u", st->st_mode, (unsigned long)st->st_nlink, st->st_uid, st->st_gid);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		say(" dev %u:%u", major(st->st_rdev), minor(st->st_rdev));
	say(" s%lld a", (long long)st->st_size);
	say_time(st->st_atim.tv_sec, st->st_atim.tv_nsec);
	say(" m");
	say_time(st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	say(" c");
	say_time(st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

/* Whether there is room for attributes is said by itself: see expect.c. */
void say_xflags(uint32_t xflags)
{
	say(" x %#x%s", xflags & ~FS_XFLAG_HASATTR, xflags & FS_XFLAG_HASATTR ? " hasattr" : "");
}

uint64_t hash(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint64_t h = n + 0x51ull, w;

	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	for (; n; n--, p++)
		h = (h ^ *p) * 0x100000001b3ull;
	return h & 0xffffffffffull;
}
