# SPDX-License-Identifier: GPL-2.0-only
# takes 20 minutes
# long
# shellcheck shell=bash disable=SC2034,SC2154 # TIMEOUT_* are for the runner; mkfs and environment come from the file
# parity.sh: the same random calls on a file system itself and on it through a pair, side by side in one domain, and
# every outcome compared (tests/programs/parity).  The file system itself is the user domain's kernel's own, 6.12 as
# in the appliance, on a disk that the appliance has made, as it makes its own.
#
# PARITY_OPS and PARITY_SEED say how many and which; `make parity` runs it for longer.

PARITY_OPS=${PARITY_OPS:-20000}
PARITY_SEED=${PARITY_SEED:-1}

# both FS: /mnt/data is the pair's, /mnt/native the kernel's own.  With fsva.debug the appliance keeps its tools.
both() {
	local fs=$1 mkfs environment=
	dom0_sh 'for d in user user.data; do xl destroy $d 2>/dev/null; done; blkdiscard /dev/vdb; blkdiscard /dev/vdd'
	lab pair --user pv --fsva pv --kernel 6.12 --fs "$fs" --memory 512 \
		--fsva-memory 320 --fsva-extra fsva.debug --options strictatime
	mkfs=$(. "$FSVA_TOP/appliance/fs/$fs" && echo "env $environment /fsva/bin/$mkfs")
	dom0 xl block-attach user.data phy:/dev/vdd,xvdb,w
	fsva_sh "n=0; until [ -b /dev/xvdb ]; do n=\$((n + 1)); [ \$n -lt 100 ]; sleep 0.2; done; $mkfs /dev/xvdb"
	dom0 xl block-detach user.data xvdb
	dom0 xl block-attach user phy:/dev/vdd,xvdb,w
	eventually 20 user test -b /dev/xvdb
	user_sh "mkdir -p /mnt/native; mount -t $fs -o strictatime /dev/xvdb /mnt/native; chmod 755 /mnt/native /mnt/data"
	"$FSVA_TOP/tests/programs/put" user
}

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

TIMEOUT_test_ext4=3200
test_ext4() {
	compared ext4
}

TIMEOUT_test_xfs=3200
test_xfs() {
	compared xfs
}

TIMEOUT_test_btrfs=3200
test_btrfs() {
	compared btrfs
}

TIMEOUT_test_bcachefs=3200
test_bcachefs() {
	compared bcachefs
}
