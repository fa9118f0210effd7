// SPDX-License-Identifier: Apache-2.0
#include "cli/options/ulimit_option.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

namespace boxlite::cli {

namespace {

std::optional<std::uint64_t> parse_bound(std::string_view text) {
  if (text == "-1" || text == "unlimited") return unlimited;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Ulimit> parse_ulimit(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  const auto bounds = text.substr(equals + 1);
  const auto colon = bounds.find(':');
  const auto soft = parse_bound(bounds.substr(0, colon));
  const auto hard = colon == std::string_view::npos ? soft : parse_bound(bounds.substr(colon + 1));
  if (!soft || !hard) return std::nullopt;
  return Ulimit{std::string(text.substr(0, equals)), *soft, *hard};
}

OptionSet::Accept accept_ulimit(std::vector<Ulimit>& target) {
  return [&target](std::string_view text) -> std::optional<std::string> {
    auto limit = parse_ulimit(text);
    if (!limit) return "is not NAME=SOFT[:HARD], as in nofile=1024:2048 or core=-1";
    std::erase_if(target, [&](const Ulimit& other) { return other.name == limit->name; });
    target.push_back(*std::move(limit));
    return std::nullopt;
  };
}

}  // namespace boxlite::cli
