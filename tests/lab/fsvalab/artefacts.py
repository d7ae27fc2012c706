# SPDX-License-Identifier: GPL-2.0-only
"""Artefacts of the cache (lib.sh), for Python."""

import os
import subprocess

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TREE = os.path.dirname(os.path.dirname(HERE))
CACHE = os.environ.get("FSVA_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or
    os.path.expanduser("~/.cache"), "fsva")


class ArtefactError(Exception):
    """An artefact could not be built; the builder has said why."""


def get(*names):
    """Directories of artefacts, built if need be."""
    script = '. "$0/lib.sh"; for a; do lab_artefact "$a" || exit 1; done'
    r = subprocess.run(["bash", "-c", script, HERE, *names],
                       stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                       env=dict(os.environ, FSVA_CACHE=CACHE), check=False)
    if r.returncode:
        raise ArtefactError("cannot build " + ", ".join(names))
    return r.stdout.decode().split("\n")[:-1]
