// SPDX-License-Identifier: Apache-2.0
#include "agent/container/tiny_init.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux/process/clone3.h"

namespace boxlite::agent {
namespace {

constexpr int base_of_signals = 128;
constexpr std::size_t stack_bytes = 64u << 10;

// In our memory until it executes the program. A job of its own, in the foreground of the terminal if there
// is one: ^C is for it, not for the init.
int run_program(void* argument) {
  auto& birth = *static_cast<Birth*>(argument);
  ::setpgid(0, 0);
  // All signals are blocked, so the terminal does not stop us for this.
  if (birth.fds.is_terminal) ::tcsetpgrp(STDIN_FILENO, static_cast<pid_t>(::syscall(SYS_getpid)));
  execute(birth);
  ::_exit(127);
}

// Ends with the program.
void reap_all(pid_t program) {
  int status = 0;
  for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (ended != program) continue;
    ::_exit(WIFSIGNALED(status) ? base_of_signals + WTERMSIG(status) : WEXITSTATUS(status));
  }
}

[[noreturn]] void attend(pid_t program, const sigset_t& all) {
  while (true) {
    const int signal = ::sigwaitinfo(&all, nullptr);
    if (signal == SIGCHLD) {
      reap_all(program);
    } else if (signal > 0) {
      ::kill(program, signal);
    }
  }
}

}  // namespace

void run_tiny_init(Birth& birth) {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  alignas(16) std::array<std::byte, stack_bytes> stack;
  const auto program = linux_::clone_sharing_memory(-1, stack, run_program, &birth);
  if (!program) {
    birth.failure.os_error = program.error().os_error();
    std::strcpy(birth.failure.call.data(), "clone3");
  }
  if (birth.failure.has_happened()) return;
  // Changing the user has reset it: it is still a copy of the agent.
  ::prctl(PR_SET_DUMPABLE, 0);
  // The streams are the program's: an end that we held would keep them open.
  const pid_t pid = program->pid;
  ::syscall(SYS_close_range, 0u, ~0u, 0u);
  attend(pid, all);
}

}  // namespace boxlite::agent
