// SPDX-License-Identifier: Apache-2.0
// The states of a box and the ways between them.
#pragma once

#include <span>
#include <string_view>

#include <boxlite/box.hpp>

#include "base/result.h"

namespace boxlite::box {

// invalid_state unless a box may go from one to the other. Staying is legal.
Result<void> check_transition(BoxStatus from, BoxStatus to);

bool may_start(BoxStatus status);
bool may_remove(BoxStatus status);

std::span<const BoxStatus> all_statuses();

// A name that this version does not know, written by a newer one, reads as stopped: what the machine really
// does is found out anyway.
BoxStatus parse_status(std::string_view text);

}  // namespace boxlite::box
