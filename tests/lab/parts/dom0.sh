# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# dom0: img, dom0's initramfs (busybox, xl and its daemons, hotplug scripts,
# modules, labd), and vmlinuz, its kernel (6.12).

# shellcheck source=tests/lab/cpio.sh
. "$LAB_DIR/cpio.sh"

DOM0_KERNEL=6.12

dom0_key() {
	lab_path labd
	lab_path xen-tools
	lab_path "modset.$DOM0_KERNEL"
	lab_files tests/lab/dom0 tests/lab/cpio.sh
}

dom0_build() {
	local out=$1 dir=$1/dir set tools mods

	lab_artefact chroot >&2
	set=$(lab_artefact "modset.$DOM0_KERNEL")
	tools=$(lab_artefact xen-tools)/root
	mkdir "$dir"
	cpio_busybox "$dir"
	mapfile -t mods <"$LAB_DIR/dom0/modules"
	cpio_modules "$set" "$dir" "${mods[@]}"
	mkdir -p "$dir/usr/lib/x86_64-linux-gnu" "$dir/lib64" "$dir/var/lock"
	# xl, its daemons and all of Xen's shared libraries
	(cd "$tools" && cp -a --parents usr/bin usr/sbin usr/lib/xen etc/xen \
		"$dir/" && cp -a usr/lib/x86_64-linux-gnu/*.so* \
		"$dir/usr/lib/x86_64-linux-gnu/" &&
		{ [ ! -d usr/libexec ] || cp -a --parents usr/libexec "$dir/"; })
	cp "$LAB_DIR"/dom0/scripts/* "$dir/etc/xen/scripts/"
	cp "$LAB_DIR/dom0/init" "$dir/init"
	cp "$LAB_DIR/dom0/xl.conf" "$dir/etc/xen/xl.conf"
	cp "$LAB_DIR/dom0/modules" "$dir/lab.modules"
	cp "$(lab_artefact labd)"/lab{d,ssh} "$dir/sbin/"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$dir/etc/passwd"
	echo 'root:x:0:' >"$dir/etc/group"
	printf '%s\n' '127.0.0.1 localhost' '10.78.0.1 dom0.1' \
		'10.78.0.2 dom0.2' >"$dir/etc/hosts"
	# what those are linked with, and what pthread_cancel loads by name
	in_chroot sh -ec 'cd "$0"
		{ find usr/bin usr/sbin usr/lib -type f -perm -u+x |
			LD_LIBRARY_PATH=$PWD/usr/lib/x86_64-linux-gnu \
			xargs -r ldd 2>/dev/null |
			sed -n "s/.*=> \(\/[^ ]*\) .*/\1/p"
			ls /lib/x86_64-linux-gnu/libgcc_s.so.1; } | sort -u |
		while read -r lib; do
			case $lib in
			"$PWD"/*) ;;
			*) cp -L "$lib" usr/lib/x86_64-linux-gnu/ ;;
			esac
		done
		cp -L /lib64/ld-linux-x86-64.so.2 lib64/
		ldconfig -r . 2>/dev/null || true
		find usr -type f \( -name "*.so*" -o -perm -u+x \) |
			xargs strip --strip-debug 2>/dev/null || true' "$dir"
	if [ ! -e "$dir/etc/ld.so.cache" ]; then
		echo /usr/lib/x86_64-linux-gnu >"$dir/etc/ld.so.conf"
		in_chroot ldconfig -r "$dir"
	fi
	cpio_make "$dir" "$out/img"
	rm -rf "$dir"
	cp "$(lab_artefact kernels)/$DOM0_KERNEL/vmlinuz" "$out/vmlinuz"
}
