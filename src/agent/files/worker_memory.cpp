// SPDX-License-Identifier: Apache-2.0
#include "agent/files/worker_memory.h"

#include <cerrno>
#include <new>

#include <sys/eventfd.h>
#include <sys/mman.h>

namespace boxlite::agent {

void WorkerChannel::Unmap::operator()(WorkerMemory* memory) const {
  ::munmap(memory, sizeof *memory);
}

Result<WorkerChannel> WorkerChannel::create() {
  UniqueFd to_agent(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  UniqueFd to_worker(::eventfd(0, EFD_CLOEXEC));
  if (!to_agent.is_open() || !to_worker.is_open()) return fail(syscall_error("eventfd", "", errno));
  void* const place =
      ::mmap(nullptr, sizeof(WorkerMemory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return fail(syscall_error("mmap", "", errno));
  // Fresh pages are zero already; initialising the arrays would touch them all.
  auto* const memory = new (place) WorkerMemory;
  return WorkerChannel(std::unique_ptr<WorkerMemory, Unmap>(memory), std::move(to_agent),
                       std::move(to_worker));
}

}  // namespace boxlite::agent
