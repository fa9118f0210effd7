// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace boxlite {

// A moment of wall-clock time, in UTC. What happened in a box is told by the box's clock, which its host sets
// at every start.
using TimePoint = std::chrono::sys_time<std::chrono::nanoseconds>;

}  // namespace boxlite
