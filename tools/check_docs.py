#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every path and link that a document names exists."""
import re

from source_tree import ROOT, finish, relative, tracked

TOP = "src|include|tests|scripts|docs|tools|guest|api|bench|examples|cmake|sdk"
NAMED = re.compile(rf"`((?:{TOP})/[A-Za-z0-9_./-]+)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def exists(path, name):
    return (ROOT / name).exists() or (path.parent / name).exists()


problems = []
files = tracked("*.md")
for path in files:
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for name in NAMED.findall(text) + LINK.findall(text):
        if not exists(path, name.rstrip(".")):
            problems.append(f"{relative(path)}: names {name}, which does not exist")
finish(problems, len(files))
