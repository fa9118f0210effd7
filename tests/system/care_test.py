#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A box looks after itself: the HEALTHCHECK of its image, and a restart after its kernel has panicked.
   care_test.py BOXLITE BASE_IMAGE_TAR"""
import hashlib
import json
import pathlib
import sys
import tarfile

from home import Home

HEALTH = {"Test": ["CMD-SHELL", "echo looked; test -e /well"], "Interval": 100_000_000, "Retries": 2}


class Layout:
    """An OCI layout in a directory, changed as an image builder would."""

    def __init__(self, archive, directory):
        self.path = pathlib.Path(directory)
        with tarfile.open(archive) as tar:
            tar.extractall(self.path, filter="data")

    def _blob(self, descriptor):
        return self.path / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")

    def read(self, descriptor):
        return json.loads(self._blob(descriptor).read_bytes())

    def replace(self, descriptor, document):
        content = json.dumps(document).encode()
        self._blob(descriptor).unlink()
        descriptor.update(digest="sha256:" + hashlib.sha256(content).hexdigest(), size=len(content))
        self._blob(descriptor).write_bytes(content)

    def set_config(self, **fields):
        index = json.loads((self.path / "index.json").read_bytes())
        manifest = self.read(index["manifests"][0])
        config = self.read(manifest["config"])
        config["config"].update(fields)
        self.replace(manifest["config"], config)
        self.replace(index["manifests"][0], manifest)
        (self.path / "index.json").write_text(json.dumps(index))


def health(home, box):
    return (home.inspect(box)["State"]["Health"] or {}).get("Status")


def becomes(home, box, status):
    home.wait_until(lambda: health(home, box) == status, f"{box} is {status}")
    names = [row["name"] for row in home.boxes() if row["health"] == status]
    assert box in names, names
    listed = home.call("ls", "-q", "--filter", f"health={status}").split()
    assert home.inspect(box)["Id"] in listed, listed


def image_says_how_well(home, archive):
    layout = Layout(archive, home.path / "layout")
    layout.set_config(Healthcheck=HEALTH)
    home.call("load", "--name", "watched:1", "-i", str(layout.path))
    home.call("run", "-d", "--name", "watched", "watched:1", "sleep", "1000")
    becomes(home, "watched", "unhealthy")
    assert home.inspect("watched")["State"]["Health"]["LastOutput"] == "looked\n"
    home.call("exec", "watched", "touch", "/well")
    becomes(home, "watched", "healthy")
    home.call("run", "-d", "--no-healthcheck", "--name", "ignored", "watched:1", "sleep", "1000")
    assert health(home, "ignored") is None
    home.call("rm", "-f", "watched", "ignored")


def panic(home, box):
    """The guest's kernel knows no SysRq key; one that may not kill a process for want of memory panics as well. The command is
    lost with the machine."""
    home.call("exec", "--privileged", box, "sh", "-c", "sync; echo 2 > /proc/sys/vm/panic_on_oom && tail /dev/zero", check=False)


def lives_are(home, lives):
    home.wait_until(lambda: home.call("exec", "tough", "cat", "/lives", check=False) == lives, f"the disk holds {lives!r}")


def comes_back_after_a_panic(home):
    home.call("run", "-d", "--name", "tough", "--restart", "on-failure", "--privileged", "boxlite/base", "sh", "-c",
              "echo life >> /lives; sleep 1000")
    lives_are(home, "life\n")
    before = home.inspect("tough")["State"]
    panic(home, "tough")
    home.wait_until(lambda: home.inspect("tough")["State"]["RestartCount"] == 1, "the restart after the panic", 60)
    home.wait_until(lambda: home.inspect("tough")["State"]["Status"] == "running", "the new machine runs", 60)
    after = home.inspect("tough")["State"]
    assert after["Pid"] == before["Pid"] and after["VmmPid"] != before["VmmPid"], (before, after)
    lives_are(home, "life\nlife\n")
    assert "Kernel panic" in home.call("logs", "--console", "tough")
    home.call("rm", "-f", "tough")


def stays_down_without_a_policy(home):
    home.call("run", "-d", "--name", "frail", "--privileged", "boxlite/base", "sleep", "1000")
    panic(home, "frail")
    home.wait_until(lambda: home.inspect("frail")["State"]["Status"] == "failed", "the end of the box")
    assert "panicked" in home.inspect("frail")["State"]["Error"], home.inspect("frail")["State"]
    home.call("start", "frail")
    home.call("rm", "-f", "frail")


def main():
    with Home(sys.argv[1]) as home:
        image_says_how_well(home, sys.argv[2])
        comes_back_after_a_panic(home)
        stays_down_without_a_policy(home)
        home.wait_until(lambda: not home.processes(), "every process of the home ends")


if __name__ == "__main__":
    main()
