#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Packs the agent as the initramfs of every box: a cpio archive (newc) written entry by entry, because a device
# node cannot be packed from a directory without being root. Fixed inode numbers and times: the same agent gives
# the same bytes. Not compressed: under TCG decompressing costs more than the copy it saves.
set -euo pipefail

usage() { echo "usage: make-initramfs.sh AGENT_BINARY OUT" >&2; }

die() {
  printf 'initramfs: error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf '  remedy: %s\n' "$2" >&2
  exit 1
}

# pad BYTES: zeros up to the next multiple of four.
pad() {
  local n=$(((4 - $1 % 4) % 4))
  [ $n -eq 0 ] || head -c $n /dev/zero
}

# entry NAME MODE [SIZE] [MAJOR MINOR]: the header and the name; the caller sends the content after it.
inode=0
entry() {
  local name=$1 mode=$2 size=${3:-0} major=${4:-0} minor=${5:-0}
  inode=$((inode + 1))
  printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' $inode $((mode)) 0 0 1 0 "$size" 0 0 \
    "$major" "$minor" $((${#name} + 1)) 0
  printf '%s\0' "$name"
  pad $((110 + ${#name} + 1))
}

archive() {
  local dir size
  for dir in dev proc sys run newroot; do
    entry "$dir" 0040755
  done
  # The kernel opens it for init's descriptors 0, 1, 2 before init can mount anything.
  entry dev/console 0020600 0 5 1
  size=$(stat -c %s "$1")
  entry init 0100755 "$size"
  cat "$1"
  pad "$size"
  inode=-1 # the trailer has inode 0
  entry TRAILER!!! 0
}

[ $# -eq 2 ] || { usage; exit 2; }
[ -f "$1" ] || die "cannot read the agent \"$1\"" "build the target boxlite-agent first"
# The initramfs holds no loader and no libraries.
if head -c 4 "$1" | grep -q ELF && readelf -lW "$1" | grep -q INTERP; then
  die "the agent \"$1\" is not a static binary" "link it with -static"
fi
mkdir -p "$(dirname "$2")"
trap 'rm -f "$2.tmp.$$"' EXIT
archive "$1" >"$2.tmp.$$"
mv "$2.tmp.$$" "$2"
