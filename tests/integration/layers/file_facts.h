// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/concat.h"

namespace boxlite::tests {

struct Facts {
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  std::uint64_t links = 0;
  std::uint64_t inode = 0;
  std::string target;
  std::string content_hash;
  std::map<std::string, std::string> xattrs;
};

// Tells contents apart (FNV-1a). A program in a box uses it, which has no libraries.
class ContentDigest {
 public:
  void update(std::string_view bytes) {
    for (const char byte : bytes) state_ = (state_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  std::string text() const { return concat(state_); }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325;
};

// One line of a listing. The first path seen of an inode stands for it.
std::string line(const std::string& path, const Facts& facts,
                 std::map<std::uint64_t, std::string>& first_names);

}  // namespace boxlite::tests
