// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace boxlite::image {

// How far one blob is. `done == total` comes exactly once per blob, at once for a blob that was there
// already.
struct Progress {
  std::string item;  // the digest, or the name inside an archive
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  bool was_there = false;
};

// Called from worker threads, never by two at once; must return quickly and not call the store.
using ProgressCallback = std::function<void(const Progress&)>;

}  // namespace boxlite::image
