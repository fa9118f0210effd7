// SPDX-License-Identifier: Apache-2.0
#include "logs/log_format.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/files.h"

namespace boxlite::logs {
namespace {

constexpr std::string_view magic = "BOXLOG1\n";
constexpr unsigned char mark = 0xb1;

void put(std::string& out, std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

std::uint64_t get(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  return value;
}

}  // namespace

std::filesystem::path rotated_name(const std::filesystem::path& path, std::size_t age) {
  return age == 0 ? path : std::filesystem::path(concat(path.native(), ".", age));
}

UniqueFd open_log_file(const std::filesystem::path& path) {
  auto file = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat status{};
  if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return *std::move(file);
}

std::string encode_file_header(std::uint64_t generation) {
  std::string bytes(magic);
  put(bytes, generation, 8);
  return bytes;
}

std::optional<std::uint64_t> decode_file_header(std::string_view bytes) {
  if (bytes.size() < file_header_size || !bytes.starts_with(magic)) return std::nullopt;
  const auto generation = get(bytes, magic.size(), 8);
  if (generation == 0 || generation > max_generation) return std::nullopt;
  return generation;
}

std::string encode_record_header(const RecordHeader& header) {
  std::string bytes;
  put(bytes, mark, 1);
  put(bytes, static_cast<std::uint8_t>(header.kind), 1);
  put(bytes, 0, 2);
  put(bytes, header.length, 4);
  put(bytes, static_cast<std::uint64_t>(header.time.time_since_epoch().count()), 8);
  return bytes;
}

std::optional<RecordHeader> decode_record_header(std::string_view bytes) {
  if (bytes.size() < record_header_size || get(bytes, 0, 1) != mark || get(bytes, 2, 2) != 0) {
    return std::nullopt;
  }
  const auto kind = get(bytes, 1, 1);
  const auto length = get(bytes, 4, 4);
  const auto time = get(bytes, 8, 8);
  if (kind < 1 || kind > 4 || length > max_record_bytes || time > INT64_MAX) return std::nullopt;
  if (static_cast<RecordKind>(kind) == RecordKind::gap && length != gap_bytes) return std::nullopt;
  return RecordHeader{.kind = static_cast<RecordKind>(kind),
                      .length = static_cast<std::uint32_t>(length),
                      .time = Timestamp(std::chrono::nanoseconds(static_cast<std::int64_t>(time)))};
}

std::string encode_count(std::uint64_t count) {
  std::string bytes;
  put(bytes, count, 8);
  return bytes;
}

std::uint64_t decode_count(std::string_view bytes) {
  return bytes.size() < gap_bytes ? 0 : get(bytes, 0, gap_bytes);
}

}  // namespace boxlite::logs
