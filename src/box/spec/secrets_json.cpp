// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "box/spec/secrets.h"
#include "json/fields.h"

namespace boxlite::box {

std::string secret_values_to_json(const std::vector<Secret>& secrets) {
  auto object = nlohmann::json::object();
  for (const auto& secret : secrets) object[secret.name] = to_hex(secret.value);
  return object.dump();
}

Result<std::vector<std::pair<std::string, std::string>>> parse_secret_values(std::string_view json) {
  const auto object = nlohmann::json::parse(json, nullptr, false);
  if (!object.is_object()) return fail(ErrorCode::corrupted, "the box's secrets cannot be read");
  json_::Fields fields(object, "secrets");
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& [name, value] : object.items()) {
    auto bytes = fields.bytes(name.c_str());
    if (!bytes) return fail(ErrorCode::corrupted, "the box's secrets cannot be read");
    values.emplace_back(name, *std::move(bytes));
  }
  return values;
}

}  // namespace boxlite::box
