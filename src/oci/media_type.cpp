// SPDX-License-Identifier: Apache-2.0
#include "oci/media_type.h"

namespace boxlite::oci::media_type {

std::optional<std::string_view> readable_layer(std::string_view type) {
  if (type == layer_tar || type == docker_layer_tar) return layer_tar;
  if (type == layer_gzip || type == docker_layer_gzip) return layer_gzip;
  if (type == layer_zstd || type == docker_layer_zstd) return layer_zstd;
  return std::nullopt;
}

std::string_view sniff_layer(std::string_view first_bytes) {
  using namespace std::string_view_literals;
  if (first_bytes.starts_with("\x1f\x8b"sv)) return layer_gzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd"sv)) return layer_zstd;
  return layer_tar;
}

}  // namespace boxlite::oci::media_type
