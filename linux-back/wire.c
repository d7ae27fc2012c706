// SPDX-License-Identifier: GPL-2.0
/* The codec, built for this kernel. */
#include "fsva_wire.c"
