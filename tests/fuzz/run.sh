#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh PROGRAMS: runs each fuzz target of this directory (build/asan/bin/fuzz) from its corpus for a few seconds
# (FUZZ_SECONDS, 15): a smoke test that the parsers still stand. A find is kept in build/fuzz/finds with the command that
# replays it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
programs=${1:?usage: run.sh PROGRAMS}
export programs
mkdir -p build/fuzz/finds

fuzz() {
    local name=$1 corpus=build/fuzz/corpus/$1 log=build/fuzz/$1.log status=0
    mkdir -p "$corpus"
    "$programs/$name" -max_total_time="${FUZZ_SECONDS:-15}" -rss_limit_mb=2048 -timeout=20 -print_final_stats=0 \
        -verbosity=0 -artifact_prefix="build/fuzz/finds/$name-" "$corpus" "tests/fuzz/corpus/${name%_fuzz}" >"$log" 2>&1 ||
        { status=1; echo "replay with: $programs/$name build/fuzz/finds/$name-…" >>"$log"; }
    { echo "--- $name"; cat "$log"; } # at once: another one runs beside it
    return $status
}
export -f fuzz

names=$(basename -as .cpp tests/fuzz/*_fuzz.cpp)
status=0
xargs -P "$(nproc)" -I{} bash -c 'fuzz {}' <<<"$names" || status=1
echo "$(wc -l <<<"$names") fuzz targets"
exit $status
