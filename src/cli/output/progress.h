// SPDX-License-Identifier: Apache-2.0
// Shows on standard error how a pull or a start gets on: one line that is redrawn, and gone when it is done.
// Where standard error is no terminal: a plain line every few seconds of a long stage, nothing for a short
// one.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include <boxlite/box.hpp>

namespace boxlite::cli {

// The line for one report: "pull   debian:12  [=====>     ]  12.3 MB / 48.1 MB  5.2 MB/s", at most `width`
// wide.
std::string progress_line(const boxlite::Progress& progress, double bytes_per_second, std::size_t width);

// Internally locked: the callback may come from any thread.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  // Quiet: shows warnings only.
  explicit Progress(bool is_quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // Must not be called after this object went.
  ProgressCallback callback();

  // Takes the line off the terminal; the next report draws it again.
  void clear();

 private:
  void report(const boxlite::Progress& progress);
  void begin_stage(const boxlite::Progress& progress, Clock::time_point now);
  double rate(const boxlite::Progress& progress, Clock::time_point now) const;
  void draw(const boxlite::Progress& progress, Clock::time_point now);

  const bool is_quiet_;
  const bool is_terminal_;
  std::mutex mutex_;
  std::string stage_;
  std::string detail_;
  std::uint64_t first_done_ = 0;
  Clock::time_point begun_;
  Clock::time_point shown_;
  bool is_drawn_ = false;
};

}  // namespace boxlite::cli
