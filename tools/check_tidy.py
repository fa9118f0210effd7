#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy 19 over src/ with the checks of .clang-tidy, as errors. Needs build/dev, compiled (scripts/build.sh dev).
With file names, only over those. A file whose every input is as it was when clang-tidy last found nothing is not read
again: a clean verdict is kept under the digest of the file, of all that it includes, its command and the checks."""
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/dev"
TIDY = "clang-tidy-19"
OUTPUT = re.compile(r" -o (\S+)")
CLEAN = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "boxlite/tidy"

KEPT_SECONDS = 30 * 24 * 3600  # since it was last of use


def text_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@functools.cache
def digest_of(path):
    return hashlib.sha256((BUILD / path).read_bytes()).hexdigest()


def included():
    """What each object was compiled from, as ninja recorded it."""
    files, current = {}, None
    for line in text_of("ninja", "-C", BUILD, "-t", "deps").splitlines():
        if line.startswith("    "):
            if current is not None:
                current.append(line.strip())
        elif ": #deps" in line:
            current = [] if line.endswith("(VALID)") else None
            files[line.split(":")[0]] = current
    return files


class Verdicts:
    def __init__(self):
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self.commands = {entry["file"]: entry for entry in commands}
        self.included = included()
        self.common = text_of(TIDY, "--version") + digest_of(ROOT / ".clang-tidy")

    def key(self, source):
        """None: something of it is not known, so it has to be read."""
        entry = self.commands.get(str(ROOT / source))
        files = self.included.get(OUTPUT.search(entry["command"])[1]) if entry else None
        if not files:
            return None
        inputs = [self.common, entry["command"].replace(str(ROOT), ""), *map(digest_of, files)]
        return hashlib.sha256("\n".join(inputs).encode()).hexdigest()


def check(source):
    done = subprocess.run([TIDY, "-quiet", "-p", BUILD, source], cwd=ROOT, capture_output=True, text=True)
    return done.returncode == 0, done.stdout


def main():
    if not (BUILD / "compile_commands.json").exists():
        sys.exit("check_tidy.py: no build/dev: run scripts/build.sh dev")
    sources = sys.argv[1:] or [name for name in text_of("git", "-C", ROOT, "ls-files", "src/*.cpp").splitlines()
                               if not name.endswith("_test.cpp")]
    CLEAN.mkdir(parents=True, exist_ok=True)
    for verdict in CLEAN.iterdir():
        if verdict.stat().st_mtime < time.time() - KEPT_SECONDS:
            verdict.unlink(missing_ok=True)
    verdicts = Verdicts()
    keys = {source: verdicts.key(source) for source in sources}
    to_read = [source for source in sources if keys[source] is None or not (CLEAN / keys[source]).exists()]
    for source in set(sources) - set(to_read):
        os.utime(CLEAN / keys[source])
    found = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, (is_clean, output) in zip(to_read, pool.map(check, to_read)):
            if is_clean and keys[source]:
                (CLEAN / keys[source]).touch()
            if not is_clean:
                found += 1
                print(output or f"{source}: {TIDY} failed", flush=True)
    print(f"{len(sources)} files, {len(to_read)} of them read now, {found} with finds")
    sys.exit(found != 0)


if __name__ == "__main__":
    main()
