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
cp "$build/bin/boxlite" "$build/bin/boxlite-shim" "$build/bin/boxlite-thaw" "$build/bin/boxlite-fileserver" "$payload/bin/"
cp -r "$build/share/boxlite" "$payload/share/"
cp "$(command -v mke2fs)" "$payload/bin/"
cat > "$payload/kvm_test.sh" <<'INNER'
#!/bin/sh
# Runs inside the emulated machine. Each check names itself; the first failure ends the test.
# A call that stands still tells where everything stands, and ends the test: each takes a few seconds here.
patience=150
stands_still() { # ARGS...
  {
    echo "FAIL  no end within $patience s: boxlite $*"
    cat /tmp/errors
    for thread in /proc/[0-9]*/task/[0-9]*; do
      grep -q . "$thread/../../cmdline" 2>/dev/null || continue
      echo "$thread $(cat "$thread/comm") $(cut -d ' ' -f 3 "$thread/stat") $(tr -d '\n' <"$thread/wchan")"
      sed 's/^/    /' "$thread/stack"
    done
    for log in /home/boxlite/boxes/*/*.log /home/boxlite/boxes/*/*.stderr /home/boxlite/machines/*/*/*.stderr; do
      echo "== $log"
      tail -n 20 "$log"
    done
  } >&3 2>&1
}
# The console is a terminal; progress would be drawn over the results.
boxlite() {
  (sleep "$patience"; stands_still "$@"; killall -9 boxlite) >/dev/null 2>&1 &
  watcher=$!
  ./bin/boxlite --home /home/boxlite "$@" 2>/tmp/errors
  status=$?
  kill "$watcher"
  return "$status"
}
exec 3>&1
check() { # NAME EXPECTED ACTUAL
  if [ "$2" = "$3" ]; then echo "ok    $1"; else echo "FAIL  $1: expected '$2', got '$3'"; cat /tmp/errors; exit 1; fi
}
# Saved machines want a home on a disk.
truncate -s 2G /tmp/disk && ./bin/mke2fs -q -t ext4 -F /tmp/disk && mkdir -p /home && mount -o loop /tmp/disk /home
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
check "boxes go on from saved machines" 2 "$(boxlite snapshot ls -q | wc -l | tr -d ' ')"
boxlite --accel kvm run -d --name first boxlite/base sleep 100 >/dev/null
boxlite --accel kvm run -d --name second boxlite/base sleep 100 >/dev/null
check "from one of the image" restore "$(boxlite inspect first | grep -o '"restore"' | tr -d '"')"
first=$(boxlite exec first cat /proc/sys/kernel/random/uuid)
[ -n "$first" ] && [ "$first" != "$(boxlite exec second cat /proc/sys/kernel/random/uuid)" ]
check "two of them draw different numbers" 0 $?
boxlite rm -f first second >/dev/null
INNER
chmod +x "$payload/kvm_test.sh"
tests/kvm_rig/run.sh --payload "$payload" --memory 4096 --deadline "${RIG_DEADLINE:-600}" -- ./kvm_test.sh
