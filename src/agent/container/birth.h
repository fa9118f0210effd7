// SPDX-License-Identifier: Apache-2.0
// How a process of ours becomes a command: steps that only make system calls and write to the Birth, so that
// a child that shares its parent's memory (as after vfork) may take them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <sys/resource.h>

#include "agent/exec/launch_plan.h"
#include "linux/process/capabilities.h"

namespace boxlite::agent {

// The descriptors 0, 1 and 2 of the command (borrowed).
struct StandardFds {
  int in;
  int out;
  int err;
  bool is_terminal;  // all three are one terminal, which becomes the controlling one
};

// Which step failed. Plain bytes: it may come through a socket.
struct BirthFailure {
  std::array<char, 24> call{};  // empty: none
  int os_error = 0;
  // After "execve": the candidate it is about, and whether that file exists.
  std::size_t candidate = 0;
  bool candidate_exists = false;

  bool has_happened() const { return call[0] != '\0'; }
};

// Everything that is borrowed outlives the birth.
struct Birth {
  StandardFds fds;
  std::uint32_t uid;
  std::uint32_t gid;
  linux_::CapabilitySet capabilities;
  const std::uint32_t* groups;
  std::size_t group_count;
  const std::pair<int, rlimit>* limits;
  std::size_t limit_count;
  const char* const* candidates;
  std::size_t candidate_count;
  char* const* args;  // ended by a null pointer, as env
  char* const* env;
  char* working_dir;  // writable: taken apart while missing directories are made

  BirthFailure failure = {};
};

// Streams, directory, limits, user and rights: all but the program. False: failure says why.
bool become_command(Birth& birth);
// Every signal as a new process has it; then the first candidate that can be executed, as execvp does.
// Returns only when no program runs; failure says why.
void execute(Birth& birth);

// The pointers of a plan's texts, which outlive it.
std::vector<char*> c_strings(const std::vector<std::string>& texts);

}  // namespace boxlite::agent
