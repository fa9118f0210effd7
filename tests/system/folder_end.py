#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a box for once (run --rm) has written to a folder is on the host when it has ended, whoever wrote it and how: the
main command, a process that it left behind, through write and through mappings that nobody unmapped."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

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

# So little that the guest's kernel does not begin to write it back by itself before some seconds have passed.
FORGOTTEN = 64 << 10
# Nobody waits for what it stores: the descriptor is closed before, and there is no flush and no sync.
FORGETTER = f"""
import ctypes, os
C = ctypes.CDLL(None)
C.mmap.restype = ctypes.c_void_p
file = os.open("/f/forgotten", os.O_RDWR | os.O_CREAT)
os.ftruncate(file, {FORGOTTEN})
address = C.mmap(None, ctypes.c_size_t({FORGOTTEN}), 3, 1, file, ctypes.c_long(0))
os.close(file)
ctypes.memset(ctypes.c_void_p(address), ord("f"), {FORGOTTEN})
print("stored", flush=True)
input()
os._exit(7)
"""


def slow_host(home, folder):
    """The host takes in what was stored a second after its program has ended."""
    run = home.spawn("run", "-i", "--rm", "-v", f"{folder}:/f", "debian:python", "python3", "-c", FORGETTER, stdin=subprocess.PIPE)
    assert run.stdout.readline() == b"stored\n"
    server = home.process_of_box("boxlite-fileser")
    os.kill(server, signal.SIGSTOP)
    try:
        run.stdin.write(b"\n")
        run.stdin.flush()
        time.sleep(1)  # longer than all else that the end of a box takes
        assert run.poll() is None, "the box has ended without what was stored"
    finally:
        os.kill(server, signal.SIGCONT)
    assert run.wait(timeout=60) == 7, run.stderr.read()
    content = (folder / "forgotten").read_bytes()
    assert content == b"f" * FORGOTTEN, f"forgotten: {content.count(b'f')} of {len(content)} bytes"


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
        slow_host(home, folder)
    print("all bytes are on the host", flush=True)


if __name__ == "__main__":
    main()
