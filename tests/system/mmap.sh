# SPDX-License-Identifier: GPL-2.0-only
# takes 5 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# mmap.sh: files mapped, and stored to through mappings.

# A PVH user domain shares frames with its appliance; a PV appliance knows their machine addresses.
file_setup() {
	lab pair --user pvh --fsva pv --kernel 6.12 --fs ext4 --extra fsva_front.shared_frames=1
	"$FSVA_TOP/tests/programs/put" user
	put_walx
}

put_walx() {
	lab put "$FSVA_TOP/tests/programs/walx.py" "$FSVA_TOP/tests/programs/onex.py" user:/opt/fsva-tests/
}

# One frame on both sides: the same machine address by the same reference, and no calls for what is stored.
test_one_frame() {
	local tmp
	user_sh 'd=/sys/kernel/debug/fsva/front/data; mkfifo /tmp/hold
		python3 /opt/fsva-tests/onex.py /mnt/data/one $d/stats $d/shared </tmp/hold >/tmp/one 2>/tmp/one.err & exec 9>/tmp/hold
		for i in $(seq 100); do [ ! -s /tmp/one ] || break; kill -0 $! || break; sleep 0.2; done; cat /tmp/one.err
		[ -s /tmp/one ]; (sleep 30 >&9) >/dev/null 2>&1 & '
	tmp=$(mktemp -d)
	user cat /tmp/one | awk '{ print $3, $1, $2 }' | sort >"$tmp/front"
	back_debugfs
	fsva_sh 'cat /sys/kernel/debug/fsva/back/*/pages' | awk '{ print $4, $2, $3 }' | sort >"$tmp/back"
	[ "$(wc -l <"$tmp/front")" -ge 16 ] || fail "only $(wc -l <"$tmp/front") pages are shared"
	diff "$tmp/front" "$tmp/back" || fail 'the two sides list other frames'
	kernel_clean user user.data
}

# Afterwards nothing is left shared.
test_given_back() {
	user_sh 'pkill python3 || :; sleep 1; rm -f /mnt/data/one; umount /mnt/data; mount -t fsva data /mnt/data'
	assert_eq "$(back_value shared_pages)" 0 'shared pages'
	kernel_clean user user.data
}

test_stores() {
	user_sh 'cd /mnt/data; /opt/fsva-tests/fdx --only mappings fdx; /opt/fsva-tests/fdx --only stores fdx'
	kernel_clean user user.data
}

# A store sets the times before anybody asks for them, and not those that somebody has set since.
test_times() {
	user_sh 'python3 - <<"END"
import mmap, os, time
f = os.open("/mnt/data/times", os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(f, 8192)
m = mmap.mmap(f, 8192)
os.utime(f, (1000, 1000))
m[0:4] = b"abcd"
s = os.fstat(f)
assert abs(s.st_mtime - time.time()) < 60, s
time.sleep(0.1)
m.flush()
assert os.fstat(f).st_mtime_ns == s.st_mtime_ns, "written back is not stored"
m[4096:4100] = b"abcd"
os.utime(f, (1000, 1000))
m.flush()
os.fsync(f)
assert os.fstat(f).st_mtime == 1000, "older than what was set"
m.close()
os.close(f)
os.remove("/mnt/data/times")
END'
	kernel_clean user user.data
}

TIMEOUT_test_random_stores=600
test_random_stores() {
	user_sh 'cd /mnt/data; for s in 1 2; do
			/opt/fsva-tests/fsx --ops 3000 --seed $s --size 1048576 --mapwrite $([ $s = 1 ] || echo --direct) fsx.$s >/tmp/fsx.$s 2>&1 &
		done; wait; cat /tmp/fsx.*; [ "$(cat /tmp/fsx.* | grep -c "^ok fsx: 3000 operations")" = 2 ]'
	kernel_clean user user.data
}

# An index that three processes share by a mapping, beside a log that they read() and write().
TIMEOUT_test_sqlite_wal=300
test_sqlite_wal() {
	user_sh 'mkdir /mnt/data/wal; python3 /opt/fsva-tests/walx.py /mnt/data/wal 3 60; rmdir /mnt/data/wal'
	kernel_clean user user.data
}

# What was stored is on the disk after msync() and after umount, and the appliance says when there is no room.
test_kept() {
	user_sh 'cd /mnt/data; python3 -c "
import mmap, os
fd = os.open(\"k\", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 1 << 20)
m = mmap.mmap(fd, 1 << 20)
for i in range(256):
    m[i * 4096 : i * 4096 + 8] = b\"page%04d\" % i
"
		cd /; umount /mnt/data; mount -t fsva data /mnt/data; cd /mnt/data; python3 -c "
d = open(\"k\", \"rb\").read()
assert len(d) == 1 << 20
for i in range(256):
    assert d[i * 4096 : i * 4096 + 9] == b\"page%04d\\0\" % i, i
"; rm k'
	kernel_clean user user.data
}

test_no_room() {
	user_sh 'cd /mnt/data; fallocate -l $(($(df --output=avail -B1 . | tail -n 1) - 4194304)) fill; dd if=/dev/zero of=fill2 bs=64k count=64 2>/dev/null || :; sync
		: >hole; chmod 666 hole; python3 -c "
import errno, mmap, os, signal, sys
os.setuid(1234)  # root has blocks in reserve
fd = os.open(\"hole\", os.O_RDWR)
os.ftruncate(fd, 8 << 20)
pid = os.fork()
if not pid:
    m = mmap.mmap(fd, 8 << 20)
    try:
        for i in range(0, 8 << 20, 4096):
            m[i] = 1
        m.flush()
    except OSError as e:
        os._exit(e.errno)
    os._exit(0)
status = os.waitpid(pid, 0)[1]
print(status)
assert status in (errno.ENOSPC << 8, errno.EIO << 8, signal.SIGBUS), status
"; rm fill fill2 hole; sync; echo room >after; [ "$(cat after)" = room ]; rm after'
	kernel_clean user user.data
}

# The appliance is gone: who has pages of its mapped meets SIGBUS, and the user's domain lives on.
test_appliance_dies() {
	user_sh 'python3 -c "
import mmap, os, sys, time
fd = os.open(\"/mnt/data/dies\", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 64 * 4096)
m = mmap.mmap(fd, 64 * 4096)
for i in range(64):
    m[i * 4096] = 1
open(\"/tmp/mapped\", \"w\").close()
while True:
    for i in range(64):
        m[i * 4096 + 1] = 2
    time.sleep(0.1)
" >/tmp/dies.out 2>&1 & pid=$!
		for i in $(seq 100); do [ ! -e /tmp/mapped ] || break; sleep 0.1; done; [ -e /tmp/mapped ]
		echo $pid >/tmp/dies.pid'
	lab xl destroy user.data
	user_sh 'for i in $(seq 20); do kill -0 "$(cat /tmp/dies.pid)" 2>/dev/null || break; sleep 0.5; done
		! kill -0 "$(cat /tmp/dies.pid)" 2>/dev/null'
	user timeout 10 umount /mnt/data
	# ordinary memory afterwards: nothing of the appliance's is left in it
	user_sh 'python3 -c "
b = bytearray(64 << 20)
for i in range(0, len(b), 4096):
    b[i] = i >> 12 & 255
assert all(b[i] == i >> 12 & 255 for i in range(0, len(b), 4096))
"'
	[ "$(user_sh "sed -n 's/^shared-pages \\([0-9]*\\) .*/\\1/p' /sys/kernel/debug/fsva/front/data/info || echo 0")" = 0 ] ||
		fail 'pages are still shared'
	kernel_clean user
}
