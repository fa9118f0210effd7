// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "linux/event_loop.h"

namespace boxlite::shim {

// The host's wall clock. An interface, so that a test can turn it.
class HostClock {
 public:
  virtual ~HostClock() = default;
  virtual Timestamp now() const = 0;
  // Readable, for poll(2), once it was set, or its host woke up: watches for the next time from then on.
  // Costs nothing meanwhile.
  virtual int fd() const = 0;
  // What made the descriptor readable is seen.
  virtual Result<void> watch_again() = 0;
};

class SystemClock final : public HostClock {
 public:
  static Result<std::unique_ptr<SystemClock>> create();
  Timestamp now() const override { return boxlite::now(); }
  int fd() const override { return timer_.get(); }
  Result<void> watch_again() override;

 private:
  explicit SystemClock(UniqueFd timer) : timer_(std::move(timer)) {}
  UniqueFd timer_;
};

// Tells the guest what time it is whenever its clock may have gone wrong: after a pause, after the host's was
// set or the host slept, and now and then, since an emulated processor's clock drifts. One thread: the
// loop's.
class ClockKeeper {
 public:
  // `tell` passes a time on to a guest that can take it. All outlive it.
  ClockKeeper(linux_::EventLoop& loop, HostClock& clock, std::function<void(Timestamp)> tell)
      : loop_(loop), clock_(clock), tell_(std::move(tell)) {}

  // From now on; a guest that has just been configured knows the time.
  Result<void> begin();
  // Nothing is told until begin().
  void end();
  // As when it was set.
  void tell_now();

  // Drift of one in ten thousand, which is much, comes to a sixteenth of a second.
  static constexpr std::chrono::minutes drift_interval{10};

 private:
  void tell_later();

  linux_::EventLoop& loop_;
  HostClock& clock_;
  const std::function<void(Timestamp)> tell_;
  linux_::EventLoop::Watch watch_;
  linux_::EventLoop::Timer timer_;
};

}  // namespace boxlite::shim
