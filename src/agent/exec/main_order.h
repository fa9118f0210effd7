// SPDX-License-Identifier: Apache-2.0
// What the agent tells the container's first process, so that it becomes the main command. Both are the same
// program, in the same machine: the bytes are theirs alone.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "agent/container/birth.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::agent {

// Sends the plan and copies of the descriptors; waits until the other end has taken them.
Result<void> send_main_order(int socket_fd, const LaunchPlan& plan, const StandardFds& fds, bool use_init);

class MainOrder {
 public:
  // Waits. Nothing when the other end has closed.
  static Result<MainOrder> receive(int socket_fd);

  bool use_init() const { return use_init_; }
  // Refers to the order, which outlives it.
  Birth birth();

 private:
  // What the text begins with.
  struct Head {
    std::size_t bytes;  // of all, this included
    std::size_t candidates;
    std::size_t args;
    std::size_t env;
    std::size_t groups;
    std::size_t limits;
    linux_::CapabilitySet capabilities;
    std::uint32_t uid;
    std::uint32_t gid;
    bool is_terminal;
    bool use_init;
  };
  friend Result<void> send_main_order(int, const LaunchPlan&, const StandardFds&, bool);

  void read(const std::vector<char>& bytes);

  bool use_init_ = false;
  bool is_terminal_ = false;
  std::array<UniqueFd, 3> fds_;
  LaunchPlan plan_;
  std::vector<std::pair<int, rlimit>> limits_;
  std::vector<char*> candidates_;
  std::vector<char*> args_;
  std::vector<char*> env_;
};

}  // namespace boxlite::agent
