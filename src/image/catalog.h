// SPDX-License-Identifier: Apache-2.0
// index.json of the image store: the single truth about which images exist and what they are called. Other
// OCI tools read it; the extra facts are annotations that they ignore. Changes are read-modify-write under
// flock on <root>/lock; readers need no lock because the file is replaced as a whole.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "oci/manifest.h"

namespace boxlite::image {

struct CatalogEntry {
  std::string reference;     // may be empty
  oci::Descriptor manifest;  // always with a platform
  oci::Digest config_digest;
  oci::Digest source_digest;
  Timestamp pulled_at = {};
};

// Thread-safe: holds a path only.
class Catalog {
 public:
  explicit Catalog(std::filesystem::path root) : root_(std::move(root)) {}

  // No file is an empty catalog; entries of other tools that we cannot use are left out here and kept in the
  // file.
  Result<std::vector<CatalogEntry>> read() const;

  // Names the entry. An older entry with the same name and platform loses the name but stays, as its blobs
  // may be in use.
  Result<void> add(const CatalogEntry& entry) const;

  // Drops what `is_gone` names and returns it.
  Result<std::vector<CatalogEntry>> remove(const std::function<bool(const CatalogEntry&)>& is_gone) const;

  // Every manifest in the file, also those that read() leaves out: what a sweep must keep.
  Result<std::vector<oci::Descriptor>> read_roots() const;

 private:
  Result<oci::Index> load() const;
  Result<void> change(const std::function<void(oci::Index&)>& edit) const;
  std::filesystem::path root_;
};

}  // namespace boxlite::image
