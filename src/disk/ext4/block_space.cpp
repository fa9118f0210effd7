// SPDX-License-Identifier: Apache-2.0
#include "disk/ext4/block_space.h"

#include <algorithm>

namespace boxlite::disk {
namespace {

using Ranges = std::map<std::uint64_t, std::uint64_t>;

void add(Ranges& ranges, BlockRange range) {
  auto next = ranges.lower_bound(range.start);
  if (next != ranges.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == range.start) {
      range = {before->first, before->second + range.count};
      ranges.erase(before);
    }
  }
  if (next != ranges.end() && range.start + range.count == next->first) {
    range.count += next->second;
    ranges.erase(next);
  }
  ranges.emplace(range.start, range.count);
}

// `range` lies inside one of the ranges.
void cut(Ranges& ranges, BlockRange range) {
  const auto around = std::prev(ranges.upper_bound(range.start));
  const BlockRange old{around->first, around->second};
  ranges.erase(around);
  if (range.start > old.start) ranges.emplace(old.start, range.start - old.start);
  const std::uint64_t end = range.start + range.count;
  const std::uint64_t old_end = old.start + old.count;
  if (old_end > end) ranges.emplace(end, old_end - end);
}

}  // namespace

BlockSpace::BlockSpace(const std::vector<BlockRange>& free) {
  for (const BlockRange& range : free) {
    free_.emplace(range.start, range.count);
    free_blocks_ += range.count;
  }
}

Result<BlockRange> BlockSpace::take(std::uint64_t wanted) {
  auto found = free_.upper_bound(cursor_);
  if (found != free_.begin()) {
    const auto before = std::prev(found);
    if (before->first + before->second > cursor_) found = before;
  }
  if (found == free_.end()) found = free_.begin();
  if (found == free_.end()) {
    return fail(Error(ErrorCode::resource_exhausted, "the disk is too small for the image's files")
                    .with_remedy("ask for a larger disk size"));
  }
  const std::uint64_t from = std::max(found->first, cursor_);
  const bool cursor_is_inside = from < found->first + found->second;
  const std::uint64_t start = cursor_is_inside ? from : found->first;
  const BlockRange range{start, std::min(wanted, found->first + found->second - start)};
  cut(free_, range);
  add(taken_, range);
  free_blocks_ -= range.count;
  cursor_ = range.start + range.count;
  return range;
}

void BlockSpace::give_back(BlockRange range) {
  cut(taken_, range);
  add(free_, range);
  free_blocks_ += range.count;
}

std::vector<BlockRange> BlockSpace::taken() const {
  std::vector<BlockRange> ranges;
  for (const auto& [start, count] : taken_) ranges.push_back({start, count});
  return ranges;
}

}  // namespace boxlite::disk
