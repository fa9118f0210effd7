// SPDX-License-Identifier: Apache-2.0
#include "box/status.h"

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

constexpr BoxStatus statuses[] = {BoxStatus::configured, BoxStatus::running, BoxStatus::stopping,
                                  BoxStatus::stopped,    BoxStatus::failed,  BoxStatus::paused,
                                  BoxStatus::restarting};

}  // namespace

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
