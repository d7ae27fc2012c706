# SPDX-License-Identifier: GPL-2.0-only
# takes 12 minutes
# long
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# netbsd.sh: an appliance of NetBSD's, with netbsd-back in its kernel, serves FFS and LFS to a Linux user domain.
#
#	make test T=netbsd NETBSD_KERNEL=FILE NETBSD_ROOT=FILE [NETBSD_FFS=FILE] [NETBSD_LFS=FILE]
#		[NETBSD_FSCK_FFS=CMD] [NETBSD_FSCK_LFS=CMD]
#
# NETBSD_KERNEL: a domU's kernel with the driver.  NETBSD_ROOT: an image of its root disk, whose rc starts fsvad.
# NETBSD_FFS, NETBSD_LFS: images that hold such a file system.  CMD: checks such an image, its last argument, and
# changes nothing.  How all of these are made: docs/netbsd.md.

NETBSD_EXTRA=${NETBSD_EXTRA:-bootdev=xbd0 console=pc}
NETBSD_DEV=${NETBSD_DEV:-/dev/xbd1d}

file_skip() {
	if [ -z "${NETBSD_KERNEL:-}" ] || [ -z "${NETBSD_ROOT:-}" ]; then
		echo 'no NetBSD here: NETBSD_KERNEL= and NETBSD_ROOT= name a kernel and a root, see docs/netbsd.md'
	elif [ ! -r "$NETBSD_KERNEL" ] || [ ! -r "$NETBSD_ROOT" ]; then
		echo 'NETBSD_KERNEL or NETBSD_ROOT cannot be read'
	fi
}

# pair FS IMAGE [MORE...]: a user domain and its NetBSD appliance with that image on its second disk.
pair() {
	local fs=$1 image=$2
	shift 2
	lab pair --user pv --kernel 6.1 --fs "$fs" --fsva-kernel "$NETBSD_KERNEL" --fsva-disk "$NETBSD_ROOT" \
		--fsva-data "$image" --fsva-dev "$NETBSD_DEV" --fsva-extra "$NETBSD_EXTRA" --fsva-memory 192 "$@"
	"$FSVA_TOP/tests/programs/put" user
}

# The appliance's console must not end in its debugger.
appliance_lives() {
	local log
	log=$(lab log user.data)
	case $log in
	*panic:* | *'fatal '*'trap'* | *'db{'*) fail "the appliance's kernel: $(printf '%s\n' "$log" | grep -aE 'panic:|fatal|db\{' | head -n 3)" ;;
	esac
}

core_operations() {
	assert_eq "$(user findmnt -n -o FSTYPE,SOURCE /mnt/data | tr -s ' ')" 'fsva data' findmnt
	user_sh 'df /mnt/data; stat -f /mnt/data'
	user /opt/fsva-tests/dirx --ops 1000 --seed 7 /mnt/data/dirx
	user /opt/fsva-tests/fsx --ops 1000 --seed 11 --size 262144 /mnt/data/fsx
	user /opt/fsva-tests/bigdir --entries 600 /mnt/data/big
	user_sh 'cd /mnt/data; rm -f fsx; mkdir c; head -c 4000001 /dev/urandom >/tmp/ref; cp /tmp/ref c/a; ln c/a c/b; ln -s a c/s
		cmp c/b /tmp/ref; cmp c/s /tmp/ref; chmod 640 c/a; chown 12:34 c/a; touch -d @981173106 c/a; mkfifo c/f; mknod c/n c 1 3
		[ "$(stat -c "%a %u %g %Y %h" c/a)" = "640 12 34 981173106 2" ]; [ "$(stat -c %t,%T c/n)" = 1,3 ]; mv c/b c/t
		tar -C c -cf - . | tar -tf - | sort >/tmp/list; [ "$(wc -l </tmp/list)" = 6 ]; sync
		exec 9<>c/t; rm c/t c/a; [ "$(cksum <&9)" = "$(cksum </tmp/ref)" ]; exec 9>&-'
	# the same after another mount
	user_sh 'echo kept >/mnt/data/kept; umount /mnt/data; mount -t fsva data /mnt/data; cd /mnt/data; [ "$(cat kept)" = kept ]
		[ "$(ls c)" = "f
n
s" ]; rm -r c kept; cd /; mount -o remount,ro /mnt/data; ! touch /mnt/data/x 2>/dev/null; mount -o remount,rw /mnt/data
		touch /mnt/data/x; rm /mnt/data/x'
	kernel_clean user
	appliance_lives
}

# checked FS IMAGE: after umount, what is on the disk passes the user's own check.
checked() {
	local check image size
	check=NETBSD_FSCK_$1
	[ -n "${!check:-}" ] || { note "$check= is not set: what is on the disk was not checked"; return 0; }
	size=$((($(stat -c %s "$2") + 1048575) >> 20))
	image=$(mktemp)
	lab exec -t 600 dom0 -- dd if=/dev/vdb bs=1M "count=$size" status=none >"$image"
	if ! ${!check} "$image"; then
		rm -f "$image"
		fail "${!check} found something"
	fi
	rm -f "$image"
}

run_on() {
	local fs=$1 image=$2
	[ -n "$image" ] || skip "NETBSD_${fs^^}= names no image"
	pair "$fs" "$image"
	core_operations
	user umount /mnt/data
	appliance_lives
	lab xl destroy user
	checked "${fs^^}" "$image"
}

TIMEOUT_test_ffs=1500
test_ffs() {
	run_on ffs "${NETBSD_FFS:-}"
}

TIMEOUT_test_lfs=1500
test_lfs() {
	run_on lfs "${NETBSD_LFS:-}"
}

TIMEOUT_test_hostile_front=1500
test_hostile_front() {
	local group image=${NETBSD_FFS:-${NETBSD_LFS:-}} fs=ffs
	[ -n "$image" ] || skip 'neither NETBSD_FFS= nor NETBSD_LFS= names an image'
	[ -n "${NETBSD_FFS:-}" ] || fs=lfs
	pair "$fs" "$image"
	user_sh 'umount /mnt/data; rmmod fsva_front'
	for group in connect ring data call; do
		user_sh "/opt/fsva-tests/hostile-front --group $group" | tee /dev/stderr | (! grep '^not ok')
		appliance_lives
	done
	user_sh 'modprobe fsva-front; for i in 1 2 3 4 5 6 7 8 9 10; do
			mount -t fsva data /mnt/data 2>/dev/null && break; sleep 1; done
		echo served >/mnt/data/f; [ "$(cat /mnt/data/f)" = served ]; umount /mnt/data'
	lab xl destroy user
}
