// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/box_spec.hpp>

#include "backend/volumes.h"
#include "local/home/home.h"
#include "store/box_table.h"
#include "store/volume_table.h"

namespace boxlite::local {

// The volumes of a home: a row each, and volumes/<name>/data. The row comes first and goes last: a row
// without a directory is an empty volume. Changes hold volumes/.lock. Thread-safe.
class LocalVolumes final : public backend::Volumes {
 public:
  // The table of boxes outlives it.
  static Result<std::unique_ptr<LocalVolumes>> open(const Home& home, store::BoxTable& boxes);

  Result<VolumeInfo> create(std::string_view name) override;
  Result<VolumeInfo> get(std::string_view name) override;
  Result<std::vector<VolumeInfo>> list() override;
  Result<void> remove(std::string_view name) override;
  Result<std::vector<std::string>> prune(const VolumePruneOptions& options) override;

  // Gives every anonymous volume of the mounts a name.
  static void name_anonymous(std::vector<Mount>& mounts);
  // Makes those of the mounts that are not there.
  Result<void> require(const std::vector<Mount>& mounts);
  // Removes those that were made for a box that is gone, unless another one has come to use them.
  Result<void> drop_anonymous(const std::vector<Mount>& mounts);
  // What killed processes left.
  void remove_leftovers() const;

 private:
  LocalVolumes(std::filesystem::path directory, store::BoxTable& boxes, store::VolumeTable table);
  Result<void> make(const store::VolumeRecord& record);
  Result<void> erase(std::string_view name);
  Result<std::vector<std::string>> users_of(std::string_view name);
  Result<VolumeInfo> facts(const store::VolumeRecord& record);

  const std::filesystem::path directory_;
  store::BoxTable& boxes_;
  store::VolumeTable table_;
};

}  // namespace boxlite::local
