// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"

namespace boxlite::disk {

// The plain bytes of a file that is compressed with gzip (any number of members), zstd, or not at all. One
// thread.
class Decompressor {
 public:
  // Looks at the first bytes to choose; xz and bzip2 are told apart to be refused by name. Borrows the
  // descriptor.
  static Result<std::unique_ptr<Decompressor>> open(int blob_fd);
  virtual ~Decompressor() = default;

  // Fills `out` as far as the content reaches; 0 at the end. A file that stops early is corrupted.
  virtual Result<std::size_t> read(char* out, std::size_t capacity) = 0;
  // Bytes taken from the file so far.
  virtual std::uint64_t consumed_bytes() const = 0;
};

}  // namespace boxlite::disk
