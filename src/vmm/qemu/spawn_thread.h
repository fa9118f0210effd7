// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <future>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "linux/child_process.h"

namespace boxlite::vmm::qemu {

// A thread that has given up rights before it started a program, which inherits the loss; other threads keep
// theirs. It waits until this object goes, because the program dies with the thread that started it.
class SpawnThread {
 public:
  struct Started {
    linux_::ChildProcess child;
    UniqueFd openings;  // for linux_::OpenBroker
  };
  // The program changes files only below `writable`, and its openings for reading and writing wait to be
  // served.
  static Result<std::pair<SpawnThread, Started>> spawn(const linux_::ChildSpec& spec,
                                                       const std::vector<std::filesystem::path>& writable);
  SpawnThread(SpawnThread&&) noexcept = default;
  SpawnThread& operator=(SpawnThread&&) noexcept = default;
  ~SpawnThread();

 private:
  SpawnThread() = default;
  std::promise<void> end_;
  std::thread thread_;
};

}  // namespace boxlite::vmm::qemu
