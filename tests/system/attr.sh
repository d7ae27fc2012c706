# SPDX-License-Identifier: GPL-2.0-only
# takes 5 minutes
# long: test_61 test_new
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# attr.sh: attributes of all kinds (extended, ACLs, capabilities, flags, extents): the same program and the same
# commands on a plain ext4 and, through a pair, on the same disk; then with the other kernels.

DISK=/dev/vdc	# dom0's

file_setup() {
	lab pair --user pv --kernel 6.12 --fs none
	"$FSVA_TOP/tests/programs/put" user
	native_disk "$DISK"
}

# native_disk DISK: it becomes the user domain's xvdb, with the ext4 that has all that the program tries
native_disk() {
	dom0 xl block-attach user "phy:$1,xvdb,w"
	eventually 20 user test -b /dev/xvdb
	user_sh 'mke2fs -q -F -t ext4 -b 4096 -O ea_inode,project,quota,verity /dev/xvdb'
}

native_mount() {
	user_sh 'mkdir -p /mnt/native; mount /dev/xvdb /mnt/native; chmod 755 /mnt/native'
}

# commands DIR: what an administrator does with attributes.
# shellcheck disable=SC2016 # for the user domain
COMMANDS='
cd "$1"; mkdir c; cd c; echo text >f; mkdir d
setfattr -n user.note -v hello f; [ "$(getfattr --only-values -n user.note f)" = hello ]
setfattr -n trusted.t -v root d; getfattr -d -m - d | grep "trusted.t=\"root\""
setfacl -m u:1234:rw,g:2000:r f; getfacl -c f | tr "\n" " " | grep "user:1234:rw- group::r-- group:2000:r-- mask::rw- other::r--"
[ "$(stat -c %A f)" = "-rw-rw-r--" ]; [ "$(ls -l f | cut -c11)" = + ]
setfacl -d -m u:1234:rwx d; touch d/new; getfacl -c d/new | grep "user:1234:rwx.*#effective:rw-"
chmod g-w f; getfacl -c f | grep "user:1234:rw-.*#effective:r--"
cp /bin/ping p 2>/dev/null || cp /bin/true p; setcap cap_net_raw+ep p; getcap p | grep "cap_net_raw=ep"
echo >>p; [ -z "$(getcap p)" ]
chattr +i f; lsattr f | cut -d" " -f1 | grep i; rm f 2>/dev/null && exit 1; chattr -i f
chattr +a f; echo more >>f; echo less 2>/dev/null >f && exit 1; chattr -a f
cp -a f f2; [ "$(getfattr --only-values -n user.note f2)" = hello ]; getfacl -c f2 | grep user:1234:rw-
tar --xattrs --xattrs-include="*" --acls -cf t f d; mkdir x; tar --xattrs --xattrs-include="*" --acls -C x -xf t
getfacl -c x/f | grep user:1234:rw-; [ "$(getfattr --only-values -n user.note x/f)" = hello ]
getfattr -d -m - x/d | grep "trusted.t=\"root\""; getfacl -c x/d | grep default:user:1234:rwx
rsync -aAX f d x2/; getfacl -c x2/f | grep user:1234:rw-; [ "$(getfattr --only-values -n user.note x2/f)" = hello ]
dd if=/dev/zero of=e bs=64k count=8 status=none; sync e; filefrag -v e | grep -E "1: |0: .*(last|eof)"
cd ..; rm -r c'

commands() {
	user bash -euo pipefail -c "$COMMANDS" commands "$1"
}

TIMEOUT_test_native=900
test_native() {
	native_mount
	user /opt/fsva-tests/attrx --big /mnt/native/attrx
	commands /mnt/native
	user umount /mnt/native
	lab xl destroy user
}

# with_kernel KERNEL USER FSVA: on the disk that file_setup made
with_kernel() {
	lab xl destroy user 2>/dev/null || true
	lab pair --user "$2" --fsva "$3" --kernel "$1" --fs ext4 --disk "$DISK"
	"$FSVA_TOP/tests/programs/put" user
	user /opt/fsva-tests/attrx --big /mnt/data/attrx
	commands /mnt/data
	kernel_clean user user.data
}

TIMEOUT_test_pair=900
test_pair() {
	with_kernel 6.12 pv pvh
}

# It is on the disk, and a front that asks anew sees it.
test_kept() {
	user_sh 'cd /mnt/data; echo x >k; setfattr -n user.k -v kept k; setfacl -m u:1:r k; chattr +d k; cd /
		umount /mnt/data; mount -t fsva data /mnt/data; cd /mnt/data; [ "$(getfattr --only-values -n user.k k)" = kept ]
		getfacl -nc k | grep user:1:r--; lsattr k | cut -d" " -f1 | grep d; rm k'
	kernel_clean user user.data
}

# fails DIR: which checks fail there, and how the program ends
fails() {
	user_sh "/opt/fsva-tests/attrx --big $1/attrx >/tmp/attrx.out || :; cat /tmp/attrx.out >&2
		sed -n 's/^FAIL attrx: \([a-z_]*\): line.*/\1/p' /tmp/attrx.out | sort; sed -n 's/^\(ok\|FAIL\) attrx: .*checks$/\1/p' /tmp/attrx.out"
}

# Debian's 6.1 has its BPF LSM say yes where the kernel's own check of security attributes would say no (mended in 6.10),
# on a plain ext4, too: so the pair is to fail what that fails, and nothing else.
TIMEOUT_test_61=1800
test_61() {
	local native ours
	lab xl destroy user 2>/dev/null || true
	lab pair --user pvh --fsva pv --kernel 6.1 --fs ext4 --disk "$DISK"
	"$FSVA_TOP/tests/programs/put" user
	native_disk /dev/vdd
	native_mount
	native=$(fails /mnt/native)
	note "a plain ext4 of this kernel fails: $native"
	assert_contains "ok FAIL" "${native##*$'\n'}" 'how it ends'
	ours=$(fails /mnt/data)
	assert_eq "$ours" "$native" 'what the pair fails'
	commands /mnt/data
	kernel_clean user user.data
}

TIMEOUT_test_new=900
test_new() {
	with_kernel new pv pv
}
