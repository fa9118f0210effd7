// SPDX-License-Identifier: Apache-2.0
// What /proc/<pid>/smaps and /proc/<pid>/pagemap say of a process's memory (proc(5)).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/result.h"

namespace boxlite::freeze {

inline constexpr std::uint64_t page_bytes = 4096;

struct Area {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  int protection = 0;  // PROT_*
  bool is_shared = false;
  bool wants_huge_pages = false;
  bool is_left_out_of_cores = false;
  bool is_left_out_of_forks = false;
  bool is_forgetful = false;  // zeros in a child, or whenever the kernel wants it
  bool is_locked = false;     // in memory, or in another way that cannot be made again
  std::uint64_t offset = 0;   // in the file
  std::uint64_t inode = 0;    // 0: no file
  std::string name = {};      // a path, or "[heap]" and the like

  bool operator==(const Area&) const = default;
};

// Of smaps; invalid_argument names the line.
Result<std::vector<Area>> parse_areas(std::string_view smaps);
Result<std::vector<Area>> areas_of(pid_t pid);

// Calls back with each run of the area's pages that belong to this process alone: written to, or there
// without a file.
Result<void> for_each_own_run(
    pid_t pid, const Area& area,
    const std::function<Result<void>(std::uint64_t start, std::uint64_t end)>& visit);

}  // namespace boxlite::freeze
