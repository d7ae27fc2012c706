// SPDX-License-Identifier: GPL-2.0-only
/* ops_xattr.c: extended attributes of all namespaces, and ACLs, which are among them. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "parity.h"

/* as linux/posix_acl.h has them, which is not for programs */
enum { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16, ACL_OTHER = 32 };

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

struct target {
	int fd;				/* or -1 */
	bool follow;
	const char *path;
};

static struct target some_target(bool dir)
{
	struct target t = { .fd = -1 };

	if (!dir && one_in(2)) {
		some_fd(&t.fd);
		look_fd(t.fd);
		return t;
	}
	t.path = dir ? some_dir() : likely_path();
	t.follow = pick(3);
	say(" ");
	say_name(t.path, strlen(t.path));
	if (!t.follow)
		say(" itself");
	look_at(t.path);
	return t;
}

static const char *some_attribute(void)
{
	static char name[300];

	switch (pick(24)) {
	case 0: case 1: case 2: snprintf(name, sizeof(name), "trusted.t%u", pick(3)); break;
	case 3: case 4: snprintf(name, sizeof(name), "security.s%u", pick(2)); break;
	case 5: return "security.capability";
	case 6: return one_in(2) ? "user." : "nonsense.a";
	case 7: return ACCESS;
	case 8: return DEFAULT;
	case 9: return one_in(2) ? "system.nothing" : "plain";
	case 10:
		memset(name, 'x', sizeof(name));
		memcpy(name, "user.", 5);
		name[ONE_OF(200, 255, 256)] = 0;
		break;
	case 11: return one_in(2) ? "btrfs.compression" : "bcachefs.compression";
	default: snprintf(name, sizeof(name), "user.a%u", pick(3)); break;
	}
	return name;
}

static int set(const struct target *t, const char *name, const void *value, size_t len, int flags)
{
	return t->fd >= 0 ? fsetxattr(t->fd, name, value, len, flags) :
		t->follow ? setxattr(t->path, name, value, len, flags) : lsetxattr(t->path, name, value, len, flags);
}

static ssize_t get(const struct target *t, const char *name, void *value, size_t len)
{
	return t->fd >= 0 ? fgetxattr(t->fd, name, value, len) :
		t->follow ? getxattr(t->path, name, value, len) : lgetxattr(t->path, name, value, len);
}

static void op_setxattr(void)
{
	struct target t = some_target(false);
	const char *name = some_attribute();
	int flags = one_in(4) ? ONE_OF(XATTR_CREATE, XATTR_REPLACE, 3, 8) : 0;
	size_t len = one_in(8) ? pick(5000) : one_in(100) ? 65536 : pick(80);

	fill(len);
	if (!strcmp(name, "security.capability")) {
		struct vfs_cap_data cap = { VFS_CAP_REVISION_2, { { pick(1 << 15), 0 }, { 0, 0 } } };

		len = one_in(5) ? 7 : XATTR_CAPS_SZ_2;
		memcpy(buf, &cap, sizeof(cap));
	} else if (strstr(name, ".compression")) {
		len = one_in(2) ? 4 : 0;
		memcpy(buf, "zstd", 4);
	}
	say(" %.40s %zu %d", name, len, flags);
	say_result(set(&t, name, buf, len, flags));
}

static ssize_t list(const struct target *t, char *room, size_t len)
{
	return t->fd >= 0 ? flistxattr(t->fd, room, len) :
		t->follow ? listxattr(t->path, room, len) : llistxattr(t->path, room, len);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One that it has, if it has any, more often than not. */
static const char *known_attribute(const struct target *t)
{
	static char room[65536];
	ssize_t n = list(t, room, sizeof(room));
	char *names[100] = { NULL };
	size_t nr = 0;

	if (n <= 0 || one_in(4))
		return some_attribute();
	for (char *p = room; p < room + n && nr < 100; p += strlen(p) + 1)
		names[nr++] = p;
	qsort(names, nr, sizeof(names[0]), by_name);
	return names[pick(nr)];
}

static void op_getxattr(void)
{
	struct target t = some_target(false);
	const char *name = known_attribute(&t);
	size_t room = ONE_OF(0, 1, 20, 65536, 65536, 65536);
	ssize_t n;

	say(" %.40s %zu", name, room);
	n = say_result(get(&t, name, buf, room));
	if (n > 0 && room)
		say(" %010llx", (unsigned long long)hash(buf, n));
}

static void op_listxattr(void)
{
	struct target t = some_target(false);
	size_t room = ONE_OF(0, 1, 20, 65536, 65536, 65536), nr = 0;
	char *all = (char *)buf, *names[100] = { NULL };
	ssize_t n = list(&t, all, room);

	say(" %zu", room);
	say_result(n);
	if (n <= 0 || !room)
		return;
	for (char *p = all; p < all + n && nr < 100; p += strlen(p) + 1)
		names[nr++] = p;
	qsort(names, nr, sizeof(names[0]), by_name);
	for (size_t i = 0; i < nr; i++) {
		say(" ");
		say_name(names[i], strlen(names[i]));
	}
}

static void op_removexattr(void)
{
	struct target t = some_target(false);
	const char *name = known_attribute(&t);

	say(" %.40s", name);
	say_result(t.fd >= 0 ? fremovexattr(t.fd, name) :
		   t.follow ? removexattr(t.path, name) : lremovexattr(t.path, name));
}

struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entries[12];
};

/* In the order that is asked for; now and then not, or without the mask. */
static size_t some_acl(struct acl *acl)
{
	unsigned int n = 0, users = pick(3), groups = pick(3);

	acl->head.a_version = one_in(30) ? 1 : POSIX_ACL_XATTR_VERSION;
#define ENTRY(t, id) acl->entries[n++] = (struct posix_acl_xattr_entry){ t, pick(8), id }
	ENTRY(ACL_USER_OBJ, -1);
	for (unsigned int i = 0; i < users; i++)
		ENTRY(ACL_USER, 1000 + i);
	ENTRY(ACL_GROUP_OBJ, -1);
	for (unsigned int i = 0; i < groups; i++)
		ENTRY(ACL_GROUP, 2000 + i * 1000);
	if ((users || groups || one_in(4)) && !one_in(20))
		ENTRY(ACL_MASK, -1);
	if (!one_in(30))
		ENTRY(ACL_OTHER, -1);
#undef ENTRY
	say(" acl");
	for (unsigned int i = 0; i < n; i++)
		say(" %x:%d:%u", acl->entries[i].e_tag, (int)acl->entries[i].e_id, acl->entries[i].e_perm);
	return sizeof(acl->head) + n * sizeof(acl->entries[0]) - one_in(30);
}

static void op_setacl(void)
{
	const char *name = pick(3) ? ACCESS : DEFAULT;
	struct target t = some_target(name[17] == 'd' && !one_in(6));
	struct acl acl;
	size_t len = some_acl(&acl);

	say(" %s", name + 17);
	say_result(set(&t, name, &acl, len, 0));
}

static void op_getacl(void)
{
	const char *name = pick(3) ? ACCESS : DEFAULT;
	struct target t = some_target(name[17] == 'd' && !one_in(6));
	struct acl *acl = (struct acl *)buf;
	ssize_t n;

	say(" %s", name + 17);
	n = say_result(get(&t, name, buf, 4096));
	for (ssize_t i = 0; n > 0 && i < (n - 4) / 8; i++)
		say(" %x:%d:%u", acl->entries[i].e_tag, (int)acl->entries[i].e_id, acl->entries[i].e_perm);
}

const struct op ops_xattr[] = {
	{ "setxattr", 22, ALL, op_setxattr },
	{ "getxattr", 14, ALL, op_getxattr },
	{ "listxattr", 10, ALL, op_listxattr },
	{ "removexattr", 8, ALL, op_removexattr },
	{ "setacl", 14, ALL, op_setacl },
	{ "getacl", 8, ALL, op_getacl },
	{ 0 },
};
