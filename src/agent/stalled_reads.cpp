// SPDX-License-Identifier: Apache-2.0
#include "agent/stalled_reads.h"

#include <algorithm>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>

#include "agent/proc_text.h"
#include "agent/processes.h"
#include "base/files.h"

namespace boxlite::agent {
namespace {

constexpr std::chrono::milliseconds pause{1000};

bool waits_for_device(const std::filesystem::path& process) {
  const auto threads = entries_of(process / "task");
  return std::ranges::any_of(threads, [](const std::filesystem::path& thread) {
    const auto stat = parse_process_stat(read_proc(thread / "stat"));
    return stat && stat->state == 'D';
  });
}

// DONT_SYNC: other network file systems answer from memory, and cannot keep the agent; 9p asks all the same.
void ask_for_sizes(const std::filesystem::path& process) {
  for (const auto& file : entries_of(process / "fd")) {
    struct statx status = {};
    (void)::statx(AT_FDCWD, file.c_str(), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_SIZE, &status);
  }
}

}  // namespace

void StalledReads::look_later() {
  timer_ = loop_.after(pause, [this] {
    for (const auto& process : entries_of("/proc")) {
      const bool is_process = to_number(process.filename().native()) > 1;
      if (is_process && waits_for_device(process)) ask_for_sizes(process);
    }
    look_later();
  });
}

}  // namespace boxlite::agent
