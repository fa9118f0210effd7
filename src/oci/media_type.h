// SPDX-License-Identifier: Apache-2.0
// The media types we read. Docker's version 2 schema 2 documents have the same shape as OCI's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace boxlite::oci::media_type {

inline constexpr std::string_view index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view layer_tar = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view layer_zstd = "application/vnd.oci.image.layer.v1.tar+zstd";

inline constexpr std::string_view docker_index = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_layer_tar = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view docker_layer_gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view docker_layer_zstd = "application/vnd.docker.image.rootfs.diff.tar.zstd";
// Layers that a registry need not have: their descriptors say where they are ("urls").
inline constexpr std::string_view foreign_tar = "application/vnd.oci.image.layer.nondistributable.v1.tar";
inline constexpr std::string_view foreign_gzip =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
inline constexpr std::string_view foreign_zstd =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
inline constexpr std::string_view docker_foreign_tar = "application/vnd.docker.image.rootfs.foreign.diff.tar";
inline constexpr std::string_view docker_foreign_gzip =
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
inline constexpr std::string_view docker_foreign_zstd =
    "application/vnd.docker.image.rootfs.foreign.diff.tar.zstd";
// Schema 1, signed and unsigned: recognised only to say that it is too old.
inline constexpr std::string_view docker_manifest_v1 = "application/vnd.docker.distribution.manifest.v1";

inline bool is_index(std::string_view type) {
  return type == index || type == docker_index;
}
inline bool is_manifest(std::string_view type) {
  return type == manifest || type == docker_manifest;
}

// OCI's name of a layer type that we can read, nothing for all others (encrypted, not a tar). Of a foreign
// layer: the type of a layer with the same bytes.
std::optional<std::string_view> readable_layer(std::string_view type);
// OCI's name of the type itself, which of a foreign layer still says so.
std::optional<std::string_view> oci_layer(std::string_view type);
bool is_foreign(std::string_view type);

// The layer type that the first bytes of a blob show: gzip, zstd, else a plain tar.
std::string_view sniff_layer(std::string_view first_bytes);

}  // namespace boxlite::oci::media_type
