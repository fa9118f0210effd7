// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace boxlite::cli {

// All of the program `boxlite`: `words` are its arguments without the program's name; gives its exit code. No
// exception leaves it.
int run_program(const std::vector<std::string>& words);

}  // namespace boxlite::cli
