// SPDX-License-Identifier: Apache-2.0
#include "agent/container/limits.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <sys/sysinfo.h>

#include "agent/machine/console.h"

namespace boxlite::agent {
namespace {

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

void set(const linux_::Cgroup& cgroup, const char* file, std::uint64_t value) {
  if (const auto done = cgroup.write(file, std::to_string(value)); !done) log_line(done.error().message());
}

}  // namespace

Limits limits_for(std::uint64_t machine_memory_bytes) {
  const auto reserve = std::clamp(machine_memory_bytes / 16, 6 * mib, 64 * mib);
  Limits limits;
  limits.memory_bytes = std::max(machine_memory_bytes, 2 * reserve) - reserve;
  // A process costs some 100 KiB at least, so that many fill the memory before they fill this.
  limits.processes = std::clamp(machine_memory_bytes / mib * 8, std::uint64_t{512}, std::uint64_t{32768});
  limits.command_processes = limits.processes / 8 * 7;
  return limits;
}

std::uint64_t machine_memory_bytes() {
  struct sysinfo facts = {};
  if (::sysinfo(&facts) != 0) return 0;
  return std::uint64_t{facts.totalram} * facts.mem_unit;
}

void limit_container(const linux_::Cgroup& container, const Limits& limits) {
  set(container, "memory.max", limits.memory_bytes);
  set(container, "pids.max", limits.processes);
}

void limit_command(const linux_::Cgroup& command, const Limits& limits) {
  set(command, "memory.oom.group", 1);
  set(command, "pids.max", limits.command_processes);
}

}  // namespace boxlite::agent
