// SPDX-License-Identifier: Apache-2.0
// The part of Docker's --format templates that people use: fields and `json`.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output/output_json.h"

namespace boxlite::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string dumped(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// ".State.Status" in `value`; nullptr when there is no such field.
const Json* field(const Json& value, std::string_view path) {
  const Json* found = &value;
  if (!path.starts_with('.')) return nullptr;
  path.remove_prefix(1);
  while (!path.empty()) {
    const auto end = path.find('.');
    if (!found->is_object()) return nullptr;
    const auto member = found->find(std::string(path.substr(0, end)));
    if (member == found->end()) return nullptr;
    found = &*member;
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return found;
}

Parsed<std::string> expanded(std::string_view action, const Json& value) {
  constexpr std::string_view json_word = "json ";
  const auto text = trimmed(action);
  const bool as_json = text.starts_with(json_word);
  const auto path = trimmed(as_json ? text.substr(json_word.size()) : text);
  const Json* found = field(value, path);
  if (found == nullptr) {
    return usage_error(fmt::format("template: no field {{{{{}}}}}", text),
                       "boxlite inspect BOX shows all fields");
  }
  if (as_json || !found->is_string()) return dumped(*found);
  return found->get<std::string>();
}

Parsed<std::string> rendered(std::string_view pattern, const Json& value) {
  std::string text;
  while (true) {
    const auto begin = pattern.find("{{");
    text += pattern.substr(0, begin);
    if (begin == std::string_view::npos) return text;
    const auto end = pattern.find("}}", begin);
    if (end == std::string_view::npos) return usage_error("template: \"{{\" without \"}}\"");
    auto part = expanded(pattern.substr(begin + 2, end - begin - 2), value);
    if (!part) return part;
    text += *part;
    pattern.remove_prefix(end + 2);
  }
}

}  // namespace

Parsed<std::string> render_template(const std::string& pattern, const std::string& json_list) {
  const auto list = Json::parse(json_list, nullptr, false);
  std::string text;
  for (const auto& element : list) {
    const auto line = rendered(pattern, element);
    if (!line) return line;
    text += *line + "\n";
  }
  return text;
}

}  // namespace boxlite::cli
