// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace boxlite::image {

// One way to authenticate that a server offers: `Bearer realm="https://auth…",service="…"`.
struct Challenge {
  std::string scheme;                             // lower-case
  std::map<std::string, std::string> parameters;  // names in lower-case
};

// The value of WWW-Authenticate (RFC 9110 11.6.1); several headers joined by commas. What cannot be read ends
// the list.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace boxlite::image
