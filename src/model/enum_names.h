// SPDX-License-Identifier: Apache-2.0
// The names of the public enums, of which boxlite/*.hpp declares name(), and the way back.
#pragma once

#include <string_view>

#include <boxlite/box_spec.hpp>

#include "base/result.h"

namespace boxlite::model {

// What name() writes; invalid_argument for another word.
Result<RestartMode> parse_restart_mode(std::string_view text);

}  // namespace boxlite::model
