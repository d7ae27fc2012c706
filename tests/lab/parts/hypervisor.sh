# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# hypervisor: `xen`, the multiboot image that QEMU loads.  It depends on those
# patches only that touch xen/.

# shellcheck source=tests/lab/xen-tree.sh
. "$LAB_DIR/xen-tree.sh"

hypervisor_key() {
	local p

	lab_path xen-source
	for p in $(xen_series); do
		if grep -q '^+++ b/xen/' "$p"; then
			# from the diff on: a better commit text builds nothing
			sed -n '/^diff --git/,$p' "$p"
		fi
	done
}

hypervisor_build() {
	local out=$1 tree

	lab_artefact chroot >&2
	tree=$(xen_tree hypervisor)
	cd "$tree" || return
	in_chroot make -s -C xen x86_64_defconfig
	# PV domains migrate live only with shadow paging's log-dirty mode.
	echo CONFIG_SHADOW_PAGING=y >>xen/.config
	in_chroot make -s -C xen olddefconfig
	grep -q '^CONFIG_SHADOW_PAGING=y' xen/.config
	in_chroot make -s -C xen "-j$(nproc)"
	gunzip -c xen/xen.gz >"$out/xen"
	cp xen/xen-syms xen/.config "$out/" || true
}
