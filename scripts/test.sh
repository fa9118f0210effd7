#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything that is tested, from a clean clone. Each stage is a build or a ctest run; the last lines are the sum.
#   test.sh                all stages, those first that tell most
#   test.sh STAGE...       only these: quickstart unit vm tidy asan fuzz tsan rig soak
# TEST_BUDGET, in seconds (default: none): a stage that would end later, judged by how long it took on this machine the
# last time, is not run; the sum names it and counts it as skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
logs=build/test-logs
times=${XDG_CACHE_HOME:-$HOME/.cache}/boxlite/test-seconds
all_stages=(quickstart unit vm tidy asan fuzz tsan rig soak)
passed=0 failed=0 skipped=0
table=()

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

# How long a stage takes: as the last time here, else as on two slow cores with nothing in the caches.
expected_seconds() {
    local -A slow=([quickstart]=1500 [unit]=500 [vm]=900 [tidy]=450 [asan]=950 [fuzz]=230 [tsan]=450 [rig]=60 [soak]=600)
    grep -xE '[0-9]+' "$times/$1" 2>/dev/null || echo "${slow[$1]}"
}

fits() { [ -z "${TEST_BUDGET:-}" ] || [ $((SECONDS + $(expected_seconds "$1"))) -le "$TEST_BUDGET" ]; }

# count NAME LOG STATUS SECONDS: adds a stage's tests to the sum. A stage that is no ctest run counts as one test.
count() {
    local name=$1 log=$2 status=$3 seconds=$4 bad=0 total=1 skips=0
    if grep -q 'tests passed' "$log"; then
        read -r bad total < <(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\1 \2/p' "$log" |
            awk '{ bad += $1; total += $2 } END { print bad, total }')
        skips=$(grep -cE '\*\*\*Skipped' "$log")
    elif [ "$status" -ne 0 ]; then
        bad=1
    fi
    [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    passed=$((passed + total - bad - skips)) failed=$((failed + bad)) skipped=$((skipped + skips))
    table+=("$(printf '%-12s %4d passed %3d failed %3d skipped %6d s' "$name" $((total - bad - skips)) "$bad" "$skips" "$seconds")")
}

stage() {
    local name=$1 began=$SECONDS status
    say "$name"
    rm -f "$logs/$name.log"
    if ! fits "$name"; then
        echo "not run: about $(expected_seconds "$name") s, after $SECONDS of the $TEST_BUDGET s of TEST_BUDGET"
        skipped=$((skipped + 1))
        table+=("$(printf '%-12s not run: about %d s did not fit into TEST_BUDGET' "$name" "$(expected_seconds "$name")")")
        return
    fi
    "stage_$name" 2>&1 | tee "$logs/$name.log"
    status=${PIPESTATUS[0]}
    # What failed may have ended early.
    [ "$status" -eq 0 ] && echo $((SECONDS - began)) >"$times/.$name" && mv "$times/.$name" "$times/$name"
    count "$name" "$logs/$name.log" "$status" $((SECONDS - began))
}

# Every preset is built and then tested by label; a test that cannot run says why and is counted as skipped.
tests_of() { # PRESET LABELS
    scripts/build.sh "$1" && ctest --preset "$1" -L "$2" --no-tests=error -j2
}

# What users run is what is tested; the sanitizers' builds look at the same sources.
stage_quickstart() { scripts/quickstart.sh && tools/check_libraries.sh build; }
stage_unit() { tests_of tests 'style|unit|integration'; }
stage_vm() { tests_of tests 'vm'; }
stage_asan() { tests_of asan 'unit|integration'; }
stage_fuzz() { scripts/build.sh asan && tests/fuzz/run.sh build/asan/bin/fuzz; }
stage_tsan() { tests_of tsan 'unit'; }
stage_tidy() { tools/check_tidy.py; }
stage_rig() { tests/kvm_rig/test.sh; }
stage_soak() { tests_of tests 'soak'; }

chosen=("$@")
[ $# -gt 0 ] || chosen=("${all_stages[@]}")
mkdir -p "$logs" "$times"
scripts/packages.sh build guest run image test || exit 1
# Without cargo the tests that want them say so.
for program in fsx pjdfstest; do scripts/cargo-program.sh $program >/dev/null || [ $? -eq 77 ] || exit 1; done
for name in "${chosen[@]}"; do
    declare -F "stage_$name" >/dev/null || { echo "test.sh: no stage $name; there are: ${all_stages[*]}" >&2; exit 2; }
    stage "$name"
done

say "summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
printf '%s\n' "${table[@]}"
for name in "${chosen[@]}"; do
    log=$logs/$name.log
    [ -f "$log" ] || continue
    grep -hE '\*\*\*(Failed|Timeout|Skipped|Exception|Not Run)' "$log" | sed "s|^|  $name: |"
done
echo "$passed passed, $failed failed, $skipped skipped"
# Every stage has its line, or this script is at fault.
[ "$failed" -eq 0 ] && [ ${#table[@]} -eq ${#chosen[@]} ]
