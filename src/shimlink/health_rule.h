// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace boxlite::shimlink {

enum class HealthProbe { none, ping, command };
std::string_view name(HealthProbe probe);

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

}  // namespace boxlite::shimlink
