// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"

namespace boxlite::disk {

struct BlockRange {
  std::uint64_t start;
  std::uint64_t count;
};

// Which blocks of a file system are free. Hands them out from the first to the last, so that what is written
// one after the other lies one after the other; blocks given back are used again when the end is reached.
class BlockSpace {
 public:
  // Ranges in rising order.
  explicit BlockSpace(const std::vector<BlockRange>& free);

  // One range of at most `wanted` blocks, at least one; resource_exhausted when the disk is full.
  Result<BlockRange> take(std::uint64_t wanted);
  void give_back(BlockRange range);

  // What is taken at the moment, in rising order, neighbours joined.
  std::vector<BlockRange> taken() const;
  std::uint64_t free_blocks() const { return free_blocks_; }

 private:
  std::map<std::uint64_t, std::uint64_t> free_;   // start, count
  std::map<std::uint64_t, std::uint64_t> taken_;  // start, count
  std::uint64_t cursor_ = 0;
  std::uint64_t free_blocks_ = 0;
};

}  // namespace boxlite::disk
