// SPDX-License-Identifier: Apache-2.0
// An image's files as a directory of the host: `export` and `rootfs_path` use it, boxes do not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>

#include "base/result.h"
#include "disk/layer.h"

namespace boxlite::disk {

enum class Ownership {
  automatic,  // exact for root, override_xattr for everybody else
  exact,      // real owners, modes, devices: needs root
  // The caller owns everything and can read it; what the image says is kept in
  // `user.containers.override_stat`
  // ("uid:gid:mode", with the type behind it for devices, which become empty files), as podman does.
  override_xattr,
};

struct ExportOptions {
  Ownership ownership = Ownership::automatic;
  LayerLimits limits;
  ProgressCallback progress;
  std::stop_token stop;
};

struct ExportedRootfs {
  std::uint64_t files = 0;
  std::uint64_t lost_xattrs = 0;  // the host's file system or our rights do not allow to store them
};

// Fills `directory`, which must be missing or empty, with what `layers` (lowest first) add up to. Nothing
// outside of it is touched, whatever the layers hold. When it fails the directory is left as it was found.
Result<ExportedRootfs> export_rootfs(std::span<const LayerSource> layers,
                                     const std::filesystem::path& directory, const ExportOptions& options);

}  // namespace boxlite::disk
