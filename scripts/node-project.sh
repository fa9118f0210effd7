#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints a directory with a small project of Node's (Vite and what it needs), everything that installing it offline
# wants, and an npm to do it: project/ (installed), cache/, npm/. Made by this machine's npm if it is not there yet.
# Exit 77, and why, where there is none.
set -euo pipefail
vite=5.4.21 npm=10.8.2 # the newest that Debian 12's Node runs
cache=${XDG_CACHE_HOME:-$HOME/.cache}/boxlite/node
root=$cache/vite-$vite-npm-$npm

# Without addresses in the lock file npm asks the registry for them, also offline.
install() { # DIRECTORY PACKAGE
  mkdir -p "$1"
  echo '{"name": "project", "private": true, "type": "module"}' >"$1/package.json"
  (cd "$1" && npm install --cache "$root.new/cache" --no-audit --no-fund --ignore-scripts --save-exact \
    --omit-lockfile-registry-resolved=false "$2")
}

make() {
  rm -rf "$root.new"
  install "$root.new/with-npm" "npm@$npm"
  mv "$root.new/with-npm/node_modules/npm" "$root.new/npm"
  rm -rf "$root.new/with-npm" "$root.new/cache"
  install "$root.new/project" "vite@$vite"
}

if [ ! -d "$root" ]; then
  command -v npm >/dev/null || {
    echo "node-project: error: npm is not installed, which fetches the packages; remedy: apt-get install npm" >&2
    exit 77
  }
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9
  if [ ! -d "$root" ]; then
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    echo "node-project: fetching vite $vite and npm $npm" >&2
    make >"$log" 2>&1 || {
      tail -n 20 "$log" >&2
      echo "node-project: error: cannot fetch vite $vite and npm $npm (the last lines are above)" >&2
      exit 1
    }
    mv "$root.new" "$root"
  fi
fi
echo "$root"
