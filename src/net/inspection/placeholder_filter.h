// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boxlite::net {

// Words to be put in place of others. Immutable; what filters refer to it outlives them.
class Replacements {
 public:
  struct Pair {
    std::string_view from;  // not empty
    std::string_view to;
  };
  // The views are borrowed.
  explicit Replacements(std::vector<Pair> pairs);

  bool is_empty() const { return pairs_.empty(); }
  // Length of the shortest `from`; text that is shorter stays as it is.
  std::size_t shortest() const { return shortest_; }
  // How much of a stream to take so that no more than about `room` bytes come of it; at least 1.
  std::size_t piece_for(std::size_t room) const;
  // All of `text` at once; nothing when the outcome would be longer than `limit`.
  std::optional<std::string> apply(std::string_view text, std::size_t limit) const;

 private:
  friend class PlaceholderFilter;
  std::vector<Pair> pairs_;  // longest `from` first
  std::array<bool, 256> begins_{};
  std::size_t shortest_ = 0;
  std::size_t longest_to_ = 0;
};

// Replaces words in a stream. From left to right, the longest that fits, and what was put in is not looked at
// again: the output is the same however the input is cut. Holds back only what may be the beginning of a
// word, so that a stream of events is not delayed.
class PlaceholderFilter {
 public:
  explicit PlaceholderFilter(const Replacements& replacements) : replacements_(replacements) {}

  // Appends to `out` what can be said so far.
  void feed(std::string_view bytes, std::string& out);
  // The stream has ended: appends the rest.
  void finish(std::string& out);

 private:
  // Returns how much of `text` is done with.
  std::size_t scan(std::string_view text, bool is_end, std::string& out) const;

  const Replacements& replacements_;
  std::string held_;  // shorter than the longest word
};

}  // namespace boxlite::net
