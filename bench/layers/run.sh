#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OCI layers → disk beside umoci and mke2fs: bench/layers/run.sh [IMAGE.tar]   (BENCH_ROUNDS=7)
set -euo pipefail
image=$(realpath "${1:-/dev/null}")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if [ "$image" = /dev/null ]; then
  image=$PWD/build/debian-python.tar
  [ -f "$image" ] || scripts/make-example-image.sh "$image" >&2
fi
build=build/bench
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O2 -g1 -DNDEBUG" -DBOXLITE_BENCH=ON -DBOXLITE_TESTS=OFF \
  -DBOXLITE_ONLY_FOLDERS="base;linux;tar;oci;disk" >/dev/null
cmake --build "$build" --target build_disk >&2
exec python3 bench/layers/layers.py "$build/bin/build_disk" "$image"
