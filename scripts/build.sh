#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds a preset and puts the guest's files beside it, so that its bin/boxlite can run boxes:
#   build.sh release   build/bin/boxlite        build.sh dev   build/dev/bin/boxlite, compiled file by file
#   build.sh tests     the same with its tests  build.sh asan, build.sh tsan   with sanitizers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=${1:-release}
out=build/$preset
case $preset in release | tests) out=build ;; esac

# Clones of one commit share compiled objects, wherever they lie.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }

# CMake would begin anew, and forget what the preset says, where another compiler has built before.
[ "$preset" != asan ] || grep -qs 'CMAKE_CXX_COMPILER:.*clang' "$out/CMakeCache.txt" || rm -rf "$out"
say "configuring ($preset)"
cmake --preset "$preset" >"/tmp/boxlite-configure.$$" 2>&1 ||
    { cat "/tmp/boxlite-configure.$$" >&2; rm -f "/tmp/boxlite-configure.$$"; exit 1; }
rm -f "/tmp/boxlite-configure.$$"
say "compiling ($preset)"
cmake --build --preset "$preset"

# A preset without the programs (tsan) needs no guest.
[ -x "$out/bin/boxlite-agent" ] || exit 0
say "guest kernel, initramfs and base image"
share=$out/share/boxlite
mkdir -p "$share"
guest/kernel/build.sh "$share/vmlinux" >/dev/null
guest/make-initramfs.sh "$out/bin/boxlite-agent" "$share/initramfs.cpio"
guest/make-base-image.sh "$share/base-image.tar"
