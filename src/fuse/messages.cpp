// SPDX-License-Identifier: Apache-2.0
#include "fuse/messages.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/fuse.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::fuse {
namespace {

// Room for messages of metadata; more is taken for a large one.
constexpr std::size_t usual_buffer = 64u << 10;

std::uint32_t length_at(const char* message) {
  std::uint32_t length = 0;
  std::memcpy(&length, message, sizeof length);
  return length;
}

}  // namespace

Result<bool> MessageReader::fill(int stream_fd) {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  auto needed = usual_buffer;
  if (end_ >= sizeof(std::uint32_t)) {
    const auto length = length_at(buffer_.data());
    if (length < header_bytes_ || length > max_message)
      return fail(ErrorCode::corrupted, concat("folders: a message of ", length, " bytes"));
    needed = std::max<std::size_t>(needed, length);
  }
  if (buffer_.size() < needed) buffer_.resize(needed);
  const auto got = ::read(stream_fd, buffer_.data() + end_, buffer_.size() - end_);
  if (got < 0 && errno == EINTR) return true;
  if (got <= 0) return false;
  end_ += static_cast<std::size_t>(got);
  return true;
}

void MessageReader::begin_with(std::string_view unread) {
  buffer_.assign(unread.begin(), unread.end());
  begin_ = 0;
  end_ = unread.size();
}

void MessageReader::shrink() {
  if (begin_ != end_ || buffer_.size() <= usual_buffer) return;
  begin_ = end_ = 0;
  buffer_ = std::vector<char>(usual_buffer);
}

std::optional<std::string_view> MessageReader::next() {
  const auto available = end_ - begin_;
  if (available < sizeof(std::uint32_t)) return std::nullopt;
  const auto length = length_at(buffer_.data() + begin_);
  // fill() looks at a length that cannot be.
  if (length < header_bytes_ || available < length) return std::nullopt;
  const std::string_view message(buffer_.data() + begin_, length);
  begin_ += length;
  return message;
}

std::string order_message(std::uint32_t opcode, std::string_view payload) {
  fuse_in_header header = {};
  header.len = static_cast<std::uint32_t>(sizeof header + payload.size());
  header.opcode = opcode;
  return std::string(bytes_of(header)).append(payload);
}

}  // namespace boxlite::fuse
