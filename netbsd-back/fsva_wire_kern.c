/* SPDX-License-Identifier: BSD-2-Clause */
/* The codec, built for this kernel. */
#include "fsva_os.h"
#include "../protocol/fsva_wire.c"
