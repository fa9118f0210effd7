// SPDX-License-Identifier: Apache-2.0
// The stream between a guest and its file server: FUSE messages, one after the other. Each begins with its
// length (linux/fuse.h), whichever way it goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxlite::fuse {

// The most bytes of a file that one message carries.
inline constexpr std::size_t max_transfer = 1u << 20;
// The largest message: such a write, with its header and room for a name or two.
inline constexpr std::size_t max_message = max_transfer + (16u << 10);

// Takes messages off a stream. One thread.
class MessageReader {
 public:
  // No message is shorter than its header.
  explicit MessageReader(std::size_t header_bytes) : header_bytes_(header_bytes) {}

  // Reads what has come. False: the other end is gone. corrupted: what comes are no messages.
  Result<bool> fill(int stream_fd);
  // The next whole message that has come, valid until the next fill().
  std::optional<std::string_view> next();
  // What has come of a message that is not whole, and what another reader had of one, to go on from.
  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void begin_with(std::string_view unread);
  // Gives back the memory that a large message took, when none is under way.
  void shrink();

 private:
  std::size_t header_bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// A message to the server that is not the kernel's (wire/folder_orders.h).
std::string order_message(std::uint32_t opcode, std::string_view payload);

}  // namespace boxlite::fuse
