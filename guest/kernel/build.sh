#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the guest kernel of BoxLite from Debian's kernel source with the configuration and the patches beside
# this file.
# The result is kept under ~/.cache/boxlite/kernel/<key>/vmlinux; the key covers all that goes in, so each machine
# builds once. Progress goes to stderr; the last line of stdout is the path of the kernel.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/boxlite/kernel
source_tar=${BOXLITE_KERNEL_SOURCE:-/usr/src/linux-source-6.12.tar.xz}
config=$here/config
patches=("$here"/patches/*.patch)
# Lines of make's output for this configuration; only the progress display depends on it.
expected_steps=1800

usage() {
  cat <<USAGE
usage: build.sh [--jobs N] [OUT]

Builds the guest kernel, or finds it in the cache, and prints its path. With OUT it is also copied there.

  BOXLITE_KERNEL_SOURCE  the source archive (default: /usr/src/linux-source-6.12.tar.xz)
  XDG_CACHE_HOME         where the cache is (default: ~/.cache)
USAGE
}

say() { printf 'kernel: %s\n' "$*" >&2; }

die() {
  printf 'kernel: error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf '  remedy: %s\n' "$2" >&2
  exit 1
}

require_tools() {
  local tool missing=()
  for tool in gcc make flex bison bc xz flock strip patch; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} -eq 0 ] ||
    die "cannot build the guest kernel: not installed: ${missing[*]}" \
      "sudo apt-get install gcc make flex bison bc xz-utils util-linux binutils patch libelf-dev"
  [ -e /usr/include/gelf.h ] ||
    die "cannot build the guest kernel: libelf's headers are not installed" "sudo apt-get install libelf-dev"
}

# The version of Debian's package names the source; any other archive is named by its content.
source_identity() {
  local version
  version=$(dpkg-query -W -f '${Version}' linux-source-6.12 2>/dev/null || true)
  if [ -n "$version" ] && [ -z "${BOXLITE_KERNEL_SOURCE:-}" ]; then
    echo "$version"
  else
    sha256sum <"$source_tar"
  fi
}

cache_key() {
  { source_identity; cat "$config" "${patches[@]}" "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-20
}

# What no x86 build reads is left out: it is two thirds of the bytes. Kconfig files stay, they refer to each other.
unpack_source() {
  say "unpacking $source_tar"
  tar -C "$1" -xf "$source_tar" --strip-components=1 --wildcards \
    --exclude='*/drivers/gpu/*.[ch]' --exclude='*/sound/*.[ch]' --exclude='*/drivers/media/*.[ch]' \
    --exclude='*/drivers/net/ethernet/*.[ch]' --exclude='*/drivers/net/wireless/*.[ch]' \
    --exclude='*/drivers/staging/*.[ch]' --exclude='*/Documentation/*/*' --exclude='*/tools/testing/*' \
    --exclude='*/arch/*/boot/dts/*.dts*'
}

# Without fuzz: where the source has moved under a patch, somebody has to look.
apply_patches() {
  local patch
  for patch in "${patches[@]}"; do
    patch -d "$1" -p1 --fuzz=0 --silent <"$patch" >&2 ||
      die "cannot apply \"$patch\" to \"$source_tar\"" "fit the patch to this version of the kernel"
  done
}

# Kconfig drops an option silently when something it depends on is off: each line must be there in the result.
verify_config() {
  local line name lost=()
  while IFS= read -r line; do
    name=${line%%=*}
    case $line in
      CONFIG_*=n) ! grep -q "^$name=" "$1" || lost+=("$line") ;;
      CONFIG_*) grep -qxF -- "$line" "$1" || lost+=("$line") ;;
    esac
  done <"$config"
  [ ${#lost[@]} -eq 0 ] || {
    printf '  not as asked: %s\n' "${lost[@]}" >&2
    die "kernel options did not take effect" \
      "see what they depend on in the Kconfig files of this kernel version, and edit guest/kernel/config"
  }
}

# Reads make's output, shows how far it is: one line that is rewritten on a terminal, else one line each 15 s.
show_progress() {
  local count=0 start=$SECONDS shown=-15 every=15 end='\n'
  [ ! -t 2 ] || { every=1; end='\r'; }
  while IFS= read -r _; do
    count=$((count + 1))
    [ $((SECONDS - shown)) -ge $every ] || continue
    shown=$SECONDS
    # shellcheck disable=SC2059  # the line end is chosen above
    printf "kernel: %5d of about %d steps, %d:%02d elapsed$end" $count $expected_steps \
      $(((SECONDS - start) / 60)) $(((SECONDS - start) % 60)) >&2
  done
  say "$count steps in $((SECONDS - start)) s                    "
}

# Fixed names and times: the same source and compiler give the same bytes.
kernel_make() {
  local compiler=gcc
  ! command -v ccache >/dev/null || compiler='ccache gcc'
  nice -n 5 make -C "$1" ARCH=x86_64 CC="$compiler" \
    KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_VERSION=1 \
    KBUILD_BUILD_USER=boxlite KBUILD_BUILD_HOST=boxlite "${@:2}"
}

configure() {
  kernel_make "$1" KCONFIG_ALLCONFIG="$config" allnoconfig >"$1/boxlite.log" 2>&1 ||
    die "cannot configure the kernel: $(tail -n 3 "$1/boxlite.log")"
  kernel_make "$1" olddefconfig >>"$1/boxlite.log" 2>&1
  verify_config "$1/.config"
}

compile() {
  say "building with $jobs jobs, about 8 minutes on two idle cores (once per machine)"
  kernel_make "$1" -j "$jobs" vmlinux 2>&1 | tee "$1/boxlite.log" | show_progress || {
    grep -E 'error|Error|No space' "$1/boxlite.log" | head -n 5 >&2
    cp "$1/boxlite.log" "$cache/failed.log"
    die "the kernel did not build; the whole log is $cache/failed.log" \
      "check free disk space (2 GB needed) and the compiler, then run this again"
  }
}

build_into() {
  local work=$cache/.build.$key
  rm -rf "$work"
  mkdir -p "$work/src" "$work/out"
  # shellcheck disable=SC2064  # the directory is known now
  trap "rm -rf '$work'" EXIT
  unpack_source "$work/src"
  apply_patches "$work/src"
  configure "$work/src"
  compile "$work/src"
  strip --strip-debug -o "$work/out/vmlinux" "$work/src/vmlinux"
  readelf -nW "$work/out/vmlinux" | grep -q Xen || die "the kernel has no PVH entry note"
  cp "$work/src/.config" "$work/out/config"
  cp "$work/src/System.map" "$work/out/System.map"
  mv -T "$work/out" "$cache/$key"
}

jobs=$(nproc)
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    -j | --jobs) jobs=${2:?--jobs needs a number}; shift 2 ;;
    -*) usage >&2; exit 2 ;;
    *) break ;;
  esac
done
[ $# -le 1 ] || { usage >&2; exit 2; }

[ -r "$source_tar" ] ||
  die "cannot read the kernel source \"$source_tar\"" "sudo apt-get install linux-source-6.12"
mkdir -p "$cache"
key=$(cache_key)
if [ ! -s "$cache/$key/vmlinux" ]; then
  require_tools
  exec 9>"$cache/.lock.$key"
  flock -n 9 || { say "another process is building it, waiting"; flock 9; }
  [ -s "$cache/$key/vmlinux" ] || build_into
  exec 9>&-
fi
[ $# -eq 0 ] || { mkdir -p "$(dirname "$1")"; cp "$cache/$key/vmlinux" "$1.tmp.$$"; mv "$1.tmp.$$" "$1"; }
echo "$cache/$key/vmlinux"
