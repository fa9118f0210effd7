#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Folders of an ordinary user: whose its files are in a box, what is kept beside them, what they are on the host, and
that the file server has no more rights than it needs. As root this starts itself again as such a user."""
import os
import pathlib
import sys
import tempfile

from home import Home, become_ordinary


def expect(what, wanted, found):
    if wanted != found:
        raise AssertionError(f"{what}: {found!r}, expected {wanted!r}")


def owners(home, folder):
    def in_box(script):
        return home.call("exec", "x", "sh", "-c", script + " 2>&1", check=False).strip()

    (folder / "file").write_text("mine")
    (folder / "file").chmod(0o644)
    (folder / "sealed").mkdir()
    (folder / "sealed/s").write_text("s")
    home.call("run", "-d", "--name", "x", "-v", f"{folder}:/f", "--", "sleep", "1000")
    expect("the host user's file", "0:0:644", in_box("stat -c %u:%g:%a /f/file"))
    expect("chown", "33:34", in_box("chown 33:34 /f/file; stat -c %u:%g /f/file"))
    expect("set-id bits", "4755", in_box("cp /bin/true /f/t; chmod 4755 /f/t; stat -c %a /f/t"))
    status = (folder / "t").stat()
    expect("set-id bits on the host", 0o755, status.st_mode & 0o7777)
    expect("who owns it on the host", os.getuid(), status.st_uid)
    expect("who owns what was given away", os.getuid(), (folder / "file").stat().st_uid)
    expect("devices", True, "not permitted" in in_box("mknod /f/null c 1 3"))
    (folder / "sealed").chmod(0)
    expect("a directory without rights", True, "denied" in in_box("su -s /bin/sh nobody -c 'cat /f/sealed/s'"))
    (folder / "sealed").chmod(0o755)
    expect("with rights again", "s", in_box("su -s /bin/sh nobody -c 'cat /f/sealed/s'"))


def servers():
    """What the kernel says of each file server of this user."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        if status["Name"].startswith("boxlite-fileser") and status["Uid"].split()[0] == str(os.getuid()):
            found.append(status)
    return found


def confined():
    """It can do what it must to the user's own files, and nothing else."""
    found = servers()
    expect("file servers", True, len(found) > 0)
    for status in found:
        for field, wanted in (("CapEff", "000000000000000b"), ("CapBnd", "000000000000000b"), ("NoNewPrivs", "1"), ("Seccomp", "2")):
            expect(field, wanted, status[field])


def hidden(home):
    """The shim makes no core file, wherever the kernel sends them: proc_pid(5) says what such a process looks like."""
    for box in home.boxes():
        shim = pathlib.Path(f"/proc/{box['pid']}")
        expect("whose the shim's files in /proc are", 0, (shim / "environ").stat().st_uid)
        limits = [line.split() for line in (shim / "limits").read_text().splitlines() if line.startswith("Max core file size")]
        expect("its limit of core files", ["0", "0"], limits[0][4:6])


def main():
    with Home(sys.argv[1]) as home, tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        folder.chmod(0o755)
        owners(home, folder)
        home.call("run", "-d", "--name", "bare", "--", "sleep", "1000")
        confined()
        hidden(home)
        home.call("rm", "-f", "x", "bare")
        for owner, wanted in (("host", f"{os.getuid()}:{os.getgid()}"), ("12:34", "12:34")):
            found = home.call("run", "--rm", "--folder-owner", owner, "-v", f"{folder}:/f", "--", "stat", "-c", "%u:%g", "/f/sealed")
            expect(f"--folder-owner {owner}", wanted, found.strip())
        own = f"{os.getuid()}:{os.getgid()}"
        found = home.call("run", "--rm", "-u", own, "-v", f"{folder}:/f", "--", "sh", "-c", "echo new >/f/new && stat -c %u:%g /f/new")
        expect("what the box's own user writes", own, found.strip())
    print("ok")


sys.exit(become_ordinary() if os.geteuid() == 0 else main())
