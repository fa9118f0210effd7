# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the files git knows, and how a check reports."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def tracked(*patterns):
    """The tracked and new files below the root that match one of the git patterns."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted({ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()})


def relative(path):
    return str(path.relative_to(ROOT))


def finish(problems, checked):
    """Prints the problems and ends the program: 0 when there are none."""
    for problem in problems:
        print(problem)
    print(f"{checked} checked, {len(problems)} problems")
    sys.exit(1 if problems else 0)
