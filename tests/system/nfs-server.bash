# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# nfs-server.bash: for tests and benchmarks: an NFS server in the user domain, or in a domain of its own.

# serve DIR CLIENT: an NFSv4 server in the user domain, whose root is DIR, for one client; with the kernel's own
# interface, so that no tool has an opinion.
# shellcheck disable=SC2016 # for the user domain
SERVE='
dir=$1 client=$2
modprobe nfsd; mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd; ip link set lo up
e=$(($(date +%s) + 36000))
echo "nfsd $client $e lab" >/proc/net/rpc/auth.unix.ip/channel
# a number of its own, insecure, no_subtree_check, no_root_squash, sync, rw; fsid 0
echo "lab $dir $e $((0x2402)) -2 -2 0" >/proc/net/rpc/nfsd.export/channel
printf "lab 1 \\\\x00000000 %s %s\n" "$e" "$dir" >/proc/net/rpc/nfsd.fh/channel
mkdir -p /var/lib/nfs/v4recovery
echo 10 >/proc/fs/nfsd/nfsv4leasetime; echo 10 >/proc/fs/nfsd/nfsv4gracetime
echo "-2 -3 +4 +4.1 +4.2" >/proc/fs/nfsd/versions 2>/dev/null || echo "-3 +4 +4.1 +4.2" >/proc/fs/nfsd/versions
echo 4 >/proc/fs/nfsd/threads; cat /proc/fs/nfsd/threads
echo Y >/proc/fs/nfsd/v4_end_grace || true'

serve() {
	user bash -euc "$SERVE" serve "$@"
}

# serve_from DOMAIN THREADS: that domain's /srv/x, to everybody, by NFSv4 with Debian's tools
serve_from() {
	lab exec "$1" -- bash -euo pipefail -c "mkdir -p /run/rpcbind
		modprobe nfsd
		mount -t nfsd nfsd /proc/fs/nfsd
		echo '/srv/x *(rw,no_root_squash,no_subtree_check,insecure,fsid=0)' >/etc/exports
		rpcbind -w
		exportfs -ra
		rpc.mountd
		rpc.nfsd --grace-time 5 --lease-time 5 $2
		exportfs -v"
}

serve_no_more() {
	user_sh 'echo 0 >/proc/fs/nfsd/threads; for c in nfsd.fh nfsd.export auth.unix.ip; do date +%s >/proc/net/rpc/$c/flush; done'
}
