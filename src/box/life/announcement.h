// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "box/surroundings.h"
#include "journal/counters.h"
#include "journal/event_log.h"

namespace boxlite::box {

// For whoever watches the home. A failure to say so is none of what was done.
void announce(Surroundings& around, const store::BoxRecord& box, std::string_view type,
              journal::EventAttributes attributes = {});
void count(Surroundings& around, journal::Counter counter);

}  // namespace boxlite::box
