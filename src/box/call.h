// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

#include <boxlite/call_options.hpp>

#include "base/result.h"
#include "base/time.h"
#include "linux/event_loop.h"

namespace boxlite::box {

// By when a call of the API must be over.
inline Deadline deadline_of(const CallOptions& options) {
  return Deadline::at(options.deadline.value_or(Deadline::Clock::time_point::max()), options.stop);
}

// A call of the API that is made of many parts: by when it must be over, and who hears how far it is. Its
// parts wait with until(), or look at stop() when they work. For as long as the call lasts.
class Call {
 public:
  // Nobody ends it and nobody hears of it.
  Call() = default;
  // `loop` asks for the stop when the deadline has come; it must run, or have ended for good.
  Call(linux_::EventLoop& loop, const CallOptions& options);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  const Deadline& until() const { return until_; }
  // For one part of it.
  Deadline within(std::chrono::milliseconds limit) const { return until_.within(limit); }
  // Requested by the caller's stop and at the deadline.
  const std::stop_token& stop() const { return stop_; }
  const ProgressCallback& progress() const { return progress_; }
  void tell(const Progress& progress) const {
    if (progress_) progress_(progress);
  }

  bool is_over() const { return until_.has_passed(); }
  // `cancelled` or timed_out once it is over: for the moments between parts.
  Result<void> check() const;
  // What ended a part because the call is over; any other error as it is.
  Error explain(Error error) const;

 private:
  struct Alarm;

  Deadline until_ = Deadline::never();
  std::stop_token stop_;
  ProgressCallback progress_;
  linux_::EventLoop* loop_ = nullptr;
  std::shared_ptr<Alarm> alarm_;
};

}  // namespace boxlite::box
