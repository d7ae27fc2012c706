# SPDX-License-Identifier: GPL-2.0-only
# takes 20 minutes
# long
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# parity.sh: the same random calls on a file system itself and on it through a pair, side by side in one domain, and
# every outcome compared (tests/programs/parity).  The file system itself is the user domain's kernel's own, 6.12 as
# in the appliance, on a disk that the appliance has made, as it makes its own.
#
# PARITY_OPS and PARITY_SEED say how many and which; `make parity` runs it for longer.  Then each mount option of
# tests/programs/options, on both (tests/programs/mountx.c), and some operations under those that change their outcome.

PARITY_OPS=${PARITY_OPS:-20000}
PARITY_SEED=${PARITY_SEED:-1}
PARITY_OPS_UNDER=${PARITY_OPS_UNDER:-600}

# shellcheck source=tests/system/both.bash
. "$FSVA_TOP/tests/system/both.bash"

# compared FS: what is said of it is the program's last line
compared() {
	local fs=$1 status=0
	both "$fs"
	lab exec -t "${PARITY_TIME:-3000}" user -- /opt/fsva-tests/parity --seed "$PARITY_SEED" --ops "$PARITY_OPS" --drop-caches \
		--table "/tmp/parity.$fs" /mnt/native /mnt/data || status=$?
	[ -z "${PARITY_TABLES:-}" ] || lab get "user:/tmp/parity.$fs" "$PARITY_TABLES/$fs.$PARITY_SEED"
	kernel_clean user user.data
	[ "$status" = 0 ] || fail "parity on $fs: differences, see above"
	kept "$fs"
}

# kept FS: and what was done is on the disk, the same as natively, when both are mounted anew
kept() {
	user_sh "/opt/fsva-tests/parity --seed $PARITY_SEED --epoch 7777 --keep /mnt/native /mnt/data
		umount /mnt/native; mount -t $1 -o strictatime /dev/xvdb /mnt/native
		umount /mnt/data; mount -t fsva -o strictatime data /mnt/data
		for d in native data; do /opt/fsva-tests/parity --audit /mnt/\$d/kept7777 >/tmp/audit.\$d; done
		wc -l </tmp/audit.native; diff /tmp/audit.native /tmp/audit.data"
}

# options FS OPTIONS...: mount and remount with each that tests/programs/options has, then run under OPTIONS
options() {
	local fs=$1 o status=0 table
	shift
	table=$(mktemp)
	[ "$(user_sh 'findmnt -n -o FSTYPE /mnt/native || :')" = "$fs" ] || both "$fs"
	user umount /mnt/native /mnt/data
	cat "$FSVA_TOP/tests/programs/options/common" "$FSVA_TOP/tests/programs/options/$fs" |
		lab exec -t 1500 user -- /opt/fsva-tests/mountx "$fs" /dev/xvdb /mnt/native data /mnt/data >"$table" || status=$?
	grep -v "$(printf '\tsame$')" "$table"
	for o in "$@"; do
		user_sh "mount -t $fs -o $o /dev/xvdb /mnt/native; mount -t fsva -o $o data /mnt/data"
		lab exec -t 600 user -- /opt/fsva-tests/parity --seed "$PARITY_SEED" --ops "$PARITY_OPS_UNDER" \
			/mnt/native /mnt/data || { note "differences under $o"; status=1; }
		printf '%s\tunder %s\t%s\n' "$fs" "$o" "$PARITY_OPS_UNDER" >>"$table"
		user umount /mnt/native /mnt/data
	done
	[ -z "${PARITY_TABLES:-}" ] || grep "^$fs$(printf '\t')" "$table" >"$PARITY_TABLES/options.$fs"
	rm -f "$table"
	kernel_clean user user.data
	[ "$status" = 0 ] || fail "options of $fs: differences, see above"
}

TIMEOUT_test_ext4=3200
test_ext4() {
	compared ext4
}

TIMEOUT_test_ext4_options=2400
test_ext4_options() {
	options ext4 noatime relatime,nodiratime lazytime sync dirsync grpid data=journal nodelalloc,data=writeback nosymfollow,nodev,nosuid,noexec
}

TIMEOUT_test_xfs=3200
test_xfs() {
	compared xfs
}

TIMEOUT_test_xfs_options=2400
test_xfs_options() {
	options xfs relatime wsync grpid allocsize=64k,inode32
}

TIMEOUT_test_btrfs=3200
test_btrfs() {
	compared btrfs
}

TIMEOUT_test_btrfs_options=2400
test_btrfs_options() {
	options btrfs relatime nodatacow compress=zstd noacl max_inline=0,flushoncommit
}

TIMEOUT_test_bcachefs=3200
test_bcachefs() {
	compared bcachefs
}

TIMEOUT_test_bcachefs_options=2400
test_bcachefs_options() {
	options bcachefs relatime compression=lz4 noacl data_checksum=none
}
