// SPDX-License-Identifier: Apache-2.0
#include "image/intake.h"

#include <set>

#include "base/concat.h"
#include "oci/media_type.h"

namespace boxlite::image {
namespace {

Result<oci::ImageConfig> read_config(const BlobStore& store, const oci::Manifest& manifest) {
  const auto text = BOXLITE_TRY(store.read(manifest.config.digest, oci::max_document_bytes));
  auto config = BOXLITE_TRY(oci::parse_image_config(text));
  if (manifest.layers.empty()) {
    return fail(ErrorCode::unsupported, "the image has no layers, so there is no file system to run");
  }
  if (config.diff_ids.size() != manifest.layers.size()) {
    return fail(ErrorCode::corrupted, concat("the manifest lists ", manifest.layers.size(),
                                             " layers, its config ", config.diff_ids.size()));
  }
  return config;
}

}  // namespace

Result<Intake> prepare(std::string_view bytes, const oci::Manifest& manifest,
                       const oci::Digest& source_digest) {
  auto converted = BOXLITE_TRY(oci::as_oci(manifest));
  bool is_same = manifest.media_type == converted.media_type &&
                 manifest.config.media_type == converted.config.media_type;
  for (std::size_t i = 0; is_same && i < manifest.layers.size(); ++i) {
    is_same = manifest.layers[i].media_type == converted.layers[i].media_type;
  }
  auto stored = is_same ? std::string(bytes) : oci::to_json(converted);
  return Intake{std::move(stored), std::move(converted), source_digest};
}

Result<std::vector<oci::Descriptor>> wanted_blobs(const oci::Manifest& manifest, std::uint64_t max_bytes) {
  std::vector<oci::Descriptor> blobs;
  std::set<oci::Digest> seen;
  std::uint64_t total = 0;
  const auto add = [&](const oci::Descriptor& blob) {
    if (!seen.insert(blob.digest).second) return;
    total += blob.size;  // at most 1001 times 2^40
    blobs.push_back(blob);
  };
  if (manifest.config.size > oci::max_document_bytes) {
    return fail(ErrorCode::corrupted,
                concat("the image configuration of ", manifest.config.size, " bytes is too large"));
  }
  add(manifest.config);
  for (const auto& layer : manifest.layers) add(layer);
  if (total > max_bytes) {
    return fail(ErrorCode::resource_exhausted,
                concat("the image has ", total, " bytes, more than the limit of ", max_bytes));
  }
  return blobs;
}

Result<CatalogEntry> admit(const BlobStore& store, const Intake& intake, std::string reference) {
  const auto config = BOXLITE_TRY(read_config(store, intake.manifest));
  const auto digest = BOXLITE_TRY(store.put(intake.bytes));
  return CatalogEntry{.reference = std::move(reference),
                      .manifest = {.media_type = intake.manifest.media_type,
                                   .digest = digest,
                                   .size = intake.bytes.size(),
                                   .platform = config.platform},
                      .config_digest = intake.manifest.config.digest,
                      .source_digest = intake.source_digest,
                      .pulled_at = now()};
}

Result<Image> assemble(const BlobStore& store, const CatalogEntry& entry) {
  const auto text = BOXLITE_TRY(store.read(entry.manifest.digest, oci::max_document_bytes));
  const auto manifest = BOXLITE_TRY(oci::parse_manifest(text));
  auto config = BOXLITE_TRY(read_config(store, manifest));
  Image image{.reference = entry.reference,
              .manifest_digest = entry.manifest.digest,
              .config_digest = entry.config_digest,
              .source_digest = entry.source_digest,
              .platform = *entry.manifest.platform,
              .config = {},
              .layers = {},
              .size_bytes = text.size() + manifest.config.size,
              .pulled_at = entry.pulled_at};
  std::set<oci::Digest> seen;
  for (std::size_t i = 0; i < manifest.layers.size(); ++i) {
    const auto& layer = manifest.layers[i];
    const auto type = oci::media_type::readable_layer(layer.media_type);
    image.layers.push_back(
        {layer.digest, std::string(type.value_or(layer.media_type)), layer.size, config.diff_ids[i]});
    if (seen.insert(layer.digest).second) image.size_bytes += layer.size;
  }
  image.config = std::move(config);
  return image;
}

}  // namespace boxlite::image
