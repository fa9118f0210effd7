// SPDX-License-Identifier: Apache-2.0
#include "wire/exec_output.h"

#include <algorithm>
#include <array>

namespace boxlite::wire {
namespace {

char* put_varint(char* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>((value & 0x7f) | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

constexpr char stdout_tag = (2 << 3) | 2;
constexpr char stderr_tag = (3 << 3) | 2;
constexpr char offset_tag = 4 << 3;

}  // namespace

std::uint32_t write_output(FrameWriter& writer, std::uint32_t stream, OutputKind kind, std::string_view bytes,
                           std::uint64_t offset) {
  std::array<char, output_overhead> head;
  head[0] = kind == OutputKind::stdout_bytes ? stdout_tag : stderr_tag;
  const auto head_size = static_cast<std::size_t>(put_varint(head.data() + 1, bytes.size()) - head.data());
  std::array<char, output_overhead> tail;
  tail[0] = offset_tag;
  const auto tail_size =
      offset == 0 ? 0 : static_cast<std::size_t>(put_varint(tail.data() + 1, offset) - tail.data());
  const std::size_t size = head_size + bytes.size() + tail_size;
  auto* out = writer.reserve(FrameType::data, stream, 0, size).data();
  out = std::copy_n(head.data(), head_size, out);
  out = std::copy_n(bytes.data(), bytes.size(), out);
  std::copy_n(tail.data(), tail_size, out);
  return static_cast<std::uint32_t>(size);
}

}  // namespace boxlite::wire
