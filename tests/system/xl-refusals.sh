# SPDX-License-Identifier: GPL-2.0-only
# takes 8 minutes
# shellcheck shell=bash
# xl-refusals.sh: what xl refuses, what it says, and that nothing is left of it.  One pair, user and user.data,
# runs all the time and must not notice.

file_setup() {
	lab pair --no-mount --user pv --fsva pv --kernel 6.12 --fs ext4
	# Appliances that fail in different ways.  The good one has a disk of its own.
	dom0_sh 'cd /etc/xen
		sed "s,/dev/vdb,/dev/vdc," user.data.cfg >good.cfg
		sed "s,^extra *= *\"\(.*\)\",extra = \"\1 fsva.fsck=/dev/nosuch\"," good.cfg >error.cfg
		sed "s,^extra *= *\"\(.*\)\",extra = \"\1 rdinit=/nosuch\"," good.cfg >crash.cfg
		sed "s,^ramdisk.*,ramdisk = \"/lab/6.12/user.img\"," good.cfg >never.cfg
		grep -q nosuch error.cfg && grep -q rdinit crash.cfg && grep -q user.img never.cfg'
	# nothing in the lab's domain loads modules for devices
	user modprobe fsva-front
	eventually 60 connected
}

connected() {
	dom0_sh 'xl fsva-list user | grep -q " connected$"'
}

# config NAME FSVA...: /etc/xen/NAME.cfg of a small user domain; FSVA is a string of xl.cfg's with its quotes.
config() {
	local name=$1 list
	shift
	list=$(IFS=,; echo "$*")
	dom0 sh -c 'cat >"$0"' "/etc/xen/$name.cfg" <<-END
	name = "$name"
	type = "pv"
	kernel = "/lab/6.12/vmlinuz"
	ramdisk = "/lab/6.12/user.img"
	extra = "console=hvc0 quiet lab.name=$name lab.root=none"
	memory = 192
	fsva = [ $list ]
	END
}

everything() {
	dom0_sh 'xl list | tail -n +2 | cut -c 1-46; xenstore-ls -fp / | grep -E "fsva|^/libxl/[0-9]+ " | sort'
}

BEFORE=/tmp/fsva-before.$LAB_NAME

before() {
	everything >"$BEFORE"
}

unchanged() {
	local now
	now=$(everything)
	[ "$now" = "$(cat "$BEFORE")" ] || fail "left behind: $(diff "$BEFORE" - <<<"$now")"
}

# create_refused REGEX NAME
create_refused() {
	refuses "$1" dom0 xl create -q "/etc/xen/$2.cfg"
}

test_strings() {
	local ok='tag=d,appliance=/etc/xen/good.cfg,fs=ext4'
	before
	while read -r string says; do
		config bad "'${string//_/ }'"
		create_refused "^fsva: .*$says" bad
	done <<-END
	appliance=/etc/xen/good.cfg,fs=ext4 'tag' is missing
	tag=d,fs=ext4 'appliance' or 'backend' is missing
	tag=d,appliance=/etc/xen/good.cfg 'fs' is missing
	tag=d,appliance=/etc/xen/good.cfg,backend=x,fs=ext4 exclude each other
	$ok,color=red unknown key 'color'
	$ok,fs=xfs 'fs' is given twice
	$ok,queues=9 'queues' must be a number from 1 to 8, not '9'
	$ok,ring-order=-1 'ring-order' must be a number
	$ok,timeout=soon 'timeout' must be a number
	$ok,signal=fast 'signal' must be auto, event, poll or mwait
	$ok,ubc=1 'ubc' must be on or off
	$ok,target-memory=512 'target-memory' is not supported yet
	tag=a/b,appliance=/etc/xen/good.cfg,fs=ext4 'tag' may have
	tag=a_b,appliance=/etc/xen/good.cfg,fs=ext4 'tag' may have
	$ok, an empty item
	$ok,options="noatime lacks its closing quote
	END
	config bad "'$ok'" "'$ok'"
	create_refused "^fsva: tag 'd' is given twice" bad
	dom0_sh 'sed "s/^fsva.*/fsva = \"tag=d\"/" /etc/xen/bad.cfg >/etc/xen/bad2.cfg'
	create_refused "fsva.*single value but should be a list" bad2
	unchanged
}

test_missing_config() {
	before
	config bad "'tag=d,appliance=/etc/xen/nosuch.cfg,fs=ext4'"
	create_refused "^fsva: 'd': .*/etc/xen/nosuch.cfg: No such file" bad
	unchanged
}

test_backend_refused() {
	before
	config bad "'tag=d,backend=nosuch,fs=ext4'"
	create_refused "^fsva: 'd': there is no domain 'nosuch'" bad
	config bad "'tag=d,backend=0,fs=ext4'"
	create_refused "^fsva: 'd': domain '0' is no guest" bad
	config bad "'tag=d,backend=user,fs=ext4'"
	create_refused "^fsva: 'd': domain 'user' has appliances itself" bad
	# One FSVA, one user.
	config bad "'tag=d,backend=user.data,fs=ext4'"
	create_refused "^fsva: 'd': domain 'user.data' already serves 'user'" bad
	unchanged
}

test_alone_refused() {
	before
	refuses "'user.data' .* serves .*'data' to domain 'user', so save" dom0 xl save user.data /tmp/saved
	refuses "'user' .* remus of it alone is refused" dom0 xl remus user localhost
	refuses "'user.data' .* so migrate of it alone is refused" dom0 xl migrate user.data localhost
	refuses "'user.data' .* shutdown of it alone is refused: xl shutdown user" dom0 xl shutdown user.data
	refuses "'user.data' .* reboot of it alone is refused: xl reboot user" dom0 xl reboot user.data
	dom0 test ! -e /tmp/saved
	unchanged
}

test_attach_refused() {
	before
	refuses "^fsva: tag 'data' is in use in 'user'" \
		dom0 xl fsva-attach user 'tag=data,appliance=/etc/xen/good.cfg,fs=ext4'
	refuses "^fsva: unknown key 'x'" dom0 xl fsva-attach user 'tag=d,x=y'
	refuses "^fsva: 'd': domain 'user' cannot be its own appliance" \
		dom0 xl fsva-attach user 'tag=d,backend=user,fs=ext4'
	refuses "has no fsva device 'nosuch'" dom0 xl fsva-detach user nosuch
	refuses "invalid domain identifier" dom0 xl fsva-attach nosuch 'tag=d,backend=user.data,fs=ext4'
	unchanged
}

# The appliance runs, but nothing in it serves.
test_never_serves() {
	before
	config bad "'tag=d,appliance=/etc/xen/never.cfg,fs=ext4,timeout=15'"
	create_refused "^fsva: appliance 'bad.d' did not serve within 15 seconds" bad
	refuses "^fsva: the end of .*guest-bad.d.log" dom0 xl create -q /etc/xen/bad.cfg
	unchanged
}

test_reports_error() {
	before
	config bad "'tag=d,appliance=/etc/xen/error.cfg,fs=ext4,timeout=120'"
	create_refused "^fsva: appliance 'bad.d' cannot serve: .*nosuch" bad
	unchanged
}

test_crashes() {
	before
	config bad "'tag=d,appliance=/etc/xen/crash.cfg,fs=ext4,timeout=120'"
	create_refused "^fsva: appliance 'bad.d' stopped before it served" bad
	unchanged
}

# What the guest writes is not obeyed by a terminal, and forges no line.
test_hostile_text() {
	local out
	before
	config bad "'tag=d,appliance=/etc/xen/never.cfg,fs=ext4,timeout=120'"
	out=$(dom0_sh '(for i in $(seq 300); do
			d=$(xl domid bad.d 2>/dev/null) && break; sleep 0.3; done
			xenstore-write "/local/domain/$d/data/fsva-ready" 2
			xenstore-write "/local/domain/$d/data/fsva-error" "$(printf "a\033[2J\nfsva: all is well")") &
		xl create -q /etc/xen/bad.cfg 2>&1; echo "status $?"; wait')
	assert_contains "$out" "cannot serve: a?[2J?fsva: all is well"
	case $out in *$'\033'*) fail "an escape came through" ;; esac
	[[ $out != *"status 0"* ]] || fail "created all the same: $out"
	unchanged
}

# The appliances are ready, but the user domain cannot be created.
test_user_domain_fails() {
	before
	config bad "'tag=d,appliance=/etc/xen/good.cfg,fs=ext4,dev=/dev/xvda,timeout=200'"
	dom0_sh 'echo "disk = [ \"phy:/dev/nosuch,xvda,w\" ]" >>/etc/xen/bad.cfg'
	create_refused 'nosuch' bad
	unchanged
}

# One of two appliances fails: the other goes as well.
test_second_appliance_fails() {
	before
	config bad "'tag=d,appliance=/etc/xen/good.cfg,fs=ext4,dev=/dev/xvda'" \
		"'tag=e,appliance=/etc/xen/nodisk.cfg,fs=ext4'"
	dom0_sh 'sed "s,/dev/vdb,/dev/nosuch," /etc/xen/user.data.cfg >/etc/xen/nodisk.cfg'
	create_refused "^fsva: 'e': appliance 'bad.e' was not created from /etc/xen/nodisk.cfg" bad
	unchanged
}

test_interrupted() {
	local out
	before
	config bad "'tag=d,appliance=/etc/xen/never.cfg,fs=ext4,timeout=250'"
	out=$(dom0_sh 'xl create -q /etc/xen/bad.cfg >/tmp/out 2>&1 & pid=$!
		until xl domid bad.d >/dev/null 2>&1; do sleep 0.3; done
		sleep 2; kill -TERM $pid; wait $pid && echo succeeded; cat /tmp/out')
	assert_contains "$out" "interrupted while waiting for appliance 'bad.d'"
	[[ $out != *succeeded* ]] || fail "created all the same: $out"
	unchanged
}

# The name of the appliance is taken by a domain that has nothing to do with it.
test_name_taken() {
	dom0_sh 'sed "s,^name.*,name = \"bad.d\"," /etc/xen/never.cfg >/etc/xen/other.cfg; xl create -p -q /etc/xen/other.cfg'
	before
	config bad "'tag=d,appliance=/etc/xen/good.cfg,fs=ext4'"
	create_refused "^fsva: 'd': there is already a domain 'bad.d'" bad
	unchanged
	dom0 xl destroy bad.d
}

test_pair_did_not_notice() {
	user_sh 'mkdir -p /mnt/data; mount -t fsva data /mnt/data; echo here >/mnt/data/f; [ "$(cat /mnt/data/f)" = here ]
		umount /mnt/data'
	kernel_clean user
}
