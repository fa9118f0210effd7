// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include <sys/types.h>

namespace boxlite::tar {

// Under which name a file with several links was packed first. What exceeds the bound is packed again: a
// larger archive, but never a wrong one.
class HardLinks {
 public:
  // The first name, or null when this is it.
  const std::string* find_or_add(dev_t device, ino_t inode, const std::string& name) {
    const std::pair key(device, inode);
    if (const auto found = names_.find(key); found != names_.end()) return &found->second;
    constexpr std::size_t most_bytes = 16u << 20;
    constexpr std::size_t node_bytes = 96;
    if (bytes_ + name.size() + node_bytes > most_bytes) return nullptr;
    bytes_ += name.size() + node_bytes;
    names_.emplace(key, name);
    return nullptr;
  }

 private:
  std::map<std::pair<dev_t, ino_t>, std::string> names_;
  std::size_t bytes_ = 0;
};

}  // namespace boxlite::tar
