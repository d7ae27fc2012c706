# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# checkpatch: checkpatch.pl of the kernel's own sources and the word lists that it reads, for `make lint`.

checkpatch_key() {
	echo 1
}

checkpatch_build() {
	local out=$1

	# shellcheck source=appliance/debian.sh
	. "$FSVA_TREE/appliance/debian.sh"
	debian_fetch trixie "$out/deb" linux-source-6.12
	debian_unpack "$out/deb" "$out/root"
	tar -xJf "$out"/root/usr/src/linux-source-6.12.tar.xz -C "$out" --strip-components=2 \
		linux-source-6.12/scripts/checkpatch.pl linux-source-6.12/scripts/spelling.txt \
		linux-source-6.12/scripts/const_structs.checkpatch
	rm -rf "$out/deb" "$out/root"
}
