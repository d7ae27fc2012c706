# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: Debian's own kernels, untouched.
#	6.1 6.12 new	directories (bookworm, trixie, sid) with
#	    version	what uname -r prints
#	    vmlinuz
#	    modules/	lib/modules/VERSION
#	src/		usr/src and usr/lib of headers and kbuild, for the chroot
# "new" is the newest at the time of the build; delete the directory for a
# newer one.

kernels_suite() {
	case $1 in
	6.1) echo bookworm ;;
	6.12) echo trixie ;;
	new) echo sid ;;
	esac
}

kernels_key() {
	echo 1 "$LAB_KERNELS"
}

# kernels_depends SUITE PKG WHICH: those of PKG's dependencies that are called
# linux-WHICH-*.
kernels_depends() {
	debian_field "$1" "$2" Depends | tr , '\n' |
		sed -nE "s/^ *(linux-($3)-[^ ]*).*/\1/p"
}

kernels_build() {
	local out=$1 k suite image v

	# shellcheck source=appliance/debian.sh
	. "$FSVA_TREE/appliance/debian.sh"
	for k in $LAB_KERNELS; do
		suite=$(kernels_suite "$k")
		image=$(debian_newest_kernel "$suite")
		v=${image#linux-image-}
		# sid's image is empty and depends on the binary and the modules
		# shellcheck disable=SC2046
		debian_fetch "$suite" "$out/deb.$k" "$image" $(kernels_depends \
			"$suite" "$image" 'binary|modules')
		# headers, their common part and kbuild, without the compiler
		# that they depend on
		# shellcheck disable=SC2046
		debian_fetch "$suite" "$out/src.$k" "linux-headers-$v" \
			$(kernels_depends "$suite" "linux-headers-$v" \
			'headers|kbuild')
		mkdir "$out/$k"
		debian_unpack "$out/deb.$k" "$out/$k/root"
		echo "$v" >"$out/$k/version"
		# in boot/ up to trixie, beside the modules from then on
		mv "$(find "$out/$k/root/" -name 'vmlinuz*' -type f)" \
			"$out/$k/vmlinuz"
		mv "$out/$k/root/usr/lib/modules/$v" "$out/$k/modules"
		debian_unpack "$out/src.$k" "$out/src"
		rm -rf "$out/deb.$k" "$out/src.$k" "$out/$k/root"
	done
}
