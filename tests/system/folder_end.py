#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a box for once (run --rm) has written to a folder is on the host when it has ended, whoever wrote it and how: the
main command, a process that it left behind, through write and through mappings that nobody unmapped."""
import pathlib
import sys
import tempfile

from home import Home

SIZE = 1 << 20
WRITER = f"""
import mmap, os, sys, time
def mapped(name):
    file = os.open(name, os.O_RDWR | os.O_CREAT)
    os.ftruncate(file, {SIZE})
    mapping = mmap.mmap(file, {SIZE})
    mapping[:] = name.encode()[:1] * {SIZE}
    return mapping
os.chdir("/f")
read, write = os.pipe()
if os.fork() == 0:
    kept = mapped("child"), open("unflushed", "wb", buffering=0).write(b"u" * {SIZE})
    os.write(write, b"x")
    time.sleep(1000)
os.read(read, 1)
kept = mapped("main")
os._exit(7)
"""


def main():
    with Home(sys.argv[1]) as home, tempfile.TemporaryDirectory(prefix="boxlite-end-") as directory:
        folder = pathlib.Path(directory)
        home.call("load", "-i", sys.argv[2])
        for turn in range(3):
            _, err = (ended := home.spawn("run", "--rm", "-v", f"{folder}:/f", "debian:python", "python3", "-c",
                                          WRITER)).communicate(timeout=60)
            assert ended.returncode == 7, err
            for name in ("main", "child", "unflushed"):
                content = (folder / name).read_bytes()
                assert content == name[:1].encode() * SIZE, f"turn {turn}: {name}: {len(content)} bytes, wrong"
                (folder / name).unlink()
    print("all bytes are on the host", flush=True)


if __name__ == "__main__":
    main()
