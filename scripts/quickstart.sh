#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a fresh Debian 12 to Python running in a box: installs what is missing, builds, makes an OCI image of Debian
# with Python, loads it and runs it. A second run takes seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
began=$SECONDS

say "installing packages"
scripts/packages.sh build guest run image
scripts/build.sh release

boxlite=$PWD/build/bin/boxlite
image=build/debian-python.tar
if ! "$boxlite" image inspect debian:python >/dev/null 2>&1; then
    say "making an OCI image of Debian 12 with Python"
    scripts/make-example-image.sh "$image"
    say "loading it"
    "$boxlite" load -i "$image"
fi

say "this host"
"$boxlite" doctor || true

say "running Python in a box"
program='import platform, sys; print("box: ", platform.uname().release, "Python", sys.version.split()[0], "->", 6 * 7)'
"$boxlite" run --rm debian:python python3 -c "$program"
host_python=$(python3 -c 'import sys; print("Python", sys.version.split()[0])' 2>/dev/null || echo "no Python")
echo "host:  $(uname -r) $host_python"
say "done in $((SECONDS - began)) s; the CLI is build/bin/boxlite: try  build/bin/boxlite run -- uname -a"
