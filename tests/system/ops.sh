# SPDX-License-Identifier: GPL-2.0-only
# long: test_pvh
# takes 12 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# ops.sh: each operation of a mounted file system, on a PV and a PVH pair, by our own programs and by the
# commands that people use.

file_setup() {
	# PVH appliances take five times as long in emulation; test_pvh and matrix.sh have them
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
	"$FSVA_TOP/tests/programs/put" user
}

# ---- What the mount looks like ----

test_mount_is_seen() {
	assert_eq "$(user findmnt -n -o FSTYPE,SOURCE,TARGET /mnt/data | tr -s ' ')" 'fsva data /mnt/data' findmnt
	assert_contains "$(user cat /proc/filesystems)" fsva /proc/filesystems
	user_sh 'grep " /mnt/data fsva rw" /proc/mounts'
	user_sh '[ "$(df --output=fstype /mnt/data | tail -n 1)" = fsva ]; [ "$(df --output=size /mnt/data | tail -n 1)" -gt 100000 ]
		[ "$(df --output=itotal /mnt/data | tail -n 1)" -gt 1000 ]; df -h /mnt/data'
	user_sh '[ "$(stat -f -c %T /mnt/data)" != "" ]; [ "$(stat -f -c %l /mnt/data)" = 255 ]; [ "$(stat -c %F /mnt/data)" = directory ]'
}

test_mount_options() {
	user_sh 'umount /mnt/data; mount -t fsva -o noatime,ro data /mnt/data; grep " /mnt/data fsva ro,noatime" /proc/mounts
		out=$(touch /mnt/data/x 2>&1) && exit 1; case $out in *"Read-only file system"*) ;; *) echo "$out"; exit 1;; esac
		mount -o remount,rw /mnt/data; touch /mnt/data/x; rm /mnt/data/x
		mount -o remount,ro /mnt/data; touch /mnt/data/x 2>/dev/null && exit 1
		umount /mnt/data; mount -t fsva -o data=journal data /mnt/data; grep " /mnt/data fsva .*data=journal" /proc/mounts
		umount /mnt/data; mount -t fsva data /mnt/data'
	kernel_clean user user.data
}

# The appliance's own ext4 says what it is mounted with.
ext4_has() {
	fsva_sh "cat /proc/fs/ext4/*/options" | grep -qx -- "$1" || fail "the appliance's ext4 is not mounted with $1"
}

# The same, once on the kernel's own ext4 and once on the pair's: what a remount refuses and what it does.
# shellcheck disable=SC2016 # for the user's shell
REMOUNTS='cd /; m() { err=$(mount "$@" 2>&1) && echo "$*: done" || { s=$?; case $err in *busy*) echo "$*: $s busy";;
			*) echo "$*: $s";; esac; }; }
	t() { touch $1 2>/dev/null && { echo "$2: written"; rm $1; } || echo "$2: not written"; }
	t $d/f "at first"; echo x >$d/w; exec 9>>$d/w; m -o remount,ro $d; echo y >&9; t $d/f "a writer was in the way"
	exec 9>&-; exec 9<$d/w; m -o remount,ro $d; t $d/f "a reader was not"; cat <&9; m -o remount,rw $d; exec 9<&-; t $d/f "rw again"
	echo x >$d/u; exec 9<$d/u; rm $d/u; m -o remount,ro $d; t $d/f "an unlinked file was in the way"
	exec 9<&-; m -o remount,ro $d; t $d/f "ro"; m -o remount,rw,commit=30 $d; t $d/f "rw with commit"
	grep " $d " /proc/mounts | grep -o "commit=30"; m -o remount,data=journal $d; m -o remount,nonsense=1 $d; t $d/f "after refusals"
	grep " $d " /proc/mounts | grep -o "commit=30"; m -o remount,sync $d; grep " $d " /proc/mounts | grep -o ",sync"; t $d/f "sync"
	m -o remount,async,commit=5 $d; grep " $d " /proc/mounts | grep -oE "commit=30|,sync" || echo "neither"; rm $d/w'

test_remount() {
	local native ours
	user_sh 'modprobe loop; mkdir -p /mnt/native; truncate -s 64M /tmp/native.img; mke2fs -q -t ext4 /tmp/native.img; mount -o loop /tmp/native.img /mnt/native'
	native=$(user bash -c "d=/mnt/native; $REMOUNTS" | sed 's,/mnt/native,DIR,g')
	ours=$(user bash -c "d=/mnt/data; $REMOUNTS" | sed 's,/mnt/data,DIR,g')
	user_sh 'umount /mnt/native; rm /tmp/native.img'
	note "a native ext4 says: $native"
	assert_contains "$native" 'remount,ro DIR: 32 busy' 'what a native ext4 says'
	assert_eq "$ours" "$native" 'what the pair says'
	user mount -o remount,ro,commit=17 /mnt/data
	ext4_has ro
	ext4_has commit=17
	user mount -o remount,rw /mnt/data
	ext4_has rw
	ext4_has commit=17
	user_sh 'echo kept >/mnt/data/kept; umount /mnt/data; mount -t fsva data /mnt/data; [ "$(cat /mnt/data/kept)" = kept ]; rm /mnt/data/kept'
	ext4_has commit=5
	kernel_clean user user.data
}

# Many remounts while others write: a call ends well or with EROFS or EBUSY, and what was written is there.
test_remount_under_load() {
	user_sh 'cd /mnt/data; mkdir load; rm -f /tmp/stop
		for w in 1 2 3; do (n=0; : >/tmp/load.$w
			while [ ! -e /tmp/stop ]; do n=$((n + 1)); (echo $n >load/$w.$n) 2>/dev/null && echo $w.$n >>/tmp/load.$w; sleep 0.01; done) & done
		ro=0; for i in $(seq 12); do mount -o remount,ro /mnt/data 2>/dev/null && ro=$((ro + 1)); sleep 0.05; mount -o remount,rw /mnt/data; done
		touch /tmp/stop; wait; echo "# read-only $ro times of 12, $(cat /tmp/load.? | wc -l) files" >&2; [ $ro -gt 0 ]
		for f in $(cat /tmp/load.?); do [ "$(cat load/$f)" = "${f#*.}" ] || { echo "FAIL: load/$f"; exit 1; }; done; rm -r load'
	kernel_clean user user.data
}

test_bad_mounts() {
	refuses 'nosuchtag|No such device|special device|not exist' user mount -t fsva nosuchtag /mnt/data
	user_sh 'mkdir -p /mnt/second'
	# as with a disk: twice is the same file system, and not once read-only and once writable
	refuses 'mounted already' user mount -t fsva -o ro data /mnt/second
	user_sh 'mount -t fsva data /mnt/second; echo same >/mnt/second/same; [ "$(cat /mnt/data/same)" = same ]; rm /mnt/data/same; umount /mnt/second'
	user umount /mnt/data
	refuses 'nonsense=1' user mount -t fsva -o nonsense=1 data /mnt/data
	refuses . user mount -t fsva '' /mnt/data
	refuses . user mount -t fsva "$(printf 'x%.0s' $(seq 300))" /mnt/data
	user mount -t fsva data /mnt/data
	user_sh 'exec 9>/mnt/data/open; out=$(umount /mnt/data 2>&1) && exit 1; case $out in *busy*) ;; *) echo "$out"; exit 1;; esac
		exec 9>&-; rm /mnt/data/open; umount /mnt/data'
	refuses 'not mounted' user umount /mnt/data
	user mount -t fsva data /mnt/data
	kernel_clean user user.data
}

test_fstab() {
	user_sh 'umount /mnt/data; cp /etc/fstab /tmp/fstab.old 2>/dev/null || : >/tmp/fstab.old
		trap "cp /tmp/fstab.old /etc/fstab" EXIT
		echo "data /mnt/data fsva rw,nodev,relatime 0 0" >>/etc/fstab
		mount /mnt/data; grep " /mnt/data fsva .*nodev" /proc/mounts; umount data; mount -a -t fsva; findmnt /mnt/data'
}

test_bind_and_lazy() {
	user_sh 'mkdir -p /mnt/data/sub /mnt/bind; mount --bind /mnt/data/sub /mnt/bind; echo x >/mnt/bind/f; [ -s /mnt/data/sub/f ]
		exec 9</mnt/bind/f; umount -l /mnt/bind; read -r v <&9; [ "$v" = x ]; exec 9<&-; rm -r /mnt/data/sub'
}

# ---- Our programs ----

TIMEOUT_test_fdx=300
test_fdx() {
	user /opt/fsva-tests/fdx /mnt/data/fdx
	kernel_clean user user.data
}

TIMEOUT_test_dirx=300
test_dirx() {
	user /opt/fsva-tests/dirx --ops 4000 --seed 7 /mnt/data/dirx
	kernel_clean user user.data
}

TIMEOUT_test_fsx_direct=300
test_fsx_direct() {
	user /opt/fsva-tests/fsx --ops 4000 --seed 11 --direct /mnt/data/fsx
	kernel_clean user user.data
}

# 100,000 take emulation twenty minutes: DIR_ENTRIES=100000 make test T=many_entries
TIMEOUT_test_many_entries=2400
test_many_entries() {
	lab exec -t 2400 user -- /opt/fsva-tests/bigdir --entries "${DIR_ENTRIES:-8000}" /mnt/data/big
	kernel_clean user user.data
}

# ---- The commands that people use ----

test_commands() {
	user_sh 'mkdir /mnt/data/c; cd /mnt/data/c
		echo one >a; cp a b; ln a c; ln -s a d; mv b e; cat a c d e >f; [ "$(tr "\n" " " <f)" = "one one one one " ]
		chmod 640 a; [ "$(stat -c %a c)" = 640 ]; chown 5:6 a; [ "$(stat -c %u:%g c)" = 5:6 ]
		touch -d "2001-02-03 04:05:06.789 UTC" a; [ "$(TZ=UTC stat -c %y a | cut -c1-23)" = "2001-02-03 04:05:06.789" ]
		truncate -s 12345 e; [ "$(stat -c %s e)" = 12345 ]; [ "$(readlink d)" = a ]; [ "$(stat -c %h a)" = 2 ]
		mkdir -p p/q/r; mv p/q s; [ -d s/r ]; rmdir s/r s p; rm c; [ "$(stat -c %h a)" = 1 ]
		mkfifo fifo; [ -p fifo ]; find . -name "[a-f]*" | sort | tr "\n" " " | grep "./a ./d ./e ./f ./fifo"
		dd if=/dev/urandom of=g bs=1000 count=3001 status=none; cp --sparse=never g h; cmp g h
		dd if=g of=h bs=333 seek=77 skip=5 conv=notrunc status=none; sync; rm -rf /mnt/data/c'
}

test_tree_by_tar_and_checksum() {
	user_sh 'cd /mnt/data; mkdir t; cp -a /usr/include/linux t/; (cd /usr/include/linux && find . -type f -print0 | sort -z | xargs -0 sha256sum) >/tmp/sums
		(cd t/linux && sha256sum --quiet -c /tmp/sums); tar -C t -cf t.tar linux; rm -rf t/linux; tar -C t -xf t.tar
		(cd t/linux && sha256sum --quiet -c /tmp/sums); diff -r /usr/include/linux t/linux; rm -rf t t.tar'
	kernel_clean user user.data
}

test_programs_from_the_mount() {
	user_sh 'mkdir /mnt/data/x; cd /mnt/data/x; cp /bin/ls .; ./ls / >/dev/null
		printf "#!/bin/sh\necho script \$1\n" >s; chmod +x s; [ "$(./s a)" = "script a" ]; chmod -x s; ./s 2>/dev/null && exit 1
		printf "#include <stdio.h>\nint f(void){return 42;}\n" >l.c
		printf "#include <stdio.h>\nint f(void); int main(void){printf(\"%%d\\\\n\", f()); return 0;}\n" >m.c
		cc -shared -fPIC -o libl.so l.c; cc -o m m.c -L. -ll -Wl,-rpath,/mnt/data/x; [ "$(./m)" = 42 ]
		cp m busy; ./busy >/dev/null; (sleep 3 & exec ./busy) >/dev/null
		cp /bin/sleep slp; ./slp 5 & pid=$!; sleep 0.5; out=$(sh -c ": >slp" 2>&1) && { echo "a running program was written"; exit 1; }
		case $out in *"busy"*) ;; *) echo "$out"; exit 1;; esac; kill $pid; wait $pid || true
		cd /; rm -r /mnt/data/x'
	kernel_clean user user.data
}

test_ordinary_programs() {
	user_sh 'mkdir /mnt/data/o; cd /mnt/data/o; export HOME=/tmp GIT_CONFIG_NOSYSTEM=1
		git init -q r; cd r; git config user.email a@b; git config user.name n; cp -r /usr/include/linux .; git add .
		git commit -q -m one; git fsck --no-progress; git status --porcelain | grep . && exit 1; cd ..
		python3 -c "
import sqlite3
c = sqlite3.connect(\"db\")
c.execute(\"create table t (a integer, b text)\")
for i in range(500):
    c.execute(\"insert into t values (?, ?)\", (i, \"x\" * i))
c.commit()
assert c.execute(\"select sum(a), sum(length(b)) from t\").fetchone() == (124750, 124750)
assert c.execute(\"pragma integrity_check\").fetchone()[0] == \"ok\"
"
		perl -e "open(F, \">\", \"p\") or die; print F \"y\" x 100000; close F or die; -s \"p\" == 100000 or die"
		rsync -a /usr/include/asm-generic/ rs/; diff -r /usr/include/asm-generic rs
		cd /; rm -rf /mnt/data/o'
	kernel_clean user user.data
}

# Two users, a group directory, a sticky one: with commands (fdx does more of it).
test_ownership() {
	user_sh 'cd /mnt/data; mkdir -m 1777 sticky; mkdir -m 2775 team; chown 0:2000 team; chmod 2775 team
		setpriv --reuid 1001 --regid 1001 --groups 2000 sh -ec "umask 002; echo x >team/f; mkdir team/d; echo x >sticky/mine"
		[ "$(stat -c %u:%g:%a team/f)" = 1001:2000:664 ]; [ "$(stat -c %g:%A team/d)" = "2000:drwxrwsr-x" ]
		setpriv --reuid 1002 --regid 1002 --groups 2000 sh -ec "echo y >>team/f; rm -f sticky/mine 2>/dev/null" && exit 1
		[ "$(cat team/f | tr -d "\n")" = xy ]; [ -e sticky/mine ]
		setpriv --reuid 1003 --regid 1003 --clear-groups sh -ec "echo z >>team/f" 2>/dev/null && exit 1
		rm -r team sticky'
}

# Round trips that are spared, counted where they would be made, and nobody sees that they are.
TIMEOUT_test_round_trips=300
test_round_trips() {
	local lookups creates n
	user_sh 'mkdir /mnt/data/r'
	lookups=$(front_calls lookup) creates=$(front_calls create)
	# files that were not there: made without a look
	user python3 -c 'for i in range(100): open("/mnt/data/r/f%d" % i, "w").write("%d" % i)'
	n=$(($(front_calls lookup) - lookups))
	[ "$n" -le 10 ] || fail "$n lookups for 100 new files"
	assert_eq $(($(front_calls create) - creates)) 100 'creates'
	user_sh 'umount /mnt/data; mount -t fsva data /mnt/data'
	creates=$(front_calls create)
	# files that are there, which nobody knows yet: the first is tried, then each is looked up
	user python3 -c 'for i in range(100):
	f = open("/mnt/data/r/f%d" % i, "a+")
	f.seek(0)
	assert f.read() == "%d" % i, i'
	n=$(($(front_calls create) - creates))
	[ "$n" -le 2 ] || fail "$n creates for 100 files that were there"
	# a closed file is closed for all who ask, though nobody waited for it
	user_sh 'cd /mnt/data/r; for i in $(seq 20); do
			echo $i >w; mount -o remount,ro /mnt/data || { echo "busy at $i"; exit 1; }; mount -o remount,rw /mnt/data
		done; ln -s nowhere l; if : >l; then cat nowhere; else exit 1; fi; [ ! -s nowhere ]
		before=$(stat -f -c %f .); for i in $(seq 5); do
			head -c 8M /dev/zero >big; sync .; rm big; after=$(stat -f -c %f .)
			[ "$after" -ge $((before - 64)) ] || { echo "$before blocks were free, $after are"; exit 1; }
		done
		cd /; rm -r /mnt/data/r; stat -f / /mnt/data >/dev/null
		grep -x "quiet 0" /sys/kernel/debug/fsva/front/data/info'
	assert_eq "$(back_value open_files)" 0 'files that the back has open'
	# what was removed has made room by the time that rm returns, to somebody who fills the disk each time
	user_sh 'cd /mnt/data; n=$(($(stat -f -c "%a * %S / 1048576" .) - 24)); fallocate -l ${n}M filler
		while fallocate -o ${n}M -l 1M filler 2>/dev/null; do n=$((n + 1)); done; truncate -s $((n - 7))M filler
		for i in $(seq 5); do head -c 5M /dev/zero >big; rm big; done
		for i in $(seq 5); do exec 5>big; rm big; head -c 5M /dev/zero >&5; exec 5>&-; done
		rm filler'
	kernel_clean user user.data
}

# What has just come with another answer is not asked for, and what anybody did is seen all the same.
test_fresh_attributes() {
	local getattrs n
	user_sh 'mkdir /mnt/data/fresh'
	getattrs=$(front_calls getattr)
	user python3 -c 'import os
for i in range(100):
	fd = os.open("/mnt/data/fresh/%d" % i, os.O_CREAT | os.O_WRONLY, 0o640)
	st = os.fstat(fd)
	assert (st.st_size, st.st_mode & 0o777, st.st_nlink) == (0, 0o640, 1), st
	os.write(fd, b"x" * (i + 1))
	os.close(fd)'
	n=$(($(front_calls getattr) - getattrs))
	[ "$n" -le 20 ] || fail "$n times asked for attributes of 100 new files"
	user_sh 'umount /mnt/data; mount -t fsva data /mnt/data'
	getattrs=$(front_calls getattr)
	user python3 -c 'import os
for i in range(100):
	assert os.stat("/mnt/data/fresh/%d" % i).st_size == i + 1, i
	with open("/mnt/data/fresh/%d" % i, "rb", 0) as f:
		assert os.fstat(f.fileno()).st_size == len(f.read()) == i + 1, i'
	n=$(($(front_calls getattr) - getattrs))
	[ "$n" -le 20 ] || fail "$n times asked for attributes of 100 files that were looked up and opened"
	# each change is seen by the next who looks, whoever made it, through whatever name or file
	user python3 -c 'import os
d = "/mnt/data/fresh/"
a = os.open(d + "0", os.O_RDWR)
for i in range(60):
	b = os.open(d + "0", os.O_RDWR | os.O_APPEND)
	was = os.fstat(a)
	os.write(b, b"more")
	st = os.fstat(a)
	assert st.st_size == was.st_size + 4 and st.st_mtime_ns >= was.st_mtime_ns, (was, st)
	os.close(b)
	os.close(os.open(d + "0", os.O_RDONLY))
	os.chmod(d + "0", 0o600 + i % 8)
	assert os.stat(d + "0").st_mode & 0o7 == i % 8
	os.link(d + "0", d + "l")
	assert os.fstat(a).st_nlink == 2
	os.close(os.open(d + "l", os.O_RDONLY))
	os.unlink(d + "l")
	assert os.fstat(a).st_nlink == 1
	os.close(os.open(d + "0", os.O_RDONLY))
	os.utime(d + "0", (i, i))
	assert os.fstat(a).st_mtime == i
	os.close(os.open(d, os.O_RDONLY))
	n = os.stat(d).st_nlink
	os.mkdir(d + "d")
	assert os.stat(d).st_nlink == n + 1
	os.rmdir(d + "d")
	assert os.stat(d).st_nlink == n
	os.close(os.open(d + "0", os.O_RDONLY))
	os.ftruncate(a, 5)
	assert os.stat(d + "0").st_size == 5'
	# what was allocated in advance, or waits to be allocated, is settled as it is natively
	user_sh 'cd /mnt/data/fresh; head -c 300000 /dev/urandom >big; sync; echo 3 >/proc/sys/vm/drop_caches; n=$(stat -c %b big)
		for i in $(seq 20); do echo x >>big; sync; m=$(stat -c %b big); [ "$m" -ge "$n" ] || { echo "$n, then $m"; exit 1; }; done'
	# and so is what somebody does in the appliance
	user_sh 'for i in $(seq 50); do stat -c %a /mnt/data/fresh/7 >/dev/null; done'
	fsva_sh 'mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt; chmod 604 /mnt/fresh/7; umount /mnt'
	assert_eq "$(user stat -c %a /mnt/data/fresh/7)" 604 'a mode set in the appliance'
	user rm -r /mnt/data/fresh
	kernel_clean user user.data
}

# It survives an unmount, and nothing is left open or held.
test_kept_and_released() {
	user_sh 'mkdir /mnt/data/k; for i in $(seq 300); do echo $i >/mnt/data/k/$i; done; umount /mnt/data; mount -t fsva data /mnt/data
		for i in $(seq 300); do [ "$(cat /mnt/data/k/$i)" = $i ] || exit 1; done; rm -r /mnt/data/k'
	eventually 15 few_handles
	kernel_clean user user.data
}

few_handles() {
	user_sh 'echo 2 >/proc/sys/vm/drop_caches'
	[ "$(back_value handles)" -le 4 ]
}

# The same on a PVH user and a PV appliance.
TIMEOUT_test_pvh=600
test_pvh() {
	user umount /mnt/data
	lab xl destroy user
	lab pair --user pvh --fsva pv --kernel 6.12 --fs ext4
	"$FSVA_TOP/tests/programs/put" user
	user_sh 'cd /mnt/data; /opt/fsva-tests/fdx fdx; /opt/fsva-tests/dirx --ops 300 dirx; /opt/fsva-tests/fsx --ops 400 --size 131072 fsx
		cp /bin/ls .; ./ls / >/dev/null; rm ls'
	kernel_clean user user.data
}
