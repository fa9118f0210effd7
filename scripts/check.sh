#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The two-minute form of test.sh, for every day: the house's rules, what has changed compiled, unit tests, clang-tidy over
# what has changed since it was last clean. Stops at the first that fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

say "rules"
for check in layers sizes docs headers exceptions lists; do "tools/check_$check.py"; done
tools/check_format.sh
tools/check_shell.sh
scripts/build.sh dev
say "unit tests"
ctest --preset dev -L unit -j"$(nproc)" --no-tests=error --progress
say "clang-tidy"
tools/check_tidy.py
say "fine after $SECONDS s; all that is tested: scripts/test.sh"
