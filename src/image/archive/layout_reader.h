// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.h"
#include "image/archive/archive.h"
#include "image/intake.h"
#include "oci/manifest.h"

namespace boxlite::image {

// Where the blobs of a layout come from.
class BlobSource {
 public:
  virtual ~BlobSource() = default;
  // Afterwards the verified blob is in the store; not_found when the source lacks it.
  virtual Result<void> bring(const oci::Digest& digest, std::uint64_t size) = 0;
};

// The images of an OCI layout whose index.json is `index`, one per name in it.
Result<std::vector<FoundImage>> read_layout(const BlobStore& store, BlobSource& source,
                                            const oci::Index& index, const ArchiveOptions& options);

}  // namespace boxlite::image
