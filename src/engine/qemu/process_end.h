// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/machine_end.h"
#include "linux/process/child_process.h"

namespace boxlite::engine::qemu {

// A process that was QEMU, or was to become it.
struct ProcessEnd {
  linux_::ChildEnd end = {};
  bool was_thawed = false;
  bool was_killed = false;      // by us
  std::string complaints = {};  // its last words, printable
};

// What the end of that process says of its machine.
MachineEnd machine_end(const ProcessEnd& process);

// The last lines of a log that is open for reading, printable; empty where it cannot be read.
std::string complaints_in(int error_log_fd);

}  // namespace boxlite::engine::qemu
