# SPDX-License-Identifier: Apache-2.0
"""Interleaved timing of commands and the table that shows it."""
import statistics
import subprocess
import time


def timed(command, **options):
    """Seconds that a command took; a command that fails ends the benchmark with its output."""
    began = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    took = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"benchmark command failed ({done.returncode}): {' '.join(command)}\n{done.stderr}")
    return took


def interleaved(rounds, *contestants):
    """Runs the contestants turn by turn, so that a drift of the machine hits all alike. Returns a list of what
    each gave, mostly seconds. The first round warms caches and is not counted."""
    results = [[] for _ in contestants]
    for number in range(rounds + 1):
        for result, contestant in zip(results, contestants):
            took = contestant()
            if number > 0:
                result.append(took)
    return results


class Table:
    """Rows of name, median, spread and the ratio to the row that is the peer."""

    def __init__(self, title, unit):
        self.title, self.unit, self.rows = title, unit, []

    def add(self, name, samples, peer=None):
        ordered = sorted(samples)
        row = {"name": name, "median": statistics.median(ordered), "min": ordered[0], "max": ordered[-1],
               "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], "runs": len(ordered)}
        if peer:
            row["ratio"] = row["median"] / statistics.median(peer)
        self.rows.append(row)
        return row

    def show(self):
        print(f"\n{self.title} ({self.unit})")
        print(f"  {'':38} {'median':>9} {'min':>9} {'p95':>9} {'max':>9} {'runs':>5}  ratio")
        for row in self.rows:
            ratio = f"{row['ratio']:5.2f} x" if "ratio" in row else ""
            print(f"  {row['name']:38} {row['median']:9.1f} {row['min']:9.1f} {row['p95']:9.1f} {row['max']:9.1f}"
                  f" {row['runs']:5}  {ratio}")


def measure_steps(run, directory, steps):
    """Milliseconds of each step, a name and a shell's script; `run` takes a command and returns seconds."""
    return [run(["/bin/sh", "-c", f"cd {directory} && {script}"]) * 1000 for _, script in steps]


def folder_table(title, steps, folder, own, theirs):
    """What each step took on a folder of the host, on the box's own disk, and in runsc with a bind mount."""
    table = Table(title, "ms")
    for (step, _), here, there, peer in zip(steps, folder, own, theirs):
        table.add(f"{step}: folder", [here], [peer])
        table.add(f"{step}: own disk", [there])
        table.add(f"{step}: runsc, bind mount", [peer])
    table.show()
    return table
