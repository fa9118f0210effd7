#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host disk that runs full at each stage: every command ends with a clear error, and removing a box makes room
again. The small disk is a tmpfs in a mount namespace of our own, which goes with us."""
import os
import pathlib
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


def log_goes_on(home):
    """What the main command writes while there is no room is missing from its log, and said to be; the command itself does
    not notice."""
    home.call("run", "-d", "--name", "talker", "--log-max-size", "1m", "--", "sh", "-c",
              "cd /dev/shm; echo first; until test -e go; do sleep 0.3; done; head -c 5000000 /dev/zero | tr '\\0' x; echo;"
              " echo done > done; until test -e room; do sleep 0.3; done; echo last; sleep 1000")
    home.wait_until(lambda: home.call("logs", "talker") == "first\n", "the first line of the log")
    fill = home.path / "fill"
    with fill.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError:
            pass
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
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(home.path)], check=True)
        home.call("run", "--rm", "--", "true")

        log_goes_on(home)

        # The guest fills the host: its program hears of it, and nothing hangs.
        filled = home.call("run", "--name", "fill", "--", "sh", "-c",
                           "dd if=/dev/urandom of=/big bs=1M count=100 conv=fsync 2>/dev/null && echo kept || echo refused",
                           deadline=180)
        if filled != "refused\n":
            raise AssertionError(f"the guest wrote more than the host holds: {filled!r}")
        # Now nothing can be recorded, and each command says so.
        expect_full(home, "create", "boxlite/base")
        expect_full(home, "run", "--rm", "--", "true")
        if [box["name"] for box in home.boxes()] != ["fill"]:
            raise AssertionError("ls does not show what is there")
        # The way out.
        home.call("rm", "-f", "fill")
        if home.call("run", "--rm", "--", "echo", "room again") != "room again\n":
            raise AssertionError("no box runs after room was made")

        # An image that does not fit leaves nothing of itself.
        archive = pathlib.Path(sys.argv[2])
        ballast = home.path / "ballast"
        ballast.write_bytes(b"\0" * 1024 * 1024 * (SIZE_MIB - 12))
        subprocess.run(["sh", "-c", f"head -c 30000000 /dev/urandom > {home.path}/fill 2>/dev/null; true"], check=True)
        expect_full(home, "load", "--name", "copy:1", "-i", str(archive))
        (home.path / "fill").unlink()
        ballast.unlink()
        home.call("load", "--name", "copy:1", "-i", str(archive))
        home.wait_until(lambda: not home.processes(), "every process of the home ends")
        subprocess.run(["umount", "-l", str(home.path)], check=True)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_namespace()
    main()
