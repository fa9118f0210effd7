// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace boxlite::tar {

// Takes bytes in pieces of its own choosing, so that content is read from a file straight to where it leaves.
// One thread.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Room for bytes, never empty; waits until there is some. Valid until the next call.
  virtual Result<std::span<char>> room() = 0;
  // The first `count` bytes of the room were filled in.
  virtual Result<void> commit(std::size_t count) = 0;
};

}  // namespace boxlite::tar
