// SPDX-License-Identifier: Apache-2.0
// For fuzz targets of what lives on an event loop.
#pragma once

#include <chrono>

#include "linux/event_loop.h"

namespace boxlite::fuzz {

// What is ready, and what that makes ready, a few times over; never waits.
inline void turn(linux_::EventLoop& loop) {
  for (int i = 0; i < 8; ++i) {
    const auto handled = loop.run_once(Deadline::after(std::chrono::milliseconds(0)));
    if (!handled || !*handled) return;
  }
}

}  // namespace boxlite::fuzz
