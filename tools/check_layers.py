#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A folder of src/ includes only from folders with a lower number and from itself (src/README.md)."""
import re

from source_tree import ROOT, finish, relative, tracked

LAYERS = {
    "base": 0,
    "json": 1, "model": 1, "wire": 1, "linux": 1, "tar": 1, "logs": 1, "oci": 1,
    "store": 2, "journal": 2, "netpolicy": 2, "host": 2, "fuse": 2, "freeze": 2, "jail": 2, "qcow2": 2,
    "image": 3, "disk": 3, "net": 3, "engine": 3, "agentlink": 3, "fileserver": 3,
    "shimlink": 4,
    "snapshot": 5,
    "box": 6,
    "backend": 7,
    "local": 8, "remote": 8, "api": 8,
    "libboxlite": 9, "capi": 9, "rest": 9,
}
# Programs are roots: what each may include, besides itself.
PROGRAMS = {
    "shim": {"base", "wire", "linux", "logs", "freeze", "jail", "journal", "netpolicy", "net", "engine", "agentlink",
             "fileserver", "shimlink", "model"},
    "thaw": {"freeze"},
    "agent": {"base", "wire", "linux", "tar", "fuse"},
    "cli": {"model"},  # else include/boxlite only: what users get
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z_0-9]+)/', re.MULTILINE)


def allowed(folder, target):
    if folder == target:
        return True
    if folder in PROGRAMS:
        return target in PROGRAMS[folder]
    return target in LAYERS and LAYERS[target] < LAYERS[folder]


problems = []
files = tracked("src/*.h", "src/*.cpp")
for path in files:
    folder = path.relative_to(ROOT / "src").parts[0]
    if folder not in LAYERS and folder not in PROGRAMS:
        problems.append(f"{relative(path)}: folder {folder} has no layer in tools/check_layers.py")
        continue
    for target in INCLUDE.findall(path.read_text(errors="replace")):
        if (target in LAYERS or target in PROGRAMS) and not allowed(folder, target):
            problems.append(f"{relative(path)}: includes {target}/, which is not below {folder}")
finish(problems, len(files))
