#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each source says its licence in its first lines; what the agent links stays light; installed headers name no
third party."""
import re

from source_tree import finish, relative, tracked

SPDX = "SPDX-License-Identifier: Apache-2.0"
HEAVY = re.compile(r"#\s*include\s+<(iostream|fstream|sstream|regex|fmt/.*|nlohmann/.*)>")
THIRD_PARTY = re.compile(r"#\s*include\s+<(?!boxlite/)[^>]*(/|\.h>|\.hpp>)")
LIGHT = ("src/base/", "src/wire/", "src/linux/", "src/agent/")

problems = []
files = tracked("*.h", "*.hpp", "*.cpp", "*.sh", "*.py", "*.cmake", "*CMakeLists.txt", "*.proto")
for path in files:
    text = path.read_text(errors="replace")
    name = relative(path)
    if SPDX not in "".join(text.splitlines(keepends=True)[:3]):
        problems.append(f"{name}: no licence line ({SPDX})")
    if name.startswith(LIGHT) and not name.endswith("_test.cpp"):
        problems += [f"{name}: includes <{found}>, too heavy for the agent" for found in HEAVY.findall(text)]
    if name.startswith("include/") and THIRD_PARTY.search(text):
        problems.append(f"{name}: an installed header includes {THIRD_PARTY.search(text).group(0)}")
finish(problems, len(files))
