# SPDX-License-Identifier: GPL-2.0-only
# takes 12 minutes
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# ubc.sh: one page cache for two domains (ubc=on).  The user domain has 320 MB, the appliance 128 MB of its own; what is
# said of memory is what Xen says.

BOTH=$((320 + 128))

file_setup() {
	lab pair --kernel 6.12 --fs ext4 --memory 320 --fsva-memory 128 --fsva-keys ubc=on
	user_sh 'cat >/tmp/hog.py' <<-'END'
		import sys
		n = int(sys.argv[1]) * 256
		pages = [bytearray((b"%08d" % i) * 512) for i in range(n)]
		bad = sum(1 for i in range(n) if pages[i] != (b"%08d" % i) * 512)
		print("%d pages, %d bad" % (n, bad))
		sys.exit(bad != 0)
	END
}

# ghost KEY: a number from the user domain's half
ghost() {
	user cat /sys/kernel/debug/fsva/front/data/ubc | awk -v k="$1" '$1 == k { print $2 }'
}

# megabytes DOMAIN: as Xen counts them
megabytes() {
	dom0 xl list "$1" | awk 'NR == 2 { print $3 }'
}

# The pair has what it was given, and no more than 8 MiB and the toolstack's own slack beyond.
total_kept() {
	local u b
	u=$(megabytes user) b=$(megabytes user.data)
	note "user $u MB, appliance $b MB"
	[ $((u + b)) -le $((BOTH + 12)) ] || fail "the pair has $((u + b)) MB, and was given $BOTH"
	[ $((u + b)) -ge $((BOTH - 12)) ] || fail "the pair has $((u + b)) MB of $BOTH"
}

settled() {
	local given held
	given=$(ghost given) held=$(ghost held)
	[ "$(ghost waiting)" = 0 ] && [ $((given - held)) -le 256 ] && [ $((held - given)) -le 256 ]
}

coupled() {
	assert_eq "$(ghost on)" 1 'coupled'
	assert_eq "$(ghost broken)" 0 'broken'
	assert_eq "$(ghost leaked)" 0 'pages lost'
}

# A file that is written and read moves the user's memory to the appliance, and an anonymous hog moves it back,
# without swap and without the OOM killer.
test_grow_and_shrink() {
	local sum
	eventually 60 settled
	total_kept
	user_sh 'dd if=/dev/urandom of=/mnt/data/big bs=1M count=170 status=none; sync'
	sum=$(user_sh 'md5sum </mnt/data/big')
	eventually 60 settled
	total_kept
	[ "$(megabytes user.data)" -ge 230 ] || fail "the appliance has $(megabytes user.data) MB only"
	user_sh 'python3 /tmp/hog.py 150' >&2
	eventually 60 settled
	total_kept
	[ "$(ghost released)" -ge 10000 ] || fail "$(ghost released) ghosts made room"
	assert_eq "$(user_sh 'md5sum </mnt/data/big')" "$sum" 'what is in the file'
	user_sh '! dmesg | grep -i "out of memory"'
	coupled
	kernel_clean user user.data
}
TIMEOUT_test_grow_and_shrink=900

# The counters of the user's kernel see the file's pages as if they were its own.
test_counts() {
	local cached
	user_sh 'cat /mnt/data/big >/dev/null'
	eventually 60 settled
	cached=$(user_sh "awk '/^Cached:/ { print int(\$2 / 1024) }' /proc/meminfo")
	[ "$cached" -ge 100 ] || fail "Cached: $cached MB of a file of 170"
}

# drop_caches and fadvise drop them, in both domains.
test_drop_caches() {
	user_sh 'sync; echo 1 >/proc/sys/vm/drop_caches'
	eventually 60 settled
	[ "$(ghost ghosts)" -le 1000 ] || fail "$(ghost ghosts) ghosts after drop_caches"
	[ "$(megabytes user.data)" -le 140 ] || fail "the appliance has $(megabytes user.data) MB after drop_caches"
	total_kept
	user_sh 'head -c 50M /mnt/data/big >/dev/null'
	eventually 60 settled
	[ "$(ghost ghosts)" -ge 5000 ] || fail "$(ghost ghosts) ghosts of 50 MB"
	user_sh 'python3 -c "import os; f = os.open(\"/mnt/data/big\", 0); os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)"'
	eventually 60 settled
	[ "$(ghost ghosts)" -le 1000 ] || fail "$(ghost ghosts) ghosts after fadvise"
	coupled
}

# A file is cut, grown and read by several at a time, with ghosts coming and going.
test_truncate() {
	user_sh 'p=; cd /mnt/data; dd if=/dev/urandom of=t0 bs=1M count=6 status=none; md5sum <t0 >/tmp/t0
		for j in 1 2; do
			( for i in $(seq 12); do cp t0 t$j; cat t$j >/dev/null; truncate -s $((RANDOM * 150 + 1)) t$j
				cat t$j >/dev/null; truncate -s +$((RANDOM + 1)) t$j; s=$(stat -c %s t$j)
				[ $((s % 512)) = 0 ] || tail -c 1 t$j | cmp - <(head -c 1 /dev/zero); done ) &
			p="$p $!"
		done 2>/dev/null
		for p in $p; do wait $p; done
		md5sum <t0 | cmp - /tmp/t0; rm t0 t1 t2'
	eventually 60 settled
	total_kept
	coupled
	kernel_clean user user.data
}
TIMEOUT_test_truncate=900

# A mapping gets pages that have frames, where there were ghosts, and writes to it and by write() are one.
test_mapped() {
	user_sh 'cd /mnt/data; cat big >/dev/null; python3 - <<-E
		import hashlib, mmap
		f = open("big", "r+b")
		m = mmap.mmap(f.fileno(), 0)
		a = hashlib.md5(m).hexdigest()
		f.seek(0)
		assert hashlib.md5(f.read()).hexdigest() == a
		m[5000000:5000005] = b"hello"
		f.seek(5000000)
		assert f.read(5) == b"hello"
	E'
	coupled
	kernel_clean user user.data
}
TIMEOUT_test_mapped=600

# Dirty pages are written before they go.
test_dirty() {
	user_sh 'cd /mnt/data; dd if=/dev/urandom of=d bs=1M count=60 status=none; md5sum <d >/tmp/d
		echo 1 >/proc/sys/vm/drop_caches; python3 /tmp/hog.py 150; md5sum <d | cmp - /tmp/d; rm d' >&2
	eventually 60 settled
	coupled
	kernel_clean user user.data
}
TIMEOUT_test_dirty=900

# Xen has next to no free frame: another domain has them all.  Memory still moves between the two.
test_no_frame() {
	local free
	eventually 60 settled
	free=$(dom0 xl info free_memory)
	printf 'name="eater"\ntype="pv"\nkernel="/lab/6.12/vmlinuz"\nmemory=%d\n' $((free - 24)) | dom0 sh -c 'cat >/tmp/eater.cfg'
	dom0_sh 'xl create -p /tmp/eater.cfg' >&2
	note "free: $(dom0 xl info free_memory) MB"
	user_sh 'cat /mnt/data/big >/dev/null; python3 /tmp/hog.py 150; cat /mnt/data/big >/dev/null' >&2
	dom0_sh 'xl destroy eater' >&2
	eventually 60 settled
	total_kept
	coupled
	kernel_clean user user.data
}
TIMEOUT_test_no_frame=900

# Unmounted, each domain has its own; mounted again, with the modules of the user domain new, it all works again.
test_remount() {
	user_sh 'cat /mnt/data/big >/dev/null'
	[ "$(ghost ghosts)" -ge 5000 ] || fail "$(ghost ghosts) ghosts"
	user_sh 'umount /mnt/data'
	[ "$(megabytes user.data)" -le 132 ] || fail "the appliance has $(megabytes user.data) MB after umount"
	total_kept
	user_sh 'rmmod fsva_front; modprobe fsva_front 2>/dev/null || insmod /lib/modules/*/updates/fsva-front.ko
		for i in 1 2 3; do mount -t fsva data /mnt/data; head -c 30M /mnt/data/big >/dev/null; umount /mnt/data; done
		mount -t fsva data /mnt/data; cat /mnt/data/big >/dev/null'
	eventually 60 settled
	[ "$(ghost ghosts)" -ge 5000 ] || fail "$(ghost ghosts) ghosts"
	total_kept
	coupled
	kernel_clean user user.data
}
TIMEOUT_test_remount=600

# Both domains saved and gone on with: the ghosts are there, and so is what the file holds.
test_checkpoint() {
	local sum
	sum=$(user_sh 'md5sum </mnt/data/big')
	dom0_sh 'xl save -c user /tmp/user.sav; rm -f /tmp/user.sav' >&2
	assert_eq "$(user_sh 'md5sum </mnt/data/big')" "$sum" 'what is in the file'
	eventually 60 settled
	total_kept
	coupled
	kernel_clean user user.data
}
TIMEOUT_test_checkpoint=600

# The appliance dies under load: reads end with an error, and the user domain has its memory again.
test_appliance_gone() {
	user_sh 'cat /mnt/data/big >/dev/null'
	dom0 xl destroy user.data
	user_sh 'cat /mnt/data/big >/dev/null 2>&1 || :; umount -f /mnt/data || umount -l /mnt/data; python3 /tmp/hog.py 150' >&2
	kernel_clean user
}
TIMEOUT_test_appliance_gone=600
