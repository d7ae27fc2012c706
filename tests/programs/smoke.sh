#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# smoke.sh DIR: in half a minute, the calls that every file system takes, each checked.  Runs in the user
# domain on a mounted file system; used where one pair of a matrix is to be shown to work, not to be searched
# for faults (tests/system/ops.sh does that).
set -euo pipefail
export LC_ALL=C

dir=${1:?directory}
work=$dir/smoke.$$
die() { echo "FAIL: smoke: $*" >&2; exit 1; }

mkdir "$work"
cd "$work"

# data: small, large, unaligned, sparse
echo hello >small
[ "$(cat small)" = hello ] || die 'small file'
head -c 5000001 /dev/urandom >/tmp/smoke.ref
cp /tmp/smoke.ref large
cmp large /tmp/smoke.ref || die 'large file differs'
dd if=/tmp/smoke.ref of=odd bs=7777 status=none
cmp odd /tmp/smoke.ref || die 'odd record size'
truncate -s 5G sparse
printf end >>sparse
[ "$(stat -c %s sparse)" = 5368709123 ] || die 'sparse size'
[ "$(tail -c 3 sparse)" = end ] || die 'tail of sparse'
[ "$(dd if=sparse bs=4096 count=1 skip=1000000 status=none | tr -d '\0' | wc -c)" = 0 ] || die 'hole is not zero'

# names
ln small hard
ln -s small soft
[ "$(readlink soft)" = small ] || die readlink
[ "$(stat -c %h small)" = 2 ] || die 'link count'
long=$(printf 'n%.0s' $(seq 255))
echo x >"$long"
[ -f "$long" ] || die 'name of 255'
(echo x >"${long}n") 2>/dev/null && die 'name of 256'
printf '' >$'na\xffme \n"\\'
mkdir -p a/b/c
mv a/b a/bb
mv small a/bb/c/moved
if [ ! -d a/bb/c ] || [ -e a/b ]; then die 'rename of a directory'; fi
[ "$(cat a/bb/c/moved)" = hello ] || die 'rename of a file'
mv hard soft
[ "$(cat soft)" = hello ] || die 'rename over a name'
rmdir a 2>/dev/null && die 'rmdir of a full directory'
mkfifo fifo
[ -p fifo ] || die mkfifo
mkdir many
(cd many && touch $(seq -f f%g 500))
[ "$(find many -type f | wc -l)" = 500 ] || die 'directory of 500'
rm -r many

# attributes
touch -d '2001-02-03 04:05:06.5 UTC' odd
[ "$(stat -c %Y odd)" = 981173106 ] || die mtime
chmod 640 odd
[ "$(stat -c %a odd)" = 640 ] || die chmod
chown 1234:2345 odd
[ "$(stat -c %u:%g odd)" = 1234:2345 ] || die chown
mkdir setgid && chgrp 777 setgid && chmod 2775 setgid
touch setgid/f
[ "$(stat -c %g setgid/f)" = 777 ] || die 'setgid directory'

# a file that has no name any more
exec 3<>gone
echo still >&3
rm gone
[ "$(cat /proc/self/fd/3)" = still ] || die 'open-unlinked file'
exec 3>&-

# a program that runs from here
cp /bin/true prog
./prog || die 'program'
sync .
[ "$(df --output=fstype . | tail -n 1)" = fsva ] || die 'df does not say fsva'

cd /
rm -rf "$work" /tmp/smoke.ref
[ ! -e "$work" ] || die 'rm -r'
echo 'ok smoke'
