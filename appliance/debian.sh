# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian packages without touching the host's own apt: a library for bash scripts.
#
#	. appliance/debian.sh
#	debian_fetch trixie ./debs busybox-static       # ./debs/busybox-static_1.37...deb
#	debian_fetch --deps trixie ./debs e2fsprogs     # and all that it depends on
#	debian_unpack ./debs ./root
#
# Works on Debian 12 and 13, as root or not, with nothing but apt and dpkg.
# Each suite has a private apt root in the cache; packages that were fetched
# once are fetched again only when the suite has a newer version.  Signatures
# are checked against the host's debian-archive-keyring.
#
# Environment:
#	FSVA_CACHE       the cache; ${XDG_CACHE_HOME:-$HOME/.cache}/fsva
#	FSVA_MIRROR      URI of a Debian mirror; else the one that apt uses here
#	FSVA_KEYRING     keyring that signs it; else debian-archive-keyring's
#	FSVA_ARCH        architecture; amd64
#	FSVA_APT_HOURS   lists younger than this are not refreshed; 12
#
# Functions return non-zero after one line on stderr.  None changes the
# caller's shell options or directory.

debian_say() {
	printf 'debian: %s\n' "$*" >&2
}

# debian_cache: print the cache directory, made if need be.
debian_cache() {
	local dir=${FSVA_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/fsva}

	if ! mkdir -p "$dir" 2>/dev/null || ! [ -w "$dir" ]; then
		debian_say "cannot write to the cache $dir (FSVA_CACHE)"
		return 1
	fi
	(cd "$dir" && pwd)
}

# debian_mirror: print the URI of a Debian mirror, with its final slash.
debian_mirror() {
	local uri=${FSVA_MIRROR:-} filter

	# Release fields are known only after an update on the host, so what
	# says it is Debian comes first, what looks like it second.
	for filter in 'Label: Debian' ''; do
		[ -z "$uri" ] || break
		# shellcheck disable=SC2016  # apt's variables, not the shell's
		uri=$(apt-get indextargets --format '$(REPO_URI)' \
			'Created-By: Packages' ${filter:+"$filter"} 2>/dev/null |
			grep -v -e '^cdrom:' -e 'debian-security' |
			grep -E '^[a-z0-9+]+:.*debian' | head -n 1)
	done
	if [ -z "$uri" ]; then
		uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
			/etc/apt/sources.list.d/*.sources 2>/dev/null |
			sed -n -e '/^[[:space:]]*#/d' \
				-e 's/^deb[[:space:]]\+\(\[[^]]*\][[:space:]]*\)\?\([^[:space:]]*\).*/\2/p' \
				-e 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' |
			grep -v -e '^cdrom:' -e 'debian-security' |
			grep -E '^[a-z0-9+]+:.*debian' | head -n 1)
	fi
	if [ -z "$uri" ]; then
		debian_say "no Debian mirror in apt's sources; set FSVA_MIRROR"
		return 1
	fi
	printf '%s/\n' "${uri%/}"
}

debian_keyring() {
	local k

	for k in ${FSVA_KEYRING:+"$FSVA_KEYRING"} \
		/usr/share/keyrings/debian-archive-keyring.gpg \
		/usr/share/keyrings/debian-archive-keyring.pgp; do
		if [ -r "$k" ]; then
			printf '%s\n' "$k"
			return 0
		fi
	done
	debian_say "no keyring: install debian-archive-keyring or set FSVA_KEYRING"
	return 1
}

# debian_root SUITE: print the private apt root of SUITE, written if new.
# The host's apt configuration stays in force (proxies, credentials); what
# would reach outside of the private root is turned off.
debian_root() {
	local suite=$1 cache mirror keyring root suites s new=new.$BASHPID

	case $suite in
	bookworm|trixie|sid) suites=$suite ;;
	# Experimental is no whole suite.  What we take from it is older than
	# sid's libraries, but runs with those of trixie.
	experimental) suites="trixie experimental" ;;
	*)
		debian_say "unknown suite $suite (bookworm, trixie, sid, experimental)"
		return 1
		;;
	esac
	cache=$(debian_cache) && mirror=$(debian_mirror) &&
		keyring=$(debian_keyring) || return 1
	root=$cache/apt/$suite-${FSVA_ARCH:-amd64}
	mkdir -p "$root/lists/partial" "$root/archives/partial" \
		"$root/pool" "$root/tmp" "$root/none" || return 1
	[ -e "$root/status" ] || : >"$root/status"
	for s in $suites; do
		printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$s"
	done >"$root/sources.$new"
	cat >"$root/conf.$new" <<-END
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		#clear DPkg::Pre-Invoke;
		#clear DPkg::Pre-Install-Pkgs;
		#clear Acquire::Languages;
		#clear APT::Architectures;
		Dir::Etc::sourcelist "$root/sources";
		Dir::Etc::sourceparts "$root/none";
		Dir::Etc::preferences "$root/none/preferences";
		Dir::Etc::preferencesparts "$root/none";
		Dir::State "$root";
		Dir::State::lists "$root/lists";
		Dir::State::status "$root/status";
		Dir::State::extended_states "$root/extended_states";
		Dir::Cache "$root";
		Dir::Cache::archives "$root/archives";
		Dir::Cache::pkgcache "$root/pkgcache.bin";
		Dir::Cache::srcpkgcache "$root/srcpkgcache.bin";
		Dir::Log "$root";
		Dir::Log::Terminal "";
		Dir::Log::History "";
		APT::Architecture "${FSVA_ARCH:-amd64}";
		APT::Architectures { "${FSVA_ARCH:-amd64}"; };
		APT::Install-Recommends "false";
		APT::Install-Suggests "false";
		APT::Sandbox::User "root";
		APT::Get::Assume-Yes "true";
		Debug::NoLocking "true";
		Acquire::Languages "none";
		Acquire::Retries "3";
	END
	if ! cmp -s "$root/sources.$new" "$root/sources"; then
		rm -f "$root/updated"
	fi
	mv -f "$root/sources.$new" "$root/sources" &&
		mv -f "$root/conf.$new" "$root/apt.conf" &&
		printf '%s\n' "$root"
}

# debian_lists ROOT [now]: make ROOT's package lists recent.  Under the lock.
debian_lists() {
	local root=$1 log hours=${FSVA_APT_HOURS:-12}

	if [ "${2:-}" != now ] &&
		[ -n "$(find "$root/updated" -mmin "-$((hours * 60))" 2>/dev/null)" ]; then
		return 0
	fi
	log=$root/update.log
	if ! LC_ALL=C apt-get -c "$root/apt.conf" -qq \
		--error-on=any update >"$log" 2>&1; then
		# Old lists are better than none.
		if [ -e "$root/updated" ] && [ "${2:-}" != now ]; then
			debian_say "package lists not refreshed, using old ones: $(
				grep -m 1 '^[EW]:' "$log")"
			return 0
		fi
		debian_say "cannot get package lists: $(
			grep -m 1 '^[EW]:' "$log" || tail -n 1 "$log")"
		return 1
	fi
	rm -rf "$root/memo"
	: >"$root/updated"
}

# debian_locked ROOT COMMAND...: run COMMAND alone on ROOT.
debian_locked() {
	local root=$1

	shift
	(
		flock 9 || exit 1
		"$@"
	) 9>"$root/lock"
}

# debian_memo ROOT COMMAND...: COMMAND's output, remembered until the lists are
# newer: apt takes seconds for each answer.  Under the lock.
debian_memo() {
	local root=$1 memo

	shift
	memo=$root/memo/$(printf '%s\n' "$@" | sha256sum | cut -c 1-16)
	if [ ! -e "$memo" ]; then
		mkdir -p "$root/memo" || return 1
		if ! "$@" >"$memo.new"; then
			rm -f "$memo.new"
			return 1
		fi
		mv -f "$memo.new" "$memo" || return 1
	fi
	cat "$memo"
}

# debian_uris ROOT yes|no PKG...: print "'URI' FILE SIZE HASH" of each package.
debian_uris() {
	local root=$1 deps=$2 p
	local -a names=()

	shift 2
	for p; do
		# From experimental come the named packages, not their libraries.
		case ${root##*/}:$p in
		*:*=*|*:*/*) ;;
		experimental-*) p=$p/experimental ;;
		esac
		names+=("$p")
	done
	if [ "$deps" = yes ]; then
		LC_ALL=C apt-get -c "$root/apt.conf" -qq --print-uris \
			-o Dir::Cache::archives="$root/none" install "${names[@]}"
	else
		LC_ALL=C apt-get -c "$root/apt.conf" -qq --print-uris \
			download "${names[@]}"
	fi
}

# debian_get ROOT DEPS OUTDIR PKG...: one try at a fetch.  Under the lock.
# Returns 2 where newer lists may help.
debian_get() {
	local root=$1 deps=$2 out=$3 uris tmp file size name ver
	local -a want=() all=()

	shift 3
	if ! uris=$(debian_memo "$root" debian_uris "$root" "$deps" "$@" 2>"$root/error.log"); then
		return 2
	fi
	while read -r _ file size _; do
		[ -n "$file" ] || continue
		all+=("$file")
		[ -e "$root/pool/$file" ] &&
			[ "$(stat -c %s "$root/pool/$file")" = "$size" ] && continue
		name=${file%%_*}
		ver=${file#*_}
		ver=${ver%_*}
		want+=("$name=${ver//%3a/:}")
	done <<<"$uris"
	if [ ${#want[@]} -gt 0 ]; then
		# apt checks sizes and hashes; only whole files reach the pool.
		tmp=$(mktemp -d "$root/tmp/get.XXXXXX") || return 1
		if ! (cd "$tmp" && LC_ALL=C apt-get -c "$root/apt.conf" -qq \
			download "${want[@]}") >"$root/error.log" 2>&1; then
			rm -rf "$tmp"
			return 2
		fi
		mv -f "$tmp"/*.deb "$root/pool/" || return 1
		rm -rf "$tmp"
	fi
	for file in "${all[@]}"; do
		[ "$root/pool/$file" -ef "$out/$file" ] && continue
		{ ln -f "$root/pool/$file" "$out/.$file.new" 2>/dev/null ||
			cp "$root/pool/$file" "$out/.$file.new"; } &&
			mv -f "$out/.$file.new" "$out/$file" || return 1
	done
}

debian_fetch_locked() {
	local root=$1 suite rc

	debian_lists "$root" || return 1
	debian_get "$@"
	rc=$?
	[ $rc -eq 2 ] || return $rc
	debian_lists "$root" now || return 1
	debian_get "$@"
	rc=$?
	if [ $rc -eq 2 ]; then
		suite=${root##*/}
		debian_say "${suite%-*}: $(grep -m 1 '^E:' "$root/error.log" ||
			tail -n 1 "$root/error.log")"
	fi
	return $rc
}

# debian_fetch [--deps] SUITE OUTDIR PKG[=VERSION]...
# Put the packages' .deb files (with --deps also those of all that they depend
# on, Recommends aside) into OUTDIR, which is made if need be.
debian_fetch() {
	local deps=no suite out root

	if [ "${1:-}" = --deps ]; then
		deps=yes
		shift
	fi
	if [ $# -lt 3 ]; then
		debian_say "usage: debian_fetch [--deps] SUITE OUTDIR PKG..."
		return 1
	fi
	suite=$1 out=$2
	shift 2
	root=$(debian_root "$suite") || return 1
	if ! mkdir -p "$out" 2>/dev/null || ! [ -w "$out" ]; then
		debian_say "cannot write to $out"
		return 1
	fi
	out=$(cd "$out" && pwd) || return 1
	debian_locked "$root" debian_fetch_locked "$root" "$deps" "$out" "$@"
}

# debian_unpack DEBDIR ROOT: unpack every package of DEBDIR into ROOT.
# Nothing is configured: no maintainer script runs.  ROOT gets a merged /usr.
debian_unpack() {
	local dir=$1 to=$2 deb d

	for d in bin sbin lib lib64; do
		[ -e "$to/$d" ] && continue
		mkdir -p "$to/usr/$d" && ln -s "usr/$d" "$to/$d" || return 1
	done
	for deb in "$dir"/*.deb; do
		if [ ! -e "$deb" ]; then
			debian_say "no package in $dir"
			return 1
		fi
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -f - -C "$to" --keep-directory-symlink \
				--no-same-owner || {
			debian_say "cannot unpack ${deb##*/}"
			return 1
		}
	done
}

debian_show() {
	LC_ALL=C apt-cache -c "$1/apt.conf" --no-all-versions show "$2" \
		2>/dev/null
}

debian_show_locked() {
	debian_lists "$1" && debian_memo "$1" debian_show "$1" "$2"
}

# debian_field SUITE PKG FIELD: print a field of PKG's newest version.
debian_field() {
	local root text

	root=$(debian_root "$1") || return 1
	text=$(debian_locked "$root" debian_show_locked "$root" "$2") || {
		debian_say "$1: no package $2"
		return 1
	}
	sed -n "s/^$3: //p" <<<"$text" | head -n 1
}

# debian_newest_kernel SUITE: print the package that linux-image-amd64 stands
# for, such as linux-image-6.12.48+deb13-amd64.  Its release (uname -r) is what
# follows linux-image-.
debian_newest_kernel() {
	local pkg meta=linux-image-${FSVA_ARCH:-amd64}

	pkg=$(debian_field "$1" "$meta" Depends) || return 1
	pkg=$(grep -o 'linux-image-[0-9][^ ,|(]*' <<<"$pkg" | head -n 1)
	if [ -z "$pkg" ]; then
		debian_say "$1: $meta does not name a kernel"
		return 1
	fi
	printf '%s\n' "$pkg"
}

# debian_kernel_packages SUITE: print the packages that hold the newest
# kernel's files: one up to 6.12, later the image and the modules apart.
debian_kernel_packages() {
	local pkg rel

	pkg=$(debian_newest_kernel "$1") || return 1
	rel=${pkg#linux-image-}
	printf '%s\n' "$pkg"
	debian_field "$1" "$pkg" Depends | tr ',' '\n' | sed 's/^ *//; s/ .*//' |
		grep -xF -e "linux-base-$rel" -e "linux-binary-$rel" -e "linux-modules-$rel" ||
		true
}

# debian_headers_packages SUITE: print the packages that a module build for
# the newest kernel needs; unpacked into one root, KDIR is
# ROOT/usr/src/linux-headers-RELEASE.
debian_headers_packages() {
	local pkg rel

	pkg=$(debian_newest_kernel "$1") || return 1
	rel=${pkg#linux-image-}
	printf '%s\n' "linux-headers-$rel"
	debian_field "$1" "linux-headers-$rel" Depends | tr ',' '\n' |
		sed 's/^ *//; s/ .*//' |
		grep -E '^linux-(headers-.*-common|kbuild-.*)$' || true
}
