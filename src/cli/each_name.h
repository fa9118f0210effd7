// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <boxlite/error.hpp>

#include "cli/ending.h"
#include "cli/output/output.h"

namespace boxlite::cli {

// Does the same to everything that was named and prints what worked; one failure does not keep it from the
// others.
template <typename Action>
Outcome for_each_name(const std::vector<std::string>& names, Action action) {
  int code = exit_success;
  for (const auto& name : names) {
    const Result<void> done = action(name);
    if (done) {
      print_line(name);
    } else {
      complain(done.error());
      code = exit_failure;
    }
  }
  return code;
}

}  // namespace boxlite::cli
