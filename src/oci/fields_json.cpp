// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "oci/fields.h"

namespace boxlite::oci::fields {
namespace {

constexpr int max_depth = 32;

// Counted before parsing, so that no tree of a million levels is ever built.
bool is_too_deep(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<nlohmann::json> parse(std::string_view json, std::string_view what, std::size_t limit) {
  if (json.size() > limit) {
    return fail(ErrorCode::corrupted, concat("parse ", what, ": larger than the limit of ", limit, " bytes"));
  }
  if (is_too_deep(json)) return fail(ErrorCode::corrupted, concat("parse ", what, ": nested too deep"));
  auto document = nlohmann::json::parse(json, nullptr, false);
  if (document.is_discarded()) return fail(ErrorCode::corrupted, concat("parse ", what, ": not valid JSON"));
  return document;
}

std::unexpected<Error> wrong(std::string_view field, std::string_view expected) {
  return fail(ErrorCode::corrupted, concat("field ", in_quotes(field), ": expected ", expected));
}

const nlohmann::json* find(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::string> text(const nlohmann::json& object, const char* key) {
  const auto* value = find(object, key);
  if (!value) return std::string();
  if (!value->is_string()) return wrong(key, "a string");
  return value->get<std::string>();
}

Result<std::uint64_t> number(const nlohmann::json& object, const char* key, std::uint64_t max) {
  const auto* value = find(object, key);
  if (!value || !value->is_number_unsigned() || value->get<std::uint64_t>() > max) {
    return wrong(key, concat("a whole number of at most ", max));
  }
  return value->get<std::uint64_t>();
}

Result<bool> flag(const nlohmann::json& object, const char* key) {
  const auto* value = find(object, key);
  if (!value) return false;
  if (!value->is_boolean()) return wrong(key, "true or false");
  return value->get<bool>();
}

Result<std::vector<std::string>> texts(const nlohmann::json& object, const char* key, std::size_t max) {
  std::vector<std::string> result;
  const auto* value = find(object, key);
  if (!value) return result;
  if (value->is_string()) {
    result.push_back(value->get<std::string>());
    return result;
  }
  if (!value->is_array() || value->size() > max)
    return wrong(key, concat("a list of at most ", max, " strings"));
  for (const auto& item : *value) {
    if (!item.is_string()) return wrong(key, "only strings in the list");
    result.push_back(item.get<std::string>());
  }
  return result;
}

Result<std::vector<std::string>> keys(const nlohmann::json& object, const char* key, std::size_t max) {
  std::vector<std::string> result;
  const auto* value = find(object, key);
  if (!value) return result;
  if (!value->is_object() || value->size() > max)
    return wrong(key, concat("an object of at most ", max, " keys"));
  for (const auto& item : value->items()) result.push_back(item.key());
  return result;
}

Result<std::map<std::string, std::string>> text_map(const nlohmann::json& object, const char* key,
                                                    std::size_t max) {
  std::map<std::string, std::string> result;
  const auto* value = find(object, key);
  if (!value) return result;
  if (!value->is_object() || value->size() > max)
    return wrong(key, concat("an object of at most ", max, " keys"));
  for (const auto& item : value->items()) {
    if (!item.value().is_string()) return wrong(key, "only strings as values");
    result.emplace(item.key(), item.value().get<std::string>());
  }
  return result;
}

}  // namespace boxlite::oci::fields
