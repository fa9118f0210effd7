// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fileserver/nodes/node_table.h"

namespace boxlite::fileserver {

// Names that the guest was told to be no files, which it keeps until it hears otherwise. Its kernel can be
// made to forget those one by one only: of a directory that changed unseen, it has to be known which.
class AbsentNames {
 public:
  explicit AbsentNames(std::size_t limit = 65'536) : limit_(limit) {}

  // Where there are too many, one is given up, which the guest is to forget.
  std::optional<Place> add(const Place& place);
  void remove(const Place& place);
  void forget(std::uint64_t directory);
  std::vector<Place> all() const;
  std::size_t size() const { return size_; }
  void clear();

 private:
  std::size_t limit_;
  std::size_t size_ = 0;
  std::unordered_map<std::uint64_t, std::unordered_set<std::string>> names_;
};

}  // namespace boxlite::fileserver
