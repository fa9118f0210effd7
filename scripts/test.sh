#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything that is tested, from a clean clone. Each stage is a build or a ctest run; the last lines are the sum.
#   test.sh                all stages
#   test.sh STAGE...       only these: quickstart unit vm asan tsan fuzz tidy soak rig
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
logs=build/test-logs
all_stages=(quickstart unit asan tsan fuzz tidy vm rig soak)
passed=0 failed=0 skipped=0
table=()

say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }

# count NAME LOG STATUS: adds a stage's tests to the sum. A stage that is no ctest run counts as one test.
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
    shift
    say "$name"
    "$@" 2>&1 | tee "$logs/$name.log"
    status=${PIPESTATUS[0]}
    count "$name" "$logs/$name.log" "$status" $((SECONDS - began))
}

# Every preset is built and then tested by label; a test that cannot run says why and is counted as skipped.
tests_of() { # PRESET LABELS
    scripts/build.sh "$1" && ctest --preset "$1" -L "$2" --no-tests=error -j2
}

stage_quickstart() { scripts/quickstart.sh && tools/check_libraries.sh build; }
stage_unit() { tests_of dev 'style|unit|integration'; }
stage_vm() { tests_of dev 'vm'; }
stage_asan() { tests_of asan 'unit|integration'; }
stage_tsan() { tests_of tsan 'unit'; }
stage_fuzz() { tests/fuzz/run.sh; }
stage_tidy() { tools/check_tidy.py; }
stage_rig() { tests/kvm_rig/test.sh; }
stage_soak() { ctest --preset dev -L 'soak' --no-tests=error; }

chosen=("$@")
[ $# -gt 0 ] || chosen=("${all_stages[@]}")
mkdir -p "$logs"
scripts/packages.sh build guest run image test || exit 1
# Without cargo the tests that want them say so.
for program in fsx pjdfstest; do scripts/cargo-program.sh $program >/dev/null || [ $? -eq 77 ] || exit 1; done
for name in "${chosen[@]}"; do
    declare -F "stage_$name" >/dev/null || { echo "test.sh: no stage $name; there are: ${all_stages[*]}" >&2; exit 2; }
    stage "$name" "stage_$name"
done

say "summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
printf '%s\n' "${table[@]}"
for log in "$logs"/*.log; do
    grep -hE '\*\*\*(Failed|Timeout|Skipped|Exception|Not Run)' "$log" | sed "s|^|  $(basename "$log" .log): |"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
