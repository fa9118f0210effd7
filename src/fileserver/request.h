// SPDX-License-Identifier: Apache-2.0
// One request of the guest's kernel, as it stands in linux/fuse.h. The guest is hostile: nothing is taken
// from a message but through this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include <linux/fuse.h>

#include "fileserver/answer.h"

namespace boxlite::fileserver {

class Request {
 public:
  // `message` is one whole message, whose first field says its length. EINVAL otherwise.
  static Answer<Request> parse(std::string_view message);

  const fuse_in_header& header() const { return header_; }
  std::uint32_t opcode() const { return header_.opcode; }
  std::uint64_t unique() const { return header_.unique; }
  std::uint64_t node() const { return header_.nodeid; }
  // All of it, valid as long as what it was parsed from.
  std::string_view whole() const { return whole_; }

  // The next fields. EINVAL when the message ends before.
  template <typename T>
  Answer<T> take() {
    static_assert(std::is_trivially_copyable_v<T>);
    if (rest_.size() < sizeof(T)) return refuse(EINVAL);
    T value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  // The same of the first `size` bytes of T, which is what older kernels send; the rest is zero.
  template <typename T>
  Answer<T> take_first(std::size_t size) {
    if (rest_.size() < size) return refuse(EINVAL);
    T value = {};
    const auto length = rest_.size() < sizeof(T) ? rest_.size() : sizeof(T);
    std::memcpy(&value, rest_.data(), length);
    rest_.remove_prefix(length);
    return value;
  }
  // A name in a directory: not empty, no slash, not "." or "..". EINVAL, ENAMETOOLONG.
  Answer<std::string> take_name();
  // Text up to its zero, of at most `limit` bytes; ENAMETOOLONG.
  Answer<std::string> take_text(std::size_t limit);
  Answer<std::string_view> take_bytes(std::size_t size);

 private:
  Request(const fuse_in_header& header, std::string_view whole)
      : header_(header), whole_(whole), rest_(whole.substr(sizeof header)) {}
  fuse_in_header header_;
  std::string_view whole_;
  std::string_view rest_;
};

}  // namespace boxlite::fileserver
