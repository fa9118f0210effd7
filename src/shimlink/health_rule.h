// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::shimlink {

enum class HealthProbe { none, ping, command };

// How the shim finds out whether a box is well.
struct HealthRule {
  HealthProbe probe = HealthProbe::none;
  std::string command_request = {};  // an ExecRequest; its id is the shim's to choose
  std::chrono::milliseconds interval{30'000};
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds start_period{0};  // failures do not count so long after the start
  unsigned retries = 3;                       // failures in a row that make it unhealthy

  bool operator==(const HealthRule&) const = default;
};

enum class HealthState { none, starting, healthy, unhealthy };

std::string_view name(HealthProbe probe);
std::string_view name(HealthState state);
// invalid_argument for another word.
Result<HealthProbe> parse_health_probe(std::string_view text);
Result<HealthState> parse_health_state(std::string_view text);

}  // namespace boxlite::shimlink
