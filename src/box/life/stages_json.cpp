// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "box/spec/spec_json.h"

namespace boxlite::box {

using nlohmann::json;

std::string to_json(const std::vector<StartStage>& stages) {
  auto array = json::array();
  for (const auto& stage : stages) {
    array.push_back({{"name", stage.name}, {"us", static_cast<std::uint64_t>(stage.duration.count())}});
  }
  return array.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<StartStage> parse_stages(std::string_view text) {
  const auto array = json::parse(text, nullptr, false);
  std::vector<StartStage> stages;
  if (!array.is_array()) return stages;
  for (const auto& entry : array) {
    if (!entry.is_object()) continue;
    const auto name = entry.find("name");
    const auto duration = entry.find("us");
    if (name == entry.end() || !name->is_string() || duration == entry.end()) continue;
    if (!duration->is_number_integer()) continue;
    stages.push_back({name->get<std::string>(), std::chrono::microseconds(duration->get<std::int64_t>())});
  }
  return stages;
}

}  // namespace boxlite::box
