#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random operations on boxes from several processes at once, with random kill -9, checked against a simple model.

Each worker owns a few names; nobody else changes their boxes, but everybody reads them. For each box the model knows the set
of states it may be in: one after an operation that was seen to end, several after one that was killed. What the home says
must always be in that set, and every line that a command wrote and acknowledged must be in the box for ever after.
MODEL_OPERATIONS (2000) and MODEL_SEED repeat a run."""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from home import Home

OPERATIONS = int(os.environ.get("MODEL_OPERATIONS", "2000"))
SEED = int(os.environ.get("MODEL_SEED", str(int.from_bytes(os.urandom(4), "big"))))
WORKERS = 3
NAMES_PER_WORKER = 2
ABSENT, CONFIGURED, RUNNING, PAUSED, STOPPED, FAILED = "absent", "configured", "running", "paused", "stopped", "failed"
MOVING = {"stopping", "restarting", "starting"}
DEADLINE = 180


class Box:
    """What must be true of one name."""

    def __init__(self, name):
        self.name = name
        self.forget()

    def forget(self):
        self.states = {ABSENT}
        self.lines = []  # acknowledged
        self.perhaps = set()  # written by commands that were killed
        self.copied = [None]  # what the copied file may hold; None: it may be absent
        self.torn = []  # of these it may hold the beginning: the copy was killed

    def __str__(self):
        return f"{self.name} {sorted(self.states)}, {len(self.lines)} lines"


class Worker:
    def __init__(self, home, number, operations):
        self.home, self.operations = home, operations
        self.chance = random.Random(SEED * 1000 + number)
        self.boxes = [Box(f"w{number}-{letter}") for letter in "ab"[:NAMES_PER_WORKER]]
        self.renames = 0
        self.count = 0
        self.counts = {}
        self.story = []

    # ---- how a command ends -----------------------------------------------------------------------------------

    def run(self, *args, may_kill=True):
        """(exit code, stdout, stderr), or nothing for a command that was killed on its way."""
        process = self.home.spawn(*args)
        if may_kill and self.chance.random() < 0.15:
            # The random moment is the point.
            time.sleep(self.chance.choice([0.005, 0.02, 0.1, 0.4, 1.0]))
            if process.poll() is None:
                process.kill()
                process.communicate()
                self.story.append(f"{' '.join(args)}: killed")
                return None
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"boxlite {' '.join(args)}: no end after {DEADLINE} s") from None
        self.story.append(f"{' '.join(args)}: {process.returncode}")
        return process.returncode, out.decode(), err.decode()

    def seen(self, box):
        """The state that the home shows, once it has come to rest."""
        end = time.monotonic() + DEADLINE
        while True:
            code, out, err = self.run("inspect", box.name, may_kill=False)
            if code != 0:
                if "no box" not in err:
                    raise AssertionError(f"inspect {box.name}: {err}")
                return ABSENT
            state = json.loads(out)[0]["State"]["Status"].lower()
            if state not in MOVING:
                return state
            if time.monotonic() > end:
                raise AssertionError(f"{box.name} is still {state} after {DEADLINE} s")
            time.sleep(0.05)  # it sends no event to a process that only looks

    def check(self, box):
        state = self.seen(box)
        if state not in box.states:
            raise AssertionError(f"{box} is {state}")
        box.states = {state}
        if state == ABSENT:
            box.forget()
        return state

    # ---- operations -------------------------------------------------------------------------------------------

    def change(self, box, args, after, legal_from):
        """An operation that takes a box from any of `legal_from` to `after`."""
        before = self.check(box)
        done = self.run(*args)
        if done is None:
            box.states = {before} | (after | {FAILED} if before in legal_from else set())
            time.sleep(0.3)  # its last request may lie before the shim, which tells nobody when it takes it up
            return
        code, _, err = done
        if before in legal_from:
            if code != 0:
                raise AssertionError(f"{' '.join(args)} of a box that is {before}: exit {code}\n{err}")
            box.states = set(after)
        elif code == 0 or not err.startswith("boxlite: "):
            raise AssertionError(f"{' '.join(args)} of a box that is {before}: exit {code}, {err!r}")

    def create(self, box):
        self.change(box, ["create", "--name", box.name, "boxlite/base:latest"], {CONFIGURED}, {ABSENT})

    def start(self, box):
        self.change(box, ["start", box.name], {RUNNING}, {CONFIGURED, RUNNING, STOPPED, FAILED})

    def stop(self, box):
        before = self.check(box)
        after = {STOPPED} if before in {RUNNING, PAUSED} else {before}
        self.change(box, ["stop", "-t", "1", box.name], after, {CONFIGURED, RUNNING, PAUSED, STOPPED, FAILED})

    def restart(self, box):
        before = self.check(box)
        self.change(box, ["restart", "-t", "1", box.name], {RUNNING}, {CONFIGURED, RUNNING, PAUSED, STOPPED, FAILED})
        if len(box.states) > 1 and before != ABSENT:  # killed on its way
            box.states |= {STOPPED}

    def rename(self, box):
        """A box that is renamed stays what it is; after a kill it has one of the two names."""
        before = self.check(box)
        self.renames += 1
        old, new = box.name, f"{box.name.split('.')[0]}.{self.renames}"
        done = self.run("rename", old, new)
        if done is None:
            box.name = new
            if before != ABSENT and self.seen(box) == ABSENT:
                box.name = old
        elif before == ABSENT:
            if done[0] == 0:
                raise AssertionError(f"rename of {box}: exit 0")
        elif done[0] != 0:
            raise AssertionError(f"rename of {box}: exit {done[0]}\n{done[2]}")
        else:
            box.name = new

    def copy_in(self, box):
        before = self.check(box)
        content = self.chance.randbytes(self.chance.choice([0, 1, 4096, 300_000]))
        with tempfile.NamedTemporaryFile(prefix="boxlite-model-") as file:
            file.write(content)
            file.flush()
            done = self.run("cp", file.name, f"{box.name}:/copied")
        can_run = before in {CONFIGURED, RUNNING, STOPPED, FAILED}
        if done is None:
            box.torn.append(content)
            box.states = {before} | ({RUNNING, FAILED} if can_run else set())
        elif can_run:
            if done[0] != 0:
                raise AssertionError(f"cp into {box}: exit {done[0]}\n{done[2]}")
            # Until it is on the disk, a machine that is killed may lose it: so may a real one.
            code, _, err = self.run("exec", box.name, "sync", may_kill=False)
            if code != 0:
                raise AssertionError(f"sync in {box}: exit {code}\n{err}")
            box.copied, box.torn, box.states = [content], [], {RUNNING}
        elif done[0] == 0:
            raise AssertionError(f"cp into a box that is {before}: exit 0")

    def copy_out(self, box):
        if self.check(box) != RUNNING:
            return
        with tempfile.TemporaryDirectory(prefix="boxlite-model-") as directory:
            path = os.path.join(directory, "copied")
            code, _, err = self.run("cp", f"{box.name}:/copied", path, may_kill=False)
            found = None
            if code == 0:
                with open(path, "rb") as file:
                    found = file.read()
        if code != 0 and None not in box.copied:
            raise AssertionError(f"cp out of {box}: exit {code}\n{err}")
        if found not in box.copied and not any(content.startswith(found) for content in box.torn):
            raise AssertionError(f"{box}: the file that came out, of {len(found)} bytes, never went in")

    def remove(self, box):
        self.change(box, ["rm", box.name], {ABSENT}, {CONFIGURED, STOPPED, FAILED})
        self.check(box)

    def remove_by_force(self, box):
        self.change(box, ["rm", "-f", box.name], {ABSENT}, {CONFIGURED, RUNNING, PAUSED, STOPPED, FAILED})
        if len(box.states) > 1:  # killed between the stop and the removal
            box.states |= {STOPPED}
        self.check(box)

    def write(self, box):
        before = self.check(box)
        line = f"line-{self.count}"
        done = self.run("exec", box.name, "sh", "-c", f"echo {line} >> /log && sync")
        can_run = before in {CONFIGURED, RUNNING, STOPPED, FAILED}
        if done is None:
            box.perhaps.add(line)
            box.states = {before} | ({RUNNING, FAILED} if can_run else set())
        elif can_run:
            if done[0] != 0:
                raise AssertionError(f"exec in {box}: exit {done[0]}\n{done[2]}")
            box.lines.append(line)
            box.states = {RUNNING}
        elif done[0] != 125:
            raise AssertionError(f"exec in a box that is {before}: exit {done[0]}\n{done[2]}")

    def read(self, box):
        if self.check(box) != RUNNING:
            return
        code, out, err = self.run("exec", box.name, "sh", "-c", "cat /log 2>/dev/null || true", may_kill=False)
        if code != 0:
            raise AssertionError(f"read in {box}: exit {code}\n{err}")
        found = out.split()
        missing = [line for line in box.lines if line not in found]
        strange = [line for line in found if line not in box.lines and line not in box.perhaps]
        if missing or strange:
            raise AssertionError(f"{box}: lost {missing}, never wrote {strange}")

    def kill_machine(self, box):
        """kill -9 of the shim or of QEMU, as an out-of-memory killer would."""
        if self.check(box) != RUNNING:
            return
        state = self.home.inspect(box.name)["State"]
        victim = state[self.chance.choice(["Pid", "VmmPid"])]
        try:
            os.kill(victim, signal.SIGKILL)
        except (ProcessLookupError, TypeError):
            return
        self.story.append(f"kill -9 {victim} of {box.name}")
        box.states = {FAILED, STOPPED}
        self.home.wait_until(lambda: self.seen(box) != RUNNING, f"the end of {box.name}")
        self.check(box)

    def pause(self, box):
        self.change(box, ["pause", box.name], {PAUSED}, {RUNNING, PAUSED})

    def unpause(self, box):
        self.change(box, ["unpause", box.name], {RUNNING}, {RUNNING, PAUSED})

    def step(self):
        box = self.chance.choice(self.boxes)
        operations = {self.create: 4, self.start: 2, self.stop: 2, self.remove: 2, self.remove_by_force: 1, self.write: 6,
                      self.read: 4, self.kill_machine: 1, self.pause: 1, self.unpause: 2, self.check: 5, self.restart: 1,
                      self.rename: 2, self.copy_in: 2, self.copy_out: 2}
        operation = self.chance.choices(list(operations), list(operations.values()))[0]
        self.count += 1
        self.counts[operation.__name__] = self.counts.get(operation.__name__, 0) + 1
        operation(box)

    def work(self, failures):
        try:
            while self.count < self.operations and not failures:
                self.step()
        except Exception as error:  # a thread's failure must reach the main thread
            failures.append(f"{error}\nwhat came before:\n  " + "\n  ".join(self.story[-15:]))


def look_on(home, failures, done):
    """Reads all the time what others change: nothing may fail but for boxes that are gone."""
    try:
        while not done.is_set() and not failures:
            for box in home.boxes():
                process = home.spawn("inspect", box["id"])
                _, err = process.communicate(timeout=DEADLINE)
                if process.returncode != 0 and b"no box" not in err:
                    raise AssertionError(f"inspect {box['id']}: {err.decode()}")
            done.wait(0.2)
    except Exception as error:
        failures.append(f"the onlooker: {error}")


def main():
    print(f"seed {SEED}: MODEL_SEED={SEED} repeats the choices", flush=True)
    failures, done = [], threading.Event()
    with Home(sys.argv[1]) as home:
        home.call("run", "--rm", "boxlite/base:latest", "true")
        workers = [Worker(home, number, OPERATIONS // WORKERS) for number in range(WORKERS)]
        threads = [threading.Thread(target=worker.work, args=(failures,)) for worker in workers]
        onlooker = threading.Thread(target=look_on, args=(home, failures, done))
        for thread in (*threads, onlooker):
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        onlooker.join()
        totals = {}
        for worker in workers:
            for name, count in worker.counts.items():
                totals[name] = totals.get(name, 0) + count
        print(", ".join(f"{count} {name}" for name, count in sorted(totals.items())), flush=True)
        if not failures:
            home.call("rm", "-f", "-a")
            home.wait_until(lambda: not home.processes(), "every process of the home ends")
            left = [entry.name for entry in (home.path / "boxes").iterdir()]
            if left:
                failures.append(f"directories remain: {left}")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
