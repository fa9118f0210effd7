#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets and runs each from its corpus for a few seconds (FUZZ_SECONDS, 15): a smoke test that the
# parsers still stand. A find is kept in build/fuzz/finds with the command that replays it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
mkdir -p build/fuzz/finds
status=0 count=0
for source in tests/fuzz/*_fuzz.cpp; do
    name=$(basename "$source" .cpp)
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    echo "--- $name"
    count=$((count + 1))
    build/fuzz/bin/"$name" -max_total_time="${FUZZ_SECONDS:-15}" -rss_limit_mb=2048 -timeout=20 -print_final_stats=0 \
        -verbosity=0 -artifact_prefix="build/fuzz/finds/$name-" "$corpus" "tests/fuzz/corpus/${name%_fuzz}" ||
        { status=1; echo "replay with: build/fuzz/bin/$name build/fuzz/finds/$name-…"; }
done
echo "$count fuzz targets"
exit $status
