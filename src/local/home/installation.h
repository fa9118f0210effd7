// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"

namespace boxlite::local {

// Finds the files that BoxLite brings along: boxlite-shim and what the guest is made of. They are looked for
// anew each time, since they may be built or installed while we run. Immutable.
class Installation {
 public:
  // `runtime_dir` if not empty, then only there. Else in $BOXLITE_RUNTIME_DIR, then beside this library or
  // program.
  static Installation find(const std::filesystem::path& runtime_dir);
  explicit Installation(std::vector<std::filesystem::path> prefixes) : prefixes_(std::move(prefixes)) {}

  // not_found names the file, the places and the remedy.
  Result<std::filesystem::path> shim() const;
  Result<std::filesystem::path> thaw() const;
  Result<std::filesystem::path> fileserver() const;
  Result<std::filesystem::path> kernel() const;
  Result<std::filesystem::path> initramfs() const;
  Result<std::filesystem::path> base_image() const;

 private:
  Result<std::filesystem::path> locate(const char* name) const;
  std::vector<std::filesystem::path> prefixes_;  // as /usr or /opt/boxlite
};

}  // namespace boxlite::local
