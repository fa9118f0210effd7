// SPDX-License-Identifier: Apache-2.0
// build_disk DIRECTORY (BLOB DIFF_ID)...: what `boxlite load` does with an image's layers, and nothing else.
// With BUILD_DISK_SYNC=0 the disk is not synced, as umoci and mke2fs do not sync theirs.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "disk/disk_cache.h"

int main(int count, char** arguments) {
  using namespace boxlite;
  std::vector<disk::LayerSource> layers;
  for (int i = 2; i + 1 < count; i += 2) {
    const auto diff_id = oci::Digest::parse(arguments[i + 1]);
    if (diff_id) layers.push_back({arguments[i], *diff_id});
  }
  if (layers.empty()) {
    std::fprintf(stderr, "usage: build_disk DIRECTORY (BLOB DIFF_ID)...\n");
    return 2;
  }
  const char* sync = std::getenv("BUILD_DISK_SYNC");
  const std::filesystem::path directory = arguments[1];
  Result<void> outcome;
  if (sync != nullptr && std::strcmp(sync, "0") == 0) {
    const auto built = disk::build_image_disk(layers, directory / "disk.ext4", {});
    if (!built) outcome = fail(built.error());
  } else {
    const auto cache = disk::DiskCache::open(directory);
    const auto built = cache ? cache->build(layers, {}) : Result<disk::CachedDisk>(fail(cache.error()));
    if (!built) outcome = fail(built.error());
  }
  if (outcome) return 0;
  std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
  return 1;
}
