# SPDX-License-Identifier: GPL-2.0-only
# takes 12 minutes
# long
# boot: --host-memory 2560 --dom0-memory 1280
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# migrate.sh: a pair is saved, restored and migrated as one, under load, and whatever fails on the way leaves
# one live copy of it.  On one host: the target of each migration is its source's host, so the domains get new
# ids, and all that a second host would see is seen.  migrate-hosts.sh has two.

# shellcheck source=tests/system/migrate.bash
source "$FSVA_TOP/tests/system/migrate.bash"

ACCEPT=3 READY=7 DONE=9	# enum fsva_frame_type

TIMEOUT_test_pv_faults=900
TIMEOUT_test_pvh_faults=900
TIMEOUT_test_faults_late=900

file_setup() {
	# What xl runs instead of ssh.  $CUT reads, of 64 KiB at most, go there.  Answers (frames of 24 octets, see fsva_stream.h)
	# end before the one of type $CUT_AT; before the one of type $KILL_AT goes on, the receiver is killed.
	dom0 sh -c 'cat >/usr/bin/localssh && chmod +x /usr/bin/localssh' <<-'END'
	#!/bin/sh
	# localssh HOST CMD...
	shift
	answers() {
		dd bs=16 count=1 2>/dev/null
		while dd bs=24 count=1 of=/tmp/frame 2>/dev/null && [ -s /tmp/frame ]; do
			type=$(($(od -An -tu1 -j8 -N1 /tmp/frame)))
			[ "$type" != "$CUT_AT" ] || exit
			[ "$type" != "$KILL_AT" ] || { kill -9 "$(cat /tmp/receiver)"; sleep 1; }
			cat /tmp/frame
		done
	}
	if [ -n "$CUT" ]; then
		# not head: busybox's holds back what it has read, and the greeting would never come
		dd bs=65536 count="$CUT" 2>/dev/null | "$@"
	elif [ -n "$CUT_AT$KILL_AT" ]; then
		sh -c 'echo $$ >/tmp/receiver; exec "$@"' - "$@" | answers
	else
		echo $$ >/tmp/receiver
		exec "$@"
	fi
	END
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4 --memory 256
}

# pair KIND: such a pair runs, with /mnt/data mounted.
pair() {
	local now
	now=$(dom0_sh "xl list -l user 2>/dev/null | sed -n 's/.*\"type\": \"\(pvh*\)\".*/\1/p' | head -n 1" || true)
	if [ "$now" != "$1" ] || [ "$(domains)" != 'user user.data ' ]; then
		dom0_sh 'xl destroy user 2>/dev/null; xl destroy user.data 2>/dev/null; true'
		eventually 60 no_domains
		lab pair --user "$1" --fsva "$1" --kernel 6.12 --fs ext4 --memory 256
	fi
	user_sh 'mountpoint -q /mnt/data'
}

test_refusals() {
	pair pv
	refuses "'user.data' .* so migrate of it alone is refused: xl migrate user takes both" dom0 xl migrate user.data localhost
	refuses "'user.data' .* so save of it alone is refused: xl save user takes both" dom0 xl save user.data /dev/shm/saved
	refuses "its own configuration.*refused" dom0 xl migrate -D user localhost
	refuses "its own configuration.*refused" dom0 xl save -D user /dev/shm/saved
	refuses "/nosuch/saved cannot be written: No such file" dom0 xl save user /nosuch/saved
	dom0 test ! -e /dev/shm/saved
	dom0 xl pause user
	refuses "'user' .* is paused, so migrate is refused" dom0 xl migrate user localhost
	dom0 xl unpause user
	one_pair
}

# A checkpoint leaves both running, and is no different from a suspend that failed.
checkpoint() {
	local before
	pair "$1"
	before=$(ids)
	load_start
	dom0 xl save -c user /dev/shm/saved
	assert_eq "$(ids)" "$before" 'ids'
	load_goes_on
	dom0 xl save -c user /dev/shm/saved
	load_check
	one_pair
	kernel_clean user user.data
	dom0 rm /dev/shm/saved
}

test_pv_checkpoint() {
	checkpoint pv
}

save_restore() {
	pair "$1"
	load_start
	dom0 xl save user /dev/shm/saved
	no_domains
	dom0_sh 'cd /dev/shm && tail -c 24 saved >/tmp/end && truncate -s $(($(stat -c %s saved) - 24)) saved'
	refuses 'restore from /dev/shm/saved failed: the image is cut off; no domain is left' dom0 xl restore /dev/shm/saved
	no_domains
	dom0_sh 'cat /tmp/end >>/dev/shm/saved
		dd if=/dev/shm/saved of=/tmp/octet bs=1 skip=5000000 count=1 status=none
		octet=$(od -An -tu1 /tmp/octet)
		printf "\\$(printf %o $((255 - octet)))" | dd of=/dev/shm/saved bs=1 seek=5000000 conv=notrunc status=none'
	refuses 'restore from /dev/shm/saved failed: the image is damaged: a checksum is wrong' dom0 xl restore /dev/shm/saved
	no_domains
	dom0_sh 'dd if=/tmp/octet of=/dev/shm/saved bs=1 seek=5000000 conv=notrunc status=none'
	dom0 xl restore /dev/shm/saved
	dom0 rm /dev/shm/saved
	load_check
	one_pair
	kernel_clean user user.data
}

test_pv_save_restore() {
	save_restore pv
}

migrate() {
	local before out
	pair "$1"
	before=$(ids)
	load_start
	out=$(dom0 xl migrate -s localssh user localhost 2>&1) || fail "xl migrate: $out"
	printf '%s\n' "$out" | grep -E "^fsva: .*(pass|converged|downtime)" >&2
	assert_contains "$out" "'user' has moved with 1 appliance: downtime "
	[ "$(ids)" != "$before" ] || fail "the ids are those of before: $before"
	load_goes_on
	# and once more: what moved can move
	dom0 xl migrate -s localssh user localhost
	load_check
	one_pair
	kernel_clean user user.data
}

test_pv_migrate() {
	migrate pv
}

# fault REGEX [VAR=VALUE]: a migration that must fail so, and change nothing.
fault() {
	local want=$1 before
	shift
	before=$(ids)
	refuses "^fsva: migration of 'user' failed, .*$want.*; it and its appliances run on here" \
		dom0 env "$@" xl migrate -s localssh user localhost
	assert_eq "$(ids)" "$before" 'ids'
	eventually 60 one_pair_sh
	load_goes_on
}

# kill_receiver SECONDS: after so long
kill_receiver() {
	dom0_sh "(sleep $1; kill -9 \$(cat /tmp/receiver)) >/dev/null 2>&1 &"
}

faults() {
	pair "$1"
	load_start
	note 'no such command'
	refuses "migration of 'user' failed, greeting: .*connection to the other host was lost; it and" \
		dom0 xl migrate -s /nosuch user localhost
	note 'the transport is cut: right after the greeting, early, and in the middle of the images'
	fault '(greeting|copying memory): the connection' CUT=1
	fault 'copying memory: ' CUT=20
	fault 'copying memory: ' CUT=2000
	note 'the answers are cut: before it accepts, before it is ready'
	fault 'greeting: ' CUT_AT=$ACCEPT
	fault '(suspending|waiting).*: ' CUT_AT=$READY
	note 'the receiver is killed while it copies'
	kill_receiver 5
	fault '(greeting|copying|suspending|waiting).*: ' NOTHING=1
	load_check
	one_pair
	kernel_clean user user.data
}

test_pv_faults() {
	faults pv
}

# The target has no room: said before anything is copied.
test_no_memory() {
	pair pv
	load_start
	dom0 sh -c 'sed "s,^memory.*,memory = $0," /etc/xen/user.cfg | sed "s,^name.*,name = \"hog\",; /^fsva/d; /^vif/d; /^disk/d" >/etc/xen/hog.cfg' \
		"$(($(dom0_sh 'xl info free_memory') - 150))"
	dom0 xl create -p /etc/xen/hog.cfg
	refuses "migration of 'user' failed, greeting: not enough memory: the pair needs [0-9]* MiB, and [0-9]* MiB are free" \
		dom0 xl migrate -s localssh user localhost
	dom0 xl destroy hog
	load_check
	one_pair
}

# What happens to members: an appliance that is destroyed, and a user domain whose migration is interrupted.
test_interrupted() {
	local before
	pair pv
	before=$(ids)
	load_start
	dom0_sh '(sleep 4; kill -INT $(cat /tmp/xl.pid)) >/dev/null 2>&1 &
		sh -c "echo \$\$ >/tmp/xl.pid; exec xl migrate -s localssh user localhost" 2>/tmp/xl.err && exit 1
		grep -q "failed, .*: interrupted; it and its appliances run on here" /tmp/xl.err || { cat /tmp/xl.err; exit 1; }'
	assert_eq "$(ids)" "$before" 'ids'
	note 'the coordinator is killed: its children take back what they have'
	dom0_sh '(sleep 5; kill -9 $(cat /tmp/xl.pid)) >/dev/null 2>&1 &
		sh -c "echo \$\$ >/tmp/xl.pid; exec xl migrate -s localssh user localhost" 2>/dev/null && exit 1; true'
	eventually 90 one_pair_sh
	assert_eq "$(ids)" "$before" 'ids'
	load_check
	one_pair
	kernel_clean user user.data
}

# After the commit the connection is lost.  xl says what to look for and what to do, and that is done here.
test_faults_late() {
	local before
	pair pv
	before=$(ids)
	load_start
	note 'the target runs them, and its word is lost'
	refuses "cut off after the commit, .*xl destroy user--migratedaway" \
		dom0 env CUT_AT=$DONE xl migrate -s localssh user localhost
	[ "$(ids)" != "$before" ] || fail 'it did not move'
	assert_eq "$(domains)" 'user user--migratedaway user.data user.data--migratedaway '
	dom0 xl destroy user--migratedaway
	eventually 60 one_pair_sh
	load_goes_on
	note 'the target dies before it hears the commit'
	before=$(ids)
	refuses "cut off after the commit, .*if it is not, resume it here" \
		dom0 env KILL_AT=$READY xl migrate -s localssh user localhost
	eventually 60 is_away
	dom0_sh 'for d in user.data user; do xl resume $d--migratedaway; xl rename $d--migratedaway $d; done'
	assert_eq "$(ids)" "$before" 'ids'
	load_check
	one_pair
}

is_away() {
	[ "$(domains)" = 'user--migratedaway user.data--migratedaway ' ]
}

test_pvh_checkpoint() {
	checkpoint pvh
}

test_pvh_save_restore() {
	save_restore pvh
}

test_pvh_migrate() {
	migrate pvh
}

test_pvh_faults() {
	faults pvh
}

# What moved is a pair as any other: it reboots, and ends, as one.
test_life_after() {
	local old
	old=$(dom0 xl domid user)
	user_sh 'echo kept >/mnt/data/kept; sync'
	dom0 xl reboot user
	eventually 300 rebooted "$old"
	user_sh 'modprobe fsva-front; mkdir -p /mnt/data'
	eventually 60 user mount -t fsva data /mnt/data
	assert_eq "$(user cat /mnt/data/kept)" kept
	dom0 xl destroy user
	eventually 60 no_domains
}

rebooted() {
	[ "$(domains)" = 'user user.data ' ] && [ "$(dom0 xl domid user)" -gt "$1" ] && user true
}
