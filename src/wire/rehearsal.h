// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace boxlite::wire {

// The one command that a prepared container takes before it is a box's, by its id: of no effect, and run so
// that the next one starts sooner. The box does not hear of it.
inline constexpr std::string_view rehearsal_id = "rehearsal";

}  // namespace boxlite::wire
