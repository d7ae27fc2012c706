# SPDX-License-Identifier: GPL-2.0-only
# takes 10 minutes
# long
# boot: --hosts 2 --host-memory 1536
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# migrate-hosts.sh: a pair goes from one host to another and back, under load; and it stays where it is when the
# other host has no room, or the link between them is cut without a word.

# shellcheck source=tests/system/migrate.bash
source "$FSVA_TOP/tests/system/migrate.bash"

TIMEOUT_test_cut_link=900

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4 --memory 256
}

# move N: to host N, under load; then nothing is left where it was.
move() {
	local out from=$((3 - $1))
	load_start
	out=$(lab migrate user "$1" 2>&1) || fail "lab migrate: $out"
	printf '%s\n' "$out" | grep -E '^fsva: .*(pass|converged|downtime)' >&2
	assert_contains "$out" "'user' has moved with 1 appliance: downtime "
	assert_eq "$(DOM0=dom0.$from domains)" '' 'domains at the source'
	assert_eq "$(lab exec dom0.$from -- sh -c 'xenstore-ls -f / | grep -E "^/(libxl|local/domain)/[1-9]" || true')" '' 'xenstore at the source'
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

# stays REGEX: a migration to host 2 that must fail so, and leave nothing there.
stays() {
	refuses "^fsva: migration of 'user' failed, .*$1.*; it and its appliances run on here" lab migrate user 2
	eventually 60 one_pair_sh
	eventually 90 nothing_there
	load_goes_on
}

nothing_there() {
	[ -z "$(DOM0=dom0.2 domains)" ]
}

test_full_host() {
	local free
	load_start
	free=$(lab exec dom0.2 -- xl info free_memory)
	lab exec dom0.2 -- sh -c 'printf "%s\n" "name = \"hog\"" "type = \"pvh\"" "kernel = \"/lab/6.12/vmlinuz\"" "memory = $0" >/etc/xen/hog.cfg
		xl create -p /etc/xen/hog.cfg' $((free - 200))
	refuses "migration of 'user' failed, greeting: not enough memory: the pair needs [0-9]* MiB, and [0-9]* MiB are free" \
		lab migrate user 2
	lab exec dom0.2 -- xl destroy hog
	load_check
	one_pair
}

test_cut_link() {
	load_start
	dom0_sh '(sleep 6; ip link set eth1 down) >/dev/null 2>&1 &'
	stays 'silent for a minute|takes no more data'
	dom0 ip link set eth1 up
	load_check
	one_pair
}

# The other host dies.
test_dead_host() {
	load_start
	lab exec dom0.2 -- sh -c '(sleep 6; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &'
	refuses "^fsva: migration of 'user' failed, .*; it and its appliances run on here" lab migrate user 2
	eventually 60 one_pair_sh
	load_check
	one_pair
}
