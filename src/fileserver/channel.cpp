// SPDX-License-Identifier: Apache-2.0
#include "fileserver/channel.h"

#include <array>
#include <cerrno>

#include <sys/socket.h>
#include <sys/uio.h>

namespace boxlite::fileserver {
namespace {

constexpr std::size_t max_pieces = 4;

}  // namespace

void Channel::send(fuse_out_header header, std::initializer_list<std::string_view> pieces) {
  std::array<iovec, max_pieces + 1> vectors{};
  std::size_t count = 1;
  std::size_t total = sizeof header;
  for (const auto piece : pieces) {
    vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
    total += piece.size();
  }
  header.len = static_cast<std::uint32_t>(total);
  vectors[0] = {&header, sizeof header};
  const std::lock_guard lock(sending_);
  msghdr message = {};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  int do_not_wait = MSG_DONTWAIT;
  while (total > 0) {
    const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | do_not_wait);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN && do_not_wait != 0) {
      do_not_wait = 0;
      has_waited_ = true;
      continue;
    }
    if (sent <= 0) return;  // the guest is gone, which fill() tells
    total -= static_cast<std::size_t>(sent);
    auto left = static_cast<std::size_t>(sent);
    while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
      left -= message.msg_iov->iov_len;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
    if (message.msg_iovlen == 0) return;
    message.msg_iov->iov_base = static_cast<char*>(message.msg_iov->iov_base) + left;
    message.msg_iov->iov_len -= left;
  }
}

void Channel::answer(std::uint64_t unique, int os_error) {
  send({.len = 0, .error = -os_error, .unique = unique}, {});
}

void Channel::answer(std::uint64_t unique, std::initializer_list<std::string_view> pieces) {
  send({.len = 0, .error = 0, .unique = unique}, pieces);
}

void Channel::notify(int code, std::initializer_list<std::string_view> pieces) {
  send({.len = 0, .error = code, .unique = 0}, pieces);
}

}  // namespace boxlite::fileserver
