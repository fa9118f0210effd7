#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""git in a box and on the host, in one repository on a folder: clone, branches, rebase and gc, by turns and at the same
time. Each side sees the other's commits at once, none is lost, and both find the repository sound. As root, and then
again as an ordinary user, with an ordinary user in the box.
   folder_git.py BOXLITE IMAGE.tar   FOLDER_GIT (8): how many commits each side makes at the same time"""
import os
import pathlib
import subprocess
import sys
import tempfile

from home import Home, become_ordinary

COMMITS = int(os.environ.get("FOLDER_GIT", "8"))
TURNS = 3
DEADLINE = 300
# Nobody's settings count, and thus no safe.directory either.
ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    **{f"GIT_{role}_{what}": "x@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
# Only what git's own locks refuse is tried again.
COMMITTER = """
cd "$1" || exit
i=0
while [ $i -lt $3 ]; do
    echo $i >>$2.txt
    until why=$(git commit -q -m "$2 $i" -- $2.txt 2>&1); do
        case $why in *lock*) ;; *) echo "$2 $i: $why" >&2; exit 1 ;; esac
    done
    i=$((i + 1))
done
"""
COLLECTOR = """
cd "$1" || exit
until [ -e ../enough ]; do
    why=$(git gc -q 2>&1) || case $why in *lock*) ;; *) echo "gc: $why" >&2; exit 1 ;; esac
done
"""


class Side:
    """git of one side, in a directory of the folder."""

    def __init__(self, folder, command):
        self.folder, self.command = folder, command

    def start(self, *args):
        return subprocess.Popen([*self.command, *args], stdout=-1, stderr=-1, stdin=-3, env={**os.environ, **ENVIRONMENT})

    def git(self, where, *args):
        return finish(self.start("git", "-C", f"{self.folder}/{where}", *args))


def finish(process):
    out, err = process.communicate(timeout=DEADLINE)
    if process.returncode != 0:
        raise AssertionError(f"{process.args}: exit {process.returncode}\n{out.decode()}{err.decode()}")
    return out.decode().strip()


def agree(sides, where):
    """Both sides see the same commits, a clean tree, and nothing that is broken or has other owners than it should."""
    for args in (("log", "--all", "--format=%H %s"), ("status", "--porcelain"), ("ls-files", "-s")):
        found = [side.git(where, *args) for side in sides]
        if found[0] != found[1]:
            raise AssertionError(f"git {args}: host\n{found[0]}\nbox\n{found[1]}")
        if args[0] == "status" and found[0]:
            raise AssertionError(f"not clean: {found[0]}")
    for side in sides:
        found = side.git(where, "fsck", "--strict", "--no-dangling", "--no-progress")
        if found:
            raise AssertionError(f"git fsck: {found}")


def make_repository(folder, host):
    (folder / "origin").mkdir()
    host.git("origin", "init", "-q", "-b", "main")
    for number in range(60):
        file = folder / f"origin/d{number % 6}/f{number}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(f"{number} {line}\n" for line in range(number * 7 + 1)))
    for who in ("host", "box"):
        (folder / f"origin/{who}.txt").write_text("")
    host.git("origin", "add", ".")
    host.git("origin", "commit", "-q", "-m", "first")


def commit(side, where, file, text, message):
    finish(side.start("sh", "-c", f"echo {text} >>{side.folder}/{where}/{file}"))
    side.git(where, "commit", "-q", "-a", "-m", message)
    return side.git(where, "rev-parse", "HEAD")


def take_turns(sides, where):
    host, box = sides
    for turn in range(TURNS):
        for one, other in ((host, box), (box, host)):
            head = commit(one, where, f"d{turn}/f{turn}.txt", f"turn {turn}", f"turn {turn}")
            seen = other.git(where, "log", "-1", "--format=%H")
            if seen != head or other.git(where, "status", "--porcelain"):
                raise AssertionError(f"turn {turn}: HEAD is {head}, the other side sees {seen}")


def use_branches(sides, where):
    """The box's branch is rebased on what the host has committed to main meanwhile."""
    host, box = sides
    box.git(where, "checkout", "-q", "-b", "topic")
    for number in range(3):
        commit(box, where, "d5/f5.txt", number, f"topic {number}")
    host.git(where, "checkout", "-q", "main")
    head = commit(host, where, "d4/f4.txt", "main", "main goes on")
    box.git(where, "checkout", "-q", "topic")
    box.git(where, "rebase", "-q", "main")
    if host.git(where, "rev-parse", "topic~3") != head or host.git(where, "branch", "--show-current") != "topic":
        raise AssertionError("the host does not see what the box has rebased")
    host.git(where, "checkout", "-q", "main")
    box.git(where, "merge", "-q", "topic")


def commit_at_once(sides, where, folder):
    for name, text in (("committer.sh", COMMITTER), ("collector.sh", COLLECTOR)):
        (folder / name).write_text(text)
    before = int(sides[0].git(where, "rev-list", "--count", "HEAD"))
    place = [f"{side.folder}/{where}" for side in sides]
    collector = sides[1].start("sh", f"{sides[1].folder}/collector.sh", place[1])
    committers = [side.start("sh", f"{side.folder}/committer.sh", place[i], ("host", "box")[i], str(COMMITS)) for i, side in enumerate(sides)]
    try:
        for committer in committers:
            finish(committer)
    finally:
        (folder / "enough").touch()
    finish(collector)
    (folder / "enough").unlink()
    log = sides[0].git(where, "log", "--format=%s", "HEAD").splitlines()
    lost = {f"{who} {i}" for who in ("host", "box") for i in range(COMMITS)} - set(log)
    if lost or len(log) != before + 2 * COMMITS:
        raise AssertionError(f"{len(log)} commits, expected {before + 2 * COMMITS}; lost: {sorted(lost)}")


def work(home, folder, user):
    environment = [word for name, value in ENVIRONMENT.items() for word in ("-e", f"{name}={value}")]
    home.call("run", "-d", "--name", "x", "-u", user, *environment, "-e", "HOME=/tmp", "-v", f"{folder}:/f", "debian:git", "sleep", "100000")
    sides = (Side(folder, []), Side("/f", [*home.base, "exec", "x"]))
    where = "clone"
    sides[1].git("", "clone", "-q", "file:///f/origin", where)
    sides[1].git(where, "config", "gc.auto", "0")
    agree(sides, where)
    take_turns(sides, where)
    use_branches(sides, where)
    agree(sides, where)
    commit_at_once(sides, where, folder)
    agree(sides, where)
    sides[0].git("", "clone", "-q", f"{folder}/{where}", "back")
    home.call("rm", "-f", "x")


def main():
    with Home(sys.argv[1]) as home, tempfile.TemporaryDirectory(prefix="boxlite-git-") as directory:
        folder = pathlib.Path(directory)
        folder.chmod(0o755)
        home.call("load", "-i", sys.argv[2])
        make_repository(folder, Side(folder, []))
        work(home, folder, "0" if os.geteuid() == 0 else "1000")
    print(f"user {os.getuid()}: {2 * COMMITS} commits at the same time, none lost", flush=True)
    return become_ordinary() if os.geteuid() == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
