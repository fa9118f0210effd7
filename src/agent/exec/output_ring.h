// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace boxlite::agent {

// The last bytes of one output stream, found by their offset in the stream. Memory grows with what is
// written, up to ring_capacity.
class OutputRing {
 public:
  static constexpr std::size_t ring_capacity = 256u << 10;

  // Offset of the oldest byte that is still here, and of the next byte to come.
  std::uint64_t begin() const { return end_ - stored_; }
  std::uint64_t end() const { return end_; }

  // Whether writable(keep_from) would find room.
  bool has_room(std::uint64_t keep_from) const {
    return keep_from > end_ || end_ - keep_from < ring_capacity;
  }
  // Room for the next bytes that overwrites nothing from `keep_from` on; empty when there is none.
  std::span<char> writable(std::uint64_t keep_from);
  void commit(std::size_t count);

  // Bytes from `offset` (begin() to end()) on, as far as they lie in one piece.
  std::string_view read(std::uint64_t offset) const;

  // Gives back memory that no byte needs; further writes are still possible.
  void shrink();
  // Drops every byte; offsets go on from end().
  void forget() {
    bytes_ = {};
    stored_ = 0;
  }
  std::size_t memory() const { return bytes_.size(); }

 private:
  void resize(std::size_t capacity);

  std::string bytes_;  // byte at offset o is bytes_[o % size]; the size is a power of two, or 0
  std::size_t stored_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace boxlite::agent
