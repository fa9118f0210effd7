// SPDX-License-Identifier: Apache-2.0
#include "cli/listing/network_listing.h"
#include "cli/output/json_text.h"
#include "model/fields/network.h"

namespace boxlite::cli {

namespace {

bool says_something(const NetworkRecord& record, std::string_view key, const Json& value) {
  if (key == "count") return record.type == "skipped";
  if (key == "sent" || key == "received" || key == "duration_ms") return record.type == "flow_end";
  return value != "" && value != 0;
}

}  // namespace

std::string policy_json(const NetworkSpec& network) {
  return json_document({{"enabled", network.is_enabled},
                        {"allow", network.allow},
                        {"deny", network.deny},
                        {"ask", network.ask}});
}

std::string network_record_json(const NetworkRecord& record) {
  const auto all = shown(record);
  auto object = Json::object();
  for (const auto& [key, value] : all.items()) {
    if (says_something(record, key, value)) object[key] = value;
  }
  object["time"] = network_time(record);
  return json_line(object);
}

}  // namespace boxlite::cli
