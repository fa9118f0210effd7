// SPDX-License-Identifier: Apache-2.0
#include "agent/container/container_visit.h"

#include <array>
#include <cerrno>
#include <cstddef>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/process/clone3.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t stack_bytes = 16u << 10;

struct Visit {
  int mount_namespace;
  int (*work)(void*);
  void* argument;
  int os_error = 0;
};

int run_visit(void* argument) {
  auto& visit = *static_cast<Visit*>(argument);
  visit.os_error = ::setns(visit.mount_namespace, CLONE_NEWNS) != 0 ? errno : visit.work(visit.argument);
  ::_exit(0);
}

}  // namespace

Result<int> visit_mounts(int mount_namespace, int (*work)(void*), void* argument) {
  Visit visit{mount_namespace, work, argument};
  alignas(16) std::array<std::byte, stack_bytes> stack;
  const auto child = BOXLITE_TRY(linux_::clone_sharing_memory(-1, stack, run_visit, &visit));
  siginfo_t end = {};
  while (::waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &end, WEXITED) != 0 && errno == EINTR) {
  }
  return visit.os_error;
}

}  // namespace boxlite::agent
