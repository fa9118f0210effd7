// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/output_ring.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace boxlite::agent {
namespace {

constexpr std::size_t smallest_capacity = 4096;

}  // namespace

std::span<char> OutputRing::writable(std::uint64_t keep_from) {
  const auto kept = static_cast<std::size_t>(end_ - std::clamp(keep_from, begin(), end_));
  // Doubling keeps a command that prints a line at one page, and one that prints much at large reads.
  const bool is_full = bytes_.size() - stored_ < bytes_.size() / 2 || bytes_.empty();
  if (is_full && bytes_.size() < ring_capacity) resize(std::max(smallest_capacity, bytes_.size() * 2));
  const std::size_t position = end_ % bytes_.size();
  return {bytes_.data() + position, std::min(bytes_.size() - kept, bytes_.size() - position)};
}

void OutputRing::commit(std::size_t count) {
  end_ += count;
  stored_ = std::min(stored_ + count, bytes_.size());
}

std::string_view OutputRing::read(std::uint64_t offset) const {
  const auto left = static_cast<std::size_t>(end_ - offset);
  if (left == 0) return {};
  const std::size_t position = offset % bytes_.size();
  return {bytes_.data() + position, std::min(left, bytes_.size() - position)};
}

void OutputRing::shrink() {
  const std::size_t needed = stored_ == 0 ? 0 : std::max(std::bit_ceil(stored_), std::size_t{64});
  if (needed < bytes_.size()) resize(needed);
}

void OutputRing::resize(std::size_t capacity) {
  std::string bytes(capacity, '\0');
  for (std::uint64_t offset = begin(); offset < end_;) {
    auto piece = read(offset);
    piece = piece.substr(0, capacity - offset % capacity);
    std::copy(piece.begin(), piece.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset % capacity));
    offset += piece.size();
  }
  bytes_ = std::move(bytes);
}

}  // namespace boxlite::agent
