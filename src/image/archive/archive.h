// SPDX-License-Identifier: Apache-2.0
// Images from files: an OCI layout (directory or tar) or what `docker save` writes (tar), the tar plain or
// compressed with gzip or zstd. A tar is read once from front to back, so it may be a pipe; memory stays
// bounded; names inside the archive are only keys of a map, never paths that are opened.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "image/blob_store.h"
#include "image/catalog.h"
#include "image/progress.h"
#include "oci/platform.h"

namespace boxlite::image {

struct ArchiveOptions {
  // Which image of a multi-platform index: the host's when empty. An archive with only one image is taken as
  // it is when this is empty.
  std::optional<oci::Platform> platform = {};
  std::uint64_t max_bytes = 64ull << 30;  // of the unpacked archive
  std::uint64_t max_entries = 1'000'000;
  ProgressCallback progress = {};
  std::stop_token stop = {};
};

struct FoundImage {
  CatalogEntry entry;              // without a reference
  std::vector<std::string> names;  // as the archive gives them: full references, or bare tags, or nothing
};

// The blobs are in the store afterwards. Needs a Lease.
Result<std::vector<FoundImage>> read_layout_directory(const BlobStore& store,
                                                      const std::filesystem::path& directory,
                                                      const ArchiveOptions& options);
Result<std::vector<FoundImage>> read_archive(const BlobStore& store, int archive_fd,
                                             const ArchiveOptions& options);

}  // namespace boxlite::image
