# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Initramfs images: a directory becomes a cpio archive, which may be joined with
# others (of two equal names the later wins).

# cpio_make DIR FILE
cpio_make() {
	in_chroot sh -ec 'cd "$0"; find . -print0 | LC_ALL=C sort -z |
		cpio --quiet -0 -o -H newc -R 0:0 >"$1"' "$1" "$2"
}

# cpio_busybox DIR: the chroot's busybox with a link for each applet.
cpio_busybox() {
	in_chroot sh -ec 'mkdir -p "$0"/bin "$0"/sbin "$0"/proc "$0"/sys \
			"$0"/dev "$0"/etc "$0"/tmp "$0"/run "$0"/root "$0"/mnt
		cp /bin/busybox "$0/bin/"
		# links by one process: a fork for each is what takes time
		cd "$0/bin"
		busybox --list | perl -lne "symlink q(busybox), \$_"
		ln -s ../bin/busybox "$0/sbin/init"
		ln -s ../bin/modprobe "$0/sbin/modprobe"
		ln -s ../bin/poweroff "$0/sbin/poweroff"
		ln -s ../bin/reboot "$0/sbin/reboot"' "$1"
}

# cpio_modules MODSET DIR MODULE...: copy MODULEs and what they need, with
# modules.dep, so that DIR/bin/modprobe finds them.
cpio_modules() {
	local set=$1 dir=$2 v

	shift 2
	v=$(basename "$set"/lib/modules/*)
	mkdir -p "$dir/lib/modules/$v"
	in_chroot sh -ec 'set_=$0 dir=$1 v=$2; shift 2
		for m in "$@"; do
			# what is built in has nothing to copy
			modprobe -q -d "$set_" -S "$v" --show-depends "$m" ||
				echo "no module $m" >&2
		done | sed -n "s/^insmod \([^ ]*\).*/\1/p" | sort -u |
		while read -r f; do
			r=${f#"$set_"}
			r=/lib/${r#*/lib/}
			mkdir -p "$dir${r%/*}"
			cp "$f" "$dir$r"
		done
		cp "$set_/lib/modules/$v"/modules.builtin* "$dir/lib/modules/$v/"
		depmod -b "$dir" "$v"' "$set" "$dir" "$v" "$@"
}
