# SPDX-License-Identifier: GPL-2.0-only
# takes 30 minutes
# long
# boot: --hosts 2 --host-memory 1536
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# migrate-soak.sh: COUNT migrations (10) between two hosts, back and forth, of a pair of KIND ("pv pv") under one load
# that is checked at the end.  50 for a release.

# shellcheck source=tests/system/migrate.bash
source "$FSVA_TOP/tests/system/migrate.bash"

COUNT=${COUNT:-10}
KIND=${KIND:-pv pv}

file_setup() {
	DOM0=dom0.1 dom0_first
	DOM0=dom0.2 dom0_first
	# shellcheck disable=SC2086 # words
	pair $KIND
}

TIMEOUT_test_back_and_forth=14400
test_back_and_forth() {
	local at=1 free1 free2 out i
	free1=$(DOM0=dom0.1 free_memory) free2=$(DOM0=dom0.2 free_memory)
	load_start
	user_sh '(mkdir -p /mnt/data/fio; cd /mnt/data/fio; while [ ! -e /tmp/load.stop ]; do
		fio --name=v --directory=. --ioengine=psync --rw=randrw --bs=4k-64k --size=4m --numjobs=2 --verify=crc32c --verify_fatal=1 \
			--do_verify=1 --thinktime=20000 --minimal >/tmp/load.fio 2>&1 || { touch /tmp/load.fio.failed; break; }
		done </dev/null >/dev/null 2>&1 &)'
	for ((i = 1; i <= COUNT; i++)); do
		at=$((3 - at))
		out=$(lab migrate user $at 2>&1) || fail "migration $i: $out"
		printf '# %s: %s\n' "$i" "$(printf '%s\n' "$out" | sed -n 's/^fsva: .*\(downtime .*\)/\1/p')" >&2
		DOM0=dom0.$((3 - at)) nothing_left
		load_goes_on
	done
	load_check
	user_sh 'for i in $(seq 600); do pgrep fio >/dev/null || break; sleep 0.2; done
		[ ! -e /tmp/load.fio.failed ] || { tail -n 20 /tmp/load.fio; exit 1; }
		rm -r /mnt/data/fio'
	DOM0=dom0.$at one_pair
	note "answers from the cache: $(back_value replayed), run again: $(back_value rerun)"
	kernel_clean user user.data
	[ "$(DOM0=dom0.$((3 - at)) free_memory)" -ge $(((at == 1 ? free2 : free1) - 4)) ] || fail 'memory is missing on the host that it has left'
}
