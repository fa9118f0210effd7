#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-format 19 has nothing to change. `tools/check_format.sh --fix` changes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.h' '*.hpp' '*.cpp' | sort -u)
if [ "${1:-}" = --fix ]; then
    clang-format-19 -i "${files[@]}"
else
    clang-format-19 --dry-run -Werror "${files[@]}"
fi
echo "${#files[@]} files"
