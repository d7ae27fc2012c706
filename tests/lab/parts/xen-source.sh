# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# xen-source: xen.tar, Debian's source of Xen 4.20, upstream's part.
# Fetched by the chroot's own apt, which has the deb-src line.

xen_source_key() {
	echo 1
}

xen_source_build() {
	local out=$1

	cd "$out" || return
	in_chroot sh -c 'apt-get -qq -o APT::Sandbox::User=root update &&
		apt-get -qq -o APT::Sandbox::User=root source \
		--tar-only --download-only xen'
	in_chroot unxz -c ./xen_4.20.*.orig.tar.xz >"$out/xen.tar"
	rm -f ./xen_*
}
