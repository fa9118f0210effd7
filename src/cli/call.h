// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ending.h"
#include "cli/options/global_options.h"
#include "cli/options/option_set.h"

namespace boxlite::cli {

inline constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

struct ArgumentCount {
  std::size_t least = 0;
  std::size_t most = 0;
  std::string_view wanted;  // what is missing when there are fewer: "IMAGE"
};

// One use of one command: the words after its name, and the global options given so far.
struct Call {
  std::vector<std::string> words;
  GlobalOptions global;

  // Adds the global options to `options`, parses, and checks the number of arguments.
  Parsed<Arguments> parse(OptionSet& options, const ArgumentCount& count,
                          OptionPlacement placement = OptionPlacement::anywhere);
};

}  // namespace boxlite::cli
