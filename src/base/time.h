// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite {

// Wall-clock time, for people and files. Durations are measured with std::chrono::steady_clock.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

Timestamp now();

// A count that somebody else has sent; the longest duration when it is beyond that.
std::chrono::nanoseconds nanoseconds_from(std::uint64_t count);

// RFC 3339 in UTC with milliseconds: "2026-11-22T10:15:00.123Z".
std::string to_rfc3339(Timestamp time);
// Accepts any fraction length and "Z" or a numeric offset.
Result<Timestamp> parse_rfc3339(std::string_view text);

// A point in time by which something must have happened; waits take one instead of a length, so that the
// parts of an operation share its limit.
class Deadline {
 public:
  static Deadline after(std::chrono::milliseconds limit) {
    return Deadline(std::chrono::steady_clock::now() + limit);
  }
  static Deadline never() { return Deadline(std::chrono::steady_clock::time_point::max()); }

  bool is_never() const { return at_ == std::chrono::steady_clock::time_point::max(); }
  bool has_passed() const { return !is_never() && std::chrono::steady_clock::now() >= at_; }
  // Milliseconds left for poll(2) and epoll_wait(2): rounded up, 0 when passed, -1 for never.
  int poll_timeout_ms() const;
  std::chrono::steady_clock::time_point at() const { return at_; }

 private:
  explicit Deadline(std::chrono::steady_clock::time_point at) : at_(at) {}
  std::chrono::steady_clock::time_point at_;
};

}  // namespace boxlite
