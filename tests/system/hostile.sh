# SPDX-License-Identifier: GPL-2.0-only
# long: test_front test_back_call test_back_frozen_and_gone
# takes 9 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# hostile.sh: a frontend and a backend in user space attack the real back and the real front.  After each attack
# the programs themselves try that a well-behaved peer is served; here the victim's kernel log and counters are
# looked at.  One attack by hand:
#
#	lab exec user -- /opt/fsva-tests/hostile-front --attack NAME	(fsva_front unbound)
#	lab exec evil -- /opt/fsva-tests/hostile-back --attack NAME	(hostile-poke running in `victim`)

hostile_pair() {
	lab xl destroy user 2>/dev/null || true
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4 --fsva-memory 128
	"$FSVA_TOP/tests/programs/put" user
	# a bound device holds its driver's module
	user_sh 'umount /mnt/data; echo fsva-0 >/sys/bus/xen/drivers/fsva/unbind; rmmod fsva_front; modprobe -a xen-gntalloc xen-gntdev xen-evtchn
		echo 8192 >/sys/module/xen_gntalloc/parameters/limit
		mkdir -p /dev/xen; ls /dev/xen >/dev/null'
}

file_setup() {
	hostile_pair
	fsva_sh 'awk "/MemAvailable/ {print \$2}" /proc/meminfo >/tmp/memory.before'
}

# lines_of DOMAIN: how long its kernel log is (by number of the last line, for the ring wraps).
lines_of() {
	lab exec "$1" -- dmesg | wc -l
}

attack_back() {
	local key
	user_sh "/opt/fsva-tests/hostile-front --group $1" | tee /dev/stderr | (! grep '^not ok')
	kernel_clean user.data
	for key in connected mounted handles open_files leaked_pages; do
		assert_eq "$(back_value $key 0)" 0 "$key after the attacks"
	done
}

TIMEOUT_test_back_connect=900
test_back_connect() { attack_back connect; }
TIMEOUT_test_back_ring=900
test_back_ring() { attack_back ring; }
TIMEOUT_test_back_data=600
test_back_data() { attack_back data; }
TIMEOUT_test_back_call=900
test_back_call() { attack_back call; }

# What the attacks used up came back, and the log was not flooded.
test_back_afterwards() {
	local n
	n=$(lines_of user.data)
	[ "$n" -lt 4000 ] || fail "the appliance's kernel log has $n lines"
	fsva_sh 'echo 3 >/proc/sys/vm/drop_caches; before=$(cat /tmp/memory.before)
		now=$(awk "/MemAvailable/ {print \$2}" /proc/meminfo)
		echo "# available memory: $before KiB before, $now KiB after" >&2
		[ $((before - now)) -lt 16384 ] || { echo "FAIL: $((before - now)) KiB are gone"; exit 1; }'
	# the real front on the same back
	user_sh 'modprobe fsva-front; for i in 1 2 3 4 5 6 7 8 9 10; do
			mount -t fsva data /mnt/data 2>/dev/null && break; sleep 1; done
		findmnt /mnt/data; rm -rf /mnt/data/hostile-*; echo served >/mnt/data/f; [ "$(cat /mnt/data/f)" = served ]'
	user umount /mnt/data
	lab xl destroy user
}

ext4_is_mounted() {
	fsva_sh 'ls /proc/fs/ext4 | grep -q .'
}

ext4_is_unmounted() {
	fsva_sh '! ls /proc/fs/ext4 | grep -q .'
}

# The user domain dies when it has the file system frozen and a write waits for the thaw: to the appliance, its
# device's directory goes.
test_back_frozen_and_gone() {
	local freezes
	hostile_pair
	freezes=$(back_value freeze 0)
	user_sh 'HOSTILE_HOLD=120 setsid /opt/fsva-tests/hostile-front --attack freeze-vanish >/tmp/hold 2>&1 </dev/null &'
	eventually 60 eval '[ "$(back_value freeze 0)" -gt '"$freezes"' ]'
	sleep 2
	ext4_is_mounted
	# shellcheck disable=SC2016 # for dom0
	dom0_sh 'u=$(xl domid user) b=$(xl domid user.data); xenstore-rm /local/domain/$b/backend/fsva/$u/0'
	eventually 60 ext4_is_unmounted
	fsva_sh 'dmesg | grep -i "stuck in the file system" && exit 1 || true; rmmod fsva_back'
	kernel_clean user.data
	lab xl destroy user
}

# A user domain and another that has only our backend program: what the toolstack would have written for the two
# is written here by hand.
victim_setup() {
	local kernel=$1 type=$2
	lab pair --domain victim --fs none --kernel "$kernel" --user "$type"
	lab pair --domain evil --fs none --kernel 6.12 --user pv --memory 256
	"$FSVA_TOP/tests/programs/put" victim evil
	lab exec evil -- modprobe -a xen-gntdev xen-evtchn
	lab exec victim -- modprobe -a fsva-front
	# shellcheck disable=SC2016 # for dom0
	dom0_sh 'u=$(xl domid victim) b=$(xl domid evil)
		f=/local/domain/$u/device/fsva/0 k=/local/domain/$b/backend/fsva/$u/0
		for n in $f $k; do xenstore-write $n ""; done
		xenstore-chmod $f n$u r$b; xenstore-chmod $k n$b r$u
		xenstore-write $k/frontend $f $k/frontend-id $u $k/online 1 $k/state 1 $k/tag data \
			$f/backend-id $b $f/state 1 $f/tag data $f/backend $k'
}

victim_down() {
	# shellcheck disable=SC2016 # for dom0
	dom0_sh 'for d in victim evil; do xl destroy $d; done' || true
}

# attack_front KERNEL TYPE
attack_front() {
	local poke
	victim_setup "$1" "$2"
	lab exec -t 3000 victim -- /opt/fsva-tests/hostile-poke &
	poke=$!
	lab exec -t 3000 evil -- /opt/fsva-tests/hostile-back --all | tee /dev/stderr | (! grep '^not ok')
	wait "$poke"
	kernel_clean victim
	# shellcheck disable=SC2016
	lab exec victim -- sh -ec 'd=/sys/kernel/debug/fsva/front/data/info; [ ! -e $d ] ||
		awk "/^(busy|inodes|files|forgets)/ && \$2 != 0 {print \"FAIL: \" \$0; bad = 1} END {exit bad}" $d
		! findmnt -n -t fsva || { echo "FAIL: it is still mounted: $(findmnt -n -t fsva)"; exit 1; }; echo fsva-0 >/sys/bus/xen/drivers/fsva/unbind; rmmod fsva_front'
	victim_down
}

TIMEOUT_test_front=2700
test_front() { attack_front 6.12 pv; }
