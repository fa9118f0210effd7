#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every member of a public value is in its description (src/model/fields), and every value in the test of the codec: what
is forgotten there is lost in homes, in JSON and on wires."""
import re
import sys

from source_tree import ROOT, finish, relative, tracked

# Values and members that no JSON has, and why.
NOT_DESCRIBED = {
    "CallOptions": "a stop token, and a moment by the clock of this process",
    "Runtime::Obtained": "holds a handle",
    "RuntimeOptions.log": "a callback",
    "Secret.value": "told to nobody: kept apart from everything else of the box",
}
TEST = ROOT / "src/model/codec_json_test.cpp"
STRUCT = re.compile(r"^( *)struct (\w+) \{\n(.*?)^\1\};", re.DOTALL | re.MULTILINE)
CLASS = re.compile(r"^class (?:BOXLITE_API )?(\w+)\b[^;\n]*\{\n(.*?)^\};", re.DOTALL | re.MULTILINE)
MEMBER = re.compile(r"^\w[\w:<>, ]* (\w+)(?: = [^;]*|\{[^;]*\})?;")
DESCRIPTION = re.compile(r"^void describe\(auto& field, Of<([\w:]+)> auto& (\w+)\) \{\n(.*?)^\}",
                         re.DOTALL | re.MULTILINE)


def structs(text, scope=""):
    """(name, members) of each struct, and of those within."""
    for indent, name, body in STRUCT.findall(text):
        margin = indent + "  "
        lines = [line.removeprefix(margin) for line in STRUCT.sub("", body).splitlines() if line.startswith(margin)]
        yield scope + name, [found.group(1) for found in map(MEMBER.match, lines) if found]
        yield from structs(body, f"{scope}{name}::")


def values(header):
    """(name, members) of each public value of a header."""
    text = re.sub(r" *//[^\n]*", "", header)
    yield from structs(CLASS.sub("", text))
    for name, body in CLASS.findall(text):
        yield from structs(body.split(" private:")[0], f"{name}::")


def descriptions(text):
    """Of each value that is described: the members that the description names."""
    return {value: set(re.findall(rf"\b{argument}\.(\w+)", body)) for value, argument, body in DESCRIPTION.findall(text)}


def forgotten(value, members, described):
    if value in NOT_DESCRIBED:
        return []
    if value not in described:
        return [f"{value} has no describe() in src/model/fields"]
    return [f"{value}.{member} is not in the describe() of {value} in src/model/fields" for member in members
            if member not in described[value] and f"{value}.{member}" not in NOT_DESCRIBED]


def prove():
    header = "struct A {\n  int a = 0;  // one;\n  struct B {\n    std::map<int, T> b{};\n  };\n  bool is() const { return a; }\n};\n"
    described = descriptions("void describe(auto& field, Of<A> auto& it) {\n  field(\"a\", it.a);\n}\n")
    found = [problem.split()[0] for value, members in values(header + "class C {\n  struct D {\n    int d;\n  };\n};\n")
             for problem in forgotten(value, [*members, "x"], described)]
    if found != ["A.x", "A::B", "C::D"]:
        sys.exit(f"check_codec.py does not know its own sample: {found}")


if __name__ == "__main__":
    prove()
    described = descriptions("\n".join(path.read_text() for path in tracked("src/model/fields/*.h")))
    tested = TEST.read_text()
    problems, known, checked = [], set(), 0
    for path in tracked("include/boxlite/*.hpp"):
        for value, members in values(path.read_text()):
            checked += 1
            known |= {value, *(f"{value}.{member}" for member in members)}
            problems += [f"{relative(path)}: {problem}" for problem in forgotten(value, members, described)]
            if value in described and not re.search(rf"\b{value}\b", tested):
                problems.append(f"{relative(TEST)}: {value} is not among the values")
    problems += [f"tools/check_codec.py: there is no {name} any more" for name in NOT_DESCRIBED if name not in known]
    finish(problems, checked)
