# SPDX-License-Identifier: GPL-2.0-only
# takes 15 minutes
# long
# boot: --hosts 2 --host-memory 1536
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# migrate-hosts.sh: a pair goes from one host to another and back, under load; and it stays where it is when the
# other host has no room, dies, or does not answer, at whatever step.

# shellcheck source=tests/system/migrate.bash
source "$FSVA_TOP/tests/system/migrate.bash"

TIMEOUT_test_cut_link=1800
TIMEOUT_test_dead_host=1200
TIMEOUT_test_receiver_killed=1200
TIMEOUT_test_and_back=1200
TIMEOUT_test_there=1200
TIMEOUT_test_cut_late=1800

file_setup() {
	put_cutssh
	DOM0=dom0.2 put_cutssh
	pair pv pv
}

# move N: to host N, under load; then nothing is left where it was.
move() {
	local out from=$((3 - $1))
	load_start
	out=$(lab migrate user "$1" 2>&1) || fail "lab migrate: $out"
	printf '%s\n' "$out" | grep -E '^fsva: .*(pass|converged|away|downtime)' >&2
	assert_contains "$out" "'user' has moved with 1 appliance: downtime "
	DOM0=dom0.$from nothing_left
	load_check
	DOM0=dom0.$1 one_pair
	kernel_clean user user.data
}

test_there() {
	move 2
}

test_and_back() {
	move 1
}

nothing_there() {
	(DOM0=dom0.2 nothing_left) 2>/dev/null
}

# stays REGEX [VAR=VALUE...]: a migration to host 2 that must fail so, change nothing here and leave nothing there.
stays() {
	local want=$1 before free
	shift
	before=$(ids)
	free=$(DOM0=dom0.2 free_memory)
	refuses "^fsva: migration of 'user' failed, .*$want.*; it and its appliances run on here" move_to dom0.2 "$@"
	dom0 ip link set eth1 up
	eventually 60 one_pair_sh
	assert_eq "$(ids)" "$before" 'ids'
	eventually 100 nothing_there
	DOM0=dom0.2 memory_is_back "$free"
	load_goes_on
}

test_full_host() {
	load_start
	DOM0=dom0.2 hog 200
	refuses "migration of 'user' failed, greeting: not enough memory: the pair needs [0-9]* MiB, and [0-9]* MiB are free" \
		lab migrate user 2
	DOM0=dom0.2 dom0 xl destroy hog
	load_check
	one_pair
}

# The receiver is killed while it copies.
test_receiver_killed() {
	load_start
	when_copying dom0.2 dom0_sh 'kill -9 $(cat /tmp/receiver)'
	stays 'copying memory: the connection'
	load_check
	one_pair
}

# Without a word: nobody is told that the link is cut.
test_cut_link() {
	load_start
	when_copying dom0.2 lab exec dom0.1 -- ip link set eth1 down
	stays 'silent for a minute|takes no more data'
	note 'when it is ready, and both are suspended here'
	stays 'silent for a minute' LINK_AT="$READY"
	load_check
	one_pair
}

# After the commit: they run there, and are kept here.
test_cut_late() {
	load_start
	refuses "cut off after the commit, .*xl destroy user--migratedaway" move_to dom0.2 LINK_AT="$DONE"
	dom0 ip link set eth1 up
	DOM0=dom0.2 eventually 60 one_pair_sh
	load_goes_on
	assert_eq "$(domains)" 'user--migratedaway user.data--migratedaway '
	dom0 xl destroy user--migratedaway
	eventually 60 eval '(nothing_left)'
	note 'and back'
	lab migrate user 1
	load_check
	one_pair
}

# The other host dies.
test_dead_host() {
	load_start
	when_copying dom0.2 dom0_sh 'echo c >/proc/sysrq-trigger'
	refuses "^fsva: migration of 'user' failed, .*; it and its appliances run on here" lab migrate user 2
	eventually 60 one_pair_sh
	load_check
	one_pair
}
