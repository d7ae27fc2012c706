# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# xen-tools: root/, an installed xl with its libraries, headers and daemons, and
# libxl-plugin and the xenstore checker built against them.  src is a link to the built source tree.

# shellcheck source=tests/lab/xen-tree.sh
. "$LAB_DIR/xen-tree.sh"

XEN_TOOLS="libs xl xenstored xs-clients console helpers hotplug misc"

xen_tools_key() {
	local p

	lab_path xen-source
	for p in $(xen_series); do
		sed -n '/^diff --git/,$p' "$p"
	done
	lab_files libxl-plugin protocol xenstore-schema
}

xen_tools_build() {
	local out=$1 tree d

	lab_artefact chroot >&2
	tree=$(xen_tree tools)
	cd "$tree" || return
	# Patches may add what configure writes the paths of; a run is short.
	if [ ! -e config/Tools.mk ] || [ configure -nt config/Tools.mk ]; then
		in_chroot ./configure -q --disable-xen --disable-stubdom \
			--disable-docs --disable-ocamltools --disable-golang \
			--disable-pygrub --disable-seabios --disable-pvshim \
			--disable-xsmpolicy --with-system-qemu=/bin/false \
			--with-xenstored=xenstored --prefix=/usr \
			--sysconfdir=/etc --localstatedir=/var \
			--with-rundir=/run --libdir=/usr/lib/x86_64-linux-gnu
	fi
	# The plugin's sources come along for patches that build it into libxl.
	if [ -d "$FSVA_TREE/libxl-plugin" ]; then
		in_chroot rsync -rlc --delete --exclude '*.o' --exclude '*.so*' \
			--exclude '.*.d' \
			"$FSVA_TREE/libxl-plugin/" "$tree/libxl-plugin/"
	fi
	in_chroot rsync -rlc --delete "$FSVA_TREE/protocol/" "$tree/protocol/"
	in_chroot rsync -rlc --delete --exclude '*.o' "$FSVA_TREE/xenstore-schema/" "$tree/xenstore-schema/"
	# shellcheck disable=SC2016
	in_chroot env "OUT=$out/root" "JOBS=-j$(nproc)" "TOOLS=$XEN_TOOLS" \
		FSVA_TREE="$FSVA_TREE" sh -ec '
		make -s -C tools/include $JOBS
		for d in $TOOLS; do
			make -s -C tools/$d $JOBS
			make -s -C tools/$d DESTDIR="$OUT" install
		done
		make -s -C tools/include DESTDIR="$OUT" install
		if [ -e libxl-plugin/Makefile ]; then
			make -C libxl-plugin XEN_SRC="$PWD" DESTDIR="$OUT" install
		fi
		make -C xenstore-schema XEN_SRC="$PWD" prefix=/usr DESTDIR="$OUT" install' </dev/null
	ln -s "$tree" "$out/src"
	for d in xl xenstored xenconsoled; do
		[ -x "$out/root/usr/sbin/$d" ]
	done
}
