#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A thousand starts in a row in one home: a thousand right answers, no two boxes alike, and nothing stays behind: no process, no
file, no megabyte. STARTS shortens it."""
import os
import pathlib
import sys
import time

from home import Home

STARTS = int(os.environ.get("STARTS", "1000"))
# What a start prints: its number, and what must be unlike any other box's.
ANSWER = "echo {}; cat /proc/sys/kernel/random/boot_id; head -c 8 /dev/urandom | od -An -tx8"
# Logs of events and the database grow with what happens; a page of SQLite's for every few boxes is no leak.
GROWTH_LIMIT_KIB = 8 << 10


def occupied_kib(path):
    return sum(entry.stat(follow_symlinks=False).st_blocks for entry in pathlib.Path(path).rglob("*")) // 2


def files(path):
    return sorted(str(entry.relative_to(path)) for entry in pathlib.Path(path).rglob("*"))


def main():
    seen, took = set(), []
    with Home(sys.argv[1]) as home:
        home.call("warm")
        home.call("run", "--rm", "boxlite/base", "true")
        before, kib_before = files(home.path), occupied_kib(home.path)
        for number in range(STARTS):
            began = time.perf_counter()
            answer = home.call("run", "--rm", "boxlite/base", "sh", "-c", ANSWER.format(number)).split()
            took.append(time.perf_counter() - began)
            assert answer[0] == str(number), answer
            assert not seen & set(answer[1:]), f"start {number} repeats {answer[1:]}"
            seen.update(answer[1:])
        home.wait_until(lambda: not home.processes(), "every process of the home ends")
        new_files = [name for name in files(home.path) if name not in before and not name.startswith("events.jsonl")]
        growth = occupied_kib(home.path) - kib_before
        assert home.boxes() == []
    took.sort()
    print(f"{STARTS} starts: median {took[len(took) // 2] * 1000:.0f} ms, p95 {took[int(len(took) * 0.95)] * 1000:.0f}, "
          f"p99 {took[int(len(took) * 0.99)] * 1000:.0f}, slowest {took[-1] * 1000:.0f}; the home grew by {growth} KiB")
    assert not new_files, f"files stay behind: {new_files}"
    assert growth < GROWTH_LIMIT_KIB, f"the home grew by {growth} KiB"


if __name__ == "__main__":
    main()
