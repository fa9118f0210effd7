#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Busy boxes with 1, 2 and 4 vCPUs, and a fourth that is used in every way, for ten minutes: none may hang, give a wrong
answer or leak.

QEMU's multi-threaded TCG once kept stale translations of code that another vCPU patched; our kernel patches none at run
time, and this is the proof. SOAK_SECONDS shortens it; it says how long all of it takes."""
import json
import os
import pathlib
import sys
import tempfile
import threading
import time

from footprint import Footprint
from home import Home

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
ENDING = min(40, SECONDS // 4)  # of them, for stopping and looking at what is left
HEARTBEAT_DEADLINE = 120
MEMORY_MIB = 256
# QEMU's translation buffer and its own needs, beside the guest's memory.
MACHINE_LIMIT_MIB = MEMORY_MIB + 256 + 128
# Processes, pipes, memory, disk and signals at once; prints one line per turn and must always print the same hash.
WORK = """
cd /tmp && i=0
while :; do
  head -c 200000 /bin/busybox | sha256sum | cut -c1-16 > sum.$$
  head -c 100000 /dev/urandom > file.$$ && cp file.$$ copy.$$ && cmp file.$$ copy.$$ || echo CORRUPT >> /tmp/errors
  (sleep 0.01 & kill -9 $! ; wait) 2>/dev/null
  cat sum.$$ >> sums
  i=$((i+1))
done
"""
COUNTER = "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.1; done"


class Soak:
    """A box under load until `end`, and what it holds of the host meanwhile."""

    def __init__(self, home, name, cpus, *command):
        self.home, self.name = home, name
        home.call("run", "-d", "--name", name, "--cpus", str(cpus), "--memory", str(MEMORY_MIB), "boxlite/base:latest", *command)
        self.footprint = Footprint(home.inspect(name)["State"], MACHINE_LIMIT_MIB)
        self.slowest = 0.0

    def turns(self, begin, end):
        """Counts turns; samples after each, the first fifth of the time as warm-up."""
        count = 0
        while time.monotonic() < end:
            began = time.monotonic()
            yield count
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.footprint.sample(time.monotonic() < begin + (end - begin) / 5)
            count += 1

    def finish(self, line):
        leaks = self.footprint.leaks()
        print(f"{self.name}: {line}, slowest {self.slowest:.2f} s\n  {self.footprint}", flush=True)
        if leaks:
            raise AssertionError("; ".join(leaks))


def busy_box(home, cpus, begin, end):
    soak = Soak(home, f"busy{cpus}", cpus, "sleep", "100000")
    workers = [home.spawn("exec", soak.name, "sh", "-c", WORK) for _ in range(cpus + 1)]
    for beats in soak.turns(begin, end):
        answer = home.call("exec", soak.name, "sh", "-c", "echo $((6*7)); nproc", deadline=HEARTBEAT_DEADLINE).split()
        if answer != ["42", str(cpus)]:
            raise AssertionError(f"wrong answer {answer}")
        time.sleep(0.5)  # the load is the boxes' own; the heartbeat only looks
    sums = home.call("exec", soak.name, "sh", "-c",
                     "sort -u /tmp/sums | wc -l; wc -l < /tmp/sums; cat /tmp/errors 2>/dev/null || true").split()
    if sums[0] != "1" or len(sums) != 2:
        raise AssertionError(f"the work gave wrong results: {sums}")
    ended = [worker.communicate()[1].decode() for worker in workers if worker.poll() is not None]
    if ended:
        raise AssertionError(f"a worker ended: {ended}")
    home.call("stop", soak.name)
    for worker in workers:
        worker.communicate(timeout=60)
    soak.finish(f"{beats + 1} heartbeats, {sums[1]} turns of work, all the same")


def copy_both_ways(home, name, directory, number):
    there, back = pathlib.Path(directory, "there"), pathlib.Path(directory, "back")
    there.write_bytes(os.urandom(1 + number * 7919 % 300_000))
    home.call("cp", str(there), f"{name}:/root/file", deadline=HEARTBEAT_DEADLINE)
    home.call("cp", f"{name}:/root/file", str(back), deadline=HEARTBEAT_DEADLINE)
    if there.read_bytes() != back.read_bytes():
        raise AssertionError("a file came back changed")


def read_logs(home, name, turn):
    numbers = [int(line.split()[1]) for line in home.call("logs", "-n", "50", name, deadline=HEARTBEAT_DEADLINE).splitlines()]
    if not numbers or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise AssertionError(f"turn {turn}: the log has gaps: {numbers}")


def stand_still(home, name):
    home.call("pause", name)
    if home.inspect(name)["State"]["Status"] != "paused":
        raise AssertionError("a paused box does not say so")
    home.call("unpause", name)


def leave_command(home, name):
    execution = home.call("exec", "-d", name, "sh", "-c", "sleep 0.2; exit 7").strip()
    if home.call("wait", name, execution, deadline=HEARTBEAT_DEADLINE).strip() != "7":
        raise AssertionError("a command that was left gave another exit code")


def look_at_stats(home, name):
    stats = json.loads(home.call("stats", "--no-stream", "--format", "json", name, deadline=HEARTBEAT_DEADLINE))
    if "running" not in json.dumps(stats):
        raise AssertionError(f"stats of a running box: {stats}")


def used_box(home, begin, end):
    soak = Soak(home, "used", 1, "sh", "-c", COUNTER)
    home.wait_until(lambda: home.call("logs", soak.name), "the first line of the log", deadline=HEARTBEAT_DEADLINE)
    with tempfile.TemporaryDirectory(prefix="boxlite-soak-") as directory:
        for number in soak.turns(begin, end):
            copy_both_ways(home, soak.name, directory, number)
            read_logs(home, soak.name, number)
            stand_still(home, soak.name)
            leave_command(home, soak.name)
            look_at_stats(home, soak.name)
    home.call("stop", "-t", "1", soak.name)
    soak.finish(f"{number + 1} turns of cp, logs, pause, exec -d, stats")


def files_of(home):
    return {str(path.relative_to(home.path)) for path in home.path.rglob("*") if not path.is_dir()}


def check_files(before, after, failures):
    # Logs rotate, and a box that has stopped keeps the record of its end.
    strange = [name for name in after - before if "log" not in name and not name.endswith("/exit.previous.json")]
    if strange:
        failures.append(f"files that were not there after the warm-up: {sorted(strange)[:20]}")


def guard(failures, what, function, *args):
    try:
        function(*args)
    except Exception as error:  # a thread's failure must reach the main thread
        failures.append(f"{what}: {error}")


def check_consoles(home, failures):
    for console in home.path.glob("boxes/*/console.log"):
        text = pathlib.Path(console).read_text(errors="replace")
        if "Oops" in text or "soft lockup" in text or "rcu_sched" in text:
            failures.append(f"{console}: the guest kernel complains:\n{text[-2000:]}")


def main():
    failures = []
    begin = time.monotonic()
    end = begin + SECONDS - ENDING
    with Home(sys.argv[1]) as home:
        threads = [threading.Thread(target=guard, args=(failures, f"busy{cpus}", busy_box, home, cpus, begin, end)) for cpus in (1, 2, 4)]
        threads.append(threading.Thread(target=guard, args=(failures, "used", used_box, home, begin, end)))
        for thread in threads:
            thread.start()
        time.sleep((end - begin) / 3)
        warm_files = files_of(home)
        for thread in threads:
            thread.join()
        check_files(warm_files, files_of(home), failures)
        check_consoles(home, failures)
        if not failures:
            home.wait_until(lambda: not home.processes(), "every process of stopped boxes ends")
        home.call("rm", "-f", "-a")
        home.wait_until(lambda: not home.processes(), "every process of the home ends")
        left = [path.name for path in (home.path / "boxes").iterdir()]
        if left:
            failures.append(f"directories remain: {left}")
    print(f"all of it took {time.monotonic() - begin:.0f} s", flush=True)
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
