#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
# walx.py DIR PROCESSES ROUNDS: SQLite in WAL mode, whose index several processes share by a writable mapping.
# Each process adds rows in transactions and looks at all others' meanwhile; then all is counted.
import os
import sqlite3
import sys

directory, processes, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = os.path.join(directory, "wal.db")


def connect():
    db = sqlite3.connect(path, timeout=120, isolation_level=None)
    db.execute("pragma synchronous=normal")
    return db


def work(me):
    db = connect()
    seen = 0
    for i in range(rounds):
        db.execute("begin immediate")
        db.execute("insert into t values (?, ?, ?)", (me, i, ("%d/%d " % (me, i)) * 50))
        db.execute("update n set v = v + 1")
        db.execute("commit")
        rows, = db.execute("select count(*) from t").fetchone()
        count, = db.execute("select v from n").fetchone()
        assert rows >= seen and count >= rows, (rows, seen, count)
        seen = rows
        if i % 20 == me:
            db.execute("pragma wal_checkpoint(passive)")
    db.close()


db = connect()
mode, = db.execute("pragma journal_mode=wal").fetchone()
assert mode == "wal", mode
db.execute("create table t (who integer, i integer, s text, primary key (who, i))")
db.execute("create table n (v integer)")
db.execute("insert into n values (0)")
db.close()

children = []
for me in range(processes):
    pid = os.fork()
    if not pid:
        status = 1
        try:
            work(me)
            status = 0
        finally:
            os._exit(status)
    children.append(pid)
failed = sum(os.waitpid(pid, 0)[1] != 0 for pid in children)
assert not failed, "%d processes failed" % failed

db = connect()
assert db.execute("pragma integrity_check").fetchone()[0] == "ok"
assert db.execute("select count(*), count(distinct who) from t").fetchone() == (processes * rounds, processes)
assert db.execute("select v from n").fetchone() == (processes * rounds,)
for who, i, s in db.execute("select * from t"):
    assert s == ("%d/%d " % (who, i)) * 50
db.execute("pragma wal_checkpoint(truncate)")
db.close()
for name in os.listdir(directory):
    if name.startswith("wal.db"):
        os.unlink(os.path.join(directory, name))
print("ok walx: %d processes, %d transactions" % (processes, processes * rounds))
