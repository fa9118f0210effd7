// SPDX-License-Identifier: Apache-2.0
// How much of the machine the commands may take, so that the agent can always answer and one command cannot
// take the others down. docs/explanation/agent.md, "Limits".
#pragma once

#include <cstdint>

#include "linux/process/cgroup.h"

namespace boxlite::agent {

struct Limits {
  std::uint64_t memory_bytes = 0;       // of all commands together; the rest is the agent's and the kernel's
  std::uint64_t processes = 0;          // of all commands together, threads included
  std::uint64_t command_processes = 0;  // of one command: what is left lets the others start something
};

// For a machine with this much memory.
Limits limits_for(std::uint64_t machine_memory_bytes);
std::uint64_t machine_memory_bytes();

// A kernel without a controller still runs boxes: what cannot be set is told to the console.
void limit_container(const linux_::Cgroup& container, const Limits& limits);
// One command: whatever is killed in it for want of memory takes all of it along.
void limit_command(const linux_::Cgroup& command, const Limits& limits);

}  // namespace boxlite::agent
