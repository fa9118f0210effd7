#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a test program of others, built by cargo if this version is not there yet. Exit 77, and why,
# where there is no cargo (1.85 or later; Debian 12's is older).
set -euo pipefail
name=${1:?usage: cargo-program.sh NAME}
case $name in
  fsx) version=0.3.2 ;;
  pjdfstest) version=0.2.2 ;;
  *) echo "cargo-program: error: no version of $name is chosen" >&2; exit 2 ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/boxlite/programs
root=$cache/$name-$version

if [ ! -x "$root/bin/$name" ]; then
  command -v cargo >/dev/null || {
    echo "cargo-program: error: $name needs cargo (1.85 or later), which is not installed" >&2
    exit 77
  }
  mkdir -p "$cache"
  exec 9>"$cache/.lock.$name"
  flock 9
  if [ ! -x "$root/bin/$name" ]; then
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    echo "cargo-program: building $name $version (about a minute)" >&2
    cargo install --quiet --locked --root "$root.new" "$name@$version" >"$log" 2>&1 || {
      tail -n 20 "$log" >&2
      echo "cargo-program: error: cannot build $name $version (its last lines are above)" >&2
      exit 1
    }
    rm -rf "$root"
    mv "$root.new" "$root"
  fi
fi
echo "$root/bin/$name"
