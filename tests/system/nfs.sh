# SPDX-License-Identifier: GPL-2.0-only
# long
# shellcheck shell=bash
# nfs.sh: an appliance with the NFS client.  A third domain, `nfsd`, serves a directory; `user` has it from its
# appliance at /mnt/data, and for comparison with its own kernel's client at /mnt/native, with the same options.

# shellcheck source=tests/system/nfs-server.bash
. "$FSVA_TOP/tests/system/nfs-server.bash"

# Attributes are believed for a second: what the server changes is seen after that, by either client.
NFS_OPTIONS=vers=4.2,actimeo=1,soft
SEEN_AFTER=2

nfsd() {
	lab exec nfsd -- bash -euo pipefail -c "$*"
}

file_setup() {
	local addr
	lab pair --user pv --kernel 6.12 --fs none --domain nfsd --memory 320
	nfsd 'mkdir -p /srv/x; mount -t tmpfs tmpfs /srv/x'
	serve_from nfsd 2
	addr=$(nfsd 'ip -4 -o addr show dev eth0' | sed -n 's/.* inet \([0-9.]*\)\/.*/\1/p')
	[ -n "$addr" ] || fail 'nfsd has no address'
	# ip=: what an appliance outside of the lab has; there the network is up before fsva-back is
	lab pair --user pv --fsva pv --kernel 6.12 --fs nfs --fsva-extra 'ip=10.77.200.1::10.77.255.1:255.255.0.0' \
		--fsva-keys "dev=$addr:/, options=\"$NFS_OPTIONS,addr=$addr\""
	user_sh "mkdir -p /mnt/native; mount -t nfs -o $NFS_OPTIONS $addr:/ /mnt/native"
}

# All that a client can tell of a tree, with what is in the files.
tree() {
	user_sh "cd $1; find . -printf '%p %y %m %U %G %s %n %T@ %l\n' | sort; find . -type f -print0 | sort -z | xargs -0r sha256sum"
}

# same: both clients, now, see the same tree.
same() {
	local ours native
	sleep "$SEEN_AFTER"
	ours=$(tree /mnt/data)
	native=$(tree /mnt/native)
	[ "$ours" = "$native" ] || fail "the trees differ: $(diff <(echo "$native") <(echo "$ours"))"
	printf '%s\n' "$ours"
}

test_mounted() {
	assert_eq "$(user findmnt -n -o FSTYPE,SOURCE /mnt/data | tr -s ' ')" 'fsva data' findmnt
	assert_contains "$(fsva cat /proc/modules)" 'nfsv4 '
	assert_contains "$(fsva ip addr show dev eth0 2>/dev/null || fsva ifconfig eth0)" '10.77.200.1'
}

test_both_ways() {
	local ref
	user_sh 'cd /mnt/data; mkdir d; echo from the user >d/u; head -c 3000001 /dev/urandom >d/big; ln -s u d/soft; ln d/u d/hard
		chmod 604 d/u; chown 12:34 d/big; sync'
	ref=$(user sha256sum /mnt/data/d/big | cut -d ' ' -f 1)
	assert_eq "$(nfsd 'cat /srv/x/d/u')" 'from the user'
	assert_eq "$(nfsd 'sha256sum </srv/x/d/big' | cut -d ' ' -f 1)" "$ref" 'the big file at the server'
	assert_eq "$(nfsd 'stat -c %a:%h /srv/x/d/u; stat -c %u:%g /srv/x/d/big; readlink /srv/x/d/soft' | tr '\n' ' ')" \
		'604:2 12:34 u '
	nfsd 'mkdir /srv/x/s; echo from the server >/srv/x/s/f; head -c 2000003 /dev/urandom >/srv/x/s/big'
	assert_contains "$(same)" './s/big f '
	assert_eq "$(user cat /mnt/data/s/f)" 'from the server'
}

# Dentries and attributes that the user domain has cached are asked about again.
test_server_changes() {
	user_sh 'cd /mnt/data; ls -lR >/dev/null; cat s/f d/u >/dev/null; [ ! -e s/new ]; [ ! -e gone/at/all ]'
	nfsd 'cd /srv/x; mv s/f s/renamed; rm d/hard; echo longer than it was before >d/u; echo new >s/new; chmod 777 s/big
		mkdir -p gone/at/all; ln -sfn elsewhere d/soft'
	same >/dev/null
	user_sh 'cd /mnt/data; [ ! -e s/f ]; [ -e s/renamed ]; [ ! -e d/hard ]; [ "$(cat s/new)" = new ]; [ -d gone/at/all ]
		[ "$(cat d/u)" = "longer than it was before" ]; [ "$(readlink d/soft)" = elsewhere ]'
	# another inode of the same name, and a directory where a file was
	user_sh 'cd /mnt/data; cat s/new s/renamed >/dev/null; ls s >/dev/null'
	nfsd 'cd /srv/x; echo other >s/x; mv s/x s/new; rm s/renamed; mkdir s/renamed; echo in >s/renamed/f; mv d e'
	same >/dev/null
	user_sh 'cd /mnt/data; [ "$(cat s/new)" = other ]; [ "$(cat s/renamed/f)" = in ]; [ ! -e d ]; [ -e e/u ]'
}

# A file that is open while the server changes and removes it.
test_open_file() {
	nfsd 'echo first >/srv/x/open'
	user_sh 'cd /mnt/data; exec 3<open; read -r l <&3; [ "$l" = first ]
		echo more >>/mnt/native/open; sleep 2; read -r l <&3; [ "$l" = more ]
		rm open; echo unlinked >/proc/self/fd/3; [ "$(cat /proc/self/fd/3)" = unlinked ]; exec 3<&-'
	eventually 20 nfsd '[ -z "$(find /srv/x -name ".nfs*")" ]'
}

# The client's name of an unlinked file that is open goes with the last close(), and not later.
test_open_and_removed() {
	user_sh 'cd /mnt/data; for i in $(seq 20); do
			mkdir busy; exec 3>busy/f; rm busy/f; echo $i >&3; rmdir busy 2>/dev/null && exit 1; exec 3>&-; rmdir busy || exit 1
		done'
}

# Names that the user removes are removed, not kept as .nfs files for handles that nobody needs.
test_unlink() {
	user_sh 'cd /mnt/data; mkdir many; (cd many; for i in $(seq 200); do echo $i >f$i; done); cat many/* >/dev/null
		rm -r many; [ ! -e many ]'
	assert_eq "$(nfsd 'find /srv/x -name ".nfs*"')" ''
}

test_smoke() {
	user bash -c 'cat >/tmp/smoke.sh' <"$FSVA_TOP/tests/programs/smoke.sh"
	user bash /tmp/smoke.sh /mnt/data
	kernel_clean user user.data
}

test_unmount() {
	user umount /mnt/data
	user mount -t fsva data /mnt/data
	same >/dev/null
	user umount /mnt/data
	lab xl destroy user
	lab xl destroy nfsd
}
