#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Boxes with accel=kvm, inside the emulated AMD machine: what the host check says there, one box from start to end, and
# a disk kept across stop and start. Needs a build with the guest's files beside it (scripts/build.sh): BUILD_DIR, by
# default build/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${BUILD_DIR:-build}
payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT
mkdir -p "$payload/bin" "$payload/share"
cp "$build/bin/boxlite" "$build/bin/boxlite-shim" "$payload/bin/"
cp -r "$build/share/boxlite" "$payload/share/"
cat > "$payload/kvm_test.sh" <<'INNER'
#!/bin/sh
# Runs inside the emulated machine. Each check names itself; the first failure ends the test.
# The console is a terminal; progress would be drawn over the results.
boxlite() { ./bin/boxlite --home /tmp/home "$@" 2>/tmp/errors; }
check() { # NAME EXPECTED ACTUAL
  if [ "$2" = "$3" ]; then echo "ok    $1"; else echo "FAIL  $1: expected '$2', got '$3'"; cat /tmp/errors; exit 1; fi
}
boxlite doctor || true
check "the host check picks kvm by itself" kvm "$(boxlite info --format json | tr -d ' \n' | sed 's/.*"accelerator":"\([a-z]*\)".*/\1/')"
check "a command runs in a box" 42 "$(boxlite --accel kvm run --rm -- sh -c 'echo $((6*7))')"
check "the box has our kernel" "-boxlite" "$(boxlite --accel kvm run --rm -- uname -r | sed 's/^[0-9.]*//')"
boxlite --accel kvm run --rm -- sh -c 'exit 7'; check "the exit code is the command's" 7 $?
boxlite create --name kept boxlite/base >/dev/null
boxlite --accel kvm exec kept sh -c 'echo kept > /f'
boxlite stop kept >/dev/null
check "files are kept across stop and start" kept "$(boxlite --accel kvm exec kept cat /f)"
boxlite rm -f kept >/dev/null
INNER
chmod +x "$payload/kvm_test.sh"
tests/kvm_rig/run.sh --payload "$payload" --memory 4096 --deadline "${RIG_DEADLINE:-600}" -- ./kvm_test.sh
