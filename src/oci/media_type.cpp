// SPDX-License-Identifier: Apache-2.0
#include "oci/media_type.h"

namespace boxlite::oci::media_type {

std::optional<std::string_view> readable_layer(std::string_view type) {
  const auto own = oci_layer(type);
  if (own == foreign_tar) return layer_tar;
  if (own == foreign_gzip) return layer_gzip;
  if (own == foreign_zstd) return layer_zstd;
  return own;
}

std::optional<std::string_view> oci_layer(std::string_view type) {
  if (type == layer_tar || type == docker_layer_tar) return layer_tar;
  if (type == layer_gzip || type == docker_layer_gzip) return layer_gzip;
  if (type == layer_zstd || type == docker_layer_zstd) return layer_zstd;
  if (type == foreign_tar || type == docker_foreign_tar) return foreign_tar;
  if (type == foreign_gzip || type == docker_foreign_gzip) return foreign_gzip;
  if (type == foreign_zstd || type == docker_foreign_zstd) return foreign_zstd;
  return std::nullopt;
}

bool is_foreign(std::string_view type) {
  const auto own = oci_layer(type);
  return own && own != readable_layer(type);
}

std::string_view sniff_layer(std::string_view first_bytes) {
  using namespace std::string_view_literals;
  if (first_bytes.starts_with("\x1f\x8b"sv)) return layer_gzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd"sv)) return layer_zstd;
  return layer_tar;
}

}  // namespace boxlite::oci::media_type
