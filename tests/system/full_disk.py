#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host disk that runs full at each stage: every command ends with a clear error, and removing a box makes room
again. The small disk is a tmpfs in a mount namespace of our own, which goes with us."""
import os
import pathlib
import signal
import subprocess
import sys

from home import Home

INSIDE = "BOXLITE_FULL_DISK_INSIDE"
SIZE_MIB = 60


def enter_namespace():
    """Starts this program again where it may mount; ends with its result."""
    flags = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    done = subprocess.run(["unshare", *flags, sys.executable, __file__, *sys.argv[1:]], env={**os.environ, INSIDE: "1"})
    sys.exit(done.returncode)


def expect_full(home, *command):
    done = home.spawn(*command)
    _, err = done.communicate(timeout=120)
    text = err.decode()
    if done.returncode != 125 or "try: free" not in text:
        raise AssertionError(f"boxlite {' '.join(command)}: exit {done.returncode}, expected a full disk with its remedy:\n{text}")


def fill_up(home):
    """A file that takes all the room there is, to the last page."""
    fill = home.path / "fill"
    with fill.open("wb", buffering=0) as file:
        for piece in (bytes(1 << 16), bytes(1 << 12)):
            try:
                while True:
                    file.write(piece)
            except OSError:
                pass
    return fill


def free_bytes(home):
    status = os.statvfs(home.path)
    return status.f_bfree * status.f_frsize


def everything_ends(home, archive):
    """To end and to remove works on a disk without a byte left, whatever state it is in."""
    def status(name):
        return {box["name"]: box["status"] for box in home.boxes()}.get(name)

    def on_full_disk(*command):
        fill = fill_up(home)
        home.call(*command)
        fill.unlink()
        home.call("ls")  # whoever opens the home next makes the reserve again

    for name in ("stopped", "killed", "forced"):
        home.call("run", "-d", "--name", name, "--", "sleep", "1000")
    home.call("run", "--name", "done", "--", "true")
    home.call("run", "--name", "pruned", "--", "true")
    home.call("create", "--name", "never", "boxlite/base")
    home.call("load", "--name", "copy:1", "-i", archive)
    home.call("volume", "create", "data")

    on_full_disk("stop", "-t", "1", "stopped")
    if status("stopped") != "stopped":
        raise AssertionError(f"a box that was stopped is {status('stopped')}")
    on_full_disk("kill", "killed")
    home.wait_until(lambda: status("killed") == "stopped", "the end of a killed box is known")
    for name in ("forced", "done", "never", "killed"):
        on_full_disk("rm", "-f", name)
    on_full_disk("rmi", "-f", "copy:1")  # the boxes' image by another name
    on_full_disk("volume", "rm", "data")
    on_full_disk("prune", "-f")
    if home.boxes():
        raise AssertionError(f"left: {home.boxes()}")


def ends_are_recorded(home):
    """Each of several boxes on a full disk says what is wrong while it runs, and how it ended after."""
    names = ("killed", "stopped", "orphaned", "writer")
    for name in names:
        home.call("run", "-d", "--name", name, "--", "sleep", "1000")
    fill = fill_up(home)

    def state(name):
        return home.inspect(name)["State"]

    def write(name):
        return home.call("exec", name, "sh", "-c", "dd if=/dev/urandom of=/big bs=1M count=8 conv=fsync 2>/dev/null && echo kept || echo refused")

    for name in ("orphaned", "writer"):
        if write(name) != "refused\n":
            raise AssertionError("the guest wrote more than the host holds")
        home.wait_until(lambda: state(name)["Disk"]["Errors"] != 0, f"the errors of the disk of {name} are known while it is full")
    for name in ("stopped", "writer"):
        home.call("stop", "-t", "1", name)
    home.call("kill", "killed")
    home.wait_until(lambda: not state("killed")["Running"], "the end of a killed box is known")
    os.kill(state("orphaned")["Pid"], signal.SIGKILL)
    home.wait_until(lambda: not state("orphaned")["Running"], "the end of a box without its shim is known")
    for when in ("while the disk is full", "later"):
        for name in ("stopped", "killed", "writer"):
            found = state(name)
            if (found["Status"], found["ExitCode"]) != ("stopped", 137):
                raise AssertionError(f"{name}, {when}: {found}")
        if state("orphaned")["Status"] != "failed" or state("orphaned")["Disk"]["Errors"] == 0 or state("writer")["Disk"]["Errors"] == 0:
            raise AssertionError(f"{when}: {state('orphaned')} {state('writer')}")
        fill.unlink(missing_ok=True)
        home.call("ls")
    for name in ("orphaned", "writer"):
        home.call("start", name)
        if write(name) != "kept\n":
            raise AssertionError(f"{name} cannot write though there is room")
        home.call("rm", "-f", name)
    home.call("prune", "-f")


# Writes once round its journal, so that a full host has room for the journal's blocks, but none for those that are new: the
# blocks of 2000 directories, eight times.
ROUND_THE_JOURNAL = """mkdir /old && cd /old && i=0; while [ $i -lt 2000 ]; do mkdir $i; i=$((i+1)); done; sync
for pass in 1 2 3 4 5 6 7 8 9; do for d in *; do : > $d/$pass; done; sync; done"""
ACKNOWLEDGED = """for i in $(seq 30); do mkdir /new$i && dd if=/dev/null of=/new$i/file conv=fsync 2>/dev/null && echo /new$i/file; done"""


def file_system_survives(boxlite):
    """What a box wrote and was told to be safe is there after an orderly stop on a full disk, and nothing is damaged."""
    with Home(boxlite) as home:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=240m,mode=700", "tmpfs", str(home.path)], check=True)
        home.call("run", "-d", "--name", "box", "--", "sleep", "1000")
        home.call("exec", "box", "sh", "-c", ROUND_THE_JOURNAL)
        for end in (("stop", "-t", "1", "box"), ("kill", "box")):
            fill = fill_up(home)
            written = home.call("exec", "box", "sh", "-c", ACKNOWLEDGED).split()
            if len(written) < 3:
                raise AssertionError(f"the guest's journal has no room: {written}")
            home.call(*end)
            home.wait_until(lambda: not home.inspect("box")["State"]["Running"], "the box ends")
            fill.unlink()
            home.call("start", "box")
            found = home.call("exec", "box", "ls", *written, check=False).split()
            if sorted(found) != sorted(written):
                raise AssertionError(f"lost after {end[0]}: {sorted(set(written) - set(found))}")
            # Reads every directory and inode; makes new ones.
            home.call("exec", "box", "sh", "-c", "find / -xdev -type f > /dev/null && rm -r /new* && mkdir /again && rmdir /again && sync")
            if home.inspect("box")["State"]["Disk"]["Errors"] > 1:
                raise AssertionError(f"damaged after {end[0]}: {home.inspect('box')['State']['Disk']}")
        home.call("rm", "-f", "box")
        home.wait_until(lambda: not home.processes(), "every process of the home ends")
        subprocess.run(["umount", "-l", str(home.path)], check=True)


def log_goes_on(home):
    """What the main command writes while there is no room is missing from its log, and said to be; the command itself does
    not notice."""
    home.call("run", "-d", "--name", "talker", "--log-max-size", "1m", "--", "sh", "-c",
              "cd /dev/shm; echo first; until test -e go; do sleep 0.3; done; head -c 5000000 /dev/zero | tr '\\0' x; echo;"
              " echo done > done; until test -e room; do sleep 0.3; done; echo last; sleep 1000")
    home.wait_until(lambda: home.call("logs", "talker") == "first\n", "the first line of the log")
    fill = fill_up(home)
    home.call("exec", "talker", "touch", "/dev/shm/go")
    home.wait_until(lambda: home.call("exec", "talker", "cat", "/dev/shm/done", check=False) == "done\n",
                    "the command writes on while the disk is full", 60)
    fill.unlink()
    home.call("exec", "talker", "touch", "/dev/shm/room")
    home.wait_until(lambda: "last\n" in home.call("logs", "talker"), "the log goes on")
    log = home.spawn("logs", "talker")
    out, err = log.communicate(timeout=60)
    if not out.startswith(b"first\n") or not out.endswith(b"last\n") or log.returncode != 0:
        raise AssertionError(f"the log lost what it had: {out[:20]!r} … {out[-20:]!r}")
    if b"missing" not in err and b"lost" not in err:
        raise AssertionError(f"nothing is said of what is missing: {err!r}")
    home.call("rm", "-f", "talker")


def main():
    with Home(sys.argv[1]) as home:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=700", "tmpfs", str(home.path)], check=True)
        home.call("run", "--rm", "--", "true")

        log_goes_on(home)
        ends_are_recorded(home)
        everything_ends(home, sys.argv[2])

        # The guest fills the host: its program hears of it, and nothing hangs.
        filled = home.call("run", "--name", "fill", "--", "sh", "-c",
                           "dd if=/dev/urandom of=/big bs=1M count=100 conv=fsync 2>/dev/null && echo kept || echo refused",
                           deadline=180)
        if filled != "refused\n":
            raise AssertionError(f"the guest wrote more than the host holds: {filled!r}")
        # Now nothing can be recorded, and each command says so.
        fill = fill_up(home)
        expect_full(home, "create", "boxlite/base")
        expect_full(home, "run", "--rm", "--", "true")
        if [box["name"] for box in home.boxes()] != ["fill"]:
            raise AssertionError("ls does not show what is there")
        # The way out.
        home.call("rm", "-f", "fill")
        fill.unlink()
        room = free_bytes(home)
        if home.call("run", "--rm", "--", "echo", "room again") != "room again\n":
            raise AssertionError("no box runs after room was made")
        # The kernel takes its time to let go of a machine's mounts, and so of its disk.
        home.wait_until(lambda: free_bytes(home) > room - (1 << 20), "the room of a removed box is free")

        # An image that does not fit leaves nothing of itself.
        archive = pathlib.Path(sys.argv[2])
        ballast = home.path / "ballast"
        ballast.write_bytes(b"\0" * 1024 * 1024 * (SIZE_MIB - 12))
        fill = fill_up(home)
        expect_full(home, "load", "--name", "copy:1", "-i", str(archive))
        fill.unlink()
        ballast.unlink()
        home.call("load", "--name", "copy:1", "-i", str(archive))
        home.wait_until(lambda: not home.processes(), "every process of the home ends")
        subprocess.run(["umount", "-l", str(home.path)], check=True)
    file_system_survives(sys.argv[1])


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespace()
    main()
