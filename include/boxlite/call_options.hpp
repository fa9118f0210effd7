// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace boxlite {

// How far a call is that takes long.
struct Progress {
  std::string stage =
      {};  // "pull", "disk", "boot", "copy", …; `warning_stage`: something the user should know
  std::string detail = {};  // what of it; of a warning: the sentence
  std::uint64_t done = 0;   // bytes; `total` is 0 when unknown
  std::uint64_t total = 0;
};
inline constexpr std::string_view warning_stage = "warning";
// Called from any thread, never by two at once; must return quickly.
using ProgressCallback = std::function<void(const Progress&)>;

// Who may end a call early, when it ends by itself, and who hears how far it is. A value: the call keeps a
// copy. A call that ends early leaves nothing half-done; what was under way when the box had been asked for
// it already (a stop, a command) goes on there.
struct CallOptions {
  // Once it is requested, the call ends within 100 ms, with `cancelled`.
  std::stop_token stop = {};
  // Once it has passed, the call ends with `timed_out`.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  ProgressCallback progress = {};

  // A call that ends after `limit`, counted from now.
  static CallOptions within(std::chrono::milliseconds limit) {
    CallOptions call;
    call.deadline = std::chrono::steady_clock::now() + limit;
    return call;
  }
};

}  // namespace boxlite
