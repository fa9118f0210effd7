// SPDX-License-Identifier: Apache-2.0
#include "image/reachable.h"

#include "oci/media_type.h"

namespace boxlite::image {

Result<std::set<oci::Digest>> reachable(const BlobStore& store, const std::vector<oci::Descriptor>& roots) {
  std::set<oci::Digest> seen;
  std::vector<oci::Descriptor> pending = roots;
  while (!pending.empty()) {
    const auto descriptor = std::move(pending.back());
    pending.pop_back();
    if (!seen.insert(descriptor.digest).second) continue;
    const bool is_document = oci::media_type::is_manifest(descriptor.media_type) ||
                             oci::media_type::is_index(descriptor.media_type);
    if (!is_document) continue;
    const auto bytes = store.read(descriptor.digest, oci::max_document_bytes);
    if (!bytes) {
      if (bytes.error().code() == ErrorCode::not_found || bytes.error().code() == ErrorCode::corrupted)
        continue;
      return fail(bytes.error());
    }
    const auto document = oci::parse_document(*bytes, {});
    if (!document) continue;
    if (const auto* index = std::get_if<oci::Index>(&*document)) {
      pending.insert(pending.end(), index->manifests.begin(), index->manifests.end());
    } else {
      const auto& manifest = std::get<oci::Manifest>(*document);
      seen.insert(manifest.config.digest);
      for (const auto& layer : manifest.layers) seen.insert(layer.digest);
    }
  }
  return seen;
}

}  // namespace boxlite::image
