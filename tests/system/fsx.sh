# SPDX-License-Identifier: GPL-2.0-only
# takes 6 minutes
# shellcheck shell=bash disable=SC2016,SC2034 # for the user domain; for the runner
# fsx.sh: random operations on files of an ext4 pair, each verified, and on names.  FSX_OPS says how many: 24,000
# in every run, since emulation does some hundred a second; FSX_OPS=200000 make test T=fsx for a release.

FSX_OPS=${FSX_OPS:-24000}

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
	"$FSVA_TOP/tests/programs/put" user
}

TIMEOUT_test_data=3000
test_data() {
	# several files at a time, so that calls meet in the ring
	lab exec -t 3000 user -- bash -euo pipefail -c 'cd /mnt/data; for s in 1 2 3 4; do
			/opt/fsva-tests/fsx --ops "$0" --seed $s fsx.$s >/tmp/fsx.$s 2>&1 & done; wait
		cat /tmp/fsx.*; [ "$(cat /tmp/fsx.[1-4] | grep -c "^ok fsx: $0 operations")" = 4 ]' $((FSX_OPS / 4))
	kernel_clean user user.data
}

TIMEOUT_test_names=1500
test_names() {
	lab exec -t 1500 user -- bash -euo pipefail -c 'cd /mnt/data; for s in 1 2; do
			/opt/fsva-tests/dirx --ops "$0" --seed $s dirx.$s >/tmp/dirx.$s 2>&1 & done; wait
		cat /tmp/dirx.*; [ "$(cat /tmp/dirx.[12] | grep -c "^ok dirx: $0 operations")" = 2 ]' $((FSX_OPS / 20))
	kernel_clean user user.data
}

# What is on the disk is a clean file system.
test_clean_afterwards() {
	user_sh 'cd /; ls -A /mnt/data | grep -v "^lost+found$" && exit 1; umount /mnt/data; mount -t fsva data /mnt/data'
	kernel_clean user user.data
}
