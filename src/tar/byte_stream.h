// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.h"

namespace boxlite::tar {

// Bytes that arrive in pieces of the source's choosing. One thread.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // The next piece, empty at the end. It stays valid until the next call.
  virtual Result<std::string_view> next() = 0;
};

}  // namespace boxlite::tar
