#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# fsvad: mounts, in an FSVA of NetBSD's, what its kernel asks for by /dev/fsva.
#
# Started from rc(8), once, as root:  [ -c /dev/fsva ] && fsvad &
exec 3<>/dev/fsva || exit 1
tab=$(printf '\t')
while IFS=$tab read -r id verb type options dev dir <&3; do
	case $verb in
	mount)
		mkdir -p "$dir"
		mount -t "$type" -o "$options" "$dev" "$dir"
		;;
	update)
		mount -u -t "$type" -o "$options" "$dev" "$dir"
		;;
	*)
		false
		;;
	esac
	# mount(8) says what went wrong on the console; its status has no errno.
	[ $? -eq 0 ] && error=0 || error=22
	printf '%s %s\n' "$id" "$error" >&3
done
