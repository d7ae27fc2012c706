# SPDX-License-Identifier: GPL-2.0-only
# long
# takes 12 minutes
# shellcheck shell=bash disable=SC2016,SC2034 # for the user domain's shell; TIMEOUT_* are for the runner
# programs.sh: what people run on a file system: git, SQLite in WAL mode from several processes, overlayfs with the
# mount below and above, dpkg, and the loads and verifiers that Debian has; on an ext4 pair and, at the end, on bcachefs.

file_setup() {
	lab pair --user pv --fsva pv --kernel 6.12 --fs ext4 --memory 512 --fsva-memory 192
}

# A repository of some size: committed, cloned, packed, checked, and what is checked out is what went in.
GIT='cd $1; mkdir g; cd g; export HOME=/tmp GIT_CONFIG_NOSYSTEM=1; git config --global user.email a@b
	git config --global user.name n; git config --global gc.auto 0; git init -q r; cd r; cp -r /usr/include/linux /usr/include/asm-generic .
	git add .; git commit -q -m one; for i in $(seq 12); do echo "/* $i */" >>linux/fs.h; git mv asm-generic/errno.h asm-generic/e$i.h
		git commit -q -a -m $i; git mv asm-generic/e$i.h asm-generic/errno.h; git commit -q -a -m back$i; done
	git fsck --no-progress --full; git gc -q; git fsck --no-progress --full; cd ..; git clone -q r local
	git clone -q --no-local r copy; diff -r -x .git r copy; diff -r -x .git r local; cd copy; git checkout -q HEAD~10
	git status --porcelain | grep . && exit 1; [ "$(git rev-list --count --all)" = 25 ]; cd ../r; git repack -q -a -d -f --depth=10
	git fsck --no-progress --full; git worktree add -q ../tree HEAD~3; diff -r -x .git linux/fs.h ../tree/linux/fs.h >/dev/null && exit 1
	cd /; rm -rf $1/g'

# Money goes from one account to another in four processes, one of which is killed again and again; readers look on.
SQLITE='cd $1; python3 - <<"END"
import os, random, signal, sqlite3, time

def connect():
    c = sqlite3.connect("bank.db", timeout=60, isolation_level=None)
    assert c.execute("pragma journal_mode=wal").fetchone()[0] == "wal"
    c.execute("pragma wal_autocheckpoint=40")
    return c

c = connect()
c.execute("create table account (id integer primary key, sum integer, note text)")
c.executemany("insert into account values (?, 1000, ?)", [(i, "x" * i) for i in range(100)])
c.close()

def writer(seed, n):
    r = random.Random(seed)
    c = connect()
    for i in range(n):
        a, b, s = r.randrange(100), r.randrange(100), r.randrange(50)
        c.execute("begin immediate")
        c.execute("update account set sum = sum - ?, note = ? where id = ?", (s, "y" * r.randrange(300), a))
        c.execute("update account set sum = sum + ? where id = ?", (s, b))
        c.execute("commit" if i % 10 else "rollback")
    os._exit(0)

def reader(n):
    c = connect()
    for i in range(n):
        assert c.execute("select sum(sum), count(*) from account").fetchone() == (100000, 100), "torn"
    os._exit(0)

def start(f, *a):
    pid = os.fork()
    if not pid:
        try:
            f(*a)
        finally:
            os._exit(1)
    return pid

pids = [start(writer, s, 150) for s in (1, 2, 3)] + [start(reader, 300), start(reader, 300)]
for i in range(4):
    victim = start(writer, 10 + i, 10000)
    time.sleep(1)
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
for p in pids:
    assert os.waitpid(p, 0)[1] == 0, "a process failed"
c = connect()
assert c.execute("pragma integrity_check").fetchone()[0] == "ok"
assert c.execute("select sum(sum), count(*) from account").fetchone() == (100000, 100)
assert c.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
c.close()
assert sorted(os.listdir(".")).count("bank.db") == 1
os.remove("bank.db")
END'

# Copied up, whited out, renamed, merged; and what is below stays as it was.
OVERLAY='cd $1; modprobe overlay; mkdir o; cd o; mkdir lower upper work merged; mkdir -p lower/d/sub lower/gone; echo below >lower/f; echo deep >lower/d/sub/f
	ln lower/f lower/link; ln -s f lower/sym; setfattr -n user.x -v kept lower/f; echo x >lower/gone/a; chmod 4755 lower/d/sub/f
	(cd lower; find . | sort | xargs stat -c "%n %f %s %u %Y") >/tmp/lower.before
	mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=on ov merged; cd merged
	echo more >>f; [ "$(cat f | tr "\n" " ")" = "below more " ]; [ "$(getfattr --only-values -n user.x f)" = kept ]
	rm -r gone; [ ! -e gone ]; mkdir gone; [ -z "$(ls -A gone)" ]; mv d e; [ "$(cat e/sub/f)" = deep ]; [ "$(stat -c %a e/sub/f)" = 4755 ]
	echo new >e/sub/new; ln f f2; [ "$(stat -c %h f)" -ge 2 ]; cp -a /usr/include/asm-generic t; diff -r /usr/include/asm-generic t; rm -r t/[a-m]*
	[ "$(readlink sym)" = f ]; find . | sort >/tmp/merged; cd ..; umount merged
	(cd lower; find . | sort | xargs stat -c "%n %f %s %u %Y") | cmp - /tmp/lower.before
	[ "$(stat -c %F upper/d)" = "character special file" ]
	mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=on ov merged; (cd merged; find . | sort) | cmp - /tmp/merged
	[ "$(cat merged/e/sub/new)" = new ]; umount merged; cd /; rm -rf $1/o'

DBENCH='mkdir $1/b; dbench -D $1/b -t 20 4 >/tmp/dbench.log 2>&1 || { tail -n 20 /tmp/dbench.log; exit 1; }
	grep -E "^Throughput" /tmp/dbench.log; grep -iE "failed|error" /tmp/dbench.log && exit 1; rm -rf $1/b'

# Buffered, mapped, direct and by libaio, each verified by checksums that are in the blocks.
FIO='mkdir $1/v; cd $1/v; for how in "psync 0" "mmap 0" "psync 1" "libaio 1" "io_uring 1"; do set -- $how
		fio --name=v --directory=. --ioengine=$1 --direct=$2 --rw=randrw --bs=512-64k --bs_unaligned=$((1 - $2)) --blockalign=512 --size=6m --numjobs=2 \
			--verify=crc32c --verify_fatal=1 --do_verify=1 --randseed=7 --group_reporting --minimal >/tmp/fio.log 2>&1 || { echo "$how"; tail -n 20 /tmp/fio.log; exit 1; }
		rm -f v.*; done; cd /; rmdir /mnt/data/v'

FS_MARK='mkdir $1/m; fs_mark -d $1/m -n 200 -s 9000 -S 1 -t 2 -k >/tmp/fsmark.log 2>&1 || { tail -n 20 /tmp/fsmark.log; exit 1; }
	[ "$(find $1/m -type f -size 9000c | wc -l)" = 400 ]; rm -rf $1/m
	mkdir $1/p; printf "set number 300\nset transactions 500\nset location $1/p\nset size 500 20000\nrun\nquit\n" >/tmp/pm.conf
	postmark /tmp/pm.conf >/tmp/pm.log; grep -E "transactions per second|[0-9]+ transactions" /tmp/pm.log | head -n 1; [ -z "$(ls -A $1/p)" ]; rmdir $1/p'

# Packages of what this domain has, installed below the mount, upgraded, verified and removed again.
DPKG='cd $1; mkdir k; cd k; mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates root/etc; touch root/var/lib/dpkg/status
	package() { # NAME VERSION DIR: its files, a configuration file of ours, and a list of sums
		mkdir -p "$3/DEBIAN" "$3/etc"; dpkg -L "$1" | while IFS= read -r f; do
			if [ ! -d "$f" ]; then mkdir -p "$3/${f%/*}"; cp -a "$f" "$3/$f"; fi; done
		echo "of $2" >"$3/etc/$1.conf"; echo "/etc/$1.conf" >"$3/DEBIAN/conffiles"; echo "new in $2" >"$3/etc/only-in-$2-$1"
		printf "Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n" "$1" "$2" >"$3/DEBIAN/control"
		(cd "$3"; find . -type f ! -path "./DEBIAN/*" ! -path "./etc/*.conf" -printf "%P\0" | xargs -0 md5sum >DEBIAN/md5sums)
		dpkg-deb -b --root-owner-group -Zgzip "$3" "$1-$2.deb" >/dev/null; }
	names="perl-base coreutils linux-libc-dev tar"
	for p in $names; do for v in 1 2; do package $p $v b.$p.$v; done; done
	d() { dpkg --root="$PWD/root" --log=/dev/null --force-not-root --force-script-chrootless --force-depends "$@"; }
	d -i ./*-1.deb >/tmp/dpkg.log 2>&1 || { tail /tmp/dpkg.log; exit 1; }
	for p in $names; do (cd b.$p.1; find . -type f ! -path "./DEBIAN/*" | sort | xargs sha256sum) | (cd root; sha256sum --quiet -c -); done
	[ -z "$(d --verify)" ]; echo changed >root/etc/tar.conf; d --verify | grep "etc/tar.conf"
	d --force-confold -i ./*-2.deb >/tmp/dpkg.log 2>&1 || { tail /tmp/dpkg.log; exit 1; }
	[ "$(cat root/etc/tar.conf)" = changed ]; [ "$(cat root/etc/coreutils.conf)" = "of 2" ]; [ "$(cat root/etc/tar.conf.dpkg-dist)" = "of 2" ]
	[ ! -e root/etc/only-in-1-tar ]; [ -e root/etc/only-in-2-tar ]; [ -z "$(find root -name "*.dpkg-new" -o -name "*.dpkg-tmp")" ]
	d -P $names >/tmp/dpkg.log 2>&1 || { tail /tmp/dpkg.log; exit 1; }
	[ -z "$(find root -type f ! -path "root/var/lib/dpkg/*")" ]; cd /; rm -rf $1/k'

program() {
	lab exec -t 900 user -- bash -euo pipefail -c "$1" program /mnt/data
	kernel_clean user user.data
}

TIMEOUT_test_git=900
test_git() {
	program "$GIT"
}

TIMEOUT_test_sqlite_wal=900
test_sqlite_wal() {
	program "$SQLITE"
}

test_overlayfs() {
	program "$OVERLAY"
}

test_dbench() {
	program "$DBENCH"
}

TIMEOUT_test_fio_verify=900
test_fio_verify() {
	program "$FIO"
}

test_fs_mark_and_postmark() {
	program "$FS_MARK"
}

TIMEOUT_test_dpkg=900
test_dpkg() {
	program "$DPKG"
}

TIMEOUT_test_bcachefs=3000
test_bcachefs() {
	dom0_sh 'xl destroy user; blkdiscard /dev/vdb'
	lab pair --user pv --fsva pv --kernel 6.12 --fs bcachefs --memory 512 --fsva-memory 320
	local p
	for p in "$GIT" "$SQLITE" "$OVERLAY" "$DBENCH" "$FIO" "$FS_MARK" "$DPKG"; do
		program "$p"
	done
}
