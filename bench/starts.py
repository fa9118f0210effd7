# SPDX-License-Identifier: Apache-2.0
"""What a start costs: alone, beside a boot and beside gVisor, and twenty at once."""
import pathlib
import subprocess
import time

from plot import stage_plot
from timing import Table, interleaved

STAGES_SHOWN = ("image", "base_disk", "template", "disk", "spawn", "spawn_vmm", "restore", "boot", "configure", "mount",
                "container")
AT_ONCE = 20


def start(bench, image):
    """create + start + first command + stop of a cached image."""
    ours, booted, theirs = interleaved(bench.rounds, lambda: bench.timed("run", "--rm", image, "true"),
                                       lambda: bench.timed("run", "--rm", "--cold", image, "true"),
                                       lambda: bench.runsc.run(["/bin/true"]))
    table = Table("Start: create + start + first command + stop, cached image", "ms")
    peer = [second * 1000 for second in theirs]
    table.add("boxlite run --rm", [second * 1000 for second in ours], peer)
    table.add("boxlite run --rm --cold (boots)", [second * 1000 for second in booted], peer)
    table.add("runsc --platform=ptrace run", peer)
    table.show()
    return [table, *stages(bench, image)]


def stages(bench, image):
    """Where a start goes, as the box itself tells, with a plot of the medians."""
    tables, medians = [], {}
    for title, options in (("restored", []), ("booted (--cold)", ["--cold"])):
        samples = {}
        for number in range(max(3, bench.rounds // 2)):
            name = f"stages{number}"
            bench.call("create", "--name", name, *options, image)
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
