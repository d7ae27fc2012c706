# SPDX-License-Identifier: GPL-2.0-only
# takes 2 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# export.sh: handles of a mount that outlive it, and the mount served on: by the user domain's own NFS server.

# shellcheck source=tests/system/nfs-server.bash
. "$FSVA_TOP/tests/system/nfs-server.bash"

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4 --memory 512 --fsva-memory 192
	"$FSVA_TOP/tests/programs/put" user
}

test_handles() {
	user /opt/fsva-tests/lockx --only handles /mnt/data/h
	kernel_clean user user.data
}

test_handles_after_another_mount() {
	user_sh '/opt/fsva-tests/lockx --save /tmp/handles /mnt/data/h; umount /mnt/data; mount -t fsva data /mnt/data
		/opt/fsva-tests/lockx --check /tmp/handles /mnt/data/h; [ ! -e /mnt/data/h ]'
	kernel_clean user user.data
}

# A handle means the same to the file system with no pair in between.
test_handles_of_the_file_system() {
	user_sh '/opt/fsva-tests/lockx --save /tmp/handles /mnt/data/h; umount /mnt/data'
	lab xl block-attach user phy:/dev/vdb,xvdc,w
	eventually 20 user test -b /dev/xvdc
	user_sh 'mkdir -p /mnt/plain; mount -o ro /dev/xvdc /mnt/plain; /opt/fsva-tests/lockx --open /tmp/handles /mnt/plain/h; umount /mnt/plain'
	lab xl block-detach user xvdc
	user_sh 'mount -t fsva data /mnt/data; /opt/fsva-tests/lockx --check /tmp/handles /mnt/data/h'
}

TIMEOUT_test_nfs_server=400
test_nfs_server() {
	user_sh 'mkdir -p /mnt/nfs; chmod 755 /mnt/data; mkdir /mnt/data/served; echo before >/mnt/data/served/f'
	serve /mnt/data 127.0.0.1
	user_sh 'timeout 90 mount -t nfs4 -o vers=4.2,soft,timeo=100 127.0.0.1:/ /mnt/nfs'
	user_sh 'cd /mnt/nfs/served; [ "$(cat f)" = before ]; mkdir -p d/e; echo deep >d/e/x; mv d/e d2; ln d2/x y; ln -s y z; [ "$(cat z)" = deep ]
		dd if=/dev/urandom of=big bs=64k count=40 status=none; sync; cmp big /mnt/data/served/big; rm d2/x; [ "$(ls d2 | wc -l)" = 0 ]
		[ "$(cat /mnt/data/served/y)" = deep ]; flock big true; cp big copy; cmp big copy'
	# what a client holds stays good when the server has forgotten the inodes
	user_sh 'sync; echo 2 >/proc/sys/vm/drop_caches; cmp /mnt/nfs/served/big /mnt/data/served/copy
		cd /mnt/nfs/served/d2; echo 2 >/proc/sys/vm/drop_caches; echo new >file; [ "$(cat /mnt/data/served/d2/file)" = new ]; cd /
		rm -r /mnt/nfs/served/d2; [ ! -e /mnt/data/served/d2 ]
		umount /mnt/nfs'
	serve_no_more
	user_sh 'rm -r /mnt/data/served; for i in $(seq 50); do umount /mnt/data && break; sleep 0.3; done; mount -t fsva data /mnt/data'
	kernel_clean user user.data
}
