# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What every script of the rig shares: where the tree and the cache are, how
# an artefact is named, built once and found again, how a command runs in the
# build chroot.
#
# An artefact is a directory $FSVA_CACHE/NAME-KEY.  parts/NAME.sh defines
#	NAME_key		print what it depends on (anything; it is hashed)
#	NAME_build DIR		fill DIR, which is empty
# with `-` in NAME as `_` and an optional argument after a dot: the artefact
# `modules.6.12` is built by `modules_build DIR 6.12`.  A build happens in a
# temporary directory under a lock and is renamed into place, so that two runs
# at once, a killed run, and a deleted cache are all harmless.

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
FSVA_TREE=$(cd "$LAB_DIR/../.." && pwd -P)
FSVA_CACHE=${FSVA_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fsva}
export LAB_DIR FSVA_TREE FSVA_CACHE

# shellcheck disable=SC2034  # for those who read this file in
LAB_PARTS="kernels chroot labd xen-source hypervisor xen-tools user-root dom0
	guest-base.6.1 guest-base.6.12 guest-base.new"
# shellcheck disable=SC2034
LAB_KERNELS="6.1 6.12 new"

lab_say() {
	printf 'lab: %s\n' "$*" >&2
}

lab_die() {
	lab_say "$*"
	exit 1
}

# lab_hash: 16 hexadecimal digits of what comes in.
lab_hash() {
	sha256sum | cut -c1-16
}

# lab_files PATH...: print names and hashes of all files below PATHs of the
# tree, leaving out what a build puts there.
lab_files() {
	(cd "$FSVA_TREE" && { find "$@" -type f \
		! -name '*.o' ! -name '*.ko' ! -name '*.cmd' ! -name '*.mod' \
		! -name '*.mod.c' ! -name '*.d' ! -name '*.so*' ! -name '*.a' \
		! -name 'Module.symvers' ! -name 'modules.order' \
		! -name '*~' ! -name '.*.swp' ! -name '*.md' -print0 2>/dev/null ||
		: "a folder that is not there yet"; } |
		LC_ALL=C sort -z | xargs -0 -r sha256sum)
}

# lab_list FILE: the lines of a package list, without comments.
lab_list() {
	sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$1"
}

lab_part_load() {
	local name=${1%%.*}

	[ -e "$LAB_DIR/parts/$name.sh" ] || lab_die "no such artefact: $1"
	# shellcheck disable=SC1090
	. "$LAB_DIR/parts/$name.sh"
}

# lab_part_call PHASE NAME[.ARG] [DIR]
lab_part_call() {
	local phase=$1 name=${2%%.*} arg=

	[ "$name" = "$2" ] || arg=${2#*.}
	shift 2
	lab_part_load "$name"
	"${name//-/_}_$phase" "$@" ${arg:+"$arg"}
}

lab_path() {
	local key

	key=$(set -o pipefail; { sha256sum <"$LAB_DIR/parts/${1%%.*}.sh" &&
		lab_part_call key "$1"; } | lab_hash) || return 1
	printf '%s/%s-%s\n' "$FSVA_CACHE" "$1" "$key"
}

# lab_newest NAME: the last one built or used, whatever it was made from.
lab_newest() {
	find "$FSVA_CACHE" -mindepth 1 -maxdepth 1 -type d \
		-name "$1-????????????????" -printf '%T@ %p\n' |
		sort -rn | head -n 1 | cut -d ' ' -f 2-
}

# lab_artefact NAME: print the artefact's directory, built if need be.
lab_artefact() {
	local name=$1 dir log start

	mkdir -p "$FSVA_CACHE/log" ||
		lab_die "cannot write to the cache $FSVA_CACHE (FSVA_CACHE)"
	dir=$(lab_path "$name") || lab_die "cannot tell what $name depends on"
	if [ ! -d "$dir" ] && [ -n "${LAB_FROZEN:-}" ]; then
		dir=$(lab_newest "$name")
		dir=${dir:-$(lab_path "$name")}
	fi
	if [ ! -d "$dir" ]; then
		log=$FSVA_CACHE/log/$name.log
		(
			flock 9
			[ ! -d "$dir" ] || exit 0
			rm -rf "$FSVA_CACHE/tmp.$name"
			mkdir "$FSVA_CACHE/tmp.$name"
			start=$SECONDS
			lab_say "building $name (log: $log)"
			# A shell of its own, so that set -e works in the build.
			if ! bash -c 'set -eu -o pipefail; . "$LAB_DIR/lib.sh"
				lab_part_call build "$@"' build \
				"$name" "$FSVA_CACHE/tmp.$name" >"$log" 2>&1 9>&-; then
				lab_say "$name failed; the end of $log:"
				tail -n 25 "$log" >&2
				[ -n "${LAB_STALE:-}" ] || exit 1
				lab_say "LAB_STALE: going on with an older one"
				dir=$(lab_newest "$name")
				[ -n "$dir" ] || exit 1
				echo "$dir" >"$FSVA_CACHE/.stale.$name"
				exit 2
			fi
			mv "$FSVA_CACHE/tmp.$name" "$dir"
			lab_say "built $name in $((SECONDS - start)) s"
		) 9>"$FSVA_CACHE/.lock.$name" || {
			[ $? = 2 ] || return 1
			dir=$(cat "$FSVA_CACHE/.stale.$name")
		}
	fi
	touch -c "$dir"
	printf '%s\n' "$dir"
}

# lab_prune: forget artefacts that nobody has used for a week.
lab_prune() {
	find "$FSVA_CACHE" -mindepth 1 -maxdepth 1 -type d \
		-name '*-????????????????' -mtime +7 -exec rm -rf {} +
}

# chroot_run DIR CMD...: run CMD in the chroot DIR, in this directory, with
# private mounts of the tree, the cache and /tmp at their own paths, in its own
# process space: nothing that CMD starts outlives it.
chroot_run() {
	local root=$1 cwd=$PWD keep=() v

	shift
	for v in $(compgen -e); do
		case $v in
		FSVA_* | LAB_* | CI | TERM) keep+=("$v=${!v}") ;;
		esac
	done
	# shellcheck disable=SC2016
	unshare --mount --propagation private --pid --fork --kill-child \
		bash -c 'set -e
		root=$1 cwd=$2; shift 2
		mount -t proc proc "$root/proc"
		mount --rbind /sys "$root/sys"
		mount --rbind /dev "$root/dev"
		for d in /tmp "$FSVA_TREE" "$FSVA_CACHE" ${LAB_BIND:-}; do
			mkdir -p "$root$d"
			mount --bind "$d" "$root$d"
		done
		[ -d "$root$cwd" ] || cwd=/
		exec chroot "$root" sh -c "cd \"\$0\" && exec \"\$@\"" "$cwd" "$@"
		' chroot "$root" "$cwd" env -i HOME=/root LC_ALL=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		MAKEFLAGS=--jobserver-style=pipe "${keep[@]}" "$@"
}

# in_chroot CMD...: the same in the build chroot.
in_chroot() {
	local root

	root=${LAB_CHROOT:-$(lab_artefact chroot)} || return 1
	chroot_run "$root" "$@"
}
