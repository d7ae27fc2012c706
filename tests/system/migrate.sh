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

TIMEOUT_test_pv_faults=1800
TIMEOUT_test_memory_taken=1200
TIMEOUT_test_interrupted=1200
TIMEOUT_test_answers_forgotten=1200
TIMEOUT_test_answers_lost=1200
TIMEOUT_test_faults_late=1800

file_setup() {
	put_cutssh
	pair pv pv
}

test_refusals() {
	pair pv pv
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

test_pv_checkpoint() {
	checkpoint pv pv
}

test_pv_save_restore() {
	save_restore pv pv
}

# A file that is cut off, or damaged, says so and leaves no domain; whole again, it is restored.
test_bad_file() {
	pair pv pv
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
}

test_pv_migrate() {
	migrate pv pv
}

# Answers that were made and never arrived: after the move the front asks again, and the back has kept them.
test_answers_lost() {
	local before
	pair pv pv
	WRITERS=16 calls_start
	before=$(back_value replayed)
	user_sh 'echo 1 >/sys/kernel/debug/fsva/front/data/deaf; sleep 1'
	migrated
	load_goes_on
	load_check
	[ "$(back_value replayed)" -gt "$before" ] || fail 'no answer was taken from the cache'
	note "answers from the cache: $(($(back_value replayed) - before)), run again: $(back_value rerun)"
	one_pair
	kernel_clean user user.data
}

# This load would notice a call that is made twice: it does, with a back that keeps no answers.
test_answers_forgotten() {
	local out rerun
	pair pv pv
	WRITERS=16 calls_start
	fsva_sh 'echo 1 >/sys/module/fsva_back/parameters/forget_answers'
	user_sh 'echo 1 >/sys/kernel/debug/fsva/front/data/deaf; sleep 1'
	migrated
	load_goes_on
	rerun=$(back_value rerun)
	fsva_sh 'echo 0 >/sys/module/fsva_back/parameters/forget_answers'
	[ "$rerun" -gt 0 ] || fail 'no call was made twice'
	if out=$(load_check 2>&1); then fail "calls were made twice ($rerun), and nobody has noticed: $out"; fi
	printf '%s\n' "$out" | grep -E 'in round|differences|errors' >&2 || fail "the load has failed otherwise: $out"
	user_sh 'rm -rf /mnt/data/load'
	one_pair
}

test_pv_faults() {
	faults pv pv
}

# One pair is moved by one command at a time.
test_two_at_once() {
	local before
	pair pv pv
	load_start
	before=$(ids)
	dom0_sh 'rm -f /tmp/receiver /tmp/first.*
		(sh -c "echo \$\$ >/tmp/xl.pid; exec xl migrate -s cutssh user localhost" >/tmp/first.out 2>&1; echo "$?" >/tmp/first.rc) </dev/null >/dev/null 2>&1 &
		for i in $(seq 100); do [ ! -s /tmp/receiver ] || exit 0; sleep 0.2; done; exit 1'
	refuses "another process is saving or migrating .*user.*, so migrate is refused" move_to localhost
	refuses "another process is saving or migrating .*user.*, so save is refused" dom0 xl save -c user /dev/shm/saved
	dom0 test ! -e /dev/shm/saved
	# not INT, which what runs in the background ignores
	dom0_sh 'kill -TERM $(cat /tmp/xl.pid)'
	eventually 200 dom0 test -s /tmp/first.rc
	dom0_sh '! grep -qx 0 /tmp/first.rc && grep "run on here" /tmp/first.out'
	assert_eq "$(ids)" "$before" 'ids'
	note 'the lock has gone with it'
	dom0 xl save -c user /dev/null
	load_check
	one_pair
}

# The target has no room: said before anything is copied.
test_no_memory() {
	pair pv pv
	load_start
	hog 150
	refuses "migration of 'user' failed, greeting: not enough memory: the pair needs [0-9]* MiB, and [0-9]* MiB are free" \
		move_to localhost
	dom0 xl destroy hog
	load_check
	one_pair
}

# Somebody takes what was free when it was asked for.
test_memory_taken() {
	pair pv pv
	load_start
	when_copying dom0 hog 40
	refuses "migration of 'user' failed, copying memory: '.*' could not be restored.*; it and its appliances run on here" \
		move_to localhost
	wait
	dom0 xl destroy hog
	eventually 60 one_pair_sh
	load_check
	one_pair
}

# Its process is in /tmp/xl.pid.
migrate_with_pid() {
	dom0_sh 'sh -c "echo \$\$ >/tmp/xl.pid; exec xl migrate -s cutssh user localhost" 2>&1'
}

# Who migrates it is interrupted, or killed.
test_interrupted() {
	local before
	pair pv pv
	before=$(ids)
	load_start
	when_copying dom0 dom0_sh 'kill -INT $(cat /tmp/xl.pid)'
	refuses "migration of 'user' failed, copying memory: interrupted; it and its appliances run on here" migrate_with_pid
	assert_eq "$(ids)" "$before" 'ids'
	load_goes_on
	note 'the coordinator is killed: its children take back what they have'
	when_copying dom0 dom0_sh 'kill -9 $(cat /tmp/xl.pid)'
	if migrate_with_pid >/dev/null 2>&1; then fail 'it was not killed'; fi
	eventually 90 one_pair_sh
	assert_eq "$(ids)" "$before" 'ids'
	load_check
	one_pair
	kernel_clean user user.data
}

# After the commit the connection is lost.  xl says what to look for and what to do, and that is done here.
test_faults_late() {
	local before
	pair pv pv
	before=$(ids)
	load_start
	note 'the target runs them, and its word is lost'
	refuses "cut off after the commit, .*xl destroy user--migratedaway" \
		move_to localhost CUT_AT="$DONE"
	[ "$(ids)" != "$before" ] || fail 'it did not move'
	assert_eq "$(domains)" 'user user--migratedaway user.data user.data--migratedaway '
	dom0 xl destroy user--migratedaway
	eventually 60 one_pair_sh
	load_goes_on
	note 'the target dies before it hears the commit'
	before=$(ids)
	refuses "cut off after the commit, .*if it is not, resume it here" \
		move_to localhost KILL_AT="$READY"
	eventually 60 is_away
	dom0_sh 'for d in user.data user; do xl resume $d--migratedaway; xl rename $d--migratedaway $d; done'
	assert_eq "$(ids)" "$before" 'ids'
	load_check
	one_pair
}

is_away() {
	[ "$(domains)" = 'user--migratedaway user.data--migratedaway ' ]
}

# What moved is a pair as any other: it reboots, and ends, as one.
test_life_after() {
	local old
	pair pv pv
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
