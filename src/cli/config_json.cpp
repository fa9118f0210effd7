// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/options/global_options.h"
#include "cli/options/suggestion.h"
#include "model/enum_names.h"

namespace boxlite::cli {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 4> config_keys{"home", "runtime_dir", "accel", "registries"};
constexpr std::array<std::string_view, 8> registry_keys{"host",   "mirror",   "insecure", "skip_verify",
                                                        "search", "username", "password", "token"};

// Reads the members of one JSON object and remembers the first thing that is wrong.
class Fields {
 public:
  Fields(const Json& object, std::string where, std::span<const std::string_view> known)
      : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) {
      problem_ = fmt::format("{}: not an object", where_);
      return;
    }
    for (const auto& [key, value] : object_.items()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      const auto meant = nearest(key, known);
      problem_ = fmt::format("{}: unknown key \"{}\"", where_, key);
      if (!meant.empty()) problem_ += fmt::format("; did you mean \"{}\"?", meant);
    }
  }

  void text(const char* key, std::string& target) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (value->is_string()) {
      target = value->get<std::string>();
    } else {
      problem_ = fmt::format("{}: \"{}\" is not a string", where_, key);
    }
  }

  void flag(const char* key, bool& target) {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (value->is_boolean()) {
      target = value->get<bool>();
    } else {
      problem_ = fmt::format("{}: \"{}\" is neither true nor false", where_, key);
    }
  }

  const std::string& problem() const { return problem_; }

 private:
  const Json* find(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  const Json& object_;
  std::string where_;
  std::string problem_;
};

Parsed<RegistryOptions> parse_registry(const Json& entry, std::string_view origin) {
  RegistryOptions registry;
  if (entry.is_string()) {
    registry.host = entry.get<std::string>();
    registry.search = true;
    return registry;
  }
  Fields fields(entry, fmt::format("{}: registries", origin), registry_keys);
  fields.text("host", registry.host);
  fields.text("mirror", registry.mirror);
  fields.flag("insecure", registry.insecure_http);
  fields.flag("skip_verify", registry.skip_verify);
  fields.flag("search", registry.search);
  fields.text("username", registry.username);
  fields.text("password", registry.password);
  fields.text("token", registry.token);
  if (!fields.problem().empty()) return usage_error(fields.problem());
  if (registry.host.empty())
    return usage_error(fmt::format("{}: registries: an entry has no \"host\"", origin));
  return registry;
}

}  // namespace

Parsed<ConfigFile> parse_config(std::string_view content, std::string_view origin) {
  const auto json = Json::parse(content, nullptr, false, true);
  if (json.is_discarded()) return usage_error(fmt::format("{}: not valid JSON", origin));
  ConfigFile config;
  std::string accelerator;
  Fields fields(json, std::string(origin), config_keys);
  fields.text("home", config.home);
  fields.text("runtime_dir", config.runtime_dir);
  fields.text("accel", accelerator);
  if (!fields.problem().empty()) return usage_error(fields.problem());
  if (!accelerator.empty()) {
    const auto parsed = model::parse<Accelerator>(accelerator);
    if (!parsed)
      return usage_error(fmt::format("{}: accel: \"{}\" is not auto, kvm or tcg", origin, accelerator));
    config.accelerator = *parsed;
  }
  if (!json.contains("registries")) return config;
  if (!json["registries"].is_array())
    return usage_error(fmt::format("{}: \"registries\" is not a list", origin));
  for (const auto& entry : json["registries"]) {
    auto registry = parse_registry(entry, origin);
    if (!registry) return std::unexpected(registry.error());
    config.registries.push_back(std::move(*registry));
  }
  return config;
}

}  // namespace boxlite::cli
