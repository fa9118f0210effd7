# SPDX-License-Identifier: Apache-2.0
"""The peer: gVisor's runsc without hardware virtualization, on the same root file system."""
import contextlib
import json
import pathlib
import subprocess

from timing import timed

RUNSC = ["runsc", "--platform=ptrace", "--network=none", "--ignore-cgroups"]


class Runsc:
    """A bundle over a root file system, run from scratch or kept running."""

    def __init__(self, directory, rootfs):
        self.bundle = pathlib.Path(directory)
        self.bundle.mkdir(parents=True, exist_ok=True)
        self.state = self.bundle / "state"
        self.base = RUNSC + [f"--root={self.state}"]
        self.rootfs = rootfs
        self.count = 0
        self.mounts = []  # on top of the usual ones, as in config.json

    def _configure(self, args):
        if not self._config.exists():
            subprocess.run(["runsc", "spec"], cwd=self.bundle, check=True)
        config = json.loads(self._config.read_text())
        config["process"].update(args=args, terminal=False)
        config["mounts"] = [m for m in config["mounts"] if m not in self.mounts] + self.mounts
        config["root"] = {"path": str(self.rootfs), "readonly": True}
        self._config.write_text(json.dumps(config))

    @property
    def _config(self):
        return self.bundle / "config.json"

    def run(self, args):
        """Seconds from nothing to the end of the first command."""
        self._configure(args)
        self.count += 1
        return timed(self.base + ["run", f"bench{self.count}"], cwd=self.bundle)

    def begin(self):
        """What run() was given last, once more and not waited for."""
        self.count += 1
        return subprocess.Popen(self.base + ["run", f"bench{self.count}"], cwd=self.bundle, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def start(self, name, writable=False):
        """`writable`: with a /tmp in memory."""
        self._configure(["/bin/sleep", "100000"])
        if writable:
            config = json.loads(self._config.read_text())
            config["mounts"].append({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"})
            self._config.write_text(json.dumps(config))
        # The detached sandbox would hold our pipes open, so it gets none.
        subprocess.run(self.base + ["run", "-detach", name], cwd=self.bundle, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def exec(self, name, args):
        return timed(self.base + ["exec", name] + args)

    def pipe(self, name, before, inside, after=None):
        """Seconds of `before | inside the sandbox | after`; each a shell's words, the outer ones may be missing."""
        runsc = " ".join(self.base + ["exec", name, "sh", "-c", f"'{inside}'"])
        return timed(["bash", "-o", "pipefail", "-c", " | ".join(part for part in (before, runsc, after) if part)])

    def stop(self, name):
        subprocess.run(self.base + ["delete", "-force", name], capture_output=True, check=False)

    def process_ids(self):
        """All processes of what runs here: sandbox, gofer, and the processes that carry the application."""
        parents, found = {}, set()
        for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                pid = int(status.parent.name)
                parents[pid] = int(status.read_text().rpartition(")")[2].split()[1])
                if f"--root={self.state}" in (status.parent / "cmdline").read_text().split("\0"):
                    found.add(pid)
        while grown := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= grown
        return sorted(found)
