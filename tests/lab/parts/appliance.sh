# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# appliance.FS.K: an appliance made by appliance/build for file system FS with
# kernel K: vmlinuz, initramfs.img, appliance.cfg.  To its initramfs the lab
# adds a network interface and labd, so that `lab exec user.data` works.

# shellcheck source=tests/lab/cpio.sh
. "$LAB_DIR/cpio.sh"

appliance_key() {
	local k=${1#*.}

	lab_path labd
	lab_path "modset.$k"
	lab_path "fsva-modules.$k"
	lab_files appliance tests/lab/guest/net tests/lab/cpio.sh
}

appliance_build() {
	local out=$1 fs=${2%%.*} k=${2#*.} dir=$1/dir mods set

	lab_artefact chroot >&2
	set=$(lab_artefact "modset.$k")
	mods=$(lab_artefact "fsva-modules.$k")
	[ -e "$mods/fsva-back.ko" ] || mods=none
	"$FSVA_TREE/appliance/build" "FS=$fs" "KERNEL=$k" "OUT=$out" \
		"MODULES=$mods" "PREFIX=/lab/appliance/$fs-$k"
	mkdir -p "$dir/lab" "$dir/etc/appliance.d"
	cp "$(lab_artefact labd)/labd" "$LAB_DIR/guest/net" "$dir/lab/"
	find "$set" -name 'xen-netfront.ko' -exec cp -t "$dir/lab" {} +
	cat >"$dir/etc/appliance.d/lab.sh" <<-'END'
		[ ! -e /lab/xen-netfront.ko ] || insmod /lab/xen-netfront.ko \
			2>/dev/null
		n=0
		for d in /sys/bus/xen/devices/vif-*; do
			[ -e "$d" ] || continue
			until [ -e /sys/class/net/eth0 ] || [ $n = 40 ]; do
				n=$((n + 1))
				usleep 50000
			done
			# the address needs a little more than the appliance has
			PATH=$PATH:/lab sh /lab/net
			/lab/labd -d
		done
		rm -f /lab/xen-netfront.ko
	END
	cpio_make "$dir" "$out/lab.cpio"
	# what follows a compressed archive starts at a multiple of four
	truncate -s %4 "$out/initramfs.img"
	cat "$out/lab.cpio" >>"$out/initramfs.img"
	rm -rf "$dir" "$out/lab.cpio"
}
