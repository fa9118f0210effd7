// SPDX-License-Identifier: Apache-2.0
// A cgroup of the unified hierarchy (cgroups(7), version 2), by the descriptor of its directory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

struct CgroupUsage {
  std::uint64_t cpu_ns = 0;
  std::uint64_t peak_memory_bytes = 0;  // 0 without the memory controller
  std::uint64_t oom_kills = 0;
};

// Owns the descriptor, not the cgroup: remove() is the caller's decision.
class Cgroup {
 public:
  static Result<Cgroup> open(const std::string& path);
  // Makes the child, which must not exist.
  Result<Cgroup> make_child(const std::string& name) const;
  // invalid_state while processes are left in it; a cgroup that is gone already is a success.
  Result<void> remove_child(const std::string& name) const;

  // For clone3.
  int fd() const { return directory_.get(); }
  // Gives the children these controllers, as far as the kernel has them: "memory", "pids"…
  Result<void> enable_controllers(std::initializer_list<std::string_view> names) const;
  // Ends every process in it and below. Returns before they are gone.
  Result<void> kill_all() const;
  // Every process directly in it that is visible in the caller's pid namespace.
  Result<std::vector<pid_t>> processes() const;
  // Whether any process is left in it or below.
  Result<bool> is_populated() const;
  CgroupUsage usage() const;

  Result<std::string> read(const std::string& file) const;
  Result<void> write(const std::string& file, std::string_view text) const;

 private:
  explicit Cgroup(UniqueFd directory) : directory_(std::move(directory)) {}
  UniqueFd directory_;
};

}  // namespace boxlite::linux_
