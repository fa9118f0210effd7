# SPDX-License-Identifier: Apache-2.0
"""A temporary home for tests of whole processes: runs the CLI in it, sees the processes that belong to it, and leaves
nothing behind."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ORDINARY_USER = 61234


def become_ordinary():
    """Starts this program again as a user without rights; gives its result."""
    place = tempfile.mkdtemp(prefix="boxlite-user-")
    os.chown(place, ORDINARY_USER, ORDINARY_USER)
    try:
        user = [f"--reuid={ORDINARY_USER}", f"--regid={ORDINARY_USER}", "--clear-groups"]
        environment = {**os.environ, "HOME": place, "TMPDIR": place, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(["setpriv", *user, sys.executable, *sys.argv], env=environment, check=False).returncode
    finally:
        shutil.rmtree(place)


class Home:
    def __init__(self, boxlite):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-system-"))
        self.base = [boxlite, "--home", str(self.path)]

    def __enter__(self):
        return self

    def __exit__(self, failure=None, *_):
        if failure:
            self.show_records()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            if not failure:
                self.check_disks()
        finally:
            shutil.rmtree(self.path, ignore_errors=True)

    def check_disks(self):
        """What images were made into is a sound file system."""
        for disk in (self.path / "disks").rglob("*.ext4"):
            check = subprocess.run(["/sbin/e2fsck", "-fn", str(disk)], capture_output=True, text=True, check=False)
            if check.returncode != 0 or "?" in check.stdout:
                raise AssertionError(f"e2fsck {disk}: exit {check.returncode}\n{check.stdout}{check.stderr}")

    def spawn(self, *args, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen([*self.base, *args], **options)

    def call(self, *args, deadline=120, check=True):
        """The standard output of a command; a failure or a missed deadline is an error with all that it printed."""
        process = self.spawn(*args)
        try:
            out, err = process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"boxlite {' '.join(args)}: no end after {deadline} s\n{err.decode()}") from None
        if check and process.returncode != 0:
            raise AssertionError(f"boxlite {' '.join(args)}: exit {process.returncode}\n{err.decode()}")
        return out.decode()

    @contextlib.contextmanager
    def capture(self, box):
        """A pcap file of what passes the box's cable meanwhile; its writer must end well when interrupted."""
        file = self.path / f"{box}.pcap"
        file.unlink(missing_ok=True)
        process = self.spawn("network", "capture", box, str(file))
        self.wait_until(lambda: file.exists() and file.stat().st_size >= 24, "the capture begins")
        yield file
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        if process.returncode != 0:
            raise AssertionError(f"network capture: exit {process.returncode}\n{err.decode()}")

    def show_records(self):
        """What the boxes left behind, for whoever looks for the cause of a failure."""
        for name in ("shim.stderr", "vmm.stderr", "exit.json", "exit.previous.json", "shim.json"):
            for record in sorted(self.path.glob(f"boxes/*/{name}")):
                text = record.read_text(errors="replace").strip()
                if text:
                    print(f"--- {record.parent.name}/{name}\n{text[-1500:]}", flush=True)
        events = self.path / "events.jsonl"
        if events.exists():
            print("--- last events\n" + "\n".join(events.read_text(errors="replace").splitlines()[-15:]), flush=True)

    def boxes(self):
        return json.loads(self.call("ls", "-a", "--format", "json"))

    def inspect(self, box):
        return json.loads(self.call("inspect", box))[0]

    def process_of_box(self, name):
        """A child of the shim of the only box, by how its name begins."""
        threads = pathlib.Path(f"/proc/{self.boxes()[0]['pid']}/task").glob("*/children")
        children = [int(pid) for thread in threads for pid in thread.read_text().split()]
        found = [pid for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text().startswith(name)]
        if len(found) != 1:
            raise AssertionError(f"{name}: {found}")
        return found[0]

    def processes(self):
        """Every process whose environment or arguments name this home, but this one."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                seen = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if str(self.path).encode() in seen and state != "Z":
                found.append(int(entry.name))
        return found

    def wait_until(self, condition, what, deadline=30):
        """Polls an outside condition that sends no event (a process table, a directory)."""
        end = time.monotonic() + deadline
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {deadline} s")
            time.sleep(0.05)
