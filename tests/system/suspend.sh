# SPDX-License-Identifier: GPL-2.0-only
# takes 5 minutes
# long
# shellcheck shell=bash
# suspend.sh: each member of a pair is suspended and goes on where it was (xl save -c), without the plugin, which
# knows of no lone members.  migrate.sh tries the same with both and in other domains.

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
	# shellcheck disable=SC2016
	dom0_sh 'so=/usr/lib/xen/lib/xl-fsva.so; mv $so $so.off'
	"$FSVA_TOP/tests/programs/put" user
}

file_teardown() {
	# shellcheck disable=SC2016
	dom0_sh 'so=/usr/lib/xen/lib/xl-fsva.so; mv $so.off $so'
	lab xl destroy user
}

front_info() {
	user awk -v "key=$1" '$1 == key { print $2 }' /sys/kernel/debug/fsva/front/data/info
}

# writers NAME: begin calls that must not run twice.
writers() {
	user_sh "mkdir -p /mnt/data/$1
		(/opt/fsva-tests/exactly-once run /mnt/data/$1 /tmp/$1 300 4 >/tmp/$1.out 2>&1 </dev/null &)
		sleep 2; [ -s /tmp/$1.3 ]"
}

# writers_done NAME: they go on, have seen no error, and the file system is what their journal says.
writers_done() {
	user_sh "before=\$(stat -c %s /tmp/$1.0); sleep 3
		[ \$(stat -c %s /tmp/$1.0) -gt \$before ] || { echo the writers stand still; exit 1; }
		touch /tmp/$1.stop; i=0
		while pgrep exactly-once >/dev/null; do sleep 1; i=\$((i + 1)); [ \$i -lt 30 ]; done
		cat /tmp/$1.out; grep -c ' 0 errors' /tmp/$1.out | grep -qx 4
		/opt/fsva-tests/exactly-once check /mnt/data/$1 /tmp/$1"
}

checkpoint() {
	dom0 timeout 120 xl save -c "$1" /dev/null
}

test_user() {
	local before
	before=$(front_info suspends)
	writers user
	checkpoint user
	writers_done user
	assert_eq "$(front_info suspends)" $((before + 1)) suspends
	kernel_clean user user.data
}

test_appliance() {
	local before
	before=$(back_value suspends)
	writers fsva
	checkpoint user.data
	writers_done fsva
	assert_eq "$(back_value suspends)" $((before + 1)) suspends
	assert_eq "$(back_value leaked_pages)" 0 'leaked pages'
	kernel_clean user user.data
}

# Calls wait for their answers when the domain is suspended, and get them afterwards.
test_answers_wait() {
	writers wait
	user_sh 'echo 1 >/sys/kernel/debug/fsva/front/data/deaf; sleep 1'
	checkpoint user
	writers_done wait
	kernel_clean user user.data
}

# Large reads and writes, pages of the caller's in hand at any moment; and O_SYNC, which waits for the journal.
test_data() {
	user_sh 'cd /mnt/data; dd if=/dev/urandom of=/tmp/seed bs=64k count=16 2>/dev/null
		for i in 1 2; do
			(for n in 1 2 3 4 5 6; do dd if=/tmp/seed of=big$i bs=64k 2>/dev/null && cmp -s /tmp/seed big$i ||
				echo round $n >>/tmp/bad; done; touch /tmp/done$i) >/dev/null 2>&1 </dev/null &
		done
		(dd if=/tmp/seed of=sync bs=4k count=200 oflag=sync 2>/dev/null || echo sync >>/tmp/bad; touch /tmp/done3) \
			>/dev/null 2>&1 </dev/null & sleep 1'
	checkpoint user.data
	checkpoint user
	checkpoint user.data
	eventually 240 user_sh '[ -e /tmp/done1 ] && [ -e /tmp/done2 ] && [ -e /tmp/done3 ]'
	user_sh '[ ! -e /tmp/bad ] || { cat /tmp/bad; exit 1; }; head -c 819200 /tmp/seed | cmp - /mnt/data/sync'
	kernel_clean user user.data
}

# Nothing of it is left.
test_unmount() {
	user umount /mnt/data
	assert_eq "$(back_value handles)" 0 handles
	user mount -t fsva data /mnt/data
	user_sh 'ls /mnt/data | grep -q big1'
}
