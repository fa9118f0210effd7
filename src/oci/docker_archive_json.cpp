// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "oci/docker_archive.h"
#include "oci/fields.h"
#include "oci/manifest.h"

namespace boxlite::oci {
namespace {

constexpr std::size_t max_images = 1000;

Result<DockerArchiveImage> read_image(const nlohmann::json& item) {
  if (!item.is_object()) return fields::wrong("manifest.json", "a list of objects");
  DockerArchiveImage image;
  image.config_path = BOXLITE_TRY(fields::text(item, "Config"));
  image.repo_tags = BOXLITE_TRY(fields::texts(item, "RepoTags", max_images));
  image.layer_paths = BOXLITE_TRY(fields::texts(item, "Layers", max_layers));
  if (image.config_path.empty()) return fields::wrong("Config", "a path");
  return image;
}

}  // namespace

Result<std::vector<DockerArchiveImage>> parse_docker_archive_manifest(std::string_view text) {
  const auto document = BOXLITE_TRY(fields::parse(text, "manifest.json", max_document_bytes));
  if (!document.is_array() || document.size() > max_images) {
    return fail(ErrorCode::corrupted, "parse manifest.json: not a list of images");
  }
  std::vector<DockerArchiveImage> images;
  for (const auto& item : document) {
    images.push_back(BOXLITE_TRY_CONTEXT("parse manifest.json", read_image(item)));
  }
  return images;
}

}  // namespace boxlite::oci
