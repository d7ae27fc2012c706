# SPDX-License-Identifier: GPL-2.0-only
# takes 3 minutes
# long
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# mwait.sh: SCHEDOP_mwait, from the user space of a PV and a PVH domain (tests/mwait).  dom0 has pCPU 0, so
# that it can look while the domains fuzz and abuse.
#
# boot: --cpus 2

T=/root/mwait-test
LIMIT=/params/sched-mwait-limit

file_setup() {
	local t
	"$FSVA_TOP/tests/lab/in-chroot" make -s -C tests/mwait
	dom0 xl vcpu-pin 0 0 0
	for t in pv pvh; do
		# no KASLR: the fuzzer knows where the direct map is
		lab pair --fs none --domain "mw$t" --user "$t" --memory 320 --vcpus 2 --extra nokaslr
		lab put "$FSVA_TOP/tests/mwait/mwait-test" "mw$t:/root/"
		lab exec "mw$t" -- sh -ec 'modprobe xen-privcmd unrestricted=1; modprobe -a xen-gntdev xen-gntalloc'
	done
}

# Xen has no complaint, and dom0 keeps its time.
host_is_well() {
	local log
	log=$(lab log xen | grep -E 'Xen BUG|Assertion|Panic|FATAL|Xen call trace|Xen WARN' || true)
	[ -z "$log" ] || fail "Xen: $log"
	dom0 timeout 20 sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do usleep 100000; done'
}

# tap DOMAIN CMD...: its TAP lines, and no failure.
tap() {
	local d=$1 out status=0
	shift
	out=$(lab exec -t 200 "$d" -- "$T" "$@") || status=$?
	printf '%s\n' "$out"
	[ "$status" -eq 0 ] || fail "$d: mwait-test $1 (status $status): $(grep -E '^not ok' <<<"$out" || true)"
}

# only DOMAIN...: the others are paused, so that only these want the pCPUs.
only() {
	local d
	for d in mwpv mwpvh; do
		case " $* " in
		*" $d "*) dom0 xl unpause "$d" ;;
		*) dom0 xl pause "$d" ;;
		esac
	done
}

TIMEOUT_test_arguments=400
test_arguments() {
	only mwpv mwpvh
	tap mwpv args
	tap mwpvh args
	host_is_well
}

TIMEOUT_test_wake_up=400
test_wake_up() {
	local t failed=
	for t in pv pvh; do
		only "mw$t"
		(tap "mw$t" wake) || failed+=" $t"
	done
	only mwpv mwpvh
	[ -z "$failed" ] || fail "wake-ups:$failed"
	host_is_well
}

test_limit_and_switch() {
	before=$(dom0 xenhypfs cat $LIMIT)
	trap 'dom0 xenhypfs write $LIMIT "$before"' EXIT
	dom0 xenhypfs write $LIMIT 0
	assert_eq "$(lab exec mwpv -- $T call)" -EOPNOTSUPP 'switched off'
	assert_eq "$(lab exec mwpvh -- $T call)" -EOPNOTSUPP 'switched off'
	dom0 xenhypfs write $LIMIT "$before"
	assert_eq "$(lab exec mwpv -- $T call)" -ETIME 'on again'
}

# Calls of one domain through pages that the other grants, and a grant that goes away during the wait.
grants() {
	local from=$1 to=$2 refs
	lab exec -n "$from" -- sh -c "$T grant \$0 8 >/tmp/refs & echo \$! >/tmp/granter" \
		"$(dom0 xl domid "$to")"
	eventually 30 lab exec "$from" -- test -s /tmp/refs
	refs=$(lab exec "$from" -- cat /tmp/refs)
	# shellcheck disable=SC2086 # many words
	tap "$to" map "$(dom0 xl domid "$from")" $refs 200
	lab exec "$from" -- sh -c 'kill $(cat /tmp/granter); rm /tmp/refs'
}

TIMEOUT_test_grants=400
test_grants() {
	grants mwpv mwpvh
	grants mwpvh mwpv
	host_is_well
}

# All vCPUs of both domains at once, frames ballooned out underneath, and dom0 looks at the clock.
TIMEOUT_test_fuzz=600
test_fuzz() {
	local t jobs=()
	for t in pv pvh; do
		tap "mw$t" fuzz 40 4 &
		jobs+=($!)
	done
	for t in 256 320; do
		dom0 xl mem-set mwpv $t
		dom0 xl mem-set mwpvh $t
		host_is_well
	done
	for t in "${jobs[@]}"; do wait "$t" || fail 'fuzz'; done
	host_is_well
	kernel_clean mwpv mwpvh
}

# seconds DOMAIN: of CPU that it has used
cpu_seconds() {
	dom0_sh "xl list $1" | awk 'NR == 2 { print $6 }'
}

# A domain that asks to wait for ever, all the time, leaves another on the same pCPU at least 45 % of it.
fairness() {
	local abuser=$1 victim=$2 v0 v1 a0 a1 share
	dom0_sh "xl vcpu-pin $abuser all 1; xl vcpu-pin $victim all 1"
	lab exec -n "$abuser" -- sh -c "taskset -c 0 $T abuse 600 >/dev/null 2>&1 & echo \$! >/tmp/abuse"
	lab exec -n "$victim" -- sh -c "taskset -c 0 $T spin 600 >/dev/null 2>&1 & echo \$! >/tmp/spin"
	sleep 3
	v0=$(cpu_seconds "$victim") a0=$(cpu_seconds "$abuser")
	sleep 25
	v1=$(cpu_seconds "$victim") a1=$(cpu_seconds "$abuser")
	lab exec "$abuser" -- sh -c 'kill $(cat /tmp/abuse)'
	lab exec "$victim" -- sh -c 'kill $(cat /tmp/spin)'
	dom0_sh "xl vcpu-pin $abuser all all; xl vcpu-pin $victim all all"
	share=$(awk "BEGIN { v = $v1 - $v0; a = $a1 - $a0; printf \"%d\", 100 * v / (v + a) }")
	note "$abuser abuses: $victim has $share % of the pCPU"
	[ "$share" -ge 45 ] || fail "$victim has $share % of the pCPU"
}

TIMEOUT_test_fairness=400
test_fairness() {
	fairness mwpv mwpvh
	fairness mwpvh mwpv
	host_is_well
}
