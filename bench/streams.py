# SPDX-License-Identifier: Apache-2.0
"""Many commands and much output in one running box, beside `runsc exec`."""
import subprocess
import time

from timing import Table

ONE_MIB = 100          # of one command's output
EACH_MIB = 4           # of each of many
MANY = 50
FEW_MORE = 200


def zeros(mebibytes):
    return ["head", "-c", str(mebibytes << 20), "/dev/zero"]


def drained(command, mebibytes):
    """Seconds until all of the command's output was read."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        count = 0
        while piece := process.stdout.read1(1 << 20):
            count += len(piece)
    if process.returncode != 0 or count != mebibytes << 20:
        raise SystemExit(f"{' '.join(command)}: exit {process.returncode}, {count} bytes")
    return time.perf_counter() - began


def at_once(commands, stalled=None):
    """Seconds until the last of them has ended. The output of `stalled` is not read meanwhile."""
    blocker = None
    if stalled:
        blocker = subprocess.Popen(stalled, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        blocker.stdout.read(1)
    began = time.perf_counter()
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for command in commands]
    codes = [process.wait() for process in running]
    took = time.perf_counter() - began
    if blocker:
        if blocker.poll() is not None:
            raise SystemExit("the stalled command has ended: its output was not held back")
        blocker.kill()
        blocker.communicate()
    if any(codes):
        raise SystemExit(f"{commands[0]}: exit codes {sorted(set(codes))}")
    return took


def streams(bench, image):
    bench.call("run", "-d", "--name", "streams", image, "sleep", "100000")
    bench.runsc.start("streams")
    ours = [*bench.command, "exec", "streams"]
    theirs = [*bench.runsc.base, "exec", "streams"]
    rounds = max(3, bench.rounds // 3)
    results = {}
    try:
        for _ in range(rounds):
            for name, base in (("boxlite exec", ours), ("runsc exec", theirs)):
                took = drained(base + zeros(ONE_MIB), ONE_MIB)
                results.setdefault(("one", name), []).append(ONE_MIB / took)
                stalled = base + zeros(1024)
                took = at_once([base + zeros(EACH_MIB)] * (MANY - 1), stalled)
                results.setdefault(("many", name), []).append((MANY - 1) * EACH_MIB / took)
            took = float(subprocess.run([bench.many_commands, str(bench.directory / "home"), "streams", str(FEW_MORE)],
                                        check=True, capture_output=True, text=True).stdout)
            results.setdefault(("200", "boxlite, one process"), []).append(took * 1000)
    finally:
        bench.runsc.stop("streams")
        bench.call("rm", "-f", "streams")
    tables = []
    for key, title, unit in (("one", f"Output of one command, {ONE_MIB} MiB", "MiB/s"),
                             ("many", f"Output of {MANY} commands at once, one of which nobody reads", "MiB/s"),
                             ("200", f"{FEW_MORE} commands at once in one box, to the end of the last", "ms")):
        table = Table(title, unit)
        peer = results.get((key, "runsc exec"))
        for (which, name), samples in results.items():
            if which == key:
                table.add(name, samples, peer)
        table.show()
        tables.append(table)
    return tables
