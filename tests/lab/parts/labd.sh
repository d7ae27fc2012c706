# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# labd: the agent of `lab exec`, one static program for dom0 and every guest.

labd_key() {
	lab_files tests/lab/agent
}

labd_build() {
	in_chroot gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s \
		-o "$1/labd" "$LAB_DIR/agent/labd.c"
}
