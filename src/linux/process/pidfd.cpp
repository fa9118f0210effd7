// SPDX-License-Identifier: Apache-2.0
#include "linux/process/pidfd.h"

#include <cerrno>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::linux_ {
namespace {

std::uint64_t to_ns(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000u;
}

}  // namespace

Result<UniqueFd> open_pidfd(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd.is_open()) return pidfd;
  if (errno == ESRCH) return fail(ErrorCode::not_found, concat("no process ", pid));
  return fail(syscall_error("pidfd_open", concat(pid), errno));
}

Result<void> send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return {};
  if (errno == ESRCH) {
    return fail(ErrorCode::not_found, concat("send signal ", signal, ": the process has ended"));
  }
  return fail(syscall_error("pidfd_send_signal", concat(signal), errno));
}

Result<ChildExit> reap(int pidfd) {
  siginfo_t what{};
  rusage usage{};
  // glibc's waitid hides the fifth argument.
  if (::syscall(SYS_waitid, P_PIDFD, pidfd, &what, WEXITED | WNOHANG, &usage) != 0) {
    return fail(syscall_error("waitid", "pidfd", errno));
  }
  if (what.si_pid == 0) return fail(ErrorCode::invalid_state, "reap child: it still runs");
  ChildExit end;
  (what.si_code == CLD_EXITED ? end.exit_code : end.signal) = what.si_status;
  end.cpu_ns = to_ns(usage.ru_utime) + to_ns(usage.ru_stime);
  end.peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024u;
  return end;
}

}  // namespace boxlite::linux_
