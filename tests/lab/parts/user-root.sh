# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# user-root: root.ext4, the user domains' root disk: a Debian trixie with
# packages.user and the modset of each kernel.  Read-only and shared; each
# domain writes to a tmpfs above it (see guest/init), so every start is fresh.

# shellcheck source=tests/lab/parts/chroot.sh
. "$LAB_DIR/parts/chroot.sh"

user_root_key() {
	local k

	lab_list "$LAB_DIR/packages.user"
	for k in $LAB_KERNELS; do
		lab_path "modset.$k"
	done
}

user_root_build() {
	local out=$1 root=$1/root mirror k dir mb

	# shellcheck source=appliance/debian.sh
	. "$FSVA_TREE/appliance/debian.sh"
	mirror=$(debian_mirror)
	lab_mmdebstrap trixie "$root" "$LAB_DIR/packages.user" "$mirror"
	rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
		"$root"/etc/apt/sources.list
	for k in $LAB_KERNELS; do
		dir=$(lab_artefact "modset.$k")
		mkdir -p "$root/usr/lib/modules"
		cp -a "$dir"/lib/modules/* "$root/usr/lib/modules/"
	done
	mkdir -p "$root/mnt/data"
	echo user >"$root/etc/hostname"
	printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
	rm -f "$root/etc/resolv.conf"
	mb=$(($(du -sm "$root" | cut -f1) * 115 / 100 + 64))
	in_chroot mke2fs -q -t ext4 -O ^has_journal -m 0 -L user-root \
		-d "$root" "$out/root.ext4" "${mb}M"
	rm -rf "$root"
}
