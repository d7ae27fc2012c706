# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# xen-source: xen.tar, Debian's source of Xen 4.20, upstream's part: the release
# that xen-patches/BASE names with its hash, from the mirror's pool, which keeps
# it for a time after a newer one came; else the newest one, for which the
# series may have to be refreshed.  An index can name files that its mirror does
# not have yet, so both ways are needed.

xen_source_key() {
	cat "$FSVA_TREE/xen-patches/BASE"
}

xen_source_build() {
	local out=$1 version hash mirror

	# shellcheck source=appliance/debian.sh
	. "$FSVA_TREE/appliance/debian.sh"
	read -r version hash <"$FSVA_TREE/xen-patches/BASE"
	mirror=$(debian_mirror)
	cd "$out" || return
	# shellcheck disable=SC2016 # for the shell in the chroot
	in_chroot sh -c '/usr/lib/apt/apt-helper -o APT::Sandbox::User=root \
			download-file "$1" xen.orig.tar.xz "SHA256:$2" || {
		echo "no such file: taking the newest source in its place"
		rm -f xen.orig.tar.xz
		apt-get -qq -o APT::Sandbox::User=root update &&
		apt-get -qq -o APT::Sandbox::User=root source \
			--tar-only --download-only xen &&
		mv xen_4.20.*.orig.tar.xz xen.orig.tar.xz; }' fetch \
		"${mirror}pool/main/x/xen/xen_$version.orig.tar.xz" "$hash"
	in_chroot unxz -c ./xen.orig.tar.xz >"$out/xen.tar"
	rm -f ./xen.orig.tar.xz ./xen_*
}
