// SPDX-License-Identifier: Apache-2.0
#include "cli/output/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <system_error>

#include <fmt/format.h>

namespace boxlite::cli {

namespace {

struct Suffix {
  std::string_view text;
  double factor;
};

constexpr std::array size_suffixes{
    Suffix{"b", 1},
    Suffix{"k", 1024},
    Suffix{"kb", 1024},
    Suffix{"kib", 1024},
    Suffix{"m", 1048576},
    Suffix{"mb", 1048576},
    Suffix{"mib", 1048576},
    Suffix{"g", 1073741824},
    Suffix{"gb", 1073741824},
    Suffix{"gib", 1073741824},
    Suffix{"t", 1099511627776},
    Suffix{"tb", 1099511627776},
    Suffix{"tib", 1099511627776},
};
constexpr std::array duration_suffixes{
    Suffix{"ms", 1}, Suffix{"s", 1000}, Suffix{"m", 60'000}, Suffix{"h", 3'600'000}, Suffix{"d", 86'400'000},
};

// Takes "1.5" off the front of `text`. Digits and one point only: no sign, no exponent, no "inf".
std::optional<double> take_number(std::string_view& text) {
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = text.substr(0, end);
  double value = 0;
  const auto [stop, error] =
      std::from_chars(number.data(), number.data() + number.size(), value, std::chars_format::fixed);
  if (number.empty() || error != std::errc() || stop != number.data() + number.size()) return std::nullopt;
  text.remove_prefix(end);
  return value;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

std::optional<double> factor_of(std::string_view suffix, std::span<const Suffix> known) {
  const auto found = std::ranges::find(known, std::string_view(lower(suffix)), &Suffix::text);
  if (found == known.end()) return std::nullopt;
  return found->factor;
}

std::string plural(std::int64_t count, std::string_view unit) {
  return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  const char* end = text.data() + at + count;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc() || stop != end || value < 0) return std::nullopt;
  return value;
}

// "Z", "+02:00", "-0530"
std::optional<std::chrono::minutes> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return std::chrono::minutes(0);
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = digits(text, 1, 2);
  const auto minutes = digits(text, 4, 2);
  if (!hours || !minutes) return std::nullopt;
  const auto offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text, std::uint64_t unit) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  const auto factor = text.empty() ? static_cast<double>(unit) : factor_of(text, size_suffixes);
  if (!factor) return std::nullopt;
  const double units = *number * *factor / static_cast<double>(unit);
  if (!(units >= 1) || units >= 9.2e18) return std::nullopt;
  return static_cast<std::uint64_t>(std::ceil(units));
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr double ten_years_ms = 10.0 * 366 * 86'400'000;
  double total = 0;
  if (text.empty()) return std::nullopt;
  do {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const auto suffix = text.substr(0, std::min(text.find_first_of("0123456789."), text.size()));
    const auto factor = suffix.empty() ? 1000.0 : factor_of(suffix, duration_suffixes);
    if (!factor) return std::nullopt;
    total += *number * *factor;
    text.remove_prefix(suffix.size());
  } while (!text.empty());
  if (total > ten_years_ms) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(total)));
}

std::optional<unsigned> parse_count(std::string_view text) {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  // "2026-11-22T10:15:00" and then ".123" and the zone.
  constexpr std::size_t fixed = 19;
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  auto zone = text.substr(fixed);
  if (zone.starts_with('.'))
    zone.remove_prefix(std::min(zone.find_first_not_of("0123456789", 1), zone.size()));
  const auto offset = parse_offset(zone);
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!offset || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) - *offset;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 999.5 would be shown as "1000".
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

std::string format_duration(std::chrono::seconds duration) {
  const std::int64_t seconds = std::max<std::int64_t>(0, duration.count());
  if (seconds < 1) return "less than a second";
  if (seconds < 60) return plural(seconds, "second");
  if (seconds < 3600) return plural(seconds / 60, "minute");
  const std::int64_t hours = seconds / 3600;
  if (hours < 48) return plural(hours, "hour");
  if (hours < 24 * 14) return plural(hours / 24, "day");
  if (hours < 24 * 60) return plural(hours / 24 / 7, "week");
  if (hours < 24 * 365 * 2) return plural(hours / 24 / 30, "month");
  return plural(hours / 24 / 365, "year");
}

std::string format_age(std::string_view rfc3339, std::chrono::sys_seconds now) {
  const auto time = parse_time(rfc3339);
  if (!time) return "-";
  return fmt::format("{} ago", format_duration(now - *time));
}

}  // namespace boxlite::cli
