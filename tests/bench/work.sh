#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# work.sh NAME DIR: one run of one workload in DIR, in the user domain.  Prints the time that counts, in
# microseconds, and nothing else.  Sizes come from the environment (MIB, FILES, PROGRAMS: what is built).
set -euo pipefail
export LC_ALL=C

name=${1:?workload}
dir=${2:?directory}
MIB=${MIB:-32}
FILES=${FILES:-400}
PROGRAMS=${PROGRAMS:-./bigdir ./dirx ./heartbeat ./mountx}
work=$dir/bench
rm -rf "$work"
mkdir "$work"
cd "$work"

now() { echo $(($(date +%s%N) / 1000)); }
cold() { sync; echo 3 >/proc/sys/vm/drop_caches; }

prepare() { :; }
case $name in
seq-write)
	run() { dd if=/dev/zero of=f bs=64k count=$((MIB * 16)) conv=fsync status=none; } ;;
seq-read)
	prepare() { dd if=/dev/zero of=f bs=64k count=$((MIB * 16)) conv=fsync status=none; cold; }
	run() { dd if=f of=/dev/null bs=64k status=none; } ;;
rand-read-4k)
	prepare() { dd if=/dev/zero of=f bs=64k count=$((MIB * 16)) conv=fsync status=none; cold; }
	run() {
		fio --name=r --filename=f --rw=randread --bs=4k --io_size=4m --randrepeat=1 --minimal --thread >/dev/null
	} ;;
rand-write-4k)
	prepare() { dd if=/dev/zero of=f bs=64k count=$((MIB * 16)) conv=fsync status=none; cold; }
	run() {
		fio --name=w --filename=f --rw=randwrite --bs=4k --io_size=4m --randrepeat=1 --end_fsync=1 --minimal --thread \
			>/dev/null
	} ;;
mmap-read)
	prepare() { dd if=/dev/zero of=f bs=64k count=$((MIB * 16)) conv=fsync status=none; cold; }
	run() {
		fio --name=m --filename=f --rw=randread --bs=4k --ioengine=mmap --io_size=4m --randrepeat=1 --minimal --thread \
			>/dev/null
	} ;;
tree) # a tree unpacked, looked through, and removed
	prepare() {
		local i d
		rm -rf /tmp/bench-tree
		for ((i = 0; i < FILES; i++)); do
			d=/tmp/bench-tree/d$((i / 50))/e$((i % 5))
			mkdir -p $d
			head -c $((i % 16 * 997 + 1)) /dev/zero >$d/f$i
		done
		tar -C /tmp -cf /tmp/bench-tree.tar bench-tree
		rm -rf /tmp/bench-tree
		cold
	}
	run() {
		tar -xf /tmp/bench-tree.tar
		find . -type f -newer /tmp/bench-tree.tar | wc -l >/dev/null
		find . -type f -print0 | xargs -0 cat | wc -c >/dev/null
		rm -r bench-tree
	} ;;
build) # C programs (run put their sources there), copied, made, removed
	prepare() { mkdir src; tar -C src -xf /tmp/bench-src.tar; cold; }
	run() {
		# shellcheck disable=SC2086 # some words
		make -s -C src LDFLAGS= CFLAGS=-O1 OUT=. $PROGRAMS
		rm -r src
	} ;;
create) # files of 4 KiB, made and written
	run() { for ((i = 0; i < FILES; i++)); do printf '%4096s' x >f$i; done; } ;;
stat)
	prepare() { seq -f f%g "$FILES" | xargs touch; }
	run() { find . -type f -size +0 | wc -l >/dev/null; find . -type f -printf "%s\n" | tail -n 1 >/dev/null; } ;;
unlink)
	prepare() { seq -f f%g "$FILES" | xargs touch; }
	run() { rm -f f*; } ;;
postmark)
	prepare() { printf 'set number %s\nset transactions %s\nset location %s\nrun\nquit\n' \
		"$FILES" "$FILES" "$work" >/tmp/pm.conf; }
	run() { postmark /tmp/pm.conf >/tmp/pm.out; } ;;
*)
	echo "unknown workload $name" >&2
	exit 2 ;;
esac

prepare
start=$(now)
run
end=$(now)
cd /
rm -rf "$work"
echo $((end - start))
