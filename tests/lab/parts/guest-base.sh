# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# guest-base.K: what a user domain with kernel K starts with.
#	vmlinux	the kernel out of Debian's vmlinuz, so that xl, in the emulator,
#		need not decompress it for each domain
#	cpio	initramfs with the modules to mount user-root, and labd
# user-payload.K goes behind it.

# shellcheck source=tests/lab/cpio.sh
. "$LAB_DIR/cpio.sh"

GUEST_MODULES="xen-netfront xen-blkfront overlay ext4 crc32c_generic"

guest_base_key() {
	lab_path labd
	lab_path "modset.$1"
	lab_files tests/lab/guest tests/lab/cpio.sh
}

guest_base_build() {
	local out=$1 k=$2 dir=$1/dir

	lab_artefact chroot >&2
	mkdir -p "$dir/lab"
	cpio_busybox "$dir"
	# shellcheck disable=SC2086
	cpio_modules "$(lab_artefact "modset.$k")" "$dir" $GUEST_MODULES
	cp "$(lab_artefact labd)/labd" "$LAB_DIR"/guest/{net,rc} "$dir/lab/"
	cp "$LAB_DIR/guest/init" "$dir/init"
	cpio_make "$dir" "$out/cpio"
	rm -rf "$dir"
	guest_vmlinux "$(lab_artefact kernels)/$k/vmlinuz" "$out/vmlinux"
}

# guest_vmlinux VMLINUZ FILE: the boot header (Documentation/arch/x86/boot.rst)
# says where the compressed kernel is; its last four octets are a length.
guest_vmlinux() {
	local sects start length type

	sects=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
	start=$(od -An -tu4 -j $((0x248)) -N 4 "$1")
	length=$(od -An -tu4 -j $((0x24c)) -N 4 "$1")
	start=$((start + (sects + 1) * 512))
	tail -c +$((start + 1)) "$1" | head -c $((length - 4)) >"$2.z" || true
	type=$(od -An -tx1 -N 4 "$2.z" | tr -d ' ')
	case $type in
	28b52ffd) in_chroot zstd -qdc "$2.z" >"$2" ;;
	fd377a58) in_chroot xz -dc "$2.z" >"$2" ;;
	5d0000*) in_chroot xz --format=lzma -dc "$2.z" >"$2" ;;
	1f8b*) in_chroot gzip -dc "$2.z" >"$2" ;;
	*) echo "$1: compressed in an unknown way ($type)" >&2; return 1 ;;
	esac
	rm "$2.z"
	[ "$(od -An -tx1 -N 4 "$2" | tr -d ' ')" = 7f454c46 ]
}
