// SPDX-License-Identifier: Apache-2.0
// Small real images for the tests: layers written by libarchive, documents by src/oci.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <archive.h>
#include <archive_entry.h>

#include "base/concat.h"
#include "base/files.h"
#include "oci/manifest.h"
#include "oci/media_type.h"

namespace boxlite::image::sample {

using TarFiles = std::vector<std::pair<std::string, std::string>>;

enum class Compression { none, gzip, zstd };

// A tar with these files; a content that begins with "-> " makes a symbolic link.
inline std::string tar(const TarFiles& files, Compression compression = Compression::none) {
  std::string out(16u << 20, '\0');
  std::size_t used = 0;
  auto* writer = archive_write_new();
  archive_write_set_format_pax_restricted(writer);
  if (compression == Compression::gzip) archive_write_add_filter_gzip(writer);
  if (compression == Compression::zstd) archive_write_add_filter_zstd(writer);
  archive_write_set_bytes_in_last_block(writer, 1);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, content] : files) {
    auto* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_perm(entry, 0644);
    if (content.starts_with("-> ")) {
      archive_entry_set_filetype(entry, AE_IFLNK);
      archive_entry_set_symlink(entry, content.c_str() + 3);
      archive_write_header(writer, entry);
    } else {
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
      archive_write_header(writer, entry);
      archive_write_data(writer, content.data(), content.size());
    }
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

struct SampleLayer {
  std::string plain;
  std::string stored;
  std::string media_type;
};

struct SampleImage {
  std::vector<SampleLayer> layers;
  std::string config;
  oci::Manifest manifest;
  std::string manifest_json;
};

inline SampleLayer layer(const TarFiles& files, Compression compression = Compression::none) {
  const auto type = compression == Compression::none   ? oci::media_type::layer_tar
                    : compression == Compression::gzip ? oci::media_type::layer_gzip
                                                       : oci::media_type::layer_zstd;
  return {tar(files), tar(files, compression), std::string(type)};
}

inline oci::Descriptor descriptor(std::string_view type, std::string_view bytes) {
  return {.media_type = std::string(type), .digest = oci::Digest::of(bytes), .size = bytes.size()};
}

inline SampleImage image(std::vector<SampleLayer> layers,
                         const oci::Platform& platform = oci::Platform::of_host()) {
  std::vector<std::string> diff_ids;
  for (const auto& one : layers) diff_ids.push_back(concat("\"", oci::Digest::of(one.plain).str(), "\""));
  auto config =
      concat(R"({"architecture":")", platform.architecture, R"(","os":"linux","variant":")", platform.variant,
             R"(","config":{"Cmd":["sh"],"Env":["A=b"]},"rootfs":{"type":"layers","diff_ids":[)",
             join(diff_ids, ","), "]}}");
  oci::Manifest manifest{.media_type = std::string(oci::media_type::manifest),
                         .config = descriptor(oci::media_type::config, config)};
  for (const auto& one : layers) manifest.layers.push_back(descriptor(one.media_type, one.stored));
  auto json = oci::to_json(manifest);
  return {std::move(layers), std::move(config), std::move(manifest), std::move(json)};
}

// Every blob as a path inside an OCI layout.
inline TarFiles blob_files(const SampleImage& image) {
  const auto path = [](std::string_view bytes) {
    return concat("blobs/sha256/", oci::Digest::of(bytes).hex());
  };
  TarFiles files{{path(image.config), image.config}, {path(image.manifest_json), image.manifest_json}};
  for (const auto& one : image.layers) files.emplace_back(path(one.stored), one.stored);
  return files;
}

inline std::string index_json(const std::vector<std::pair<SampleImage, std::string>>& named,
                              bool with_platform = false) {
  oci::Index index{.media_type = std::string(oci::media_type::index)};
  for (const auto& [image, name] : named) {
    auto entry = descriptor(oci::media_type::manifest, image.manifest_json);
    if (!name.empty()) entry.annotations.emplace(oci::annotation_ref_name, name);
    if (with_platform) {
      const bool is_arm = image.config.find("arm64") != std::string::npos;
      entry.platform = oci::Platform{"linux", is_arm ? "arm64" : "amd64", ""};
    }
    index.manifests.push_back(std::move(entry));
  }
  return oci::to_json(index);
}

// The files of an OCI layout with these images.
inline TarFiles layout(const std::vector<std::pair<SampleImage, std::string>>& named,
                       bool with_platform = false) {
  TarFiles files{{"oci-layout", R"({"imageLayoutVersion":"1.0.0"})"},
                 {"index.json", index_json(named, with_platform)}};
  for (const auto& [image, name] : named) {
    for (auto& file : blob_files(image)) files.push_back(std::move(file));
  }
  return files;
}

inline void write_files(const std::filesystem::path& root, const TarFiles& files) {
  for (const auto& [name, content] : files) {
    std::filesystem::create_directories((root / name).parent_path());
    std::ofstream(root / name, std::ios::binary) << content;
  }
}

}  // namespace boxlite::image::sample
