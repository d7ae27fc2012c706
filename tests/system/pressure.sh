# SPDX-License-Identifier: GPL-2.0-only
# takes 12 minutes
# long
# shellcheck shell=bash disable=SC2016,SC2034 # for the user domain's shell; TIMEOUT_* are for the runner
# pressure.sh: a user domain of 192 MiB, most of which somebody else uses all the time: nothing stands still, nobody
# is killed for want of memory, and the outcome is what it is on the file system itself.

# shellcheck source=tests/system/both.bash
. "$FSVA_TOP/tests/system/both.bash"

file_setup() {
	both ext4 192
}

# Takes all but 20 MiB of what is available, and uses each page of it again and again.
HOG='import mmap, time
with open("/proc/meminfo") as f:
    available = next(int(l.split()[1]) for l in f if l.startswith("MemAvailable")) * 1024
size = (available - (20 << 20)) & ~4095
m = mmap.mmap(-1, size)
while True:
    for i in range(0, size, 4096):
        m[i] = (m[i] + 1) & 255
    open("/tmp/hog.size", "w").write(str(size))
    time.sleep(0.2)'

# with_hog SECONDS CMD...: in the user domain, and nobody was killed
with_hog() {
	local seconds=$1 status=0
	shift
	user_sh "rm -f /tmp/hog.size; dmesg -C; sync; echo 3 >/proc/sys/vm/drop_caches
		setsid python3 -c '$HOG' >/tmp/hog.log 2>&1 </dev/null & echo \$! >/tmp/hog.pid
		for i in \$(seq 200); do [ ! -s /tmp/hog.size ] || break; sleep 0.2; done; cat /tmp/hog.size; echo; free -k"
	lab exec -t "$seconds" user -- "$@" || status=$?
	user_sh 'free -k; kill $(cat /tmp/hog.pid)' || fail 'the hog is gone'
	oom_free user
	oom_free user.data
	kernel_clean user user.data
	return "$status"
}

oom_free() {
	local bad
	bad=$(lab exec "$1" -- dmesg | grep -E 'Out of memory|oom-kill|oom_reaper|page allocation failure' || true)
	[ -z "$bad" ] || fail "$1: $bad"
}

TIMEOUT_test_same_outcomes=1500
test_same_outcomes() {
	with_hog 1200 /opt/fsva-tests/parity --seed 192 --ops 2400 --drop-caches /mnt/native /mnt/data
}

# Written and read, more than there is memory
TIMEOUT_test_large_file=900
test_large_file() {
	with_hog 600 bash -euo pipefail -c 'cd /mnt/data
		for i in 1 2 3; do dd if=/dev/urandom of=part$i bs=1M count=40 status=none; done
		cat part1 part2 part3 part1 part2 part3 >big; sync big
		[ "$(cat part1 part2 part3 part1 part2 part3 | sha256sum)" = "$(sha256sum <big)" ]; rm big part?'
}

# Stored through a mapping that is larger than memory: each page must be written back to make room for the next
TIMEOUT_test_large_mapping=900
test_large_mapping() {
	with_hog 600 python3 -c 'import mmap, os
size = 240 << 20
f = os.open("/mnt/data/map", os.O_RDWR | os.O_CREAT, 0o600)
os.ftruncate(f, size)
m = mmap.mmap(f, size)
for i in range(0, size, 4096):
    m[i:i + 8] = i.to_bytes(8, "little")
m.flush()
for i in range(0, size, 4096):
    assert m[i:i + 8] == i.to_bytes(8, "little"), i
m.close()
for i in range(0, size, 4096 * 7):
    assert os.pread(f, 8, i) == i.to_bytes(8, "little"), i
os.close(f)
os.remove("/mnt/data/map")'
}

# All kinds of access to one file, and many small files, at the same time
TIMEOUT_test_mixed=900
test_mixed() {
	with_hog 600 bash -euo pipefail -c 'cd /mnt/data; /opt/fsva-tests/fsx --ops 3000 --mapwrite x & fsx=$!
		for i in 1 2 3; do cp -r /usr/include/linux l$i; diff -r /usr/include/linux l$i; tar -cf t$i l$i; rm -r l$i; done
		wait $fsx; rm -f x t?; [ -z "$(ls -A | grep -v lost+found)" ]'
}
