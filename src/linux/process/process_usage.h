// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include <sys/types.h>

#include "base/result.h"

namespace boxlite::linux_ {

// What a process of ours uses, all its threads together.
struct ProcessUsage {
  std::chrono::nanoseconds cpu{0};  // user and system, in ticks of 10 ms
  std::uint64_t rss_bytes = 0;
  std::uint64_t pss_bytes = 0;  // shared pages divided by the number of those who share them
};

// not_found when there is no such process; without the memory when the kernel does not show it to us.
Result<ProcessUsage> process_usage(pid_t pid);

}  // namespace boxlite::linux_
