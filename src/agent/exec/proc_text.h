// SPDX-License-Identifier: Apache-2.0
// Reading the kernel's text files, word by word. What is missing or no number reads as empty or 0.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace boxlite::agent {

// The bytes of a file of the kernel, whose size nobody knows before; empty when it cannot be read. At most
// `limit`.
std::string read_proc(const std::string& path, std::size_t limit = 64u << 10);

inline std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

// The next word; blanks around it are dropped.
inline std::string_view take_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  const auto word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  return word;
}

inline std::uint64_t to_number(std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} ? number : 0;
}

inline std::uint64_t take_number(std::string_view& text) {
  return to_number(take_word(text));
}

inline void skip_words(std::string_view& text, int count) {
  while (count-- > 0) take_word(text);
}

}  // namespace boxlite::agent
