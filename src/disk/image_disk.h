// SPDX-License-Identifier: Apache-2.0
// OCI layers → one bootable ext4 disk image, without root and without unpacking anything onto the host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>

#include "base/result.h"
#include "disk/layer.h"

namespace boxlite::disk {

// Counts up when the same layers become other bytes. Disks of an older writer are not used for new boxes: the
// first lost inodes (docs/explanation/disks.md).
inline constexpr unsigned disk_writer_version = 2;

inline constexpr std::uint64_t default_disk_bytes = std::uint64_t{10} << 30;
inline constexpr std::uint64_t min_disk_bytes = std::uint64_t{64} << 20;
inline constexpr std::uint64_t max_disk_bytes = std::uint64_t{16} << 40;

struct ImageDiskOptions {
  std::uint64_t size_bytes = default_disk_bytes;  // of the disk as the guest sees it; the file is sparse
  LayerLimits limits;
  ProgressCallback progress;
  std::stop_token stop;  // ends the build with `cancelled`
};

struct ImageDisk {
  std::uint64_t size_bytes = 0;
  std::uint64_t allocated_bytes = 0;  // on the host
  std::uint64_t files = 0;
};

// Writes `path`, which must not exist, from `layers` (lowest first). The same layers and size give the same
// bytes: the file system's UUID is made from the chain id. When it fails nothing stays at `path`. Not synced
// to disk: DiskCache does that.
Result<ImageDisk> build_image_disk(std::span<const LayerSource> layers, const std::filesystem::path& path,
                                   const ImageDiskOptions& options);

}  // namespace boxlite::disk
