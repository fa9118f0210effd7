// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "box/surroundings.h"
#include "disk/disk_cache.h"
#include "image/image_store.h"
#include "local/home/home.h"

namespace boxlite::local {

// Where the layers of a stored image are.
std::vector<disk::LayerSource> layer_sources(const image::Image& image, const image::ImageStore& images);

// The image disks of a home. Disks below the default size stand on bases of their own, one cache per size.
// Thread-safe.
class DiskShelf {
 public:
  DiskShelf(Home home, const image::ImageStore& images) : home_(std::move(home)), images_(images) {}

  // A base for disks of this size with the files of `image`, made when it is not there. Until the result's
  // `hold` goes, no process prunes.
  Result<box::BaseDisk> require(const image::Image& image, std::uint64_t disk_size_gib,
                                const box::Call& call);

  // Where the base of that key (BaseDisk) is.
  std::filesystem::path path_of(std::string_view key) const;

  struct Pruned {
    std::vector<std::string> removed;  // file names
    std::uint64_t freed_bytes = 0;
  };
  // Removes the disks whose key or, of this version's writer, chain id is in neither set, which `needed`
  // gives once no start is under way; nothing when one is.
  struct Needed {
    std::set<std::string> keys;
    std::set<oci::Digest> chain_ids;
  };
  Result<Pruned> prune(const std::function<Result<Needed>()>& needed, bool dry_run);

  struct Shelved {
    std::string key;
    oci::Digest chain_id;
    bool is_current = true;   // else of an older writer, and new boxes do not use it
    std::uint64_t bytes = 0;  // that it occupies
  };
  Result<std::vector<Shelved>> list() const;

 private:
  std::filesystem::path directory(std::uint64_t size_gib) const;
  Result<void> prune_directory(const std::filesystem::path& directory, const Needed& needed, bool dry_run,
                               Pruned& out);

  const Home home_;
  const image::ImageStore& images_;
};

}  // namespace boxlite::local
