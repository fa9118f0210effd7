#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints the path of a program of others that PyPI has in a newer version than Debian 12, fetched if it is not there yet.
set -euo pipefail
name=${1:?usage: python-program.sh NAME}
case $name in
  clang-tidy) version=23.1.4 ;;
  *) echo "python-program: error: no version of $name is chosen" >&2; exit 2 ;;
esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/boxlite/programs
root=$cache/$name-$version
program=$root/${name//-/_}/data/bin/$name

if [ ! -x "$program" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/.lock.$name"
  flock 9
  if [ ! -x "$program" ]; then
    echo "python-program: fetching $name $version" >&2
    rm -rf "$root.new"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --target "$root.new" \
      "$name==$version" >&2 || {
      echo "python-program: error: cannot fetch $name $version (see above)" >&2
      exit 1
    }
    rm -rf "$root"
    mv "$root.new" "$root"
  fi
fi
[ -x "$program" ] || { echo "python-program: error: $name $version has no \"$program\"" >&2; exit 1; }
echo "$program"
