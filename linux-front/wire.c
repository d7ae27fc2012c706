// SPDX-License-Identifier: GPL-2.0
/*
 * wire.c: the codec of protocol/, built into this module.
 */
#include "../protocol/fsva_wire.c"
