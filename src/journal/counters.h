// SPDX-License-Identifier: Apache-2.0
// Numbers that only grow, in a small file: one for the home, one for each box. Every process that uses the
// home, the shims included, adds to them under a flock held for microseconds; each addition is one write
// within a page, so a process that is killed leaves the file as before or as after. A power cut may take back
// the last seconds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace boxlite::journal {

// The place in the file: new ones go to the end, none is ever taken out.
enum class Counter : std::size_t {
  boxes_created,
  boxes_started,  // by a start, not by a restart policy
  boxes_failed,   // starts that failed and machines that broke
  boxes_stopped,  // machines that have ended in any other way
  boxes_removed,
  boxes_restarted,  // by their restart policy
  commands,         // begun in boxes, main commands included
  command_errors,   // of them, those whose program could not be started
  command_timeouts,
  command_oom_kills,
  bytes_to_boxes,    // of streams: stdin, files
  bytes_from_boxes,  // of streams: output, files
  images_pulled,
  image_bytes_pulled,
};
inline constexpr std::size_t counter_count = static_cast<std::size_t>(Counter::image_bytes_pulled) + 1;

class CounterValues {
 public:
  std::uint64_t& operator[](Counter counter) { return values_[static_cast<std::size_t>(counter)]; }
  std::uint64_t operator[](Counter counter) const { return values_[static_cast<std::size_t>(counter)]; }
  bool is_zero() const { return values_ == std::array<std::uint64_t, counter_count>{}; }
  CounterValues& operator+=(const CounterValues& more);
  bool operator==(const CounterValues&) const = default;

 private:
  friend class Counters;
  std::array<std::uint64_t, counter_count> values_{};
};

inline constexpr const char* counters_file_name = "counters";

// A value; any number of them may use one file.
class Counters {
 public:
  explicit Counters(std::filesystem::path file) : file_(std::move(file)) {}

  // timed_out when another process was stopped just while it added; nothing is added then. Takes at most a
  // tenth of a second.
  Result<void> add(const CounterValues& more) const;
  Result<void> add(Counter counter, std::uint64_t count = 1) const;

  // All 0 when there is no file yet.
  Result<CounterValues> read() const;

 private:
  std::filesystem::path file_;
};

}  // namespace boxlite::journal
