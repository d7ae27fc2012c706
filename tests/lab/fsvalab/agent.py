# SPDX-License-Identifier: GPL-2.0-only
"""The client's side of labd (agent/labd.c, which has the protocol)."""

import os
import select
import socket
import struct
import sys
import time

CHUNK = 128 * 1024
AHEAD = 2 * 1024 * 1024


class AgentError(Exception):
    """labd could not be reached, or could not do what was asked."""


class AgentTimeout(AgentError):
    """The command did not end in time; it was killed."""


def _frame(kind, data=b""):
    return kind + struct.pack(">I", len(data)) + data


def run(port, argv, domain=None, stdin=None, stdout=None, stderr=None,
        timeout=None, env=(), cwd=None, connect_timeout=10):
    """Run argv behind the labd at port (in dom0 or, from there, in domain).

    stdin is a file descriptor, bytes or None; stdout and stderr are callables
    that take bytes.  Returns the exit status.
    """
    deadline = time.monotonic() + timeout if timeout else None
    try:
        sock = socket.create_connection(("127.0.0.1", port), connect_timeout)
    except OSError as e:
        raise AgentError("the host's labd does not answer: %s" % e) from e
    with sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = b""
        if domain:
            head += _frame(b"R", domain.encode())
        for kv in env:
            head += _frame(b"E", os.fsencode(kv))
        if cwd:
            head += _frame(b"D", os.fsencode(cwd))
        for arg in argv:
            head += _frame(b"A", os.fsencode(arg))
        head += _frame(b"X")
        return _converse(sock, head, stdin, stdout, stderr, deadline, timeout)


def _converse(sock, out, stdin, stdout, stderr, deadline, timeout):
    sock.setblocking(False)
    got = bytearray()
    out = bytearray(out)
    if stdin is None:
        out += _frame(b"I")
    elif isinstance(stdin, (bytes, bytearray)):
        for i in range(0, len(stdin), CHUNK):
            out += _frame(b"I", bytes(stdin[i:i + CHUNK]))
        out += _frame(b"I")
        stdin = None
    while True:
        left = None
        if deadline:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AgentTimeout("no end after %g s" % timeout)
        reads = [sock]
        if stdin is not None and len(out) < AHEAD:
            reads.append(stdin)
        ready, writable, _ = select.select(reads, [sock] if out else [], [],
                                           left)
        if writable:
            try:
                del out[:sock.send(out[:4 * CHUNK])]
            except BlockingIOError:
                pass
            except OSError:
                out.clear()     # what it says is still to be read
                stdin = None
        if stdin in ready:
            data = os.read(stdin, CHUNK)
            out += _frame(b"I", data)
            if not data:
                stdin = None
        if sock not in ready:
            continue
        try:
            data = sock.recv(8 * CHUNK)
        except BlockingIOError:
            continue
        except OSError as e:
            raise AgentError("connection lost: %s" % e) from e
        if not data:
            raise AgentError("connection lost")
        got += data
        while len(got) >= 5:
            size = struct.unpack_from(">I", got, 1)[0]
            if len(got) < 5 + size:
                break
            kind = bytes(got[:1])
            body = bytes(got[5:5 + size])
            del got[:5 + size]
            if kind == b"O" and stdout:
                stdout(body)
            elif kind == b"W" and stderr:
                stderr(body)
            elif kind == b"S":
                return struct.unpack(">I", body)[0]
            elif kind == b"F":
                raise AgentError(body.decode(errors="replace"))


def to_fd(fd):
    """A sink for run() that writes to a file descriptor."""
    def sink(data):
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view):]
    return sink


def output(port, argv, domain=None, timeout=60, stdin=None):
    """(status, stdout, stderr) as text."""
    out, err = bytearray(), bytearray()
    status = run(port, argv, domain, stdin, out.extend, err.extend, timeout)
    return status, out.decode(errors="replace"), err.decode(errors="replace")


if __name__ == "__main__":
    sys.exit("a library")
