#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over src/ with the checks of .clang-tidy, as errors; nothing has to be compiled before.
With file names, only over those. A file whose every input is as it was when clang-tidy last found nothing is not read
again: a clean verdict is kept under the digest of the file, of all that it includes, its command and the checks."""
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/dev"  # not joined: each file is read by itself, as its author does
DATABASE = BUILD / "tidy"
GUEST_PROGRAM = "boxlite-agent.dir"  # its files are compiled with the host's flags as well
CLEAN = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "boxlite/tidy"

KEPT_SECONDS = 30 * 24 * 3600  # since it was last of use


def text_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@functools.cache
def digest_of(path):
    return hashlib.sha256((BUILD / path).read_bytes()).hexdigest()


def configure():
    """The command of each source, once, in a database of its own, and what is generated beside it."""
    subprocess.run(["cmake", "--preset", "dev"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    text_of("ninja", "-C", BUILD, "boxlite_guest_proto_generated")
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    # The guest's flags only for what is compiled with no others, and without what clang does not know.
    entries.sort(key=lambda entry: GUEST_PROGRAM not in entry["command"])
    commands = {entry["file"]: {**entry, "command": entry["command"].replace(" -flto=2", "")} for entry in entries}
    DATABASE.mkdir(exist_ok=True)
    (DATABASE / "compile_commands.json").write_text(json.dumps(list(commands.values()), indent=1))
    return commands


def included():
    """All that each source reads, by clang's scanner of #include lines."""
    scanner = ["clang-scan-deps-19", "-compilation-database", DATABASE / "compile_commands.json", "-j", str(os.cpu_count())]
    # What it cannot scan, clang-tidy cannot read, and says so.
    found = subprocess.run(scanner, check=False, capture_output=True, text=True).stdout
    rules = found.replace("\\\n", " ").splitlines()
    return {files[0]: files for _, _, names in (rule.partition(": ") for rule in rules) if (files := names.split())}


class Verdicts:
    def __init__(self, tidy):
        self.commands = configure()
        self.included = included()
        self.common = text_of(tidy, "--version") + digest_of(ROOT / ".clang-tidy")

    def key(self, source):
        """None: something of it is not known, so it has to be read."""
        path = str(ROOT / source)
        files = self.included.get(path)
        if not files:
            return None
        inputs = [self.common, self.commands[path]["command"].replace(str(ROOT), ""), *map(digest_of, files)]
        return hashlib.sha256("\n".join(inputs).encode()).hexdigest()


def check(tidy, source):
    done = subprocess.run([tidy, "-quiet", "-p", DATABASE, source], cwd=ROOT, capture_output=True, text=True)
    return done.returncode == 0, done.stdout


def main():
    tidy = text_of(ROOT / "scripts/python-program.sh", "clang-tidy").strip()
    sources = sys.argv[1:] or [name for name in text_of("git", "-C", ROOT, "ls-files", "src/*.cpp").splitlines()
                               if not name.endswith("_test.cpp")]
    CLEAN.mkdir(parents=True, exist_ok=True)
    for verdict in CLEAN.iterdir():
        if verdict.stat().st_mtime < time.time() - KEPT_SECONDS:
            verdict.unlink(missing_ok=True)
    verdicts = Verdicts(tidy)
    keys = {source: verdicts.key(source) for source in sources}
    to_read = [source for source in sources if keys[source] is None or not (CLEAN / keys[source]).exists()]
    for source in set(sources) - set(to_read):
        os.utime(CLEAN / keys[source])
    found = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, (is_clean, output) in zip(to_read, pool.map(functools.partial(check, tidy), to_read)):
            if is_clean and keys[source]:
                (CLEAN / keys[source]).touch()
            if not is_clean:
                found += 1
                print(output or f"{source}: {tidy} failed", flush=True)
    print(f"{len(sources)} files, {len(to_read)} of them read now, {found} with finds")
    sys.exit(found != 0)


if __name__ == "__main__":
    main()
