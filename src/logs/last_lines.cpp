// SPDX-License-Identifier: Apache-2.0
#include "logs/last_lines.h"

#include <algorithm>

namespace boxlite::logs {

std::string safe_ascii(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (byte == '\n' || byte == '\t' || (value >= 0x20 && value < 0x7f)) text += byte;
  }
  return text;
}

std::string last_lines(std::string_view bytes, std::size_t count) {
  auto text = safe_ascii(bytes);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t begin = text.size();
  while (count > 0 && begin > 0) {
    begin = text.rfind('\n', begin - 1);
    if (begin == std::string::npos) return text;
    --count;
  }
  return text.substr(std::min(begin + 1, text.size()));
}

}  // namespace boxlite::logs
