// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include <boxlite/time_point.hpp>

#include "base/result.h"

namespace boxlite {

// Wall-clock time, for people and files. Durations are measured with std::chrono::steady_clock.
using Timestamp = TimePoint;

Timestamp now();

// A count that somebody else has sent; the longest duration when it is beyond that.
std::chrono::nanoseconds nanoseconds_from(std::uint64_t count);

// RFC 3339 in UTC with milliseconds: "2026-11-22T10:15:00.123Z".
std::string to_rfc3339(Timestamp time);
// Accepts any fraction length and "Z" or a numeric offset.
Result<Timestamp> parse_rfc3339(std::string_view text);

// A point in time by which something must have happened; waits take one instead of a length, so that the
// parts of an operation share its limit. It passes earlier when somebody asks for a stop.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline at(Clock::time_point when, std::stop_token stop = {}) {
    return Deadline(when, std::move(stop));
  }
  static Deadline after(std::chrono::milliseconds limit) { return at(Clock::now() + limit); }
  static Deadline never() { return at(Clock::time_point::max()); }
  // This one, or `limit` from now when that is earlier.
  Deadline within(std::chrono::milliseconds limit) const {
    return at(std::min(at_, Clock::now() + limit), stop_);
  }

  // Never by itself.
  bool is_never() const { return at_ == Clock::time_point::max(); }
  bool is_stopped() const { return stop_.stop_requested(); }
  bool has_passed() const { return is_stopped() || (!is_never() && Clock::now() >= at_); }
  // Milliseconds for poll(2) and epoll_wait(2): what is left, rounded up, 0 when passed, -1 for never. Never
  // long where there may be a stop, which no descriptor tells: look at has_passed() then.
  int poll_timeout_ms() const;
  Clock::time_point at() const { return at_; }
  const std::stop_token& stop() const { return stop_; }

  // How a wait ends that has come to its deadline: `cancelled` by a stop, else timed_out.
  Error error(std::string_view what) const;

 private:
  Deadline(Clock::time_point when, std::stop_token stop) : at_(when), stop_(std::move(stop)) {}
  Clock::time_point at_;
  std::stop_token stop_;
};

}  // namespace boxlite
