# SPDX-License-Identifier: GPL-2.0-only
# takes 5 minutes
# long
# shellcheck shell=bash disable=SC2034,SC2016 # TIMEOUT_* are for the runner; $ for the domains' shells
# signal.sh: the four ways in which the ends of a queue wait, between two domains of one vCPU each, PV, on one
# physical CPU and on two.
#
# boot: --cpus 2

MODES='event poll mwait auto'
FRONT=/sys/kernel/debug/fsva/front/data

file_setup() {
	dom0 xl vcpu-pin 0 0 0
	lab pair --user pv --fsva pv --fs ext4 --fsva-keys signal=poll
	back_debugfs
	# emulated, on a machine with other work: what takes 20 us elsewhere may take milliseconds
	user_sh 'echo 4000 >/sys/module/fsva_front/parameters/auto_us'
	fsva_sh 'echo 4000 >/sys/module/fsva_back/parameters/auto_us'
}

# cores N: both domains on one CPU, or each on its own
cores() {
	dom0 xl vcpu-pin user all 1
	dom0 xl vcpu-pin user.data all $((2 - $1))
}

# front NAME, back NAME: that counter, all queues together
front() {
	user_sh "cat $FRONT/signal" | awk -v n="$1" '$3 == n { s += $4 } END { print s + 0 }'
}
back() {
	fsva_sh 'cat /sys/kernel/debug/fsva/back/*/signal' | awk -v n="$1" '$3 == n { s += $4 } END { print s + 0 }'
}

# null_calls N: nanoseconds that one of them takes
null_calls() {
	user_sh "echo $1 >$FRONT/null_calls; awk '{ printf \"%d\\n\", \$2 / \$1 }' $FRONT/null_calls"
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# The toolstack's key reaches both ends.
test_configured() {
	assert_contains "$(user_sh "cat $FRONT/signal")" 'queue 0 mode poll'
	assert_contains "$(fsva_sh 'cat /sys/kernel/debug/fsva/back/*/signal')" 'queue 0 mode poll'
	assert_eq "$(user_sh "awk '\$1 == \"mwait\" { print \$2 }' $FRONT/info")" 1 'the hypercall is there'
}

test_refusals() {
	local line
	signal_mode event
	for line in fast '9 poll' '-1 poll' '0 fast' 'poll 0' '' '0' '0 poll event'; do
		refuses 'write error' user_sh "echo '$line' >$FRONT/signal"
		refuses 'write error' fsva_sh "echo '$line' >\$(ls /sys/kernel/debug/fsva/back/*/signal)"
	done
	user_sh "echo '0 mwait' >$FRONT/signal"
	assert_contains "$(user_sh "cat $FRONT/signal")" 'queue 0 mode mwait'
	refuses 'rror' user_sh 'echo fast >/sys/module/fsva_front/parameters/signal'
	user_sh 'echo auto >/sys/module/fsva_front/parameters/signal'
}

# grows COMMAND...: by how much the counter that it prints grows over 300 null calls
grows() {
	local before
	before=$("$@")
	null_calls 300 >/dev/null
	echo $(($("$@") - before))
}

auto_watches() {
	[ "$(grows front suppressed)" -ge 100 ]
}

# Each way does what it says: counted where it happens.
test_modes() {
	local n
	cores 2
	signal_mode event
	assert_eq "$(grows front polled)" 0 'event: nobody watches'
	assert_eq "$(grows back watched_us)" 0 'event: nobody watches'
	n=$(grows front events)
	[ "$n" -ge 290 ] || fail "event: $n events for 300 answers"
	signal_mode poll
	n=$(grows front polled)
	[ "$n" -ge 200 ] || fail "poll: $n of 300 answers were seen by the one who polled"
	n=$(grows front suppressed)
	[ "$n" -ge 200 ] || fail "poll: only $n of 300 events to the back suppressed"
	n=$(grows back suppressed)
	[ "$n" -ge 200 ] || fail "poll: only $n of 300 events to the front suppressed"
	assert_eq "$(grows front woken)" 0 'poll: no hypercall'
	signal_mode mwait
	n=$(($(grows front woken) + $(grows back woken)))
	[ "$n" -ge 100 ] || fail "mwait: woken $n times in 600 calls"
	n=$(grows front suppressed)
	[ "$n" -ge 200 ] || fail "mwait: only $n of 300 events suppressed"
	# It may have to try a few times, if the emulator's threads don't run at once.
	signal_mode auto
	eventually 120 auto_watches
	kernel_clean user
}

# compare_with_event MODE: the percentage of its time that a null call takes; 7 batches of each, interleaved
compare_with_event() {
	local other=$1 i e o
	rm -f "$TMP/event" "$TMP/$other"
	for ((i = 0; i < 7; i++)); do
		for m in event "$other"; do
			signal_mode "$m"
			null_calls 20 >/dev/null
			null_calls 80 >>"$TMP/$m"
		done
	done
	e=$(median <"$TMP/event") o=$(median <"$TMP/$other")
	note "a null call: event $e ns ($(sort -n "$TMP/event" | sed -n '1p;$p' | xargs)), $other $o ns" \
		"($(sort -n "$TMP/$other" | sed -n '1p;$p' | xargs))"
	echo $((o * 100 / e))
}

# On one CPU to watch is to delay what one waits for: auto must find out.
test_auto_one_cpu() {
	local percent
	TMP=$(mktemp -d)
	cores 1
	percent=$(compare_with_event auto)
	rm -r "$TMP"
	[ "$percent" -le 110 ] || fail "auto takes $percent % of event's time on one CPU"
}

TIMEOUT_test_ways_two_cpus=900
test_ways_two_cpus() {
	local percent m
	TMP=$(mktemp -d)
	cores 2
	for m in poll mwait auto; do
		percent=$(compare_with_event $m)
		[ "$percent" -le 80 ] || fail "$m takes $percent % of event's time with a CPU each"
	done
	rm -r "$TMP"
}

# Everything changes under load, and nothing is lost, mixed up or stuck.
TIMEOUT_test_switching_under_load=600
test_switching_under_load() {
	local i m SECONDS=0
	trap 'user pkill -f load.sh || true' EXIT
	user_sh 'cat >/tmp/load.sh' <<-'END'
		cd /mnt/data || exit 1
		for n in $(seq 1 12); do
			for t in 1 2 3 4; do
				(mkdir -p d$t && head -c $((n * 3000 + t)) /dev/urandom >/tmp/load.$t &&
				 cp /tmp/load.$t d$t/$n && mv d$t/$n d$t/m$n && cmp /tmp/load.$t d$t/m$n && ls d$t >/dev/null &&
				 echo 3 >/proc/sys/vm/drop_caches && cmp /tmp/load.$t d$t/m$n) || exit 1 &
			done
			for job in $(jobs -p); do wait "$job" || { echo "failed at $n"; exit 1; }; done
		done
		rm -r d1 d2 d3 d4
		echo done
	END
	lab exec -n user -- sh -c 'bash /tmp/load.sh >/tmp/load.out 2>&1 &'
	for ((i = 0; SECONDS < 500; i++)); do
		cores $((i / 2 % 2 + 1))
		for m in $MODES; do
			user_sh "echo $m >$FRONT/signal"
			sleep 0.2
			fsva_sh "for f in /sys/kernel/debug/fsva/back/*/signal; do echo $m >\$f; done"
		done
		if user grep -qE 'done|failed' /tmp/load.out; then break; fi
	done
	[ "$i" -ge 1 ] || fail 'the load was over before all ways had their turn'
	assert_eq "$(user cat /tmp/load.out)" 'done'
	kernel_clean user
}

# wakeups DOMAIN: of ours in it so far: interrupts, and times that our threads were put on a CPU
wakeups() {
	lab exec "$1" -- sh -c '
		{ awk "/fsva/ { print \$2 }" /proc/interrupts
		  for s in /proc/[0-9]*/comm; do
			case $(cat $s 2>/dev/null) in
			fsva*) sed -n "s/^voluntary_ctxt_switches:[^0-9]*//p" ${s%comm}status ;;
			esac
		  done; } | awk "{ s += \$1 } END { print s + 0 }"'
}

test_idle() {
	local m u0 u1 b0 b1
	cores 2
	for m in $MODES; do
		signal_mode "$m"
		null_calls 300 >/dev/null
		sleep 3
		u0=$(wakeups user) b0=$(wakeups user.data)
		sleep 10
		u1=$(wakeups user) b1=$(wakeups user.data)
		note "$m: $((u1 - u0)) and $((b1 - b0)) wake-ups in 10 s"
		[ $((u1 - u0 + b1 - b0)) -le 50 ] || fail "$m: $((u1 - u0 + b1 - b0)) wake-ups in 10 s of an idle pair"
		u0=$(front watched_us) b0=$(back watched_us)
		sleep 2
		assert_eq "$(front watched_us) $(back watched_us)" "$u0 $b0" "$m: nobody watches for an idle pair"
	done
}

# An appliance that dies while somebody watches for it.
test_loss_while_watching() {
	local m
	signal_mode poll
	lab exec -n user -- sh -c "echo 100000000 >$FRONT/null_calls; echo \$? >/tmp/null.status" &
	sleep 2
	dom0 xl destroy user.data
	eventually 60 user test -s /tmp/null.status
	assert_eq "$(user cat /tmp/null.status)" 1 'the calls ended in an error'
	wait
	kernel_clean user
}
