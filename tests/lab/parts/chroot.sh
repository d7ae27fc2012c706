# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# chroot: a Debian trixie with packages.build and the headers of all kernels.

chroot_key() {
	lab_list "$LAB_DIR/packages.build"
	lab_path kernels
}

chroot_build() {
	local out=$1 mirror kernels

	# shellcheck source=appliance/debian.sh
	. "$FSVA_TREE/appliance/debian.sh"
	kernels=$(lab_artefact kernels)
	mirror=$(debian_mirror)
	lab_mmdebstrap trixie "$out/root" "$LAB_DIR/packages.build" "$mirror"
	cp -a "$kernels/src/." "$out/root.src"
	cp -a --no-preserve=ownership "$out/root.src/usr/." "$out/root/usr/"
	if [ -d "$out/root.src/lib" ]; then
		cp -a --no-preserve=ownership "$out/root.src/lib/." "$out/root/usr/lib/"
	fi
	rm -rf "$out/root.src"
	mv "$out/root" "$out.root"
	rmdir "$out"
	mv "$out.root" "$out"
}

# lab_mmdebstrap SUITE DIR LIST MIRROR: a Debian without documentation, in
# which later apt runs use the same mirror.
lab_mmdebstrap() {
	local suite=$1 dir=$2 list=$3 mirror=$4 keyring
	local -a opt=()

	keyring=$(debian_keyring)
	for v in man locale doc info lintian; do
		opt+=("--dpkgopt=path-exclude=/usr/share/$v/*")
	done
	mmdebstrap --variant=apt --mode=root --components=main "${opt[@]}" \
		--aptopt='Apt::Install-Recommends "false"' \
		--aptopt='Acquire::Retries "3"' --keyring="$keyring" \
		--include="$(lab_list "$list" | tr '\n' ,)" "$suite" "$dir" \
		"deb $mirror $suite main" "deb-src $mirror $suite main"
}
