// SPDX-License-Identifier: Apache-2.0
#include "linux/sockets/fd_passing.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

#include "base/concat.h"

namespace boxlite::linux_ {
namespace {

// As large as the header of a message needs it, and as aligned.
struct ControlBuffer {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(most_fds * sizeof(int))> bytes = {};
};

void put_fds(std::span<const int> fds, ControlBuffer& control, msghdr& message) {
  if (fds.empty()) return;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  auto* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
}

UniqueFd first_fd(msghdr& message) {
  UniqueFd first;
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      UniqueFd received(fd);
      if (!first.is_open()) first = std::move(received);
    }
  }
  return first;
}

}  // namespace

Result<std::size_t> send_with_fds(int socket_fd, std::string_view bytes, std::span<const int> fds,
                                  WhenFull when_full) {
  if (fds.size() > most_fds)
    return fail(ErrorCode::invalid_argument, concat("send descriptors: more than ", most_fds));
  ControlBuffer control;
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg does not write
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  put_fds(fds, control, message);
  const int flags = MSG_NOSIGNAL | (when_full == WhenFull::give_up ? MSG_DONTWAIT : 0);
  while (true) {
    const auto sent = ::sendmsg(socket_fd, &message, flags);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EPIPE || errno == ECONNRESET)
      return fail(ErrorCode::unavailable, "send descriptor: the other end does not read");
    return fail(syscall_error("sendmsg", "descriptor", errno));
  }
}

Result<ReceivedPart> receive_with_fd(int socket_fd) {
  std::array<char, 64 << 10> buffer;
  ControlBuffer control;
  iovec piece{buffer.data(), buffer.size()};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  while (true) {
    const auto count = ::recvmsg(socket_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count >= 0)
      return ReceivedPart{std::string(buffer.data(), static_cast<std::size_t>(count)), first_fd(message)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return fail(ErrorCode::unavailable, "receive: nothing is there");
    return fail(syscall_error("recvmsg", "descriptor", errno));
  }
}

}  // namespace boxlite::linux_
