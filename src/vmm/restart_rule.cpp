// SPDX-License-Identifier: Apache-2.0
#include "vmm/restart_rule.h"

#include "base/concat.h"

namespace boxlite::vmm {

std::string_view name(RestartKind kind) {
  switch (kind) {
    case RestartKind::no: return "no";
    case RestartKind::on_failure: return "on-failure";
    case RestartKind::always: return "always";
    case RestartKind::unless_stopped: return "unless-stopped";
  }
  return "no";
}

Result<RestartKind> parse_restart_kind(std::string_view text) {
  using enum RestartKind;
  for (const auto kind : {no, on_failure, always, unless_stopped}) {
    if (name(kind) == text) return kind;
  }
  return fail(ErrorCode::invalid_argument, concat("restart ", in_quotes(text), " is not known"));
}

}  // namespace boxlite::vmm
