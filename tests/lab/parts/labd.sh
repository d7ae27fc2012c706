# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# labd: the agent of `lab exec`, one static program for dom0 and every guest, and
# labssh, which dom0 has in the place of ssh.

labd_key() {
	lab_files tests/lab/agent
}

labd_build() {
	local p

	for p in labd labssh; do
		in_chroot gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s \
			-o "$1/$p" "$LAB_DIR/agent/$p.c"
	done
}
