# SPDX-License-Identifier: GPL-2.0-only
"""What is known about a running lab: one directory in the cache per lab.

    CACHE/run/NAME/lab.json     hosts (process, port), next address
                   share/       what dom0 sees as /lab
                   N/           host N: console.log, disks, sockets
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time

from . import artefacts


class LabError(Exception):
    """For the user: one line."""


class Lab:
    """A lab by name; nothing needs to run."""

    def __init__(self, name):
        if not name or not name.replace("-", "").replace("_", "").isalnum():
            raise LabError("bad lab name: %r" % name)
        self.name = name
        self.dir = os.path.join(artefacts.CACHE, "run", name)
        self.share = os.path.join(self.dir, "share")

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    @contextlib.contextmanager
    def locked(self):
        """Alone on the state; yields it, writes it back."""
        os.makedirs(self.dir, exist_ok=True)
        with open(self.path("lock"), "w", encoding="ascii") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            state = self.load()
            yield state
            if os.path.isdir(self.dir):
                with open(self.path("lab.json.new"), "w",
                          encoding="ascii") as g:
                    json.dump(state, g, indent=1)
                os.rename(self.path("lab.json.new"), self.path("lab.json"))

    def load(self):
        try:
            with open(self.path("lab.json"), encoding="ascii") as f:
                return json.load(f)
        except FileNotFoundError:
            return {"hosts": [], "address": 1}

    def hosts(self):
        """Hosts whose QEMU runs."""
        return [h for h in self.load()["hosts"] if alive(h)]

    def host(self, number=1):
        for h in self.load()["hosts"]:
            if h["number"] == number:
                if not alive(h):
                    raise LabError("host %d of lab %s has died (lab log)" %
                                   (number, self.name))
                return h
        raise LabError("lab %s has no host %d; start it with `lab up` or "
                       "`lab boot`" % (self.name, number))

    def new_mac(self):
        """An address for a guest, not used before in this lab."""
        with self.locked() as state:
            n = state["address"]
            state["address"] = n + 1
        if n >= 0xfe00:
            raise LabError("out of addresses")
        return "00:16:3e:77:%02x:%02x" % (n >> 8, n & 255)

    def down(self):
        """End every process of the lab and forget it."""
        if not os.path.isdir(self.dir):
            return False
        for h in self.load()["hosts"]:
            kill(h)
        shutil.rmtree(self.dir, ignore_errors=True)
        return True


def patience(seconds):
    """A time limit for something that computes, on a machine with other work:
    a hang is told from a slow boot by what an idle machine would need."""
    return seconds * max(1, os.getloadavg()[0] / os.cpu_count())


def all_labs():
    top = os.path.join(artefacts.CACHE, "run")
    if not os.path.isdir(top):
        return []
    return [Lab(n) for n in sorted(os.listdir(top))]


def start_time(pid):
    """When process pid started, or None: tells it from a later namesake."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii",
                  errors="replace") as f:
            fields = f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def alive(host):
    return host["started"] is not None and \
        start_time(host["pid"]) == host["started"]


def kill(host):
    """End a host's process group, surely."""
    if not alive(host):
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(host["pid"], signal.SIGKILL)
    for _ in range(100):
        if not alive(host):
            return
        time.sleep(0.05)
