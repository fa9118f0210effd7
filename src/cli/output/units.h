// SPDX-License-Identifier: Apache-2.0
// Sizes, durations and times as people write and read them. Pure functions, thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxlite::cli {

inline constexpr std::uint64_t bytes_per_mib = std::uint64_t{1} << 20;
inline constexpr std::uint64_t bytes_per_gib = std::uint64_t{1} << 30;

// "512", "512m", "1.5g", "2GiB" in whole units of `unit` bytes, rounded up; a number without a suffix counts
// units. Nothing when it is no size, or less than one unit, or beyond 64 bits.
std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit);

// "30", "1.5s", "500ms", "2m", "1h30m", "1d"; a number without a suffix counts seconds. At most ten years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

std::optional<unsigned> parse_count(std::string_view text);

// RFC 3339 with "Z" or an offset; the fraction is dropped. Nothing when it is no time.
std::optional<std::chrono::sys_seconds> parse_time(std::string_view text);

// "0 B", "980 kB", "12.3 MB": decimal, three digits.
std::string format_size(std::uint64_t bytes);

// "3 seconds", "1 minute", "5 hours", "2 weeks": the largest unit that fits.
std::string format_duration(std::chrono::seconds duration);

// "5 minutes ago" for a time as the library gives it; "-" when there is none.
std::string format_age(std::string_view rfc3339, std::chrono::sys_seconds now);

}  // namespace boxlite::cli
