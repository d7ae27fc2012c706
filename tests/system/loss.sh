# SPDX-License-Identifier: GPL-2.0-only
# takes 5 minutes
# shellcheck shell=bash
# loss.sh: the appliance goes away under load.  Pending and new calls end in EIO within 5 s, umount works,
# nothing is left behind, and the next pair is served.

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
}

test_destroyed_under_load() {
	# three kinds of load; each says when it met its error
	user_sh 'cd /mnt/data; for i in 1 2 3; do
		(while :; do dd if=/dev/zero of=f$i bs=64k count=64 conv=fsync 2>/tmp/err$i || break; done; date +%s >/tmp/ended$i) \
			>/dev/null 2>&1 &
	done
	(while mkdir d 2>/tmp/err4 && rmdir d 2>/tmp/err4; do :; done; date +%s >/tmp/ended4) >/dev/null 2>&1 &
	sleep 3; [ ! -e /tmp/ended1 ] && [ ! -e /tmp/ended4 ]'
	lab xl destroy user.data
	user_sh 'start=$(date +%s)
		for i in 1 2 3 4; do
			while [ ! -e /tmp/ended$i ]; do
				[ $(($(date +%s) - start)) -le 5 ] || { echo "load $i still waits after 5 s"; exit 1; }
				sleep 0.2
			done
			grep -q "Input/output error" /tmp/err$i || { cat /tmp/err$i; exit 1; }
		done'
	user_sh 'out=$(ls /mnt/data/new 2>&1) && exit 1; case $out in *"Input/output error"*) ;; *) echo "$out"; exit 1;; esac'
	user_sh 'out=$(touch /mnt/data/new 2>&1) && exit 1; case $out in *"Input/output error"*) ;; *) echo "$out"; exit 1;; esac'
	user timeout 10 umount /mnt/data
	kernel_clean user
}

test_user_lives_on() {
	assert_eq "$(user echo alive)" alive
	refuses 'fsva|No such device|data' user mount -t fsva data /mnt/data
	assert_eq "$(dom0_sh 'xl list | grep -c "^user "')" 1
}

test_nothing_left() {
	lab xl destroy user
	nothing_left
}

test_next_pair_is_served() {
	lab pair --user pvh --fsva pvh --kernel 6.1 --fs ext4 --disk /dev/vdc
	user_sh 'echo served >/mnt/data/f; [ "$(cat /mnt/data/f)" = served ]'
}

# The user domain dies: its appliance goes with it, and the disk is clean for the next.
test_user_crashes() {
	user_sh 'echo before >/mnt/data/before; sync'
	user_sh '(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &'
	eventually 30 no_domain
	lab pair --user pvh --fsva pvh --kernel 6.1 --fs ext4 --disk /dev/vdc
	assert_eq "$(user cat /mnt/data/before)" before
	lab xl destroy user
}

no_domain() {
	[ "$(dom0_sh 'xl list | tail -n +2 | grep -vc "^Domain-0 " || true')" = 0 ]
}
