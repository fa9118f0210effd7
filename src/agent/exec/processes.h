// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sys/types.h>

#include "agent/container/container.h"
#include "wire/messages.h"

namespace boxlite::agent {

// The container's processes, seen from PID 1, which sees all. Bounded in number and in bytes, so that also a
// fork bomb is answered within one frame.
wire::msg::ProcessesResponse container_processes(const Container& container,
                                                 const wire::msg::ProcessesRequest& request);

// The parts, for their tests.

// What /proc/<pid>/stat says; `command` gets "[name]". Nothing when it is no such file.
struct ProcessStat {
  pid_t parent = 0;
  char state = '?';
  std::uint32_t threads = 0;
  std::uint64_t cpu_ticks = 0;
  std::uint64_t start_ticks = 0;
  std::uint64_t resident_pages = 0;
  std::string name = {};
};
std::optional<ProcessStat> parse_process_stat(std::string_view text);

// From /proc/<pid>/status: the pid in the container, and the user. Nothing for a process that is not in it.
struct ProcessPlace {
  std::uint32_t pid = 0;
  std::uint32_t uid = 0;
};
std::optional<ProcessPlace> parse_process_status(std::string_view text);

// Names by uid; the first entry of a uid counts, as everywhere.
std::unordered_map<std::uint32_t, std::string> user_names(std::string_view passwd);

}  // namespace boxlite::agent
