# SPDX-License-Identifier: GPL-2.0-only
# takes 14 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# fsx.sh: 200,000 random operations on files of an ext4 pair, each verified, and 20,000 on names.

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
	"$FSVA_TOP/tests/programs/put" user
}

TIMEOUT_test_data_200000=1500
test_data_200000() {
	# several files at a time, so that calls meet in the ring
	user_sh 'cd /mnt/data; for s in 1 2 3 4; do
			/opt/fsva-tests/fsx --ops 50000 --seed $s fsx.$s >/tmp/fsx.$s 2>&1 & done; wait
		cat /tmp/fsx.*; [ "$(grep -c "^ok fsx: 50000 operations" /tmp/fsx.1 /tmp/fsx.2 /tmp/fsx.3 /tmp/fsx.4 |
			grep -c ":1$")" = 4 ]'
	kernel_clean user user.data
}

TIMEOUT_test_names_20000=900
test_names_20000() {
	user_sh 'cd /mnt/data; for s in 1 2; do
			/opt/fsva-tests/dirx --ops 10000 --seed $s dirx.$s >/tmp/dirx.$s 2>&1 & done; wait
		cat /tmp/dirx.*; [ "$(cat /tmp/dirx.* | grep -c "^ok dirx: 10000 operations")" = 2 ]'
	kernel_clean user user.data
}

# What is on the disk is a clean file system.
test_clean_afterwards() {
	user_sh 'cd /; ls -A /mnt/data | grep -v "^lost+found$" && exit 1; umount /mnt/data; mount -t fsva data /mnt/data'
	kernel_clean user user.data
}
