// SPDX-License-Identifier: Apache-2.0
#include "model/enum_names.h"

#include <boxlite/box.hpp>

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

std::string_view name(RestartMode mode) {
  switch (mode) {
    case RestartMode::no: return "no";
    case RestartMode::on_failure: return "on-failure";
    case RestartMode::always: return "always";
    case RestartMode::unless_stopped: return "unless-stopped";
  }
  return "no";
}

}  // namespace boxlite

namespace boxlite::model {

Result<RestartMode> parse_restart_mode(std::string_view text) {
  using enum RestartMode;
  for (const auto mode : {no, on_failure, always, unless_stopped}) {
    if (name(mode) == text) return mode;
  }
  return fail(ErrorCode::invalid_argument, concat("unknown restart ", in_quotes(text)));
}

}  // namespace boxlite::model
