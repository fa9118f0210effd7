// SPDX-License-Identifier: Apache-2.0
// How logs look. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boxlite/logs.hpp>

namespace boxlite::cli {

// Puts the time before each line, where wanted; else leaves bytes as they are. A line that comes in pieces
// gets the time of its first. One thread.
class LogLines {
 public:
  explicit LogLines(bool has_times) : has_times_(has_times) {}
  std::string add(const LogRecord& record);

 private:
  bool has_times_;
  bool is_in_line_[2] = {false, false};
};

std::string gap_text(const LogRecord& gap);

// "2026-11-22T10:15:00.5Z", "1732270500", "1732270500.25", or "1h30m" before `now`. Nothing when it is none.
std::optional<TimePoint> parse_moment(std::string_view text, TimePoint now);

// RFC 3339 in UTC with nanoseconds.
std::string format_moment(TimePoint time);

}  // namespace boxlite::cli
