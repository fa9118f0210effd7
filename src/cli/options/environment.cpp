// SPDX-License-Identifier: Apache-2.0
#include "cli/options/environment.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "cli/output/text_file.h"

namespace boxlite::cli {

namespace {

void set(std::vector<EnvironmentVariable>& all, EnvironmentVariable added) {
  for (auto& [name, value] : all) {
    if (name == added.first) {
      value = std::move(added.second);
      return;
    }
  }
  all.push_back(std::move(added));
}

}  // namespace

std::optional<std::string> host_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Parsed<std::optional<EnvironmentVariable>> parse_variable(std::string_view text, const HostVariable& host) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  if (name.empty() || name.find('\0') != std::string_view::npos) {
    return usage_error(fmt::format("environment variable \"{}\" has no name", text),
                       "write it as NAME=VALUE");
  }
  if (equals != std::string_view::npos) return EnvironmentVariable(name, text.substr(equals + 1));
  auto value = host(name);
  if (!value) return std::nullopt;
  return EnvironmentVariable(name, std::move(*value));
}

Parsed<std::vector<EnvironmentVariable>> parse_env_file(std::string_view content, std::string_view origin,
                                                        const HostVariable& host) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (content.starts_with(byte_order_mark)) content.remove_prefix(byte_order_mark.size());
  std::vector<EnvironmentVariable> variables;
  for (std::size_t line_number = 1; !content.empty(); ++line_number) {
    const auto end = content.find('\n');
    auto line = content.substr(0, end);
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto name = line.substr(0, line.find('='));
    if (name.empty() || name.find_first_of(" \t") != std::string_view::npos ||
        line.find('\0') != std::string_view::npos) {
      return usage_error(fmt::format("{}:{}: \"{}\" is not NAME=VALUE", origin, line_number, line));
    }
    auto variable = parse_variable(line, host);
    if (!variable) return std::unexpected(variable.error());
    if (*variable) set(variables, std::move(**variable));
  }
  return variables;
}

Parsed<std::vector<EnvironmentVariable>> read_environment(const std::vector<std::string>& files,
                                                          const std::vector<std::string>& variables) {
  std::vector<EnvironmentVariable> all;
  for (const auto& file : files) {
    const auto content = read_text_file(file);
    if (!content) return std::unexpected(content.error());
    auto parsed = parse_env_file(*content, file, host_variable);
    if (!parsed) return std::unexpected(parsed.error());
    for (auto& variable : *parsed) set(all, std::move(variable));
  }
  for (const auto& text : variables) {
    auto parsed = parse_variable(text, host_variable);
    if (!parsed) return std::unexpected(parsed.error());
    if (*parsed) set(all, std::move(**parsed));
  }
  return all;
}

}  // namespace boxlite::cli
