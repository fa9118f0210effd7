// SPDX-License-Identifier: Apache-2.0
// Text from pieces, without iostream or fmt: the guest agent links this.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace boxlite {

namespace detail {
inline void append(std::string& out, std::string_view piece) {
  out += piece;
}
inline void append(std::string& out, char piece) {
  out += piece;
}
template <std::integral Number>
  requires(!std::same_as<Number, char> && !std::same_as<Number, bool>)
void append(std::string& out, Number number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}
}  // namespace detail

// concat("box ", id, " has ", 3, " disks"). Numbers are written in decimal.
template <typename... Pieces>
std::string concat(const Pieces&... pieces) {
  std::string out;
  (detail::append(out, pieces), ...);
  return out;
}

// `"text"`, with control characters, quotes and backslashes escaped as \xNN, so that names from outside
// cannot forge lines in messages.
std::string in_quotes(std::string_view text);
// Of a text that is refused and may be of any length: its first 64 bytes, with "..." for the others.
std::string excerpt_in_quotes(std::string_view text);

// The pieces with `separator` between them.
template <typename Range>
std::string join(const Range& pieces, std::string_view separator) {
  std::string out;
  for (const auto& piece : pieces) {
    if (!out.empty()) out += separator;
    out += piece;
  }
  return out;
}

}  // namespace boxlite
