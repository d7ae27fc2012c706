# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# user-initrd.K: initrd, the initramfs of a user domain with kernel K: enough to
# mount user-root, and payload/ that is copied onto it: our front module with
# new module indices and mount.fsva.

# shellcheck source=tests/lab/cpio.sh
. "$LAB_DIR/cpio.sh"

USER_MODULES="xen-netfront xen-blkfront overlay ext4 crc32c_generic"

user_initrd_key() {
	lab_path labd
	lab_path "modset.$1"
	lab_path "fsva-modules.$1"
	lab_files tests/lab/guest tests/lab/cpio.sh
	lab_files linux-front/mount.fsva linux-front/tools
}

user_initrd_build() {
	local out=$1 k=$2 dir=$1/dir set v mods

	lab_artefact chroot >&2
	set=$(lab_artefact "modset.$k")
	v=$(basename "$set"/lib/modules/*)
	mods=$(lab_artefact "fsva-modules.$k")
	mkdir -p "$dir/lab" "$dir/payload/usr/sbin"
	cpio_busybox "$dir"
	# shellcheck disable=SC2086
	cpio_modules "$set" "$dir" $USER_MODULES
	cp "$(lab_artefact labd)/labd" "$LAB_DIR"/guest/{net,rc} "$dir/lab/"
	cp "$LAB_DIR/guest/init" "$dir/init"
	cp "$LAB_DIR/guest/poweroff" "$dir/payload/usr/sbin/poweroff"
	ln -s poweroff "$dir/payload/usr/sbin/reboot"
	if [ -e "$FSVA_TREE/linux-front/mount.fsva" ]; then
		install -m 755 "$FSVA_TREE/linux-front/mount.fsva" \
			"$dir/payload/usr/sbin/"
	fi
	# indices over the modset and ours
	mkdir -p "$out/all"
	cp -al "$set/lib" "$out/all/lib"
	mkdir "$out/all/lib/modules/$v/extra"
	if ls "$mods"/*.ko >/dev/null 2>&1; then
		cp "$mods"/*.ko "$out/all/lib/modules/$v/extra/"
	fi
	rm "$out/all/lib/modules/$v"/modules.{dep,alias,symbols,softdep,devname}*
	in_chroot depmod -b "$out/all" "$v"
	mkdir -p "$dir/payload/usr/lib/modules/$v"
	cp -a "$out/all/lib/modules/$v"/{extra,modules.*} \
		"$dir/payload/usr/lib/modules/$v/"
	cpio_make "$dir" "$out/initrd"
	rm -rf "$out/all" "$dir"
}
