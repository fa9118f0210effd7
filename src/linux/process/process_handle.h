// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

// A descriptor that refers to one process for ever, child or not, and becomes readable when it ends.
// Immutable.
class ProcessHandle {
 public:
  // not_found when there is no such process. The caller must know that the number still is the process it
  // means.
  static Result<ProcessHandle> open(pid_t pid);
  explicit ProcessHandle(UniqueFd pidfd) : pidfd_(std::move(pidfd)) {}

  int fd() const { return pidfd_.get(); }
  // A process that has ended already is a success: nothing is left to signal.
  Result<void> send_signal(int signal) const;
  bool has_ended() const;
  // timed_out when it still runs at the deadline. Does not reap.
  Result<void> wait(Deadline deadline) const;

 private:
  UniqueFd pidfd_;
};

}  // namespace boxlite::linux_
