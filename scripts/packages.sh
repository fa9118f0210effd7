#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of scripts/packages.txt. Needs root (or sudo) only when something is missing.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
    echo "usage: packages.sh GROUP...   groups: build guest run image test bench"
}

# The packages of the given groups that dpkg does not know as installed.
missing_packages() {
    local wanted group=" $* "
    wanted=$(awk -v groups="$group" '!/^#/ && index(groups, " " $2 " ") { print $1 }' "$here/packages.txt")
    local package
    for package in $wanted; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "packages: error: installing packages needs root: run as root, or install: ${missing[*]}" >&2
        exit 1
    fi
}

[ $# -gt 0 ] || { usage >&2; exit 2; }
mapfile -t missing < <(missing_packages "$@")
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "packages: error: not a Debian system: install by hand what these packages hold: ${missing[*]}" >&2
    exit 1
fi
echo "packages: installing ${#missing[@]}: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { as_root apt-get update && as_root apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "packages: error: apt-get failed (its last lines are above)" >&2
    exit 1
fi
