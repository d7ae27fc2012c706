# SPDX-License-Identifier: GPL-2.0-only
# long: test_pv_pvh_new_xfs test_pvh_pvh_61_bcachefs test_pvh_pv_new_f2fs test_pv_pv_61_ext4_on_new
# takes 22 minutes
# shellcheck shell=bash
# matrix.sh: PV and PVH on either side, the three user kernels, each file system: chosen so that every value
# of one meets most of the others.  Each pair is created, mounted, tried, mounted again, checked and destroyed.

# one USER-TYPE FSVA-TYPE USER-KERNEL FSVA-KERNEL FS; the appliance has the memory that its own config says
one() {
	local user_type=$1 fsva_type=$2 kernel=$3 fsva_kernel=$4 fs=$5 h0 h1
	# what a failed test may have left; and the lab's disks show zeros after a discard
	dom0_sh 'for d in user user.data; do xl destroy $d 2>/dev/null; done; blkdiscard /dev/vdb'
	lab pair --user "$user_type" --fsva "$fsva_type" --kernel "$kernel" --fsva-kernel "$fsva_kernel" --fs "$fs"
	assert_eq "$(user findmnt -n -o FSTYPE,SOURCE /mnt/data | tr -s ' ')" 'fsva data' findmnt
	h0=$(back_value handles)
	user bash -c 'cat >/tmp/smoke.sh' <"$FSVA_TOP/tests/programs/smoke.sh"
	user bash /tmp/smoke.sh /mnt/data
	user_sh 'echo kept >/mnt/data/kept; umount /mnt/data; mount -t fsva data /mnt/data; [ "$(cat /mnt/data/kept)" = kept ]
		echo 2 >/proc/sys/vm/drop_caches; rm /mnt/data/kept'
	eventually 10 handles_at_most "$((h0 + 2))"
	h1=$(back_value handles)
	note "handles: $h0 at the start, $h1 at the end"
	kernel_clean user user.data
	user_sh 'umount /mnt/data'
	lab xl destroy user
	nothing_left
}

handles_at_most() {
	user_sh 'echo 2 >/proc/sys/vm/drop_caches'
	[ "$(back_value handles)" -le "$1" ]
}

#                                 user fsva user  fsva  fs
test_pv_pv_61_ext4()        { one pv   pv   6.1   6.12  ext4; }
test_pvh_pvh_612_ext4()     { one pvh  pvh  6.12  6.12  ext4; }
test_pv_pvh_new_xfs()       { one pv   pvh  new   6.12  xfs; }
test_pvh_pv_61_btrfs()      { one pvh  pv   6.1   6.12  btrfs; }
test_pv_pv_new_bcachefs()   { one pv   pv   new   6.12  bcachefs; }
test_pvh_pvh_61_bcachefs()  { one pvh  pvh  6.1   6.12  bcachefs; }
test_pv_pvh_612_reiserfs()  { one pv   pvh  6.12  6.1   reiserfs; }
test_pvh_pv_new_f2fs()      { one pvh  pv   new   6.12  f2fs; }
test_pv_pv_61_ext4_on_new() { one pv   pv   6.1   new   ext4; }
