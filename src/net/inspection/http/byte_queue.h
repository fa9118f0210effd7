// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace boxlite::net {

// Bytes that come in at the end and go at the front.
class ByteQueue {
 public:
  std::string_view view() const { return std::string_view(bytes_).substr(begin_); }
  std::size_t size() const { return bytes_.size() - begin_; }
  bool is_empty() const { return size() == 0; }
  void append(std::string_view bytes) { bytes_ += bytes; }
  // Lets `fill(place, room)` write into the queue; it returns how much it wrote, or less than 0.
  template <typename Fill>
  auto append_with(std::size_t room, Fill fill) {
    const auto size = bytes_.size();
    bytes_.resize(size + room);
    const auto count = fill(bytes_.data() + size, room);
    bytes_.resize(size + (count > 0 ? static_cast<std::size_t>(count) : 0));
    return count;
  }
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == bytes_.size()) {
      bytes_.clear();
      begin_ = 0;
    } else if (begin_ > bytes_.size() / 2) {
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
  }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
};

}  // namespace boxlite::net
