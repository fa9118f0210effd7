#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Measures BoxLite beside its peers, all in one run on one machine, and prints medians, spread and ratios.
#   bench/run.sh                   everything (about 5 minutes)
#   bench/run.sh start exec ...    only these: start many exec streams copy small_files memory folders repositories layers network
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/packages.sh build guest run image bench
scripts/build.sh release >&2
cmake --preset release -DBOXLITE_BENCH=ON >/dev/null
cmake --build --preset release --target many_commands >&2
image=build/debian-python.tar
[ -f "$image" ] || scripts/make-example-image.sh "$image" >&2
git_image=build/debian-git.tar
[ -f "$git_image" ] || scripts/make-example-image.sh "$git_image" docker.io/library/debian:git git >&2
exec python3 bench/compare.py --boxlite "$PWD/build/bin/boxlite" --image "$image" --git-image "$git_image" "$@"
