// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace boxlite::vmm {

// When the shim starts a machine that has ended by itself again.
enum class RestartKind { no, on_failure, always, unless_stopped };

// The name as Docker spells it: "on-failure".
std::string_view name(RestartKind kind);
// invalid_argument for another word.
Result<RestartKind> parse_restart_kind(std::string_view text);

struct RestartRule {
  RestartKind kind = RestartKind::no;
  std::uint64_t limit = 0;  // on_failure: at most this often; 0: no limit

  bool operator==(const RestartRule&) const = default;
};

}  // namespace boxlite::vmm
