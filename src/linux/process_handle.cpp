// SPDX-License-Identifier: Apache-2.0
#include "linux/process_handle.h"

#include <cerrno>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::linux_ {

Result<ProcessHandle> ProcessHandle::open(pid_t pid) {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd.is_open()) return ProcessHandle(std::move(pidfd));
  const int os_error = errno;
  if (os_error == ESRCH) return fail(ErrorCode::not_found, concat("no process ", pid));
  return fail(syscall_error("pidfd_open", concat(pid), os_error));
}

Result<void> ProcessHandle::send_signal(int signal) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) == 0 || errno == ESRCH) return {};
  return fail(syscall_error("pidfd_send_signal", concat("signal ", signal), errno));
}

bool ProcessHandle::has_ended() const {
  pollfd entry{pidfd_.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

Result<void> ProcessHandle::wait(Deadline deadline) const {
  while (true) {
    pollfd entry{pidfd_.get(), POLLIN, 0};
    const int count = ::poll(&entry, 1, deadline.poll_timeout_ms());
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return fail(syscall_error("poll", "pidfd", errno));
    if (deadline.has_passed()) return fail(ErrorCode::timed_out, "it still runs");
  }
}

}  // namespace boxlite::linux_
