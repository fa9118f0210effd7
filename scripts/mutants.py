#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the tests notice? Changes one token of the source at random, builds, runs the tests of that folder, and says which
changes nobody noticed: each is a test to write, or means the same. Works in a checkout of its own of the last commit
(build/mutants), so what you edit meanwhile is not touched.

  mutants.py [-n COUNT] [--seed SEED] [FOLDER...]    e.g. mutants.py -n 50 src/net/inspection src/box
  mutants.py --changed REVISION                       in the lines that were changed since then"""
import argparse
import os
import pathlib
import random
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = ROOT / "build/mutants/tree"
BUILD = ROOT / "build/mutants/build"
FOLDERS = ["disk", "tar", "net", "netpolicy", "image", "store", "wire", "oci", "box", "logs", "agentlink"]
# Besides FOLDER_test: programs that run without a guest.
MORE_TESTS = {"disk": ["layers_test"], "tar": ["layers_test"], "image": ["registry_test"],
              "net": ["net_gateway_test", "net_inspection_test"], "netpolicy": ["net_test", "net_gateway_test"]}
UNIT_TESTS = {"shim": "shim_unit_test", "agent": "agent_unit_test"}
# clang-format puts spaces around binary operators, so templates and references are not taken for them.
CHANGES = [(r" && ", " || "), (r" \|\| ", " && "), (r" == ", " != "), (r" != ", " == "), (r" < ", " <= "), (r" <= ", " < "),
           (r" > ", " >= "), (r" >= ", " > "), (r" \+ ", " - "), (r" - ", " + "), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
           (r"(?<=[(\s])!(?=[a-z(])", ""), (r"\+= ", "-= "), (r"\bcontinue;", "break;"), (r"(?<![\w.'])[0-9]+(?![\w.'])", None)]
NOT_CODE = re.compile(r"^\s*(//|#|static_assert|namespace|using|template)")
STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|//.*')
TEST_SECONDS = 180


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


def prepare():
    """A checkout of the last commit, built."""
    if not (TREE / ".git").exists():
        TREE.parent.mkdir(parents=True, exist_ok=True)
        run("git", "-C", ROOT, "worktree", "prune")
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", TREE, "HEAD"], check=True)
    subprocess.run(["git", "-C", TREE, "checkout", "--quiet", "--force", "--detach",
                    run("git", "-C", ROOT, "rev-parse", "HEAD").stdout.strip()], check=True)
    os.environ.update(CCACHE_BASEDIR=str(TREE), CCACHE_NOHASHDIR="true")
    subprocess.run(["cmake", "--preset", "dev", "-B", BUILD], cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    print("building once without a change", flush=True)
    subprocess.run(["cmake", "--build", BUILD], check=True, stdout=subprocess.DEVNULL)


def require_good_tests(files):
    """Tests that fail, or are not there, without a change would notice every one."""
    for file in {pathlib.Path(file).parts[1]: file for file in files}.values():
        if (found := verdict(file)) != "survived":
            sys.exit(f"mutants.py: {file}, unchanged: {', '.join(tests_of(file))}: {found}")


def changed_lines(revision):
    """{file: numbers of its lines that a diff against the revision shows as new}"""
    lines, current = {}, None
    for line in run("git", "-C", ROOT, "diff", "-U0", revision, "HEAD", "--", "src/*.cpp").stdout.splitlines():
        if line.startswith("+++ "):
            current = lines.setdefault(line[6:], set())
        elif match := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(match[1]), int(match[2] or 1)
            current.update(range(first, first + count))
    return lines


def places(files, only=None):
    """All that could be changed: (file, number of the line, begin, end, what goes there)."""
    for file in files:
        for number, line in enumerate((TREE / file).read_text().splitlines(), 1):
            if NOT_CODE.match(line) or (only is not None and number not in only[file]):
                continue
            code = STRING.sub(lambda match: " " * len(match[0]), line)
            for pattern, replacement in CHANGES:
                for match in re.finditer(pattern, code):
                    yield file, number, match.start(), match.end(), str(int(match[0]) + 1) if replacement is None else replacement


def tests_of(file):
    folder = pathlib.Path(file).parts[1]
    return [UNIT_TESTS.get(folder, f"{folder}_test"), *MORE_TESTS.get(folder, [])]


def verdict(file):
    """'noticed', 'survived', or 'not built' (the compiler noticed)."""
    for program in tests_of(file):
        if run("ninja", "-C", BUILD, program).returncode != 0:
            return "not built"
        try:
            if run(BUILD / "bin" / program, "--gtest_brief=1", "--gtest_fail_fast", cwd=BUILD, timeout=TEST_SECONDS).returncode != 0:
                return "noticed"
        except subprocess.TimeoutExpired:
            return "noticed"
    return "survived"


def try_place(place):
    file, number, begin, end, replacement = place
    path = TREE / file
    before = path.read_text()
    lines = before.splitlines(keepends=True)
    old = lines[number - 1]
    lines[number - 1] = old[:begin] + replacement + old[end:]
    path.write_text("".join(lines))
    try:
        return verdict(file), f"{file}:{number}\n  - {old.strip()}\n  + {lines[number - 1].strip()}"
    finally:
        path.write_text(before)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20, help="how many changes (20)")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--changed", metavar="REVISION")
    parser.add_argument("folders", nargs="*", default=[f"src/{folder}" for folder in FOLDERS])
    options = parser.parse_args()
    prepare()
    only = changed_lines(options.changed) if options.changed else None
    files = only if only is not None else run("git", "-C", TREE, "ls-files", *options.folders).stdout.split()
    files = [file for file in files if file.endswith(".cpp") and not re.search(r"_test\.cpp$|/main\.cpp$", file)]
    require_good_tests(files)
    possible = list(places(sorted(files), only))
    chosen = random.Random(options.seed).sample(possible, len(possible))
    results, survivors = {"noticed": 0, "survived": 0, "not built": 0}, []
    print(f"{len(possible)} places in {len(files)} files; seed {options.seed}", flush=True)
    while chosen and results["noticed"] + results["survived"] < options.n:
        result, text = try_place(chosen.pop())
        results[result] += 1
        print(f"{result:9}  {text.splitlines()[0]}", flush=True)
        if result == "survived":
            survivors.append(text)
    tried = results["noticed"] + results["survived"]
    print("\n".join(["", *survivors, f"{results['noticed']} of {tried} noticed ({100 * results['noticed'] / max(tried, 1):.0f} %); seed {options.seed}"]))
    sys.exit(0)


if __name__ == "__main__":
    main()
