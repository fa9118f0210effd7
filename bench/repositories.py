# SPDX-License-Identifier: Apache-2.0
"""What folders are for: a repository on a folder of the host, on the box's own disk, and in runsc with a bind mount;
then what a folder costs a start and a box that does nothing."""
import pathlib
import subprocess
import time

from runsc import Runsc
from timing import Table, folder_table, interleaved, measure_steps

IMAGE = "debian:git"
FILES = 2000
GIT = "git -c safe.directory=* -c gc.auto=0"
STEPS = [
    ("git status, first", f"{GIT} -C repository status --porcelain"),
    ("git status, warm", f"{GIT} -C repository status --porcelain"),
    ("git clone", f"{GIT} clone -q --no-hardlinks repository clone"),
    ("4 KiB reads of a cached file", "python3 read.py warm && python3 read.py"),
]
READ = """import os, random, sys, time
file = os.open("large", os.O_RDONLY)
if len(sys.argv) > 1:
    while os.read(file, 1 << 20):
        pass
else:
    for _ in range(20000):
        os.pread(file, 4096, random.randrange(4096) * 4096)
"""


def make_repository(directory):
    repository = directory / "repository"
    for number in range(FILES):
        path = repository / f"d{number // 40}" / f"f{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = {number}\n" * (number % 60 + 1))
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for step in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "all"], ["repack", "-adq"]):
        subprocess.run(["git", "-C", str(repository), *step], check=True)
    (directory / "large").write_bytes(b"x" * (16 << 20))
    (directory / "read.py").write_text(READ)


def repositories(bench):
    if not bench.git_image:
        raise SystemExit("the benchmark of repositories needs --git-image (bench/run.sh makes one)")
    directory = pathlib.Path(bench.directory) / "repositories"
    for name in ("ours", "theirs"):
        make_repository(directory / name)
    bench.call("load", "-i", bench.git_image)
    rootfs = directory / "rootfs"
    bench.call("image", "export-rootfs", IMAGE, str(rootfs))
    peer = Runsc(directory / "runsc", rootfs)
    peer.mounts = [{"destination": "/mnt", "type": "bind", "source": str(directory), "options": ["rbind", "rw"]}]
    peer.start("repositories")
    bench.call("run", "-d", "--name", "repositories", "-m", "1g", "-v", f"{directory / 'ours'}:/mnt", IMAGE, "sleep",
               "100000")
    try:
        folder = measure_steps(lambda args: bench.timed("exec", "repositories", *args), "/mnt", STEPS)
        bench.call("exec", "repositories", "cp", "-a", "/mnt/repository", "/mnt/large", "/mnt/read.py", "/srv")
        own = measure_steps(lambda args: bench.timed("exec", "repositories", *args), "/srv", STEPS)
        theirs = measure_steps(lambda args: peer.exec("repositories", args), "/mnt/theirs", STEPS)
        idle = idle_costs()
    finally:
        peer.stop("repositories")
        bench.call("rm", "-f", "repositories")
    table = folder_table(f"A repository of {FILES} files", STEPS, folder, own, theirs)
    print(f"\nA box with a folder that does nothing for 5 s: the file server has {idle[0]} KiB of its own,"
          f" and woke {idle[1]} times")
    return [table, starts(bench, directory / "ours")]


def idle_costs():
    """KiB that only the file server has, and how often it ran in five seconds."""
    server = subprocess.run(["pgrep", "-nx", "boxlite-fileser"], capture_output=True, text=True, check=True).stdout.strip()

    def switches():
        status = pathlib.Path(f"/proc/{server}/status").read_text()
        return int(status.split("voluntary_ctxt_switches:")[1].split()[0])

    time.sleep(2)
    before = switches()
    time.sleep(5)
    lines = pathlib.Path(f"/proc/{server}/smaps_rollup").read_text().splitlines()
    private = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return private, switches() - before


def starts(bench, folder):
    """Create, start, one command, stop: with a folder and without."""
    without, having = interleaved(bench.rounds * 2, lambda: bench.timed("run", "--rm", IMAGE, "true"),
                                  lambda: bench.timed("run", "--rm", "-v", f"{folder}:/mnt", IMAGE, "true"))
    table = Table("A start with a folder", "ms")
    peer = [second * 1000 for second in without]
    table.add("boxlite run -v", [second * 1000 for second in having], peer)
    table.add("boxlite run", peer)
    table.show()
    return table
