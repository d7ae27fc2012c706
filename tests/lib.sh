# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# lib.sh: what a system test may use.
#
# A system test is a file tests/system/NAME.sh with functions test_WHAT.  tests/run boots one lab host (Xen
# and dom0) for each file, calls file_setup if there is one, then each test_* in the order of the file, each
# in a shell of its own (set -euo pipefail) and with a time limit: 600 s, or the file's TIMEOUT_test_WHAT.
# A test fails by any command that fails, or by `fail`; `skip REASON` skips it.  State between tests is what
# the domains hold; functions file_setup and file_teardown bracket the file.  A function file_skip that prints a
# reason skips the whole file.  A line `# boot: ARGUMENTS` is for `lab boot`.
#
# LAB_NAME names the lab instance; the runner sets it.

FSVA_TOP=${FSVA_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
export FSVA_TOP
export LAB_NAME=${LAB_NAME:-test}

lab() {
	"$FSVA_TOP/tests/lab/lab" "$@"
}

note() {
	printf '# %s\n' "$*" >&2
}

fail() {
	printf 'FAIL: %s\n' "$*" >&2
	exit 1
}

# The runner reads the reason from fd 3 if it is open, and status 77.
skip() {
	if [ -n "${FSVA_SKIP_FILE:-}" ]; then
		printf '%s\n' "$*" >"$FSVA_SKIP_FILE"
	fi
	exit 77
}

# dom0 CMD..., user CMD..., fsva CMD...: run a command there; its output and status are the command's.  DOM0,
# USER_DOMAIN, FSVA_DOMAIN: where that is, if not where it mostly is.
dom0() {
	lab exec "${DOM0:-dom0}" -- "$@"
}

user() {
	lab exec "${USER_DOMAIN:-user}" -- "$@"
}

fsva() {
	lab exec "${FSVA_DOMAIN:-user.data}" -- "$@"
}

# The same with a shell's line.
dom0_sh() {
	dom0 sh -c "$*"
}

user_sh() {
	user bash -euo pipefail -c "$*"
}

fsva_sh() {
	fsva sh -euc "$*"
}

assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-value}: expected '$2', got '$1'"
}

assert_contains() {
	case $1 in
	*"$2"*) ;;
	*) fail "${3:-text}: expected '$2' in: $1" ;;
	esac
}

# refuses TEXT CMD...: the command must fail, and say TEXT (an extended regular expression) in what it prints.
refuses() {
	local want=$1 out status=0
	shift
	out=$("$@" 2>&1) || status=$?
	[ "$status" -ne 0 ] || fail "'$*' succeeded; expected a refusal that says '$want'. Output: $out"
	printf '%s\n' "$out" | grep -Eq -- "$want" || fail "'$*' (status $status) did not say '$want' but: $out"
	printf '# refused as it should be (%s): %s\n' "$status" "$(printf '%s\n' "$out" | grep -E -- "$want" | head -n 1)" >&2
}

# eventually SECONDS CMD...: until it succeeds.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "not within the time: $*"
		sleep 0.5
	done
}

# kernel_clean DOMAIN...: no warning, bug, hung task or leaked grant in the kernel logs.
kernel_clean() {
	local d bad
	for d in "$@"; do
		bad=$(lab exec "$d" -- dmesg | grep -E 'WARNING:|BUG:|Oops|general protection|Call Trace|hung_task|blocked for more than|Bad page|possible deadlock|leak' || true)
		[ -z "$bad" ] || fail "kernel log of $d: $bad"
	done
}

# An appliance mounts no debugfs by itself; a user domain of the lab does.
back_debugfs() {
	fsva_sh 'grep -q " /sys/kernel/debug " /proc/mounts || mount -t debugfs debugfs /sys/kernel/debug; [ -d /sys/kernel/debug/fsva ]'
}

# signal_mode WORD: how both ends of the pair's queues wait, from now on
signal_mode() {
	user_sh "echo $1 >/sys/kernel/debug/fsva/front/data/signal"
	fsva_sh "for f in /sys/kernel/debug/fsva/back/*/signal; do echo $1 >\$f; done"
}

# back_value KEY [NONE]: a number from the back's statistics of its (first) device, e.g. handles, open_files; NONE
# where it has no device.  Nothing where the appliance does not answer.
back_value() {
	back_debugfs || return
	fsva_sh "cat /sys/kernel/debug/fsva/back/*/stats 2>/dev/null |
		awk '\$1 == \"$1\" && !n++ { print \$2 } END { if (!n) print \"${2:-}\" }'"
}

# front_calls OP: requests of this kind that the user domain has sent for the tag "data"
front_calls() {
	user cat /sys/kernel/debug/fsva/front/data/stats | awk -v op="$1" '$1 == op { print $2 }'
}

# nothing_left: no domain but dom0, and nothing of a pair in xenstore.
nothing_left() {
	local left
	left=$(dom0_sh 'xl list | tail -n +2 | grep -v "^Domain-0 " || true')
	assert_eq "$left" '' 'domains left'
	left=$(dom0_sh 'xenstore-ls -f | grep -E "/(device|backend)/fsva/|fsva-ready|^/libxl/[1-9][0-9]*/" || true')
	assert_eq "$left" '' 'xenstore nodes left'
}
