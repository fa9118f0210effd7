// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "jail/file_confinement.h"
#include "jail/open_broker.h"
#include "linux/process/child_process.h"

namespace boxlite::engine::qemu {

// What a program that is spawned may do.
struct Confinement {
  jail::Intercepted intercepted = jail::Intercepted::programs;
  jail::FileAccess files = {};
};

// A program, and what it is given.
struct Prepared {
  linux_::ChildSpec child;
  std::vector<UniqueFd> held = {};  // descriptors that the spec names
};

// A thread that gives up rights and starts a program, which has fewer still; other threads keep theirs. It
// stays until this object goes, because the program dies with the thread that started it, and answers what
// the program asks meanwhile.
class SpawnThread {
 public:
  // Called by the thread once it has its view of the file system: what the program gets is opened there,
  // since every descriptor of a file leads to where it was opened.
  using Prepare = std::function<Result<Prepared>()>;
  struct Started {
    linux_::ChildProcess child;
    // None where nobody can intercept, which only a program goes without whose openings need not be served.
    std::optional<jail::OpenBroker> broker;
  };
  // The program's openings, where they are intercepted, wait until serve().
  static Result<std::pair<SpawnThread, Started>> spawn(const Prepare& prepare,
                                                       const Confinement& confinement);
  SpawnThread(SpawnThread&&) noexcept = default;
  SpawnThread& operator=(SpawnThread&&) noexcept = default;
  ~SpawnThread();

  // The thread decides about them from now on. Once.
  void serve(jail::OpenBroker broker);

 private:
  SpawnThread() = default;
  std::optional<std::promise<std::optional<jail::OpenBroker>>> broker_;  // until the thread has its answer
  UniqueFd until_;                                                       // closed: it is to end
  std::thread thread_;
};

}  // namespace boxlite::engine::qemu
