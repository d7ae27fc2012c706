# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # mkfs and environment come from the appliance's file
# both.bash: for tests that compare: a file system, and the same through a pair, in one domain.

# both FS [MEMORY]: /mnt/data is the pair's, /mnt/native the kernel's own, on a disk that the appliance has made, as
# it makes its own.  With fsva.debug the appliance keeps its tools.
both() {
	local fs=$1 mkfs environment=
	dom0_sh 'for d in user user.data; do xl destroy $d 2>/dev/null; done; blkdiscard /dev/vdb; blkdiscard /dev/vdd'
	lab pair --user pv --fsva pv --kernel 6.12 --fs "$fs" --memory "${2:-512}" \
		--fsva-memory 320 --fsva-extra fsva.debug --options strictatime
	mkfs=$(. "$FSVA_TOP/appliance/fs/$fs" && echo "env $environment /fsva/bin/$mkfs")
	dom0 xl block-attach user.data phy:/dev/vdd,xvdb,w
	fsva_sh "n=0; until [ -b /dev/xvdb ]; do n=\$((n + 1)); [ \$n -lt 100 ]; sleep 0.2; done; $mkfs /dev/xvdb"
	dom0 xl block-detach user.data xvdb
	dom0 xl block-attach user phy:/dev/vdd,xvdb,w
	eventually 20 user test -b /dev/xvdb
	user_sh "mkdir -p /mnt/native; mount -t $fs -o strictatime /dev/xvdb /mnt/native; chmod 755 /mnt/native /mnt/data"
	"$FSVA_TOP/tests/programs/put" user
}
