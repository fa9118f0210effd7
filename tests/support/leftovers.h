// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace boxlite::test {

struct Leftover {
  pid_t pid = -1;
  std::string command;
};

// Processes, other than this one, that have to do with `home`: they name it in their arguments or
// environment, work in it, or have one of its files open. Shims and QEMU do at least one of these.
std::vector<Leftover> processes_of(const std::filesystem::path& home);

// Waits until there are none; gives those that are left after `limit`.
std::vector<Leftover> wait_until_gone(const std::filesystem::path& home, std::chrono::milliseconds limit);

// SIGKILL to all of them.
void kill_processes_of(const std::filesystem::path& home);

}  // namespace boxlite::test
