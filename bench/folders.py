# SPDX-License-Identifier: Apache-2.0
"""Many small files and one large one: on a folder of the host, on the box's own disk, and in runsc with a bind mount."""
import io
import pathlib
import tarfile

from runsc import Runsc
from timing import Table

STEPS = [
    ("untar", "tar xf /mnt/files.tar"),
    ("find", "find . -type f | wc -l"),
    ("stat of each", "find . -type f -exec stat -c %Y {} + | wc -l"),
    ("read all", "find . -type f -exec cat {} + | wc -c"),
    ("write 256 MiB", "dd if=/dev/zero of=large bs=1M count=256 conv=fsync"),
    ("read 256 MiB", "dd if=large of=/dev/null bs=1M"),
    ("remove", "rm -rf ./*"),
]


def write_tar(path, count):
    with tarfile.open(path, "w") as archive:
        for number in range(count):
            content = f"file {number}, which is short\n".encode() * 8
            entry = tarfile.TarInfo(f"d{number // 50}/f{number}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))


def measure(run, directory):
    """Milliseconds of each step; `run` takes a command and returns seconds."""
    return [run(["/bin/sh", "-c", f"cd {directory} && {script}"]) * 1000 for _, script in STEPS]


def folders(bench, image, count=5000):
    shared = pathlib.Path(bench.directory) / "shared"
    for name in ("ours", "theirs"):
        (shared / name).mkdir(parents=True)
    write_tar(shared / "files.tar", count)
    bench.call("run", "-d", "--name", "folders", "-m", "1g", "-v", f"{shared}:/mnt", image, "sleep", "100000")
    peer = Runsc(pathlib.Path(bench.directory) / "folders", bench.rootfs)
    peer.mounts = [{"destination": "/mnt", "type": "bind", "source": str(shared), "options": ["rbind", "rw"]}]
    peer.start("folders")
    try:
        folder = measure(lambda args: bench.timed("exec", "folders", *args), "/mnt/ours")
        bench.call("exec", "folders", "mkdir", "/own")
        own = measure(lambda args: bench.timed("exec", "folders", *args), "/own")
        theirs = measure(lambda args: peer.exec("folders", args), "/mnt/theirs")
    finally:
        peer.stop("folders")
        bench.call("rm", "-f", "folders")
    table = Table(f"{count} small files, one large one", "ms")
    for index, (step, _) in enumerate(STEPS):
        table.add(f"{step}: folder", [folder[index]], [theirs[index]])
        table.add(f"{step}: own disk", [own[index]])
        table.add(f"{step}: runsc, bind mount", [theirs[index]])
    table.show()
    return [table]
