# SPDX-License-Identifier: GPL-2.0-only
# long
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# nfs-locks.sh: a file system that has a say in locks: NFS in the appliance, whose server is the user domain itself, so
# that a process there is somebody else who locks.

# shellcheck source=tests/system/nfs-server.bash
. "$FSVA_TOP/tests/system/nfs-server.bash"

file_setup() {
	local client server
	lab pair --user pv --fsva pv --kernel 6.12 --fs nfs --no-mount --fsva-keys 'dev=srv:/' --memory 512 --fsva-memory 192
	"$FSVA_TOP/tests/programs/put" user
	server=$(user_sh "ip -4 -o addr show scope global | awk '{ sub(\"/.*\", \"\", \$4); print \$4; exit }'")
	client=$(fsva_sh "ip -4 -o addr show scope global 2>/dev/null || ip addr" | sed -n 's,.*inet \(10[0-9.]*\)/.*,\1,p' | head -n 1)
	note "server $server, client $client"
	user_sh 'mkdir -p /srv/nfs /mnt/data; mount -t tmpfs tmpfs /srv/nfs; chmod 777 /srv/nfs'
	serve /srv/nfs "$client"
	user_sh "timeout 120 mount -t fsva -o vers=4.2,addr=$server data /mnt/data"
}

TIMEOUT_test_posix_and_ofd=400
test_posix_and_ofd() {
	local t
	for t in posix_conflict posix_ranges posix_wait posix_counter ofd; do
		user timeout 120 /opt/fsva-tests/lockx --only "$t" /mnt/data/x
	done
	[ "$(front_calls lock)" -gt 50 ]
	[ "$(front_calls lock_test)" -gt 0 ]
	[ "$(front_calls interrupt)" -gt 0 ]
	kernel_clean user user.data
}

# Somebody else's lock, on the server, is in the way: one who asks is told, one who waits waits.
test_locks_of_others() {
	user_sh 'cat >/tmp/others.py <<"END"
import fcntl, os, signal, struct, sys, time
there, here = os.open("/srv/nfs/f", os.O_RDWR | os.O_CREAT, 0o666), os.open("/mnt/data/f", os.O_RDWR)
def lock(fd, cmd, kind, start, length):
    return struct.unpack("hhqqi4x", fcntl.fcntl(fd, cmd, struct.pack("hhqqi4x", kind, 0, start, length, 0)))
pid = os.fork()
if not pid:
    lock(there, fcntl.F_SETLK, fcntl.F_WRLCK, 100, 50)
    time.sleep(6)
    os._exit(0)
time.sleep(1)
try:
    lock(here, fcntl.F_SETLK, fcntl.F_RDLCK, 120, 1)
    sys.exit("locked what another has")
except OSError as e:
    assert e.errno in (11, 13), e
who = lock(here, fcntl.F_GETLK, fcntl.F_WRLCK, 0, 0)
assert who[0] == fcntl.F_WRLCK and who[2:4] == (100, 50), who
lock(here, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 100)
start = time.time()
lock(here, fcntl.F_SETLKW, fcntl.F_WRLCK, 100, 50)
assert time.time() - start > 2, "did not wait"
os.waitpid(pid, 0)
# now we are in the way there, until the descriptor is closed
pid = os.fork()
if not pid:
    try:
        lock(there, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 10)
        os._exit(1)
    except OSError:
        os._exit(0)
assert os.waitpid(pid, 0)[1] == 0, "our lock does not reach the server"
os.close(here)
lock(there, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 0)
END
		timeout 100 python3 /tmp/others.py; rm /mnt/data/f'
	kernel_clean user user.data
}

test_flock() {
	user_sh 'cd /mnt/data; : >k; flock k sleep 3 & sleep 1; flock -n k true && exit 1; flock -w 60 k true; wait
		flock k sleep 1000 & p=$!; sleep 1; kill -9 $p; pkill -9 -x sleep; wait $p || true; flock -w 60 k true; rm k'
	[ "$(front_calls flock)" -gt 5 ]
	kernel_clean user user.data
}

# The appliance is killed while somebody waits: he goes on with an error.
test_appliance_lost() {
	user_sh 'cd /mnt/data; : >k; (flock k sleep 60 & echo $! >/tmp/holder; wait) & sleep 1; (if flock k true; then echo 0; else echo $?; fi >/tmp/waited) & sleep 2'
	lab xl destroy user.data
	eventually 60 user test -s /tmp/waited
	[ "$(user cat /tmp/waited)" != 0 ]
	user_sh 'pkill sleep || true; pkill flock || true; cd /; sleep 1; umount /mnt/data'
	kernel_clean user
}
