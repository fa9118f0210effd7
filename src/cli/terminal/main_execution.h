// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace boxlite::cli {

// The id of a box's main command.
inline const std::string main_execution = "main";

}  // namespace boxlite::cli
