// SPDX-License-Identifier: Apache-2.0
// Room that is kept for a disk that runs full: to end and to remove something must work then too, and both
// are written down. A file of the home, which whoever needs its room removes, and the next who opens the home
// makes again.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace boxlite {

class Reserve {
 public:
  explicit Reserve(const std::filesystem::path& home) : file_(home / "reserve") {}

  // Makes the file, where there is room for it. Never fails.
  void refill() const;
  // True: there was one.
  bool release() const;

 private:
  std::filesystem::path file_;
};

// What `change` returns; when that is resource_exhausted, what it returns with the reserve's room.
template <typename Change>
auto with_reserve(const std::filesystem::path& home, Change change) {
  auto changed = change();
  const bool lacks_room = !changed && changed.error().code() == ErrorCode::resource_exhausted;
  if (lacks_room && Reserve(home).release()) changed = change();
  return changed;
}

}  // namespace boxlite
