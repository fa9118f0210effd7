// SPDX-License-Identifier: Apache-2.0
// Signals of Linux x86-64 by the names people type. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace boxlite::cli {

// "KILL", "SIGKILL", "kill", "9", "RTMIN+3", "RTMAX-1": 1 to 64, or nothing.
std::optional<int> parse_signal(std::string_view text);

// "KILL"; the number where there is no name.
std::string signal_name(int signal);

}  // namespace boxlite::cli
