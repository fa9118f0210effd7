// SPDX-License-Identifier: Apache-2.0
#include "shim/health/restart_judge.h"

#include <algorithm>

namespace boxlite::shim {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{60'000};
constexpr milliseconds healthy_life{10'000};

bool is_success(const shimlink::ExitRecord& end) {
  return end.reason == shimlink::ExitReason::main_exited && !end.signal && end.exit_code.value_or(1) == 0;
}

}  // namespace

std::optional<milliseconds> RestartJudge::next(const shimlink::ExitRecord& end, milliseconds lasted) {
  using enum RestartMode;
  if (policy_.mode == no) return std::nullopt;
  if (policy_.mode == on_failure) {
    if (is_success(end)) return std::nullopt;
    if (policy_.max_retries != 0 && count_ >= policy_.max_retries) return std::nullopt;
  }
  if (lasted >= healthy_life) pause_ = milliseconds(0);
  pause_ = std::clamp(pause_ * 2, first_pause, longest_pause);
  ++count_;
  return pause_;
}

}  // namespace boxlite::shim
