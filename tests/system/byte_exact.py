#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random bytes through `exec -i BOX cat`: the digest is the same at both ends, and no process of the host grows.
   byte_exact.py BOXLITE MEBIBYTES"""
import hashlib
import os
import pathlib
import sys
import threading
import time

from home import Home

MEMORY_LIMIT_KIB = 100 * 1024
PIECE = 1 << 20


def peak_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def feed(process, mebibytes, digest):
    """Random enough that nothing along the way could repeat or guess it, and fast to make."""
    block = os.urandom(PIECE)
    for number in range(mebibytes):
        piece = number.to_bytes(8, "big") + block[8:]
        digest.update(piece)
        process.stdin.write(piece)
    process.stdin.close()


def main():
    boxlite, mebibytes = sys.argv[1], int(sys.argv[2])
    with Home(boxlite) as home:
        home.call("create", "--name", "w", "boxlite/base")
        home.call("start", "w")
        shim = home.inspect("w")["State"]["Pid"]
        process = home.spawn("exec", "-i", "w", "cat", stdin=-1)
        sent, received = hashlib.sha256(), hashlib.sha256()
        writer = threading.Thread(target=feed, args=(process, mebibytes, sent))
        began = time.monotonic()
        writer.start()
        count, peak = 0, 0
        while piece := process.stdout.read(PIECE):
            received.update(piece)
            count += len(piece)
            peak = max(peak, peak_kib(process.pid))
        took = time.monotonic() - began
        writer.join()
        code = process.wait()
        shim_peak = peak_kib(shim)
        home.call("rm", "-f", "w")
    print(f"{count >> 20} MiB in and out in {took:.1f} s: {mebibytes / took:.1f} MiB/s; "
          f"peak memory: boxlite {peak >> 10} MiB, shim {shim_peak >> 10} MiB")
    assert code == 0, code
    assert count == mebibytes * PIECE, count
    assert sent.digest() == received.digest(), "the bytes differ"
    assert peak < MEMORY_LIMIT_KIB and shim_peak < MEMORY_LIMIT_KIB


if __name__ == "__main__":
    main()
