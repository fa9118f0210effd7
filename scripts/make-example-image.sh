#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes an OCI image of Debian 12 with Python from Debian's own packages, as real input for the quick start and the
# tests. The result is cached under ~/.cache/boxlite/images: a second run only copies it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/boxlite/images
suite=bookworm
packages=python3,ca-certificates
path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

usage() {
  cat <<'USAGE'
usage: make-example-image.sh OUT.tar [NAME [PACKAGE...]]

Writes an OCI image layout tar of Debian 12 with python3, and more packages where some are named.
NAME is docker.io/library/debian:python by default.

  BOXLITE_DEBIAN_MIRROR  where the packages come from (default: what apt of this machine is configured with)
USAGE
}

say() { printf 'example image: %s\n' "$*" >&2; }

die() {
  printf 'example image: error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf '  remedy: %s\n' "$2" >&2
  exit 1
}

# The mirror that this machine itself uses is the one that it can reach.
find_mirror() {
  local uri
  # shellcheck disable=SC2016  # apt expands these, not the shell
  uri=$(apt-get indextargets --format '$(ORIGIN) $(SITE) $(BASE_URI)' 2>/dev/null |
    awk '$1 == "Debian" && $3 !~ /security/ { print $3; exit }' | sed 's|/dists/.*||' || true)
  echo "${BOXLITE_DEBIAN_MIRROR:-$uri}"
}

# Root needs no tricks; anyone else gets a user namespace, or fakechroot where those are forbidden.
pick_mode() {
  if [ "$(id -u)" -eq 0 ]; then
    echo root
  elif unshare -Ur true 2>/dev/null && command -v newuidmap >/dev/null; then
    echo unshare
  else
    echo fakechroot
  fi
}

# Documentation and translations are half of the files and of no use in a box. No SOURCE_DATE_EPOCH: it would change
# the times of the .py files, and Python would then compile each module again at every start.
bootstrap() { # OUT.tar
  local mode mirror
  mode=$(pick_mode)
  mirror=$(find_mirror)
  [ -n "$mirror" ] || die "apt of this machine is not configured with a source of Debian packages" \
    "set BOXLITE_DEBIAN_MIRROR to the address of one (or run apt-get update first)"
  # shellcheck disable=SC2016  # mmdebstrap runs the hook
  local tidy='rm -f "$1"/etc/resolv.conf "$1"/etc/hostname'
  say "installing Debian $suite with $packages from $mirror (mode $mode)"
  mmdebstrap --mode="$mode" --variant=minbase --include="$packages" --architectures=amd64 \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook="$tidy" \
    "$suite" "$1" "$mirror" 2>"$1.log" ||
    {
      tail -n 8 "$1.log" >&2
      die "cannot install Debian into the image" \
        "check that $mirror is reachable (or set BOXLITE_DEBIAN_MIRROR); as a user also: apt-get install uidmap"
    }
}

# Says each 10 s that a quiet command still works; ends when the command does.
with_heartbeat() {
  local start=$SECONDS pid status=0
  "$@" &
  pid=$!
  while kill -0 $pid 2>/dev/null; do
    sleep 1
    [ $(((SECONDS - start) % 10)) -ne 0 ] || say "working, $((SECONDS - start)) s"
  done
  wait $pid || status=$?
  return $status
}

build() { # OUT.tar
  local work start=$SECONDS
  work=$(mktemp -d "$cache/.new.XXXXXX")
  # shellcheck disable=SC2064  # the directory is known now
  trap "rm -rf '$work'" EXIT
  with_heartbeat bootstrap "$work/layer.tar"
  say "packing $(($(stat -c %s "$work/layer.tar") / 1000000)) MB as an OCI image"
  GZIP_LEVEL=1 "$here/../guest/oci-image.sh" "$work/layer.tar" "$work/image.tar" "$name" '["python3"]' \
    "PATH=$path" LANG=C.UTF-8
  mv "$work/image.tar" "$1"
  say "done in $((SECONDS - start)) s"
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  '' | -*) usage >&2; exit 2 ;;
esac
out=$1
name=${2:-docker.io/library/debian:python}
for package in "${@:3}"; do packages+=,$package; done
mkdir -p "$cache"
key=$({ echo "$name $suite $packages"; cat "${BASH_SOURCE[0]}" "$here/../guest/oci-image.sh"; } |
  sha256sum | cut -c1-20)
cached=$cache/$key.tar
if [ ! -s "$cached" ]; then
  command -v mmdebstrap >/dev/null || die "mmdebstrap is not installed" "sudo apt-get install mmdebstrap"
  exec 9>"$cache/.lock.$key"
  flock 9
  [ -s "$cached" ] || build "$cached"
  exec 9>&-
fi
mkdir -p "$(dirname "$out")"
cp --reflink=auto "$cached" "$out.tmp.$$"
mv "$out.tmp.$$" "$out"
say "$out: $name"
