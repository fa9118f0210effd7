// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/authority.h"

#include <algorithm>
#include <charconv>

#include "netpolicy/address.h"

namespace boxlite::net {
namespace {

std::unexpected<Error> malformed() {
  return fail(ErrorCode::corrupted, "HTTP head: a malformed host");
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Result<std::string> parse_name(std::string_view text) {
  constexpr std::size_t longest = 255;
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string name(text);
  std::ranges::transform(name, name.begin(), lower);
  const auto is_part_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '-' || c == '_';
  };
  if (name.empty() || name.size() > longest || !std::ranges::all_of(name, is_part_of_name))
    return malformed();
  if (name.starts_with('.') || name.ends_with('.') || name.contains("..")) return malformed();
  return name;
}

Result<std::string> parse_v6(std::string_view text) {
  const auto address = netpolicy::IpAddress::parse(text);
  if (!address || !address->is_v6()) return malformed();
  return address->str();
}

// What stands behind the host: nothing, or a colon and up to five digits.
Result<std::optional<std::uint16_t>> parse_port(std::string_view text) {
  if (text.empty() || text == ":") return std::optional<std::uint16_t>();
  if (text.front() != ':') return malformed();
  text.remove_prefix(1);
  std::uint16_t port = 0;
  if (text.size() > 5 || !std::ranges::all_of(text, is_digit) ||
      std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc()) {
    return malformed();
  }
  return std::optional(port);
}

}  // namespace

Result<Authority> parse_authority(std::string_view text) {
  const bool is_v6 = text.starts_with('[');
  const auto end = text.find(is_v6 ? ']' : ':');
  if (is_v6 && end == std::string_view::npos) return malformed();
  const auto host = is_v6 ? text.substr(1, end - 1) : text.substr(0, end);
  const auto rest = end == std::string_view::npos ? std::string_view() : text.substr(is_v6 ? end + 1 : end);
  Authority authority;
  authority.host = BOXLITE_TRY(is_v6 ? parse_v6(host) : parse_name(host));
  authority.port = BOXLITE_TRY(parse_port(rest));
  return authority;
}

}  // namespace boxlite::net
