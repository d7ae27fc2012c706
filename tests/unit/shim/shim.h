/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shim.h: the few names of the kernel that linux-front/signal.c uses.  Time, tasks and hypercalls are the test's.
 */
#ifndef SHIM_H
#define SHIM_H

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define clamp(v, lo, hi)	min(max(v, lo), hi)
#define ilog2(x)		(63 - __builtin_clzll(x))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define CONFIG_X86 1
#define HZ 250
#define jiffies			(shim_now / (1000000000 / HZ))
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define ktime_get_ns()		(shim_now)
#define need_resched()		(shim_resched)
#define single_task_running()	(shim_alone)

extern u64 shim_now;
extern bool shim_resched, shim_alone;
void cpu_relax(void);
int HYPERVISOR_sched_op(int cmd, void *arg);

struct kernel_param;
struct kernel_param_ops {
	int (*set)(const char *val, const struct kernel_param *kp);
	int (*get)(char *buf, const struct kernel_param *kp);
};
#define module_param_cb(name, ops, arg, perm)	const void *shim_param_##name = (ops)
#define module_param(name, type, perm)		type *shim_param_##name = &(name)
#define MODULE_PARM_DESC(name, text)		_Static_assert(sizeof(text) > 1, "")
typedef unsigned int uint;

struct seq_file;
#define seq_printf(m, ...)	((void)(m), printf(__VA_ARGS__))
#define seq_putc(m, c)		((void)(m), putchar(c))
#define sysfs_emit(buf, ...)	sprintf(buf, __VA_ARGS__)

static inline char *skip_spaces(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return (char *)s;
}

static inline char *strim(char *s)
{
	size_t n = strlen(s);

	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return skip_spaces(s);
}

static inline int kstrtouint(const char *s, unsigned int base, unsigned int *val)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(s, &end, base);
	if (!isdigit((unsigned char)*s) || *end)
		return -EINVAL;
	if (errno || n > UINT_MAX)
		return -ERANGE;
	*val = n;
	return 0;
}

#define sysfs_match_string(a, s)	shim_match(a, ARRAY_SIZE(a), s)
static inline int shim_match(const char *const *a, size_t n, const char *s)
{
	size_t i, len = strlen(s);

	/* as sysfs does, one newline at the end is not looked at */
	if (len && s[len - 1] == '\n')
		len--;
	for (i = 0; i < n; i++)
		if (strlen(a[i]) == len && !strncmp(a[i], s, len))
			return i;
	return -EINVAL;
}

#endif /* SHIM_H */
