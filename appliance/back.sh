# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154  # tree, work, cache are build's
# fsva-back.ko for one kernel, from linux-back/ of this tree.  Part of build.
#
# The compiler is Debian 13's, in a directory of the cache that is entered with
# chroot (in a user namespace if need be), so the host needs no compiler and
# no headers.  FSVA_BUILD_CHROOT may name a command instead that runs its
# arguments where there are gcc-14, make and /usr/src/linux-headers-RELEASE,
# in the current directory and with the cache visible at the same path.

# back_key RELEASE: what the module depends on, in 16 digits.
back_key() {
	(
		cd "$tree" || exit
		echo "$1"
		find linux-back linux-front protocol xenstore-schema -type f \
			! -name '*.o' ! -name '*.ko' ! -name '.*' \
			! -name '*.mod' ! -name '*.mod.c' ! -name '*.md' \
			-print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 -r sha256sum
	) | sha256sum | cut -c 1-16
}

# back_chroot RELEASE SUITE: print a root with compiler and headers, which are in
# SUITE or, where that is empty, in the directory that KERNEL= names.
back_chroot() {
	local pkgs

	if [ -z "$2" ]; then
		mkdir -p "$work/debs.back"
		cp "$KERNEL"/linux-headers*.deb "$work/debs.back/" 2>/dev/null ||
			die "no linux-headers package in $KERNEL: use MODULES="
		cp "$KERNEL"/linux-kbuild*.deb "$work/debs.back/" 2>/dev/null || :
	fi
	debian_fetch --deps trixie "$work/debs.back" gcc-14 make bash dash \
		coreutils sed grep findutils mawk libelf1t64 || return 1
	if [ -n "$2" ]; then
		pkgs=$(debian_headers_packages "$2") || return 1
		# shellcheck disable=SC2086
		debian_fetch "$2" "$work/debs.back" $pkgs || return 1
	fi
	unpacked back "$work/debs.back" back_chroot_ready
}

back_chroot_ready() {
	local root=$1

	mkdir -p "$root"/{build,dev,proc,tmp}
	ln -sf mawk "$root/usr/bin/awk"
	[ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
	# Without it kbuild makes no BTF, for which it would need pahole.
	rm -f "$root"/usr/src/linux-headers-*/vmlinux
}

# back_run COMMAND...: run it in the chroot, with $work/back as /build.
back_run() {
	local -a ns=(unshare -m)

	[ "$(id -u)" = 0 ] || ns=(unshare -r -m)
	# shellcheck disable=SC2016
	"${ns[@]}" sh -c 'mount --rbind /dev "$0/dev" &&
		mount --bind "$1" "$0/build" && root=$0 && shift &&
		exec chroot "$root" env -i PATH=/usr/bin:/usr/sbin HOME=/ \
			LC_ALL=C "$@"' "$chroot" "$work/back" "$@"
}

# back_build RELEASE SUITE: print the path of a fsva-back.ko.
back_build() {
	local release=$1 suite=$2 key chroot d kdir
	local -a make

	[ -e "$tree/linux-back/Makefile" ] ||
		die "no linux-back/ in this tree: use MODULES="
	key=$(back_key "$release")
	if [ -e "$cache/back/$release-$key.ko" ]; then
		printf '%s\n' "$cache/back/$release-$key.ko"
		return
	fi
	# A copy, as builds for several kernels may run at once.
	mkdir -p "$work/back" "$cache/back"
	for d in linux-back linux-front protocol xenstore-schema; do
		[ ! -d "$tree/$d" ] || cp -a "$tree/$d" "$work/back/"
	done
	find "$work/back" '(' -name '*.o' -o -name '*.ko' -o -name '*.cmd' ')' \
		-delete
	kdir=/usr/src/linux-headers-$release
	make=(make "KDIR=$kdir" CC=gcc-14 -j2)
	if [ -n "${FSVA_BUILD_CHROOT:-}" ]; then
		# shellcheck disable=SC2086
		(cd "$work/back/linux-back" &&
			$FSVA_BUILD_CHROOT "${make[@]}") >"$work/back.log" 2>&1
	else
		chroot=$(back_chroot "$release" "$suite") || return 1
		[ -e "$chroot$kdir" ] || die "the headers are not of $release"
		back_run "${make[@]}" -C /build/linux-back >"$work/back.log" 2>&1
	fi || {
		tail -n 20 "$work/back.log" >&2
		die "fsva-back.ko does not build for $release"
	}
	[ -e "$work/back/linux-back/fsva-back.ko" ] ||
		die "linux-back/ made no fsva-back.ko"
	cp "$work/back/linux-back/fsva-back.ko" "$work/fsva-back.ko"
	mv -f "$work/fsva-back.ko" "$cache/back/$release-$key.ko"
	printf '%s\n' "$cache/back/$release-$key.ko"
}
