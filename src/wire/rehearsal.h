// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace boxlite::wire {

// The commands that a prepared container takes before it is a box's, one after the other, by how their ids
// begin: of no effect, and run so that the next ones start sooner. The box does not hear of them. One that is
// called a main command starts as such, but in another's place.
inline constexpr std::string_view rehearsal_id = "rehearsal";

}  // namespace boxlite::wire
