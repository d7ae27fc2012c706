# SPDX-License-Identifier: GPL-2.0-only
"""A host: Xen and dom0 in QEMU."""

import os
import re
import shutil
import socket
import subprocess
import time

from . import agent, artefacts
from .state import LabError, alive, kill, patience, start_time

KERNELS = ("6.1", "6.12", "new")
BOOT_SECONDS = 120
# What a host says when it will not come up or go on.
PANIC = re.compile(rb"Panic on CPU|Kernel panic|Xen BUG at|FATAL TRAP|"
                   rb"FATAL PAGE FAULT|Unable to mount root|"
                   rb"lab: xenstored failed")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def share_kernel(lab, kernel):
    """Put what a user domain boots from into dom0's /lab, as it is now."""
    base, payload = artefacts.get("guest-base." + kernel,
                                  "user-payload." + kernel)
    place([os.path.join(base, "vmlinux")], lab, kernel, "vmlinuz")
    place([os.path.join(base, "cpio"), os.path.join(payload, "cpio")],
          lab, kernel, "user.img")


def place(paths, lab, *to):
    """The files one after the other as /lab/TO in dom0, when they changed."""
    dest = os.path.join(lab.share, *to)
    os.makedirs(os.path.dirname(dest), exist_ok=True)
    stamp = "\n".join(paths)
    try:
        if os.path.exists(dest) and os.readlink(dest + ".from") == stamp:
            return
    except OSError:
        pass
    temp = "%s.%d" % (dest, os.getpid())
    if len(paths) == 1:
        try:
            os.link(paths[0], temp)
        except OSError:
            shutil.copyfile(paths[0], temp)
    else:
        with open(temp, "wb") as out:
            for path in paths:
                with open(path, "rb") as f:
                    shutil.copyfileobj(f, out)
    os.rename(temp, dest)
    # the link's target is only a note of what the file was made from
    note = "%s.from.%d" % (dest, os.getpid())
    os.symlink(stamp, note)
    os.rename(note, dest + ".from")


def accel():
    """tcg, unless LAB_ACCEL says otherwise: nested KVM seldom runs Xen."""
    return "kvm" if os.environ.get("LAB_ACCEL") == "kvm" else "tcg,thread=multi"


def command(lab, number, opts, port, parts):
    """QEMU's command line."""
    here = lab.path(str(number))
    xen = ("console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all "
           "dom0_mem=%dM,max:%dM dom0_max_vcpus=1 cpuidle=off mwait-idle=off "
           "noreboot bootscrub=0" % (opts["dom0_memory"], opts["dom0_memory"]))
    linux = "console=hvc0 quiet rdinit=/init lab.host=%d" % number
    for extra, word in (("LAB_XEN_ARGS", 0), ("LAB_DOM0_ARGS", 1)):
        if os.environ.get(extra):
            if word:
                linux += " " + os.environ[extra]
            else:
                xen += " " + os.environ[extra]
    cmd = ["nice", "-n", os.environ.get("LAB_NICE", "0"),
           "qemu-system-x86_64", "-accel", accel(),
           "-cpu", "host" if accel() == "kvm" else
           # rdrand: without it guests wait minutes for entropy
           "qemu64,+svm,+npt,+monitor,+rdrand,+rdseed",
           "-m", str(opts["host_memory"]), "-smp", str(opts["cpus"]),
           "-display", "none", "-monitor", "none", "-no-reboot",
           "-kernel", os.path.join(parts["hypervisor"], "xen"),
           "-append", xen,
           "-initrd", "%s %s,%s" % (os.path.join(parts["dom0"], "vmlinuz"),
                                    linux, os.path.join(parts["dom0"], "img")),
           "-chardev", "socket,id=con,server=on,wait=off,path=%s/console.sock,"
           "logfile=%s/console.log" % (here, here),
           "-serial", "chardev:con",
           "-netdev", "user,id=lab,restrict=on,hostfwd=tcp:127.0.0.1:%d"
           "-10.0.2.15:22" % port,
           "-device", "virtio-net-pci,netdev=lab,romfile=,"
           "mac=52:54:00:77:00:%02x" % number,
           "-virtfs", "local,path=%s,mount_tag=lab,security_model=none,"
           "readonly=on,multidevs=remap" % lab.share,
           "-drive", "file=%s/root.ext4,format=raw,readonly=on,if=virtio,"
           "cache=unsafe" % parts["user-root"]]
    for i in range(opts["disks"]):
        # All hosts have the same disks, as migration needs it.  What one
        # wrote is in this machine's page cache when the other reads.
        disk = os.path.join(lab.path("1"), "disk%d" % i)
        if number == 1:
            with open(disk, "wb") as f:
                f.truncate(opts["disk_gb"] << 30)
        cmd += ["-drive", "file=%s,format=raw,if=virtio,cache=unsafe,"
                "discard=unmap%s" % (disk, ",file.locking=off"
                                     if opts["hosts"] > 1 else "")]
    if opts["hosts"] > 1:
        # Big frames: a 1500-octet wire costs four times as much under TCG.
        cmd += ["-netdev", "stream,id=peer,server=%s,addr.type=unix,"
                "addr.path=%s%s" % (
                    "on" if number == 1 else "off", lab.path("wire"),
                    "" if number == 1 else ",reconnect-ms=500"),
                "-device", "virtio-net-pci,netdev=peer,host_mtu=60000,"
                "romfile=,mac=52:54:00:78:00:%02x" % number]
    return cmd


def boot(lab, number, opts):
    """Start host number; returns when its labd will be waited for."""
    names = ["chroot", "hypervisor", "dom0", "user-root"]
    parts = dict(zip(names, artefacts.get(*names)))
    os.makedirs(lab.path(str(number)), exist_ok=True)
    port = free_port()
    cmd = command(lab, number, opts, port, parts)
    with open(lab.path(str(number), "qemu.log"), "wb") as log:
        # lib.sh's chroot_run: own mounts and processes, killed as one
        p = subprocess.Popen(
            ["bash", "-c", '. "$0/lib.sh"; chroot_run "$@"',
             artefacts.HERE, parts["chroot"], *cmd],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            env=dict(os.environ, FSVA_CACHE=artefacts.CACHE),
            start_new_session=True)
    host = {"number": number, "pid": p.pid, "port": port,
            "started": start_time(p.pid)}
    with lab.locked() as state:
        state["hosts"] = [h for h in state["hosts"]
                          if h["number"] != number] + [host]
    return host


def wait(lab, host, seconds=BOOT_SECONDS):
    """Wait until dom0 answers; a panic or a dead QEMU ends it at once."""
    start = time.monotonic()
    log = lab.path(str(host["number"]), "console.log")
    while True:
        try:
            status, _, _ = agent.output(host["port"], ["true"],
                                        timeout=patience(5))
            if status == 0:
                return
        except agent.AgentError:
            pass
        why = None
        text = read_tail(log, 1 << 20)
        if not alive(host):
            why = "QEMU ended"
        elif PANIC.search(text):
            why = PANIC.search(text).group().decode()
        elif time.monotonic() > start + patience(seconds):
            why = "no answer after %d s" % (time.monotonic() - start)
        if why:
            kill(host)
            tail = read_tail(log, 1 << 20).decode(errors="replace")
            tail += read_tail(lab.path(str(host["number"]), "qemu.log"),
                              2000).decode(errors="replace")
            raise LabError("host %d did not boot: %s; its console ends:\n%s" %
                           (host["number"], why,
                            "\n".join(tail.splitlines()[-40:])))
        time.sleep(0.2)


def read_tail(path, size):
    try:
        with open(path, "rb") as f:
            f.seek(0, 2)
            f.seek(max(0, f.tell() - size))
            return f.read()
    except FileNotFoundError:
        return b""
