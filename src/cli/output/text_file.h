// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/ending.h"

namespace boxlite::cli {

// A file that the user named: env files, configuration. At most 1 MiB.
Parsed<std::string> read_text_file(const std::string& path);

}  // namespace boxlite::cli
