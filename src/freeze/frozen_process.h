// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "freeze/descriptor_table.h"
#include "linux/process/child_process.h"

namespace boxlite::freeze {

// What freeze() wrote, about to be thawed by a child that runs boxlite-thaw.
class FrozenProcess {
 public:
  // corrupted when the image is none.
  static Result<FrozenProcess> open(const std::filesystem::path& image, const std::filesystem::path& pages);
  // Whether the programs and libraries that it has mapped are still the ones there are.
  static Result<bool> has_its_files(const std::filesystem::path& image);

  // Opens in their place those that were given a name, by it and with the flags (O_*) of the first one.
  using Give = std::function<Result<UniqueFd>(const std::string& name, int flags)>;
  // Adds to what a child that runs boxlite-thaw is to find open: what that needs, and those of the process's
  // descriptors that are not there yet. Sockets that are there wait, or do not, as the process's did
  // (O_NONBLOCK). The result is to stay open until the child is spawned.
  Result<std::vector<UniqueFd>> add_descriptors(std::vector<linux_::FdMapping>& fds, const Give& give) const;

 private:
  FrozenProcess() = default;

  UniqueFd image_;
  UniqueFd pages_;
  std::vector<NamedDescriptor> descriptors_;
};

}  // namespace boxlite::freeze
