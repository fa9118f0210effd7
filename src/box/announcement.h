// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "box/surroundings.h"
#include "store/counters.h"
#include "store/event_log.h"

namespace boxlite::box {

// For whoever watches the home. A failure to say so is none of what was done.
void announce(Surroundings& around, const store::BoxRecord& box, std::string_view type,
              store::EventAttributes attributes = {});
void count(Surroundings& around, store::Counter counter);

}  // namespace boxlite::box
