#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# onex.py FILE STATS SHARED: is a mapped page the appliance's own?  Then a store is seen by read() with no call but
# that READ, and what write() changes by the mapping with none but that WRITE.  Prints the pages as SHARED lists
# them, then holds the mapping until standard input ends.
import mmap
import os
import sys

path, stats_path, shared_path = sys.argv[1:]
PAGES = 16


def stats():
    with open(stats_path) as f:
        return {name: int(n) for name, n in (line.split() for line in f)}


def calls(what):
    before = stats()
    what()
    after = stats()
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def check(got, want, what):
    if got != want:
        sys.exit("FAIL onex: %s took the calls %s, not %s" % (what, got, want))


fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
os.pwrite(fd, b"a" * (PAGES * 4096), 0)
m = mmap.mmap(fd, PAGES * 4096)


def touch():
    for i in range(PAGES):
        m[i * 4096] = i + 1


print("# first stores: %s" % calls(touch), file=sys.stderr)
check(calls(touch), {}, "storing again")
# the first read after the stores sets the access time, as relatime wants it
os.pread(fd, 1, 0)


def store_read():
    m[100:105] = b"hello"
    assert os.pread(fd, 5, 100) == b"hello"


def write_look():
    os.pwrite(fd, b"world", 8192 + 200)
    assert m[8192 + 200 : 8192 + 205] == b"world"


check(calls(store_read), {"read": 1}, "a store that a read sees")
check(calls(write_look), {"write": 1}, "a write that the mapping sees")
for i in range(PAGES):
    assert os.pread(fd, 2, i * 4096) == bytes((i + 1, ord("a"))), i
with open(shared_path) as f:
    sys.stdout.write(f.read())
sys.stdout.flush()
sys.stdin.read()
