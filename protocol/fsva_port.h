/* SPDX-License-Identifier: MIT */
/* fsva_port.h: the few names that the header and the codec need, in each kernel and in user space. */
#ifndef FSVA_PORT_H
#define FSVA_PORT_H

#if defined(__KERNEL__)                         /* Linux */
#include <linux/types.h>
#include <linux/string.h>
#include <linux/stddef.h>
#include <linux/nospec.h>
#elif defined(_KERNEL)                          /* NetBSD */
#include <sys/types.h>
#include <sys/stdint.h>
#include <sys/systm.h>
#include <lib/libkern/libkern.h>
#else
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdbool.h>
#endif

/* An index that was checked against its bound, kept below it also where the processor guesses the check. */
#ifdef __KERNEL__
#define FSVA_PORT_NOSPEC(index, bound)  array_index_nospec(index, bound)
#else
#define FSVA_PORT_NOSPEC(index, bound)  (index)
#endif

#endif /* FSVA_PORT_H */
