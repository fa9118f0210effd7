#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy 19 over src/ with the checks of .clang-tidy, as errors. Needs build/dev (scripts/build.sh dev). With file
# names, only over those.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -f build/dev/compile_commands.json ] || cmake --preset dev >/dev/null
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git ls-files 'src/*.cpp' | grep -v '_test\.cpp$')
# One program per file and nothing in between: its exit code is the verdict.
status=0
printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy-19 -quiet -p build/dev 2>/dev/null || status=1
echo "${#files[@]} files"
exit $status
