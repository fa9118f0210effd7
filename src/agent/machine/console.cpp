// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/console.h"

#include <unistd.h>

#include "base/concat.h"

namespace boxlite::agent {

void log_line(std::string_view text) {
  const auto line = concat("boxlite-agent: ", text.substr(0, 1000), "\n");
  // There is nobody left to tell when the console does not take it.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace boxlite::agent
