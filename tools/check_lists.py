#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GCC 12 does not destroy what a braced list has made when BOXLITE_TRY returns out of the middle of it, and members that
a designated list leaves out count as made: there BOXLITE_TRY stands in a statement of its own, before. First in a list
without designators it is harmless."""
import re
import sys

from source_tree import finish, relative, tracked

# What may hold brackets and is no code: comments, raw and plain strings, characters.
TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
TOKEN = re.compile(r"[{}()\[\];,]|\bBOXLITE_TRY\w*(?=\()|(?<![\w)\]])\.(?=[a-z]\w* = )")
CLOSERS = {"}": "{", ")": "(", "]": "["}


class Bracket:
    def __init__(self, kind):
        self.kind = kind
        self.is_block = False       # there is a statement in it
        self.elements_before = 0
        self.is_designated = False
        self.tries = []             # (offset, whether something was made before it in this list)


def blanked(text):
    return TEXT.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)


def offences(text):
    """The offset of each BOXLITE_TRY that stands in a braced list after something else."""
    found, stack = [], [Bracket("{")]
    for token in TOKEN.finditer(blanked(text)):
        word = token.group(0)
        top = stack[-1]
        if word in "{([":
            stack.append(Bracket(word))
        elif word in CLOSERS:
            if len(stack) > 1 and top.kind == CLOSERS[word]:
                stack.pop()
                close(top, stack[-1], found)
        elif word == ";":
            # A statement: what was seen of the block so far belongs to none of its lists.
            top.is_block, top.tries, top.elements_before = True, [], 0
        elif word == ",":
            top.elements_before += 1
        elif word == ".":
            top.is_designated = True
        else:
            top.tries.append((token.start(), is_after_something(top)))
    return sorted(found)


def is_after_something(bracket):
    return bracket.kind == "{" and (bracket.elements_before > 0 or bracket.is_designated)


# Those of a list without an end of their own are judged, and then belong to the bracket around it as well.
def close(inner, outer, found):
    if inner.is_block:
        return
    for offset, is_late in inner.tries:
        if inner.kind == "{" and is_late:
            found.append(offset)
        else:
            outer.tries.append((offset, is_after_something(outer)))


SAMPLES = (
    ("T a{made(), BOXLITE_TRY(f())};", 1),
    ("T a{.b = BOXLITE_TRY(f())};", 1),
    ("T a{.a = 1, .b = g(BOXLITE_TRY(f()))};", 1),
    ("v.push_back({made(), {BOXLITE_TRY_CONTEXT(what, f())}});", 1),
    ("void f() { T a{made(), BOXLITE_TRY(g(1, {2, 3}))}; use(a); }", 1),
    ("for (auto x : {made(), BOXLITE_TRY(f())}) use(x);", 1),
    ("T a{BOXLITE_TRY(f()), made()};", 0),
    ("const auto b = BOXLITE_TRY(f(a, {1, 2})); T c{b};", 0),
    ("void f() { if (a) { const T b = BOXLITE_TRY(g(a, b)); } }", 0),
    ("S s{.a = 1, .make = [this] { return BOXLITE_TRY(f()); }};", 0),
    ("h(made(), BOXLITE_TRY(f()));", 0),
    ('log("{a, "); const auto b = BOXLITE_TRY(f());  // {a, BOXLITE_TRY(b)}', 0),
)


def prove():
    for text, count in SAMPLES:
        if len(offences(text)) != count:
            sys.exit(f"check_lists.py does not know its own sample: {text}")


if __name__ == "__main__":
    prove()
    problems = []
    files = tracked("src/*.cpp", "src/*.h", "tests/*.cpp", "tests/*.h")
    for path in files:
        text = path.read_text(errors="replace")
        for offset in offences(text):
            line = text.count("\n", 0, offset) + 1
            problems.append(f"{relative(path)}:{line}: what this list has made leaks when BOXLITE_TRY returns: "
                            "put it before, in a statement of its own")
    finish(problems, len(files))
