// SPDX-License-Identifier: Apache-2.0
#include "shimlink/health_rule.h"

namespace boxlite::shimlink {

std::string_view name(HealthProbe probe) {
  switch (probe) {
    case HealthProbe::none: return "none";
    case HealthProbe::ping: return "ping";
    case HealthProbe::command: return "command";
  }
  return {};
}

}  // namespace boxlite::shimlink
