// SPDX-License-Identifier: Apache-2.0
// The states of a box, as stored.
#pragma once

#include <string_view>

#include <boxlite/box.hpp>

namespace boxlite::box {

bool may_remove(BoxStatus status);

// A name that this version does not know, written by a newer one, reads as stopped: what the machine really
// does is found out anyway.
BoxStatus parse_status(std::string_view text);

}  // namespace boxlite::box
