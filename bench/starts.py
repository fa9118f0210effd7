# SPDX-License-Identifier: Apache-2.0
"""What a start costs: alone, beside a boot and beside gVisor, and twenty at once."""
import json
import pathlib
import subprocess
import time

from plot import stage_plot
from timing import Table, interleaved, timed

STAGES_SHOWN = ("image", "base_disk", "template", "disk", "spawn", "spawn_vmm", "restore", "boot", "configure", "mount",
                "container")
AT_ONCE = 20
# A box that has run has a disk of its own, so no frozen machine fits it.
AGAIN = "started again"


class Keeper:
    """A second home in which one machine is kept ready, so that the other contestants do not take it."""

    def __init__(self, bench, image):
        self.command = [bench.command[0], "--home", str(bench.directory / "ready-home")]
        subprocess.run([*self.command, "load", "-q", "-i", bench.image], check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen([*self.command, "warm", "--keep", "1", image], stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith("ready"):
            raise SystemExit("boxlite warm --keep ended")
        self.image = image

    def run(self):
        """Seconds of a start that takes the machine; returns when the next one is ready."""
        took = timed([*self.command, "run", "--rm", self.image, "true"])
        while not self.is_ready():
            time.sleep(0.05)
        return took

    def is_ready(self):
        listed = subprocess.run([*self.command, "machine", "ls", "--format", "json"], capture_output=True, text=True, check=True)
        return any(machine["Ready"] > 0 for machine in json.loads(listed.stdout))

    def close(self):
        self.process.terminate()
        self.process.wait()


class Runc:
    """The same root file system in namespaces only: no kernel of its own, no boundary. The aim for a machine that is kept."""

    def __init__(self, directory, rootfs):
        directory.mkdir()
        self.directory, self.count = directory, 0
        subprocess.run(["runc", "spec"], cwd=directory, check=True)
        config = json.loads((directory / "config.json").read_text())
        config["process"].update(args=["/bin/true"], terminal=False)
        config["root"] = {"path": str(rootfs), "readonly": True}
        config["linux"].pop("resources", None)
        (directory / "config.json").write_text(json.dumps(config))

    def run(self):
        self.count += 1
        return timed(["runc", "run", f"bench{self.count}"], cwd=self.directory)


def start(bench, image):
    """create + start + first command + stop of a cached image."""
    keeper, runc = Keeper(bench, image), Runc(bench.directory / "runc", bench.rootfs)
    try:
        ours, ready, booted, theirs, bare = interleaved(
            bench.rounds, lambda: bench.timed("run", "--rm", image, "true"), keeper.run,
            lambda: bench.timed("run", "--rm", "--cold", image, "true"), lambda: bench.runsc.run(["/bin/true"]), runc.run)
    finally:
        keeper.close()
    table = Table("Start: create + start + first command + stop, cached image", "ms")
    peer = [second * 1000 for second in theirs]
    table.add("boxlite run --rm", [second * 1000 for second in ours], peer)
    table.add("boxlite run --rm, machine kept ready", [second * 1000 for second in ready], peer)
    table.add("boxlite run --rm --cold (boots)", [second * 1000 for second in booted], peer)
    table.add("runsc --platform=ptrace run", peer)
    table.add("runc run (no kernel of its own)", [second * 1000 for second in bare], peer)
    table.show()
    return [table, python(bench, image), *stages(bench, image)]


def python(bench, image):
    """The same with what agents run: an interpreter, whose every start is translated code or a cold page."""
    command = ["python3", "-c", "print(1)"]
    ours, theirs = interleaved(bench.rounds, lambda: bench.timed("run", "--rm", image, *command),
                               lambda: bench.runsc.run(["/usr/bin/env", *command]))
    table = Table("Start: the same with python3 -c 'print(1)'", "ms")
    peer = [second * 1000 for second in theirs]
    table.add("boxlite run --rm", [second * 1000 for second in ours], peer)
    table.add("runsc --platform=ptrace run", peer)
    table.show()
    return table


def stages(bench, image):
    """Where a start goes, as the box itself tells, with a plot of the medians."""
    tables, medians = [], {}
    for title, options in (("first start", []), (AGAIN, []), ("booted (--cold)", ["--cold"])):
        samples = {}
        for number in range(max(3, bench.rounds // 2)):
            name = f"stages{number}"
            bench.call("create", "--name", name, *options, image)
            bench.call("start", name)
            if title == AGAIN:
                bench.call("stop", "-t", "0", name)
                bench.call("start", name)
            for stage in bench.inspect(name)["StartStages"]:
                if stage["Name"] in STAGES_SHOWN:
                    samples.setdefault(stage["Name"], []).append(stage["Milliseconds"])
            bench.call("rm", "-f", name)
        table = Table(f"Where a start goes, {title}", "ms")
        medians[title] = {name: table.add(name, values)["median"] for name, values in samples.items()}
        table.show()
        tables.append(table)
    place = pathlib.Path("build/start-stages.svg")
    place.write_text(stage_plot("Stages of a start, until the box is ready", medians))
    print(f"\nplot: {place}")
    return tables


def many(bench, image):
    """Twenty boxes started at once, each to return a result."""
    def boxes():
        began = time.perf_counter()
        started = [subprocess.Popen([*bench.command, "run", "--rm", image, "echo", str(number)], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for number in range(AT_ONCE)]
        for number, process in enumerate(started):
            out, err = process.communicate()
            if out != f"{number}\n":
                raise SystemExit(f"box {number} of {AT_ONCE} answered {out!r}: {err}")
        return time.perf_counter() - began

    def sandboxes():
        began = time.perf_counter()
        started = [bench.runsc.begin() for _ in range(AT_ONCE)]
        for process in started:
            _, complaint = process.communicate()
            if process.returncode != 0:
                raise SystemExit(f"runsc run failed: {complaint}")
        return time.perf_counter() - began

    bench.runsc.run(["/bin/true"])
    ours, theirs = interleaved(max(3, bench.rounds // 3), boxes, sandboxes)
    table = Table(f"{AT_ONCE} starts at once, until the last one has answered and gone", "ms")
    peer = [second * 1000 for second in theirs]
    table.add("boxlite run --rm", [second * 1000 for second in ours], peer)
    table.add("runsc --platform=ptrace run", peer)
    table.show()
    return [table]
