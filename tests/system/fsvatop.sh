# SPDX-License-Identifier: GPL-2.0-only
# takes 3 minutes
# shellcheck shell=bash disable=SC2034,SC2016 # $ for the domains' shells
# fsvatop.sh: what dom0 sees of a pair, against what the pair itself counts; and the tracepoints of both ends.

FRONT=/sys/kernel/debug/fsva/front/data
TRACING=/sys/kernel/tracing

file_setup() {
	lab pair --user pv --fsva pv --fs ext4
	back_debugfs
}

# json EXPRESSION [fsvatop's arguments]: of one report
json() {
	local what=$1
	shift
	dom0 fsvatop --json --once "$@" | python3 -c 'import json, sys; r = json.load(sys.stdin); print(eval(sys.argv[1]))' "$what"
}

# counted OPERATION: by the front itself
counted() {
	user_sh "awk -v o=$1 '\$1 == o { print \$2 }' $FRONT/stats"
}

# What was done is counted, exactly, once the page has been written: two seconds after the last call.
test_counts() {
	local before op report
	user_sh 'mkdir /mnt/data/many && for i in $(seq 40); do echo $i >/mnt/data/many/$i; done; rm -r /mnt/data/many; sync'
	sleep 3
	report=$(dom0 fsvatop --json --once)
	for op in mkdir create write unlink rmdir; do
		before=$(counted $op)
		[ "$before" -ge 1 ] || fail "$op: the front has counted $before"
		assert_eq "$(python3 -c 'import json, sys
print(json.loads(sys.argv[1])["pairs"][0]["total"]["operations"][sys.argv[2]])' "$report" "$op")" "$before" "$op"
	done
	assert_eq "$(json '[(p["user"], p["tag"], p["fs"], p["backend"], p["state"]) for p in r["pairs"]]')" \
		"[('user', 'data', 'ext4', 'user.data', 'connected')]"
}

# While there is work there are rates, latencies and data; when it is over there are none.
test_rates() {
	lab exec user -- sh -c 'nohup sh -c "dd if=/dev/zero of=/mnt/data/flow bs=64k count=1024 conv=fsync
		while [ -e /mnt/data/flow ]; do stat /mnt/data/flow; dd if=/mnt/data/flow of=/dev/null bs=64k iflag=direct; done" >/dev/null 2>&1 &'
	eventually 60 rates_flow
	user rm /mnt/data/flow
	eventually 120 rates_still
}

rates_still() {
	[ "$(json 'r["pairs"][0]["rate"]["calls"]' --delay 6)" = 0.0 ]
}

rates_flow() {
	[ "$(json '(lambda q: q["calls"] > 1 and q["octets_in"] > 65536 and 0 < q["latency_us"]["p50"] <= q["latency_us"]["p99"]
		and q["operations"]["read"] > 0)(r["pairs"][0]["rate"])')" = True ]
}

# What Xen has given to the two is what xl says.
test_memory() {
	local user fsva
	user=$(dom0 xl list user | awk 'END { print $3 }')
	fsva=$(dom0 xl list user.data | awk 'END { print $3 }')
	assert_eq "$(json '[p["user_kb"] // 1024 - '"$user"' in (-1, 0, 1) for p in r["pairs"]]')" '[True]'
	assert_eq "$(json '[p["backend_kb"] // 1024 - '"$fsva"' in (-1, 0, 1) for p in r["pairs"]]')" '[True]'
}

test_text() {
	local text
	text=$(dom0 fsvatop --once user)
	assert_contains "$text" 'CALLS/s'
	[[ $text =~ user\ +data\ +ext4 ]] || fail "no line of the pair in: $text"
	assert_contains "$text" 'in all'
	refuses "fsvatop: no domain 'nobody'" dom0 fsvatop --once nobody
	refuses "delay '0' is no number of seconds" dom0 fsvatop -d 0
	refuses "delay 'nan' is no number of seconds" dom0 fsvatop -d nan
	refuses "count '-1' is no number over 0" dom0 fsvatop -n -1
}

# A front that writes anything at all to xenstore and its page is named, and does no harm.
test_hostile_reference() {
	local ref bad report path='/local/domain/$(xl domid user)/device/fsva/0/stats-ref'
	ref=$(dom0_sh "xenstore-read $path")
	for bad in 99999999999999999999 4294967295 +1 1x ''; do
		dom0_sh "xenstore-write $path '$bad'"
		report=$(dom0 fsvatop --json --once -d 0.1)
		assert_contains "$report" '"tag":"data"'
		[[ $report != *'"total"'* ]] || fail "statistics from the reference '$bad'"
	done
	dom0_sh "xenstore-write $path $ref"
	assert_eq "$(json '"total" in r["pairs"][0]')" True
}

# A request at the front, at the back, and its answer at both: the same number.
test_tracepoints() {
	local id front back
	user_sh "echo 1 >$TRACING/events/fsva_front/enable"
	fsva_sh "mountpoint -q $TRACING || mount -t tracefs none $TRACING; echo 1 >$TRACING/events/fsva_back/enable"
	user mkdir /mnt/data/traced
	front=$(user_sh "echo 0 >$TRACING/events/fsva_front/enable; cat $TRACING/trace")
	back=$(fsva_sh "echo 0 >$TRACING/events/fsva_back/enable; cat $TRACING/trace")
	id=$(sed -n 's/.*fsva_front_request: data .* id=\([0-9]*\) mkdir .*/\1/p' <<<"$front" | head -n 1)
	[ -n "$id" ] || fail "no request of mkdir in the front's trace: $(tail -n 20 <<<"$front")"
	grep -q "fsva_front_put: .* id=$id " <<<"$front"
	grep -q "fsva_front_answer: .* id=$id mkdir connection=0 error=0 " <<<"$front"
	grep -q "fsva_back_call: .* id=$id mkdir " <<<"$back"
	grep -q "fsva_back_answer: .* id=$id mkdir error=0 " <<<"$back"
}
