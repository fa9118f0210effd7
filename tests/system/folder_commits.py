#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SQLite in rollback mode, from two boxes and the host at once, on a folder that they share: every commit that was
acknowledged is in the database for ever after, and the database is whole.
   folder_commits.py BOXLITE IMAGE.tar [ordinary]   FOLDER_COMMITS (600): how many, of all three"""
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

from home import Home, become_ordinary

COMMITS = int(os.environ.get("FOLDER_COMMITS", "600")) // 3
DEADLINE = 1200
BOXES = ("one", "two")
# Deleting journals (the default) is the form that needs names, locks and contents to agree on all sides.
SCHEMA = """
pragma journal_mode=delete;
create table counter(n integer not null);
insert into counter values (0);
create table log(n integer unique not null, who text not null, i integer not null);
"""
WRITER = """
import sqlite3, sys
path, who, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = sqlite3.connect(path, timeout=300, isolation_level=None)
for i in range(count):
    db.execute("begin immediate")
    n = db.execute("select n from counter").fetchone()[0] + 1
    db.execute("update counter set n = ?", (n,))
    db.execute("insert into log values (?, ?, ?)", (n, who, i))
    db.execute("commit")
"""


def write_from_everywhere(home, folder):
    place = "/f/commits.db"
    writers = [home.spawn("exec", box, "python3", "/f/writer.py", place, box, str(COMMITS)) for box in BOXES]
    host = ["python3", str(folder / "writer.py"), str(folder / "commits.db"), "host", str(COMMITS)]
    writers.append(subprocess.Popen(host, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for writer in writers:
        _, err = writer.communicate(timeout=DEADLINE)
        if writer.returncode != 0:
            raise AssertionError(f"a writer: exit {writer.returncode}\n{err.decode()}")


def check(path):
    with sqlite3.connect(path) as db:
        found = db.execute("pragma integrity_check").fetchall()
        if found != [("ok",)]:
            raise AssertionError(f"the database is broken: {found[:5]}")
        rows = set(db.execute("select who, i from log"))
        count = db.execute("select n from counter").fetchone()[0]
    wanted = {(who, i) for who in (*BOXES, "host") for i in range(COMMITS)}
    if rows != wanted or count != len(wanted):
        raise AssertionError(f"the counter says {count} of {len(wanted)}; lost: {sorted(wanted - rows)[:10]}")


def main():
    if sys.argv[3:] == ["ordinary"] and os.geteuid() == 0:
        return become_ordinary()
    with Home(sys.argv[1]) as home, tempfile.TemporaryDirectory(prefix="boxlite-commits-") as directory:
        folder = pathlib.Path(directory)
        (folder / "writer.py").write_text(WRITER)
        with sqlite3.connect(folder / "commits.db") as db:
            db.executescript(SCHEMA)
        home.call("load", "-i", sys.argv[2])
        for box in BOXES:
            home.call("run", "-d", "--name", box, "-v", f"{folder}:/f", "debian:python", "sleep", "100000")
        write_from_everywhere(home, folder)
        check(folder / "commits.db")
        home.call("rm", "-f", "-a")
    print(f"user {os.getuid()}: {3 * COMMITS} commits, none lost", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
