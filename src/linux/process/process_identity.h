// SPDX-License-Identifier: Apache-2.0
// Processes named so that a recycled pid is never mistaken for the one that was meant.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

#include "base/result.h"
#include "linux/process/process_handle.h"

namespace boxlite::linux_ {

// What is written to a record so that another process can find this one again, or know that it is gone: a pid
// comes back after a while, a start time after a reboot, all three never.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
  std::string boot_id;

  bool operator==(const ProcessIdentity&) const = default;
};

// not_found when there is no such process.
Result<ProcessIdentity> identify_process(pid_t pid);
// Whether the process runs; a zombie does not.
bool is_running(const ProcessIdentity& identity);
// A handle of the very process that was recorded; not_found when it is gone.
Result<ProcessHandle> open_process(const ProcessIdentity& identity);

// The kernel's id of this boot of the host.
Result<std::string> boot_id();

}  // namespace boxlite::linux_
