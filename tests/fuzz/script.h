// SPDX-License-Identifier: Apache-2.0
// For fuzz targets whose input is a script of what happens. Included by one file of a program: it steers the
// monotonic clock of everybody there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace boxlite::fuzz {

inline std::int64_t seconds_ahead = 0;

// Of an input: each step takes some of it, and an input that has ended is all zeros.
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  bool is_over() const { return left_ == 0; }
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  std::string bytes(std::size_t size) {
    std::string text;
    while (text.size() < size && left_ > 0) text += static_cast<char>(byte());
    return text;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace boxlite::fuzz

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const auto outcome = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (clock == CLOCK_MONOTONIC) time->tv_sec += boxlite::fuzz::seconds_ahead;
  return outcome;
}
