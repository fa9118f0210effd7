// SPDX-License-Identifier: Apache-2.0
// The fields inside tar headers: numbers, strings, times, pax records.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tar/tar_entry.h"

namespace boxlite::tar {

inline constexpr std::size_t tar_block = 512;

// A field's text up to its first NUL.
std::string_view tar_text(std::string_view field);
// Octal, or base-256 when the top bit is set; an empty field is 0.
Result<std::int64_t> tar_number(std::string_view field, std::string_view what);
Result<std::uint64_t> tar_size(std::string_view field, std::string_view what);
// A decimal number that fills `text`.
Result<std::uint64_t> decimal(std::string_view text, std::string_view what);
// "-1.5", "1700000000.123456789"; digits beyond nanoseconds are dropped.
Result<FileTime> pax_time(std::string_view text, std::string_view what);

struct PaxRecord {
  std::string_view key;
  std::string_view value;
};
Result<std::vector<PaxRecord>> pax_records(std::string_view block);

// Whether the sum in the header is that of its bytes, added up as unsigned or, as some old tars did, as
// signed.
bool tar_checksum_matches(std::string_view header);

}  // namespace boxlite::tar
