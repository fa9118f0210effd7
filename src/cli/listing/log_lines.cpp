// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/log_lines.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>

#include <fmt/format.h>

#include "cli/output/units.h"

namespace boxlite::cli {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// "25" of "1732270500.25" is 250,000,000 ns.
std::optional<nanoseconds> parse_fraction(std::string_view digits) {
  if (digits.empty() || digits.size() > 9) return std::nullopt;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const char digit = i < digits.size() ? digits[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  return nanoseconds(value);
}

std::optional<TimePoint> parse_unix(std::string_view text) {
  const auto dot = std::min(text.find('.'), text.size());
  std::int64_t count = 0;
  const auto whole = text.substr(0, dot);
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), count);
  constexpr std::int64_t year_9999 = 253'402'300'799;
  // Small numbers are durations.
  if (error != std::errc() || end != whole.data() + whole.size() || count < 1'000'000'000)
    return std::nullopt;
  if (count > year_9999 / 40) return std::nullopt;
  TimePoint time{seconds(count)};
  if (dot == text.size()) return time;
  const auto fraction = parse_fraction(text.substr(dot + 1));
  if (!fraction) return std::nullopt;
  return time + *fraction;
}

}  // namespace

std::string LogLines::add(const LogRecord& record) {
  if (!has_times_) return record.bytes;
  auto& is_in_line = is_in_line_[record.stream == OutputStream::stderr_ ? 1 : 0];
  const auto prefix = format_moment(record.time) + " ";
  std::string text;
  std::string_view rest = record.bytes;
  while (!rest.empty()) {
    if (!is_in_line) text += prefix;
    const auto end = rest.find('\n');
    is_in_line = end == std::string_view::npos;
    const auto line = is_in_line ? rest : rest.substr(0, end + 1);
    text += line;
    rest.remove_prefix(line.size());
  }
  return text;
}

std::string gap_text(const LogRecord& gap) {
  if (gap.lost_bytes == 0) return "older output is gone: newer output took its place";
  return fmt::format("{} bytes of output are missing here", gap.lost_bytes);
}

std::optional<TimePoint> parse_moment(std::string_view text, TimePoint now) {
  if (const auto time = parse_unix(text)) return time;
  if (const auto ago = parse_duration(text)) return now - *ago;
  const auto whole = parse_time(text);
  if (!whole) return std::nullopt;
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return TimePoint(*whole);
  const auto end = std::min(text.find_first_not_of("0123456789", dot + 1), text.size());
  const auto fraction = parse_fraction(text.substr(dot + 1, std::min<std::size_t>(end - dot - 1, 9)));
  return TimePoint(*whole) + fraction.value_or(nanoseconds(0));
}

std::string format_moment(TimePoint time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto day = std::chrono::floor<std::chrono::days>(whole);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(whole - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     (time - whole).count());
}

}  // namespace boxlite::cli
