#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the CLI, the shim or QEMU at a random moment of a box's life, again and again. After each round the home
must be consistent: it opens, no box is `running` without its machine, no machine runs unseen, and what was
acknowledged is still there. KILL_ROUNDS (50) and KILL_SEED repeat a run."""
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

from home import Home

ROUNDS = int(os.environ.get("KILL_ROUNDS", "50"))
SEED = int(os.environ.get("KILL_SEED", str(int.from_bytes(os.urandom(4), "big"))))
IMAGE = "boxlite/base:latest"


def start_something(home, chance, number):
    """One of the operations that change a home, as a running CLI process."""
    action = chance.choice(["run", "run-detached", "start-kept", "exec-kept", "stop-kept", "create-remove"])
    if action == "run":
        return action, home.spawn("run", "--rm", IMAGE, "sh", "-c", "echo hello; sleep 1")
    if action == "run-detached":
        return action, home.spawn("run", "-d", "--name", f"detached{number}", IMAGE, "sleep", "1000")
    if action == "start-kept":
        return action, home.spawn("start", "kept")
    if action == "exec-kept":
        return action, home.spawn("exec", "kept", "sh", "-c", "echo more >> /log; sync; sleep 1")
    if action == "stop-kept":
        return action, home.spawn("stop", "kept")
    return action, subprocess.Popen(["sh", "-c", f"{' '.join(home.base)} create --name made{number} {IMAGE} && "
                                     f"{' '.join(home.base)} rm -f made{number}"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def comm_of(pid):
    """The name of a process; empty when it is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
            return comm.read().strip()
    except OSError:
        return ""


def kill_one(home, chance):
    victims = home.processes()
    if not victims:
        return "nobody"
    victim = chance.choice(victims)
    name = comm_of(victim)
    try:
        os.kill(victim, signal.SIGKILL)
    except OSError:
        return "somebody who was gone"
    return name


def check_home(home):
    """What must hold whatever was killed."""
    def every_machine_is_known():
        """A machine whose starter was killed goes on booting by itself; it names its shim once it is up. One whose shim was
        killed is seen as running until the last of its processes has ended."""
        alive = home.processes()
        return all(box["pid"] in alive for box in home.boxes() if box["status"] == "running")
    home.wait_until(every_machine_is_known, "every running box names its shim", deadline=130)

    def only_seen_processes():
        running = {box["pid"] for box in home.boxes() if box["status"] == "running"}
        return {pid for pid in home.processes() if comm_of(pid).startswith("boxlite-shim")} <= running
    home.wait_until(only_seen_processes, "no shim runs unseen")
    database = sqlite3.connect(home.path / "boxlite.db")
    if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        raise AssertionError("the database is damaged")
    database.close()
    known = {box["id"] for box in home.boxes()}
    home.wait_until(lambda: {entry.name for entry in (home.path / "boxes").iterdir()} <= known,
                    "no directory without a box")


def main():
    print(f"seed {SEED}: KILL_SEED={SEED} repeats this run", flush=True)
    chance = random.Random(SEED)
    with Home(sys.argv[1]) as home:
        home.call("create", "--name", "kept", IMAGE)
        home.call("exec", "kept", "sh", "-c", "echo acknowledged > /precious; sync")
        for number in range(ROUNDS):
            action, process = start_something(home, chance, number)
            # The random moment is the point; recording a box takes milliseconds, the rest seconds.
            time.sleep(chance.uniform(0.0, 0.06 if action == "create-remove" else 2.5))
            victim = kill_one(home, chance)
            process.communicate(timeout=120)
            check_home(home)
            print(f"round {number + 1:2}: {action}, killed {victim}", flush=True)
            if number % 10 == 9:
                if home.call("exec", "kept", "cat", "/precious") != "acknowledged\n":
                    raise AssertionError("an acknowledged file is gone")
                for box in home.boxes():
                    if box["name"] != "kept":
                        home.call("rm", "-f", box["id"])
        if home.call("run", "--rm", IMAGE, "echo", "still works") != "still works\n":
            raise AssertionError("the home no longer runs boxes")
        home.call("rm", "-f", "-a")
        home.wait_until(lambda: not home.processes(), "every process of the home ends")
        if home.boxes():
            raise AssertionError("boxes remain")


if __name__ == "__main__":
    main()
