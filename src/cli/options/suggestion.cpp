// SPDX-License-Identifier: Apache-2.0
#include "cli/options/suggestion.h"

#include <algorithm>
#include <vector>

namespace boxlite::cli {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto width = b.size() + 1;
  std::vector<std::size_t> cells((a.size() + 1) * width);
  const auto at = [&](std::size_t row, std::size_t column) -> std::size_t& {
    return cells[row * width + column];
  };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
      }
    }
  }
  return cells.back();
}

std::string_view nearest(std::string_view typed, std::span<const std::string_view> candidates) {
  // Long words come from files and scripts by mistake; comparing them would only cost time.
  constexpr std::size_t longest_typo = 40;
  if (typed.empty() || typed.size() > longest_typo) return {};
  std::string_view best;
  std::size_t best_distance = std::min<std::size_t>(2, (typed.size() + 1) / 2) + 1;
  for (const auto candidate : candidates) {
    const auto distance = edit_distance(typed, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace boxlite::cli
