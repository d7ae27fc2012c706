# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# user-payload.K: cpio, copied over a user domain's root: our front module with
# new module indices, mount.fsva, poweroff.

# shellcheck source=tests/lab/cpio.sh
. "$LAB_DIR/cpio.sh"

user_payload_key() {
	lab_path "modset.$1"
	lab_path "fsva-modules.$1"
	lab_files tests/lab/guest/poweroff tests/lab/cpio.sh \
		linux-front/mount.fsva
}

user_payload_build() {
	local out=$1 k=$2 all=$1/all set v mods root=$1/dir/payload

	lab_artefact chroot >&2
	set=$(lab_artefact "modset.$k")
	v=$(basename "$set"/lib/modules/*)
	mods=$(lab_artefact "fsva-modules.$k")
	mkdir -p "$root/usr/sbin" "$root/usr/lib/modules/$v" "$all"
	cp "$LAB_DIR/guest/poweroff" "$root/usr/sbin/poweroff"
	ln -s poweroff "$root/usr/sbin/reboot"
	if [ -e "$FSVA_TREE/linux-front/mount.fsva" ]; then
		install -m 755 "$FSVA_TREE/linux-front/mount.fsva" \
			"$root/usr/sbin/"
	fi
	# indices over the modset and ours
	cp -al "$set/lib" "$all/lib"
	mkdir "$all/lib/modules/$v/extra"
	find "$mods" -name '*.ko' -exec cp -t "$all/lib/modules/$v/extra" {} +
	rm "$all/lib/modules/$v"/modules.{dep,alias,symbols,softdep,devname}*
	in_chroot depmod -b "$all" "$v"
	cp -a "$all/lib/modules/$v"/{extra,modules.*} "$root/usr/lib/modules/$v/"
	cpio_make "$out/dir" "$out/cpio"
	rm -rf "$all" "$out/dir"
}
