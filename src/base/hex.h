// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace boxlite {

// Two lower-case hexadecimal digits for each byte.
std::string to_hex(std::string_view bytes);

}  // namespace boxlite
