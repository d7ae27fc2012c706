# SPDX-License-Identifier: GPL-2.0-only
# takes 8 minutes
# shellcheck shell=bash
# xl-pairs.sh: what xl does to a pair: list, attach, detach, loss, reboot, shutdown, destroy.

export TIMEOUT_test_reboot=600 TIMEOUT_test_shutdown=400

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
	dom0_sh 'sed "s,/dev/vdb,/dev/vdc," /etc/xen/user.data.cfg >/etc/xen/more.cfg'
}

# state TAG: the last column of xl fsva-list.
state() {
	dom0_sh "xl fsva-list user | awk '\$1 == \"$1\" { print \$NF }'"
}

is_state() {
	[ "$(state "$1")" = "$2" ]
}

domains() {
	dom0_sh 'xl list | tail -n +2 | cut -d " " -f 1 | grep -v "^Domain-0" | sort | tr "\n" " "'
}

no_domains() {
	[ -z "$(domains)" ]
}

fsva_nodes() {
	dom0_sh 'xenstore-ls -f / | grep -E "/fsva(/| )|^/libxl/[1-9]" || true'
}

test_list() {
	local out
	assert_eq "$(domains)" 'user user.data '
	out=$(dom0 xl fsva-list -v user)
	assert_contains "$out" 'user.data'
	assert_contains "$out" 'connected'
	assert_contains "$out" 'dev: /dev/xvda'
	is_state data connected
}

# Both sides have room for more grants than Xen gives by default.
test_limits() {
	local d out
	for d in user user.data; do
		out=$(dom0 xl list -l "$d")
		assert_contains "$out" '"max_grant_frames": 256'
		assert_contains "$out" '"max_maptrack_frames": 4096'
	done
}

test_attach() {
	dom0 xl fsva-attach user 'tag=more, appliance=/etc/xen/more.cfg, fs=ext4, dev=/dev/xvda, options="noatime,commit=9", timeout=200'
	assert_eq "$(domains)" 'user user.data user.more '
	eventually 60 is_state more connected
	user_sh 'mkdir -p /mnt/more; mount -t fsva more /mnt/more; echo kept >/mnt/more/f; sync'
}

test_detach_refused_while_mounted() {
	user_sh 'grep -q " /mnt/more fsva " /proc/mounts'
	refuses "'user' .* has 'more' mounted: unmount it" dom0 xl fsva-detach user more
	is_state more connected
	assert_eq "$(user cat /mnt/more/f)" kept
}

test_detach() {
	user umount /mnt/more
	dom0 xl fsva-detach user more
	assert_eq "$(domains)" 'user user.data '
	assert_eq "$(state more)" ''
	refuses 'more' user mount -t fsva more /mnt/more
	# What was written is there when it comes again.
	dom0 xl fsva-attach user 'tag=more, appliance=/etc/xen/more.cfg, fs=ext4, dev=/dev/xvda, timeout=200'
	eventually 60 is_state more connected
	user mount -t fsva more /mnt/more
	assert_eq "$(user cat /mnt/more/f)" kept
}

test_detach_force() {
	dom0 xl fsva-detach --force user more
	assert_eq "$(domains)" 'user user.data '
	refuses 'Input/output error' user ls /mnt/more
	user timeout 20 umount /mnt/more
	user_sh 'echo still >/mnt/data/still; sync; [ "$(cat /mnt/data/still)" = still ]'
}

# The appliance dies; the user domain goes on, and can have another.
test_lost_and_replaced() {
	dom0 xl destroy user.data
	assert_eq "$(domains)" 'user '
	is_state data lost
	refuses 'Input/output error' user ls /mnt/data
	user timeout 20 umount /mnt/data
	dom0 xl fsva-attach user 'tag=data, appliance=/etc/xen/user.data.cfg, fs=ext4, dev=/dev/xvda, timeout=200'
	eventually 60 is_state data connected
	user mount -t fsva data /mnt/data
	assert_eq "$(user cat /mnt/data/still)" still
}

rebooted() {
	[ "$(domains)" = 'user user.data ' ] && [ "$(dom0 xl domid user)" -gt "$1" ] && user true
}

test_reboot() {
	local old
	old=$(dom0 xl domid user)
	user_sh 'echo reboot >/mnt/data/rebooted; sync'
	dom0 xl reboot user
	eventually 400 rebooted "$old"
	user modprobe fsva-front
	eventually 60 is_state data connected
	user_sh 'mkdir -p /mnt/data; mount -t fsva data /mnt/data'
	assert_eq "$(user cat /mnt/data/rebooted)" reboot
}

# The user domain first, then its appliance, which has time to write what it holds.
test_shutdown() {
	user_sh 'echo shut >/mnt/data/shut'
	dom0 xl shutdown user
	eventually 300 no_domains
	assert_eq "$(fsva_nodes)" '' 'xenstore nodes left'
	dom0_sh 'mkdir -p /tmp/d; mount -t ext4 -o ro,noload /dev/vdb /tmp/d && cat /tmp/d/shut; umount /tmp/d' >/dev/null ||
		note 'dom0 cannot mount ext4 itself'
}

test_destroy() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
	assert_eq "$(user cat /mnt/data/shut)" shut
	dom0 xl destroy user
	assert_eq "$(domains)" ''
	assert_eq "$(fsva_nodes)" '' 'xenstore nodes left'
}
