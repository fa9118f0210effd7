// SPDX-License-Identifier: Apache-2.0
#include "box/life/announcement.h"

#include <utility>

namespace boxlite::box {

void announce(Surroundings& around, const store::BoxRecord& box, std::string_view type,
              journal::EventAttributes attributes) {
  (void)journal::EventLog(around.home())
      .append({.time = {},
               .type = std::string(type),
               .box_id = box.id,
               .box_name = box.name,
               .attributes = std::move(attributes)});
}

void count(Surroundings& around, journal::Counter counter) {
  (void)journal::Counters(around.home() / journal::counters_file_name).add(counter);
}

}  // namespace boxlite::box
