// SPDX-License-Identifier: Apache-2.0
// Processes by descriptor: no signal or wait can hit a process that took over a number.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// How a child ended, and what it used.
struct ChildExit {
  int exit_code = 0;  // meaningful when signal is 0
  int signal = 0;
  std::uint64_t cpu_ns = 0;
  std::uint64_t peak_rss_bytes = 0;
};

// not_found when there is no such process.
Result<UniqueFd> open_pidfd(pid_t pid);
// not_found when the process has ended and was reaped.
Result<void> send_signal(int pidfd, int signal);
// Reaps a child that has ended; invalid_state while it runs. Never blocks.
Result<ChildExit> reap(int pidfd);

}  // namespace boxlite::linux_
