# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# migrate.bash: for tests that move a pair: what there has to be of it, a load that notices what is lost or done
# twice, and what is done to pairs of every kind.  $DOM0 is the host that they are on.

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

one_pair_sh() {
	(one_pair) >/dev/null 2>&1
}

# The load must not keep the toolstack from the one emulated processor: with Xen's weights as they are, copying takes
# five times as long.
dom0_first() {
	dom0 xl sched-credit2 -d Domain-0 -w 4096
}

# pair USER FSVA [KERNEL [FSVA-KERNEL]]: such a pair runs, with /mnt/data mounted and the test programs in it.
pair() {
	local kernel=${3:-6.12}
	local fsva_kernel=${4:-$kernel} extra=
	local want="$1 $2 $kernel $fsva_kernel"
	if [ "$(dom0_sh 'cat /tmp/pair 2>/dev/null || true')" != "$want" ] || [ "$(domains)" != 'user user.data ' ] ||
		! user_sh 'mountpoint -q /mnt/data'; then
		dom0_sh 'rm -f /tmp/pair; xl destroy user 2>/dev/null; xl destroy user.data 2>/dev/null; true'
		eventually 60 no_domains
		# where frames can be shared they are
		[ "$1" = pv ] || extra=fsva_front.shared_frames=1
		lab pair --user "$1" --fsva "$2" --kernel "$kernel" --fsva-kernel "$fsva_kernel" --fs ext4 --memory 160 --extra "$extra" \
			--fsva-keys timeout=900
		"$FSVA_TOP/tests/programs/put" user
		dom0_sh "echo '$want' >/tmp/pair"
	fi
}

# ---- The load ----

# Calls that must each be made once, by $WRITERS (4) at full rate.
calls_start() {
	user_sh "pkill -x 'exactly-once|fsx' || true; rm -rf /tmp/load* /mnt/data/load /mnt/data/fsx; mkdir /mnt/data/load
		(/opt/fsva-tests/exactly-once run /mnt/data/load /tmp/load 100000 ${WRITERS:-4} >/tmp/load.out 2>&1 </dev/null &)
		for i in \$(seq 100); do [ ! -s /tmp/load.0 ] || break; sleep 0.2; done; [ -s /tmp/load.0 ]"
}

# Besides, random reads, writes and stores through mappings of one file, all verified.
load_start() {
	calls_start
	user_sh '(n=0; while [ ! -e /tmp/load.stop ]; do
			/opt/fsva-tests/fsx --ops 200 --seed $((n += 1)) --size 262144 --mapwrite /mnt/data/fsx >/tmp/load.one 2>&1 ||
				{ cp /tmp/load.one /tmp/load.fsx; break; }
			rm -f /mnt/data/fsx; done </dev/null >/dev/null 2>&1 &)'
}

load_size() {
	user stat -c %s /tmp/load.0
}

load_grows() {
	[ "$(load_size)" -gt "$1" ]
}

load_goes_on() {
	# its network may take a moment after a move
	eventually 60 user true
	eventually 60 load_grows "$(load_size)"
}

# Nobody has seen an error, and the file system holds what the calls said.
load_check() {
	load_goes_on
	user_sh 'touch /tmp/load.stop
		for i in $(seq 300); do pgrep "exactly-once|fsx" >/dev/null || break; sleep 0.2; done
		! pgrep "exactly-once|fsx"
		cat /tmp/load.out >&2
		[ ! -e /tmp/load.fsx ] || { tail -n 20 /tmp/load.fsx; exit 1; } >&2
		[ "$(grep -c " 0 errors" /tmp/load.out)" = "$(ls /tmp/load.[0-9]* | wc -l)" ]
		/opt/fsva-tests/exactly-once check /mnt/data/load /tmp/load >&2
		rm -r /mnt/data/load'
}

# ---- Memory ----

# What Xen has, in MiB.
free_memory() {
	dom0 xl info free_memory
}

# no_less FREE: as much as then, but for what Xen itself may have taken meanwhile.
no_less() {
	[ "$(free_memory)" -ge $(($1 - 2)) ]
}

# memory_is_back FREE: within a minute; else who has it
memory_is_back() {
	(eventually 60 no_less "$1") || fail "$1 MiB were free, now $(free_memory): $(dom0_sh 'xl list | tail -n +2; xenstore-ls -f |
		grep -E "memory/(target|static-max) "' | tr -s ' ')"
}

# ---- What is done to pairs of all kinds ----

# What xl runs instead of ssh, to this host or, by labssh, to another.  $CUT reads, of 64 KiB at most, go there.
# Answers (frames of 24 octets, see fsva_stream.h) end before the one of type $CUT_AT; before the one of type $KILL_AT
# goes on, the receiver is killed; before $LINK_AT, the link is taken down.
# shellcheck disable=SC2034 # for tests
ACCEPT=3 READY=7 DONE=9	# enum fsva_frame_type
put_cutssh() {
	dom0_first
	dom0 sh -c 'cat >/usr/bin/cutssh && chmod +x /usr/bin/cutssh' <<-'END'
	#!/bin/sh
	# cutssh HOST CMD...
	host=$1
	shift
	there() {
		if [ "$host" = localhost ]; then
					sh -c 'echo $$ >/tmp/receiver; exec "$@"' - "$@"
		else
			# words for a shell there, as ssh takes them
			labssh "$host" 'echo $$ >/tmp/receiver; exec' "$@"
		fi
	}
	kill_there() {
		if [ "$host" = localhost ]; then
			kill -9 "$(cat /tmp/receiver)"
		else
			labssh "$host" 'kill -9 $(cat /tmp/receiver)'
		fi
		sleep 1
	}
	answers() {
		dd bs=16 count=1 2>/dev/null
		while dd bs=24 count=1 of=/tmp/frame 2>/dev/null && [ -s /tmp/frame ]; do
			type=$(($(od -An -tu1 -j8 -N1 /tmp/frame)))
			[ "$type" != "$CUT_AT" ] || exit
			[ "$type" != "$KILL_AT" ] || kill_there
			[ "$type" != "$LINK_AT" ] || { ip link set eth1 down; sleep 600; }
			cat /tmp/frame
		done
		# the transport outlives the receiver, and takes what is written to it
		[ -z "$KILL_AT" ] || sleep 10
	}
	if [ -n "$CUT" ]; then
		# not head: busybox's holds back what it has read, and the greeting would never come
		dd bs=65536 count="$CUT" 2>/dev/null | there "$@"
	elif [ -n "$CUT_AT$KILL_AT$LINK_AT" ]; then
		there "$@" | answers
	else
		there "$@"
	fi
	END
}

# move_to HOST [VAR=VALUE...]: xl migrate; its output
move_to() {
	local host=$1
	shift
	dom0 env NOTHING=1 "$@" xl migrate -s cutssh user "$host" 2>&1
}

# hog LEFT: a domain takes the memory of $DOM0 but for so many MiB.
hog() {
	dom0 sh -c 'printf "%s\n" "name = \"hog\"" "type = \"pvh\"" "kernel = \"/lab/6.12/vmlinuz\"" "memory = $(($(xl info free_memory) - $0))" >/etc/xen/hog.cfg
		xl create -p /etc/xen/hog.cfg >/tmp/hog.out 2>&1 || { cat /tmp/hog.out; exit 1; }' "$1"
}

# A checkpoint leaves both running, and is no different from a suspend that failed.
checkpoint() {
	local before
	pair "$@"
	before=$(ids)
	load_start
	dom0 xl save -c user /dev/shm/saved
	assert_eq "$(ids)" "$before" 'ids'
	load_goes_on
	dom0 xl save -c user /dev/shm/saved
	load_check
	one_pair
	kernel_clean user user.data
	dom0 rm /dev/shm/saved
}

save_restore() {
	pair "$@"
	load_start
	dom0 xl save user /dev/shm/saved
	no_domains
	dom0 xl restore /dev/shm/saved
	dom0 rm /dev/shm/saved
	load_check
	one_pair
	kernel_clean user user.data
}

# migrated: under the load that runs
migrated() {
	local before out
	before=$(ids)
	out=$(move_to localhost) || fail "xl migrate: $out"
	printf '%s\n' "$out" | grep -E "^fsva: .*(pass|converged|away|downtime)" >&2
	assert_contains "$out" "'user' has moved with 1 appliance: downtime "
	[ "$(ids)" != "$before" ] || fail "the ids are those of before: $before"
}

migrate() {
	local free
	pair "$@"
	free=$(free_memory)
	load_start
	migrated
	load_goes_on
	# and once more: what moved can move
	migrated
	load_check
	one_pair
	memory_is_back "$free"
	kernel_clean user user.data
}

# fault REGEX [VAR=VALUE]: a migration that must fail so, and change nothing.
fault() {
	local want=$1 before free
	shift
	before=$(ids)
	free=$(free_memory)
	refuses "^fsva: migration of 'user' failed, .*$want.*; it and its appliances run on here" \
		move_to localhost "$@"
	assert_eq "$(ids)" "$before" 'ids'
	eventually 60 one_pair_sh
	memory_is_back "$free"
	load_goes_on
}

# when_copying HOST CMD...: in the background, CMD, as soon as that host makes domains of what comes.
when_copying() {
	(
		export DOM0=$1
		shift
		eventually 300 dom0 xl domid user--incoming
		sleep 2
		"$@"
	) >/dev/null 2>&1 </dev/null &
}

faults() {
	pair "$@"
	load_start
	note 'no such command'
	refuses "migration of 'user' failed, greeting: .*connection to the other host was lost; it and" \
		dom0 xl migrate -s /nosuch user localhost
	note 'the transport is cut: right after the greeting, early, and in the middle of the images'
	fault '(greeting|copying memory): the connection' CUT=1
	fault 'copying memory: ' CUT=20
	fault 'copying memory: ' CUT=2000
	note 'the answers are cut: before it accepts, before it is ready'
	fault 'greeting: ' CUT_AT=$ACCEPT
	fault '(suspending|waiting).*: ' CUT_AT=$READY
	note 'the receiver is killed while it copies'
	when_copying dom0 dom0_sh 'kill -9 $(cat /tmp/receiver)'
	fault 'copying memory: the connection'
	load_check
	one_pair
	kernel_clean user user.data
}
