// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boxlite/volumes.hpp>

namespace boxlite::backend {

// What a boxlite::Volumes does; see there.
class Volumes {
 public:
  virtual ~Volumes() = default;
  virtual Result<VolumeInfo> create(std::string_view name) = 0;
  virtual Result<VolumeInfo> get(std::string_view name) = 0;
  virtual Result<std::vector<VolumeInfo>> list() = 0;
  virtual Result<void> remove(std::string_view name) = 0;
  virtual Result<std::vector<std::string>> prune(const VolumePruneOptions& options) = 0;
};

}  // namespace boxlite::backend
