// SPDX-License-Identifier: Apache-2.0
// The small JSON documents of the distribution and token protocols.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace boxlite::image {

// The access token in the answer of a token server.
Result<std::string> parse_token_answer(std::string_view json);

// "MANIFEST_UNKNOWN: manifest unknown" from an error body, bounded and printable; empty when it says nothing.
std::string describe_errors(std::string_view body);

}  // namespace boxlite::image
