#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The comparisons behind SPECIFICATION.md. Called by bench/run.sh."""
import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import tempfile
import time

from folders import folders
from network import network
from repositories import repositories
from runsc import Runsc
from starts import many, start
from streams import streams
from timing import Table, interleaved, timed

IMAGE = "debian:python"


class Bench:
    def __init__(self, boxlite, image, directory, rounds, git_image=None):
        self.directory = pathlib.Path(directory)
        self.rounds = rounds
        self.image = image
        self.git_image = git_image
        self.many_commands = str(pathlib.Path(boxlite).parent / "many_commands")
        self.command = [boxlite, "--home", str(self.directory / "home")]
        self.call("load", "-i", image)
        self.rootfs = self.directory / "rootfs"
        self.call("image", "export-rootfs", IMAGE, str(self.rootfs))
        self.runsc = Runsc(self.directory / "runsc", self.rootfs)
        self.call("warm", IMAGE)

    def call(self, *args):
        done = subprocess.run([*self.command, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"boxlite {' '.join(args)} failed ({done.returncode}):\n{done.stderr}")
        return done.stdout.strip()

    def timed(self, *args):
        return timed([*self.command, *args])

    def inspect(self, box):
        return json.loads(self.call("inspect", box))[0]


def exec_round_trip(bench):
    """A command in a box that already runs, as a user's script calls it: one process per call."""
    bench.call("run", "-d", "--name", "execs", IMAGE, "sleep", "100000")
    bench.runsc.start("execs")
    try:
        ours, theirs = interleaved(bench.rounds * 3, lambda: bench.timed("exec", "execs", "true"),
                                   lambda: bench.runsc.exec("execs", ["/bin/true"]))
    finally:
        bench.runsc.stop("execs")
        bench.call("rm", "-f", "execs")
    table = Table("Command in a running box", "ms")
    peer = [second * 1000 for second in theirs]
    table.add("boxlite exec", [second * 1000 for second in ours], peer)
    table.add("runsc exec", peer)
    table.show()
    return [table]


def make_small_files(directory, count=20000):
    """Like a source tree: 200 directories of small files."""
    for number in range(count):
        folder = directory / f"d{number // 100:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"f{number % 100:02}").write_bytes(os.urandom(100 + number * 37 % 3900))


def copy(bench):
    """1 GiB, in and out; beside tar through runsc exec."""
    source = bench.directory / "large"
    with open(source, "wb") as file:
        for _ in range(1024):
            file.write(os.urandom(1 << 20))
    return [copied(bench, "Copy 1 GiB", "MiB/s", source, lambda seconds: 1024 / seconds)]


def small_files(bench):
    """20,000 of them, in and out."""
    source = bench.directory / "small"
    make_small_files(source)
    return [copied(bench, "Copy 20,000 small files", "s", source, lambda seconds: seconds)]


def copied(bench, title, unit, source, figure):
    bench.call("run", "-d", "--name", "copies", IMAGE, "sleep", "100000")
    bench.runsc.start("copies", writable=True)
    back = bench.directory / "back"
    back.mkdir(exist_ok=True)
    runs = max(2, bench.rounds // 4)
    try:
        ours_in, theirs_in = interleaved(
            runs, lambda: bench.timed("cp", "-q", str(source), "copies:/tmp/"),
            lambda: bench.runsc.pipe("copies", f"tar -C {bench.directory} -cf - {source.name}", "tar -C /tmp -xf -"))
        ours_out, theirs_out = interleaved(
            runs, lambda: bench.timed("cp", "-q", f"copies:/tmp/{source.name}", str(back)),
            lambda: bench.runsc.pipe("copies", None, f"tar -C /tmp -cf - {source.name}", f"tar -C {back} -xf -"))
    finally:
        bench.runsc.stop("copies")
        bench.call("rm", "-f", "copies")
    table = Table(title, unit)
    for way, ours, theirs in (("in", ours_in, theirs_in), ("out", ours_out, theirs_out)):
        peer = [figure(seconds) for seconds in theirs]
        table.add(f"boxlite cp {way}", [figure(seconds) for seconds in ours], peer)
        table.add(f"tar through runsc exec, {way}", peer)
    table.show()
    return table


def memory_mib(process_ids, field):
    total = 0
    for pid in process_ids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(field + ":"):
                total += int(line.split()[1])
    return total / 1024


def memory(bench):
    """What an idle box costs the host: all of its processes, after it came to rest."""
    boxes = {f"idle{number}": Runsc(bench.directory / f"idle{number}", bench.rootfs) for number in range(3)}
    for name, peer in boxes.items():
        bench.call("run", "-d", "--name", name, IMAGE, "sleep", "100000")
        peer.start(name)
    time.sleep(5)  # the guest's own start-up work ends
    pss, private, peer_pss = [], [], []
    for name, peer in boxes.items():
        state = bench.inspect(name)["State"]
        pids = [state["Pid"], state["VmmPid"]]
        pss.append(memory_mib(pids, "Pss"))
        private.append(memory_mib(pids, "Private_Dirty") + memory_mib(pids, "Private_Clean"))
        peer_pss.append(memory_mib(peer.process_ids(), "Pss"))
    for name, peer in boxes.items():
        bench.call("rm", "-f", name)
        peer.stop(name)
    table = Table("Memory of an idle box", "MiB")
    table.add("boxlite (PSS)", pss, peer_pss)
    table.add("boxlite (private)", private)
    table.add("runsc (PSS)", peer_pss)
    table.show()
    return [table]


def layers(bench):
    """OCI layers to a bootable disk; its own script, since it needs no box."""
    script = pathlib.Path(__file__).parent / "layers" / "run.sh"
    subprocess.run([str(script), bench.image], check=True)
    return []


BENCHMARKS = {"start": lambda bench: start(bench, IMAGE), "many": lambda bench: many(bench, IMAGE), "exec": exec_round_trip,
              "streams": lambda bench: streams(bench, IMAGE), "copy": copy, "small_files": small_files, "memory": memory,
              "folders": lambda bench: folders(bench, IMAGE), "repositories": repositories, "layers": layers,
              "network": lambda bench: network(bench, IMAGE)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxlite", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--git-image", help="one with git, for the benchmark of repositories")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("which", nargs="*", metavar="|".join(BENCHMARKS))
    options = parser.parse_args()
    unknown = set(options.which) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    print(f"{os.cpu_count()} CPUs, Linux {platform.release()}, load {os.getloadavg()[0]:.2f}")
    directory = tempfile.mkdtemp(prefix="boxlite-bench-")
    tables = []
    try:
        bench = Bench(options.boxlite, options.image, directory, options.rounds, options.git_image)
        for name in options.which or BENCHMARKS:
            tables += BENCHMARKS[name](bench)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    results = pathlib.Path("build/bench.json")
    results.write_text(json.dumps([{"title": t.title, "unit": t.unit, "rows": t.rows} for t in tables], indent=1))
    print(f"\nfigures: {results}")


if __name__ == "__main__":
    main()
