// SPDX-License-Identifier: Apache-2.0
#include "base/concat.h"

namespace boxlite {

std::string in_quotes(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\') {
      out += "\\x";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
  return out;
}

std::string excerpt_in_quotes(std::string_view text) {
  constexpr std::size_t most = 64;
  return text.size() <= most ? in_quotes(text) : concat(in_quotes(text.substr(0, most)), "...");
}

}  // namespace boxlite
