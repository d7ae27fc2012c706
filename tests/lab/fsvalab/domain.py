# SPDX-License-Identifier: GPL-2.0-only
"""Domains of a lab: their xl configs, creation, waiting, consoles."""

import re
import time

from . import agent
from .state import LabError, patience

GUEST_SECONDS = 120
PANIC = re.compile(r"Kernel panic|lab: no root disk|Attempted to kill init")


def user_config(lab, name, kind, kernel, memory, vcpus=1, fsva=(), extra="",
                disks=(), root=True):
    """The xl.cfg of a user domain."""
    disk = ["phy:/dev/vda,xvda,r"] if root else []
    words = "console=hvc0 quiet sysrq_always_enabled lab.name=%s%s" % (
        name, "" if root else " lab.root=none")
    lines = [
        'name = "%s"' % name,
        'type = "%s"' % kind,
        'kernel = "/lab/%s/vmlinuz"' % kernel,
        'ramdisk = "/lab/%s/user.img"' % kernel,
        'extra = "%s"' % (words + (" " + extra if extra else "")),
        "memory = %d" % memory,
        "vcpus = %d" % vcpus,
        "disk = %s" % xl_list(disk + list(disks)),
        "vif = %s" % xl_list(["mac=%s,bridge=xenbr0" % lab.new_mac()]),
    ]
    if fsva:
        lines.append("fsva = %s" % xl_list(fsva))
    return "\n".join(lines) + "\n"


def xl_list(items):
    """Strings as xl's config has them: what has a double quote in single ones."""
    return "[ %s ]" % ", ".join(
        "'%s'" % i if '"' in i else '"%s"' % i for i in items)


def write(host, path, text, mode="644"):
    """A small file in dom0."""
    if isinstance(text, str):
        text = text.encode()
    status, _, err = agent.output(
        host["port"],
        ["sh", "-ec", 'mkdir -p "$(dirname "$0")"; cat >"$0"; chmod "$1" "$0"',
         path, mode], stdin=text)
    if status:
        raise LabError("cannot write %s in dom0: %s" % (path, err.strip()))


def create(host, config, seconds=400):
    """xl create of the config text; returns the domain's name."""
    name = re.search(r'^\s*name\s*=\s*"([^"]+)"', config, re.M)
    if not name:
        raise LabError("the config has no name")
    name = name.group(1)
    path = "/etc/xen/%s.cfg" % name
    write(host, path, config)
    # what an earlier domain of this name said, its panic too, is not of this
    agent.output(host["port"],
                 ["sh", "-c", 'cd /var/log/xen/console && rm -f '
                  '"guest-$0.log" "guest-$0".*.log', name])
    status, out, err = agent.output(host["port"], ["xl", "create", path],
                                    timeout=patience(seconds))
    if status:
        raise LabError("xl create %s failed (%d):\n%s" %
                       (path, status, (out + err).strip()))
    return name


def wait(host, name, seconds=GUEST_SECONDS):
    """Wait until the domain answers; a crash ends it at once."""
    start = time.monotonic()
    while True:
        try:
            status, _, _ = agent.output(host["port"], ["true"], name,
                                        timeout=patience(10))
            if status == 0:
                return
        except agent.AgentError as e:
            why = str(e)
        text = console(host, name)
        if PANIC.search(text):
            why = PANIC.search(text).group()
        elif "no domain is called" not in why and \
                time.monotonic() < start + patience(seconds):
            time.sleep(0.2)
            continue
        raise LabError("%s did not come up: %s; its console ends:\n%s" %
                       (name, why, "\n".join(text.splitlines()[-40:])))


def console(host, name):
    """What xenconsoled has logged of a domain."""
    _, out, _ = agent.output(
        host["port"],
        ["sh", "-c", 'cat "/var/log/xen/console/guest-$0.log" 2>/dev/null',
         name])
    return out


def names(host):
    """Names of the domains on a host, without dom0."""
    _, out, _ = agent.output(host["port"], ["xl", "list"])
    return [line.split()[0] for line in out.splitlines()[1:]
            if not line.startswith("Domain-0 ")]
