// SPDX-License-Identifier: Apache-2.0
#include "linux/readiness.h"

#include <poll.h>

namespace boxlite::linux_ {

bool wait_until_ready(int fd, short events, const Deadline& deadline) {
  pollfd entry{fd, events, 0};
  while (::poll(&entry, 1, deadline.poll_timeout_ms()) <= 0) {
    if (deadline.has_passed()) return false;
  }
  return true;
}

}  // namespace boxlite::linux_
