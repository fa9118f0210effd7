// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace boxlite::agent {

// One short line on the console (descriptor 2): what went wrong where no caller could be told.
void log_line(std::string_view text);

}  // namespace boxlite::agent
