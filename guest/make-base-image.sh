#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes the bundled image boxlite/base:latest from Debian's static busybox, so that a first box needs no network.
# Any user may run it; the same busybox gives the same bytes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=docker.io/boxlite/base:latest
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

usage() { echo "usage: make-base-image.sh OUT.tar" >&2; }

die() {
  printf 'base image: error: %s\n  remedy: %s\n' "$1" "$2" >&2
  exit 1
}

find_busybox() {
  local file
  for file in /bin/busybox /usr/bin/busybox; do
    [ ! -x "$file" ] || { echo "$file"; return; }
  done
  die "busybox is not installed" "sudo apt-get install busybox-static"
}

make_tree() {
  mkdir -p "$1"/{bin,dev,etc,home,mnt,opt,proc,root,run,sbin,srv,sys,tmp,usr/bin,usr/sbin,usr/local/bin,var/tmp}
  ln -s /run "$1/var/run"
  cp "$2" "$1/bin/busybox"
  chmod 755 "$1/bin/busybox"
  local applet
  "$2" --list-full | while IFS= read -r applet; do
    mkdir -p "$1/$(dirname "$applet")"
    [ -e "$1/$applet" ] || [ "$applet" = linuxrc ] || ln -s /bin/busybox "$1/$applet"
  done
}

make_etc() {
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' >"$1/passwd"
  printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >"$1/group"
  printf 'hosts: files dns\n' >"$1/nsswitch.conf"
  cat >"$1/os-release" <<'OS'
PRETTY_NAME="BoxLite base"
NAME="BoxLite base"
ID=boxlite-base
VERSION_ID=1
OS
}

# Modes are set here, not by the caller's umask; nobody needs write permission on a system file.
set_modes() {
  find "$1" -type d -exec chmod 755 {} +
  find "$1/etc" -type f -exec chmod 644 {} +
  chmod 700 "$1/root"
  chmod 1777 "$1/tmp" "$1/var/tmp"
}

[ $# -eq 1 ] || { usage; exit 2; }
busybox=$(find_busybox)
mkdir -p "$(dirname "$1")"
work=$(mktemp -d "$1.XXXXXX")
trap 'rm -rf "$work"' EXIT
make_tree "$work/root" "$busybox"
make_etc "$work/root/etc"
set_modes "$work/root"
tar -C "$work/root" --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
  -cf "$work/layer.tar" .
"$here/oci-image.sh" "$work/layer.tar" "$1" "$name" '["/bin/sh"]' "PATH=$path"
