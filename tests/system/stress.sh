# SPDX-License-Identifier: GPL-2.0-only
# long
# takes 10 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# stress.sh: stress-ng's file system class on an ext4 pair.  A stressor counts that passes on plain ext4 in the
# same kernel; what fails or skips there is listed by test_native and left out.

STRESS_S=3
NATIVE=/tmp/stress.native

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4 --memory 640 --fsva-memory 192
}

# stressors DIR: run each of the class in DIR for some seconds; a line "NAME pass|fail|skip|time" each.
# shellcheck disable=SC2016 # for the user domain
STRESSORS='
dir=$1 seconds=$2 list=$3
cd "$dir"
for s in $list; do
	mkdir -p "$dir/stress"
	status=0
	timeout -k 10 $((seconds * 20 + 30)) stress-ng --temp-path "$dir/stress" --"$s" 1 --timeout "${seconds}s" \
		--oom-avoid --verify >"/tmp/stress.$s.log" 2>&1 </dev/null || status=$?
	case $status in
	0) if grep -q "skipped: [1-9]" "/tmp/stress.$s.log"; then r=skip; else r=pass; fi ;;
	124 | 137) r=time ;;
	3 | 4) r=skip ;;
	*) r=fail ;;
	esac
	cd /; rm -rf "$dir/stress"; cd "$dir"
	echo "$s $r"
done'

run_stressors() {
	user bash -c "$STRESSORS" stressors "$@"
}

# The class, by stress-ng itself.
class() {
	user_sh 'stress-ng --class "filesystem?" 2>&1 | sed "s/^class .* stressors://" | tr " " "\n" | sed "/^$/d"'
}

TIMEOUT_test_native=600
test_native() {
	# on an ext4 of the domain's own, on a disk
	dom0 xl block-attach user phy:/dev/vdd,xvdb,w
	eventually 20 user test -b /dev/xvdb
	user_sh 'mke2fs -q -F -t ext4 /dev/xvdb 280M; mkdir -p /mnt/native; mount /dev/xvdb /mnt/native'
	local list
	list=$(class | tr '\n' ' ')
	run_stressors /mnt/native 1 "$list" | tee /dev/stderr >"${TMPDIR:-/tmp}/$LAB_NAME.native"
	user_sh 'umount /mnt/native'
	lab put "${TMPDIR:-/tmp}/$LAB_NAME.native" "user:$NATIVE"
	rm -f "${TMPDIR:-/tmp}/$LAB_NAME.native"
	[ "$(user_sh "grep -c pass $NATIVE")" -ge 20 ]
}

TIMEOUT_test_stress_ng=900
test_stress_ng() {
	local list before failed
	list=$(user_sh "sed -n 's/ pass\$//p' $NATIVE" | tr '\n' ' ')
	[ -n "$list" ]
	user_sh 'echo 2 >/proc/sys/vm/drop_caches'
	before=$(back_value handles)
	run_stressors /mnt/data "$STRESS_S" "$list" >"${TMPDIR:-/tmp}/$LAB_NAME.stress"
	cat "${TMPDIR:-/tmp}/$LAB_NAME.stress"
	failed=$(sed -n '/ pass$/!p' "${TMPDIR:-/tmp}/$LAB_NAME.stress")
	rm -f "${TMPDIR:-/tmp}/$LAB_NAME.stress"
	if [ -n "$failed" ]; then
		user_sh "for s in $(printf '%s\n' "$failed" | cut -d' ' -f1 | tr '\n' ' '); do tail -n 5 /tmp/stress.\$s.log; done"
		fail "stressors that pass on plain ext4: $(printf '%s\n' "$failed" | tr '\n' ' ')"
	fi
	kernel_clean user user.data
	note "handles before: $before"
	eventually 15 handles_are "$before"
	assert_eq "$(back_value open_files)" 0 'open files'
}

handles_are() {
	user_sh 'echo 2 >/proc/sys/vm/drop_caches'
	[ "$(back_value handles)" -le "$1" ]
}
