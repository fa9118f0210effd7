#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy 19 over src/ with the checks of .clang-tidy, as errors. Needs build/dev (scripts/build.sh dev).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
mapfile -t files < <(git ls-files 'src/*.cpp' | grep -v '_test\.cpp$')
run-clang-tidy-19 -quiet -p build/dev -j "$(nproc)" "${files[@]/#/$PWD/}" 2>/dev/null | grep -E '(warning|error):|^ ' && exit 1
echo "${#files[@]} files"
