// SPDX-License-Identifier: Apache-2.0
#include "box/announcement.h"

#include <utility>

namespace boxlite::box {

void announce(Surroundings& around, const store::BoxRecord& box, std::string_view type,
              store::EventAttributes attributes) {
  (void)store::EventLog(around.home())
      .append({.time = {},
               .type = std::string(type),
               .box_id = box.id,
               .box_name = box.name,
               .attributes = std::move(attributes)});
}

void count(Surroundings& around, store::Counter counter) {
  (void)store::Counters(around.home() / store::counters_file_name).add(counter);
}

}  // namespace boxlite::box
