// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "freeze/process_image.h"

namespace boxlite::freeze {

// All threads of another process of ours, stopped and looked at (ptrace(2)). Going out of scope lets them go
// on, unless it was killed. One thread, the one that made it.
class TracedProcess {
 public:
  // permission_denied where the host forbids tracing. unavailable when a thread was not waiting in the
  // kernel: at another moment it may be.
  static Result<TracedProcess> stop(pid_t pid);
  TracedProcess(TracedProcess&& other) noexcept : pid_(other.pid_), threads_(std::move(other.threads_)) {}
  TracedProcess& operator=(TracedProcess&&) = delete;
  ~TracedProcess();

  // The first thread first. Each is about to make the system call again that it was waiting in, or
  // has been interrupted in it. unsupported
  // when the C library keeps its threads in a way we do not know.
  Result<std::vector<Thread>> threads() const;
  // Its signal actions and its timer slack. Asks the process itself, since only the kernel knows them: it
  // cannot go on afterwards.
  Result<void> read_attributes(ImageHeader& header) const;
  // Ends it; its parent has yet to reap it.
  void kill();
  // Its memory, as it sees it.
  Result<void> read(std::uint64_t address, void* into, std::size_t bytes) const;

 private:
  explicit TracedProcess(pid_t pid) : pid_(pid) {}
  Result<bool> stop_new_threads();
  Result<bool> stop_thread(pid_t thread);
  Result<Thread> describe(pid_t thread) const;
  // Has the first thread make a system call.
  Result<std::uint64_t> call(std::uint64_t number, const std::uint64_t (&arguments)[4]) const;
  Result<Registers> registers_of(pid_t thread) const;

  pid_t pid_;
  std::vector<pid_t> threads_;
};

}  // namespace boxlite::freeze
