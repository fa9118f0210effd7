// SPDX-License-Identifier: Apache-2.0
// What happens in a home. Its event log holds the keys of Event: they stay.
#pragma once

#include <boxlite/events.hpp>

#include "model/fields/views.h"

namespace boxlite::model {

void describe(auto& field, Of<Event> auto& event) {
  field("time", event.time);
  field("type", event.type);
  field("box", event.box_id);
  field("name", event.box_name);
  field("attributes", AsObject{event.attributes});
}

void describe(auto& field, Of<EventOptions> auto& options) {
  field("since", options.since);
  field("until", options.until);
  field("types", options.types);
  field("boxes", options.boxes);
}

}  // namespace boxlite::model
