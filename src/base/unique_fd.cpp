// SPDX-License-Identifier: Apache-2.0
#include "base/unique_fd.h"

#include <cerrno>

#include <unistd.h>

namespace boxlite {

void UniqueFd::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old < 0) return;
  const int saved = errno;
  // Linux frees the number even when close() reports EINTR, so there is nothing to retry.
  ::close(old);
  errno = saved;
}

}  // namespace boxlite
