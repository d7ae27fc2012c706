# SPDX-License-Identifier: GPL-2.0-only
# takes 6 minutes
# long: test_other_domains
# boot: --host-memory 2560 --dom0-memory 1280
# shellcheck shell=bash
# notify.sh: what an administrator's command in the appliance does to the exported file system: the user sees it, and
# inotify and fanotify in the user domain say so.  The appliance has the same file system a second time, at /mnt.
# NOTIFY_KERNEL: both domains' (6.1, 6.12, new); NOTIFY_TYPE: the user domain's.

file_setup() {
	local extra=
	# where frames can be shared they are
	[ "${NOTIFY_TYPE:-pv}" = pv ] || extra=fsva_front.shared_frames=1
	lab pair --user "${NOTIFY_TYPE:-pv}" --fsva pv --kernel "${NOTIFY_KERNEL:-6.12}" --fs ext4 --memory 192 --extra "$extra" \
		--fsva-keys timeout=900
	"$FSVA_TOP/tests/programs/put" user
	fsva_sh 'mkdir -p /mnt; mount -t ext4 /dev/xvda /mnt'
}

file_teardown() {
	lab xl destroy user
}

# there LINE: a shell's line in the appliance, in the directory that the user has at /mnt/data.
there() {
	fsva_sh "cd /mnt; $*"
}

here() {
	user_sh "cd /mnt/data; $*"
}

# watch NAME ARGUMENT...: begin to write what happens to these paths to /tmp/NAME.log.
watch() {
	local name=$1
	shift
	here "(exec /opt/fsva-tests/watch $* >/tmp/$name.log 2>&1 </dev/null &)
		for i in \$(seq 50); do grep -qs ready /tmp/$name.log && break; sleep 0.1; done; grep -q ready /tmp/$name.log"
}

unwatch() {
	user_sh 'pkill -x watch || true'
}

# What was said; of the same several times in a row, once, as inotify may do it, too.
said() {
	user_sh "tail -n +2 /tmp/$1.log | uniq"
}

said_is() {
	[ "$(said "$1")" = "$2" ]
}

# hears NAME TEXT: that, and nothing else, is said soon.
hears() {
	local end=$((SECONDS + 20))
	until said_is "$1" "$2" || [ "$SECONDS" -ge "$end" ]; do
		sleep 0.5
	done
	sleep 1
	said_is "$1" "$2" || fail "not what should be heard: $(diff <(printf '%s\n' "$2") <(said "$1"))"
}

front_info() {
	user awk -v "key=$1" '$1 == key { print $2 }' /sys/kernel/debug/fsva/front/data/info
}

# ---- What is cached ----

# Names that are there, and that are not; attributes that permissions go by.
test_names_and_attributes() {
	here 'mkdir names; cd names; echo one >kept; echo two >gone; echo three >moved; mkdir d; echo four >d/f
		chmod 644 kept; ls -lR >/dev/null; cat kept gone moved d/f >/dev/null; [ ! -e new ]; [ ! -e d/new ]
		setpriv --reuid 1000 --regid 1000 --clear-groups cat kept d/f >/dev/null'
	there 'cd names; rm gone; mv moved moved2; echo new >new; echo new >d/new; echo longer than before >kept; chmod 600 d/f
		mv d e; ln kept hard'
	sleep 1
	here 'cd names; [ ! -e gone ]; [ ! -e moved ]; [ "$(cat moved2)" = three ]; [ "$(cat new)" = new ]; [ ! -e d ]
		[ "$(cat e/new)" = new ]; [ "$(cat kept)" = "longer than before" ]; [ "$(stat -c %h kept)" = 2 ]
		! setpriv --reuid 1000 --regid 1000 --clear-groups cat e/f 2>/dev/null
		[ "$(ls | tr "\n" " ")" = "e hard kept moved2 new " ]'
	# and what it was is not asked for again and again
	here 'cd names; cat kept e/f >/dev/null'
	local before
	before=$(front_calls dentry_validate)
	here 'cd names; for i in 1 2 3 4 5; do cat kept e/f >/dev/null; done'
	assert_eq "$(front_calls dentry_validate)" "$before" 'names that were asked for again'
	there 'chmod 644 names/e/f'
	sleep 1
	here 'setpriv --reuid 1000 --regid 1000 --clear-groups cat names/e/f >/dev/null'
}

# A mapping that is there all the time: contents that change, a file that grows.
test_mapped() {
	here 'head -c 8192 /dev/zero | tr "\0" a >map
		cat >/tmp/map.py <<"END"
import mmap, sys, time, os
f = os.open("/mnt/data/map", os.O_RDWR)
m = mmap.mmap(f, 8192)
print(m[:1] + m[5000:5001], flush=True)
for want in (b"bb", b"cc"):
    end = time.time() + 20
    while m[:1] + m[5000:5001] != want and time.time() < end:
        time.sleep(0.2)
    print(m[:1] + m[5000:5001], flush=True)
end = time.time() + 20
n = mmap.mmap(f, 12288) if os.fstat(f).st_size >= 12288 else None
print(n[12000:12001] if n else "short", flush=True)
END
		(python3 /tmp/map.py >/tmp/map.out 2>&1 </dev/null &)'
	eventually 20 user_sh 'grep -q aa /tmp/map.out'
	there 'head -c 8192 /dev/zero | tr "\0" b | dd of=map conv=notrunc bs=8192 2>/dev/null'
	eventually 20 user_sh 'grep -q bb /tmp/map.out'
	there 'head -c 12288 /dev/zero | tr "\0" c | dd of=map conv=notrunc bs=12288 2>/dev/null'
	eventually 30 user_sh '[ "$(wc -l </tmp/map.out)" = 4 ]'
	assert_eq "$(user_sh 'tr "\n" " " </tmp/map.out')" "b'aa' b'bb' b'cc' b'c' " 'what the mapping shows'
}

# The appliance gets the space of what it removes, whatever the user had cached of it.
test_removed_is_gone() {
	local before
	here 'mkdir rm; cd rm; for i in $(seq 50); do echo $i >$i; done; cat * >/dev/null'
	before=$(back_value handles)
	there 'rm -r rm'
	eventually 20 eval "[ \"\$(back_value handles)\" -le $((before - 50)) ]"
	here '[ ! -e rm ]'
}

# ---- What is heard ----

test_inotify() {
	here 'mkdir in out; echo old >in/f'
	watch in in out in/f
	there 'cd in; echo one >new; sleep 0.2; chmod 600 new; mv new newer; echo more >>f; chmod 640 f; rm newer; mkdir s; chmod 700 s
		rmdir s; mv f ../out/g; ln ../out/g l; rm l; mv ../out/g g; rm g'
	hears in "in CREATE new
in MODIFY new
in CLOSE_WRITE new
in ATTRIB new
in MOVED_FROM new #1
in MOVED_TO newer #1
in MODIFY f
in/f MODIFY -
in CLOSE_WRITE f
in/f CLOSE_WRITE -
in ATTRIB f
in/f ATTRIB -
in DELETE newer
in CREATE+DIR s
in ATTRIB+DIR s
in DELETE+DIR s
in MOVED_FROM f #2
out MOVED_TO g #2
in/f MOVE_SELF -
in/f ATTRIB -
in CREATE l
in/f ATTRIB -
in DELETE l
out MOVED_FROM g #3
in MOVED_TO g #3
in/f MOVE_SELF -
in/f ATTRIB -
in/f DELETE_SELF -
in/f IGNORED -
in DELETE g"
	unwatch
	kernel_clean user user.data
}

# What is gone before the user domain can ask for it is named all the same: nothing happened to its directory.
test_gone_before_heard() {
	here 'mkdir brief'
	watch brief brief
	dom0 xl pause user
	there 'cd brief; mkdir d; chmod 700 d; rmdir d; echo one >f; chmod 600 f; rm f'
	dom0 xl unpause user
	hears brief "brief CREATE+DIR d
brief ATTRIB+DIR d
brief DELETE+DIR d
brief CREATE f
brief MODIFY f
brief CLOSE_WRITE f
brief ATTRIB f
brief DELETE f"
	unwatch
	kernel_clean user user.data
}

# Names that are exchanged, or replaced by another's; a watch on the file that is replaced.
test_rename_over() {
	here 'mkdir over; echo a >over/a; echo b >over/b; cat over/a over/b >/dev/null'
	watch over over over/b
	there 'mv over/a over/b'
	eventually 20 user_sh 'grep -q "over/b IGNORED" /tmp/over.log'
	assert_eq "$(said over | sort)" "over MOVED_FROM a #1
over MOVED_TO b #1
over/b ATTRIB -
over/b DELETE_SELF -
over/b IGNORED -" 'what is heard'
	here '[ ! -e over/a ]; [ "$(cat over/b)" = a ]'
	unwatch
}

test_fanotify() {
	here 'mkdir fan; echo old >fan/f'
	watch fan -f fan
	watch sb -F .
	there 'cd fan; echo one >new; mv new newer; echo more >>f; rm newer; mkdir s'
	local name
	for name in fan sb; do
		eventually 20 user_sh "grep -q CREATE+DIR /tmp/$name.log"
		user_sh "cat /tmp/$name.log >&2
			for w in CREATE:new MODIFY:new CLOSE_WRITE:new MOVED_FROM:new MOVED_TO:newer MODIFY:f DELETE:newer CREATE:s; do
				awk -v what=\${w%:*} -v name=\${w#*:} '\$3 == name && index(\$2, what) { n++ } END { exit !n }' /tmp/$name.log ||
					{ echo \"no \$w\"; exit 1; }
			done"
	done
	unwatch
	kernel_clean user user.data
}

# What the user does himself is heard as on any file system: once.
test_own_once() {
	local before script
	script='mkdir w; echo old >w/f; (exec /opt/fsva-tests/watch w w/f >/tmp/LOG.log 2>&1 </dev/null &)
		for i in $(seq 50); do grep -qs ready /tmp/LOG.log && break; sleep 0.1; done
		cd w; echo one >new; chmod 600 new; mv new newer; echo more >>f; chmod 640 f; touch f; truncate -s 1 f; rm newer; mkdir s; rmdir s
		ln f l; rm l; ln -s x y; cat f >/dev/null; mv f g; rm g y; sleep 1; pkill -x watch; sed 1d /tmp/LOG.log'
	before=$(back_value events_told)
	user_sh "cd /mnt/data; ${script//LOG/own}" >"${TMPDIR:-/tmp}/own.$$"
	user_sh "mkdir -p /tmp/native; cd /tmp/native; ${script//LOG/native}" >"${TMPDIR:-/tmp}/native.$$"
	diff "${TMPDIR:-/tmp}/native.$$" "${TMPDIR:-/tmp}/own.$$" || fail 'it is not heard as natively'
	[ "$(wc -l <"${TMPDIR:-/tmp}/own.$$")" -gt 20 ]
	rm -f "${TMPDIR:-/tmp}/own.$$" "${TMPDIR:-/tmp}/native.$$"
	assert_eq "$(back_value events_told)" "$before" 'events that the appliance told of'
}

# More than is kept, while the user's domain does not run: who watches hears that he has missed something, nothing
# that was cached is believed, and it goes on.
test_overflow() {
	local lost
	lost=$(back_value events_lost)
	here 'mkdir many; cd many; echo x >there; echo x >perm; cat there perm >/dev/null; [ ! -e f2000 ]
		setpriv --reuid 1000 --regid 1000 --clear-groups cat perm >/dev/null'
	watch many many
	watch manyfs -F many
	dom0 xl pause user
	there 'cd many; i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); : >f$i; done; rm there; chmod 600 perm' || { dom0 xl unpause user; fail 'the appliance'; }
	dom0 xl unpause user
	eventually 60 user_sh 'grep -q OVERFLOW /tmp/many.log && grep -q OVERFLOW /tmp/manyfs.log'
	[ "$(back_value events_lost)" -gt "$lost" ]
	assert_eq "$(user_sh 'grep -c OVERFLOW /tmp/many.log')" 1 'overflows'
	here 'cd many; [ -e f2000 ]; [ ! -e there ]
		! setpriv --reuid 1000 --regid 1000 --clear-groups cat perm 2>/dev/null'
	there 'echo on >many/after'
	eventually 20 user_sh 'grep -q "CREATE after" /tmp/many.log && grep -q "CREATE.* after" /tmp/manyfs.log'
	assert_eq "$(front_info events-lost)" 1 'losses that the front knows of'
	unwatch
	kernel_clean user user.data
}

# ---- Suspends ----

# lone DOMAIN: it is suspended and goes on where it was, without the plugin, which knows of no lone members.
lone() {
	# shellcheck disable=SC2016
	dom0_sh 'so=/usr/lib/xen/lib/xl-fsva.so; mv $so $so.off; status=0
		timeout 120 xl save -c '"$1"' /dev/null || status=$?
		mv $so.off $so; exit $status'
}

# Both go on in domains that are others.
moved() {
	dom0 xl save user /dev/shm/saved
	dom0 xl restore /dev/shm/saved
	dom0 rm /dev/shm/saved
	eventually 60 user true
	eventually 60 fsva true
}

# each_once NAME CMD...: files are made one after another while CMD runs; each is heard of once, in order.
each_once() {
	local name=$1 made
	shift
	here "mkdir $name"
	watch "$name" "$name"
	there "(i=0; while [ ! -e /tmp/stop ]; do i=\$((i + 1)); : >$name/\$i; usleep 200000; done; echo \$i >/tmp/made) >/dev/null 2>&1 </dev/null &"
	sleep 1
	"$@"
	sleep 2
	fsva_sh 'touch /tmp/stop; while [ ! -s /tmp/made ]; do sleep 1; done'
	made=$(fsva_sh 'cat /tmp/made; rm /tmp/stop /tmp/made')
	note "$made files"
	eventually 30 user_sh "grep -q 'CREATE $made\$' /tmp/$name.log"
	assert_eq "$(user_sh "grep -c CREATE /tmp/$name.log; awk '\$2 == \"CREATE\" && \$3 != ++n { print }' /tmp/$name.log")" "$made" 'files heard of'
	here "rm -r $name"
	unwatch
	kernel_clean user user.data
}

test_suspend_user() {
	each_once su lone user
}

test_suspend_appliance() {
	each_once sa lone user.data
}

test_other_domains() {
	each_once od moved
	here '[ "$(cat names/e/new)" = new ]'
}

# ---- The end ----

test_unmount() {
	here 'mkdir -p end'
	watch end end
	user umount -l /mnt/data
	unwatch
	eventually 20 user_sh '! grep -q fsva /proc/mounts'
	eventually 20 eval '[ "$(back_value mounted)" = 0 ]'
	assert_eq "$(back_value handles)" 0 handles
	# the administrator's own mount is nobody's business
	there 'echo still >end/there'
	fsva umount /mnt
	user_sh 'mount -t fsva data /mnt/data; [ "$(cat /mnt/data/end/there)" = still ]; umount /mnt/data
		echo fsva-0 >/sys/bus/xen/drivers/fsva/unbind; rmmod fsva_front'
	kernel_clean user user.data
}
