// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::net {

// Whom a request is for, as its Host field, its target or ":authority" tells.
struct Authority {
  std::string host =
      {};  // lower-case, without final dot; an IPv6 address in its shortest form, without brackets
  std::optional<std::uint16_t> port = {};

  bool operator==(const Authority&) const = default;
};

// "example.com", "example.com:8080", "[2001:db8::1]:80", "example.com:". corrupted for all that readers could
// understand in two ways, and be it allowed by RFC 3986: user information, percent signs, empty labels.
Result<Authority> parse_authority(std::string_view text);

}  // namespace boxlite::net
