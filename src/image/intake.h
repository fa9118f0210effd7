// SPDX-License-Identifier: Apache-2.0
// What every way into the store has in common: a manifest is brought into the form that the layout needs, its
// blobs are brought in by the source, then the whole is checked and becomes a catalog entry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/blob_store.h"
#include "image/catalog.h"
#include "image/image.h"
#include "oci/manifest.h"

namespace boxlite::image {

struct Intake {
  std::string bytes;  // of the manifest as it will be stored
  oci::Manifest manifest;
  oci::Digest source_digest;  // of the manifest as it came, or of the index that led to it
};

// An OCI manifest keeps its bytes and so its digest; a Docker one is rewritten with OCI media types.
Result<Intake> prepare(std::string_view manifest_bytes, const oci::Manifest& manifest,
                       const oci::Digest& source_digest);

// Config and layers, each digest once, and their sizes within `max_bytes` together.
Result<std::vector<oci::Descriptor>> wanted_blobs(const oci::Manifest& manifest, std::uint64_t max_bytes);

// After all wanted blobs are stored: checks that config and layers belong together, stores the manifest. Not
// in the catalog yet; `reference` may be empty.
Result<CatalogEntry> admit(const BlobStore& store, const Intake& intake, std::string reference);

// The stored image behind an entry; corrupted with a remedy when parts are missing.
Result<Image> assemble(const BlobStore& store, const CatalogEntry& entry);

}  // namespace boxlite::image
