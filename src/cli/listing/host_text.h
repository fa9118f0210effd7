// SPDX-License-Identifier: Apache-2.0
// What `info` and `doctor` show people. Pure functions.
#pragma once

#include <string>

#include <boxlite/host.hpp>

#include "cli/output/output_json.h"
#include "cli/terminal/terminal.h"

namespace boxlite::cli {

// One line per check with its mark, remedies indented below, the verdict last.
std::string doctor_text(const HostReport& report, const Palette& palette);

std::string installation_text(const Installation& installation);

// "0.1.0 (1a2b3c4)"
std::string version_text(const Version& version);

}  // namespace boxlite::cli
