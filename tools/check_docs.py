#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every path and link that a document names exists, its tables are whole, and nothing that is built, run or read here
names a host of a package registry: who builds has mirrors of their own, and an example has example.com."""
import re

from source_tree import ROOT, finish, relative, tracked

TOP = "src|include|tests|scripts|docs|tools|guest|api|bench|examples|cmake|sdk"
NAMED = re.compile(rf"`((?:{TOP})/[A-Za-z0-9_./-]+)`")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
# Names of images ("docker.io/library/debian") name no host that is asked here.
REGISTRY = re.compile(
    r"\b(?:(?:deb|security|ftp|snapshot|archive|cdn-fastly\.deb)\.debian\.org|(?:archive|security)\.ubuntu\.com|"
    r"registry\.npmjs\.org|registry\.yarnpkg\.com|(?:test\.)?pypi\.org|files\.pythonhosted\.org|(?:index\.|static\.)?crates\.io|"
    r"(?:proxy|sum)\.golang\.org|rubygems\.org|repo1?\.maven\.(?:apache\.)?org|dl-cdn\.alpinelinux\.org|conda\.anaconda\.org)\b")
LISTS_HOSTS = ["docs", "scripts", "tests", "tools", "guest", "bench", "examples", "cmake", ".github", "*.md"]


def broken_tables(text):
    """(line number, what is wrong) of every table whose rows do not fit its head."""
    head = None
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if not line.startswith("|"):
            head = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        if head is None:
            if number == len(lines) or not re.fullmatch(r"\|[ :|-]+\|", lines[number]):
                yield number, "a row without a head above it"
            head = cells
        elif cells != head or not line.endswith("|"):
            yield number, f"{cells - 1} cells below a head of {head - 1}"


def registries(paths):
    for path in paths:
        if path.name == "check_docs.py":
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if found := REGISTRY.search(line):
                yield f"{relative(path)}:{number}: names {found[0]}, a registry: take what the machine is configured with, or example.com"


def exists(path, name):
    return (ROOT / name).exists() or (path.parent / name).exists()


problems = []
files = tracked("*.md")
for path in files:
    text = re.sub(r"^```.*?^```", lambda block: "\n" * block[0].count("\n"), path.read_text(), flags=re.MULTILINE | re.DOTALL)
    problems += [f"{relative(path)}:{number}: table: {what}" for number, what in broken_tables(text)]
    for name in NAMED.findall(text) + LINK.findall(text):
        if not exists(path, name.rstrip(".")):
            problems.append(f"{relative(path)}: names {name}, which does not exist")
problems += registries(tracked(*LISTS_HOSTS))
finish(problems, len(files))
