#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a page shows is what happens: runs its console examples one after another in an empty home and compares the
output, and finds its C++ lines in the example that a test runs.   page_test.py BOXLITE PAGE"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ID_LINE = re.compile(r"^[0-9A-Za-z]{12}$")  # an id differs each time, so the README leaves it out


def console_steps(text):
    """(command, expected output) pairs of the tested console blocks."""
    steps = []
    for block in re.findall(r"<!-- tested: .*? -->\n```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
    return steps


def run_steps(boxlite, steps):
    with tempfile.TemporaryDirectory(prefix="boxlite-page-") as home, tempfile.TemporaryDirectory(prefix="boxlite-page-") as place:
        environment = {**os.environ, "BOXLITE_HOME": home, "PATH": f"{pathlib.Path(boxlite).parent}:{os.environ['PATH']}"}
        try:
            for command, expected in steps:
                done = subprocess.run(command, shell=True, env=environment, cwd=place, capture_output=True, text=True, timeout=120)
                shown = [line for line in done.stdout.splitlines() if not ID_LINE.match(line)]
                if done.returncode != 0 or shown != expected:
                    return f"$ {command}\nexit {done.returncode}\nexpected {expected}\ngot      {shown}\n{done.stderr}"
        finally:
            subprocess.run([boxlite, "rm", "-f", "-a"], env=environment, capture_output=True, timeout=120)
    return None


def missing_lines(text):
    for name, code in re.findall(r"<!-- from: (\S+) -->\n```cpp\n(.*?)```", text, re.DOTALL):
        if code not in (ROOT / name).read_text():
            return f"the page's C++ is not in {name}"
    return None


page = pathlib.Path(sys.argv[2]).read_text()
problem = missing_lines(page) or run_steps(os.path.abspath(sys.argv[1]), console_steps(page))
if problem:
    print(problem)
    sys.exit(1)
