# SPDX-License-Identifier: GPL-2.0-only
# takes 10 minutes
# long
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# front.sh: the user domain's module where things go wrong: callers killed in the middle of a call, an appliance
# that does not answer, states that are none, mounts and unmounts that meet.  And open(2) by one request.

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4
}

# Whatever a test did, the appliance runs again.
unpause() {
	dom0 xl unpause user.data 2>/dev/null || true
}

# op_count NAME: how many requests of an operation the front has sent.
op_count() {
	user_sh "awk '\$1 == \"$1\" { print \$2 }' /sys/kernel/debug/fsva/front/data/stats"
}

# ---- open(2) ----

test_create_is_one_request() {
	local line
	line=$(user python3 - <<'EOF'
import os
def count():
    return {a: int(b) for a, b in (l.split() for l in open("/sys/kernel/debug/fsva/front/data/stats"))}
def cost(flags, path, mode=0o666):
    a = count()
    fd = os.open(path, flags, mode)
    b = count()
    return fd, {k: b[k] - a[k] for k in b if b[k] != a[k] and k in ("lookup", "create", "open", "setattr", "dentry_validate")}
# Not in the root, whose dentry asks to be revalidated where ext4 can encrypt.
os.makedirs("/mnt/data/cost", exist_ok=True)
os.chdir("/mnt/data/cost")
os.umask(0o027)
os.stat(".")
fd, c = cost(os.O_CREAT | os.O_EXCL | os.O_RDWR, "one")
assert c == {"create": 1}, c
assert os.fstat(fd).st_mode & 0o7777 == 0o640, oct(os.fstat(fd).st_mode)
assert os.write(fd, b"abc") == 3 and os.pread(fd, 9, 0) == b"abc"
os.close(fd)
fd, c = cost(os.O_CREAT | os.O_WRONLY | os.O_TRUNC, "two")
assert c == {"create": 1}, c
os.close(fd)
# a name that is known not to be there
os.path.exists("three")
fd, c = cost(os.O_CREAT | os.O_RDWR | os.O_APPEND, "three", 0o000)
assert c == {"create": 1}, c
assert os.write(fd, b"x") == 1 and os.write(fd, b"y") == 1 and os.pread(fd, 9, 0) == b"xy"
os.close(fd)
# what is there is opened as ever
fd, c = cost(os.O_CREAT | os.O_WRONLY | os.O_TRUNC, "one")
assert c == {"open": 1, "setattr": 1} and os.fstat(fd).st_size == 0, c
os.close(fd)
for n in ("one", "two", "three"):
    os.unlink(n)
os.rmdir("/mnt/data/cost")
print("ok")
EOF
)
	assert_eq "$line" ok
	kernel_clean user user.data
}

test_open_means_what_it_did() {
	user python3 - <<'EOF'
import errno, os, stat
os.chdir("/mnt/data")
os.makedirs("o", exist_ok=True)
os.chdir("o")
def fails(want, *args):
    try:
        os.close(os.open(*args))
    except OSError as e:
        assert e.errno == want, (args, e)
        return
    raise AssertionError(args)
open("f", "w").write("content")
os.symlink("f", "l"); os.symlink("none", "dangling"); os.symlink("loop", "loop"); os.mkdir("d")
fails(errno.EEXIST, "f", os.O_CREAT | os.O_EXCL)
fails(errno.EEXIST, "l", os.O_CREAT | os.O_EXCL)
fails(errno.EEXIST, "dangling", os.O_CREAT | os.O_EXCL)
fails(errno.EEXIST, "d", os.O_CREAT | os.O_EXCL)
fails(errno.EISDIR, "d", os.O_CREAT | os.O_WRONLY)
fails(errno.ELOOP, "l", os.O_NOFOLLOW)
fails(errno.ELOOP, "l", os.O_CREAT | os.O_NOFOLLOW)
fails(errno.ELOOP, "loop", os.O_CREAT)
fails(errno.ENOTDIR, "f", os.O_DIRECTORY)
fails(errno.EINVAL, "newdir", os.O_CREAT | os.O_DIRECTORY)
fails(errno.ENOENT, "nowhere", os.O_RDONLY)
fails(errno.ENOENT, "nowhere", os.O_EXCL)
fails(errno.ENAMETOOLONG, "n" * 256, os.O_CREAT)
fails(errno.ENOENT, "nodir/f", os.O_CREAT)
fails(errno.ENOTDIR, "f/f", os.O_CREAT)
assert not os.path.exists("newdir")
fd = os.open("dangling", os.O_CREAT | os.O_WRONLY); os.write(fd, b"x"); os.close(fd)
assert os.stat("none").st_size == 1
assert open("l").read() == "content"
fd = os.open("l", os.O_CREAT | os.O_TRUNC | os.O_RDWR); assert os.fstat(fd).st_size == 0; os.close(fd)
fd = os.open("direct", os.O_CREAT | os.O_RDWR | os.O_DIRECT); os.close(fd)
# not for everybody
os.chmod(".", 0o755); open("secret", "w").write("s"); os.chmod("secret", 0o600)
os.mkdir("all", 0o777); os.chmod("all", 0o1777)
if os.fork() == 0:
    try:
        os.setgroups([]); os.setgid(1001); os.setuid(1001)
        fails(errno.EACCES, "new", os.O_CREAT | os.O_WRONLY)
        fails(errno.EACCES, "new2", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        fails(errno.EACCES, "secret", os.O_CREAT | os.O_RDWR)
        fails(errno.EACCES, "secret", os.O_RDONLY)
        os.umask(0)
        fd = os.open("all/mine", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o400)
        assert os.write(fd, b"z") == 1
        st = os.fstat(fd)
        assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (1001, 1001, 0o400), st
        fails(errno.EACCES, "all/mine", os.O_CREAT | os.O_WRONLY)
    except BaseException as e:
        print(e, flush=True)
        os._exit(1)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
# many make the same file: one wins
pids = []
for i in range(8):
    p = os.fork()
    if p == 0:
        won = 0
        for n in range(40):
            try:
                os.close(os.open("race%d" % n, os.O_CREAT | os.O_EXCL | os.O_WRONLY)); won += 1
            except FileExistsError:
                pass
        os._exit(won)
    pids.append(p)
assert sum(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids) == 40
os.chdir("/mnt/data")
import shutil; shutil.rmtree("o")
EOF
	kernel_clean user user.data
}

# ---- Killed in the middle ----

# gone PIDFILE SECONDS: the processes listed there end within the time.
gone() {
	user_sh "for i in \$(seq $(($2 * 5))); do
		left=; for p in \$(cat $1); do [ ! -e /proc/\$p ] || left=\"\$left \$p\"; done
		[ -n \"\$left\" ] || exit 0; sleep 0.2
	done; for p in \$left; do cat /proc/\$p/comm /proc/\$p/status /proc/\$p/stack; done; exit 1"
}

TIMEOUT_test_killed_in_name_operations=300
test_killed_in_name_operations() {
	trap unpause EXIT
	user_sh 'rm -rf /mnt/data/k; mkdir /mnt/data/k; cd /mnt/data/k; mkdir rd; echo 1 >u; echo 2 >from; echo 3 >over; echo 4 >mode; echo 5 >old; chmod 666 mode
		dd if=/dev/zero of=big bs=1M count=20 status=none; sync
		ls -l . md new to link sym >/dev/null 2>&1 || :; stat -c %a mode'
	dom0 xl pause user.data
	# A shell that changes its directory asks for attributes, and would wait.
	user_sh ': >/tmp/pids
		python3 - <<"EOF" >/dev/null 2>&1 &
import os
os.chdir("/mnt/data/k")
ops = [lambda: os.mkdir("md"), lambda: os.close(os.open("new", os.O_CREAT | os.O_EXCL)), lambda: os.rename("from", "to"),
       lambda: os.unlink("u"), lambda: os.rmdir("rd"), lambda: os.link("old", "link"), lambda: os.symlink("x", "sym"),
       lambda: os.chmod("mode", 0o600), lambda: os.rename("old", "over"), lambda: os.unlink("big")]
# one directory each would need no lock; here all but the first wait for it
for op in ops:
    p = os.fork()
    if p == 0:
        try: op()
        except OSError: pass
        os._exit(0)
    open("/tmp/pids", "a").write("%d\n" % p)
for op in ops:
    os.wait()
EOF
		sleep 3; [ "$(wc -l </tmp/pids)" = 10 ]
		first=$(head -n 1 /tmp/pids)
		# one after the other: each takes the lock, sends its request, and is killed
		for p in $(cat /tmp/pids); do kill -9 $p; sleep 0.3; done'
	gone /tmp/pids 20
	unpause
	sleep 3
	# Some were killed before they could ask, behind the lock.  What the appliance has is what must be seen.
	assert_same_tree k
	user_sh 'cd /mnt/data; rm -rf k; [ ! -e k ]; mkdir k; [ -z "$(ls k)" ]; rmdir k'
	eventually 20 few_handles
	kernel_clean user user.data
}

# assert_same_tree DIR: names, types, modes and sizes of /mnt/data/DIR are those of the appliance's own, by names
# that the user's cache has held for long and by a fresh mount.
assert_same_tree() {
	local cached fresh
	cached=$(user_sh "cd /mnt/data/$1; for n in md new from to u rd old link sym mode over big; do stat -c '%n %F %a %s %h' \$n 2>&1 || :; done")
	user_sh 'cd /; umount /mnt/data; mount -t fsva data /mnt/data'
	fresh=$(user_sh "cd /mnt/data/$1; for n in md new from to u rd old link sym mode over big; do stat -c '%n %F %a %s %h' \$n 2>&1 || :; done")
	assert_eq "$cached" "$fresh" 'what a killed caller left'
	note "$fresh"
}

few_handles() {
	user_sh 'echo 2 >/proc/sys/vm/drop_caches'
	[ "$(back_value handles)" -le 4 ]
}

# Each operation by itself, in a directory of its own, so that each request is sent.
TIMEOUT_test_killed_one_by_one=400
test_killed_one_by_one() {
	trap unpause EXIT
	user_sh 'rm -rf /mnt/data/s; mkdir /mnt/data/s; cd /mnt/data/s; for i in 0 1 2 3 4 5 6 7 8; do mkdir $i; echo x >$i/a; done; chmod 666 7/a; mkdir 4/d; echo y >8/b; dd if=/dev/zero of=3/a bs=1M count=20 status=none; sync
		for i in 0 1 2 3 4 5 6 7 8; do stat $i $i/a $i/b $i/c $i/d >/dev/null 2>&1 || :; done'
	dom0 xl pause user.data
	user_sh 'python3 - <<"EOF"
import os, signal, time
os.chdir("/mnt/data/s")
ops = [lambda: os.mkdir("0/d"), lambda: os.close(os.open("1/c", os.O_CREAT | os.O_WRONLY)), lambda: os.rename("2/a", "2/c"),
       lambda: os.unlink("3/a"), lambda: os.rmdir("4/d"), lambda: os.link("5/a", "5/c"), lambda: os.symlink("x", "6/c"),
       lambda: os.chmod("7/a", 0o600), lambda: os.rename("8/a", "8/b")]
pids = []
for op in ops:
    p = os.fork()
    if p == 0:
        try: op()
        except OSError: pass
        os._exit(0)
    pids.append(p)
time.sleep(3)
for p in pids:
    os.kill(p, signal.SIGKILL)
start = time.time()
for p in pids:
    os.waitpid(p, 0)
assert time.time() - start < 15, time.time() - start
EOF'
	unpause
	sleep 3
	user_sh 'cd /mnt/data/s; [ -d 0/d ]; [ -f 1/c ]; [ ! -e 2/a ]; [ "$(cat 2/c)" = x ]; [ ! -e 3/a ]; [ ! -e 4/d ]
		[ "$(stat -c %h 5/a)" = 2 ]; [ 5/a -ef 5/c ]; [ "$(readlink 6/c)" = x ]; [ ! -e 8/a ]; [ "$(cat 8/b)" = x ]
		setpriv --reuid 1001 --regid 1001 --clear-groups cat 7/a 2>/dev/null && { echo "the old mode still counts"; exit 1; }
		[ "$(stat -c %a 7/a)" = 600 ]
		echo z >1/c; mkdir 0/d/e; ln 5/c 5/e; mv 2/c 2/a; rm -r /mnt/data/s; [ ! -e /mnt/data/s ]'
	eventually 20 few_handles
	kernel_clean user user.data
}

# A process that is killed while the appliance says nothing exits, with all the files that it has open.
TIMEOUT_test_exit_with_open_files=200
test_exit_with_open_files() {
	trap unpause EXIT
	user_sh 'cd /mnt/data; cat >/tmp/opener <<"EOF"
import os, time
fds = [os.open("/mnt/data/exit%d" % i, os.O_CREAT | os.O_RDWR) for i in range(60)]
for i in range(0, 60, 2):
    os.unlink("/mnt/data/exit%d" % i)
open("/tmp/opened", "w").write("x")
time.sleep(1000)
EOF
		rm -f /tmp/opened; python3 /tmp/opener >/dev/null 2>&1 & echo $! >/tmp/pids
		while [ ! -e /tmp/opened ]; do sleep 0.2; done'
	dom0 xl pause user.data
	user_sh 'kill -9 $(cat /tmp/pids)'
	gone /tmp/pids 15
	unpause
	user_sh 'sleep 1; rm /mnt/data/exit*'
	eventually 20 few_handles
	kernel_clean user user.data
}

# ---- umount ----

# More tasks wait than there are slots; umount -f sends all of them home, and then unmounts.
TIMEOUT_test_umount_forced=300
test_umount_forced() {
	trap unpause EXIT
	user_sh 'cd /mnt/data; for i in $(seq 150); do echo $i >f$i; done'
	dom0 xl pause user.data
	user_sh 'rm -f /tmp/pids; for i in $(seq 150); do stat /mnt/data/f$i >/dev/null 2>&1 & echo $! >>/tmp/pids; done; sleep 4
		umount -f /mnt/data >/dev/null 2>&1 || :'
	gone /tmp/pids 10
	user_sh 'timeout 20 umount -f /mnt/data 2>/dev/null || timeout 20 umount -f /mnt/data || ! grep -q "/mnt/data fsva" /proc/mounts'
	# the mount that follows waits for the appliance, and can be killed
	user_sh 'mount -t fsva data /mnt/data >/dev/null 2>&1 & p=$!; sleep 2; kill -9 $p; start=$(date +%s); wait $p || :
		[ $(($(date +%s) - start)) -le 3 ]'
	unpause
	user_sh 'for i in $(seq 20); do mount -t fsva data /mnt/data 2>/dev/null && break; sleep 1; done
		for i in $(seq 150); do [ "$(cat /mnt/data/f$i)" = $i ]; done; rm /mnt/data/f*'
	eventually 20 few_handles
	kernel_clean user user.data
}

# Mounts that are killed, and mounts and unmounts of the same tag that overlap.
TIMEOUT_test_mounts_meet=300
test_mounts_meet() {
	user_sh 'mkdir -p /mnt/a /mnt/b; umount /mnt/data
		for d in a b; do
			(for i in $(seq 30); do mount -t fsva data /mnt/$d && { ls /mnt/$d >/dev/null || exit 1; umount /mnt/$d; }; done) >/tmp/log.$d 2>&1 &
		done
		for i in $(seq 40); do mount -t fsva data /mnt/data >/dev/null 2>&1 & p=$!; sleep 0.0$((i % 10)); kill -9 $p 2>/dev/null || :; umount /mnt/data 2>/dev/null || :; done
		wait; cat /tmp/log.*; while umount /mnt/data 2>/dev/null || umount /mnt/a 2>/dev/null || umount /mnt/b 2>/dev/null; do :; done
		for i in $(seq 20); do mount -t fsva data /mnt/data && break; sleep 1; done
		echo x >/mnt/data/meet; [ "$(cat /mnt/data/meet)" = x ]; rm /mnt/data/meet'
	assert_eq "$(dom0_sh 'xenstore-read /local/domain/$(xl domid user)/device/fsva/0/mounted')" 1 'mounted in xenstore'
	user_sh 'umount /mnt/data'
	sleep 1
	assert_eq "$(dom0_sh 'xenstore-read /local/domain/$(xl domid user)/device/fsva/0/mounted')" 0 'mounted in xenstore'
	user mount -t fsva data /mnt/data
	kernel_clean user user.data
}

# ---- The module and its device ----

TIMEOUT_test_reload=300
test_reload() {
	user_sh 'echo kept >/mnt/data/kept; umount /mnt/data
		for i in 1 2 3 4 5; do
			rmmod fsva_front; modprobe fsva_front
			for j in $(seq 20); do mount -t fsva data /mnt/data 2>/dev/null && break; sleep 0.5; done
			[ "$(cat /mnt/data/kept)" = kept ]; umount /mnt/data
		done; lsmod | grep fsva'
	kernel_clean user user.data
	# and with an appliance that says nothing
	trap unpause EXIT
	dom0 xl pause user.data
	user_sh 'start=$(date +%s); timeout 30 rmmod fsva_front; [ $(($(date +%s) - start)) -le 20 ]; modprobe fsva_front'
	unpause
	user_sh 'for j in $(seq 30); do mount -t fsva data /mnt/data 2>/dev/null && break; sleep 1; done; [ "$(cat /mnt/data/kept)" = kept ]; rm /mnt/data/kept'
	kernel_clean user user.data
}

# A back whose state is no state is gone; the next mount connects anew.
TIMEOUT_test_strange_states=300
test_strange_states() {
	local state path
	path=$(dom0_sh 'echo /local/domain/$(xl domid user.data)/backend/fsva/$(xl domid user)/0')
	for state in 99 -1 garbage 7 ''; do
		dom0 xenstore-write -- "$path/state" "$state"
		eventually 10 user_sh '! ls /mnt/data >/dev/null 2>&1'
		user_sh 'timeout 20 umount /mnt/data'
		# The other end does not write over what is no number.
		case $state in *[0-9]*) ;; *) dom0 xenstore-write "$path/state" 6 ;; esac
		user_sh 'for i in $(seq 20); do mount -t fsva data /mnt/data 2>/tmp/why && break; sleep 1; done
			grep -q " /mnt/data fsva" /proc/mounts || { cat /tmp/why; cat /sys/kernel/debug/fsva/front/data/info; exit 1; }
			echo x >/mnt/data/x; rm /mnt/data/x'
		note "state '$state': gone, and back"
	done
	kernel_clean user user.data
}

# ---- Suspend ----

# freeze: what suspend does to tasks first, and back.  Says how long it took when it fails.
freeze() {
	user_sh 'echo freezer >/sys/power/pm_test; s=freeze; grep -qw freeze /sys/power/state || s=mem
		if ! echo $s >/sys/power/state; then dmesg | tail -n 40; exit 1; fi
		dmesg | grep -i freez | tail -n 4'
}

# Tasks that wait for each other's directory lock, and for the appliance, are frozen without any failing.
TIMEOUT_test_freeze_under_load=600
test_freeze_under_load() {
	user_sh '[ -w /sys/power/pm_test ]' || skip 'this kernel has no /sys/power/pm_test'
	user_sh 'rm -rf /mnt/data/z; mkdir /mnt/data/z; cd /mnt/data/z; rm -f /tmp/stop
		for i in $(seq 12); do
			(while [ ! -e /tmp/stop ]; do mkdir $i && echo x >$i/f && mv $i/f f$i && rm f$i && rmdir $i || { touch /tmp/failed; break; }; done) >/dev/null 2>&1 &
		done; rm -f /tmp/failed; sleep 3'
	freeze
	freeze
	user touch /tmp/stop
	eventually 60 user rmdir /mnt/data/z	# when the last of them has ended its turn
	user_sh '[ ! -e /tmp/failed ]'
	# one that says nothing stops nobody from being frozen
	trap unpause EXIT
	user_sh 'cd /mnt/data; for i in 1 2 3; do echo $i >z$i; done'
	# (that the kernel synchronises all file systems first is another matter)
	user_sh 'echo 0 >/sys/power/sync_on_suspend'
	dom0 xl pause user.data
	user_sh 'for i in 1 2 3; do (stat -c %s /mnt/data/z$i >/tmp/z$i 2>&1) >/dev/null 2>&1 & done; sleep 1'
	freeze
	unpause
	user_sh 'sleep 2; for i in 1 2 3; do [ "$(cat /tmp/z$i)" = 2 ]; done; rm /mnt/data/z?'
	kernel_clean user user.data
}

# ---- User namespaces ----

test_user_namespaces() {
	refuses 'ermission|not permitted' user unshare -Ur --mount mount -t fsva data /mnt
	user python3 - <<'EOF'
import errno, os
os.chdir("/mnt/data")
# Another's directory: its owner may remove what he likes.
os.mkdir("ns"); os.chown("ns", 100001, 100001); os.chmod("ns", 0o1777)
def put(path, uid, gid):
    open(path, "w").close(); os.chown(path, uid, gid)
put("ns/his", 100005, 100005); put("ns/sticky", 100005, 100005); put("ns/foreign", 5, 5)
r, w = os.pipe(); r2, w2 = os.pipe()
p = os.fork()
if p == 0:
    try:
        os.unshare(os.CLONE_NEWUSER)
        os.write(w, b"x"); os.read(r2, 1)
        os.setgid(0); os.setuid(0)
        os.chown("ns/his", 7, 7)                    # 100007
        os.chmod("ns/his", 0o640)
        os.unlink("ns/sticky")
        for what in (lambda: os.chown("ns/foreign", 7, 7), lambda: os.chmod("ns/foreign", 0o777), lambda: os.unlink("ns/foreign"),
                     lambda: os.mknod("ns/dev", 0o020600, os.makedev(1, 3))):
            try:
                what()
            except OSError as e:
                assert e.errno in (errno.EPERM, errno.EACCES), e
            else:
                raise AssertionError("a foreign inode")
    except BaseException as e:
        print(repr(e), flush=True)
        os._exit(1)
    os._exit(0)
os.read(r, 1)
open("/proc/%d/uid_map" % p, "w").write("0 100000 1000")
open("/proc/%d/gid_map" % p, "w").write("0 100000 1000")
os.write(w2, b"x")
assert os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) == 0
st = os.stat("ns/his"); assert (st.st_uid, st.st_gid, st.st_mode & 0o7777) == (100007, 100007, 0o640), st
st = os.stat("ns/foreign"); assert (st.st_uid, st.st_gid) == (5, 5)
assert not os.path.exists("ns/sticky")
os.unlink("ns/his"); os.unlink("ns/foreign"); os.rmdir("ns")
EOF
	kernel_clean user user.data
}
