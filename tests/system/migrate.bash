# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# migrate.bash: for tests that move a pair: what there has to be of it, and a load that notices what is lost or
# done twice.

domains() {
	dom0_sh 'xl list | tail -n +2 | cut -d " " -f 1 | grep -v "^Domain-0" | sort | tr "\n" " "'
}

no_domains() {
	[ -z "$(domains)" ]
}

ids() {
	dom0_sh 'echo $(xl domid user) $(xl domid user.data)'
}

# Both run, nothing else does, and xenstore has their nodes only.
one_pair() {
	local user fsva ids left
	assert_eq "$(domains)" 'user user.data ' 'domains'
	read -r user fsva <<<"$(ids)"
	assert_eq "$(dom0_sh 'xl list | tail -n +3 | awk "{ print \$5 }" | tr -d "rb-" | tr -d "\n"')" '' 'states'
	left=$(dom0_sh "xenstore-ls -f / | grep -E '^/(libxl|local/domain)/[1-9]' | cut -d / -f 2-4 |
		sed 's,^libxl/\\([0-9]*\\).*,\\1,; s,^local/domain/,,; s, .*,,' | sort -un | tr '\\n' ' '")
	ids=$(printf '%s\n' "$user" "$fsva" | sort -n | tr '\n' ' ')
	assert_eq "$left" "$ids" 'domains in xenstore'
	assert_eq "$(dom0_sh 'xl fsva-list user | tail -n +2 | awk "{ print \$1, \$3, \$NF }"')" "data $fsva connected" 'xl fsva-list'
	assert_eq "$(dom0_sh "xenstore-read /libxl/$fsva/fsva/user")" "$user" 'the record'
}

# Calls that must each be made once: numbers appended, directories made and moved.  Ends when /tmp/stop is there.
load_start() {
	user_sh 'rm -rf /tmp/stop /tmp/failed /tmp/count /mnt/data/load; mkdir /mnt/data/load
		(cd /mnt/data/load && i=0
		while [ ! -e /tmp/stop ]; do
			i=$((i + 1))
			{ echo "$i" >>log && mkdir "d$i" && mv "d$i" "e$i" && rmdir "e$i" && : >"f$i"; } 2>>/tmp/failed ||
				echo "call of round $i" >>/tmp/failed
		done
		echo "$i" >/tmp/count) </dev/null >/dev/null 2>&1 &
	sleep 1'
}

load_goes_on() {
	local before
	before=$(user_sh 'wc -l </mnt/data/load/log')
	eventually 30 user_sh "[ \$(wc -l </mnt/data/load/log) -gt $before ]"
}

load_check() {
	load_goes_on
	user_sh 'touch /tmp/stop
		for i in $(seq 100); do [ ! -e /tmp/count ] || break; sleep 0.2; done
		[ ! -s /tmp/failed ] || { echo "a call failed:"; head /tmp/failed; exit 1; } >&2
		n=$(cat /tmp/count)
		seq "$n" | cmp - /mnt/data/load/log
		[ "$(ls /mnt/data/load | grep -c "^f")" = "$n" ]
		[ "$(ls /mnt/data/load | grep -c "^[de]")" = 0 ]
		echo "# $n rounds, each once" >&2
		rm -r /mnt/data/load'
}

one_pair_sh() {
	(one_pair) >/dev/null 2>&1
}
