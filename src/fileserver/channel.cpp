// SPDX-License-Identifier: Apache-2.0
#include "fileserver/channel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/concat.h"
#include "fileserver/request.h"

namespace boxlite::fileserver {
namespace {

// Room for the requests of metadata; more is taken for a large write, and given back after it.
constexpr std::size_t usual_buffer = 64u << 10;
constexpr std::size_t max_pieces = 4;

std::uint32_t length_at(const char* message) {
  std::uint32_t length = 0;
  std::memcpy(&length, message, sizeof length);
  return length;
}

}  // namespace

Result<bool> Channel::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  auto needed = usual_buffer;
  if (end_ >= sizeof(std::uint32_t)) {
    const auto length = length_at(buffer_.data());
    if (length < sizeof(fuse_in_header) || length > max_message)
      return fail(ErrorCode::corrupted, concat("folders: a message of ", length, " bytes"));
    needed = std::max<std::size_t>(needed, length);
  }
  if (buffer_.size() < needed) buffer_.resize(needed);
  const auto got = ::recv(socket_.get(), buffer_.data() + end_, buffer_.size() - end_, 0);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  end_ += static_cast<std::size_t>(got);
  return true;
}

void Channel::shrink() {
  if (begin_ != end_ || buffer_.size() <= usual_buffer) return;
  begin_ = end_ = 0;
  buffer_ = std::vector<char>(usual_buffer);
}

std::optional<std::string_view> Channel::next() {
  const auto available = end_ - begin_;
  if (available < sizeof(std::uint32_t)) return std::nullopt;
  const auto length = length_at(buffer_.data() + begin_);
  // fill() looks at a length that cannot be.
  if (length < sizeof(fuse_in_header) || available < length) return std::nullopt;
  const std::string_view message(buffer_.data() + begin_, length);
  begin_ += length;
  return message;
}

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
  while (total > 0) {
    const auto sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
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
