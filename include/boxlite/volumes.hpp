// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boxlite/error.hpp>

namespace boxlite {

namespace backend {
class Runtime;
}

// A volume: a directory that BoxLite keeps in the home, apart from any box.
struct VolumeInfo {
  std::string name = {};
  std::string created_at = {};  // RFC 3339, UTC
  bool is_anonymous = false;    // made for a box that asked for "a volume"
  // Its files, as a box sees them but for owners, modes and special files, which are kept in extended
  // attributes ("user.virtfs.*").
  std::filesystem::path directory = {};
  std::vector<std::string> used_by = {};  // ids of the boxes that mount it, running or not
};

struct VolumePruneOptions {
  bool all = false;  // those with a name as well; else anonymous ones only
};

// The volumes of a home: a handle, cheap to copy. Thread-safe. Boxes name volumes in BoxSpec::mounts; one
// that does not exist yet is made when the box is created.
class BOXLITE_API Volumes {
 public:
  explicit Volumes(std::shared_ptr<backend::Runtime> backend);

  // [A-Za-z0-9][A-Za-z0-9_.-]{1,127}; empty: a name is made up. One that exists is a success.
  Result<VolumeInfo> create(std::string_view name = {});
  // not_found.
  Result<VolumeInfo> get(std::string_view name) const;
  // By name.
  Result<std::vector<VolumeInfo>> list() const;
  // With all that is in it. invalid_state while a box names it.
  Result<void> remove(std::string_view name);
  // Removes those that no box names; what was removed.
  Result<std::vector<std::string>> prune(const VolumePruneOptions& options = {});

 private:
  std::shared_ptr<backend::Runtime> backend_;
};

}  // namespace boxlite
