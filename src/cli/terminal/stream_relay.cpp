// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal/stream_relay.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace boxlite::cli {

namespace {

constexpr std::size_t buffer_size = std::size_t{64} * 1024;

// False when it is time to stop.
bool wait_for_input(int source_fd, int stop_fd) {
  std::array<pollfd, 2> entries{pollfd{.fd = source_fd, .events = POLLIN, .revents = 0},
                                pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0}};
  while (true) {
    const int count = ::poll(entries.data(), entries.size(), -1);
    if (count < 0 && errno == EINTR) continue;
    return count > 0 && entries[1].revents == 0;
  }
}

bool write_whole(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    // A socket without its reader is an error, not a signal.
    auto count = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (count < 0 && errno == ENOTSOCK) count = ::write(fd, bytes, size);
    if (count >= 0) {
      bytes += count;
      size -= static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

RelayEnd relay(int source_fd, int target_fd, int stop_fd) {
  const auto buffer = std::make_unique<std::array<char, buffer_size>>();
  while (true) {
    if (!wait_for_input(source_fd, stop_fd)) return RelayEnd::stopped;
    const auto count = ::read(source_fd, buffer->data(), buffer->size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return RelayEnd::source_broke;
    if (count == 0) return RelayEnd::source_ended;
    if (!write_whole(target_fd, buffer->data(), static_cast<std::size_t>(count)))
      return RelayEnd::target_broke;
  }
}

}  // namespace boxlite::cli
