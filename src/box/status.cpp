// SPDX-License-Identifier: Apache-2.0
#include "box/status.h"

#include <algorithm>
#include <iterator>

#include "base/concat.h"

namespace boxlite {

std::string_view name(BoxStatus status) {
  switch (status) {
    case BoxStatus::configured: return "configured";
    case BoxStatus::running: return "running";
    case BoxStatus::stopping: return "stopping";
    case BoxStatus::stopped: return "stopped";
    case BoxStatus::failed: return "failed";
    case BoxStatus::paused: return "paused";
    case BoxStatus::restarting: return "restarting";
  }
  return "failed";
}

std::string_view name(HealthStatus status) {
  switch (status) {
    case HealthStatus::none: return "none";
    case HealthStatus::starting: return "starting";
    case HealthStatus::healthy: return "healthy";
    case HealthStatus::unhealthy: return "unhealthy";
  }
  return "none";
}

}  // namespace boxlite

namespace boxlite::box {
namespace {

struct Transition {
  BoxStatus from;
  BoxStatus to;
};

constexpr Transition transitions[] = {
    {BoxStatus::configured, BoxStatus::running},  // start
    {BoxStatus::configured, BoxStatus::failed},   // start went wrong
    {BoxStatus::running, BoxStatus::stopping},    // stop
    {BoxStatus::running, BoxStatus::stopped},     // the main command ended
    {BoxStatus::running, BoxStatus::failed},      // the machine broke
    {BoxStatus::stopping, BoxStatus::stopped},
    {BoxStatus::stopping, BoxStatus::failed},
    {BoxStatus::stopping, BoxStatus::running},  // the process that stopped it was killed
    {BoxStatus::stopped, BoxStatus::running},
    {BoxStatus::stopped, BoxStatus::failed},
    {BoxStatus::failed, BoxStatus::running},
    {BoxStatus::running, BoxStatus::paused},
    {BoxStatus::paused, BoxStatus::running},
    {BoxStatus::paused, BoxStatus::stopping},
    {BoxStatus::paused, BoxStatus::failed},
    {BoxStatus::running, BoxStatus::restarting},  // its policy wants another machine
    {BoxStatus::restarting, BoxStatus::running},
    {BoxStatus::restarting, BoxStatus::stopping},
    {BoxStatus::restarting, BoxStatus::stopped},
    {BoxStatus::restarting, BoxStatus::failed},
    {BoxStatus::failed, BoxStatus::stopped},  // stop acknowledges the failure
};

constexpr BoxStatus statuses[] = {BoxStatus::configured, BoxStatus::running, BoxStatus::stopping,
                                  BoxStatus::stopped,    BoxStatus::failed,  BoxStatus::paused,
                                  BoxStatus::restarting};

}  // namespace

Result<void> check_transition(BoxStatus from, BoxStatus to) {
  const auto is_it = [&](const Transition& way) { return way.from == from && way.to == to; };
  if (from == to || std::any_of(std::begin(transitions), std::end(transitions), is_it)) return {};
  return fail(ErrorCode::invalid_state, concat("a box that is ", name(from), " cannot become ", name(to)));
}

bool may_start(BoxStatus status) {
  const bool is_up =
      status == BoxStatus::running || status == BoxStatus::paused || status == BoxStatus::restarting;
  return !is_up && check_transition(status, BoxStatus::running).has_value();
}

bool may_remove(BoxStatus status) {
  return status == BoxStatus::configured || status == BoxStatus::stopped || status == BoxStatus::failed;
}

std::span<const BoxStatus> all_statuses() {
  return statuses;
}

BoxStatus parse_status(std::string_view text) {
  for (const auto status : statuses) {
    if (name(status) == text) return status;
  }
  return BoxStatus::stopped;
}

}  // namespace boxlite::box
