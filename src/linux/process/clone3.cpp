// SPDX-License-Identifier: Apache-2.0
#include "linux/process/clone3.h"

#include <cerrno>
#include <csignal>

#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::linux_ {
namespace {

clone_args make_arguments(std::uint64_t flags, int cgroup_fd, int* pidfd) {
  clone_args arguments{};
  arguments.flags = flags;
  arguments.flags |= CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<__u64>(pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup_fd >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<unsigned>(cgroup_fd);
  }
  return arguments;
}

// glibc has no public wrapper, and the child of a plain syscall() would return on a stack that has no frames.
// Returns the child's pid, or the negated errno.
long clone3_on_stack(clone_args* arguments, int (*entry)(void*), void* argument) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  register auto function asm("r8") = entry;
  register auto parameter asm("r9") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "mov %%eax, %%edi\n\t"
      "mov %[exit], %%eax\n\t"
      "syscall\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(arguments), "S"(sizeof *arguments), "r"(function), "r"(parameter), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long result asm("x0") = reinterpret_cast<long>(arguments);
  register auto size asm("x1") = sizeof *arguments;
  register auto number asm("x8") = static_cast<long>(SYS_clone3);
  register auto function asm("x9") = entry;
  register auto parameter asm("x10") = argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, x10\n\t"
      "blr x9\n\t"
      "mov x8, %[exit]\n\t"
      "svc #0\n"
      "1:"
      : "+r"(result)
      : "r"(size), "r"(number), "r"(function), "r"(parameter), [exit] "i"(SYS_exit)
      : "memory");
  return result;
#else
#error "clone3_on_stack: write it for this processor"
#endif
}

}  // namespace

Result<ClonedChild> clone_copy(std::uint64_t flags, int cgroup_fd) {
  int pidfd = -1;
  auto arguments = make_arguments(flags, cgroup_fd, &pidfd);
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) return fail(syscall_error("clone3", "", errno));
  return ClonedChild{static_cast<pid_t>(pid), UniqueFd(pid == 0 ? -1 : pidfd)};
}

Result<ClonedChild> clone_sharing_memory(int cgroup_fd, std::span<std::byte> stack, int (*entry)(void*),
                                         void* argument) {
  int pidfd = -1;
  auto arguments = make_arguments(CLONE_VM | CLONE_VFORK, cgroup_fd, &pidfd);
  arguments.stack = reinterpret_cast<__u64>(stack.data());
  arguments.stack_size = stack.size() & ~std::size_t{15};
  const long pid = clone3_on_stack(&arguments, entry, argument);
  if (pid < 0) return fail(syscall_error("clone3", "", static_cast<int>(-pid)));
  return ClonedChild{static_cast<pid_t>(pid), UniqueFd(pidfd)};
}

}  // namespace boxlite::linux_
