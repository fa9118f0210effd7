# SPDX-License-Identifier: Apache-2.0
"""Many small files and one large one: on a folder of the host, on the box's own disk, and in runsc with a bind mount."""
import io
import pathlib
import tarfile

from runsc import Runsc
from timing import folder_table, measure_steps

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
        folder = measure_steps(lambda args: bench.timed("exec", "folders", *args), "/mnt/ours", STEPS)
        bench.call("exec", "folders", "mkdir", "/own")
        own = measure_steps(lambda args: bench.timed("exec", "folders", *args), "/own", STEPS)
        theirs = measure_steps(lambda args: peer.exec("folders", args), "/mnt/theirs", STEPS)
    finally:
        peer.stop("folders")
        bench.call("rm", "-f", "folders")
    table = folder_table(f"{count} small files, one large one", STEPS, folder, own, theirs)
    return [table]
