// SPDX-License-Identifier: Apache-2.0
// FileData, read and written in place: all bytes of copies pass here, and protobuf would copy them twice.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "wire/frame.h"

namespace boxlite::wire {

// What stands before the bytes: the field's tag and a length of always three bytes.
inline constexpr std::size_t file_data_head = 4;
inline constexpr std::size_t max_file_bytes = max_data_payload - file_data_head;

inline void put_file_data_head(char* out, std::size_t bytes) {
  out[0] = (1 << 3) | 2;
  out[1] = static_cast<char>((bytes & 0x7f) | 0x80);
  out[2] = static_cast<char>(((bytes >> 7) & 0x7f) | 0x80);
  out[3] = static_cast<char>((bytes >> 14) & 0x7f);
}

// The bytes of a FileData that holds nothing else; nothing: parse it as any message.
inline std::optional<std::string_view> file_bytes(std::string_view payload) {
  if (payload.size() < 2 || payload[0] != ((1 << 3) | 2)) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 1; i < std::min<std::size_t>(payload.size(), 5); ++i) {
    const auto byte = static_cast<unsigned char>(payload[i]);
    length |= static_cast<std::size_t>(byte & 0x7fU) << (7 * (i - 1));
    if ((byte & 0x80U) != 0) continue;
    if (payload.size() - i - 1 != length) return std::nullopt;
    return payload.substr(i + 1);
  }
  return std::nullopt;
}

}  // namespace boxlite::wire
