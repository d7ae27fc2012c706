#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fsvad: mounts, in an FSVA of NetBSD's, what its kernel asks for by /dev/fsva.
#
# Started from rc(8), once, as root:  [ -c /dev/fsva ] && fsvad &
exec 3<>/dev/fsva || exit 1
tab=$(printf '\t')
while IFS=$tab read -r id verb type options dev dir <&3; do
	# mount(8) says what went wrong on the console; its status has no errno.
	error=22
	case $verb in
	mount)
		mkdir -p "$dir"
		mount -t "$type" -o "$options" "$dev" "$dir" && error=0
		;;
	update)
		mount -u -t "$type" -o "$options" "$dev" "$dir" && error=0
		;;
	esac
	printf '%s %s\n' "$id" "$error" >&3
done
