# SPDX-License-Identifier: GPL-2.0-only
# takes 3 minutes
# shellcheck shell=bash
# lab.sh: the rig itself: what every other test leans on.
# no host: the first test is `lab up`, as README types it

test_up() {
	lab up
	assert_contains "$(user findmnt -t fsva)" fsva findmnt
}

test_exec_status_and_output() {
	local out status=0
	out=$(user sh -c 'echo out; echo err >&2; exit 7' 2>/dev/null) || status=$?
	assert_eq "$status" 7 status
	assert_eq "$out" out output
	assert_eq "$(user sh -c 'echo err >&2' 2>&1 >/dev/null)" err 'error output'
	assert_eq "$(printf 'a b\nc' | lab exec user -- cat)" $'a b\nc' input
	assert_eq "$(user printf '%s|' 'a b' '' "c'd")" "a b||c'd|" arguments
}

test_put_and_get_100_mb() {
	local dir
	dir=$(mktemp -d)
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$dir'" EXIT
	head -c 104857600 /dev/urandom >"$dir/a"
	lab put "$dir/a" user:/mnt/data/a
	lab get user:/mnt/data/a "$dir/b"
	cmp "$dir/a" "$dir/b"
	user rm /mnt/data/a
}

test_two_labs_by_name() {
	refuses 'has no host 1' lab --name "$LAB_NAME-other" exec dom0 -- true
}

test_unknown_domain_is_named() {
	refuses 'nobody' lab exec nobody -- true
}

test_xenstore_follows_the_schema() {
	dom0 fsva-xenstore-check
	# a foreign value is found
	dom0_sh 'xenstore-write /local/domain/$(xl domid user)/device/fsva/0/ring-page-order 99'
	refuses 'ring-page-order' dom0 fsva-xenstore-check
}

test_down() {
	lab down
	refuses 'has no host 1' lab exec dom0 -- true
}
