// SPDX-License-Identifier: Apache-2.0
#include "shimlink/health_rule.h"

#include "base/concat.h"

namespace boxlite::shimlink {

std::string_view name(HealthProbe probe) {
  switch (probe) {
    case HealthProbe::none: return "none";
    case HealthProbe::ping: return "ping";
    case HealthProbe::command: return "command";
  }
  return "none";
}

std::string_view name(HealthState state) {
  switch (state) {
    case HealthState::none: return "none";
    case HealthState::starting: return "starting";
    case HealthState::healthy: return "healthy";
    case HealthState::unhealthy: return "unhealthy";
  }
  return "none";
}

Result<HealthProbe> parse_health_probe(std::string_view text) {
  for (const auto probe : {HealthProbe::none, HealthProbe::ping, HealthProbe::command}) {
    if (name(probe) == text) return probe;
  }
  return fail(ErrorCode::invalid_argument, concat("unknown health probe ", in_quotes(text)));
}

Result<HealthState> parse_health_state(std::string_view text) {
  using enum HealthState;
  for (const auto state : {none, starting, healthy, unhealthy}) {
    if (name(state) == text) return state;
  }
  return fail(ErrorCode::invalid_argument, concat("unknown health ", in_quotes(text)));
}

}  // namespace boxlite::shimlink
