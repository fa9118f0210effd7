// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace boxlite::freeze {

// The entries of /proc/<pid>/task or fd, which are numbers, in order; not_found when the process has gone.
Result<std::vector<int>> numbers_in(const std::string& directory);

}  // namespace boxlite::freeze
