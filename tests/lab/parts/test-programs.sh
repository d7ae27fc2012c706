# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# test-programs: what tests/programs and tests/hostile make, linked statically:
# any user domain's root will do.

test_programs_key() {
	lab_path xen-tools
	lab_files tests/programs tests/hostile protocol
}

test_programs_build() {
	local out=$1 xen

	xen=$(lab_artefact xen-tools)/root
	in_chroot make -s -C "$FSVA_TREE/tests/programs" OUT="$out"
	in_chroot make -s -C "$FSVA_TREE/tests/hostile" OUT="$out" XEN="$xen" \
		LDFLAGS=-static
	rm -f "$out"/*.o
}
