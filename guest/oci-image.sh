#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Wraps one layer tar as an OCI image layout tar, with a shell and coreutils only. The same layer gives the same
# bytes.
set -euo pipefail

usage() {
  cat >&2 <<'USAGE'
usage: oci-image.sh LAYER.tar OUT.tar NAME CMD_JSON [ENV...]

  NAME      full image name, as in docker.io/library/debian:python
  CMD_JSON  the default command, as in ["/bin/sh"]
  ENV       NAME=value, each a variable of the image

  OCI_ARCHITECTURE  what it is for (default: amd64)
USAGE
}

architecture=${OCI_ARCHITECTURE:-amd64}

digest_of() { sha256sum <"$1" | cut -d' ' -f1; }

# add_blob FILE: moves it to its place and prints its digest.
add_blob() {
  local digest
  digest=$(digest_of "$1")
  mv "$1" "$work/blobs/sha256/$digest"
  echo "$digest"
}

descriptor() { # TYPE DIGEST SIZE [MORE]
  printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%d%s}' "$1" "$2" "$3" "${4:-}"
}

size_of() { stat -c %s "$work/blobs/sha256/$1"; }

json_list() {
  local item sep=
  for item in "$@"; do
    item=${item//\\/\\\\}
    printf '%s"%s"' "$sep" "${item//\"/\\\"}"
    sep=,
  done
}

write_config() { # DIFF_ID CMD_JSON ENV...
  printf '{"architecture":"%s","os":"linux","config":{"Env":[%s],"Cmd":%s,"WorkingDir":"/"},' \
    "$architecture" "$(json_list "${@:3}")" "$2"
  printf '"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},' "$1"
  printf '"created":"1970-01-01T00:00:00Z","history":[{"created":"1970-01-01T00:00:00Z","created_by":"boxlite"}]}'
}

write_manifest() { # CONFIG_DIGEST LAYER_DIGEST
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
    "$(descriptor config.v1+json "$1" "$(size_of "$1")")" \
    "$(descriptor layer.v1.tar+gzip "$2" "$(size_of "$2")")"
}

write_index() { # MANIFEST_DIGEST NAME
  local more
  more=$(printf ',"platform":{"architecture":"%s","os":"linux"},"annotations":{%s:"%s"}' \
    "$architecture" '"org.opencontainers.image.ref.name"' "$2")
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' \
    "$(descriptor manifest.v1+json "$1" "$(size_of "$1")" "$more")"
}

make_layout() { # LAYER NAME CMD_JSON ENV...
  local diff_id layer config manifest
  mkdir -p "$work/blobs/sha256"
  diff_id=$(digest_of "$1")
  gzip -n -"${GZIP_LEVEL:-6}" <"$1" >"$work/new"
  layer=$(add_blob "$work/new")
  write_config "$diff_id" "${@:3}" >"$work/new"
  config=$(add_blob "$work/new")
  write_manifest "$config" "$layer" >"$work/new"
  manifest=$(add_blob "$work/new")
  write_index "$manifest" "$2" >"$work/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$work/oci-layout"
}

[ $# -ge 4 ] || { usage; exit 2; }
out=$2
mkdir -p "$(dirname "$out")"
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work" "$out.tmp.$$"' EXIT
make_layout "$1" "${@:3}"
# The parts that a reader needs first come first.
tar -C "$work" --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=a+rX,u+w \
  -cf "$out.tmp.$$" oci-layout index.json blobs
mv "$out.tmp.$$" "$out"
