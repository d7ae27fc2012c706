# SPDX-License-Identifier: GPL-2.0-only
# File system virtual appliances for Xen.  `make help` says what there is.
#
# Everything that is downloaded or built by these commands, except modules and programs built in place,
# goes to $FSVA_CACHE (default ~/.cache/fsva), which is always safe to delete.

LAB     := tests/lab
CHROOT  := $(LAB)/in-chroot
T       ?=
SECONDS ?= 60

.PHONY: help setup demo test parity bench fuzz lint check install clean
.DEFAULT_GOAL := help

help:
	@echo 'FSVA: file system virtual appliances for Xen'
	@echo
	@echo '  make demo            two pairs on real Xen in QEMU, from nothing; a readable result'
	@echo '  make test            set-up, unit, fuzz-smoke and system tests; N passed, N failed, N skipped'
	@echo '  make test T=NAME     only tests whose name contains NAME (unit/codec, system/ops, ops:test_rename)'
	@echo '       LONG=1 also what takes long; ALL=1 also what tests/system/UNPROVEN lists; AGAIN=0 no second try;'
	@echo '       JOBS=n labs at a time (2);'
	@echo '       FSX_OPS=200000, DIR_ENTRIES=100000: as many as a release should have'
	@echo '  make parity          random calls on a file system and through a pair, compared: SEED=1 OPS=100000 FS="ext4 xfs"'
	@echo '  make fuzz SECONDS=n  the fuzzers, n seconds in all (default 60)'
	@echo '  make bench           benchmarks, side by side in one run; ratios with spread'
	@echo '  make bench T=data    a call'\''s data by a copy and in place, by size'
	@echo '  make bench T=migrate how long a migrating pair is away, against a lone domain: RUNS=10 KIND=pv'
	@echo '  make bench T=ubc     one buffer cache for two domains: the figure and its samples (USER_MB=, FILE_MB=)'
	@echo '  make test T=migrate-soak COUNT=50   a pair goes to and fro between two hosts under load'
	@echo '  make lint            checkpatch, sparse, clang-format, shellcheck, schema'
	@echo '  make setup           only what the others do first: chroot, Xen, kernels, images in the cache'
	@echo '  make install         on a Xen host or in a guest: see docs/admin-guide.md (WHAT=front|back|toolstack|doc)'
	@echo '  make clean           remove what was built in the tree (the cache stays)'
	@echo
	@echo '  $(LAB)/lab help      the interactive rig: lab up|exec|put|get|log|down'
	@echo
	@echo 'Needs root on Debian 12 or 13 and nothing else; the cache is $${FSVA_CACHE:-~/.cache/fsva}.'

setup:
	@$(LAB)/setup

demo: setup
	@tests/demo

test:
	@tests/run $(T)

# SEED, OPS, FS, TABLES: see there
parity: setup
	@tests/parity

bench: setup
	@case '$(T)' in '' | null) tests/bench/null ;; esac
	@case '$(T)' in null) ;; migrate | ubc | data) tests/bench/$(T) ;; *) tests/bench/run $(T) ;; esac

fuzz:
	@$(LAB)/setup chroot
	@$(CHROOT) $(MAKE) -C tests/fuzz run SECONDS=$(SECONDS)

lint:
	@$(LAB)/setup chroot
	@tests/lint

# What an administrator installs.  WHAT names the parts; DESTDIR and KDIR as usual.
WHAT ?= doc
install: $(addprefix install-,$(WHAT))

.PHONY: install-front install-back install-toolstack install-doc
install-front:
	$(MAKE) -C linux-front install
install-back:
	$(MAKE) -C linux-back install
install-toolstack:
	$(MAKE) -C libxl-plugin XEN_SRC="$(XEN_SRC)" install
	$(MAKE) -C xenstore-schema install
install-doc:
	$(MAKE) -C docs install

clean:
	@for d in protocol linux-front linux-back libxl-plugin xenstore-schema tests/unit tests/fuzz \
		tests/hostile tests/programs docs; do \
		if [ -f $$d/Makefile ]; then $(MAKE) -s -C $$d clean || exit 1; fi; \
	done
