// SPDX-License-Identifier: Apache-2.0
#include "box/spec/image_config_json.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <nlohmann/json.hpp>

namespace boxlite::box {
namespace {

using nlohmann::json;

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> texts(const json& object, const char* key) {
  std::vector<std::string> list;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return list;
  for (const auto& element : *found) {
    if (element.is_string()) list.push_back(element.get<std::string>());
  }
  return list;
}

std::int64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return 0;
  return static_cast<std::int64_t>(std::min<std::uint64_t>(found->get<std::uint64_t>(), UINT32_MAX));
}

}  // namespace

std::string to_json(const oci::ImageConfig& config) {
  const json health = {{"test", config.health.test},
                       {"interval_ms", config.health.interval.count()},
                       {"timeout_ms", config.health.timeout.count()},
                       {"start_period_ms", config.health.start_period.count()},
                       {"retries", config.health.retries}};
  const json object = {{"health", health},
                       {"entrypoint", config.entrypoint},
                       {"cmd", config.cmd},
                       {"env", config.env},
                       {"working_dir", config.working_dir},
                       {"user", config.user},
                       {"exposed_ports", config.exposed_ports},
                       {"stop_signal", config.stop_signal}};
  // Image configs come from JSON, so their texts are UTF-8 already.
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<oci::ImageConfig> parse_kept_config(std::string_view kept) {
  const auto object = json::parse(kept, nullptr, false);
  if (!object.is_object()) return fail(ErrorCode::corrupted, "the stored image config of a box is not JSON");
  oci::ImageConfig config;
  config.entrypoint = texts(object, "entrypoint");
  config.cmd = texts(object, "cmd");
  config.env = texts(object, "env");
  config.working_dir = text(object, "working_dir");
  config.user = text(object, "user");
  config.exposed_ports = texts(object, "exposed_ports");
  config.stop_signal = text(object, "stop_signal");
  if (const auto health = object.find("health"); health != object.end() && health->is_object()) {
    config.health.test = texts(*health, "test");
    config.health.interval = std::chrono::milliseconds(number(*health, "interval_ms"));
    config.health.timeout = std::chrono::milliseconds(number(*health, "timeout_ms"));
    config.health.start_period = std::chrono::milliseconds(number(*health, "start_period_ms"));
    config.health.retries = static_cast<unsigned>(number(*health, "retries"));
  }
  return config;
}

}  // namespace boxlite::box
