// SPDX-License-Identifier: Apache-2.0
#include "vmm/restart_mode.h"

#include "base/concat.h"

namespace boxlite {

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

namespace boxlite::vmm {

Result<RestartMode> parse_restart_mode(std::string_view text) {
  using enum RestartMode;
  for (const auto mode : {no, on_failure, always, unless_stopped}) {
    if (name(mode) == text) return mode;
  }
  return fail(ErrorCode::invalid_argument, concat("restart ", in_quotes(text), " is not known"));
}

}  // namespace boxlite::vmm
