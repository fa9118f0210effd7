#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same random bytes through `exec -i BOX cat`, through `cp` as a tar archive and, up to 64 MiB, through `cp` as a file:
the digest is the same at both ends, and no process of the host grows.
   byte_exact.py BOXLITE MEBIBYTES"""
import hashlib
import os
import pathlib
import sys
import tarfile
import tempfile
import threading
import time

from home import Home

MEMORY_LIMIT_KIB = 100 * 1024
PIECE = 1 << 20
LARGEST_FILE_MIB = 64  # on the host's own disk


def peak_kib(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except FileNotFoundError:
        pass
    return 0


class Bytes:
    """Random enough that nothing along the way could repeat or guess them, and fast to make, each time the same."""

    def __init__(self, mebibytes):
        self.block, self.mebibytes, self.size = os.urandom(PIECE), mebibytes, mebibytes * PIECE
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        self.digest = digest.digest()

    def pieces(self):
        for number in range(self.mebibytes):
            yield number.to_bytes(8, "big") + self.block[8:]


class Flow:
    """A command that we feed, read, or both, and that may not grow meanwhile."""

    def __init__(self, home, *args, stdin):
        self.process = home.spawn(*args, stdin=-1 if stdin else -3)
        self.peak, self.began = 0, time.monotonic()

    def feed(self, pieces):
        try:
            for piece in pieces:
                self.process.stdin.write(piece)
                self.look()
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # its exit code and its words say why

    def look(self):
        self.peak = max(self.peak, peak_kib(self.process.pid))

    def read(self, source=None):
        """(bytes, digest) of its output, or of what `source` finds in it."""
        source, digest, count = source or self.process.stdout, hashlib.sha256(), 0
        while piece := source.read(PIECE):
            digest.update(piece)
            count += len(piece)
            self.look()
        return count, digest.digest()

    def end(self, what, sent):
        code = self.process.wait()
        took = time.monotonic() - self.began
        print(f"{what}: {sent.mebibytes} MiB in {took:.1f} s: {sent.mebibytes / took:.1f} MiB/s; boxlite's peak "
              f"{self.peak >> 10} MiB", flush=True)
        assert code == 0, f"{what}: exit {code}\n{self.process.stderr.read().decode()}"
        assert self.peak < MEMORY_LIMIT_KIB, f"{what}: boxlite grew to {self.peak} KiB"


def check(what, found, sent):
    assert found[0] == sent.size, f"{what}: {found[0]} bytes of {sent.size}"
    assert found[1] == sent.digest, f"{what}: the bytes differ"


def through_exec(home, sent):
    flow = Flow(home, "exec", "-i", "w", "cat", stdin=True)
    writer = threading.Thread(target=flow.feed, args=(sent.pieces(),))
    writer.start()
    found = flow.read()
    writer.join()
    flow.end("exec in and out", sent)
    check("exec", found, sent)


def as_tar(sent):
    header = tarfile.TarInfo("bytes")
    header.size = sent.size
    yield header.tobuf()
    yield from sent.pieces()
    yield bytes(2 * tarfile.BLOCKSIZE)


def through_tar(home, sent):
    flow = Flow(home, "cp", "-", "w:/root", stdin=True)
    flow.feed(as_tar(sent))
    flow.end("cp - in", sent)
    flow = Flow(home, "cp", "w:/root/bytes", "-", stdin=False)
    with tarfile.open(fileobj=flow.process.stdout, mode="r|") as archive:
        found = flow.read(archive.extractfile(archive.next()))
        assert archive.next() is None, "there is more in the archive than the file"
    while flow.process.stdout.read(PIECE):
        pass
    flow.end("cp - out", sent)
    check("cp -", found, sent)


def through_files(home, sent):
    with tempfile.TemporaryDirectory(prefix="boxlite-bytes-") as directory:
        there, back = pathlib.Path(directory, "there"), pathlib.Path(directory, "back")
        with there.open("wb") as file:
            file.writelines(sent.pieces())
        for what, args in (("cp FILE in", (str(there), "w:/root/file")), ("cp FILE out", ("w:/root/file", str(back)))):
            flow = Flow(home, "cp", *args, stdin=False)
            while flow.process.poll() is None:
                flow.look()
                time.sleep(0.02)  # a process that only grows tells nobody
            flow.end(what, sent)
        with back.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        check("cp FILE", (back.stat().st_size, digest), sent)


def main():
    boxlite, sent = sys.argv[1], Bytes(int(sys.argv[2]))
    with Home(boxlite) as home:
        # Room for the bytes twice, and for the image.
        home.call("create", "--name", "w", "--disk-size", str(2 + 2 * sent.mebibytes // 1024), "boxlite/base")
        home.call("start", "w")
        shim = home.inspect("w")["State"]["Pid"]
        through_exec(home, sent)
        through_tar(home, sent)
        if sent.mebibytes <= LARGEST_FILE_MIB:
            through_files(home, sent)
        shim_peak = peak_kib(shim)
        home.call("rm", "-f", "w")
    print(f"the shim's peak: {shim_peak >> 10} MiB")
    assert 0 < shim_peak < MEMORY_LIMIT_KIB, f"the shim grew to {shim_peak} KiB"


if __name__ == "__main__":
    main()
