// SPDX-License-Identifier: Apache-2.0
#include "cli/output/json_text.h"
#include "cli/output/usage_tables.h"
#include "model/fields/event.h"
#include "model/fields/metrics.h"

namespace boxlite::cli {

namespace {

Json reading_object(const Reading& reading) {
  auto object = shown(reading.later);
  object["cpu_percent"] = cpu_percent(reading.earlier, reading.later);
  return object;
}

}  // namespace

std::string stats_json(const std::vector<Reading>& readings) {
  return json_document(json_list(readings, reading_object));
}

std::string processes_json(const ProcessList& list) {
  return json_document(shown(list));
}

std::string event_json(const Event& event) {
  return json_line(shown(event));
}

}  // namespace boxlite::cli
