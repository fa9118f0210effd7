// SPDX-License-Identifier: Apache-2.0
// Signals of Linux by the names that people and images give them. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boxlite/error.hpp>

namespace boxlite {

inline constexpr int last_signal = 64;

// "KILL", "SIGKILL", "kill", "9", "RTMIN+3", "RTMAX-1": 1 to 64, or nothing.
BOXLITE_API std::optional<int> parse_signal(std::string_view text);

// "KILL"; the number where there is no name.
BOXLITE_API std::string signal_name(int signal);

}  // namespace boxlite
