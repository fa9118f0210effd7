// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
  // Whether the reader of the output may learn the words.
  enum class Words : std::uint8_t { known, secret };
  // The views are borrowed.
  explicit Replacements(std::vector<Pair> pairs, Words words = Words::known);

  bool is_empty() const { return words_.empty(); }
  // Length of the shortest `from`; text that is shorter stays as it is.
  std::size_t shortest() const { return shortest_; }
  // How much of a stream to take so that no more than about `room` bytes come of it; at least 1.
  std::size_t piece_for(std::size_t room) const;
  // All of `text` at once; nothing when the outcome would be longer than `limit`.
  std::optional<std::string> apply(std::string_view text, std::size_t limit) const;

 private:
  friend class PlaceholderFilter;
  struct Word {
    Pair pair;
    std::uint64_t head;  // the first eight bytes of `from`
    std::uint64_t mask;  // where it has that many
  };
  const Pair* match(std::string_view text) const;
  const Pair* match_secret(std::string_view text) const;
  std::size_t decided(std::string_view text) const;

  std::vector<Word> words_;  // longest `from` first
  std::array<bool, 256> begins_{};
  bool are_secret_;
  bool may_have_lines_ = false;
  std::size_t shortest_ = 0;
  std::size_t longest_ = 0;
  std::size_t longest_to_ = 0;
};

// Replaces words in a stream. From left to right, the longest that fits, and what was put in is not looked at
// again: the output is the same however the input is cut. Known words: holds back only what may be the
// beginning of one. Secret ones: holds back as many bytes as could be one, or as came after the last line end
// where no word has any; so what comes out, and when, tells nothing of a word that does not occur in full.
class PlaceholderFilter {
 public:
  explicit PlaceholderFilter(const Replacements& replacements) : replacements_(replacements) {}

  // Appends to `out` what can be said so far.
  void feed(std::string_view bytes, std::string& out);
  // The stream has ended, or stops for too long: appends the rest. A word that goes on after it is not found.
  void finish(std::string& out);
  bool is_holding() const { return !held_.empty(); }

 private:
  // Returns how much of `text` is done with.
  std::size_t scan(std::string_view text, bool is_end, std::string& out) const;
  bool may_still_come(std::string_view rest, const Replacements::Pair* match) const;

  const Replacements& replacements_;
  std::string held_;  // shorter than the longest word
};

}  // namespace boxlite::net
