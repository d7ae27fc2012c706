# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# modset.K: lib/modules/VERSION of kernel K (6.1, 6.12, new), cut down to what a
# dom0, a user domain or an appliance may load, unpacked, with modules.dep.

MODSET="arch crypto drivers/block drivers/char drivers/md drivers/net/dummy*
	drivers/net/net_failover* drivers/net/veth* drivers/net/virtio_net*
	drivers/net/xen* drivers/virtio drivers/xen fs lib mm net/802 net/9p
	net/bridge net/core net/dns_resolver net/ipv6 net/key net/llc
	net/netlink net/packet net/sunrpc net/unix security virt"

modset_key() {
	lab_path kernels
}

modset_build() {
	local out=$1 k=$2 from v to dir

	from=$(lab_artefact kernels)/$k
	v=$(cat "$from/version")
	to=$out/lib/modules/$v
	mkdir -p "$to/kernel"
	cp "$from"/modules/modules.{builtin,builtin.modinfo,order} "$to/" ||
		true
	cd "$from/modules/kernel" || return
	# shellcheck disable=SC2086
	for dir in $MODSET; do
		[ -e "$dir" ] || continue
		cp -a --parents "$dir" "$to/kernel/"
	done
	rm -rf "$to/kernel"/drivers/block/{drbd,mtip32xx,rnbd} \
		"$to/kernel"/arch/x86/{kvm,events} \
		"$to/kernel"/drivers/char/{ipmi,tpm,agp,xillybus}
	in_chroot sh -c "find '$to' -name '*.ko.xz' -print0 |
		xargs -0 -r -n 50 -P $(nproc) unxz; depmod -b '$out' '$v'"
}
