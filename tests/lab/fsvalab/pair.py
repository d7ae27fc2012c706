# SPDX-License-Identifier: GPL-2.0-only
"""A user domain with its appliance, as `lab up` and `lab pair` make it."""

import os
import re

from . import agent, artefacts, domain, machine
from .machine import KERNELS
from .state import LabError

FILE_SYSTEMS = ("ext4", "xfs", "btrfs", "bcachefs", "f2fs", "reiserfs", "nfs",
                "none")
# Of an appliance whose kernel is a file of yours: whatever it can mount.
OWN_FILE_SYSTEMS = ("ffs", "lfs")
# Kernels to choose from where none is asked for: not each has each.
DEFAULT_KERNEL = {"reiserfs": "6.1"}


def options(p):
    p.add_argument("--host", type=int, default=1)
    p.add_argument("--domain", default="user", help="the user domain's name")
    p.add_argument("--tag", default="data", help="the appliance's tag")
    p.add_argument("--user", choices=("pv", "pvh"), default="pv")
    p.add_argument("--fsva", choices=("pv", "pvh"), default="pv")
    p.add_argument("--kernel", choices=KERNELS, default="6.12")
    p.add_argument("--fsva-kernel", metavar="K|FILE", help="one of %s, or a "
                   "kernel of your own, which boots from --fsva-disk" %
                   ", ".join(KERNELS))
    p.add_argument("--fsva-disk", metavar="FILE", help="image of the root "
                   "disk of an appliance of your own, xvda; dom0's /dev/vdc")
    p.add_argument("--fsva-data", metavar="FILE", help="image to begin with "
                   "on --disk, the second disk of such an appliance")
    p.add_argument("--fsva-dev", default="/dev/xvda",
                   help="what it calls the disk with the file system")
    p.add_argument("--fs", choices=FILE_SYSTEMS + OWN_FILE_SYSTEMS,
                   default=None)
    p.add_argument("--disk", default="/dev/vdb", help="dom0's, for the "
                   "appliance; made anew if blank")
    p.add_argument("--memory", type=int, default=384, metavar="MB")
    p.add_argument("--fsva-memory", type=int, metavar="MB",
                   help="default: what its appliance.cfg says")
    p.add_argument("--vcpus", type=int, default=1)
    p.add_argument("--extra", default="", help="user kernel's arguments")
    p.add_argument("--fsva-extra", default="",
                   help="appliance kernel's arguments")
    p.add_argument("--fsva-keys", default="", metavar="K=V,...",
                   help="more for the fsva= entry")
    p.add_argument("--fsva-no-net", action="store_true", help="no network "
                   "interface of the lab's for the appliance, as an "
                   "administrator has it: it takes no `lab exec` then")
    p.add_argument("--options", default="", help="mount options")
    p.add_argument("--config", action="append", default=[], metavar="LINE",
                   help="one more line for the user domain's xl.cfg")
    p.add_argument("--no-mount", action="store_true")


def appliance_files(lab, fs, kernel):
    """Put an appliance into dom0's /lab; returns the text of its config."""
    made, = artefacts.get("appliance.%s.%s" % (fs, kernel))
    for name in ("vmlinuz", "initramfs.img"):
        machine.place([os.path.join(made, name)], lab, "appliance",
                      "%s-%s" % (fs, kernel), name)
    with open(os.path.join(made, "appliance.cfg"), encoding="utf-8") as f:
        return f.read()


def set_key(text, key, value):
    """The config with key set to value (already quoted)."""
    text = re.sub(r"(?m)^\s*%s\s*=.*\n" % key, "", text)
    return text + "%s = %s\n" % (key, value)


def own_kernel(args):
    """Is the appliance's kernel a file of the user's?"""
    return args.fsva_kernel and args.fsva_kernel not in KERNELS


def own_config(lab, host, name, args):
    """The xl.cfg of an appliance whose kernel and root are files."""
    if not args.fsva_disk:
        raise LabError("--fsva-kernel FILE needs --fsva-disk FILE")
    disks = []
    for path, disk, dev in ((args.fsva_disk, "/dev/vdc", "xvda"),
                            (args.fsva_data, args.disk, "xvdb")):
        if path:
            machine.place([path], lab, "own", dev)
            status, out, err = agent.output(
                host["port"], ["dd", "if=/lab/own/" + dev, "of=" + disk,
                               "bs=1M", "conv=fsync"], timeout=300)
            if status:
                raise LabError("cannot fill %s: %s" % (disk, out + err))
        disks.append("phy:%s,%s,w" % (disk, dev))
    machine.place([args.fsva_kernel], lab, "own", "kernel")
    return "\n".join([
        'name = "%s"' % name, 'type = "%s"' % args.fsva,
        'kernel = "/lab/own/kernel"', 'extra = "%s"' % args.fsva_extra,
        "memory = %d" % (args.fsva_memory or 128), "vcpus = 1",
        "disk = %s" % domain.xl_list(disks), 'on_crash = "destroy"']) + "\n"


def appliance_config(lab, host, name, args):
    """The xl.cfg of an appliance for `lab up`'s arguments."""
    if own_kernel(args):
        return own_config(lab, host, name, args)
    kernel = args.fsva_kernel or DEFAULT_KERNEL.get(args.fs, "6.12")
    text = appliance_files(lab, args.fs, kernel)
    extra = re.search(r'(?m)^extra\s*=\s*"(.*)"', text)
    words = extra.group(1) if extra else "console=hvc0"
    text = set_key(text, "name", '"%s"' % name)
    text = set_key(text, "type", '"%s"' % args.fsva)
    if args.fsva_memory:
        text = set_key(text, "memory", "%d" % args.fsva_memory)
    if args.fs != "nfs":
        text = set_key(text, "disk", domain.xl_list(
            ["phy:%s,xvda,w" % args.disk]))
        words += " fsva.mkfs=/dev/xvda"
    if args.fsva_extra:
        words += " " + args.fsva_extra
    text = set_key(text, "extra", '"%s"' % words)
    if args.fsva_no_net:
        return text
    return set_key(text, "vif", domain.xl_list(
        ["mac=%s,bridge=xenbr0" % lab.new_mac()]))


def default_fs():
    """ext4 once the parts that make a pair are in the tree."""
    parts = ("appliance/build", "libxl-plugin/Makefile",
             "linux-front/Makefile", "linux-back/Makefile")
    return "ext4" if all(os.path.exists(os.path.join(artefacts.TREE, p))
                         for p in parts) else "none"


def create(lab, host, args):
    """Create the domains, wait for them, mount the tag at /mnt/TAG."""
    args.fs = args.fs or default_fs()
    machine.share_kernel(lab, args.kernel)
    fsva = []
    if args.fs != "none":
        path = "/etc/xen/%s.%s.cfg" % (args.domain, args.tag)
        domain.write(host, path, appliance_config(
            lab, host, "%s.%s" % (args.domain, args.tag), args))
        entry = "tag=%s, appliance=%s, fs=%s" % (args.tag, path, args.fs)
        # emulated, and perhaps on a busy machine: four times the default
        if "timeout=" not in args.fsva_keys:
            entry += ", timeout=240"
        if args.fs != "nfs":
            entry += ", dev=" + args.fsva_dev
        if args.fsva_keys:
            entry += ", " + args.fsva_keys
        fsva = [entry]
    config = domain.user_config(lab, args.domain, args.user, args.kernel,
                                args.memory, args.vcpus, fsva, args.extra)
    config += "".join(line + "\n" for line in args.config)
    name = domain.create(host, config)
    domain.wait(host, name)
    if fsva and not args.no_mount:
        mount(host, name, args)


def mount(host, name, args):
    """Mount the tag in the user domain."""
    where = "/mnt/" + args.tag
    command = ["mount", "-t", "fsva"]
    if args.options:
        command += ["-o", args.options]
    status, out, err = agent.output(
        host["port"], ["sh", "-ec", 'mkdir -p "$0"; "$@" "$0"', where,
                       *command, args.tag], name, timeout=120)
    if status:
        raise LabError("%s in %s failed (%d): %s" % (
            " ".join(command + [args.tag, where]), name, status,
            (out + err).strip()))
