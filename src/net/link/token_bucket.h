// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace boxlite::net {

// A rate in bytes per second. What is taken may make it owe: the next one waits until that is paid. One
// thread.
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;
  // Bursts of this long pass at once.
  static constexpr double burst_seconds = 0.1;
  static constexpr double least_burst = 64 << 10;

  // 0: no limit.
  void set_rate(std::uint64_t bytes_per_second, Clock::time_point now = Clock::now()) {
    rate_ = static_cast<double>(bytes_per_second);
    burst_ = std::max(rate_ * burst_seconds, least_burst);
    available_ = burst_;
    refilled_ = now;
  }

  // Zero: now. Else how long to wait, at least.
  std::chrono::milliseconds pause(Clock::time_point now = Clock::now()) {
    if (rate_ <= 0) return {};
    available_ =
        std::min(burst_, available_ + rate_ * std::chrono::duration<double>(now - refilled_).count());
    refilled_ = now;
    if (available_ > 0) return {};
    return std::chrono::milliseconds(1 + static_cast<std::int64_t>(-available_ * 1000 / rate_));
  }
  bool is_limited() const { return rate_ > 0; }
  void take(std::size_t bytes) {
    if (rate_ > 0) available_ -= static_cast<double>(bytes);
  }

 private:
  double rate_ = 0;
  double burst_ = 0;
  double available_ = 0;
  Clock::time_point refilled_;
};

}  // namespace boxlite::net
