#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Busy boxes with 1, 2 and 4 vCPUs for ten minutes: none may hang, give a wrong answer or leak.

QEMU's multi-threaded TCG once kept stale translations of code that another vCPU patched; our kernel patches none at run
time, and this is the proof. SOAK_SECONDS shortens it."""
import os
import pathlib
import sys
import threading
import time

from home import Home

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
HEARTBEAT_DEADLINE = 120
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


def busy_box(home, cpus, end, failures):
    name = f"soak{cpus}"
    try:
        home.call("run", "-d", "--name", name, "--cpus", str(cpus), "--memory", "256", "boxlite/base:latest", "sleep", "100000")
        workers = [home.spawn("exec", name, "sh", "-c", WORK) for _ in range(cpus + 1)]
        beats, slowest = 0, 0.0
        shim = home.inspect(name)["State"]["Pid"]
        open_files = len(os.listdir(f"/proc/{shim}/fd"))
        while time.monotonic() < end:
            began = time.monotonic()
            answer = home.call("exec", name, "sh", "-c", "echo $((6*7)); nproc", deadline=HEARTBEAT_DEADLINE).split()
            if answer != ["42", str(cpus)]:
                raise AssertionError(f"wrong answer {answer}")
            beats, slowest = beats + 1, max(slowest, time.monotonic() - began)
            time.sleep(0.5)  # the load is the boxes' own; the heartbeat only looks
        sums = home.call("exec", name, "sh", "-c", "sort -u /tmp/sums | wc -l; wc -l < /tmp/sums; cat /tmp/errors 2>/dev/null || true").split()
        if sums[0] != "1" or len(sums) != 2:
            raise AssertionError(f"the work gave wrong results: {sums}")
        leaked = len(os.listdir(f"/proc/{shim}/fd")) - open_files
        if leaked > 4:
            raise AssertionError(f"the shim holds {leaked} more descriptors than at the start")
        ended = [worker.communicate()[1].decode() for worker in workers if worker.poll() is not None]
        if ended:
            raise AssertionError(f"a worker ended: {ended}")
        home.call("stop", name)
        for worker in workers:
            worker.communicate(timeout=60)
        print(f"{cpus} vCPU: {beats} heartbeats, slowest {slowest:.2f} s, {sums[1]} turns of work, all the same", flush=True)
    except Exception as error:  # a thread's failure must reach the main thread
        failures.append(f"{cpus} vCPU: {error}")


def main():
    failures = []
    with Home(sys.argv[1]) as home:
        end = time.monotonic() + SECONDS
        threads = [threading.Thread(target=busy_box, args=(home, cpus, end, failures)) for cpus in (1, 2, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for console in home.path.glob("boxes/*/console.log"):
            text = pathlib.Path(console).read_text(errors="replace")
            if "Oops" in text or "soft lockup" in text or "rcu_sched" in text:
                failures.append(f"{console}: the guest kernel complains:\n{text[-2000:]}")
        home.call("rm", "-f", "-a")
        home.wait_until(lambda: not home.processes(), "every process of the home ends")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
