// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "linux/event_loop.h"
#include "shim/mux/mux.h"
#include "wire/messages.h"

namespace boxlite::shim {

// Hears what the kernel of a box finds wrong with its disk, soon after the first time and the more seldom the
// more often: a broken disk must not fill the log of events. One thread: the loop's.
class DiskErrors {
 public:
  using OnChange = std::function<void(const wire::msg::DiskErrors&)>;

  // All outlive it.
  DiskErrors(linux_::EventLoop& loop, Mux& mux, OnChange on_change)
      : loop_(loop), mux_(mux), on_change_(std::move(on_change)) {}

  // A machine is ready.
  void begin();

 private:
  void ask(std::uint64_t machine, std::uint64_t known);

  linux_::EventLoop& loop_;
  Mux& mux_;
  const OnChange on_change_;
  std::uint64_t machine_ = 0;  // counts them: an answer of the last one is no news of this one
  std::chrono::milliseconds pause_{0};
  linux_::EventLoop::Timer next_;
};

}  // namespace boxlite::shim
