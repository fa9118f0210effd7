// SPDX-License-Identifier: Apache-2.0
// What this program itself says. Results go to standard output, everything else to standard error.
#pragma once

#include <string_view>

#include "cli/ending.h"

namespace boxlite::cli {

// Buffered; `finish_output` reports what could not be written.
void print(std::string_view text);
void print_line(std::string_view line);

// False when something printed could not be written (disk full); says so on standard error.
bool finish_output();

// "boxlite: <message>", then "  try: <remedy>" when there is one.
void complain(std::string_view message, std::string_view remedy = {});
inline void complain(const Ending& ending) {
  complain(ending.message, ending.remedy);
}
void warn(std::string_view message);
// A line of --debug.
void trace(std::string_view message);

}  // namespace boxlite::cli
