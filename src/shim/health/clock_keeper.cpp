// SPDX-License-Identifier: Apache-2.0
#include "shim/health/clock_keeper.h"

#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include <sys/timerfd.h>
#include <unistd.h>

namespace boxlite::shim {

Result<std::unique_ptr<SystemClock>> SystemClock::create() {
  UniqueFd timer(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.is_open()) return fail(syscall_error("timerfd_create", "", errno));
  std::unique_ptr<SystemClock> clock(new SystemClock(std::move(timer)));
  BOXLITE_TRY(clock->watch_again());
  return clock;
}

// A timer that never fires, but is cancelled when the clock is set; so it is when the host wakes up.
Result<void> SystemClock::watch_again() {
  std::uint64_t fired = 0;
  (void)!::read(timer_.get(), &fired, sizeof fired);
  itimerspec never = {};
  never.it_value.tv_sec = std::numeric_limits<std::int32_t>::max();
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0 &&
      errno != ECANCELED)
    return fail(syscall_error("timerfd_settime", "", errno));
  return {};
}

Result<void> ClockKeeper::begin() {
  // What happened meanwhile is known to the guest.
  BOXLITE_TRY(clock_.watch_again());
  watch_ = BOXLITE_TRY(loop_.watch(clock_.fd(), true, false, [this](auto) {
    // Without the watching there are still the comparisons.
    if (!clock_.watch_again()) watch_.reset();
    tell_now();
  }));
  tell_later();
  return {};
}

void ClockKeeper::end() {
  watch_.reset();
  timer_.reset();
}

void ClockKeeper::tell_now() {
  tell_(clock_.now());
  tell_later();
}

void ClockKeeper::tell_later() {
  timer_ = loop_.after(drift_interval, [this] { tell_now(); });
}

}  // namespace boxlite::shim
