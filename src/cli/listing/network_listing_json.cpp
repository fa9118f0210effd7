// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/listing/network_listing.h"

namespace boxlite::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string policy_json(const NetworkSpec& network) {
  return text_of({{"enabled", network.is_enabled},
                  {"allow", network.allow},
                  {"deny", network.deny},
                  {"ask", network.ask}},
                 2) +
         "\n";
}

std::string network_record_json(const NetworkRecord& record) {
  Json object = {{"time", network_time(record)}, {"type", record.type}};
  const auto put = [&object](const char* field, const std::string& text) {
    if (!text.empty()) object[field] = text;
  };
  put("protocol", record.protocol);
  put("name", record.name);
  put("address", record.address);
  if (record.port != 0) object["port"] = record.port;
  put("verdict", record.verdict);
  put("rule", record.rule);
  put("reason", record.reason);
  if (record.type == "flow_end") {
    object["sent"] = record.sent_bytes;
    object["received"] = record.received_bytes;
    object["duration_ms"] = record.duration.count();
  }
  if (record.type == "skipped") object["count"] = record.count;
  return text_of(object, -1);
}

}  // namespace boxlite::cli
