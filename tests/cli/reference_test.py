#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of the program, and every option of each, is in docs/reference/cli.md.   reference_test.py BOXLITE"""
import pathlib
import re
import subprocess
import sys

PAGE = (pathlib.Path(__file__).resolve().parent.parent.parent / "docs/reference/cli.md").read_text()
COMMAND = re.compile(r"^  ([a-z]+(?: [a-z-]+)?)  ", re.MULTILINE)
OPTION = re.compile(r"^ +(?:-(\w), )?(?:    )?--([a-z-]+)", re.MULTILINE)


def help_of(*words):
    return subprocess.run([sys.argv[1], *words, "--help"], check=True, capture_output=True, text=True).stdout


def all_commands():
    listed = set(COMMAND.findall(help_of()))
    for family in {name.split()[0] for name in listed if " " in name}:
        listed |= {f"{family} {name}" for name in COMMAND.findall(help_of(family))}
    return sorted(listed)


def is_about(row, name):
    """Whether a row's first cell names the command: `network publish`, `unpublish BOX PORT…` names two of a family."""
    cell = row.split(" | ")[0]
    *family, last = name.split()
    called = re.search(rf"`(?:{' '.join(family)} )?{last}[ `]", cell) if family else re.search(rf"`{last}[ `]", cell)
    return called and (not family or f"`{family[0]} " in cell)


def missing_of(name, rows):
    about = [row for row in rows if is_about(row, name)]
    if not about:
        yield f"no row for `{name}`"
    text = "\n".join(rows if name in ("run", "create", "exec", "warm") else about)
    # What paragraphs say of a command, they say with its name.
    text += "\n".join(block for block in PAGE.split("\n\n") if re.search(rf"`(?:boxlite )?{name}\b", block))
    for letter, word in OPTION.findall(help_of(*name.split()).split("\nGlobal options")[0]):
        known = [rf"--{word}\b"] + ([rf"(?<![\w-])-{letter}\b"] if letter else [])
        if not any(re.search(pattern, text) for pattern in known):
            yield f"`{name}`: no --{word}"


table_rows = [line for line in PAGE.splitlines() if line.startswith("|")]
commands = all_commands()
problems = [problem for name in commands for problem in missing_of(name, table_rows)]
print("\n".join(problems + [f"{len(commands)} commands, {len(problems)} problems"]))
sys.exit(1 if problems or len(commands) < 40 else 0)
