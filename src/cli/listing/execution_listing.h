// SPDX-License-Identifier: Apache-2.0
// How the commands of a box look in lists. Pure functions.
#pragma once

#include <string>
#include <vector>

#include <boxlite/execution.hpp>

#include "cli/listing/listing.h"

namespace boxlite::cli {

std::string executions_table(const std::vector<ExecutionInfo>& executions, const TableStyle& style);

// With the names of the C++ API; times are RFC 3339 with nanoseconds, null when unknown.
std::string executions_json(const std::vector<ExecutionInfo>& executions);

}  // namespace boxlite::cli
