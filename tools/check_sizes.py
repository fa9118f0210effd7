#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files stay under 600 lines and functions under 80 (CONTRIBUTING.md)."""
import re

from source_tree import finish, relative, tracked

FILE_LIMIT = 600
FUNCTION_LIMIT = 80
# A function of ours begins at the left margin (or two columns in, inside a class) and ends with a brace in the same
# column: clang-format sees to that.
OPENING = re.compile(r"^(\s{0,2})\S.*\)[^;{}]*\{$")
NOT_A_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|extern|if|for|while|switch|do|else)\b")


def long_functions(lines):
    start, indent = None, ""
    for number, line in enumerate(lines, 1):
        match = OPENING.match(line)
        if start is None and match and not NOT_A_FUNCTION.match(line):
            start, indent = number, match.group(1)
        elif start is not None and line.rstrip().startswith(indent + "}") and not line.startswith(indent + " "):
            if number - start + 1 > FUNCTION_LIMIT:
                yield start, number - start + 1
            start = None


problems = []
files = tracked("*.h", "*.hpp", "*.cpp", "*.sh", "*.py", "*.cmake")
for path in files:
    lines = path.read_text(errors="replace").splitlines()
    if len(lines) > FILE_LIMIT:
        problems.append(f"{relative(path)}: {len(lines)} lines, limit {FILE_LIMIT}")
    if path.suffix in (".h", ".hpp", ".cpp"):
        for start, length in long_functions(lines):
            problems.append(f"{relative(path)}:{start}: function of {length} lines, limit {FUNCTION_LIMIT}")
finish(problems, len(files))
