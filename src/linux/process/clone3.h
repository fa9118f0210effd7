// SPDX-License-Identifier: Apache-2.0
// clone3(2): a child that is born in a given cgroup and namespaces. Moving it there later would cost a grace
// period of the kernel. The caller has one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/types.h>

#include "base/result.h"
#include "base/unique_fd.h"

namespace boxlite::linux_ {

struct ClonedChild {
  pid_t pid = 0;  // 0 in the child
  UniqueFd pidfd;
};

// Like fork(2). `cgroup_fd` is borrowed; -1: the caller's cgroup.
Result<ClonedChild> clone_copy(std::uint64_t flags, int cgroup_fd);

// Like vfork(2), but on a stack of its own: the child runs `entry(argument)` in the caller's memory, the
// caller waits until it has executed a program or exited. `entry` may make system calls and write memory,
// nothing more.
Result<ClonedChild> clone_sharing_memory(int cgroup_fd, std::span<std::byte> stack, int (*entry)(void*),
                                         void* argument);

}  // namespace boxlite::linux_
