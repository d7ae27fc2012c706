# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Xen's patched source, kept built between runs so that a changed patch costs
# only what depends on it.  A git tree in the cache, one for each purpose,
# moves from one series to the other by touching only the files that differ.

# xen_series: print the patches' paths, in the order of xen-patches/SERIES.
xen_series() {
	local dir=$FSVA_TREE/xen-patches

	[ -e "$dir/SERIES" ] || return 0
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$dir/SERIES" |
		sed "s|^|$dir/|"
}

# xen_tree NAME: print the directory of the tree NAME with the series applied.
# To be called under the lock of the artefact that owns the tree.
xen_tree() {
	local tree=$FSVA_CACHE/xen-tree.$1 stamp source git patch

	source=$(lab_artefact xen-source)
	stamp="$(in_chroot gcc --version | head -n 1) $source"
	git="in_chroot git -C $tree -c core.fileMode=true -c gc.auto=0
		-c user.name=lab -c user.email=lab@localhost
		-c safe.directory=* -c advice.detachedHead=false"
	if [ "$(cat "$tree/.lab-stamp" 2>/dev/null)" != "$stamp" ]; then
		# another compiler or another Xen: from the start
		rm -rf "$tree"
		mkdir "$tree"
		tar -C "$tree" --strip-components=1 -xf "$source/xen.tar"
		$git init -q -b base >&2
		$git add -f -A >&2
		$git commit -q -m base >&2
		$git tag pristine >&2
		echo "$stamp" >"$tree/.lab-stamp"
	fi
	rm -f "$tree/.git/index.lock" "$tree/.git/index.lab"
	(
		export GIT_INDEX_FILE=.git/index.lab
		LAB_GIT="GIT_INDEX_FILE=$tree/.git/index.lab"
		in_chroot env "$LAB_GIT" git -C "$tree" read-tree pristine
		while read -r patch; do
			in_chroot env "$LAB_GIT" git -C "$tree" apply --cached \
				--whitespace=nowarn "$patch" || {
				echo "xen-patches/${patch##*/} does not apply"
				exit 1
			}
		done < <(xen_series)
		in_chroot env "$LAB_GIT" git -C "$tree" write-tree \
			>"$tree/.git/lab-tree"
	) >&2 || return 1
	$git read-tree -m -u HEAD "$(cat "$tree/.git/lab-tree")" >&2 || return 1
	$git commit -q --allow-empty -m patched >&2 || return 1
	echo "$tree"
}
