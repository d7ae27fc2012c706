/* SPDX-License-Identifier: GPL-2.0-only */
/* FNV-1a in place of the kernel's: all that counts is that other octets give another number. */
#include <shim.h>

static inline u32 jhash(const void *key, u32 length, u32 initval)
{
	const unsigned char *p = key;
	u32 sum = 2166136261u ^ initval;

	while (length--)
		sum = (sum ^ *p++) * 16777619u;
	return sum;
}

static inline u32 jhash2(const u32 *k, u32 length, u32 initval)
{
	return jhash(k, length * 4, initval);
}
