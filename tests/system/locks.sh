# SPDX-License-Identifier: GPL-2.0-only
# takes 4 minutes
# long: test_stressors
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# locks.sh: locks, leases, unnamed files, copies, freezing, flags of reads and writes, access times: on an ext4 of
# the user domain's own, then through a pair, by the same program; and the stressors of stress-ng that are about them.

STRESSORS='flock locka lockf lockmix lockofd lease handle copy-file io-uring aio fcntl dup sync-file'

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4 --memory 512 --fsva-memory 192
	"$FSVA_TOP/tests/programs/put" user
	dom0 xl block-attach user phy:/dev/vdd,xvdb,w
	eventually 20 user test -b /dev/xvdb
	user_sh 'mke2fs -q -F -t ext4 /dev/xvdb 280M; mkdir -p /mnt/native; mount /dev/xvdb /mnt/native'
}

TIMEOUT_test_native=300
test_native() {
	user /opt/fsva-tests/lockx --freeze /mnt/native/lockx
}

TIMEOUT_test_pair=300
test_pair() {
	user /opt/fsva-tests/lockx --freeze /mnt/data/lockx
	kernel_clean user user.data
	assert_eq "$(back_value open_files)" 0 'open files'
}

# ext4 leaves locks to the VFS, so the user's own keeps them; what it does itself goes there.
test_what_crosses() {
	assert_eq "$(front_calls lock)" 0 'locks sent'
	assert_eq "$(front_calls flock)" 0 'flocks sent'
	[ "$(front_calls tmpfile)" -gt 0 ]
	[ "$(front_calls copy_range)" -gt 0 ]
	[ "$(front_calls fadvise)" -gt 0 ]
	[ "$(front_calls freeze)" -gt 0 ]
	assert_eq "$(front_calls thaw)" "$(front_calls freeze)" thaws
}

# A copy within the mount is made in the appliance: 32 MiB are copied, and next to nothing is read or written here.
test_copy_in_the_appliance() {
	user_sh 'cd /mnt/data; dd if=/dev/urandom of=a bs=1M count=32 status=none; grep -E "^(read|write) " /sys/kernel/debug/fsva/front/data/stats >/tmp/before
		python3 -c "
import os
a, b, n = os.open(\"a\", os.O_RDONLY), os.open(\"b\", os.O_RDWR | os.O_CREAT, 0o600), 32 << 20
while n:
    n -= os.copy_file_range(a, b, n)
"
		grep -E "^(read|write) " /sys/kernel/debug/fsva/front/data/stats >/tmp/after; cmp /tmp/before /tmp/after; cmp a b; rm a b'
	kernel_clean user user.data
}

# times DIR OPTIONS...: what the modes of access times do, one line each.
# shellcheck disable=SC2016 # for the user domain
TIMES='
dir=$1
now() { stat -c %X "$1"; }
old() { touch -a -d "2001-01-01 UTC" "$@"; }
cd "$dir"; mkdir at; echo x >at/f; ln -s f at/l
old at/f; touch -m -d "2020-01-01 UTC" at/f; cat at/f >/dev/null; [ "$(now at/f)" -gt 1500000000 ] && echo "older: yes" || echo "older: no"
touch -m -d "2000-01-01 UTC" at/f; touch -a -d "-1 hour" at/f; t=$(now at/f); cat at/f >/dev/null; [ "$(now at/f)" = "$t" ] && echo "newer: no" || echo "newer: yes"
old at; ls at >/dev/null; [ "$(now at)" -gt 1500000000 ] && echo "directory: yes" || echo "directory: no"
old at/f; python3 -c "import os; os.read(os.open(\"at/f\", os.O_RDONLY | os.O_NOATIME), 9)"; [ "$(now at/f)" -gt 1500000000 ] && echo "O_NOATIME: yes" || echo "O_NOATIME: no"
sync; rm -r at; cd /'

times() {
	user bash -euc "$TIMES" times "$1"
}

test_access_times() {
	local o native pair
	for o in relatime noatime strictatime nodiratime strictatime,lazytime; do
		user_sh "umount /mnt/native; mount -o $o /dev/xvdb /mnt/native; umount /mnt/data; mount -t fsva -o $o data /mnt/data"
		native=$(times /mnt/native)
		pair=$(times /mnt/data)
		note "$o: $(printf '%s' "$native" | tr '\n' ' ')"
		assert_eq "$pair" "$native" "$o"
	done
	user_sh 'umount /mnt/data; mount -t fsva data /mnt/data'
	kernel_clean user user.data
}

# An access time that is only in memory, and one that was synced, are there after another mount.
test_access_times_kept() {
	user_sh 'umount /mnt/data; mount -t fsva -o strictatime,lazytime data /mnt/data; cd /mnt/data; echo x >f
		touch -a -d "2001-01-01 UTC" f; cat f >/dev/null; t=$(stat -c %X f); [ "$t" -gt 1500000000 ]; cd /; umount /mnt/data
		mount -t fsva data /mnt/data; [ "$(stat -c %X /mnt/data/f)" = "$t" ]; rm /mnt/data/f'
}

# run DIR LIST: the stressors, "NAME pass|fail|skip|time" each
# shellcheck disable=SC2016 # for the user domain
RUN='
dir=$1
for s in $2; do
	mkdir -p "$dir/stress"; cd "$dir"; status=0
	timeout -k 10 60 stress-ng --temp-path "$dir/stress" --"$s" 1 --timeout 3s --verify >"/tmp/locks.$s.log" 2>&1 </dev/null || status=$?
	case $status in
	0) if grep -q "skipped: [1-9]" "/tmp/locks.$s.log"; then r=skip; else r=pass; fi ;;
	124 | 137) r=time ;;
	3 | 4) r=skip ;;
	*) r=fail ;;
	esac
	cd /; rm -rf "$dir/stress"; echo "$s $r"
done'

TIMEOUT_test_stressors=600
test_stressors() {
	local native pair bad s
	native=$(user bash -c "$RUN" run /mnt/native "$STRESSORS" | sed -n 's/ pass$//p' | tr '\n' ' ')
	note "pass on plain ext4: $native"
	[ "$(printf '%s\n' "$native" | wc -w)" -ge 9 ]
	pair=$(user bash -c "$RUN" run /mnt/data "$native")
	printf '%s\n' "$pair"
	bad=$(printf '%s\n' "$pair" | sed -n '/ pass$/!p')
	for s in $(printf '%s\n' "$bad" | cut -d' ' -f1); do
		user tail -n 5 "/tmp/locks.$s.log"
	done
	assert_eq "$bad" '' 'stressors that pass on plain ext4'
	kernel_clean user user.data
	assert_eq "$(back_value open_files)" 0 'open files'
}

# Killing who waits or holds leaves nothing behind.
test_killed_owners() {
	user_sh 'cd /mnt/data; : >k; for i in 1 2 3; do flock k sleep 1000 & p=$!; sleep 0.3; flock -n k true && exit 1
		kill -9 $p; pkill -9 -x sleep; wait $p || true; flock -w 5 k true; done; rm k'
	kernel_clean user user.data
}
