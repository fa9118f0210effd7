// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <algorithm>
#include <limits>

#include "base/concat.h"

namespace boxlite {
namespace {

using namespace std::chrono;

// How long a poll may not look whether it is to stop.
constexpr int stop_look_ms = 50;

std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = concat(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

// Reads exactly `width` digits off the front of `text`.
bool take_number(std::string_view& text, std::size_t width, int& number) {
  if (text.size() < width) return false;
  number = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return true;
}

bool take_char(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, nanoseconds& fraction) {
  fraction = nanoseconds(0);
  if (!take_char(text, '.')) return true;
  std::int64_t unit = 100'000'000;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++digits, unit /= 10) {
    fraction += nanoseconds(unit * (text.front() - '0'));
    text.remove_prefix(1);
  }
  return digits > 0;
}

bool take_offset(std::string_view& text, minutes& offset) {
  offset = minutes(0);
  if (take_char(text, 'Z') || take_char(text, 'z')) return text.empty();
  const bool negative = take_char(text, '-');
  if (!negative && !take_char(text, '+')) return false;
  int hour = 0;
  int minute = 0;
  if (!take_number(text, 2, hour) || !take_char(text, ':') || !take_number(text, 2, minute)) return false;
  offset = minutes(hour * 60 + minute) * (negative ? -1 : 1);
  return text.empty() && hour < 24 && minute < 60;
}

}  // namespace

std::chrono::nanoseconds nanoseconds_from(std::uint64_t count) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(count, most)));
}

Timestamp now() {
  return time_point_cast<nanoseconds>(system_clock::now());
}

std::string to_rfc3339(Timestamp time) {
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<milliseconds>(time - day));
  return concat(padded(int(date.year()), 4), "-", padded(unsigned(date.month()), 2), "-",
                padded(unsigned(date.day()), 2), "T", padded(clock.hours().count(), 2), ":",
                padded(clock.minutes().count(), 2), ":", padded(clock.seconds().count(), 2), ".",
                padded(clock.subseconds().count(), 3), "Z");
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  std::string_view rest = text;
  int part[6] = {};
  nanoseconds fraction{};
  minutes offset{};
  const bool read = take_number(rest, 4, part[0]) && take_char(rest, '-') && take_number(rest, 2, part[1]) &&
                    take_char(rest, '-') && take_number(rest, 2, part[2]) &&
                    (take_char(rest, 'T') || take_char(rest, 't') || take_char(rest, ' ')) &&
                    take_number(rest, 2, part[3]) && take_char(rest, ':') && take_number(rest, 2, part[4]) &&
                    take_char(rest, ':') && take_number(rest, 2, part[5]) && take_fraction(rest, fraction) &&
                    take_offset(rest, offset);
  const year_month_day date{year{part[0]}, month{static_cast<unsigned>(part[1])},
                            std::chrono::day{static_cast<unsigned>(part[2])}};
  // Nanoseconds in 64 bits end with the years 1677 and 2262.
  const bool is_countable = part[0] > 1677 && part[0] < 2262;
  if (!read || !is_countable || !date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 60) {
    return fail(ErrorCode::invalid_argument, concat("not an RFC 3339 time: ", in_quotes(text)));
  }
  return sys_days(date) + hours(part[3]) + minutes(part[4]) + seconds(part[5]) + fraction - offset;
}

int Deadline::poll_timeout_ms() const {
  if (is_stopped()) return 0;
  const auto longest = stop_.stop_possible() ? stop_look_ms : std::numeric_limits<int>::max();
  if (is_never()) return stop_.stop_possible() ? longest : -1;
  const auto left = ceil<milliseconds>(at_ - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, longest));
}

Error Deadline::error(std::string_view what) const {
  if (is_stopped()) return Error(ErrorCode::cancelled, concat(what, ": the call was stopped"));
  return Error(ErrorCode::timed_out, std::string(what));
}

}  // namespace boxlite
