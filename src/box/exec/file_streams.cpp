// SPDX-License-Identifier: Apache-2.0
#include "box/exec/file_streams.h"

#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace boxlite::box {
namespace {

void wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  ::poll(&entry, 1, -1);
}

}  // namespace

Result<std::size_t> read_some(int fd, std::span<char> room) {
  while (true) {
    const auto count = ::read(fd, room.data(), room.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN) {
      wait_for(fd, POLLIN);
    } else if (errno != EINTR) {
      return fail(syscall_error("read", "", errno));
    }
  }
}

Result<void> write_fully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      wait_for(fd, POLLOUT);
    } else if (errno != EINTR) {
      return fail(syscall_error("write", "", errno));
    }
  }
  return {};
}

}  // namespace boxlite::box
