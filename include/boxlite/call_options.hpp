// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

namespace boxlite {

// How long a call may take, and who may end it earlier. A value; the call keeps a copy.
struct CallOptions {
  // Once it is requested, the call ends within 100 ms, with `cancelled`.
  std::stop_token stop = {};
  // Once it has passed, the call ends with `timed_out`.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
};

}  // namespace boxlite
