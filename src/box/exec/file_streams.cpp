// SPDX-License-Identifier: Apache-2.0
#include "box/exec/file_streams.h"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <unistd.h>

#include "linux/readiness.h"

namespace boxlite::box {
namespace {

// The most that a pipe takes at once when poll(2) says that it can be written.
constexpr std::size_t pipe_piece = 4096;

// A call that nobody ends waits in the system call itself.
Result<void> wait_for(int fd, short events, const Deadline& deadline, std::string_view what) {
  if (linux_::wait_until_ready(fd, events, deadline)) return {};
  return fail(deadline.error(what));
}

bool can_end_early(const Deadline& deadline) {
  return !deadline.is_never() || deadline.stop().stop_possible();
}

}  // namespace

Result<std::size_t> read_some(int fd, std::span<char> room, const Deadline& deadline) {
  constexpr std::string_view what = "read what is to be copied";
  if (can_end_early(deadline)) BOXLITE_TRY(wait_for(fd, POLLIN, deadline, what));
  while (true) {
    const auto count = ::read(fd, room.data(), room.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN) {
      BOXLITE_TRY(wait_for(fd, POLLIN, deadline, what));
    } else if (errno != EINTR) {
      return fail(syscall_error("read", "", errno));
    }
  }
}

Result<void> write_fully(int fd, std::string_view bytes, const Deadline& deadline) {
  constexpr std::string_view what = "write what was copied";
  while (!bytes.empty()) {
    auto piece = bytes.size();
    if (can_end_early(deadline)) {
      BOXLITE_TRY(wait_for(fd, POLLOUT, deadline, what));
      piece = std::min(piece, pipe_piece);
    }
    const auto count = ::write(fd, bytes.data(), piece);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      BOXLITE_TRY(wait_for(fd, POLLOUT, deadline, what));
    } else if (errno != EINTR) {
      return fail(syscall_error("write", "", errno));
    }
  }
  return {};
}

}  // namespace boxlite::box
