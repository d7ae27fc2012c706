#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Drive the back's handlers through /dev/fsva-loop and say what is wrong."""
import ctypes, errno, fcntl, os, random, stat, struct, sys, threading, time

DEV = "/dev/fsva-loop"
CALL = ord('F') << 8 | 1
OPS = dict(null_call=1, session=2, cred_set=3, mount=8, unmount=9, remount=10, statfs=11, syncfs=12, freeze=13, thaw=14,
           show_options=15, lookup=16, getattr=17, setattr=18, create=19, mknod=20, mkdir=21, rmdir=22, link=23,
           unlink=24, symlink=25, readlink=26, rename=27, tmpfile=28, permission=29, dirty_inode=30, write_inode=31,
           dentry_validate=32, dentry_release=33, truncate=34, open=40, release=41, flush=42, fsync=43, seek=44,
           readdir=45, read=46, write=47, fallocate=48, copy_range=49, remap_range=50, fadvise=51, getxattr=64,
           setxattr=65, listxattr=66, removexattr=67)
ATTR = struct.Struct("<QQQQ" + "qII" * 4 + "QQ" + "I" * 12)
CAP_ALL = 0x3fff

class Err(Exception):
    def __init__(self, op, e):
        super().__init__("%s: %s" % (op, errno.errorcode.get(e, e)))
        self.errno = e

def attr(b):
    v = ATTR.unpack_from(b)
    names = ("ino size blocks change at_s at_n _ mt_s mt_n _ ct_s ct_n _ bt_s bt_n _ attributes amask mode nlink uid gid "
             "rmaj rmin blksize gen flags valid dma doa").split()
    return dict(zip(names, v))

class Session:
    def __init__(self):
        self.fd = os.open(DEV, os.O_RDWR)
        self.id = 0
        self.lock = threading.Lock()
        self.tags = list(range(128))
    def close(self):
        os.close(self.fd)
    def call(self, op, body=b"", data=b"", out_len=0, cred=1, umask=0, flags=0, data_len=None, off=0, opnr=None, raw=False):
        with self.lock:
            self.id += 1
            nr = self.id
            tag = self.tags.pop()
        if data_len is None:
            data_len = len(data) if data else out_len
        req = struct.pack("<QHHHHIHHH6x", nr, OPS[op] if opnr is None else opnr, tag, cred, flags, data_len,
                          off if data_len else 0, 0, umask)
        req += body.ljust(416, b"\0") + b"\0" * 64
        buf = bytearray(req + b"\0" * 512 + (b"\0" * off + data).ljust(4096, b"\0"))
        try:
            fcntl.ioctl(self.fd, CALL, buf, True) if len(buf) <= 1024 else self._ioctl(buf)
        finally:
            with self.lock:
                self.tags.append(tag)
        rid, rop, rtag, error, rlen, rflags = struct.unpack_from("<QHHIII", buf, 512)
        assert rid == nr and rtag == tag, "answer to another request"
        if raw:
            return error, bytes(buf[544:544 + 416]), rlen
        if error:
            raise Err(op, error)
        return bytes(buf[544:544 + 416]), bytes(buf[1024 + off:1024 + off + rlen]), rlen
    def _ioctl(self, buf):
        c = (ctypes.c_char * len(buf)).from_buffer(buf)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ioctl(self.fd, ctypes.c_ulong(CALL), c) < 0:
            e = ctypes.get_errno()
            raise OSError(e, os.strerror(e))

def name(d, n):
    if isinstance(n, str):
        n = n.encode()
    return struct.pack("<QH6x", d, len(n)) + n.ljust(256, b"\0")

class FS(Session):
    def start(self, options=b"", flags=0):
        self.call("session", struct.pack("<QQQH6x", 0x1234, 0, 1, 0), cred=0)
        self.cred(1, 0, 0, [], CAP_ALL)
        self.mount(options, flags)
        return self
    def cred(self, i, uid, gid, groups, caps):
        self.call("cred_set", struct.pack("<IIIIQ", i, uid, gid, len(groups), caps),
                  b"".join(struct.pack("<I", g) for g in groups), cred=0)
    def mount(self, options=b"", flags=0):
        r = self.call("mount", struct.pack("<II", flags, 0), options)[0]
        self.root, self.rootimpl = struct.unpack_from("<QI", r)
        self.mnt = r[176:]
        self.mflags, = struct.unpack_from("<I", r, 176 + 16 + 8 + 32 + 16)
        self.held = {self.root: 1}
    def umount(self):
        self.call("unmount", b"")
    def entry(self, r):
        h, impl = struct.unpack_from("<QI", r)
        self.held[h] = self.held.get(h, 0) + 1
        return h, impl, attr(r[16:])
    def lookup(self, d, n, **k):
        return self.entry(self.call("lookup", name(d, n), **k)[0])
    def getattr(self, h, fh=0, **k):
        return attr(self.call("getattr", struct.pack("<QQII", h, fh, 0xfff, 0), **k)[0])
    def create(self, d, n, mode=0o644, flags=1, oflags=0, **k):
        r = self.call("create", name(d, n) + struct.pack("<IIII", mode, flags, oflags, 0), **k)[0]
        return self.entry(r) + (struct.unpack_from("<Q", r, 336)[0],)
    def mkdir(self, d, n, mode=0o755, **k):
        return self.entry(self.call("mkdir", name(d, n) + struct.pack("<II", mode, 0), **k)[0])
    def mknod(self, d, n, mode, maj=0, min=0, **k):
        return self.entry(self.call("mknod", name(d, n) + struct.pack("<IIII", mode, maj, min, 0), **k)[0])
    def symlink(self, d, n, t, **k):
        return self.entry(self.call("symlink", name(d, n), t, **k)[0])
    def readlink(self, h):
        return self.call("readlink", struct.pack("<Q", h), out_len=4096)[1]
    def link(self, d, n, h, **k):
        return self.entry(self.call("link", name(d, n) + struct.pack("<Q", h), **k)[0])
    def unlink(self, d, n, h, op="unlink", **k):
        r = self.call(op, name(d, n) + struct.pack("<Q", h), **k)[0]
        return attr(r), attr(r[160:])
    def rmdir(self, d, n, h, **k):
        return self.unlink(d, n, h, "rmdir", **k)
    def rename(self, d, n, h, d2, n2, h2=0, flags=0, **k):
        n2 = n2.encode() if isinstance(n2, str) else n2
        return self.call("rename", name(d, n) + struct.pack("<QQQII", d2, h, h2, flags, 0), n2, **k)
    def setattr(self, h, valid, fh=0, size=0, mode=0, uid=0, gid=0, at=(0, 0), mt=(0, 0), **k):
        b = struct.pack("<QQQqIIqIIqIIIIII", h, fh, size, at[0], at[1], 0, mt[0], mt[1], 0, 0, 0, 0, valid, mode, uid, gid)
        return attr(self.call("setattr", b, **k)[0])
    def open(self, h, flags=0, **k):
        r = self.call("open", struct.pack("<QII", h, flags, 0), **k)[0]
        return struct.unpack_from("<Q", r)[0]
    def release(self, fh):
        self.call("release", struct.pack("<QQ", fh, 0), cred=0)
    def write(self, fh, off, data, flags=0, **k):
        r, _, n = self.call("write", struct.pack("<QQI12x", fh, off, flags), data, **k)
        return n, struct.unpack_from("<Q", r)[0], attr(r[8:])
    def read(self, fh, off, n, flags=0, **k):
        return self.call("read", struct.pack("<QQI12x", fh, off, flags), out_len=n, **k)[1]
    def readdir(self, fh, size=4096):
        out, cookie = [], 0
        while True:
            r, d, n = self.call("readdir", struct.pack("<QQ", fh, cookie), out_len=size)
            nxt, nr, eof = struct.unpack_from("<QII", r)
            pos = got = 0
            while pos < n:
                ino, no, ln, ty = struct.unpack_from("<QQHB", d, pos)
                out.append((d[pos + 24:pos + 24 + ln], ino, ty, no))
                pos += (24 + ln + 7) & ~7
                got += 1
            assert got == nr, (got, nr)
            if eof or not nr:
                assert eof, "no entries and no end"
                return out
            assert out[-1][3] == nxt, "next differs from the last entry's"
            cookie = nxt
    def forget(self, h=None):
        for x, n in ([(h, self.held[h])] if h else list(self.held.items())):
            self.call("dentry_release", struct.pack("<QQ", x, n), cred=0)
            del self.held[x]

def stats():
    return dict((l.split()[0], int(l.split()[1])) for l in open("/sys/kernel/debug/fsva/back/0-0/stats"))

failed = []
passed = 0
def check(what, ok, more=""):
    global passed
    if ok:
        passed += 1
    else:
        failed.append(what)
        print("FAIL %s %s" % (what, more))
def expect(what, e, f, *a, **k):
    try:
        f(*a, **k)
    except Err as x:
        check(what, x.errno == e, x)
        return
    check(what, e == 0, "worked")

def basics(f):
    r = f.root
    h, impl, a, fh = f.create(r, "f", 0o644, 3, 2)
    check("create mode", a["mode"] == stat.S_IFREG | 0o644, oct(a["mode"]))
    expect("create EXCL again", errno.EEXIST, f.create, r, "f")
    h2, _, _, fh2 = f.create(r, "f", 0o600, 2, 0)
    check("create without EXCL finds it", h2 == h)
    f.release(fh2)
    n, off, a = f.write(fh, 0, b"hello world")
    check("write", n == 11 and off == 0 and a["size"] == 11, (n, off, a["size"]))
    n, off, a = f.write(fh, 0, b"++", flags=1)
    check("append", off == 11 and a["size"] == 13, (off, a["size"]))
    check("read", f.read(fh, 0, 100) == b"hello world++")
    check("read at end", f.read(fh, 13, 100) == b"")
    big = os.urandom(4000)
    f.write(fh, 5 << 30, big)
    check("beyond 4 GiB", f.read(fh, 5 << 30, 4096) == big)
    check("hole", f.read(fh, 1 << 20, 4096) == b"\0" * 4096)
    a = f.setattr(h, 8 | 0x20 | 0x40, size=5)
    check("truncate", a["size"] == 5 and f.read(fh, 0, 100) == b"hello")
    a = f.setattr(h, 8, fh=fh, size=100)
    check("ftruncate", a["size"] == 100)
    expect("fsync", 0, f.call, "fsync", struct.pack("<QQQII", fh, 0, 0x7fffffffffffffff, 0, 0))
    ro = f.open(h, 0)
    expect("write to a read-only file", errno.EBADF, f.write, ro, 0, b"x")
    f.release(ro)
    wo = f.open(h, 1)
    expect("read of a write-only file", errno.EBADF, f.read, wo, 0, 10)
    check("page read of a write-only file", f.read(wo, 0, 5, flags=0x40) == b"hello")
    f.release(wo)
    expect("release twice", errno.EBADF, f.release, wo)
    a = f.setattr(h, 1, mode=0o4755)
    check("chmod", a["mode"] & 0o7777 == 0o4755)
    a = f.setattr(h, 0x20 | 0x10 | 0x80 | 0x100, at=(1000, 5), mt=(-5, 7))
    check("utimes", a["at_s"] == 1000 and a["mt_s"] in (-5, 0), (a["at_s"], a["mt_s"]))
    d, _, da = f.mkdir(r, "d", 0o777, umask=0o022)
    check("mkdir with umask", da["mode"] == stat.S_IFDIR | 0o755, oct(da["mode"]))
    expect("mkdir again", errno.EEXIST, f.mkdir, r, "d")
    lh, _, la = f.link(d, "l", h)
    check("link", lh == h and la["nlink"] == 2, la["nlink"])
    expect("link over", errno.EEXIST, f.link, d, "l", h)
    expect("link of a directory", errno.EPERM, f.link, r, "dd", d)
    s, _, sa = f.symlink(d, "s", b"../some/where" * 50)
    check("readlink", f.readlink(s) == b"../some/where" * 50)
    expect("readlink of a file", errno.EINVAL, f.readlink, h)
    m, _, ma = f.mknod(d, "p", stat.S_IFIFO | 0o600)
    check("fifo", stat.S_ISFIFO(ma["mode"]))
    c, _, ca = f.mknod(d, "c", stat.S_IFCHR | 0o600, 1, 3)
    check("device", stat.S_ISCHR(ca["mode"]) and (ca["rmaj"], ca["rmin"]) == (1, 3))
    expect("open of a device", errno.ENXIO, f.open, c)
    expect("lookup of nothing", errno.ENOENT, f.lookup, r, "nothing")
    expect("lookup in a file", errno.ENOTDIR, f.lookup, h, "x")
    expect("rmdir of a full one", errno.ENOTEMPTY, f.rmdir, r, "d", d)
    expect("unlink of a directory", errno.EISDIR, f.unlink, r, "d", d)
    expect("rmdir of a file", errno.ENOTDIR, f.rmdir, r, "f", h)
    expect("unlink of another", errno.ESTALE, f.unlink, d, "s", h)
    expect("unlink of nothing", errno.ENOENT, f.unlink, d, "zz", h)
    f.rename(r, "f", h, d, "g")
    check("rename", f.lookup(d, "g")[0] == h)
    expect("renamed away", errno.ENOENT, f.lookup, r, "f")
    expect("rename over unbelieved", errno.ESTALE, f.rename, d, "g", h, d, "s")
    expect("rename of nothing", errno.ENOENT, f.rename, r, "f", h, d, "t")
    expect("rename into itself", errno.EINVAL, f.rename, r, "d", d, d, "x")
    try:
        f.rename(d, "p", m, d, "c", c, flags=2)
        check("exchange", f.lookup(d, "p")[0] == c and f.lookup(d, "c")[0] == m)
    except Err as x:
        check("exchange", x.errno == errno.EINVAL, x)
        m, c = c, m
    try:
        f.rename(d, "p", c, d, "c", m, flags=1)
        check("noreplace", False)
    except Err as x:
        check("noreplace", x.errno in (errno.EEXIST, errno.EINVAL), x)
    f.rename(d, "s", s, d, "c", m)
    check("rename over", f.lookup(d, "c")[0] == s)
    check("victim lives on", f.getattr(m)["nlink"] == 0, f.getattr(m)["nlink"])
    da, va = f.unlink(d, "g", h)
    check("unlink one of two", va["nlink"] == 1, va["nlink"])
    da, va = f.unlink(d, "l", h)
    check("unlink the last", va["nlink"] == 0)
    check("read after unlink", f.read(fh, 0, 5) == b"hello")
    f.write(fh, 0, b"HELLO")
    check("write after unlink", f.read(fh, 0, 5) == b"HELLO")
    fh3 = f.open(h, 2)
    check("open after unlink", f.read(fh3, 0, 5) == b"HELLO")
    f.release(fh3)
    f.release(fh)
    f.unlink(d, "c", s)
    f.unlink(d, "p", c)
    a0 = f.getattr(r)["nlink"]
    f.rmdir(r, "d", d)
    expect("create in a removed directory", errno.ENOENT, f.create, d, "x")
    for n in (b"x" * 255, bytes(range(128, 255)), b"\xff\xfe .", b"...", b" "):
        try:
            hh = f.create(r, n)[0]
            check("name %r" % n[:8], f.lookup(r, n)[0] == hh)
            f.unlink(r, n, hh)
        except Err as x:
            check("name %r" % n[:8], False, x)

def bad(f):
    """What no front may do."""
    r = f.root
    h, _, _, fh = f.create(r, "bad", 0o644, 3, 2)
    for n, e in ((b"a/b", errno.EINVAL), (b"..", errno.EINVAL), (b".", errno.EINVAL), (b"a\0b", errno.EINVAL)):
        expect("name %r" % n, e, f.lookup, r, n)
    expect("handle 0", errno.EINVAL, f.lookup, 0, "x")
    for x in (1 << 32, r + (1 << 32), r ^ 0xffffffff, 0xffffffffffffffff, 5, h + 1):
        expect("handle %x" % x, errno.ESTALE, f.getattr, x)
        expect("fh %x" % x, errno.EBADF, f.read, x ^ 77, 0, 10)
    expect("mode and kill", errno.EINVAL, f.setattr, h, 1 | 0x200, mode=0o644)
    expect("size of a directory", errno.EISDIR, f.setattr, r, 8, size=10)
    expect("size below 0", errno.EINVAL, f.setattr, h, 8, size=1 << 63)
    expect("nothing set", errno.EINVAL, f.setattr, h, 0)
    expect("over-release", errno.EINVAL, f.call, "dentry_release", struct.pack("<QQ", h, 1000), cred=0)
    expect("unset credentials", errno.EINVAL, f.getattr, h, cred=77)
    expect("credentials out of range", errno.EPROTO, f.getattr, h, cred=1000)
    expect("no operation", errno.EOPNOTSUPP, f.call, "null_call", opnr=95, cred=0)
    expect("far away", errno.EOPNOTSUPP, f.call, "null_call", opnr=65535, cred=0)
    expect("no handler", errno.EOPNOTSUPP, f.call, "map_page", struct.pack("<QQII", h, 0, 1, 0), opnr=84)
    expect("mount twice", errno.EBUSY, f.mount)
    expect("create in a file", errno.ENOTDIR, f.create, h, "x")
    expect("mknod of a directory", errno.EINVAL, f.mknod, r, "x", stat.S_IFDIR | 0o755)
    expect("read of what is no open file", errno.EBADF, f.read, r, 0, 1)
    dfh = f.open(r, 0)
    expect("read of an open directory", errno.EISDIR, f.read, dfh, 0, 1)
    expect("write of an open directory", errno.EISDIR, f.write, dfh, 0, b"x")
    expect("readdir of a file", errno.ENOTDIR, f.readdir, fh)
    expect("tiny readdir", errno.EINVAL, f.call, "readdir", struct.pack("<QQ", dfh, 0), out_len=8)
    expect("no readdir", errno.EINVAL, f.call, "readdir", struct.pack("<QQ", dfh, 0))
    try:
        f.call("readdir", struct.pack("<QQ", dfh, 0x7123456789abcdef), out_len=4096)
        check("odd cookie", True)
    except Err as x:
        check("odd cookie", True)
    expect("cookie below 0", errno.EINVAL, f.call, "readdir", struct.pack("<QQ", dfh, 1 << 63), out_len=4096)
    expect("write at a directory", errno.EISDIR, f.open, r, 2)
    f.release(dfh)
    # random bodies for every operation
    rnd = random.Random(1)
    known = [r, h, fh, 0, 1, 0xffffffffffffffff]
    t = time.time()
    n = 0
    while time.time() - t < FUZZ:
        op = rnd.choice([o for o in OPS.values() if o not in (9, 13, 2)] + [84, 85, 86, 90])
        b = bytearray(rnd.randbytes(rnd.choice((0, 8, 16, 32, 64, 416))))
        if len(b) >= 8:
            b[0:8] = struct.pack("<Q", rnd.choice(known))
        if rnd.random() < .7 and op in (16, 19, 20, 21, 22, 23, 24, 25, 27, 32, 64, 65, 67):
            b = bytearray(name(rnd.choice(known), rnd.choice(("a", "b", "bad", "user.x"))))
            b += struct.pack("<QQQII", *[rnd.choice(known + [0o644, 0, 3]) for _ in range(3)], rnd.choice((0, 1, 2, 3)), 0)[:rnd.choice((0, 8, 16, 24, 32))]
        elif rnd.random() < .5:
            b = bytearray(b"".join(struct.pack("<Q", rnd.choice(known + [2, 4096, 1 << 40, 0x1ff])) for _ in range(rnd.choice((1, 2, 3, 4)))))
        try:
            f.call("x", bytes(b[:416]), data_len=rnd.choice((0, 0, 10, 4096)), opnr=op, cred=rnd.choice((1, 1, 1, 0, 2)), raw=True)
        except OSError:
            pass
        n += 1
    print("fuzz: %d requests" % n)

def perms(f):
    r = f.root
    f.setattr(r, 1, mode=0o1777)
    f.cred(2, 1000, 1000, [1000, 2000], 0)
    f.cred(3, 1001, 1001, [2000], 0)
    h, _, a, fh = f.create(r, "u", 0o640, 3, 2, cred=2, umask=0o027)
    check("owner", (a["uid"], a["gid"]) == (1000, 1000))
    check("umask", a["mode"] & 0o777 == 0o640)
    expect("sticky", errno.EPERM, f.unlink, r, "u", h, cred=3)
    expect("chown by another", errno.EPERM, f.setattr, h, 2, uid=1001, cred=3)
    expect("chmod by another", errno.EPERM, f.setattr, h, 1, mode=0o777, cred=3)
    expect("chgrp to own group", 0, f.setattr, h, 4, gid=2000, cred=2)
    expect("chgrp to a strange one", errno.EPERM, f.setattr, h, 4, gid=3000, cred=2)
    p = lambda h, m, c: f.call("permission", struct.pack("<QII", h, m, 0), cred=c)
    expect("read by the owner", 0, p, h, 4, 2)
    expect("read by the group", 0, p, h, 4, 3)
    expect("write by the group", errno.EACCES, p, h, 2, 3)
    expect("mknod by a user", errno.EPERM, f.mknod, r, "dev", stat.S_IFCHR | 0o666, 1, 3, cred=2)
    a = f.setattr(h, 1, mode=0o6755, cred=2)
    check("setuid by the owner", a["mode"] & 0o7777 == 0o6755, oct(a["mode"]))
    fh2 = f.open(h, 1, cred=2)
    n, o, a = f.write(fh2, 0, b"x", cred=2)
    check("write by a user strips suid and sgid", a["mode"] & 0o6000 == 0, oct(a["mode"]))
    f.setattr(h, 1, mode=0o6755)
    n, o, a = f.write(fh2, 0, b"x", cred=1)
    check("write by root keeps them", a["mode"] & 0o6000 == 0o6000, oct(a["mode"]))
    f.release(fh2)
    g, _, _ = f.mkdir(r, "g", 0o2777, cred=1)
    f.setattr(g, 5, mode=0o2777, gid=2000)
    i, _, a, fh3 = f.create(g, "in", 0o664, 3, 2, cred=2)
    check("setgid directory", a["gid"] == 2000, a["gid"])
    s, _, a = f.mkdir(g, "sub", 0o755, cred=2)
    check("setgid is inherited", a["mode"] & 0o2000 == 0o2000 and a["gid"] == 2000)
    f.release(fh)
    f.release(fh3)
    f.unlink(r, "u", h, cred=2)
    f.unlink(g, "in", i)
    f.rmdir(g, "sub", s)
    f.rmdir(r, "g", g)

def xattrs(f):
    r = f.root
    h = f.create(r, "xa")[0]
    sx = lambda n, v, fl=0: f.call("setxattr", name(h, n) + struct.pack("<II", fl, 0), v)
    gx = lambda n, l=4096: f.call("getxattr", name(h, n), out_len=l)
    try:
        sx("user.a", b"value")
    except Err as x:
        print("no xattr: %s" % x)
        return
    check("getxattr", gx("user.a")[1] == b"value")
    check("size of xattr", struct.unpack_from("<Q", gx("user.a", 0)[0])[0] == 5)
    expect("small getxattr", errno.ERANGE, gx, "user.a", 2)
    expect("no xattr", errno.ENODATA, gx, "user.b")
    expect("create xattr again", errno.EEXIST, sx, "user.a", b"v", 1)
    sx("user.big", b"v" * 1500)
    check("big xattr", gx("user.big")[1] == b"v" * 1500)
    l = f.call("listxattr", struct.pack("<Q", h), out_len=4096)[1]
    check("listxattr", set(l.split(b"\0")) >= {b"user.a", b"user.big"}, l)
    f.call("removexattr", name(h, "user.a"))
    expect("removed xattr", errno.ENODATA, gx, "user.a")
    f.unlink(r, "xa", h)

def many(f, n):
    r = f.root
    d = f.mkdir(r, "many")[0]
    t = time.time()
    hs = [f.create(d, "file-%06d" % i)[0] for i in range(n)]
    print("%d creates: %.0f/s" % (n, n / (time.time() - t)), "pinned", stats()["handles_pinned"], "of", stats()["handles"])
    fh = f.open(d)
    t = time.time()
    l = f.readdir(fh)
    print("readdir: %.0f/s" % (n / (time.time() - t)))
    names = [x[0] for x in l]
    check("readdir finds all, once", sorted(names) == sorted([b".", b".."] + [b"file-%06d" % i for i in range(n)]), len(names))
    # from any cookie
    k = len(l) // 2
    rr, dd, nn = f.call("readdir", struct.pack("<QQ", fh, l[k][3]), out_len=4096)
    ln = struct.unpack_from("<H", dd, 16)[0]
    check("seek to a cookie", dd[24:24 + ln] == l[k + 1][0], (dd[24:24 + ln], l[k + 1][0]))
    f.release(fh)
    check("all are handles", stats()["handles"] >= n)
    t = time.time()
    bad = 0
    for i in range(n):
        h = f.lookup(d, "file-%06d" % i)[0]
        bad += h != hs[i]
    print("lookups: %.0f/s" % (n / (time.time() - t)))
    check("same handle for the same inode", not bad, bad)
    open("/proc/sys/vm/drop_caches", "w").write("2")
    bad = 0
    for i in range(0, n, 3):
        a = f.getattr(hs[i])
        bad += a["mode"] != stat.S_IFREG | 0o644
    check("handles after drop_caches", not bad, bad)
    for i in range(0, n, 7):
        bad += f.lookup(d, "file-%06d" % i)[0] != hs[i]
    check("same handles after drop_caches", not bad, bad)
    t = time.time()
    for i in range(n):
        f.unlink(d, "file-%06d" % i, hs[i])
    print("unlinks: %.0f/s" % (n / (time.time() - t)))
    for h in hs[:n // 2]:
        check("nlink 0", f.getattr(h)["nlink"] == 0) if h in hs[:3] else f.getattr(h)
    f.rmdir(r, "many", d)
    for h in hs:
        f.forget(h)

def threads(f, sec):
    stop = time.time() + sec
    errs = []
    def work(no):
        rnd = random.Random(no)
        try:
            d = f.mkdir(f.root, "t%d" % no)[0]
            n = 0
            while time.time() < stop:
                h, _, _, fh = f.create(d, "x%d" % (n % 10), 0o644, 3, 2)
                data = rnd.randbytes(rnd.randrange(1, 4096))
                off = rnd.randrange(0, 1 << 20)
                f.write(fh, off, data)
                if f.read(fh, off, len(data)) != data:
                    errs.append("data")
                f.rename(d, "x%d" % (n % 10), h, d, "y")
                f.unlink(d, "y", h)
                if rnd.random() < .5:
                    f.release(fh)
                    f.forget(h)
                else:
                    f.forget(h)
                    f.release(fh)
                n += 1
            f.rmdir(f.root, "t%d" % no, d)
        except Exception as x:
            errs.append(repr(x))
    ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    check("threads", not errs, errs[:3])

def other(f):
    r = f.root
    st = f.call("statfs", struct.pack("<Q", r))[0]
    b = struct.unpack_from("<QQQQQQIIII", st)
    check("statfs", b[0] > b[1] > 0, b)
    print("show_options:", f.call("show_options", b"", out_len=4096)[1].decode())
    expect("syncfs", 0, f.call, "syncfs", struct.pack("<II", 1, 0))
    h, _, _, fh = f.create(r, "o", 0o644, 3, 2)
    v = lambda n, hh: f.call("dentry_validate", name(r, n) + struct.pack("<QII", hh, 0, 0))
    expect("validate", 0, v, "o", h)
    expect("validate another", errno.ESTALE, v, "o", r)
    expect("validate nothing", 0, v, "none", 0)
    expect("validate not nothing", errno.ESTALE, v, "o", 0)
    expect("validate what is gone", errno.ESTALE, v, "none", h)
    f.call("dirty_inode", struct.pack("<QqIIqIIqIIII", h, 12345678, 9, 0, 0, 0, 0, 0, 0, 0, 0x10, 0))
    print("atime after dirty_inode:", f.getattr(h)["at_s"])
    expect("write_inode", 0, f.call, "write_inode", struct.pack("<QII", h, 1, 0))
    try:
        f.write(fh, 0, b"d" * 4096)
        f.call("fsync", struct.pack("<QQQII", fh, 0, 0x7fffffffffffffff, 0, 0))
        n, o, a = f.write(fh, 4096, os.urandom(4096), flags=8)
        check("direct write", n == 4096, n)
        check("direct read", f.read(fh, 0, 4096, flags=8) == b"d" * 4096)
    except Err as x:
        print("direct: %s" % x)
    try:
        t, _, a, tfh = (lambda rr: f.entry(rr) + (struct.unpack_from("<Q", rr, 336)[0],))(
            f.call("tmpfile", struct.pack("<QII", r, 0o600, 2))[0])
        f.write(tfh, 0, b"tmp")
        check("tmpfile", a["nlink"] == 0 and f.read(tfh, 0, 9) == b"tmp")
        l, _, la = f.link(r, "from-tmp", t)
        check("link of a tmpfile", la["nlink"] == 1 and l == t)
        f.unlink(r, "from-tmp", t)
        f.release(tfh)
    except Err as x:
        print("tmpfile: %s" % x)
    try:
        f.call("fallocate", struct.pack("<QQQII", fh, 0, 1 << 20, 0, 0))
        check("fallocate", f.getattr(h)["size"] == 1 << 20)
        f.call("fallocate", struct.pack("<QQQII", fh, 0, 4096, 3, 0))
        check("punch", f.read(fh, 0, 4096) == b"\0" * 4096)
        f.call("fsync", struct.pack("<QQQII", fh, 0, 0x7fffffffffffffff, 0, 0))
        p = struct.unpack("<q", f.call("seek", struct.pack("<QqII", fh, 0, 3, 0))[0][:8])[0]
        check("SEEK_DATA", p == 4096, p)
    except Err as x:
        print("fallocate: %s" % x)
    try:
        f.call("freeze")
        res = []
        t = threading.Thread(target=lambda: res.append(f.write(fh, 0, b"frozen")[0]))
        t.start()
        time.sleep(.3)
        check("frozen", not res)
        f.call("thaw")
        t.join(5)
        check("thawed", res == [6], res)
    except Err as x:
        print("freeze: %s" % x)
    f.release(fh)
    f.unlink(r, "o", h)
    # a request that comes again
    f.id += 1
    req = lambda fl: bytearray((struct.pack("<QHHHHIHHH6x", f.id, OPS["mkdir"], 5, 1, fl, 0, 0, 0, 0) +
                      (name(r, "again") + struct.pack("<II", 0o755, 0)).ljust(416, b"\0") + b"\0" * 64).ljust(1024 + 4096, b"\0"))
    a, b = req(0), req(1)
    f._ioctl(a)
    f._ioctl(b)
    check("replay", struct.unpack_from("<I", a, 524)[0] == 0 and a[544:960] == b[544:960] and
          struct.unpack_from("<I", b, 532)[0] == 1)
    try:
        f._ioctl(req(0))
        check("same id again", False)
    except OSError as x:
        check("same id again", x.errno == errno.EPROTO)
    hh = struct.unpack_from("<Q", a, 544)[0]
    f.held[hh] = 1
    f.rmdir(r, "again", hh)

FUZZ = float(os.environ.get("FUZZ", "5"))
MANY = int(os.environ.get("MANY", "20000"))
opts = os.environ.get("OPTS", "").encode()
f = FS().start(opts)
print("mounted, flags %x" % f.mflags, "root impl %x" % f.rootimpl)
tests = sys.argv[1:] or ["basics", "perms", "xattrs", "other", "threads", "many", "bad"]
for t in tests:
    try:
        {"basics": lambda: basics(f), "perms": lambda: perms(f), "xattrs": lambda: xattrs(f), "other": lambda: other(f),
         "threads": lambda: threads(f, 5), "many": lambda: many(f, MANY), "bad": lambda: bad(f)}[t]()
    except Exception as x:
        import traceback
        traceback.print_exc()
        failed.append(t)
s = stats()
print("before umount: handles %d pinned %d files %d" % (s["handles"], s["handles_pinned"], s["open_files"]))
if "bad" not in tests:
    f.forget()
    check("no handle left", stats()["handles"] == 0, stats()["handles"])
    check("no file left", stats()["open_files"] == 0, stats()["open_files"])
expect("umount", 0, f.umount)
s = stats()
check("nothing left", s["handles"] == 0 and s["open_files"] == 0, s)
try:
    fd = os.open(os.environ.get("BDEV", "/dev/vdc"), os.O_RDWR | os.O_EXCL)
    os.close(fd)
    check("device free", True)
except OSError as x:
    check("device free", False, x)
f.close()
print("%d passed, %d failed" % (passed, len(failed)))
sys.exit(1 if failed else 0)
