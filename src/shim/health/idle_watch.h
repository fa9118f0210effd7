// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "linux/event_loop.h"
#include "shim/mux/mux.h"

namespace boxlite::shim {

// Finds out when a box has had nothing to do for a while: no client attached and no command running but the
// main one, whatever that does. One thread: the loop's.
class IdleWatch {
 public:
  // `on_idle` is called once after each begin(). All outlive it.
  IdleWatch(linux_::EventLoop& loop, Mux& mux, std::function<void()> on_idle)
      : loop_(loop), mux_(mux), on_idle_(std::move(on_idle)) {}

  void begin(std::chrono::milliseconds limit);
  void end();

 private:
  void look_later();
  void look();
  // No client; commands may have been left running.
  void ask_guest();
  void note(bool is_busy);

  linux_::EventLoop& loop_;
  Mux& mux_;
  const std::function<void()> on_idle_;
  std::chrono::milliseconds limit_{0};
  std::uint64_t round_ = 0;  // answers of earlier ones are too late
  std::uint64_t seen_streams_ = 0;
  linux_::EventLoop::Clock::time_point last_busy_;
  linux_::EventLoop::Timer timer_;
};

}  // namespace boxlite::shim
