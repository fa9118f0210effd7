#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The programs load what they use and no more: every start of a box pays for each library of the shim, and every command
# for those of the command line.   check_libraries.sh BUILD_DIR
set -euo pipefail
build=$1 status=0

must_not_load() { # FILE LIBRARY...
    local file=$build/$1 loaded library
    shift
    loaded=$(readelf -d "$file" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
    for library in "$@"; do
        if grep -q "^$library\.so" <<<"$loaded"; then
            echo "$file loads $library: one of the folders that it links needs it"
            status=1
        fi
    done
}

must_not_load bin/boxlite libssl libnghttp2 libslirp
must_not_load lib/libboxlite.so libssl libnghttp2 libslirp
must_not_load bin/boxlite-shim libsqlite3 libarchive libext2fs
exit $status
