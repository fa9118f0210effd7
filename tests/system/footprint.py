# SPDX-License-Identifier: Apache-2.0
"""What a running box holds of its host, and whether that grows."""
import os
import pathlib


def _process(pid):
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    # A shim hides its descriptors from all but root, and not their number (Linux 6.2).
    return {"fds": os.stat(f"/proc/{pid}/fd").st_size, "threads": int(status["Threads"]),
            "KiB": int(status["VmRSS"].split()[0])}


class Footprint:
    """Samples of one box's two processes: those of a warm-up, and all later ones. A leak shows in the lowest value of the
    last samples: what is only busy at the moment does not."""
    LAST = 20
    # What may come and go with the load: streams of clients, QEMU's pool of disk threads, pages of the allocator.
    LIMITS = {("shim", "fds"): 4, ("shim", "threads"): 1, ("shim", "KiB"): 4 << 10,
              ("machine", "fds"): 4, ("machine", "threads"): 8}

    def __init__(self, state, machine_limit_mib):
        self.pids = {"shim": state["Pid"], "machine": state["VmmPid"]}
        self.machine_limit_kib = machine_limit_mib << 10
        self.warm, self.later = [], []

    def sample(self, is_warm_up):
        (self.warm if is_warm_up else self.later).append({name: _process(pid) for name, pid in self.pids.items()})

    def _series(self, samples, process, what):
        return [sample[process][what] for sample in samples]

    def leaks(self):
        found = []
        last = self.later[-self.LAST:]
        for (process, what), limit in self.LIMITS.items():
            before, after = max(self._series(self.warm, process, what)), min(self._series(last, process, what))
            if after > before + limit:
                found.append(f"{process}: {what} grew from {before} to {after}")
        # The guest may touch all of its memory at any time, and QEMU fill its translation buffer; no more than that.
        largest = max(self._series(self.later, "machine", "KiB"))
        if largest > self.machine_limit_kib:
            found.append(f"machine: {largest} KiB, more than {self.machine_limit_kib}")
        return found

    def __str__(self):
        def span(process, what):
            return f"{max(self._series(self.warm, process, what))} → {min(self._series(self.later[-self.LAST:], process, what))}"
        return "; ".join(f"{process} " + ", ".join(f"{what} {span(process, what)}" for what in ("fds", "threads", "KiB"))
                         for process in self.pids)
