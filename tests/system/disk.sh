# SPDX-License-Identifier: GPL-2.0-only
# takes 3 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# disk.sh: what is on the appliance's disk: damage that must cost nobody more than the file that has it, and quotas
# and reserved blocks, which the file system must hold against the real caller.

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
	user_sh 'mkdir -p /tmp/img /mnt/img'
}

# put_disk [OPTIONS]: /tmp/disk.img of the user domain becomes what the appliance serves, mounted.
put_disk() {
	user_sh 'umount /mnt/data 2>/dev/null || true; xz -0 </tmp/disk.img >/tmp/disk.img.xz; rm /tmp/disk.img'
	user cat /tmp/disk.img.xz | fsva sh -euc 'xzcat | dd of=/dev/xvda bs=64k conv=fsync 2>/dev/null'
	user_sh 'rm /tmp/disk.img.xz'
	user mount -t fsva -o "${1:-rw}" data /mnt/data
}

# Names with '/' and NUL, empty ones, types that are none; times, modes, sizes and targets that can't be.
# Without checksums, as a disk has them that was damaged before it was written.
test_damaged() {
	user_sh 'cd /tmp; rm -rf img; mkdir -p img/dir img/only; for i in 1 2 3 4 5; do echo $i >img/dir/good$i; done
		for i in bad-slash bad-nul-x bad-type- gone-name; do echo bad >img/dir/$i; done
		echo x >img/only/bad-slash; echo time >img/time; echo mode >img/mode; echo size >img/size
		ln -s 0123456789 img/link; echo rest >img/rest
		mkdir img/many; (cd img/many; seq -f "file-%04g" 500 | xargs touch; touch m-slash)
		rm -f disk.img; mke2fs -q -t ext4 -O ^metadata_csum -d img disk.img 32M
		debugfs -w -R "sif /time mtime_extra 0xfffffffc" disk.img; debugfs -w -R "sif /time ctime_extra 0xfffffffd" disk.img
		debugfs -w -R "sif /mode mode 0" disk.img; debugfs -w -R "sif /size size 0xffffffffffffff00" disk.img
		python3 - disk.img <<"END"
import sys
d = bytearray(open(sys.argv[1], "rb").read())
def patch(old, new, off=0):
    n = at = 0
    while (at := d.find(old, at)) >= 0:
        d[at + off:at + off + len(new)] = new
        n += 1
        at += len(old)
    print(old, n)
    assert n
patch(b"bad-slash", b"bad/slash")
patch(b"m-slash", b"m/slash")
patch(b"bad-nul-x", b"bad\0nul-x")
patch(b"bad-type-", b"\x0d", -1)
patch(b"\x09\x01gone-name", b"\0\x01")
patch(b"0123456789", b"012\0")
open(sys.argv[1], "wb").write(d)
END
		rm -rf img'
	put_disk
	# Each line: what still works in spite of it.
	user_sh 'cd /mnt/data; ls -a dir | tr "\n" " "; [ "$(ls dir | grep -c "^good")" = 5 ]; cat dir/good3
		ls dir | grep -qx "bad-type-"; [ "$(cat dir/bad-type-)" = bad ]; [ "$(ls -a only | tr "\n" " ")" = ". .. " ]
		[ "$(find many -name "file-*" | wc -l)" = 500 ]; [ "$(ls many | wc -l)" = 500 ]'
	user_sh 'cd /mnt/data; [ "$(cat time)" = time ]; stat -c "%n %y %z" time; touch time; stat -c "%n %y" time
		for f in mode size; do out=$(stat $f 2>&1) && exit 1; case $out in *"cleaning"*|*"nput/output"*) ;; *) echo "$out"; exit 1;; esac; done
		readlink link || true; cat link 2>/dev/null || true; [ "$(cat rest)" = rest ]; echo new >dir/new; [ "$(cat dir/new)" = new ]
		cd /; umount /mnt/data; mount -t fsva data /mnt/data; [ "$(cat /mnt/data/dir/new)" = new ]'
	assert_eq "$(back_value breaches)" 0 'breaches'
	assert_eq "$(back_value connected)" 1 'connected'
	user_sh 'dmesg | grep -i "fsva.*stopped" && exit 1 || true'
	kernel_clean user user.data
}

# A user with a quota, and another without: as the caller and not as the appliance.
test_quota() {
	user_sh 'cd /tmp; rm -rf img; mkdir img; rm -f disk.img; mke2fs -q -t ext4 -O quota -E quotatype=usrquota:grpquota -d img disk.img 64M
		modprobe -a loop quota_v2; mount -o loop,usrquota disk.img /mnt/img; chmod 1777 /mnt/img; dev=$(findmnt -n -o SOURCE /mnt/img)
		setquota -u 1001 0 4096 0 20 "$dev"; umount /mnt/img'
	put_disk usrquota,grpquota
	user_sh 'cd /mnt/data; as() { setpriv --reuid $1 --regid $1 --clear-groups "${@:2}"; }; mkdir -m 777 q
		as 1001 dd if=/dev/zero of=q/a bs=64k count=32 conv=fsync status=none
		out=$(as 1001 dd if=/dev/zero of=q/b bs=64k count=64 conv=fsync 2>&1) && { echo "over quota: $out"; exit 1; }
		case $out in *"quota exceeded"*) ;; *) echo "$out"; exit 1;; esac
		out=$(as 1001 fallocate -l 8M q/c 2>&1) && exit 1; case $out in *"quota exceeded"*) ;; *) echo "$out"; exit 1;; esac
		as 1002 dd if=/dev/zero of=q/d bs=64k count=128 conv=fsync status=none
		for i in $(seq 30); do as 1001 touch q/n$i 2>/tmp/err || break; done; grep "quota exceeded" /tmp/err; [ $i -gt 10 ]; [ $i -lt 22 ]
		# root is not held to it, and makes room
		chown 1001 q/d; dd if=/dev/zero of=q/root bs=64k count=4 conv=fsync status=none; chown 1001 q/root; rm q/d q/b q/root
		as 1001 sh -c "rm -f q/n? q/c; echo fits >q/e"; [ "$(cat q/e)" = fits ]; rm -r q'
	kernel_clean user user.data
}

# The last blocks are root's.
test_reserved_blocks() {
	user_sh 'cd /tmp; rm -rf img; mkdir -m 1777 img; rm -f disk.img; mke2fs -q -t ext4 -O ^has_journal -m 20 -d img disk.img 32M'
	put_disk
	user_sh 'cd /mnt/data; chmod 1777 .; setpriv --reuid 1001 --regid 1001 --clear-groups dd if=/dev/zero of=u bs=64k conv=fsync 2>/tmp/err && exit 1
		grep "No space left" /tmp/err; dd if=/dev/zero of=r bs=64k count=32 conv=fsync status=none; [ "$(stat -c %s r)" = 2097152 ]; rm u r'
	kernel_clean user user.data
}
