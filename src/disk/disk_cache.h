// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "disk/image_disk.h"
#include "oci/digest.h"

namespace boxlite::disk {

struct CachedDisk {
  oci::Digest chain_id;
  unsigned writer_version = disk_writer_version;
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;
  Timestamp last_used;
};

// The version of the writer in a disk's name without ".ext4": "<chain-id-hex>.2", or of the first without it.
unsigned writer_version_of(std::string_view name);

inline constexpr std::string_view disk_suffix = ".ext4";

// The image disks of a home, one per chain id: `<directory>/<chain-id-hex>.<writer version>.ext4`. Any number
// of processes and threads use one directory at once; a disk that is there is complete and never changes.
// Holds no state but the path, so every const method may be called from any thread.
class DiskCache {
 public:
  // Creates the directory when it is missing.
  static Result<DiskCache> open(std::filesystem::path directory);

  // The disk, or nothing. Marks it as used now.
  Result<std::optional<CachedDisk>> lookup(const oci::Digest& chain_id) const;
  // The disk, built when it is missing. Who comes second waits for the first (stage `waiting`) and shares its
  // result. A full disk is resource_exhausted and leaves nothing behind.
  Result<CachedDisk> build(std::span<const LayerSource> layers, const ImageDiskOptions& options) const;
  // Those of older writers as well: boxes may stand on them.
  Result<std::vector<CachedDisk>> list() const;
  // Whether it was there. The caller knows that no box's disk stands on it.
  Result<bool> remove(const CachedDisk& disk) const;
  // Deletes what killed builders left behind; what is being built is spared.
  Result<void> sweep() const;

 private:
  explicit DiskCache(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<CachedDisk> build_locked(std::span<const LayerSource> layers, const ImageDiskOptions& options,
                                  const oci::Digest& chain_id) const;

  std::filesystem::path path_of(const oci::Digest& chain_id, std::string_view suffix) const;

  std::filesystem::path directory_;
};

}  // namespace boxlite::disk
