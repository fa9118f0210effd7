// SPDX-License-Identifier: Apache-2.0
// What an image's file system is made from: its layers, the limits they must keep, and how progress is told.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string_view>

#include "base/result.h"
#include "oci/digest.h"

namespace boxlite::disk {

struct LayerSource {
  std::filesystem::path blob;  // a tar, plain or compressed with gzip or zstd; told by its first bytes
  oci::Digest diff_id;         // of the uncompressed tar
};

// What hostile layers may cost. Going over a limit is resource_exhausted with the limit's name in the
// message.
struct LayerLimits {
  std::uint64_t uncompressed_bytes = std::uint64_t{20} << 30;  // all layers of an image together
  std::uint64_t entries = 5'000'000;
  std::uint64_t metadata_bytes = std::uint64_t{512} << 20;  // names, link targets, xattrs held in memory
  std::uint64_t compression_ratio = 2'000;                  // looked at beyond 1 GiB only

  // The defaults, with BOXLITE_MAX_LAYER_DECOMPRESSED_SIZE (bytes) for uncompressed_bytes.
  static Result<LayerLimits> from_environment();
};

enum class BuildStage { waiting, layers, metadata, sync };
std::string_view name(BuildStage stage);

struct BuildProgress {
  BuildStage stage;
  std::uint64_t done_bytes;  // compressed bytes of all layers read so far
  std::uint64_t total_bytes;
};
// Called on the thread that builds, some times a second at most.
using ProgressCallback = std::function<void(const BuildProgress&)>;

}  // namespace boxlite::disk
