// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>

#include <boxlite/error.hpp>

namespace boxlite {

// error: an operation the user asked for failed in the background. warn: it worked, but differently than
// asked. info: a box or image changed state. debug: for the developers of BoxLite.
enum class LogLevel { error, warn, info, debug };

// As in the enum. Thread-safe.
BOXLITE_API std::string_view name(LogLevel level);

// Receives every log record of one Runtime; BoxLite itself never prints. Called from any thread, several at
// once; must return quickly and must not call back into the Runtime. Empty (the default): silence.
using LogCallback = std::function<void(LogLevel, std::string_view message)>;

}  // namespace boxlite
