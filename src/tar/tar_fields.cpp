// SPDX-License-Identifier: Apache-2.0
#include "tar/tar_fields.h"

#include <charconv>
#include <limits>

#include "base/concat.h"

namespace boxlite::tar {
namespace {

Error bad(std::string_view what, std::string_view text) {
  return {ErrorCode::corrupted,
          concat("read tar: ", what, " ", in_quotes(text.substr(0, 64)), " is not valid")};
}

// Big-endian two's complement over the whole field, its top bit being the marker.
Result<std::int64_t> base_256(std::string_view field, std::string_view what) {
  const bool negative = (static_cast<unsigned char>(field[0]) & 0x40) != 0;
  std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto byte = static_cast<unsigned char>(field[i]);
    if (i == 0) byte = static_cast<unsigned char>(negative ? byte | 0x80 : byte & 0x7f);
    const auto top =
        static_cast<std::int64_t>(value) >> 55;  // what shifting would push into or past the sign
    if (top != (negative ? -1 : 0)) return fail(bad(what, field));
    value = (value << 8) | byte;
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::string_view tar_text(std::string_view field) {
  return field.substr(0, field.find('\0'));
}

Result<std::int64_t> tar_number(std::string_view field, std::string_view what) {
  if (!field.empty() && (static_cast<unsigned char>(field[0]) & 0x80) != 0) return base_256(field, what);
  std::string_view digits = field;
  while (!digits.empty() && (digits.front() == ' ' || digits.front() == '\0')) digits.remove_prefix(1);
  digits = digits.substr(0, digits.find_first_of(std::string_view(" \0", 2)));
  if (digits.empty()) return 0;
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  if (problem != std::errc() || end != digits.data() + digits.size()) return fail(bad(what, digits));
  return value;
}

Result<std::uint64_t> tar_size(std::string_view field, std::string_view what) {
  const std::int64_t value = BOXLITE_TRY(tar_number(field, what));
  if (value < 0) return fail(bad(what, field));
  return static_cast<std::uint64_t>(value);
}

Result<std::uint64_t> decimal(std::string_view text, std::string_view what) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() ||
      value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return fail(bad(what, text));
  }
  return value;
}

Result<FileTime> pax_time(std::string_view text, std::string_view what) {
  const bool negative = text.starts_with('-');
  const std::string_view whole = text.substr(negative ? 1 : 0, text.find('.') - (negative ? 1 : 0));
  const std::string_view fraction = text.find('.') == text.npos ? "" : text.substr(text.find('.') + 1);
  FileTime time;
  time.seconds = static_cast<std::int64_t>(BOXLITE_TRY(decimal(whole, what)));
  for (std::size_t i = 0; i < 9; ++i) {
    const char digit = i < fraction.size() ? fraction[i] : '0';
    if (digit < '0' || digit > '9') return fail(bad(what, text));
    time.nanoseconds = time.nanoseconds * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  if (negative) {
    time.seconds = -time.seconds;
    if (time.nanoseconds > 0) {
      --time.seconds;
      time.nanoseconds = 1'000'000'000 - time.nanoseconds;
    }
  }
  return time;
}

// Each record is "LENGTH KEY=VALUE\n", the length counting the whole record; values may hold any byte.
Result<std::vector<PaxRecord>> pax_records(std::string_view block) {
  std::vector<PaxRecord> records;
  while (!block.empty() && block.front() != '\0') {
    const std::size_t space = block.find(' ');
    if (space == block.npos || space == 0 || space > 10) return fail(bad("pax record", block));
    const std::uint64_t length = BOXLITE_TRY(decimal(block.substr(0, space), "pax record length"));
    if (length <= space + 1 || length > block.size() || block[length - 1] != '\n') {
      return fail(bad("pax record", block));
    }
    const std::string_view record = block.substr(space + 1, length - space - 2);
    const std::size_t equals = record.find('=');
    if (equals == record.npos || equals == 0) return fail(bad("pax record", record));
    records.push_back({record.substr(0, equals), record.substr(equals + 1)});
    block.remove_prefix(length);
  }
  return records;
}

bool tar_checksum_matches(std::string_view header) {
  constexpr std::size_t field = 148;
  constexpr std::size_t field_end = 156;
  std::int64_t as_unsigned = 0;
  std::int64_t as_signed = 0;
  for (std::size_t i = 0; i < tar_block; ++i) {
    const char byte = i >= field && i < field_end ? ' ' : header[i];
    as_unsigned += static_cast<unsigned char>(byte);
    as_signed += static_cast<signed char>(byte);
  }
  const auto stored = tar_number(header.substr(field, field_end - field), "checksum");
  return stored && (*stored == as_unsigned || *stored == as_signed);
}

}  // namespace boxlite::tar
