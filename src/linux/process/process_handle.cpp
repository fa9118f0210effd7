// SPDX-License-Identifier: Apache-2.0
#include "linux/process/process_handle.h"

#include <cerrno>

#include <poll.h>

#include "linux/process/pidfd.h"

namespace boxlite::linux_ {

Result<ProcessHandle> ProcessHandle::open(pid_t pid) {
  return ProcessHandle(BOXLITE_TRY(open_pidfd(pid)));
}

Result<void> ProcessHandle::send_signal(int signal) const {
  auto sent = linux_::send_signal(pidfd_.get(), signal);
  if (!sent && sent.error().code() == ErrorCode::not_found) return {};
  return sent;
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
    if (deadline.has_passed()) return fail(deadline.error("it still runs"));
  }
}

}  // namespace boxlite::linux_
