// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <vector>

#include "base/result.h"
#include "image/blob_store.h"
#include "oci/manifest.h"

namespace boxlite::image {

// Every blob that the given manifests and indexes need, themselves included. A document that is missing or
// damaged contributes only itself: its other blobs could not be used through it.
Result<std::set<oci::Digest>> reachable(const BlobStore& store, const std::vector<oci::Descriptor>& roots);

}  // namespace boxlite::image
