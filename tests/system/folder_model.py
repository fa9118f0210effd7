#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random operations on a folder that two boxes and the host share, one after the other, and the same ones by plain system
calls on a directory that no box has: every result has to be the same, and what each side sees. Then all three at once.
As root, and then again as an ordinary user, with an ordinary user in the boxes.
   folder_model.py BOXLITE IMAGE.tar   FOLDER_MODEL_STEPS (150), FOLDER_MODEL_SEED repeats the choices

What is seen at once and what in time is what docs/explanation/folders.md promises: the host sees at once what a box has
done, and a box sees everything once it has got a lock; without one, it sees it in time."""
import fcntl
import json
import os
import pathlib
import random
import select
import subprocess
import sys
import tempfile
import time
import zlib

from home import Home, become_ordinary

STEPS = int(os.environ.get("FOLDER_MODEL_STEPS", "150"))
SEED = int(os.environ.get("FOLDER_MODEL_SEED", str(int.from_bytes(os.urandom(4), "big"))))
RECORDS = max(30, STEPS // 10)
BOXES = ("one", "two")
IN_TIME = 20
DEADLINE = 120
LONGEST = 20_000
SLOTS = 5
ACTOR = (pathlib.Path(__file__).parent / "folder_actor.py").read_text()
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16


class Process:
    """folder_actor.py, somewhere."""

    def __init__(self, name, command):
        self.name, self.rest = name, b""
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1)

    def send(self, command, arguments):
        self.process.stdin.write(json.dumps([command, arguments]).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self):
        end = time.monotonic() + DEADLINE
        pipe = self.process.stdout.fileno()
        while b"\n" not in self.rest:
            ready, _, _ = select.select([pipe], [], [], max(0, end - time.monotonic()))
            data = os.read(pipe, 1 << 16) if ready else b""
            if not data:
                self.process.kill()
                raise AssertionError(f"{self.name}: no answer\n{self.process.stderr.read().decode()}")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, arguments):
        self.send(command, arguments)
        return self.receive()

    def end(self):
        self.process.communicate(timeout=DEADLINE)


class Side:
    """A box or the host, and the process that does the same where no box is."""

    def __init__(self, name, process, oracle):
        self.name, self.process, self.oracle = name, process, oracle
        self.is_box = name in BOXES
        self.slots, self.maps = {}, set()  # slot: flags
        self.may_be_behind = False  # others have changed something since it last had a lock


class Model:
    def __init__(self, sides, oracle, seed):
        self.sides, self.oracle = sides, oracle
        self.chance = random.Random(seed)
        self.step, self.story, self.counts, self.slowest = 0, [], {}, 0.0
        self.most_names = {}  # by inode

    # ---- choices ----------------------------------------------------------------------------------------------

    def paths_there(self):
        """What the folder should have now, but what the model itself needs."""
        found = []
        for where, directories, files in os.walk(self.oracle):
            found += [os.path.relpath(os.path.join(where, name), self.oracle) for name in (*directories, *files)]
        return sorted(path for path in found if path != ".barrier")

    def new_path(self):
        names = [self.chance.choice("abcdef") for _ in range(self.chance.choice([1, 1, 2, 2, 3]))]
        return "/".join(names)

    def path(self, there_rate=0.75):
        there = self.paths_there()
        return self.chance.choice(there) if there and self.chance.random() < there_rate else self.new_path()

    def place(self):
        """Where something new may well come to be."""
        directories = [path for path in self.paths_there() if os.path.isdir(self.oracle / path)]
        name = self.chance.choice("abcdef")
        return f"{self.chance.choice(directories)}/{name}" if directories and self.chance.random() < 0.6 else name

    def directory(self):
        there = [path for path in self.paths_there() if os.path.isdir(self.oracle / path)]
        return self.chance.choice(there) if there else self.path()

    def file(self):
        there = [path for path in self.paths_there() if os.path.isfile(self.oracle / path)]
        return self.chance.choice(there) if there and self.chance.random() < 0.9 else self.path()

    def slot(self, side):
        return self.chance.choice(sorted(side.slots)) if side.slots else None

    def offset(self):
        return self.chance.choice([0, 0, 1, 100, 4095, 4096, 5000, 8192, self.chance.randrange(LONGEST)])

    def size(self):
        return self.chance.choice([1, 10, 100, 4096, 4097, self.chance.randrange(1, LONGEST // 2)])

    def mode(self):
        return self.chance.choice([0o644, 0o600, 0o755, 0o700, 0o777, 0o666, 0o444, 0o555, 0o000])

    # ---- operations: (command, arguments, the paths that it touches) ---------------------------------------------

    def on_names(self, side):
        a, b = self.path(), self.place()
        return [
            (6, lambda: ("write_by_name", {"path": self.file(), "offset": self.offset(), "size": self.size(), "stamp": self.step, "flags": os.O_CREAT})),
            (4, lambda: ("write_by_name", {"path": b, "offset": 0, "size": self.size(), "stamp": self.step, "flags": os.O_CREAT | os.O_EXCL})),
            (3, lambda: ("write_by_name", {"path": self.file(), "offset": 0, "size": self.size(), "stamp": self.step, "flags": os.O_CREAT | os.O_APPEND})),
            (2, lambda: ("write_by_name", {"path": self.file(), "offset": 0, "size": self.size(), "stamp": self.step, "flags": os.O_TRUNC})),
            (4, lambda: ("replace", {"path": self.file(), "size": self.size(), "stamp": self.step})),
            (3, lambda: ("truncate", {"path": self.file(), "size": self.chance.choice([0, 1, 4096, self.chance.randrange(LONGEST)])})),
            (5, lambda: ("rename", {"path": a, "other": self.chance.choice([b, self.path()]), "flags": 0})),
            (2, lambda: ("rename", {"path": self.directory(), "other": b, "flags": 0})),
            (2, lambda: ("rename", {"path": a, "other": self.path(), "flags": RENAME_EXCHANGE})),
            (1, lambda: ("rename", {"path": a, "other": self.path(), "flags": RENAME_NOREPLACE})),
            (3, lambda: ("unlink", {"path": a})),
            (2, lambda: ("link", {"path": self.file(), "other": b})),
            (2, lambda: ("symlink", {"target": self.new_path(), "path": b})),
            (4, lambda: ("mkdir", {"path": b, "mode": self.chance.choice([0o755, 0o700, 0o1777])})),
            (2, lambda: ("rmdir", {"path": self.directory()})),
            (2, lambda: ("chmod", {"path": a, "mode": self.mode()})),
            (2, lambda: ("utime", {"path": a, "when": self.chance.randrange(10**17), "follow": self.chance.random() < 0.7})),
            (2, lambda: ("set_attribute", {"path": a, "name": f"user.{self.chance.choice('xyz')}", "value": f"{self.step}" * 3})),
            (1, lambda: ("remove_attribute", {"path": a, "name": f"user.{self.chance.choice('xyz')}"})),
        ]

    def on_open_files(self, side):
        free = [slot for slot in range(SLOTS) if slot not in side.slots]
        slot, other = self.slot(side), self.slot(side)
        found = []
        if free:
            access = self.chance.choice([os.O_RDONLY, os.O_RDWR, os.O_RDWR, os.O_WRONLY, os.O_RDWR | os.O_APPEND])
            more = self.chance.choice([0, 0, os.O_CREAT, os.O_CREAT | os.O_EXCL, os.O_TRUNC])
            found += [
                (8, lambda: ("open", {"slot": free[0], "path": self.file(), "flags": access | more, "mode": 0o644})),
                (2, lambda: ("open", {"slot": free[0], "path": self.directory(), "flags": os.O_RDONLY | os.O_DIRECTORY, "mode": 0})),
                (1, lambda: ("open_nameless", {"slot": free[0], "path": self.directory()})),
            ]
        if slot is not None:
            found += [
                (2, lambda: ("close", {"slot": slot})),
                (8, lambda: ("write", {"slot": slot, "offset": self.offset(), "size": self.size(), "stamp": self.step})),
                (3, lambda: ("truncate_open", {"slot": slot, "size": self.chance.choice([0, 1, 4096, self.chance.randrange(LONGEST)])})),
                (1, lambda: ("chmod_open", {"slot": slot, "mode": self.mode()})),
                (3, lambda: ("map", {"slot": slot, "may_write": self.chance.random() < 0.6})),
                (2, lambda: ("allocate", {"slot": slot, "mode": self.chance.choice([0, KEEP_SIZE]), "offset": self.offset(), "size": self.size()})),
                (3, lambda: ("allocate", {"slot": slot, "mode": self.chance.choice([PUNCH_HOLE | KEEP_SIZE, ZERO_RANGE]), "offset": self.offset(), "size": self.size()})),
                (2, lambda: ("copy", {"slot": slot, "other": other, "offset": self.offset(), "to": self.offset(), "size": self.size()})),
                (1, lambda: ("sync", {"slot": slot})),
                (3, lambda: ("flock", {"slot": slot, "how": self.chance.choice([fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN])})),
                (3, lambda: ("lock_range", {"slot": slot, "how": self.chance.choice([fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN]),
                                            "start": self.chance.choice([0, 10, 4096]), "size": self.chance.choice([0, 10, 5000])})),
            ]
        if side.maps:
            size = self.chance.choice([1, 10, 100, 4096])
            found.append((6, lambda: ("write_mapped", {"slot": self.chance.choice(sorted(side.maps)), "offset": self.chance.choice([0, 1, 4000, 4096, 9000]),
                                                       "size": size, "stamp": self.step})))
        return found

    def choose(self, side):
        choices = self.on_names(side) + self.on_open_files(side)
        return self.chance.choices([make for _, make in choices], [weight for weight, _ in choices])[0]()

    # ---- what has to be the same ---------------------------------------------------------------------------------

    def fail(self, side, command, arguments, wanted, found):
        story = "\n  ".join(self.story)
        detail = self.bytes_of(side, arguments)
        raise AssertionError(f"what came before:\n  {story}\nstep {self.step}: {side.name} {command} {arguments}\n wanted {wanted}\n  found {found}\n{detail}")

    def bytes_of(self, side, arguments):
        if "path" not in arguments and "slot" not in arguments:
            return ""
        where = {"path": arguments.get("path"), "slot": arguments.get("slot")}
        processes = (("wanted", side.oracle), ("found", side.process))
        return "".join(f" {what} bytes (offset, digits, begin): {process.ask('bytes_of', where)}\n" for what, process in processes)

    def catch_up(self, side):
        if side.may_be_behind:
            side.process.ask("barrier", {"how": self.chance.choice(["flock", "lockf"])})
            side.may_be_behind = False

    def change(self, side, command, arguments):
        if command == "link":
            self.get_to_know(arguments["other"])
        self.catch_up(side)
        wanted = side.oracle.ask(command, arguments)
        found = side.process.ask(command, arguments)
        self.story.append(f"{self.step} {side.name} {command} {arguments}: {wanted}")
        if found != wanted:
            self.fail(side, command, arguments, wanted, found)
        succeeded = "result" in wanted
        self.counts[command] = self.counts.get(command, 0) + succeeded
        if succeeded:
            self.note_open_files(side, command, arguments)
        for other in self.sides:
            other.may_be_behind = other.may_be_behind or (other.is_box and other is not side)
        # One through a mapping that fails behind the file's end has stored what came before.
        if (succeeded or command == "write_mapped") and self.is_told_by_nobody(side, command, arguments):
            self.open_anew()

    def get_to_know(self, path):
        """Of a second name in a directory that a box does not know nothing is heard there."""
        for side in self.sides:
            side.process.ask("status", {"path": path})

    def is_told_by_nobody(self, side, command, arguments):
        """What the host stores through a mapping, and what comes by a name that is gone while the file has another."""
        if command == "link":
            status = (self.oracle / arguments["other"]).lstat()
            self.most_names[status.st_ino] = max(status.st_nlink, self.most_names.get(status.st_ino, 1))
        if command == "write_mapped" and not side.is_box:
            return True
        changed = [arguments[key] for key in ("slot", "other") if isinstance(arguments.get(key), int)]
        numbers = [side.oracle.ask("names_of", {"slot": slot})["result"] for slot in changed if slot in side.slots]
        return any(0 < names < self.most_names.get(inode, 1) for inode, names in numbers)

    def note_open_files(self, side, command, arguments):
        slot = arguments.get("slot")
        if command in ("open", "open_nameless"):
            side.slots[slot] = arguments.get("flags", os.O_RDWR)
        elif command == "map":
            side.maps.add(slot)
        elif command == "close":
            del side.slots[slot]
            side.maps.discard(slot)

    def open_anew(self):
        """By that it is seen."""
        for side in self.sides:
            if side.is_box:
                self.look(side, "open_anew", {}, at_once=True)
                self.look(side, "tree", {}, at_once=False)

    def look(self, side, command, arguments, at_once):
        wanted = side.oracle.ask(command, arguments)
        begin = time.monotonic()
        found = side.process.ask(command, arguments)
        while found != wanted and not at_once and time.monotonic() < begin + IN_TIME:
            found = side.process.ask(command, arguments)
        self.slowest = max(self.slowest, time.monotonic() - begin)
        if found != wanted or os.environ.get("FOLDER_MODEL_LOOKS"):
            self.story.append(f"{self.step} {side.name} sees {command} {arguments}{' at once' if at_once else ''}")
        if found != wanted:
            self.fail(side, command, arguments, wanted, found)

    def looks_at(self, side, arguments):
        """All that can be seen of what was touched, and one of the files that it has open."""
        found = []
        for path in filter(None, (arguments.get("path"), arguments.get("other"))):
            if isinstance(path, str):
                found += [(command, {"path": path}) for command in ("status", "content", "target", "attributes")]
                found += [("names", {"path": os.path.dirname(path) or "."})]
        chosen = self.chance.sample(found, min(len(found), 3))
        if side.slots:
            chosen.append((self.chance.choice(["open_file", "sent"]), {"slot": self.slot(side)}))
        if side.maps:
            chosen.append(("mapped", {"slot": self.chance.choice(sorted(side.maps))}))
        self.chance.shuffle(chosen)
        return chosen

    def look_around(self, side, arguments):
        if self.chance.random() < 0.5:
            self.catch_up(side)
        for command, what in self.looks_at(side, arguments):
            self.look(side, command, what, at_once=not side.may_be_behind)

    def look_at_everything(self):
        for side in self.sides:
            self.catch_up(side)
            self.look(side, "tree", {}, at_once=True)
            for slot in sorted(side.slots):
                self.look(side, "open_file", {"slot": slot}, at_once=True)
            for slot in sorted(side.maps):
                self.look(side, "mapped", {"slot": slot}, at_once=True)

    def move_on_what_another_moved(self):
        """By the first request of a box that names the new place of a directory which it has open."""
        one, other, host = self.sides
        for flags, target in ((0, "h"), (RENAME_EXCHANGE, "x")):
            for name in ("c", "c/d", "e", "g", "g/x"):
                self.change(host, "mkdir", {"path": name, "mode": 0o755})
            self.change(one, "open", {"slot": 0, "path": "c/d", "flags": os.O_RDONLY | os.O_DIRECTORY, "mode": 0})
            self.change(other, "rename", {"path": "c/d", "other": "e/f", "flags": 0})
            self.change(one, "rename", {"path": "e/f", "other": f"g/{target}", "flags": flags})
            self.change(one, "close", {"slot": 0})
            self.look_at_everything()
            for name in sorted(self.paths_there(), reverse=True):
                self.change(host, "rmdir", {"path": name})

    def run(self, steps):
        self.move_on_what_another_moved()
        for self.step in range(1, steps + 1):
            side = self.chance.choice(self.sides)
            command, arguments = self.choose(side)
            self.change(side, command, arguments)
            for looker in self.chance.sample(self.sides, 2):
                self.look_around(looker, arguments)
            if self.step % 40 == 0 or self.step == steps:
                self.look_at_everything()


# ---- all at once ---------------------------------------------------------------------------------------------------


def prepare_work(folder, sides):
    for name in ("log0", "log1", "ranges"):
        (folder / name).write_bytes(b"")
    for name in ("names", "watched"):
        (folder / name).mkdir()
    for side in sides:
        for number in range(3):
            (folder / f"names/{side.name}-{number}-0").write_text(side.name)


def work_at_once(sides, folder):
    """Nothing that was written is lost or torn, and all sides see the same in the end."""
    for number, side in enumerate(sides):
        side.process.send("work", {"who": side.name, "number": number, "sides": len(sides), "count": RECORDS})
    for side in sides:
        answer = side.process.receive()
        if answer != {"result": []}:
            raise AssertionError(f"{side.name} at work: {answer}")
    check_records(sides, folder)
    for side in sides:
        side.process.ask("barrier", {"how": "flock"})
        found = side.process.ask("tree", {})
        wanted = found if side is sides[0] else wanted
        if found != wanted:
            different = [path for path in set(found["result"]) | set(wanted["result"]) if found["result"].get(path) != wanted["result"].get(path)]
            raise AssertionError(f"{sides[0].name} and {side.name} do not see the same: {different}")


def check_records(sides, folder):
    found = []
    for name in ("log0", "log1"):
        for line in (folder / name).read_bytes().splitlines():
            record, _, check = line.rpartition(b" ")
            if f"{zlib.crc32(record):08x}".encode() != check:
                raise AssertionError(f"{name}: a torn record: {line[:80]}")
            found.append(tuple(record.split()[:2]))
    wanted = sorted((side.name.encode(), str(i).encode()) for side in sides for i in range(RECORDS))
    if sorted(found) != wanted:
        raise AssertionError(f"{len(found)} records of {len(wanted)}; lost: {sorted(set(wanted) - set(found))[:10]}")
    data = (folder / "ranges").read_bytes()
    whole = b"".join((f"{i:06d}|".encode() * 143)[:1000] for i in range(RECORDS * len(sides)))
    if data != whole:
        first = next((i for i in range(len(whole)) if data[i:i + 1] != whole[i:i + 1]), -1)
        raise AssertionError(f"ranges: of {len(data)} bytes the one at {first} is wrong: {data[first:first + 20]}")


def hear(watcher, wanted):
    """A watcher hears of every file that came to be, or that not all was told."""
    heard, is_whole = set(), True
    end = time.monotonic() + DEADLINE
    while not wanted <= heard and is_whole:
        names, is_whole = watcher.ask("heard", {})["result"]
        heard |= set(names)
        if time.monotonic() > end:
            raise AssertionError(f"the watcher did not hear of {sorted(wanted - heard)[:10]}")


# ---- the whole -------------------------------------------------------------------------------------------------------


def process_in(home, box):
    return Process(box, [*home.base, "exec", "-i", box, "python3", "-u", "-c", ACTOR, "/f"])


def process_here(name, root):
    return Process(name, ["python3", "-u", "-c", ACTOR, str(root)])


def start_sides(home, folder, oracle):
    processes = [*(process_in(home, box) for box in BOXES), process_here("host", folder)]
    return [Side(process.name, process, process_here(f"{process.name}'s oracle", oracle)) for process in processes]


def work(home, folder, oracle, user):
    for box in BOXES:
        home.call("run", "-d", "--name", box, "-u", user, "-v", f"{folder}:/f", "debian:python", "sleep", "100000")
    sides = start_sides(home, folder, oracle)
    model = Model(sides, oracle, SEED)
    begin = time.monotonic()
    model.run(STEPS)
    took = time.monotonic() - begin
    counts = ", ".join(f"{count} {name}" for name, count in sorted(model.counts.items()))
    print(f"user {os.getuid()}: {STEPS} steps in {took:.1f} s, the slowest look {1000 * model.slowest:.0f} ms; done: {counts}", flush=True)
    prepare_work(folder, sides)
    watcher = process_in(home, "one")
    watcher.ask("watch", {"path": "watched"})
    work_at_once(sides, folder)
    hear(watcher, {f"{side.name}-{i}" for side in sides for i in range(RECORDS)})
    for process in (watcher, *(side.process for side in sides), *(side.oracle for side in sides)):
        process.end()
    home.call("rm", "-f", "-a")


def main():
    print(f"seed {SEED}: FOLDER_MODEL_SEED={SEED} repeats the choices", flush=True)
    with Home(sys.argv[1]) as home, tempfile.TemporaryDirectory(prefix="boxlite-model-") as directory:
        folder, oracle = (pathlib.Path(directory) / name for name in ("folder", "oracle"))
        for place in (folder, oracle):
            place.mkdir(mode=0o755)
            (place / ".barrier").touch()
        home.call("load", "-i", sys.argv[2])
        work(home, folder, oracle, "0" if os.geteuid() == 0 else "1000")
    return become_ordinary() if os.geteuid() == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
