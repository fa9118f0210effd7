#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our scripts pass shellcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.sh' '.ci/run' | sort -u)
shellcheck --severity=warning "${files[@]}"
echo "${#files[@]} scripts"
