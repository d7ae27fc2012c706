# SPDX-License-Identifier: GPL-2.0-only
# takes 25 minutes
# long
# boot: --host-memory 2560 --dom0-memory 1280
# shellcheck shell=bash disable=SC2034 # TIMEOUT_* are for the runner
# migrate-kinds.sh: what migrate.sh does with a PV pair of the one kernel, with pairs of other kinds and kernels.

# shellcheck source=tests/system/migrate.bash
source "$FSVA_TOP/tests/system/migrate.bash"

TIMEOUT_test_pvh_checkpoint=1800
TIMEOUT_test_pvh_save_restore=1800
TIMEOUT_test_pvh_migrate=1800
TIMEOUT_test_pvh_faults=1800
TIMEOUT_test_pv_on_pvh=1800
TIMEOUT_test_pvh_on_pv=1800
TIMEOUT_test_6_1=1800
TIMEOUT_test_newest=1800
TIMEOUT_test_pvh_6_1=1800
TIMEOUT_test_pvh_newest=1800

file_setup() {
	put_cutssh
}

test_pvh_checkpoint() {
	checkpoint pvh pvh
}

test_pvh_save_restore() {
	save_restore pvh pvh
}

test_pvh_migrate() {
	migrate pvh pvh
}

test_pvh_faults() {
	faults pvh pvh
}

# A user domain of one kind and an appliance of the other.
test_pv_on_pvh() {
	migrate pv pvh
}

test_pvh_on_pv() {
	migrate pvh pv
}

test_6_1() {
	checkpoint pv pv 6.1
	migrate pv pv 6.1
}

test_newest() {
	checkpoint pv pv new
	migrate pv pv new
}

test_pvh_6_1() {
	checkpoint pvh pvh 6.1
	migrate pvh pvh 6.1
}

test_pvh_newest() {
	checkpoint pvh pvh new
	migrate pvh pvh new
}
