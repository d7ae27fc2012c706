# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# fsva-modules.K: our modules for kernel K, `*.ko`, built in a copy of the
# sources.  A folder that is not there yet is left out.

FSVA_MODULES="linux-front linux-back"

fsva_modules_key() {
	lab_path kernels
	# shellcheck disable=SC2086
	lab_files protocol xenstore-schema $FSVA_MODULES
}

# fsva_modules_make DIR KDIR
fsva_modules_make() {
	if [ -e "$1/Makefile" ]; then
		in_chroot make -C "$1" "KDIR=$2" CC=gcc-14 "-j$(nproc)"
	else
		in_chroot make -C "$2" "M=$1" CC=gcc-14 "-j$(nproc)" modules
	fi
}

fsva_modules_build() {
	local out=$1 k=$2 src=$1/src v kdir dir kernels

	lab_artefact chroot >&2
	kernels=$(lab_artefact kernels)
	v=$(cat "$kernels/$k/version")
	kdir=/usr/src/linux-headers-$v
	mkdir "$src"
	for dir in protocol xenstore-schema $FSVA_MODULES; do
		[ ! -d "$FSVA_TREE/$dir" ] || cp -a "$FSVA_TREE/$dir" "$src/"
	done
	find "$src" \( -name '*.o' -o -name '*.ko' -o -name '.*.cmd' \) -delete
	for dir in $FSVA_MODULES; do
		[ -e "$src/$dir/Makefile" ] || [ -e "$src/$dir/Kbuild" ] ||
			continue
		if ! fsva_modules_make "$src/$dir" "$kdir"; then
			[ -n "${LAB_STALE:-}" ] || return 1
			echo "LAB_STALE: going on without $dir" >&2
			continue
		fi
		find "$src/$dir" -name '*.ko' -exec cp -t "$out" {} +
	done
	rm -rf "$src"
	find "$out" -name '*.ko' -print0 >"$1/list"
	in_chroot xargs -0 -r -a "$1/list" strip --strip-debug
	rm "$1/list"
}
